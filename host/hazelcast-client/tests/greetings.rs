//! What real members say when a client comes, in full.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "these are tests")]

use hazelcast_client::table::client::add_cluster_view_listener::{ClusterVersion, MembersView};
use hazelcast_client::table::client::authentication::Response;
use hazelcast_client::table::types::{Address, MemberVersion, Version};
use hazelcast_client::{Limits, Message, Payload};

fn capture(title: &str) -> Message {
    let text = include_str!("greetings.txt");
    let blocks = text.split("\n== ").skip(1).map(|block| block.split_once('\n').unwrap());
    let (_, frames) = blocks.into_iter().find(|(found, _)| *found == title).unwrap();
    let bytes = frames.split_whitespace().filter(|byte| *byte != "|").map(|byte| u8::from_str_radix(byte, 16).unwrap());
    Message::parse(bytes.collect(), &Limits::default()).unwrap()
}

#[test]
fn members_of_every_age_say_who_they_are() {
    for (release, members, key_values) in [("4.2.8", -1, 0), ("5.3.8", -1, 0), ("5.7.0", 1, 1)] {
        let answer = Response::decode(&capture(&format!("{release} let in"))).unwrap();
        assert_eq!((answer.status, answer.server_hazelcast_version.as_str()), (0, release));
        let address = Address { host: "127.10.0.1".to_owned(), port: 5701 };
        assert_eq!((answer.address, answer.partition_count, answer.failover_supported), (Some(address), 271, false));
        assert!(answer.member_uuid.is_some() && answer.cluster_id.is_some());
        // Members before 5.4 do not send the list; what is missing has the default of its type.
        let list = if members < 0 { (0, 0) } else { (members, 1) };
        assert_eq!((answer.member_list_version, i32::try_from(answer.member_infos.len()).unwrap()), list);
        assert_eq!(answer.key_value_pairs.len(), key_values);
    }
}

#[test]
fn another_cluster_name_is_status_1_with_or_without_identifiers() {
    for (release, anonymous) in [("4.2.8", false), ("5.3.8", true), ("5.7.0", true)] {
        let answer = Response::decode(&capture(&format!("{release} another cluster name"))).unwrap();
        assert_eq!((answer.status, answer.cluster_id.is_none()), (1, anonymous), "{release}");
    }
}

#[test]
fn the_list_of_members_is_read_in_the_order_of_joining() {
    let MembersView { version, member_infos } = MembersView::decode(&capture("5.7.0 three members")).unwrap();
    let hosts: Vec<&str> = member_infos.iter().map(|member| member.address.host.as_str()).collect();
    assert_eq!((version, hosts), (3, vec!["127.10.0.1", "127.10.0.3", "127.10.0.2"]));
    assert_eq!(member_infos[0].version, MemberVersion { major: 5, minor: 7, patch: 0 });
    let version = ClusterVersion::decode(&capture("5.7.0 cluster version")).unwrap().version;
    assert_eq!(version, Version { major: 5, minor: 7 });
}
