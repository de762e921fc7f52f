//! The official compatibility vectors, and captures from real members, read in place.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "these are tests"
)]

use hazelcast_client::schema::{Kind, Version};
use hazelcast_client::{Assembler, Header, Limits, Message, MessageType, decode, encode, table};
use std::path::PathBuf;

/// The data of the protocol, or `None` where it is not at hand.
fn conformance() -> Option<PathBuf> {
    let folder = std::env::var_os("FILBERT_CONFORMANCE")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"), PathBuf::from);
    let folder = folder.join("protocol");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("SKIPPED: there is no {}; set FILBERT_CONFORMANCE", folder.display());
    None
}

fn messages(bytes: &[u8]) -> Vec<Message> {
    let mut assembler = Assembler::new(Limits::default());
    // Odd pieces, so that every kind of cut happens somewhere.
    let mut messages = Vec::new();
    for piece in bytes.chunks(7) {
        assembler.feed(piece);
        while let Some(message) = assembler.message().unwrap() {
            messages.push(message);
        }
    }
    assert!(!assembler.is_inside_message());
    messages
}

const FILES: [(&str, u8, usize); 3] = [("2.7", 7, 948), ("2.8", 8, 981), ("2.10", 10, 985)];

#[test]
fn every_vector_decodes_and_encodes_to_the_same_bytes() {
    let Some(folder) = conformance() else { return };
    for (version, minor, count) in FILES {
        for kind in ["", ".null"] {
            let name = format!("{version}.protocol.compatibility{kind}.binary");
            let messages = messages(&std::fs::read(folder.join(&name)).unwrap());
            assert_eq!(messages.len(), count, "{name}");
            let differing: Vec<String> = messages.iter().filter_map(|message| differs(message, minor)).collect();
            assert!(differing.is_empty(), "{name}: {} differ\n{}", differing.len(), differing.join("\n"));
        }
    }
}

fn differs(message: &Message, minor: u8) -> Option<String> {
    let kind = message.message_type();
    let Some(body) = table::body(kind) else { return Some(format!("{kind}: no such message")) };
    let values = match decode(body, message) {
        Ok(values) => values,
        Err(error) => return Some(format!("{kind} {}: {error}", body.name)),
    };
    let again = encode(body, &values, Version { minor }, Header::default()).unwrap();
    if again == *message {
        return None;
    }
    let frames = |message: &Message| {
        let lines = message.frames().map(|frame| format!("    {:?} {:02x?}", frame.flags, frame.payload));
        lines.collect::<Vec<_>>().join("\n")
    };
    Some(format!("{kind} {}: {values:?}\n{}\n  again\n{}", body.name, frames(message), frames(&again)))
}

/// Newer writers are read by skipping; older ones by defaults: both through the newest tables, so what is read of an old
/// message must encode to one that begins like it.
#[test]
fn what_an_old_writer_sent_begins_what_we_send() {
    let Some(folder) = conformance() else { return };
    let bytes = std::fs::read(folder.join("2.7.protocol.compatibility.binary")).unwrap();
    for message in messages(&bytes) {
        let body = table::body(message.message_type()).unwrap();
        let again = encode(body, &decode(body, &message).unwrap(), Version::NEWEST, Header::default()).unwrap();
        assert!(again.initial().payload.starts_with(message.initial().payload), "{}", body.name);
        assert!(again.frames().count() >= message.frames().count(), "{}", body.name);
    }
}

#[test]
fn the_tables_have_the_messages_of_the_newest_index_and_no_others() {
    let Some(folder) = conformance() else { return };
    let index = std::fs::read_to_string(folder.join("2.10.index.tsv")).unwrap();
    // Our names have other capitals (`getCpMembers`) and no underscores in the middle.
    let plain = |name: &str| name.to_ascii_lowercase().replace('_', "");
    let mut expected: Vec<(u32, String, String)> = Vec::new();
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let number = u32::from_str_radix(columns[3].trim_start_matches("0x"), 16).unwrap();
        expected.push((number, plain(columns[1]), columns[2].to_owned()));
    }
    let mut found: Vec<(u32, String, String)> = Vec::new();
    for method in table::methods() {
        for body in method.bodies() {
            let (kind, event) = match body.kind {
                Kind::Request => ("request", String::new()),
                Kind::Response => ("response", String::new()),
                Kind::Event => ("event", format!(".{}", body.name)),
            };
            found.push((body.message_type.0, plain(&format!("{method}{event}")), kind.to_owned()));
        }
    }
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn each_message_is_found_by_its_type() {
    for method in table::methods() {
        for body in method.bodies() {
            let found = table::body(body.message_type).map(std::ptr::from_ref);
            assert_eq!(found, Some(std::ptr::from_ref(body)), "{method}");
        }
    }
    assert!(table::body(MessageType(0x00ff_ff00)).is_none());
}

/// Blocks of a capture: a title and the bytes, without those that the capture shortened.
fn blocks(text: &str) -> Vec<(String, Vec<u8>)> {
    let mut blocks = Vec::new();
    for block in text.split("\n== ").skip(1) {
        let mut lines = block.lines();
        let title = lines.next().unwrap_or_default().to_owned();
        if block.contains("# left out") {
            continue;
        }
        let digits: String =
            lines.filter(|line| line.contains('|')).flat_map(str::chars).filter(char::is_ascii_hexdigit).collect();
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        blocks.push((title, (0..digits.len()).step_by(2).map(byte).collect()));
    }
    blocks
}

#[test]
fn captures_from_real_members_decode() {
    let Some(folder) = conformance() else { return };
    for version in ["4.2.8", "5.3.8", "5.4.0", "5.5.0", "5.6.0", "5.7.0"] {
        let text = std::fs::read_to_string(folder.join(format!("members/captures-{version}.txt"))).unwrap();
        let blocks = blocks(&text);
        assert!(blocks.len() > 100, "{version}: {}", blocks.len());
        for (title, bytes) in blocks {
            let message =
                Message::parse(bytes, &Limits::default()).unwrap_or_else(|e| panic!("{version} {title}: {e}"));
            if title == "request unknown message type" {
                assert!(table::body(message.message_type()).is_none());
                continue;
            }
            let body = table::body(message.message_type()).unwrap_or_else(|| panic!("{version} {title}"));
            let values = decode(body, &message).unwrap_or_else(|e| panic!("{version} {title}: {e}"));
            // What was read says the same when it is written and read again.
            let again = encode(body, &values, Version::NEWEST, Header::default()).unwrap();
            assert_eq!(format!("{:?}", decode(body, &again).unwrap()), format!("{values:?}"), "{version} {title}");
        }
    }
}

#[test]
fn examples_of_what_operators_send_encode_to_the_same_bytes() {
    let Some(folder) = conformance() else { return };
    let text = std::fs::read_to_string(folder.join("operator-examples.txt")).unwrap();
    let mut others = Vec::new();
    for (title, bytes) in blocks(&text) {
        let message = Message::parse(bytes, &Limits::default()).unwrap_or_else(|e| panic!("{title}: {e}"));
        let body = table::body(message.message_type()).unwrap();
        let header = Header { correlation: message.correlation(), partition: message.partition().unwrap_or(-1) };
        let values = decode(body, &message).unwrap();
        if encode(body, &values, Version { minor: 8 }, header).unwrap() != message {
            others.push(title);
        }
    }
    // That one is in the form of protocol 2.6.
    assert_eq!(others, ["auth-response-5.3-rejected"]);
}
