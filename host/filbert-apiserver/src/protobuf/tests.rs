use super::*;

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 0x7f {
        out.push(u8::try_from(value & 0x7f).expect("seven bits fit") | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).expect("seven bits fit"));
    out
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn bytes(field: u64, content: &[u8]) -> Vec<u8> {
    let length = u64::try_from(content.len()).expect("test messages are short");
    [varint(field << 3 | 2), varint(length), content.to_vec()].concat()
}

fn body(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let types = [bytes(1, version.as_bytes()), bytes(2, kind.as_bytes())].concat();
    [MAGIC, &bytes(1, &types), &bytes(2, raw), &bytes(3, b""), &bytes(4, b"")].concat()
}

#[test]
fn every_type_that_a_field_has_is_in_the_table() {
    let table = table();
    assert_eq!(table.kinds["apps/v1 StatefulSet"], "apps/v1.StatefulSet");
    let special = ["b", "i", "s", "y", "meta/v1.Time", "meta/v1.MicroTime", "meta/v1.FieldsV1", "runtime.RawExtension"];
    let special = special.into_iter().chain(["resource.Quantity", "intstr.IntOrString"]).collect::<Vec<_>>();
    for (name, fields) in &table.types {
        for field in fields.values() {
            let kind = field.kind.trim_start_matches(['%', '&']);
            assert!(special.contains(&kind) || table.types.contains_key(kind), "{name}.{}: {kind}", field.name);
        }
    }
    for kind in table.kinds.values() {
        assert!(table.types.contains_key(kind), "{kind}");
    }
}

#[test]
fn what_nobody_said_is_left_out_and_an_optional_zero_is_kept() {
    let metadata = [bytes(1, b"pier"), bytes(2, b""), bytes(8, b"")].concat();
    let entry = [bytes(1, b"tide"), bytes(2, b"low")].concat();
    let metadata = [metadata, bytes(11, &entry)].concat();
    // `spec.replicas: 0`, and a container whose resources nobody limits.
    let container = [bytes(1, b"tug"), bytes(2, b"tug:1"), bytes(8, b"")].concat();
    let template = bytes(2, &bytes(2, &container));
    let spec = [number(1, 0), bytes(3, &template), number(5, 0)].concat();
    let raw = [bytes(1, &metadata), bytes(2, &spec)].concat();
    let expected = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "pier", "labels": { "tide": "low" } },
        "spec": { "replicas": 0, "template": { "spec": { "containers": [{ "name": "tug", "image": "tug:1" }] } } },
    });
    assert_eq!(decode(&body("apps/v1", "Deployment", &raw)), Ok(expected));
}

#[test]
fn times_quantities_and_ports_are_as_json_writes_them() {
    // 2026-01-02T03:04:05Z and 6 microseconds.
    let moment = [number(1, 1_767_323_045), number(2, 6000)].concat();
    let raw = bytes(2, &bytes(3, &moment));
    let lease = decode(&body("coordination.k8s.io/v1", "Lease", &raw)).unwrap();
    assert_eq!(lease["spec"]["acquireTime"], "2026-01-02T03:04:05.000006Z");
    let named = [number(1, 1), number(2, 0), bytes(3, b"http")].concat();
    let port = [number(3, 80), bytes(4, &named)].concat();
    let service = decode(&body("v1", "Service", &bytes(2, &bytes(1, &port)))).unwrap();
    assert_eq!(service["spec"]["ports"], json!([{ "port": 80, "targetPort": "http" }]));
    let entry = [bytes(1, b"storage"), bytes(2, &bytes(1, b"5Gi"))].concat();
    let claim = decode(&body("v1", "PersistentVolumeClaim", &bytes(2, &bytes(2, &bytes(2, &entry))))).unwrap();
    assert_eq!(claim["spec"]["resources"]["requests"], json!({ "storage": "5Gi" }));
    let entry = [bytes(1, b"key"), bytes(2, b"\0\xff")].concat();
    assert_eq!(decode(&body("v1", "Secret", &bytes(2, &entry))).unwrap()["data"], json!({ "key": "AP8=" }));
}

#[test]
fn members_of_a_part_without_a_name_are_those_of_its_parent() {
    let source = bytes(19, &bytes(1, &bytes(1, b"tides")));
    let volume = [bytes(1, b"data"), bytes(2, &source)].concat();
    let pod = decode(&body("v1", "Pod", &bytes(2, &bytes(1, &volume)))).unwrap();
    assert_eq!(pod["spec"]["volumes"], json!([{ "name": "data", "configMap": { "name": "tides" } }]));
}

#[test]
fn nonsense_is_refused() {
    let malformed = |body: &[u8]| matches!(decode(body), Err(BadProtobuf::Malformed(_)));
    assert!(malformed(b"{}"));
    assert!(malformed(b"k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
    let whole = body("v1", "ConfigMap", &bytes(1, &bytes(1, b"tide")));
    assert!(malformed(&body("v1", "ConfigMap", b"\x0a\x05ab")));
    assert!(malformed(&body("v1", "ConfigMap", &number(1, 7))), "a number is no metadata");
    assert_eq!(decode(&whole[..12]), Err(BadProtobuf::Malformed("the message is cut off")));
    assert_eq!(
        decode(&body("example.dev/v1", "Widget", b"")),
        Err(BadProtobuf::UnknownKind("example.dev/v1 Widget".to_owned()))
    );
}
