//! What of a specification cannot change, as it was when steps last went on with it. It stands in the status, which nobody
//! writes who may only edit the resource: so a change that no admission saw is found in passes, and what runs stays as it is.

use filbert_guest::{Context, Resource, Violation, json as strict};
use hazelcast_api::hazelcast::Spec;
use hazelcast_api::{Hazelcast, ManagementCenter, management_center};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{CLUSTER, Change, MANAGEMENT_CENTER, Read, Rule};

/// A specification some parts of which cannot change.
pub(super) trait Standing: Sized + 'static {
    /// Reads one.
    const READ: Read<Self>;
    /// What must not change.
    const RULES: &'static [Rule<Self>];

    /// These parts, all of them: `null` for what is not there.
    fn parts(&self) -> Map<String, Value>;

    /// The same, to be held against later ones, after what was accepted before.
    fn accepted(&self, _before: Option<&Self>) -> Map<String, Value> {
        self.parts()
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

impl Standing for Spec {
    const READ: Read<Self> = Self::read;
    const RULES: &'static [Rule<Self>] = CLUSTER;

    fn parts(&self) -> Map<String, Value> {
        let persistence = self.persistence.as_ref();
        let persistence =
            persistence.map(|data| json!({"pvc": data.pvc, "pvcName": data.pvc_name, "restore": data.restore}));
        let cp = self.cp_subsystem.as_ref().map(|data| json!({"pvc": data.pvc, "pvcName": data.pvc_name}));
        let sql = self.sql.as_ref().map(|sql| json!({"catalogPersistenceEnabled": sql.catalog_persistence_enabled}));
        object(json!({
            "clusterSize": self.cluster_size,
            "cpSubsystem": cp,
            "highAvailabilityMode": self.high_availability_mode,
            "ipFamily": self.ip_family,
            "persistence": persistence,
            "persistenceVolumeClaims": self.persistence_volume_claims,
            "sql": sql,
        }))
    }

    fn accepted(&self, before: Option<&Self>) -> Map<String, Value> {
        let mut parts = self.parts();
        // A pause is no size: what comes after it is held against what was before.
        if let (0, Some(before)) = (self.cluster_size, before) {
            parts.insert("clusterSize".to_owned(), before.cluster_size.into());
        }
        parts
    }
}

impl Standing for management_center::Spec {
    const READ: Read<Self> = Self::read;
    const RULES: &'static [Rule<Self>] = MANAGEMENT_CENTER;

    fn parts(&self) -> Map<String, Value> {
        object(json!({"persistence": self.persistence}))
    }
}

/// The part of a status that all this is about.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Past {
    accepted_spec: Option<String>,
    /// How many members there are.
    pub(super) cluster_size: Option<i32>,
}

impl Past {
    /// What was accepted, beside what is wanted now: what an earlier version of this operator had no rules for is as it is
    /// now. Nothing where nothing was accepted yet.
    pub(super) fn accepted<S: Standing>(&self, now: &S) -> Option<S> {
        let noted: Map<String, Value> = strict::read(self.accepted_spec.as_deref()?).ok()?;
        let mut parts = now.parts();
        parts.extend(noted);
        S::READ(&Value::Object(parts).to_string()).ok()
    }
}

/// What comes of holding a specification against the one that was accepted before.
#[derive(Debug)]
pub enum Acceptance {
    /// It is accepted; this is to be noted in `status.acceptedSpec`.
    Accepted(String),
    /// Something changed that cannot.
    Refused(Vec<Violation>),
}

fn accept<R: Resource, S: Standing>(cx: &Context<R>, now: &S) -> Acceptance {
    let past: Past = cx.status().unwrap_or_default();
    let before = past.accepted(now);
    if let Some(before) = &before {
        let change = Change { before, now, running: past.cluster_size };
        let violations: Vec<_> = S::RULES.iter().filter_map(|(_, rule)| rule(&change)).collect();
        if !violations.is_empty() {
            return Acceptance::Refused(violations);
        }
    }
    Acceptance::Accepted(Value::Object(now.accepted(before.as_ref())).to_string())
}

/// Of a cluster.
pub fn accept_cluster(cx: &Context<Hazelcast>) -> Acceptance {
    accept(cx, &cx.object().spec)
}

/// Of a Management Center.
pub fn accept_management_center(cx: &Context<ManagementCenter>) -> Acceptance {
    accept(cx, &cx.object().spec)
}
