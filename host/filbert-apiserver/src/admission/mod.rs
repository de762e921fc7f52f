//! Admission webhooks: who is asked about a write, what they are asked, and what becomes of their answers.
//!
//! Mutating webhooks are asked one after the other, in the order of the names of their configurations, before an object is
//! checked; validating ones all at once, after it. A webhook that is called again because a later one changed the object is
//! called once more at most. Configurations count from the moment they are written.
//!
//! Services that configurations name are reached by a table ([`Routes`]) or through the `EndpointSlices` of the service.
//!
//! # Caveats
//!
//! * Webhooks without a `caBundle` are refused: this server trusts no authority by itself.
//! * Nothing is written to an audit log; annotations of webhooks are kept and can be asked for.
//! * `authorizer` is not known to match conditions.

mod call;
mod configuration;
mod http_error;
mod review;
mod select;
mod service;

pub(crate) use configuration::{Hooks, Side};
pub(crate) use service::Routes;

use crate::core::Core;
use crate::error::Status;
use crate::message::{Notes, User};
use crate::resource::Resource;
use crate::store::Store;
use call::Caller;
use configuration::Hook;
use review::Verdict;
use select::Invocation;
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Annotations that are kept.
const KEPT: usize = 1000;

/// What a server has for its webhooks.
pub(crate) struct Admission {
    pub(crate) hooks: Hooks,
    pub(crate) routes: Routes,
    caller: Caller,
    annotations: Mutex<VecDeque<(String, String)>>,
}

/// Who writes, and what they said about how.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) user: User,
    pub(crate) field_manager: Option<String>,
    pub(crate) field_validation: Option<String>,
    /// Where warnings of webhooks go.
    pub(crate) notes: Notes,
}

impl Origin {
    /// A controller of the server itself.
    pub(crate) fn controller(name: &str) -> Self {
        let mut user = User::administrator();
        user.name = format!("system:serviceaccount:kube-system:{name}");
        Self { user, field_manager: None, field_validation: None, notes: Notes::default() }
    }
}

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// One write as webhooks see it.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) operation: Operation,
    pub(crate) resource: &'a Resource,
    pub(crate) subresource: &'a str,
    /// Empty where there is none.
    pub(crate) namespace: &'a str,
    /// Empty for each object of a deleted collection.
    pub(crate) name: &'a str,
    pub(crate) old: Option<&'a Value>,
    /// `CreateOptions` and the like.
    pub(crate) options: &'a Value,
    pub(crate) dry_run: bool,
}

impl Request<'_> {
    /// Group, version and kind of the object in the request.
    fn kind_in<'r>(&'r self, resource: &'r Resource) -> [&'r str; 3] {
        match resource.subresource(self.subresource) {
            Some(part) if part.version.is_empty() => [&resource.group, &resource.version, &part.kind],
            Some(part) => [&part.group, &part.version, &part.kind],
            None => [&resource.group, &resource.version, &resource.kind],
        }
    }

    /// Whether the object is of the resource's own kind, so that it has the resource's versions.
    fn has_versions(&self) -> bool {
        self.resource.subresource(self.subresource).is_none_or(|part| part.version.is_empty())
    }
}

impl Admission {
    pub(crate) fn new(hooks: Hooks) -> Self {
        Self { hooks, routes: Routes::default(), caller: Caller::default(), annotations: Mutex::default() }
    }

    /// Whether there is anybody to ask.
    pub(crate) fn has_hooks(&self, side: Side, store: &Store) -> bool {
        !self.hooks.of(side, store).is_empty()
    }

    /// The audit annotations that webhooks gave, the latest last; keys begin with the name of the webhook.
    pub(crate) fn annotations(&self) -> Vec<(String, String)> {
        self.annotations.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn annotate(&self, found: Vec<(String, String)>) {
        let mut kept = self.annotations.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(found);
        let excess = kept.len().saturating_sub(KEPT);
        kept.drain(..excess);
    }
}

/// Asks the mutating webhooks; `object` is what they made of it. Answers whether they changed anything.
///
/// `again` does what the server itself puts into objects of the kind; it is called when a webhook changed the object.
pub(crate) async fn mutate(
    core: &Core,
    request: Request<'_>,
    object: &mut Value,
    again: impl Fn(&mut Value),
) -> Result<bool, Status> {
    let hooks = core.admission.hooks.of(Side::Mutating, &core.store);
    if hooks.is_empty() || select::is_exempt(request.resource) {
        return Ok(false);
    }
    let mut changed = false;
    // Those that wish to see later changes: called already, and to be called again.
    let (mut earlier, mut due) = (BTreeSet::new(), BTreeSet::new());
    for first in [true, false] {
        for (index, hook) in hooks.iter().enumerate() {
            if !first && !due.contains(&index) {
                continue;
            }
            let Some(invocation) = select::invocation(core, &request, hook, object)? else { continue };
            if change(core, &request, &invocation, object).await? {
                changed = true;
                due.append(&mut earlier);
            }
            if hook.wants_later_changes {
                earlier.insert(index);
            }
        }
        if !changed {
            break;
        }
        if first {
            again(object);
        }
    }
    Ok(changed)
}

/// Calls one mutating webhook. Answers whether it changed the object.
async fn change(
    core: &Core,
    request: &Request<'_>,
    invocation: &Invocation<'_>,
    object: &mut Value,
) -> Result<bool, Status> {
    let shown = invocation.show(request, object);
    let Some(verdict) = ask(core, request, invocation, &shown).await? else { return Ok(false) };
    let Some(patch) = verdict.patch else { return Ok(false) };
    if shown.is_null() {
        return Err(Status::internal(format!(
            "admission webhook {:?} attempted to modify the object, which is not supported for this operation",
            invocation.hook.name
        )));
    }
    let mut patched = patch.apply(&shown).map_err(Status::internal)?;
    if request.has_versions() {
        invocation.resource.complete(&mut patched).map_err(Status::internal)?;
    }
    if patched == shown {
        return Ok(false);
    }
    invocation.take_back(request, &mut patched);
    *object = patched;
    Ok(true)
}

/// Asks the validating webhooks, all at the same time.
pub(crate) async fn validate(core: &Core, request: Request<'_>, object: &Value) -> Result<(), Status> {
    let hooks = core.admission.hooks.of(Side::Validating, &core.store);
    if hooks.is_empty() || select::is_exempt(request.resource) {
        return Ok(());
    }
    let mut asked = Vec::new();
    for hook in hooks.iter() {
        if let Some(invocation) = select::invocation(core, &request, hook, object)? {
            asked.push(async move {
                let shown = invocation.show(&request, object);
                ask(core, &request, &invocation, &shown).await.map(drop)
            });
        }
    }
    // The first refusal in order, so that the same request gets the same answer.
    futures::future::join_all(asked).await.into_iter().collect()
}

/// The verdict of a webhook; `None` where it failed and failing is ignored.
async fn ask(
    core: &Core,
    request: &Request<'_>,
    invocation: &Invocation<'_>,
    shown: &Value,
) -> Result<Option<Verdict>, Status> {
    let Hook { name, ignores_failure, .. } = invocation.hook;
    match call(core, request, invocation, shown).await {
        Ok(verdict) => {
            core.admission.annotate(verdict.annotations.clone());
            for warning in &verdict.warnings {
                request.origin.notes.add(warning);
            }
            match verdict.denial {
                Some(status) => Err(status),
                None => Ok(Some(verdict)),
            }
        }
        Err(why) if *ignores_failure => {
            tracing::warn!(webhook = name, error = why, "a webhook failed, which is ignored");
            Ok(None)
        }
        Err(why) => Err(Status::internal(format!("failed calling webhook {name:?}: {why}"))),
    }
}

async fn call(
    core: &Core,
    request: &Request<'_>,
    invocation: &Invocation<'_>,
    shown: &Value,
) -> Result<Verdict, String> {
    let hook = invocation.hook;
    let uid = uuid::Uuid::new_v4().to_string();
    let body = review::question(request, invocation, shown, &uid);
    let place = hook.place(core)?;
    let answer = core.admission.caller.call(place, hook.timeout, body).await?;
    review::read(&answer, hook, &uid)
}

/// Runs a write to its end on a thread that may wait.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    struct Wake(std::thread::Thread);
    impl std::task::Wake for Wake {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Wake(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut work = std::pin::pin!(work);
    loop {
        match work.as_mut().poll(&mut context) {
            std::task::Poll::Ready(done) => return done,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}
