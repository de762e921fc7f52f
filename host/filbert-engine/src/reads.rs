//! What a guest may read. One trait serves both linkers, the recorder and the replayer.

use std::any::Any;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use filbert_plan::grant::LabelRequirement;
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_plan::plan::Millis;
use serde::{Deserialize, Serialize};

pub use crate::contract::certificates::{CertificateError, CertificateRequest, CertificateUsage, IssuedCertificate};
pub use crate::contract::clusters::{ClusterError, ClusterState, ClusterView, ConnectedCluster, Member};
pub use crate::contract::types::{ClusterRef, Problem};

/// How much of an object the pass depends on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Labels, annotations, owner references, finalizers.
    Metadata,
    /// The values at these paths.
    Fields(Vec<String>),
    /// All of it.
    Whole,
}

/// A question for several objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Query {
    /// Which type.
    pub resource: ResourceType,
    /// Absent for all namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// All of them hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelRequirement>,
}

/// Why a read has no answer. The guest sees it and may go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum ReadError {
    /// Outside the grant.
    #[error("denied: {0}")]
    Denied(String),
    /// The question makes no sense.
    #[error("invalid: {0}")]
    Invalid(String),
    /// Later, perhaps.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// The host gives up the call in the middle of a read: the guest is stopped and the call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Aborted(pub String);

/// What a read comes to: an answer for the guest, or the end of the call.
pub type Read<T> = Result<T, Aborted>;

/// Answers a guest's reads.
///
/// # Guarantees
///
/// The methods of one value are called by one guest call, one after the other; the value is handed back when the call
/// has ended, however it ended. A future may be dropped at any await (deadline), and is then not polled again.
///
/// # Assumptions
///
/// In defaulting and validation a read must be ready when it is first polled: admission is served from caches and never
/// waits. One that is not ends the call. Within one call the same question has the same answer.
pub trait Reads: Send + 'static {
    /// One object as JSON text, or nothing where there is none.
    fn get(
        &mut self,
        key: ObjectKey,
        scope: Scope,
    ) -> impl Future<Output = Read<Result<Option<Arc<str>>, ReadError>>> + Send;

    /// Objects as JSON texts, by namespace and name.
    fn list(
        &mut self,
        query: Query,
        scope: Scope,
    ) -> impl Future<Output = Read<Result<Vec<Arc<str>>, ReadError>>> + Send;

    /// Whether the moment (milliseconds since 1970) has been reached.
    fn reached(&mut self, moment: Millis) -> impl Future<Output = Read<bool>> + Send;

    /// Start of the running tick.
    fn now(&mut self, tick: Millis) -> impl Future<Output = Read<Millis>> + Send;

    /// `1.34`.
    fn kubernetes_version(&mut self) -> impl Future<Output = Read<String>> + Send;

    /// Whether the API server serves the type.
    fn serves(&mut self, resource: ResourceType) -> impl Future<Output = Read<bool>> + Send;

    /// Where the operator itself runs.
    fn operator_namespace(&mut self) -> impl Future<Output = Read<String>> + Send;

    /// Whether resources of the namespace are reconciled.
    fn watches(&mut self, namespace: String) -> impl Future<Output = Read<bool>> + Send;

    /// The cluster as the host sees it. A host without connections has lost every one of them.
    fn view(&mut self, of: ClusterRef) -> impl Future<Output = Read<ClusterView>> + Send {
        let problem = Problem {
            reason: "NotAvailable".to_owned(),
            message: format!("this host has no connection to the cluster of {}/{}", of.namespace, of.name),
            path: None,
        };
        ready(Ok(ClusterView::Lost(problem)))
    }

    /// A message that changes nothing.
    fn ask(
        &mut self,
        of: ClusterRef,
        request: Vec<u8>,
        holds_for: Millis,
    ) -> impl Future<Output = Read<Result<Vec<u8>, ClusterError>>> + Send {
        let (ClusterRef { namespace, name }, _, _) = (of, request, holds_for);
        let text = format!("not available: this host has no connection to the cluster of {namespace}/{name}");
        ready(Ok(Err(ClusterError::Disconnected(text))))
    }

    /// A certificate that the host made.
    fn issued(
        &mut self,
        request: CertificateRequest,
    ) -> impl Future<Output = Read<Result<IssuedCertificate, CertificateError>>> + Send {
        let text = format!("not available: this host issues no certificates (asked for `{}`)", request.secret);
        ready(Ok(Err(CertificateError::Unavailable(text))))
    }
}

/// Ends the call at the first read. What `describe` runs with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoReads;

macro_rules! no_reads {
    ($($read:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl Reads for NoReads {
            $(async fn $read(&mut self, $($argument: $type),*) -> Read<$answer> {
                $(let _unread: $type = $argument;)*
                Err(Aborted(format!("`{}` was read, but nothing may be read here", stringify!($read))))
            })*
        }
    };
}

pub(crate) type Pending<'a, T> = Pin<Box<dyn Future<Output = Read<T>> + Send + 'a>>;

/// `Reads` behind a pointer, so that one pair of linkers serves every implementation.
macro_rules! erased {
    ($($read:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        pub(crate) trait Erased: Any + Send {
            $(fn $read(&mut self, $($argument: $type),*) -> Pending<'_, $answer>;)*
        }
        impl<R: Reads> Erased for R {
            $(fn $read(&mut self, $($argument: $type),*) -> Pending<'_, $answer> {
                Box::pin(Reads::$read(self, $($argument),*))
            })*
        }
    };
}

macro_rules! every_read {
    ($use:ident) => {
        $use! {
            get(key: ObjectKey, scope: Scope) -> Result<Option<Arc<str>>, ReadError>;
            list(query: Query, scope: Scope) -> Result<Vec<Arc<str>>, ReadError>;
            reached(moment: Millis) -> bool;
            now(tick: Millis) -> Millis;
            kubernetes_version() -> String;
            serves(resource: ResourceType) -> bool;
            operator_namespace() -> String;
            watches(namespace: String) -> bool;
            view(of: ClusterRef) -> ClusterView;
            ask(of: ClusterRef, request: Vec<u8>, holds_for: Millis) -> Result<Vec<u8>, ClusterError>;
            issued(request: CertificateRequest) -> Result<IssuedCertificate, CertificateError>;
        }
    };
}
every_read!(no_reads);
every_read!(erased);
