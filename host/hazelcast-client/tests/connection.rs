//! Connections to simulated members.
#![cfg(feature = "connection")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests")]

use hazelcast_client::connection::{
    Address, Backoff, CallError, Cluster, ConnectError, Credentials, Doubt, Options, Reach, Repeat, Request, Routing,
    State, Target, Timing, View,
};
use hazelcast_client::fault::ErrorCode;
use hazelcast_client::stand_in::{Behaviour, Group, StandIn};
use hazelcast_client::table::client::{add_cluster_view_listener, authentication, ping};
use hazelcast_client::table::mc::{change_cluster_state, get_cluster_metadata, get_timed_member_state};
use hazelcast_client::{Bytes, MessageType, Payload, Version};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Far beyond what anything here takes; what waits longer will wait for ever.
const PATIENCE: Duration = Duration::from_secs(20);

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

fn options(addresses: &[&StandIn]) -> Options {
    let mut options = Options::new("orange", addresses.iter().map(|member| member.address()).collect());
    options.backoff = Backoff { initial: Duration::from_millis(5), max: Duration::from_millis(50), ..options.backoff };
    options
}

async fn until(cluster: &Cluster, what: &str, holds: impl Fn(&View) -> bool) -> View {
    let mut views = cluster.views();
    match timeout(PATIENCE, views.wait_for(|view| holds(view))).await {
        Ok(Ok(view)) => view.clone(),
        other => panic!("waited for {what} ({other:?}): {:?}", cluster.view()),
    }
}

fn connected(count: usize) -> impl Fn(&View) -> bool {
    move |view| view.members.len() == count && view.members.iter().all(|member| member.connected)
}

/// The first error that a search for members comes to.
async fn refusal(options: Options) -> Arc<ConnectError> {
    let cluster = Cluster::connect(options);
    let failed = |view: &View| matches!(view.state, State::Connecting { error: Some(_), .. });
    let view = until(&cluster, "a refusal", failed).await;
    let State::Connecting { error: Some(error), .. } = view.state else { panic!("{view:?}") };
    error
}

#[tokio::test]
async fn a_smart_client_connects_to_every_member_of_the_list() {
    let group = Group::new("orange");
    let (a, b, c) = (group.start().await.unwrap(), group.start().await.unwrap(), group.start().await.unwrap());
    let cluster = Cluster::connect(options(&[&b]));
    let view = until(&cluster, "three members", connected(3)).await;
    let order: Vec<_> = view.members.iter().map(|member| member.uuid).collect();
    assert_eq!(order, [a.uuid(), b.uuid(), c.uuid()]);
    assert_eq!((view.cluster, view.partition_count), (Some(group.settings().cluster), 271));
    assert_eq!(view.members[0].version, (5, 7, 0));
    for member in [&a, &b, &c] {
        let answer = cluster.call(get_timed_member_state::Request {}, Target::Member(member.uuid()), soon()).await;
        let json = answer.unwrap().timed_member_state_json.unwrap();
        assert!(json.contains(&member.uuid().to_string()), "{json}");
    }
    let view = until(&cluster, "who owns what", |view| view.partitions.is_some()).await;
    assert_eq!(view.partitions.unwrap().owners.len(), 271);
    assert_eq!(until(&cluster, "a version", |view| view.cluster_version.is_some()).await.cluster_version, Some((5, 7)));
}

#[tokio::test]
async fn any_member_is_asked_in_turns_and_the_owner_of_a_partition_first() {
    let group = Group::new("orange");
    let members = [group.start().await.unwrap(), group.start().await.unwrap()];
    let cluster = Cluster::connect(options(&[&members[0]]));
    until(&cluster, "both", |view| connected(2)(view) && view.partitions.is_some()).await;
    let kind = get_cluster_metadata::Request::BODY.message_type;
    let asked =
        || group.seen().borrow().iter().filter(|seen| seen.message_type == kind).map(|s| s.member).collect::<Vec<_>>();
    for _ in 0..4 {
        cluster.call(get_cluster_metadata::Request {}, Target::Any, soon()).await.unwrap();
    }
    for member in &members {
        assert_eq!(asked().iter().filter(|uuid| **uuid == member.uuid()).count(), 2);
    }
    for partition in [1, 3, 5, 4] {
        cluster.call(get_cluster_metadata::Request {}, Target::Partition(partition), soon()).await.unwrap();
    }
    let (odd, even) = (members[1].uuid(), members[0].uuid());
    assert_eq!(asked()[4..], [odd, odd, odd, even]);
}

#[tokio::test]
async fn a_unisocket_client_has_one_connection() {
    let group = Group::new("orange");
    let (a, b) = (group.start().await.unwrap(), group.start().await.unwrap());
    let cluster = Cluster::connect(Options { routing: Routing::Single, ..options(&[&a, &b]) });
    let one = |view: &View| view.members.iter().filter(|member| member.connected).count() == 1;
    until(&cluster, "one of two", |view| view.members.len() == 2 && view.partitions.is_some() && one(view)).await;
    assert_eq!(group.count(authentication::Request::BODY.message_type), 1);
    let other = cluster.call(get_cluster_metadata::Request {}, Target::Member(b.uuid()), soon()).await;
    assert!(matches!(other, Err(CallError::MemberNotConnected(uuid)) if uuid == b.uuid()), "{other:?}");
    // Partitions of others are asked for through the one.
    cluster.call(get_cluster_metadata::Request {}, Target::Partition(1), soon()).await.unwrap();
}

#[tokio::test]
async fn members_behind_a_translator_are_reached_at_their_public_addresses() {
    let group = Group::new("orange");
    group.set(|settings| settings.behind_nat = true);
    let (a, _b) = (group.start().await.unwrap(), group.start().await.unwrap());
    let cluster = Cluster::connect(Options { reach: Reach::Public, ..options(&[&a]) });
    let view = until(&cluster, "both", connected(2)).await;
    assert_eq!(view.members[0].public_address, Some(a.address()));
    assert_eq!(view.members[0].address, Address::new("127.0.0.1", 1));
}

#[tokio::test]
async fn another_cluster_name_and_wrong_credentials_are_told_apart() {
    let group = Group::new("orange");
    let member = group.start().await.unwrap();
    let base = options(&[&member]);
    let error = refusal(Options { cluster_name: "lemon".to_owned(), ..base.clone() }).await;
    assert!(matches!(&*error, ConnectError::ClusterName { cluster, .. } if cluster == "lemon"), "{error:?}");
    let password = |password: &str| Credentials::Password { user: "maya".to_owned(), password: password.to_owned() };
    // Members without security refuse any credentials.
    let error = refusal(Options { credentials: password("pear"), ..base.clone() }).await;
    assert!(matches!(&*error, ConnectError::Credentials { .. }), "{error:?}");
    group.set(|settings| settings.credentials = password("plum"));
    let error = refusal(Options { credentials: password("pear"), ..base.clone() }).await;
    assert!(matches!(&*error, ConnectError::Credentials { .. }), "{error:?}");
    let cluster = Cluster::connect(Options { credentials: password("plum"), ..base.clone() });
    until(&cluster, "the right password", connected(1)).await;
    for credentials in [Credentials::Token(Bytes(vec![1, 2])), Credentials::Custom(Bytes(vec![3]))] {
        group.set(|settings| settings.credentials = credentials.clone());
        let cluster = Cluster::connect(Options { credentials, ..base.clone() });
        until(&cluster, "the right token", connected(1)).await;
    }
}

#[tokio::test]
async fn each_status_of_authentication_is_an_error_of_its_own() {
    let group = Group::new("orange");
    let member = group.start().await.unwrap();
    let kind = authentication::Request::BODY.message_type;
    let mut errors = Vec::new();
    for behaviour in [
        Behaviour::Status(2),
        Behaviour::Status(3),
        Behaviour::Status(9),
        Behaviour::Fault(37, "java.lang.NullPointerException", "uuid"),
        Behaviour::HangUp,
        Behaviour::Cut(11),
        Behaviour::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        Behaviour::Raw(vec![0xff; 64]),
    ] {
        group.always(kind, behaviour);
        errors.push(refusal(options(&[&member])).await.to_string());
    }
    let address = member.address();
    let expected = [
        format!("the member at `{address}` has another serialization version"),
        format!("the member at `{address}` does not allow this client"),
        format!("the member at `{address}` answers authentication with status 9"),
        format!("the member at `{address}` failed to authenticate"),
        format!("the connection to `{address}` failed before authentication"),
        format!("the connection to `{address}` failed before authentication"),
        format!("what listens at `{address}` does not talk the client protocol"),
        format!("what listens at `{address}` does not talk the client protocol"),
    ];
    assert_eq!(errors, expected);
}

#[tokio::test]
async fn addresses_where_nobody_answers_are_told() {
    let group = Group::new("orange");
    let member = group.start().await.unwrap();
    let mut base = options(&[&member]);
    group.always(authentication::Request::BODY.message_type, Behaviour::Silent);
    base.timing.connect = Duration::from_millis(50);
    assert!(matches!(&*refusal(base.clone()).await, ConnectError::Timeout { .. }));
    drop(member);
    assert!(matches!(&*refusal(base.clone()).await, ConnectError::Unreachable { .. }));
    base.addresses.clear();
    assert!(matches!(&*refusal(base).await, ConnectError::Unknown { .. }));
}

#[tokio::test]
async fn the_view_follows_members_that_join_and_leave() {
    let group = Group::new("orange");
    let a = group.start().await.unwrap();
    let cluster = Cluster::connect(options(&[&a]));
    until(&cluster, "one", connected(1)).await;
    let b = group.start().await.unwrap();
    let c = group.start().await.unwrap();
    until(&cluster, "three", connected(3)).await;
    // The one that told the list goes; another one tells it from then on.
    drop(a);
    until(&cluster, "two", |view| connected(2)(view) && view.members[0].uuid == b.uuid()).await;
    let d = group.start().await.unwrap();
    until(&cluster, "three again", connected(3)).await;
    let gone = c.uuid();
    drop(c);
    until(&cluster, "two again", |view| connected(2)(view) && view.member(gone).is_none()).await;
    let answer = cluster.call(get_cluster_metadata::Request {}, Target::Member(gone), soon()).await;
    assert!(matches!(answer, Err(CallError::MemberNotConnected(_))), "{answer:?}");
    assert!(cluster.view().member(d.uuid()).is_some());
}

#[tokio::test]
async fn a_cluster_that_comes_back_is_found_again_and_known_as_another_one() {
    let group = Group::new("orange");
    let member = group.start().await.unwrap();
    let port = member.address().port;
    let cluster = Cluster::connect(options(&[&member]));
    let before = until(&cluster, "one", connected(1)).await;
    drop(member);
    let lost = until(&cluster, "none", |view| !view.is_connected()).await;
    // What was known is still told.
    assert_eq!((lost.members.len(), lost.members[0].connected), (1, false));
    let group = Group::new("orange");
    let member = group.start_at(port).await.unwrap();
    let after = until(&cluster, "the new one", connected(1)).await;
    assert_ne!(after.cluster, before.cluster);
    assert_eq!(after.members[0].uuid, member.uuid());
}

#[tokio::test]
async fn connections_that_are_cut_are_made_again() {
    let group = Group::new("orange");
    let (a, b) = (group.start().await.unwrap(), group.start().await.unwrap());
    let cluster = Cluster::connect(options(&[&a]));
    until(&cluster, "both", connected(2)).await;
    let count = |group: &Group| group.count(authentication::Request::BODY.message_type);
    assert_eq!(count(&group), 2);
    a.hang_up();
    b.hang_up();
    let mut seen = group.seen();
    let kind = authentication::Request::BODY.message_type;
    let again = seen.wait_for(|seen| seen.iter().filter(|seen| seen.message_type == kind).count() >= 4);
    timeout(PATIENCE, again).await.unwrap().unwrap();
    until(&cluster, "both again", connected(2)).await;
}

#[tokio::test]
async fn idle_connections_are_kept_alive_and_silent_ones_are_ended() {
    let group = Group::new("orange");
    let member = group.start().await.unwrap();
    let mut options = options(&[&member]);
    options.timing =
        Timing { heartbeat: Duration::from_millis(10), silence: Duration::from_millis(400), ..options.timing };
    let cluster = Cluster::connect(options);
    until(&cluster, "one", connected(1)).await;
    let kind = ping::Request::BODY.message_type;
    let mut seen = group.seen();
    let pings = seen.wait_for(|seen| seen.iter().filter(|seen| seen.message_type == kind).count() >= 60);
    timeout(PATIENCE, pings).await.unwrap().unwrap();
    // Longer than the silence that is borne, and still the first connection.
    assert_eq!(group.count(authentication::Request::BODY.message_type), 1);
    group.always(kind, Behaviour::Silent);
    until(&cluster, "the end", |view| !view.is_connected()).await;
}

#[tokio::test]
async fn requests_without_an_answer_say_what_is_known() {
    let group = Group::new("orange");
    let member = group.start().await.unwrap();
    let cluster = Cluster::connect(options(&[&member]));
    until(&cluster, "one", connected(1)).await;
    let (reads, changes) =
        (get_cluster_metadata::Request::BODY.message_type, change_cluster_state::Request::BODY.message_type);
    let read = || cluster.call(get_cluster_metadata::Request {}, Target::Any, soon());
    let change = || cluster.call(change_cluster_state::Request { new_state: 2 }, Target::Any, soon());

    // The connection ends: what only reads is asked again, what changes something is not.
    group.next(reads, [Behaviour::HangUp]);
    assert_eq!(read().await.unwrap().current_state, 0);
    assert_eq!(group.count(reads), 2);
    until(&cluster, "one again", connected(1)).await;
    group.next(changes, [Behaviour::HangUp]);
    let answer = change().await;
    assert!(matches!(answer, Err(CallError::Uncertain(Doubt::Lost(_)))), "{answer:?}");
    assert_eq!(group.count(changes), 1);

    // Cut inside the answer.
    group.next(changes, [Behaviour::Cut(9)]);
    let answer = change().await;
    assert!(matches!(answer, Err(CallError::Uncertain(Doubt::Lost(_)))), "{answer:?}");

    // No answer in time.
    group.next(reads, [Behaviour::Silent]);
    group.next(changes, [Behaviour::Silent]);
    until(&cluster, "one again", connected(1)).await;
    let brief = || Instant::now() + Duration::from_millis(100);
    let answer = cluster.call(get_cluster_metadata::Request {}, Target::Any, brief()).await;
    assert!(matches!(answer, Err(CallError::Deadline)), "{answer:?}");
    let answer = cluster.call(change_cluster_state::Request { new_state: 2 }, Target::Any, brief()).await;
    assert!(matches!(answer, Err(CallError::Uncertain(Doubt::Deadline))), "{answer:?}");

    // Members that answer with errors.
    group.next(changes, [Behaviour::Fault(27, "java.lang.IllegalStateException", "migrating")]);
    let answer = change().await;
    assert!(matches!(&answer, Err(CallError::Refused(fault)) if fault.code == ErrorCode::ILLEGAL_STATE), "{answer:?}");
    group.next(changes, [Behaviour::Fault(33, "com.hazelcast.core.MemberLeftException", "gone")]);
    let answer = change().await;
    assert!(matches!(answer, Err(CallError::Uncertain(Doubt::Fault(_)))), "{answer:?}");
    let before = group.count(changes);
    group.next(changes, [Behaviour::Fault(46, "com.hazelcast.spi.exception.RetryableHazelcastException", "wait")]);
    change().await.unwrap();
    assert_eq!(group.count(changes), before + 2);
    assert_eq!(read().await.unwrap().current_state, 2);

    // Messages that members do not know.
    let mut bytes = get_cluster_metadata::Request {}.encode().unwrap().into_bytes();
    bytes[8] = 0x7f;
    let message = hazelcast_client::Message::parse(bytes, &hazelcast_client::Limits::default()).unwrap();
    let request = Request { message, target: Target::Any, deadline: soon(), repeat: Repeat::AsDeclared };
    let answer = cluster.request(&request).await;
    assert!(
        matches!(&answer, Err(CallError::Refused(fault)) if fault.code == ErrorCode::UNSUPPORTED_OPERATION),
        "{answer:?}"
    );

    // Nobody is there.
    drop(member);
    until(&cluster, "none", |view| !view.is_connected()).await;
    let answer = cluster.call(change_cluster_state::Request { new_state: 2 }, Target::Any, brief()).await;
    assert!(matches!(answer, Err(CallError::NotConnected)), "{answer:?}");
    cluster.close();
    until(&cluster, "closed", |view| matches!(view.state, State::Closed)).await;
    assert!(matches!(change().await, Err(CallError::Closed)));
}

#[tokio::test]
async fn a_request_that_is_given_up_does_not_disturb_others() {
    let group = Group::new("orange");
    let member = group.start().await.unwrap();
    let cluster = Cluster::connect(options(&[&member]));
    until(&cluster, "one", connected(1)).await;
    let kind = get_timed_member_state::Request::BODY.message_type;
    group.next(kind, [Behaviour::Silent]);
    let given_up = tokio::spawn({
        let cluster = cluster.clone();
        async move { cluster.call(get_timed_member_state::Request {}, Target::Any, soon()).await.map(drop) }
    });
    let mut seen = group.seen();
    timeout(PATIENCE, seen.wait_for(|seen| seen.iter().any(|seen| seen.message_type == kind))).await.unwrap().unwrap();
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    cluster.call(get_timed_member_state::Request {}, Target::Any, soon()).await.unwrap();
}

#[tokio::test]
async fn a_member_that_sends_nonsense_loses_its_connection_and_no_more() {
    let group = Group::new("orange");
    let (a, b) = (group.start().await.unwrap(), group.start().await.unwrap());
    let cluster = Cluster::connect(options(&[&a]));
    until(&cluster, "both", connected(2)).await;
    for nonsense in [vec![0xff; 32], vec![5, 0, 0, 0, 0, 0], vec![0, 0, 0, 0x40, 0, 0], b"no frames at all".to_vec()] {
        group.next(change_cluster_state::Request::BODY.message_type, [Behaviour::Raw(nonsense)]);
        let target = Target::Member(a.uuid());
        let answer = cluster.call(change_cluster_state::Request { new_state: 1 }, target, soon()).await;
        assert!(matches!(answer, Err(CallError::Uncertain(Doubt::Lost(_)))), "{answer:?}");
        cluster.call(get_cluster_metadata::Request {}, Target::Member(b.uuid()), soon()).await.unwrap();
        until(&cluster, "both again", connected(2)).await;
    }
}

#[tokio::test]
async fn members_of_older_releases_are_understood() {
    for minor in [0, 5, 6, 7, 8] {
        let group = Group::new("orange");
        group.set(|settings| settings.protocol = Version { minor });
        let (a, _b) = (group.start().await.unwrap(), group.start().await.unwrap());
        let cluster = Cluster::connect(options(&[&a]));
        until(&cluster, "both", connected(2)).await;
    }
}

#[tokio::test]
async fn answers_in_fragments_are_put_together() {
    let group = Group::new("orange");
    group.set(|settings| settings.fragment = Some(40));
    let (a, _b) = (group.start().await.unwrap(), group.start().await.unwrap());
    let cluster = Cluster::connect(options(&[&a]));
    until(&cluster, "both", connected(2)).await;
    let answer = cluster.call(get_timed_member_state::Request {}, Target::Any, soon()).await.unwrap();
    assert!(answer.timed_member_state_json.unwrap().ends_with("}}}"));
}

#[tokio::test]
async fn several_clusters_do_not_wait_for_each_other() {
    let (quick, stuck) = (Group::new("orange"), Group::new("orange"));
    let (a, b) = (quick.start().await.unwrap(), stuck.start().await.unwrap());
    stuck.always(authentication::Request::BODY.message_type, Behaviour::Silent);
    let waiting = Cluster::connect(options(&[&b]));
    let cluster = Cluster::connect(options(&[&a]));
    until(&cluster, "the quick one", connected(1)).await;
    cluster.call(get_cluster_metadata::Request {}, Target::Any, soon()).await.unwrap();
    assert!(!waiting.view().is_connected());
}

#[tokio::test]
async fn a_member_that_does_not_tell_the_list_is_left_for_one_that_does() {
    let group = Group::new("orange");
    let (a, _b) = (group.start().await.unwrap(), group.start().await.unwrap());
    let kind: MessageType = add_cluster_view_listener::Request::BODY.message_type;
    group.next(kind, [Behaviour::Fault(18, "com.hazelcast.core.HazelcastException", "no")]);
    let cluster = Cluster::connect(options(&[&a]));
    until(&cluster, "who owns what", |view| view.partitions.is_some() && connected(2)(view)).await;
    assert!(group.count(kind) >= 2);
}
