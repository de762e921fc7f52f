//! Specifications made up from the schema: those that it admits, those that are likely to be valid, and any JSON at all.
#![allow(dead_code, reason = "each test uses some of them")]

use serde_json::{Map, Value, json};

/// How many specifications are tried. The same ones each time.
pub(crate) const TRIES: u64 = 3_000;

/// Throws the same numbers for the same beginning.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next()).expect("64 bits") % bound
    }

    pub(crate) fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        from.get(self.below(from.len())).expect("there is something to pick from")
    }
}

pub(crate) const TEXTS: [&str; 16] = [
    "",
    "a",
    "dev",
    "no",
    "1e3",
    "0123",
    "a: b",
    "a\nb",
    "ä€😀",
    "-",
    "{}",
    "LoadBalancer",
    "ExternalName",
    "a,b",
    "host:1",
    "-XX:+UseG1GC",
];
const QUANTITIES: [&str; 6] = ["8Gi", "0", "1.5G", "99E", "1e30", "100m"];

fn number(dice: &mut Dice, schema: &Value) -> Value {
    let (low, high) = match schema.get("format").and_then(Value::as_str) {
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let low = schema.get("minimum").and_then(Value::as_i64).unwrap_or(low);
    let high = schema.get("maximum").and_then(Value::as_i64).unwrap_or(high);
    let at = *dice.pick(&[low, high, 0, 1, 2, 3, 5, 301, 5701, 5710, 65_535]);
    at.clamp(low, high).into()
}

/// Something that the schema admits, but for rules and lengths.
pub(crate) fn admitted(dice: &mut Dice, schema: &Value) -> Value {
    if schema.get("x-kubernetes-int-or-string").is_some() {
        return if dice.one_in(3) { json!(4096) } else { (*dice.pick(&QUANTITIES)).into() };
    }
    if let Some(Value::Array(values)) = schema.get("enum") {
        return dice.pick(values).clone();
    }
    match schema.get("type").and_then(Value::as_str).expect("a type") {
        "boolean" => dice.one_in(2).into(),
        "integer" => number(dice, schema),
        "array" => (0..dice.below(3)).map(|_| admitted(dice, schema.get("items").expect("items"))).collect(),
        "object" => {
            let mut fields = Map::new();
            let required = schema.get("required").and_then(Value::as_array);
            for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let required = required.is_some_and(|required| required.contains(&json!(name)));
                if required || dice.one_in(3) {
                    fields.insert(name.clone(), admitted(dice, field));
                }
            }
            if let Some(values) = schema.get("additionalProperties") {
                for _ in 0..dice.below(3) {
                    fields.insert((*dice.pick(&TEXTS)).to_owned(), admitted(dice, values));
                }
            }
            fields.into()
        }
        _ => (*dice.pick(&TEXTS)).into(),
    }
}

/// Any JSON.
pub(crate) fn anything(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => dice.one_in(2).into(),
        2 => json!(*dice.pick(&[0, -1, i64::MIN, i64::MAX, 70_000])),
        3 => json!(*dice.pick(&[0.5, -1e300, f64::MAX])),
        4 => (*dice.pick(&TEXTS)).into(),
        5 => (0..dice.below(3)).map(|_| anything(dice, depth - 1)).collect(),
        _ => (0..dice.below(3)).map(|_| ((*dice.pick(&TEXTS)).to_owned(), anything(dice, depth - 1))).collect(),
    }
}

/// Puts anything in one place of so many of what the schema admits.
pub(crate) fn spoilt(dice: &mut Dice, value: Value, places: usize) -> Value {
    if dice.one_in(places) {
        return anything(dice, 3);
    }
    match value {
        Value::Array(items) => items.into_iter().map(|item| spoilt(dice, item, places)).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, field)| (name, spoilt(dice, field, places))).collect(),
        other => other,
    }
}

pub(crate) fn schema(definition: &Value) -> Value {
    let path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    definition.pointer(path).expect("a definition has a schema").clone()
}

pub(crate) fn specifications(definition: &Value) -> impl Iterator<Item = Value> {
    let schema = schema(definition);
    (1..=TRIES).map(move |seed| admitted(&mut Dice::new(seed), &schema))
}

pub(crate) fn spoilt_specifications(definition: &Value) -> impl Iterator<Item = Value> {
    let schema = schema(definition);
    (1..=TRIES).map(move |seed| {
        let dice = &mut Dice::new(seed);
        let value = admitted(dice, &schema);
        // Most of what is spoilt in many places cannot even be read.
        let places = *dice.pick(&[10, 300, 3_000]);
        spoilt(dice, value, places)
    })
}

/// Names that Kubernetes takes, among them such as YAML takes for something else than a text.
const NAMES: [&str; 14] =
    ["a", "dev", "fast-disk", "no", "y", "null", "true", "e1", "x0123", "0123", "1e3", "0x1f", "x.y", "a-b-c"];
/// Sizes of claims and the like.
const SIZES: [&str; 5] = ["8Gi", "1", "1.5G", "512M", "0.5Ti"];
/// Texts that readers of YAML take for something else, or for more than one text, where nobody marks them.
pub(crate) const ODD: [&str; 40] = [
    "no",
    "No",
    "on",
    "OFF",
    "y",
    "N",
    "true",
    "1e3",
    "1.5E+3",
    "0123",
    "0o17",
    "~",
    "null",
    "Null",
    "1_000",
    "0x1f",
    "0b101",
    "2001-01-01",
    "2001-01-01T12:30:45Z",
    "12:30:45",
    "1:20",
    ".inf",
    "-.INF",
    ".nan",
    "+1",
    "-0",
    "=",
    "<<",
    "!tag",
    "&a",
    "*a",
    "a: b",
    "a #b",
    "- a",
    "? a",
    "two\nlines",
    " blanks ",
    "\ttab",
    "'\"`",
    "ä€😀\u{85}\u{2028}\u{feff}",
];

/// What may stand where the schema admits a text, told by the name of its field.
fn likely_text(dice: &mut Dice, field: &str) -> Value {
    let is_name = ["Name", "name", "Dns", "configMaps", "realm", "principal", "clientSecret"]
        .iter()
        .any(|end| field.ends_with(end));
    if is_name || matches!(field, "key" | "labels" | "nodeSelector" | "topologyKey" | "matchLabels") {
        return (*dice.pick(&NAMES)).into();
    }
    match field {
        "bucketURI" | "remoteURLs" | "address" => {
            (*dice.pick(&["s3://jars/a", "https://x/a.jar", "10.0.0.1:5701"])).into()
        }
        "discoveryServiceType" | "serviceType" => (*dice.pick(&["LoadBalancer", "NodePort", "ClusterIP"])).into(),
        "imagePullPolicy" => (*dice.pick(&["Always", "IfNotPresent", "Never"])).into(),
        "accessModes" => "ReadWriteOnce".into(),
        "capacityPolicy" => (*dice.pick(&["PER_NODE", "PER_PARTITION"])).into(),
        "version" => (*dice.pick(&["5.5.0", "5.7.0", "latest"])).into(),
        "path" => (*dice.pick(&["/", "/mc"])).into(),
        "operator" => (*dice.pick(&["Exists", "DoesNotExist"])).into(),
        "effect" => "NoSchedule".into(),
        "whenUnsatisfiable" => (*dice.pick(&["DoNotSchedule", "ScheduleAnyway"])).into(),
        "keyMaterialDuration" => "30m".into(),
        "divisor" => "1".into(),
        _ => (*dice.pick(&ODD)).into(),
    }
}

/// Something that the schema admits and that people might write: of optional fields one in so many, texts that fit, small
/// numbers.
pub(crate) fn likely(dice: &mut Dice, field: &str, schema: &Value, sparse: usize) -> Value {
    if schema.get("x-kubernetes-int-or-string").is_some() {
        return (*dice.pick(&SIZES)).into();
    }
    if let Some(Value::Array(values)) = schema.get("enum") {
        return dice.pick(values).clone();
    }
    match schema.get("type").and_then(Value::as_str).expect("a type") {
        "boolean" => dice.one_in(2).into(),
        "integer" => {
            let low = schema.get("minimum").and_then(Value::as_i64).unwrap_or(1).max(1);
            let high = schema.get("maximum").and_then(Value::as_i64).unwrap_or(i64::MAX);
            let number = if field == "port" { *dice.pick(&[5710, 5720, 5800]) } else { *dice.pick(&[1, 2, 3, 7, 512]) };
            number.clamp(low, high).into()
        }
        "array" => {
            let few =
                schema.get("minItems").and_then(Value::as_u64).map_or(0, |few| usize::try_from(few).expect("few"));
            let items = schema.get("items").expect("items");
            let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
            let mut list: Vec<Value> = Vec::new();
            for _ in 0..few + dice.below(3) {
                let item = likely(dice, field, items, sparse);
                let same = |key: &Value, other: &Value| key.as_str().is_some_and(|key| other.get(key) == item.get(key));
                let is_there = |keys: &Vec<Value>| list.iter().any(|other| keys.iter().all(|key| same(key, other)));
                if !keys.is_some_and(is_there) {
                    list.push(item);
                }
            }
            list.into()
        }
        "object" => {
            let mut fields = Map::new();
            let required = schema.get("required").and_then(Value::as_array);
            for (name, part) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if required.is_some_and(|required| required.contains(&json!(name))) || dice.one_in(sparse) {
                    fields.insert(name.clone(), likely(dice, name, part, sparse));
                }
            }
            if let Some(values) = schema.get("additionalProperties") {
                for _ in 0..dice.below(4) {
                    let keys: &[&str] = if field == "properties" { &ODD } else { &NAMES };
                    fields.insert((*dice.pick(keys)).to_owned(), likely(dice, field, values, sparse));
                }
            }
            fields.into()
        }
        _ => likely_text(dice, field),
    }
}

/// Specifications of which many are valid, from those that say little to those that say much.
pub(crate) fn likely_specifications(definition: &Value, tries: u64) -> impl Iterator<Item = Value> {
    let schema = schema(definition);
    (1..=tries).map(move |seed| {
        let dice = &mut Dice::new(seed);
        let sparse = *dice.pick(&[4, 8, 15, 30]);
        likely(dice, "spec", &schema, sparse)
    })
}
