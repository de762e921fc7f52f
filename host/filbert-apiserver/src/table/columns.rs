//! Which columns a kind has.

use crate::resource::Resource;
use serde_json::{Value, json};

const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";

const DESCRIPTIONS: &str = include_str!("descriptions.tsv");

/// What the real server says about a column.
fn description(kind: &str, column: &str) -> String {
    let mut lines = DESCRIPTIONS.lines().filter(|line| !line.starts_with('#'));
    let found = lines.find_map(|line| {
        let mut cells = line.splitn(3, '\t');
        let of = cells.next()?;
        (of == kind || of == "*").then_some(())?;
        (cells.next()? == column).then_some(())?;
        serde_json::from_str(&format!("\"{}\"", cells.next()?)).ok()
    });
    found.unwrap_or_default()
}

/// What stands in a column.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Name,
    Age,
    /// The value at a path, as custom resources name it: `.spec.size`, `.status.conditions[?(@.type=="Ready")].status`.
    Path(String),
    /// The same; `<none>` where it is absent.
    PathOrNone(&'static str),
    /// How many entries the objects at these pointers have together.
    Count(&'static [&'static str]),
    /// One number of another: `1/3`.
    Share(&'static str, &'static str),
    PodReady,
    PodStatus,
    PodRestarts,
    Ports,
    ExternalAddress,
    Labels(&'static str),
    Containers(&'static str),
    /// How long ago the first of these moments was that is there.
    Since(&'static [&'static str]),
    /// The first of these texts that is there.
    Text(&'static [&'static str]),
    /// `kind/name` of what an event is about.
    Involved,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    kind: String,
    format: String,
    description: String,
    priority: i64,
    pub(super) source: Source,
}

impl Column {
    pub(super) fn definition(&self) -> Value {
        json!({
            "name": self.name, "type": self.kind, "format": self.format, "description": self.description, "priority": self.priority,
        })
    }

    pub(super) fn is_date(&self) -> bool {
        self.kind == "date"
    }

    fn new(kind: &str, name: &str, priority: i64, source: Source) -> Self {
        let (format, description) =
            if matches!(source, Source::Name) { ("name", NAME.to_owned()) } else { ("", description(kind, name)) };
        Self {
            name: name.to_owned(),
            kind: "string".to_owned(),
            format: format.to_owned(),
            description,
            priority,
            source,
        }
    }
}

type Row = (&'static str, i64, Source);

/// The columns between name and age, and those after; priority 1 is shown by `-o wide`.
fn builtin(group: &str, kind: &str) -> (Vec<Row>, Vec<Row>) {
    use Source::{
        Containers, Count, ExternalAddress, Labels, PathOrNone, PodReady, PodRestarts, PodStatus, Ports, Share,
    };
    const IN_TEMPLATE: &str = "/spec/template/spec/containers";
    let workload =
        || vec![("Containers", 1, Containers(IN_TEMPLATE)), ("Images", 1, Source::Path("*images".to_owned()))];
    match (group, kind) {
        ("", "ConfigMap") => (vec![("Data", 0, Count(&["/data", "/binaryData"]))], vec![]),
        ("", "Secret") => (vec![("Type", 0, PathOrNone("type")), ("Data", 0, Count(&["/data"]))], vec![]),
        ("", "Namespace") => (vec![("Status", 0, PathOrNone("status.phase"))], vec![]),
        ("", "Pod") => (
            vec![("Ready", 0, PodReady), ("Status", 0, PodStatus), ("Restarts", 0, PodRestarts)],
            vec![
                ("IP", 1, PathOrNone("status.podIP")),
                ("Node", 1, PathOrNone("spec.nodeName")),
                ("Nominated Node", 1, PathOrNone("status.nominatedNodeName")),
                ("Readiness Gates", 1, PathOrNone("spec.noSuchGate")),
            ],
        ),
        ("", "Service") => (
            vec![
                ("Type", 0, PathOrNone("spec.type")),
                ("Cluster-IP", 0, PathOrNone("spec.clusterIP")),
                ("External-IP", 0, ExternalAddress),
                ("Port(s)", 0, Ports),
            ],
            vec![("Selector", 1, Labels("/spec/selector"))],
        ),
        ("", "PersistentVolumeClaim") => (
            vec![
                ("Status", 0, PathOrNone("status.phase")),
                ("Volume", 0, Source::Path(".spec.volumeName".to_owned())),
                ("Capacity", 0, Source::Path(".status.capacity.storage".to_owned())),
                ("StorageClass", 0, Source::Path(".spec.storageClassName".to_owned())),
            ],
            vec![],
        ),
        ("apps", "StatefulSet") => (vec![("Ready", 0, Share("/status/readyReplicas", "/spec/replicas"))], workload()),
        ("apps", "Deployment") => (
            vec![
                ("Ready", 0, Share("/status/readyReplicas", "/spec/replicas")),
                ("Up-to-date", 0, Source::Path("#/status/updatedReplicas".to_owned())),
                ("Available", 0, Source::Path("#/status/availableReplicas".to_owned())),
            ],
            workload(),
        ),
        ("apps", "ReplicaSet") => (
            vec![
                ("Desired", 0, Source::Path("#/spec/replicas".to_owned())),
                ("Current", 0, Source::Path("#/status/replicas".to_owned())),
                ("Ready", 0, Source::Path("#/status/readyReplicas".to_owned())),
            ],
            workload(),
        ),
        ("batch", "Job") => (vec![("Completions", 0, Share("/status/succeeded", "/spec/completions"))], workload()),
        _ => (vec![], vec![]),
    }
}

/// Events have no name in front and no age at the end.
fn events() -> Vec<Row> {
    use Source::{Involved, Name, Since, Text};
    vec![
        ("Last Seen", 0, Since(&["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/firstTimestamp"])),
        ("Type", 0, Text(&["/type"])),
        ("Reason", 0, Text(&["/reason"])),
        ("Object", 0, Involved),
        ("Subobject", 1, Text(&["/involvedObject/fieldPath"])),
        ("Source", 1, Text(&["/source/component", "/reportingComponent"])),
        ("Message", 0, Text(&["/message"])),
        ("First Seen", 1, Since(&["/firstTimestamp", "/eventTime"])),
        ("Count", 1, Source::Path(".count".to_owned())),
        ("Name", 1, Name),
    ]
}

pub(super) fn of(resource: &Resource) -> Vec<Column> {
    let kind = resource.kind.as_str();
    if resource.custom.is_none() && kind == "Event" {
        return events()
            .into_iter()
            .map(|(name, priority, source)| Column::new(kind, name, priority, source))
            .collect();
    }
    let mut columns = vec![Column::new(kind, "Name", 0, Source::Name)];
    if let Some(custom) = &resource.custom {
        for column in &custom.columns {
            let text = |name: &str| column.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let path = text("jsonPath");
            let mut description = text("description");
            if description.is_empty() {
                description = format!("Custom resource definition column (in JSONPath format): {path}");
            }
            columns.push(Column {
                name: text("name"),
                kind: text("type"),
                format: text("format"),
                description,
                priority: column.get("priority").and_then(Value::as_i64).unwrap_or(0),
                source: Source::Path(path),
            });
        }
        if custom.columns.is_empty() {
            let mut age = Column::new(kind, "Age", 0, Source::Age);
            "date".clone_into(&mut age.kind);
            columns.push(age);
        }
        return columns;
    }
    let (before, after) = builtin(&resource.group, &resource.kind);
    columns.extend(before.into_iter().map(|(name, priority, source)| Column::new(kind, name, priority, source)));
    columns.push(Column::new(kind, "Age", 0, Source::Age));
    columns.extend(after.into_iter().map(|(name, priority, source)| Column::new(kind, name, priority, source)));
    columns
}
