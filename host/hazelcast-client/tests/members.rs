//! Real members. They are started by whoever runs these tests:
//!
//! ```sh
//! java -Dhazelcast.config=hazelcast.yaml -cp hazelcast-5.7.0.jar com.hazelcast.core.server.HazelcastMemberStarter
//! HAZELCAST_MEMBER=127.0.0.1:5701 cargo test -p hazelcast-client --test members -- --ignored
//! ```
//!
//! The cluster is named `dev`, has no security, and its Jet engine may be on or off.
#![cfg(feature = "connection")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "these are tests")]

use hazelcast_client::connection::{
    Address, CallError, Cluster, ConnectError, Credentials, Options, State, Target, View,
};
use hazelcast_client::fault::ErrorCode;
use hazelcast_client::table::{dynamic_config, map, mc, types};
use hazelcast_client::{Header, Value, Version, data, decode, encode};
use std::time::Duration;
use tokio::time::{Instant, timeout};

fn options() -> Options {
    let address = std::env::var_os("HAZELCAST_MEMBER").map(|address| address.into_string().unwrap());
    let address = address.unwrap_or_else(|| "127.0.0.1:5701".to_owned());
    let (host, port) = address.rsplit_once(':').unwrap();
    Options::new("dev", vec![Address::new(host, port.parse().unwrap())])
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

async fn until(cluster: &Cluster, holds: impl Fn(&View) -> bool) -> View {
    let mut views = cluster.views();
    let view = timeout(Duration::from_secs(20), views.wait_for(|view| holds(view))).await;
    view.unwrap_or_else(|_| panic!("{:?}", cluster.view())).unwrap().clone()
}

#[tokio::test]
#[ignore = "needs real members"]
async fn a_real_cluster_is_seen_and_managed() {
    let cluster = Cluster::connect(options());
    let all = |view: &View| !view.members.is_empty() && view.members.iter().all(|member| member.connected);
    let view = until(&cluster, all).await;
    println!("{view:?}");
    let member = view.members.first().unwrap();
    let target = Target::Member(member.uuid);

    let json = cluster.call(mc::get_timed_member_state::Request {}, target, soon()).await.unwrap();
    assert!(json.timed_member_state_json.unwrap().contains(&member.uuid.to_string()));

    for state in [1, 0] {
        cluster.call(mc::change_cluster_state::Request { new_state: state }, Target::Any, soon()).await.unwrap();
        let metadata = cluster.call(mc::get_cluster_metadata::Request {}, Target::Any, soon()).await.unwrap();
        assert_eq!(i32::from(metadata.current_state), state);
        assert_eq!(Some(metadata.cluster_id), view.cluster);
    }

    let request = dynamic_config::add_map_config::Request {
        name: "by-client".to_owned(),
        backup_count: 1,
        eviction_config: Some(types::EvictionConfigHolder {
            size: i32::MAX,
            max_size_policy: "PER_NODE".to_owned(),
            eviction_policy: "NONE".to_owned(),
            ..Default::default()
        }),
        cache_deserialized_values: "INDEX_ONLY".to_owned(),
        merge_policy: "com.hazelcast.spi.merge.PutIfAbsentMergePolicy".to_owned(),
        merge_batch_size: 100,
        in_memory_format: "BINARY".to_owned(),
        statistics_enabled: true,
        index_configs: Some(Vec::new()),
        tiered_store_config: types::TieredStoreConfig {
            enabled: false,
            memory_tier_config: types::MemoryTierConfig { capacity: types::Capacity { value: 256, unit: 2 } },
            disk_tier_config: types::DiskTierConfig {
                enabled: false,
                device_name: "default-tiered-store-device".to_owned(),
            },
        },
        ..Default::default()
    };
    cluster.call(request.clone(), target, soon()).await.unwrap();
    let other = dynamic_config::add_map_config::Request { backup_count: 2, ..request };
    let refused = cluster.call(other, target, soon()).await;
    let is_conflict = |fault: &hazelcast_client::fault::Fault| fault.code == ErrorCode::INVALID_CONFIGURATION;
    assert!(matches!(&refused, Err(CallError::Refused(fault)) if is_conflict(fault)), "{refused:?}");
    let config = cluster.call(mc::get_member_config::Request {}, target, soon()).await.unwrap().config_xml;
    assert!(config.contains("by-client"));

    let unknown = cluster.call(mc::reload_config::Request {}, target, soon()).await;
    assert!(
        matches!(&unknown, Err(CallError::Refused(fault)) if fault.code == ErrorCode::UNSUPPORTED_OPERATION),
        "{unknown:?}"
    );

    let (key, value) = (data::string("key-1"), data::string("value-1"));
    let partition = data::partition(&key, view.partition_count);
    let ask = async |body, values: Vec<Value>, response| {
        let message = encode(body, &values, Version::NEWEST, Header { correlation: 0, partition }).unwrap();
        let request = hazelcast_client::connection::Request {
            message,
            target: Target::Partition(partition),
            deadline: soon(),
            repeat: hazelcast_client::connection::Repeat::AsDeclared,
        };
        decode(response, &cluster.request(&request).await.unwrap()).unwrap()
    };
    let name = || Value::Text("by-client".to_owned());
    let bytes = |data: &hazelcast_client::Bytes| Value::Bytes(data.0.clone());
    let set = vec![name(), bytes(&key), bytes(&value), Value::Long(1), Value::Long(-1)];
    ask(&map::set::Request, set, &map::set::Response).await;
    let get = vec![name(), bytes(&key), Value::Long(1)];
    assert_eq!(ask(&map::get::Request, get, &map::get::Response).await, [bytes(&value)]);
    let view = until(&cluster, |view| view.partitions.is_some()).await;
    assert_eq!(view.partitions.unwrap().owners.len(), usize::try_from(view.partition_count).unwrap());
}

#[tokio::test]
#[ignore = "needs real members"]
async fn a_real_member_refuses_another_name_and_credentials() {
    for (options, is_name) in [
        (Options { cluster_name: "other".to_owned(), ..options() }, true),
        (
            Options {
                credentials: Credentials::Password { user: "u".to_owned(), password: "p".to_owned() },
                ..options()
            },
            false,
        ),
    ] {
        let cluster = Cluster::connect(options);
        let view = until(&cluster, |view| matches!(view.state, State::Connecting { error: Some(_), .. })).await;
        let State::Connecting { error: Some(error), .. } = view.state else { panic!() };
        match (&*error, is_name) {
            (ConnectError::ClusterName { .. }, true) | (ConnectError::Credentials { .. }, false) => {}
            (error, _) => panic!("{error:?}"),
        }
    }
}
