//! The definitions of an existing operator, held against what a real API server answered with them.
//!
//! The data are read where they lie (`FILBERT_CONFORMANCE`, by default `../shared/conformance` beside the workspace); without
//! them the tests say that they were skipped.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "recorded data has the shape it has, and a test may stop where it has not"
)]

use filbert_apiserver::crd::{CrdVersion, check_definition};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const VERSION: &str = "v1alpha1";

fn data() -> Option<PathBuf> {
    let path = std::env::var_os("FILBERT_CONFORMANCE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"), PathBuf::from);
    if path.join("crds").is_dir() {
        return Some(path);
    }
    writeln!(std::io::stderr(), "skipped: no conformance data in {}", path.display())
        .expect("standard error takes a line");
    None
}

fn documents(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("the file can be read");
    serde_saphyr::from_multiple(&text).expect("the file is YAML")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    files.sort();
    files
}

/// Every definition, by kind.
fn kinds(data: &Path) -> BTreeMap<String, CrdVersion> {
    let definitions = files(&data.join("crds")).into_iter().flat_map(|file| documents(&file));
    definitions
        .map(|definition| {
            let kind = definition["spec"]["names"]["kind"].as_str().expect("a definition names its kind").to_owned();
            let stored = check_definition(&definition).unwrap_or_else(|errors| panic!("{kind} is refused: {errors}"));
            let version = CrdVersion::compile(&stored, VERSION).unwrap_or_else(|errors| panic!("{kind}: {errors}"));
            (kind, version)
        })
        .collect()
}

/// What a create does: the stored object, or the refusal as `kubectl` shows it.
fn create(kinds: &BTreeMap<String, CrdVersion>, mut object: Value) -> Result<Value, String> {
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    let version = kinds.get(&kind).unwrap_or_else(|| panic!("{kind} has no definition"));
    let mut unknown = Vec::new();
    version.prune(&mut object, &mut unknown);
    if !unknown.is_empty() {
        let fields: Vec<String> = unknown.iter().map(|field| format!("unknown field {field:?}")).collect();
        return Err(format!(
            "Error from server (BadRequest): error when creating \"STDIN\": {kind} in version \"{VERSION}\" cannot be handled as a {kind}: \
             strict decoding error: {}",
            fields.join(", ")
        ));
    }
    version.default(&mut object);
    let mut stored = object.clone();
    stored["metadata"]["namespace"] = json!("n");
    let errors = version.validate(None, &stored);
    if errors.is_empty() {
        return Ok(object);
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let mut text = format!("The {kind} \"{name}\" is invalid: ");
    match errors.0.as_slice() {
        [only] => text.push_str(&only.to_string()),
        several => {
            for error in several {
                write!(text, "\n* {error}").expect("a text takes more text");
            }
        }
    }
    Err(text)
}

#[test]
fn definitions_are_accepted_and_compile() {
    if let Some(data) = data() {
        assert_eq!(kinds(&data).len(), 16);
    }
}

#[test]
fn samples_are_defaulted_or_refused_as_by_a_real_server() {
    let Some(data) = data() else { return };
    let kinds = kinds(&data);
    let text = std::fs::read_to_string(data.join("samples-defaulted.json")).expect("the file can be read");
    let expected: Value = serde_json::from_str(&text).expect("the file is JSON");
    for file in files(&data.join("samples")) {
        let name = file.file_name().and_then(|name| name.to_str()).expect("file names are text");
        let answers: Result<Vec<Value>, String> =
            documents(&file).into_iter().map(|object| create(&kinds, object)).collect();
        let expected = &expected[name];
        match answers {
            Ok(objects) => assert_eq!(expected, &json!({"accepted": true, "objects": objects}), "{name}"),
            Err(error) => assert_eq!(expected, &json!({"accepted": false, "error": error}), "{name}"),
        }
    }
}

/// The resources that are changed in one place each.
fn base(kind: &str) -> Value {
    match kind {
        "Hazelcast" | "ManagementCenter" => json!({"licenseKeySecretName": "key"}),
        "Map" | "Cache" | "HotBackup" => json!({"hazelcastResourceName": "hazelcast"}),
        "WanReplication" => {
            json!({"resources": [{"name": "map", "kind": "Map"}], "targetClusterName": "dev", "endpoints": "10.0.0.1"})
        }
        "JetJob" => json!({"hazelcastResourceName": "hazelcast", "state": "Running", "jarName": "a.jar"}),
        "CronHotBackup" => {
            json!({"schedule": "* * * * *", "hotBackupTemplate": {"spec": {"hazelcastResourceName": "hazelcast"}}})
        }
        other => panic!("no base for {other}"),
    }
}

/// What each change puts where in the specification; null takes the field away.
fn changes() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let hz = "Hazelcast";
    vec![
        ("HZ clusterSize -1", hz, "/clusterSize", json!(-1)),
        ("HZ clusterSize 0", hz, "/clusterSize", json!(0)),
        ("HZ clusterSize \"3\"", hz, "/clusterSize", json!("3")),
        ("HZ licenseKeySecretName \"\"", hz, "/licenseKeySecretName", json!("")),
        ("HZ spec missing", hz, "spec", Value::Null),
        ("HZ spec {}", hz, "spec", json!({})),
        ("HZ env HZ_X", hz, "/env", json!([{"name": "HZ_X", "value": "1"}])),
        ("HZ env FOO", hz, "/env", json!([{"name": "FOO", "value": "1"}])),
        ("HZ env FOO dup", hz, "/env", json!([{"name": "FOO", "value": "1"}, {"name": "FOO", "value": "2"}])),
        ("HZ imagePullPolicy Sometimes", hz, "/imagePullPolicy", json!("Sometimes")),
        ("HZ loggingLevel VERBOSE", hz, "/loggingLevel", json!("VERBOSE")),
        ("HZ highAvailabilityMode X", hz, "/highAvailabilityMode", json!("X")),
        ("HZ exposeExternally.type X", hz, "/exposeExternally", json!({"type": "X"})),
        ("HZ exposeExternally.memberAccess ClusterIP", hz, "/exposeExternally", json!({"memberAccess": "ClusterIP"})),
        ("HZ exposeExternally {}", hz, "/exposeExternally", json!({})),
        ("HZ persistence {}", hz, "/persistence", json!({})),
        ("HZ persistence baseDir rel", hz, "/persistence", json!({"baseDir": "rel"})),
        ("HZ persistence clusterDataRecoveryPolicy X", hz, "/persistence", json!({"clusterDataRecoveryPolicy": "X"})),
        ("HZ persistence.pvc {}", hz, "/persistence", json!({"pvc": {}})),
        (
            "HZ restore bucket no secret",
            hz,
            "/persistence",
            json!({"restore": {"bucketConfig": {"bucketURI": "s3://bucket"}}}),
        ),
        (
            "HZ restore two sources",
            hz,
            "/persistence",
            json!({"restore": {"bucketConfig": {"bucketURI": "s3://bucket"}, "hotBackupResourceName": "b"}}),
        ),
        ("HZ nativeMemory allocatorType X", hz, "/nativeMemory", json!({"allocatorType": "X"})),
        ("HZ cpSubsystem member 1", hz, "/cpSubsystem", json!({"memberCount": 1})),
        ("HZ cpSubsystem {}", hz, "/cpSubsystem", json!({})),
        ("HZ advancedNetwork wan port", hz, "/advancedNetwork", json!({"wan": [{"port": 70000}]})),
        ("HZ localDevices no pvc", hz, "/localDevices", json!([{"name": "device"}])),
        ("HZ unknown field (strict)", hz, "/fooBar", json!(1)),
        ("HZ clusterName \"\"", hz, "/clusterName", json!("")),
        ("HZ jet instance lossless", hz, "/jet", json!({"instance": {"cooperativeThreadCount": 0}})),
        ("HZ tls {}", hz, "/tls", json!({})),
        ("HZ tls mutualAuthentication X", hz, "/tls", json!({"secretName": "s", "mutualAuthentication": "X"})),
        ("HZ serializers", hz, "/serialization", json!({"byteOrder": "X"})),
        ("HZ durableExecutorServices cap -1", hz, "/durableExecutorServices", json!([{"name": "e", "capacity": -1}])),
        (
            "HZ scheduledExecutor capacityPolicy X",
            hz,
            "/scheduledExecutorServices",
            json!([{"name": "e", "capacityPolicy": "X"}]),
        ),
        ("MAP no hazelcastResourceName", "Map", "/hazelcastResourceName", Value::Null),
        ("MAP hazelcastResourceName \"\"", "Map", "/hazelcastResourceName", json!("")),
        ("MAP backupCount -1", "Map", "/backupCount", json!(-1)),
        ("MAP backupCount 7", "Map", "/backupCount", json!(7)),
        ("MAP backupCount 3+async 4", "Map", "/backupCount", json!(3)),
        ("MAP eviction policy X", "Map", "/eviction", json!({"evictionPolicy": "X"})),
        ("MAP inMemoryFormat X", "Map", "/inMemoryFormat", json!("X")),
        ("MAP index type X", "Map", "/indexes", json!([{"type": "X"}])),
        ("MAP nearCache no ev", "Map", "/nearCache", json!({})),
        ("MAP ttl -1", "Map", "/timeToLiveSeconds", json!(-1)),
        ("MAP mapStore no className", "Map", "/mapStore", json!({})),
        ("MAP entryListeners no class", "Map", "/entryListeners", json!([{"local": true}])),
        ("MC replicas", "ManagementCenter", "/externalConnectivity", json!({"type": "X"})),
        ("MC no license", "ManagementCenter", "/licenseKeySecretName", Value::Null),
        ("MC cluster no address", "ManagementCenter", "/hazelcastClusters", json!([{"name": "dev"}])),
        ("WAN queue capacity 0", "WanReplication", "/queue", json!({"capacity": 0})),
        ("WAN ack X", "WanReplication", "/acknowledgement", json!({"type": "X"})),
        ("WAN no endpoints", "WanReplication", "/endpoints", Value::Null),
        ("WAN resources bad kind", "WanReplication", "/resources", json!([{"name": "m", "kind": "X"}])),
        ("JETJOB state X", "JetJob", "/state", json!("X")),
        ("JETJOB no jarName", "JetJob", "/jarName", Value::Null),
        ("JETJOB lowercase", "JetJob", "/jarName", json!("LOWER.jar")),
        ("CACHE keyType", "Cache", "/persistenceEnabled", json!("yes")),
        ("CRON schedule bad", "CronHotBackup", "/schedule", json!("bad")),
        ("CRON history -1", "CronHotBackup", "/successfulHotBackupsHistoryLimit", json!(-1)),
        ("HOTBACKUP no hz", "HotBackup", "/hazelcastResourceName", Value::Null),
    ]
}

#[test]
fn wrong_resources_are_refused_in_the_words_of_a_real_server() {
    let Some(data) = data() else { return };
    let kinds = kinds(&data);
    let text = std::fs::read_to_string(data.join("negative.tsv")).expect("the file can be read");
    let expected: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('\t')).collect();
    let mut answered = 0;
    for (name, kind, place, value) in changes() {
        let mut object = json!({
            "apiVersion": format!("hazelcast.com/{VERSION}"), "kind": kind, "metadata": {"name": "neg"}, "spec": base(kind)
        });
        let (holder, field) = match place.strip_prefix('/') {
            Some(field) => (object.get_mut("spec"), field),
            None => (Some(&mut object), place),
        };
        let holder = holder.and_then(Value::as_object_mut).expect("every base has a specification");
        match value {
            Value::Null => holder.remove(field),
            value => holder.insert(field.to_owned(), value),
        };
        let answer = match create(&kinds, object) {
            Ok(_) => "ACCEPTED".to_owned(),
            Err(error) => error.replace('\n', " ; "),
        };
        let expected = expected.get(name).unwrap_or_else(|| panic!("no answer recorded for {name}"));
        assert_eq!(&answer, expected, "{name}");
        answered += 1;
    }
    assert_eq!(answered, expected.len(), "every recorded answer is asked for");
}
