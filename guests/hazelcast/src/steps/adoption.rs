//! Taking over the pods of an earlier operator. They run, and must not be restarted because another operator looks after
//! them now: where the template that is wanted says the same as theirs, nothing changes anyway; where it does not, theirs
//! stays until people consent.
//!
//! A template that is kept is marked on the `StatefulSet`, so that this is known later, also by another run of the operator.
//! Two things end it: the consent, or a changed specification that wants other pods anyway.

use filbert_guest::k8s::{Given, Map, PodTemplateSpec, StatefulSet};
use filbert_guest::{Condition, Context, Metadata, Plan, ReadError, Resource, Status};
use serde::Deserialize;
use serde_json::Value;

use crate::checksum::fnv1a;
use crate::names::{ANNOTATION_CONSENT, ANNOTATION_KEPT, CONSENT, LABEL_OWNER};

mod compare;

/// How both pipelines name the step with the pods.
const STEP: &str = "stateful-set";
/// Fact for the step that tells how the whole stands: why pods are kept as they are.
pub(super) const KEPT: &str = "pods-kept";
/// The condition that says whether pods may be restarted.
const CONDITION: &str = "AdoptionConsented";
/// Its reason where they may not, and what the resource waits for.
const REASON: &str = "PodsWouldRestart";
/// So many fields are named.
const MOST_NAMED: usize = 8;

/// What is to be applied for the pods.
pub(super) struct Pods {
    /// The template: as it is wanted, or as it is.
    pub(super) template: Given<PodTemplateSpec>,
    /// What goes with it on the `StatefulSet`.
    pub(super) annotations: Map,
    kept: Option<String>,
    consented: bool,
}

impl Pods {
    /// Says what there is to say about pods that are kept as they are, or were.
    pub(super) fn tell(self, plan: Plan) -> Plan {
        match self.kept {
            Some(message) => plan
                .condition(Condition::new(CONDITION, Status::False, REASON, message.clone()))
                .warn(REASON, message.clone())
                .fact(KEPT, message),
            None if self.consented => plan.condition(Condition::new(
                CONDITION,
                Status::True,
                "Consented",
                "pods that an earlier operator made may be restarted, and become what they would be without it",
            )),
            None => plan,
        }
    }
}

/// Whose the set is that is there.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Owned {
    metadata: Metadata,
}

/// Its pods.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Live {
    spec: LiveSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LiveSpec {
    template: Value,
}

/// The pods that the specification wants, unless those of an earlier operator would have to be restarted for it.
pub(super) fn pods<R: Resource>(cx: &Context<R>, set: &str, wanted: PodTemplateSpec) -> Result<Pods, ReadError> {
    let consented = cx.metadata().annotations.get(ANNOTATION_CONSENT).is_some_and(|consent| consent == CONSENT);
    let as_wanted =
        |wanted, consented| Ok(Pods { template: Given::Built(wanted), annotations: Map::new(), kept: None, consented });
    let fields = ["metadata.labels", "metadata.annotations"];
    let owned: Option<Owned> = cx.read(StatefulSet::TYPE, set).fields(&fields).get()?;
    let Some(Owned { metadata }) = owned else { return as_wanted(wanted, false) };
    let mark = metadata.annotations.get(ANNOTATION_KEPT);
    if mark.is_none() && metadata.labels.contains_key(LABEL_OWNER) {
        return as_wanted(wanted, consented);
    }
    // Read only now: a step runs again when what it read changes.
    let live: Option<Live> = cx.read(StatefulSet::TYPE, set).fields(&["spec.template"]).get()?;
    let Some(Live { spec: LiveSpec { mut template } }) = live else { return as_wanted(wanted, false) };
    if template.is_null() {
        return as_wanted(wanted, consented);
    }
    let differences = compare::differences(&template, &serde_json::to_value(&wanted).unwrap_or_default());
    if differences.is_empty() || consented {
        return as_wanted(wanted, consented);
    }
    let now = Mark::of(&wanted, cx.metadata().generation);
    if mark.and_then(|mark| Mark::read(mark.as_str())).is_some_and(|before| now.is_wanted_by_people(before)) {
        return as_wanted(wanted, false);
    }
    let more = differences.len().saturating_sub(MOST_NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let named = differences.get(..MOST_NAMED).unwrap_or(&differences).join(", ");
    let message = format!(
        "pods that an earlier operator made stay as they are, because other pods would have to take their place: of their \
         template, {named}{more} would change. To let them be restarted, annotate this resource with \
         {ANNOTATION_CONSENT}={CONSENT}"
    );
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        // Some API servers write one that says nothing.
        metadata.remove("creationTimestamp");
    }
    Ok(Pods {
        template: Given::Raw(template),
        annotations: Map::from([(ANNOTATION_KEPT.to_owned(), now.text())]),
        kept: Some(message),
        consented: false,
    })
}

/// The last word on a resource whose pods run: it is not settled while they are kept as they are.
pub(super) fn waits<R: Resource>(cx: &Context<R>, plan: Plan) -> Plan {
    match cx.fact::<String>(&format!("{STEP}/{KEPT}")) {
        Some(message) => plan.wait(REASON, message),
        None => plan,
    }
}

/// What was wanted when a template was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    template: u32,
    /// Of the resource.
    generation: i64,
}

impl Mark {
    fn of(template: &PodTemplateSpec, generation: i64) -> Self {
        Self { template: fnv1a(&serde_json::to_vec(template).unwrap_or_default()), generation }
    }

    fn read(text: &str) -> Option<Self> {
        let (template, generation) = text.split_once('-')?;
        Some(Self { template: template.parse().ok()?, generation: generation.parse().ok()? })
    }

    fn text(self) -> String {
        format!("{}-{}", self.template, self.generation)
    }

    /// Whether somebody changed the specification since, and wants other pods by it. A changed size alone wants none, and
    /// neither does another version of this operator.
    fn is_wanted_by_people(self, before: Self) -> bool {
        self.template != before.template && self.generation != before.generation
    }
}

#[cfg(test)]
mod tests;
