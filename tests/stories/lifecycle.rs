//! What happens to running members when people change their minds: how many there are, what they are, and from what they
//! start. Each story is about one such change; pods are what it is told by.

use filbert_tests::story::{Deed, Story};
use filbert_tests::world::{Beginning, World};
use serde_json::{Value, json};

use crate::support::{center, cluster, hazelcast, holding, management_center, secret, settles, stateful_set, waits};

/// A claim for data.
fn disk() -> Value {
    json!({"pvc": {"accessModes": ["ReadWriteOnce"], "requestStorage": "8Gi"}})
}

/// The Secret with a certificate, made for these stories and used nowhere else.
fn certificate() -> Value {
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBKzCB0QIUQNhmJcrBpfSDZgDFHDbXt1pEuIcwCgYIKoZIzj0EAwIwHDEaMBgG
A1UEAwwRaGFyYm91ciBhdXRob3JpdHkwIBcNMjYxMTIxMTk0NTMyWhgPMjEyNjEw
MjgxOTQ1MzJaMBIxEDAOBgNVBAMMB2hhcmJvdXIwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARjYd5jpjq6Jt3Q8UFOj7KBcGKmF45bI9yetH/PtCSMEdzQoY+tcy7B
vwreIK+Vz9U60Ky8Dz5dq7lGFeO5YAMRMAoGCCqGSM49BAMCA0kAMEYCIQCvTZII
CrjNliZ2rI4t2qIDJTW5rnCU8TeYSX+Fip1wtwIhAPyQdWP6CoEo9NVEjnuezBFS
3raPVazyTqvmbQX7YWa/
-----END CERTIFICATE-----";
    const KEY: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIEAEdRFVjbpL8kheuEc7rHYZq8ECX4UfPiROYQJ5QXZzoAoGCCqGSM49
AwEHoUQDQgAEY2HeY6Y6uibd0PFBTo+ygXBipheOWyPcnrR/z7QkjBHc0KGPrXMu
wb8K3iCvlc/VOtCsvA8+Xau5RhXjuWADEQ==
-----END EC PRIVATE KEY-----";
    json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"tls.crt": CERTIFICATE, "tls.key": KEY}})
}

/// A world with a licence and a certificate in it.
async fn with_secrets() -> World {
    let world = World::begin(Beginning::default()).await;
    world.apply(&secret("licence"), &holding("license-key", "xyz")).await;
    world.apply(&secret("harbour"), &certificate()).await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_stop_one_after_the_other_and_as_many_stay_as_backups_take() {
    let key = hazelcast("library");
    let of = |size: u32, durability: u32| {
        let executors = json!([{"name": "tasks", "durability": durability}]);
        let spec = json!({"clusterSize": size, "durableExecutorServices": executors, "exposeExternally": {}});
        Deed::Applies(&key, cluster("library", spec))
    };
    let world = World::start().await;
    let mut story = Story::begin("scaling", "Members stop one after the other", world, key.clone()).await;
    story.prelude(of(4, 2)).await;
    story.act("A person wants one member: three stay, for two backups", of(1, 2), waits).await;
    story.world.hold_pods_back();
    story.act("A person wants five, and the new ones do not become ready", of(5, 2), waits).await;
    story.act("A person wants three again: nobody stops while another one starts", of(3, 2), waits).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_with_data_come_back_from_a_pause_as_many_as_they_were() {
    let key = hazelcast("archive");
    let of = |size: u32, more: Value| {
        let mut persistence = disk();
        persistence.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        let spec = json!({"clusterSize": size, "licenseKeySecretName": "licence", "persistence": persistence, "cpSubsystem": {}});
        Deed::Applies(&key, cluster("archive", spec))
    };
    let mut story = Story::begin("pause", "A pause of members with data", with_secrets().await, key.clone()).await;
    story.prelude(of(3, json!({}))).await;
    story.act("A person pauses the cluster: all members stop, nothing else changes", of(0, json!({})), settles).await;
    let action = json!({"startupAction": "PartialStart", "dataRecoveryTimeout": 60});
    story.act("A person resumes it, and some of its data may be missing", of(3, action), settles).await;
    let action = json!({"startupAction": "ForceStart"});
    story.act("A person wants it to start empty, which nobody does", of(3, action), settles).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_are_no_longer_wanted_after_a_pause_bring_their_data_first() {
    let key = hazelcast("archive");
    let of = |size: u32| {
        let spec = json!({"clusterSize": size, "licenseKeySecretName": "licence", "persistence": disk()});
        Deed::Applies(&key, cluster("archive", spec))
    };
    let opening = "Fewer members after a pause than before";
    let mut story = Story::begin("fewer-after-pause", opening, with_secrets().await, key.clone()).await;
    story.prelude(of(3)).await;
    story.prelude(of(0)).await;
    story.act("A person wants two of three members back: all come, and one stops", of(2), settles).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_take_another_version_one_after_the_other_and_go_back() {
    let key = hazelcast("library");
    let of = |version: &str| {
        let safety = json!({"automaticClusterVersionUpgrade": false});
        let spec =
            json!({"clusterSize": 2, "licenseKeySecretName": "licence", "version": version, "dataSafety": safety});
        Deed::Applies(&key, cluster("library", spec))
    };
    let mut story = Story::begin("version", "Another version of members", with_secrets().await, key.clone()).await;
    story.prelude(of("5.6.0")).await;
    story.world.hold_pods_back();
    story.act("A person wants a later version: the first new member does not become ready", of("5.7.1"), waits).await;
    story.act("The person goes back while one member is new", of("5.6.0"), waits).await;
    story.act("The member becomes ready", Deed::LetsPodsStart, settles).await;
    story.act("The person tries again", of("5.7.1"), settles).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_source_members_become_enterprise_ones() {
    let key = hazelcast("library");
    let of = |more: Value| {
        let mut spec = json!({"clusterSize": 2});
        spec.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        Deed::Applies(&key, cluster("library", spec))
    };
    let mut story = Story::begin("edition", "Another edition of members", with_secrets().await, key.clone()).await;
    story.prelude(of(json!({}))).await;
    let licensed = json!({"licenseKeySecretName": "licence"});
    story.act("A person has a licence", of(licensed), settles).await;
    let back = json!({"repository": "docker.io/hazelcast/hazelcast"});
    story.act("The licence ends", of(back), settles).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_encrypt_from_now_on() {
    let key = hazelcast("library");
    let of = |tls: Value| {
        let mut spec = json!({"clusterSize": 2, "licenseKeySecretName": "licence"});
        spec.as_object_mut().expect("fields").extend(tls.as_object().expect("fields").clone());
        Deed::Applies(&key, cluster("library", spec))
    };
    let mut story =
        Story::begin("encryption", "Certificates for members that run", with_secrets().await, key.clone()).await;
    story.prelude(of(json!({}))).await;
    let tls = |name: &str| json!({"tls": {"secretName": name}});
    story.act("A person names a certificate", of(tls("harbour")), settles).await;
    story.act("A person names one that is not there: members keep theirs", of(tls("later")), settles).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_start_from_a_backup() {
    let key = hazelcast("archive");
    let of = |size: u32| {
        let mut persistence = disk();
        persistence["restore"] = json!({"localConfig": {"backupFolder": "backup-1"}});
        let spec = json!({"clusterSize": size, "licenseKeySecretName": "licence", "persistence": persistence});
        Deed::Applies(&key, cluster("archive", spec))
    };
    let mut story =
        Story::begin("restore", "Members that start from a backup", with_secrets().await, key.clone()).await;
    story.prelude(of(0)).await;
    story.world.hold_pods_back();
    story.act("A person starts a cluster that was made with a backup", of(2), waits).await;
    story.act("Its members become ready", Deed::LetsPodsStart, settles).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_no_admission_saw_is_named_and_nothing_is_done_for_it() {
    let key = hazelcast("archive");
    let of = |folder: &str, version: &str| {
        let mut persistence = disk();
        persistence["restore"] = json!({"localConfig": {"backupFolder": folder}});
        let spec = json!({"clusterSize": 1, "licenseKeySecretName": "licence", "persistence": persistence, "version": version});
        Deed::Applies(&key, cluster("archive", spec))
    };
    let opening = "A change that admission would have refused";
    let mut story = Story::begin("unaccepted-change", opening, with_secrets().await, key.clone()).await;
    story.prelude(of("backup-1", "5.6.0")).await;
    let before = story.world.get(&stateful_set("archive")).await;
    let sentence = "A person wants another backup in members that run, and another version of them";
    story.act(sentence, of("backup-2", "5.7.1"), waits).await;
    assert_eq!(story.world.get(&stateful_set("archive")).await, before);
    story.act("The person takes the one back, and the other is done", of("backup-1", "5.7.1"), settles).await;
    story.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_management_center_starts_again_for_another_version_and_not_for_other_labels() {
    let key = management_center("tower");
    let of = |version: &str, team: &str| {
        Deed::Applies(&key, center("tower", json!({"version": version, "labels": {"team": team}})))
    };
    let world = World::start().await;
    let mut story = Story::begin("center-version", "Another version of a Management Center", world, key.clone()).await;
    story.prelude(of("5.10.0", "blue")).await;
    story.act("A person wants other labels", of("5.10.0", "red"), settles).await;
    story.act("A person wants another version", of("5.11.1", "red"), settles).await;
    story.end();
}
