//! Properties of the codec over arbitrary messages and arbitrary bytes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "these are tests"
)]

use hazelcast_client::frame::Flags;
use hazelcast_client::schema::{Body, Field, Method, Type};
use hazelcast_client::table::{self, client, dynamic_config, types};
use hazelcast_client::{
    Assembler, Call, FrameError, Header, Limits, Message, Payload, Uuid, Value, Version, decode, encode, fragments,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

fn bodies() -> Vec<&'static Body> {
    table::methods().flat_map(Method::bodies).chain([&table::fault::Response]).collect()
}

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

/// Values of a type. Floats are those that equal themselves.
fn of_type(ty: Type) -> BoxedStrategy<Value> {
    let float = prop::num::f32::NORMAL;
    match ty {
        Type::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Type::Byte => any::<u8>().prop_map(Value::Byte).boxed(),
        Type::Int => any::<i32>().prop_map(Value::Int).boxed(),
        Type::Long => any::<i64>().prop_map(Value::Long).boxed(),
        Type::Float => float.prop_map(Value::Float).boxed(),
        Type::Uuid => uuid().prop_map(Value::Uuid).boxed(),
        Type::Text => vec(any::<char>(), 0..6).prop_map(|text| Value::Text(text.into_iter().collect())).boxed(),
        Type::Bytes => vec(any::<u8>(), 0..20).prop_map(Value::Bytes).boxed(),
        Type::Packed(Type::Int) => vec(any::<i32>(), 0..4).prop_map(Value::Ints).boxed(),
        Type::Packed(Type::Long) => vec(any::<i64>(), 0..4).prop_map(Value::Longs).boxed(),
        Type::Packed(Type::Float) => vec(float, 0..4).prop_map(Value::Floats).boxed(),
        Type::Packed(_) => vec(uuid(), 0..4).prop_map(Value::Uuids).boxed(),
        Type::List { of, nullable } => vec(maybe(*of, nullable), 0..3).prop_map(Value::List).boxed(),
        Type::Entries(key, value) => vec((of_type(*key), of_type(*value)), 0..3).prop_map(Value::Entries).boxed(),
        Type::Record(record) => fields(record.fields).prop_map(Value::Record).boxed(),
        Type::Opaque => vec(vec(any::<u8>(), 0..9), 0..3).prop_map(|inside| Value::Opaque(structure(&inside))).boxed(),
    }
}

/// A structure of frames, one of them a structure again.
fn structure(inside: &[Vec<u8>]) -> Vec<u8> {
    let frame = |flags: Flags, payload: &[u8]| {
        let length = u32::try_from(payload.len() + 6).unwrap();
        [&length.to_le_bytes()[..], &flags.0.to_le_bytes(), payload].concat()
    };
    let (begin, end) = (frame(Flags::BEGIN, &[]), frame(Flags::END, &[]));
    let payloads = inside.iter().flat_map(|payload| frame(Flags::default(), payload)).collect::<Vec<_>>();
    [begin.clone(), begin, payloads, end.clone(), end].concat()
}

fn maybe(ty: Type, nullable: bool) -> BoxedStrategy<Value> {
    if nullable { prop_oneof![Just(Value::Null), of_type(ty)].boxed() } else { of_type(ty) }
}

fn fields(fields: &'static [Field]) -> BoxedStrategy<Vec<Value>> {
    fields.iter().map(|field| maybe(field.ty, field.nullable)).collect::<Vec<_>>().boxed()
}

fn message() -> impl Strategy<Value = (&'static Body, Vec<Value>, Message)> {
    let header = (any::<i64>(), -1..300).prop_map(|(correlation, partition)| Header { correlation, partition });
    (prop::sample::select(bodies()), header).prop_flat_map(|(body, header)| {
        fields(body.fields).prop_map(move |values| {
            let message = encode(body, &values, Version::NEWEST, header).unwrap();
            (body, values, message)
        })
    })
}

#[test]
fn every_message_comes_back_as_it_was_encoded() {
    let mut runner = TestRunner::deterministic();
    for body in bodies() {
        for _ in 0..12 {
            let values = fields(body.fields).new_tree(&mut runner).unwrap().current();
            let message = encode(body, &values, Version::NEWEST, Header::default()).unwrap();
            assert_eq!(Message::parse(message.bytes().to_vec(), &Limits::default()).as_ref(), Ok(&message));
            assert_eq!(decode(body, &message).as_ref(), Ok(&values), "{}", body.name);
        }
    }
}

/// Values without those that a writer of `version` does not send.
fn known(fields: &[Field], values: &[Value], version: Version) -> Vec<Value> {
    let known = |(field, value): (&Field, &Value)| match (field.ty, value) {
        _ if field.since > version && field.nullable => Value::Null,
        _ if field.since > version => field.ty.default_value(),
        (ty, value) => inside(ty, value, version),
    };
    fields.iter().zip(values).map(known).collect()
}

fn inside(ty: Type, value: &Value, version: Version) -> Value {
    match (ty, value) {
        (Type::Record(record), Value::Record(values)) => Value::Record(known(record.fields, values, version)),
        (Type::List { of, .. }, Value::List(values)) => {
            Value::List(values.iter().map(|value| inside(*of, value, version)).collect())
        }
        (Type::Entries(key, value), Value::Entries(entries)) => {
            let entry = |(k, v): &(Value, Value)| (inside(*key, k, version), inside(*value, v, version));
            Value::Entries(entries.iter().map(entry).collect())
        }
        _ => value.clone(),
    }
}

/// How much memory values take, roughly and from below.
fn weight(value: &Value) -> usize {
    let own = match value {
        Value::Text(it) => it.capacity(),
        Value::Bytes(it) | Value::Opaque(it) => it.capacity(),
        Value::Ints(it) => it.capacity() * 4,
        Value::Longs(it) => it.capacity() * 8,
        Value::Floats(it) => it.capacity() * 4,
        Value::Uuids(it) => it.capacity() * 16,
        Value::List(it) | Value::Record(it) => it.iter().map(weight).sum(),
        Value::Entries(it) => it.iter().map(|(key, value)| weight(key) + weight(value)).sum(),
        _ => 0,
    };
    own + size_of::<Value>()
}

/// What a hostile peer can make of a message: cut it, and change bytes of it.
fn mangled() -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (message(), changes, any::<prop::sample::Index>(), any::<bool>()).prop_map(|((_, _, message), changes, at, cut)| {
        let mut bytes = message.into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(at.index(bytes.len()));
        }
        bytes
    })
}

const SMALL: Limits = Limits { frame_bytes: 1 << 12, message_bytes: 1 << 14, frames: 64 };

/// Reads all of `bytes` as every message that it could be taken for.
fn read(bytes: &[u8], body: &'static Body) {
    let mut assembler = Assembler::new(SMALL);
    for piece in bytes.chunks(100) {
        assembler.feed(piece);
        loop {
            match assembler.message() {
                Ok(Some(message)) => {
                    assert!(message.bytes().len() <= SMALL.message_bytes);
                    let _: (Option<i32>, bool) = (message.partition(), message.is_event());
                    for body in table::body(message.message_type()).into_iter().chain([body]) {
                        let mut message = message.clone().into_bytes();
                        message[6..10].copy_from_slice(&body.message_type.0.to_le_bytes());
                        let message = Message::parse(message, &SMALL).unwrap();
                        if let Ok(values) = decode(body, &message) {
                            let defaults = values.len() * 4096;
                            let bound = 12 * message.bytes().len() + defaults;
                            assert!(values.iter().map(weight).sum::<usize>() <= bound);
                        }
                    }
                }
                Ok(None) => break,
                Err(_) => return,
            }
            assert!(assembler.held() <= 2 * SMALL.message_bytes + 100);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn older_writers_leave_out_what_they_do_not_know((body, values, _) in message(), minor in 0_u8..=10) {
        let version = Version { minor };
        let message = encode(body, &values, version, Header::default()).unwrap();
        prop_assert_eq!(decode(body, &message).unwrap(), known(body.fields, &values, version));
    }

    #[test]
    fn what_is_not_known_is_skipped((body, values, message) in message(), surplus in vec(any::<u8>(), 0..20)) {
        // A newer writer: more fixed bytes, and a structure after the last field.
        let frames: Vec<_> = message.frames().collect();
        let mut bytes = Vec::new();
        for (at, frame) in frames.iter().enumerate() {
            let more: &[u8] = if at == 0 && fixed_size(body) == frame.payload.len() { &surplus } else { &[] };
            let length = u32::try_from(6 + frame.payload.len() + more.len()).unwrap();
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&frame.flags.without(Flags::FINAL).0.to_le_bytes());
            bytes.extend_from_slice(frame.payload);
            bytes.extend_from_slice(more);
        }
        let mut end = structure(&[surplus]);
        let last = end.len() - 1;
        end[last] |= 0x20;
        bytes.extend(end);
        let message = Message::parse(bytes, &Limits::default()).unwrap();
        prop_assert_eq!(decode(body, &message).unwrap(), values);
    }

    #[test]
    fn fragments_of_any_size_make_the_same_message(
        (_, _, first) in message(), (_, _, second) in message(), size in 1_usize..80, piece in 1_usize..40,
    ) {
        // The fragments of two messages, taken in turns.
        let (a, b) = (fragments(&first, size, 1), fragments(&second, size, 2));
        let mut bytes = Vec::new();
        for at in 0..a.len().max(b.len()) {
            bytes.extend(a.get(at).into_iter().chain(b.get(at)).flatten());
        }
        let mut assembler = Assembler::new(Limits::default());
        let mut found = Vec::new();
        for piece in bytes.chunks(piece) {
            assembler.feed(piece);
            while let Some(message) = assembler.message().unwrap() {
                found.push(message);
            }
        }
        prop_assert!(!assembler.is_inside_message());
        let expected = if b.len() < a.len() { [second, first] } else { [first, second] };
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..400), body in prop::sample::select(bodies())) {
        read(&bytes, body);
    }

    #[test]
    fn mangled_messages_are_read_or_refused(bytes in vec(mangled(), 1..3), body in prop::sample::select(bodies())) {
        read(&bytes.concat(), body);
    }
}

fn fixed_size(body: &Body) -> usize {
    body.kind.fixed_from() + body.fields.iter().filter_map(|field| field.ty.fixed_size()).sum::<usize>()
}

#[test]
fn a_message_cut_anywhere_is_refused() {
    let request = client::authentication::Request { cluster_name: "dev".to_owned(), ..Default::default() };
    let bytes = request.encode().unwrap().into_bytes();
    for end in 0..bytes.len() {
        assert_eq!(Message::parse(bytes[..end].to_vec(), &Limits::default()), Err(FrameError::Truncated), "{end}");
    }
    let twice = bytes.repeat(2);
    assert_eq!(Message::parse(twice, &Limits::default()), Err(FrameError::Trailing(bytes.len())));
}

#[test]
fn a_length_is_refused_before_its_bytes_come() {
    for (length, error) in [
        (5, FrameError::Length(5)),
        (-1, FrameError::Length(-1)),
        (i32::MAX, FrameError::FrameTooLong { bytes: 0x7fff_ffff, limit: SMALL.frame_bytes }),
    ] {
        let mut assembler = Assembler::new(SMALL);
        assembler.feed(&length.to_le_bytes());
        assert_eq!(assembler.message(), Err(error));
    }
}

#[test]
fn messages_without_end_are_refused_at_the_limits() {
    let feed = |frame: &[u8]| {
        let mut assembler = Assembler::new(SMALL);
        for count in 1.. {
            assembler.feed(frame);
            if let Err(error) = assembler.message() {
                return (count, error);
            }
        }
        unreachable!()
    };
    assert_eq!(feed(&[6, 0, 0, 0, 0, 0]), (65, FrameError::TooManyFrames { limit: 64 }));
    let mut long = vec![0; 4096];
    long[1] = 0x10;
    assert_eq!(feed(&long), (5, FrameError::MessageTooLong { limit: 1 << 14 }));
    // Fragments that begin and never end.
    let mut id = 0_u8;
    let mut assembler = Assembler::new(SMALL);
    let error = loop {
        let begin = [14, 0, 0, 0, 0, 0xa0, id, 0, 0, 0, 0, 0, 0, 0];
        assembler.feed(&begin);
        if let Err(error) = assembler.message() {
            break error;
        }
        id += 1;
    };
    assert_eq!(error, FrameError::Fragment { id: 16, problem: "is one of too many at once" });
}

#[test]
fn structs_and_tables_say_the_same() {
    let request = dynamic_config::add_map_config::Request {
        name: "orders".to_owned(),
        backup_count: 1,
        eviction_config: Some(types::EvictionConfigHolder { size: 7, ..Default::default() }),
        index_configs: Some(vec![types::IndexConfig { attributes: vec!["age".to_owned()], ..Default::default() }]),
        ..Default::default()
    };
    let message = request.clone().encode().unwrap();
    assert_eq!(dynamic_config::add_map_config::Request::decode(&message), Ok(request));
    assert_eq!(dynamic_config::add_map_config::Request::METHOD.to_string(), "DynamicConfig.addMapConfig");
    assert!(client::ping::Request::decode(&message).is_err());
}

#[test]
fn a_value_of_another_type_is_refused_by_name() {
    let body = &client::create_proxy::Request;
    let values = [Value::Text("a".to_owned()), Value::Int(1)];
    let error = encode(body, &values, Version::NEWEST, Header::default()).unwrap_err();
    assert_eq!(error.to_string(), "the value of `service_name` in `create_proxy` is not of its type");
    assert!(encode(body, &[], Version::NEWEST, Header::default()).is_err());
}

#[test]
fn values_stay_small() {
    assert!(size_of::<Value>() <= 32);
}
