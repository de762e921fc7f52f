//! Reads of guests: checked against the grant, answered from caches, and remembered as the read set of the call. The
//! read set decides when a kept answer still holds, and which changes make an object's pass run again.

use std::collections::BTreeMap;
use std::sync::Arc;

use filbert_engine::{Aborted, Query, Read, ReadError, Reads, Scope};
use filbert_kube::cache::CacheError;
use filbert_kube::{Cached, Caches, Discovery, Selection};
use filbert_plan::grant::{Grants, LabelRequirement, ObjectGrant, Subject, Verb, labels_of};
use filbert_plan::object::{self, ObjectKey, ResourceType};
use filbert_plan::plan::Millis;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::clock::SharedClock;

/// More objects than this are not listed: a guest that wants them all wants a narrower question.
const LONGEST_LIST: usize = 5_000;

/// What a guest asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// One object.
    Get(ObjectKey, Scope),
    /// Several.
    List(Query, Scope),
    /// Whether a moment has come.
    Reached(Millis),
    /// The running tick.
    Now(Millis),
    /// The version of Kubernetes.
    KubernetesVersion,
    /// Whether a type is served.
    Serves(ResourceType),
    /// Where the operator runs.
    OperatorNamespace,
    /// Whether a namespace is reconciled.
    Watches(String),
}

/// The text of an object, exactly as the guest got it. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(pub Arc<str>);

impl Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

/// What it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Of `get`.
    Object(Result<Option<Json>, ReadError>),
    /// Of `list`.
    Objects(Result<Vec<Json>, ReadError>),
    /// Of `reached`, `serves`, `watches`.
    Flag(bool),
    /// Of `now`.
    Moment(Millis),
    /// Of `kubernetes-version`, `operator-namespace`.
    Text(String),
}

impl Answer {
    /// Changes when the answer does.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let error = |hash: &mut Sha256, error: &ReadError| hash.update(format!("!{error:?}"));
        match self {
            Self::Object(Ok(Some(text))) => hash.update(text.0.as_bytes()),
            Self::Object(Ok(None)) => hash.update("-"),
            Self::Objects(Ok(texts)) => {
                for text in texts {
                    hash.update(text.0.as_bytes());
                    hash.update([0]);
                }
            }
            Self::Object(Err(it)) | Self::Objects(Err(it)) => error(&mut hash, it),
            Self::Flag(it) => hash.update([u8::from(*it)]),
            Self::Moment(it) => hash.update(it.to_le_bytes()),
            Self::Text(it) => hash.update(it.as_bytes()),
        }
        hash.finalize().into()
    }
}

/// A question and what was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadEntry {
    /// What the guest asked.
    pub question: Question,
    /// What it was told.
    pub answer: Answer,
}

impl Question {
    /// As on the command line: `get services/v1 market/blue`.
    pub fn describe(&self) -> String {
        match self {
            Self::Get(key, _) => format!("get {key}"),
            Self::List(query, _) => {
                let labels: Vec<_> = query.labels.iter().map(LabelRequirement::selector).collect();
                let place = query.namespace.as_deref().unwrap_or("all namespaces");
                format!("list {} in {place} {}", query.resource, labels.join(",")).trim_end().to_owned()
            }
            Self::Reached(moment) => format!("reached {moment}"),
            Self::Now(tick) => format!("now, in ticks of {tick} ms"),
            Self::KubernetesVersion => "kubernetes version".to_owned(),
            Self::Serves(resource) => format!("serves {resource}"),
            Self::OperatorNamespace => "operator namespace".to_owned(),
            Self::Watches(namespace) => format!("watches {namespace}"),
        }
    }

    /// When the answer will differ by itself, because time passes.
    pub fn next_change(&self, answer: &Answer, now: Millis) -> Option<Millis> {
        match (self, answer) {
            (Self::Reached(moment), Answer::Flag(false)) => Some(*moment),
            (Self::Now(tick), Answer::Moment(start)) => Some((start + (*tick).max(1000)).max(now + 1)),
            _ => None,
        }
    }
}

/// What the host knows, as reads see it. Cheap to clone.
#[derive(Clone)]
pub struct World {
    /// Objects.
    pub caches: Caches,
    /// Served types.
    pub discovery: Discovery,
    /// The time.
    pub clock: SharedClock,
    /// Where the operator itself runs.
    pub operator_namespace: Arc<str>,
    /// The only namespace whose objects are reconciled; absent: all.
    pub watched: Option<Arc<str>>,
}

/// For which object a call is made, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectName {
    /// Absent for cluster-scoped objects.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl SubjectName {
    /// As grants want it.
    pub fn as_subject(&self) -> Subject<'_> {
        Subject { namespace: self.namespace.as_deref(), name: &self.name }
    }
}

impl World {
    /// Answers a question. Pure but for what the caches hold and the time.
    pub async fn answer(&self, question: &Question, grants: &Grants, subject: &SubjectName) -> Answer {
        match question {
            Question::Get(key, scope) => {
                Answer::Object(self.get(key, scope, grants, subject).await.map(|found| found.map(Json)))
            }
            Question::List(query, scope) => Answer::Objects(
                self.list(query, scope, grants, subject).await.map(|found| found.into_iter().map(Json).collect()),
            ),
            Question::Reached(moment) => Answer::Flag(self.clock.now() >= *moment),
            Question::Now(tick) => {
                let (now, tick) = (self.clock.now(), (*tick).max(1000));
                Answer::Moment(now - now % tick)
            }
            Question::KubernetesVersion => Answer::Text(self.discovery.kubernetes_version().await.unwrap_or_default()),
            Question::Serves(resource) => {
                Answer::Flag(self.discovery.of_resource(resource).await.is_ok_and(|served| served.is_some()))
            }
            Question::OperatorNamespace => Answer::Text(self.operator_namespace.to_string()),
            Question::Watches(namespace) => {
                Answer::Flag(self.watched.as_deref().is_none_or(|watched| watched == namespace))
            }
        }
    }

    async fn get(
        &self,
        key: &ObjectKey,
        scope: &Scope,
        grants: &Grants,
        subject: &SubjectName,
    ) -> Result<Option<Arc<str>>, ReadError> {
        let denied = |denied: filbert_plan::grant::Denied| ReadError::Denied(denied.to_string());
        grants.check(Verb::Read, key, None, subject.as_subject()).map_err(denied)?;
        let mut found = None;
        for selection in selections_of_key(grants, key) {
            if let Some(cached) = self.caches.get(&selection, key).await.map_err(read_error)? {
                found = Some(cached);
                break;
            }
        }
        let Some(cached) = found else { return Ok(None) };
        let labels = labels_of(&cached.object);
        grants.check(Verb::Read, key, Some(&labels), subject.as_subject()).map_err(denied)?;
        narrowed(&cached.object, scope).map(Some)
    }

    async fn list(
        &self,
        query: &Query,
        scope: &Scope,
        grants: &Grants,
        subject: &SubjectName,
    ) -> Result<Vec<Arc<str>>, ReadError> {
        let granted = grants
            .check_list(&query.resource, query.namespace.as_deref(), subject.as_subject())
            .map_err(|denied| ReadError::Denied(denied.to_string()))?;
        let mut found: BTreeMap<(Option<String>, String), Arc<Cached>> = BTreeMap::new();
        for grant in grants.objects().filter(|grant| is_read_grant_for(grant, &query.resource)) {
            for cached in self.caches.list(&selection_of_list(grant, &query.resource)).await.map_err(read_error)? {
                let (namespace, name) =
                    (object::namespace(&cached.object), object::name(&cached.object).unwrap_or_default());
                let labels = labels_of(&cached.object);
                if query.namespace.as_deref().is_none_or(|wanted| namespace == Some(wanted))
                    && query.labels.iter().all(|requirement| requirement.holds(&labels))
                    && granted.shows(namespace, name, &labels, subject.as_subject())
                {
                    found.insert((namespace.map(str::to_owned), name.to_owned()), cached);
                }
            }
        }
        if found.len() > LONGEST_LIST {
            let text = format!(
                "{} objects of {} answer this, more than {LONGEST_LIST}; ask for fewer",
                found.len(),
                query.resource
            );
            return Err(ReadError::Invalid(text));
        }
        found.values().map(|cached| narrowed(&cached.object, scope)).collect()
    }
}

fn is_read_grant_for(grant: &ObjectGrant, resource: &ResourceType) -> bool {
    let own = &grant.resource;
    grant.verbs.contains(&Verb::Read) && own.group == resource.group && own.plural == resource.plural
}

/// Which watches may hold an object, by the grants that let it be read. Where a grant has labels, one watch with these
/// serves all resources. A grant without labels but with names is for things that a resource refers to: those are
/// watched one by one, never a namespace full of Secrets.
fn selections_of_key(grants: &Grants, key: &ObjectKey) -> Vec<Selection> {
    let mut selections: Vec<_> = grants
        .objects()
        .filter(|grant| is_read_grant_for(grant, &key.resource))
        .map(|grant| {
            if grant.labels.is_empty() && (!grant.names.is_empty() || holds_secrets(&key.resource)) {
                let (namespace, name) = (key.namespace.clone(), Some(key.name.clone()));
                Selection { resource: key.resource.clone(), namespace, labels: String::new(), name }
            } else {
                selection_of_list(grant, &key.resource)
            }
        })
        .collect();
    selections.sort();
    selections.dedup();
    selections
}

fn selection_of_list(grant: &ObjectGrant, resource: &ResourceType) -> Selection {
    let mut labels: Vec<_> = grant.labels.iter().map(LabelRequirement::selector).collect();
    labels.sort();
    Selection { labels: labels.join(","), ..Selection::all(resource.clone()) }
}

fn holds_secrets(resource: &ResourceType) -> bool {
    resource.group.is_empty() && matches!(resource.plural.as_str(), "secrets" | "configmaps")
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn read_error(error: CacheError) -> ReadError {
    match error {
        CacheError::NotServed { .. } => ReadError::Invalid(error.to_string()),
        CacheError::Ended { .. } | CacheError::Refused { .. } | CacheError::Api(_) => {
            ReadError::Unavailable(error.to_string())
        }
    }
}

/// As much of an object as was asked for.
fn narrowed(object: &Value, scope: &Scope) -> Result<Arc<str>, ReadError> {
    let field = |name: &str| object.get(name).cloned().unwrap_or_default();
    let text = match scope {
        Scope::Whole => object.to_string(),
        Scope::Metadata => {
            let mut metadata = field("metadata");
            if let Some(fields) = metadata.as_object_mut() {
                // It changes with every write, also of what was not asked for.
                fields.remove("resourceVersion");
            }
            json!({"apiVersion": field("apiVersion"), "kind": field("kind"), "metadata": metadata}).to_string()
        }
        Scope::Fields(paths) => {
            let mut kept = Map::new();
            kept.insert("apiVersion".into(), field("apiVersion"));
            kept.insert("kind".into(), field("kind"));
            for path in ["metadata.name", "metadata.namespace", "metadata.uid"]
                .into_iter()
                .chain(paths.iter().map(String::as_str))
            {
                if path.is_empty() || path.split('.').any(str::is_empty) {
                    return Err(ReadError::Invalid(format!(
                        "`{path}` is no field path; `status.readyReplicas` is one"
                    )));
                }
                if let Some(value) = path.split('.').try_fold(object, |value, name| value.get(name)) {
                    keep(&mut kept, path, value);
                }
            }
            Value::Object(kept).to_string()
        }
    };
    Ok(text.into())
}

fn keep(into: &mut Map<String, Value>, path: &str, value: &Value) {
    match path.split_once('.') {
        None => {
            into.insert(path.to_owned(), value.clone());
        }
        Some((head, rest)) => {
            if let Value::Object(inner) = into.entry(head).or_insert_with(|| Value::Object(Map::new())) {
                keep(inner, rest, value);
            }
        }
    }
}

/// The reads of one call.
pub struct Observer {
    world: World,
    grants: Arc<Grants>,
    subject: SubjectName,
    entries: Vec<ReadEntry>,
    /// Asked, and not answered yet.
    open: Option<Question>,
}

impl Observer {
    /// For a call of a module with these grants, made for this object.
    pub fn new(world: World, grants: Arc<Grants>, subject: SubjectName) -> Self {
        Self { world, grants, subject, entries: Vec::new(), open: None }
    }

    /// The question that had no answer when the call ended.
    pub fn open_question(&self) -> Option<&Question> {
        self.open.as_ref()
    }

    /// What was read, in order; each question once.
    pub fn into_entries(self) -> Vec<ReadEntry> {
        self.entries
    }

    async fn ask(&mut self, question: Question) -> Answer {
        // The same question has the same answer within a call, whatever has changed meanwhile.
        if let Some(entry) = self.entries.iter().find(|entry| entry.question == question) {
            return entry.answer.clone();
        }
        self.open = Some(question.clone());
        let answer = self.world.answer(&question, &self.grants, &self.subject).await;
        self.open = None;
        self.entries.push(ReadEntry { question, answer: answer.clone() });
        answer
    }
}

/// An answer of another shape than the question cannot be: both are made in [`World::answer`].
fn mismatch() -> Aborted {
    Aborted("the host answered another question than was asked".to_owned())
}

macro_rules! observed {
    ($($read:ident($($argument:ident: $type:ty),*) -> $answer:ty: $question:expr => $variant:ident as |$found:ident| $value:expr;)*) => {
        impl Reads for Observer {
            $(async fn $read(&mut self, $($argument: $type),*) -> Read<$answer> {
                match self.ask($question).await {
                    Answer::$variant($found) => Ok($value),
                    _ => Err(mismatch()),
                }
            })*
        }
    };
}

observed! {
    get(key: ObjectKey, scope: Scope) -> Result<Option<Arc<str>>, ReadError>:
        Question::Get(key, scope) => Object as |found| found.map(|found| found.map(|json| json.0));
    list(query: Query, scope: Scope) -> Result<Vec<Arc<str>>, ReadError>:
        Question::List(query, scope) => Objects as |found| found.map(|found| found.into_iter().map(|json| json.0).collect());
    reached(moment: Millis) -> bool: Question::Reached(moment) => Flag as |flag| flag;
    now(tick: Millis) -> Millis: Question::Now(tick) => Moment as |moment| moment;
    kubernetes_version() -> String: Question::KubernetesVersion => Text as |text| text;
    serves(resource: ResourceType) -> bool: Question::Serves(resource) => Flag as |flag| flag;
    operator_namespace() -> String: Question::OperatorNamespace => Text as |text| text;
    watches(namespace: String) -> bool: Question::Watches(namespace) => Flag as |flag| flag;
}
