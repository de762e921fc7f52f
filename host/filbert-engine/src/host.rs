//! What stands behind a guest while it runs: its reads, its limits and its log; and the two linkers.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use filbert_plan::plan::Millis;
use wasmtime::component::Linker;
use wasmtime::{Engine, ResourceLimiter, StoreContextMut};

use crate::broken::{LogFlooded, MemoryRefused};
use crate::contract::certificates::CertificateRequest;
use crate::contract::log::{Field, Level};
use crate::contract::objects;
use crate::contract::types::{ClusterRef, ObjectKey, ResourceType};
use crate::log::Log;
use crate::reads::{Aborted, Erased, Pending};
use crate::settings::Limits;

/// The data of one store.
pub(crate) struct Host {
    pub(crate) reads: Box<dyn Erased>,
    pub(crate) limits: Limits,
    pub(crate) log: Log,
    /// Bytes of linear memory, all memories of the instance together.
    pub(crate) memory: usize,
}

impl ResourceLimiter for Host {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.memory.saturating_add(desired.saturating_sub(current));
        if wanted > self.limits.memory {
            // An error traps. A refused growth would only answer -1, and how a guest takes that depends on its limits,
            // so an answer could too.
            return Err(MemoryRefused { wanted, allowed: self.limits.memory }.into());
        }
        self.memory = wanted;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(error.context(MemoryRefused { wanted: self.memory, allowed: self.limits.memory }))
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // The pool bounds the elements of a table.
        Ok(true)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(error.context("a table cannot grow further"))
    }
}

impl Host {
    fn log(&mut self, level: Level, message: String, fields: Vec<Field>) -> Result<(), LogFlooded> {
        self.log.keep(level, message, fields, &self.limits)
    }
}

/// Answers a read that must not wait.
fn at_once<T>(read: &str, answer: impl Future<Output = Result<T, Aborted>>) -> Result<T, Aborted> {
    match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => Err(Aborted(format!("`{read}` would have to wait, which admission does not"))),
    }
}

/// The read functions of `interface`, by name in the contract, with the types on its side.
macro_rules! functions {
    ($linker:ident, $wrap:ident, $version:expr; $($interface:literal { $(
        $name:literal => $read:ident($($argument:ident: $type:ty),*) $(with $answer:expr)?;
    )* })*) => {
        $(
            let mut instance = $linker.instance(&format!("filbert:operator/{}@{}", $interface, $version))?;
            $($wrap!(instance, concat!($interface, ".", $name), $name, $read($($argument: $type),*), functions!(@ $($answer)?));)*
            // Types-only interfaces have no function, but components import the instance.
            let _ = &mut instance;
        )*
    };
    (@) => { |answer| answer };
    (@ $answer:expr) => { $answer };
}

macro_rules! waiting {
    ($instance:ident, $full:expr, $name:literal, $read:ident($($argument:ident: $type:ty),*), $answer:expr) => {
        $instance.func_wrap_async($name, |mut store: StoreContextMut<'_, Host>, ($($argument,)*): ($($type,)*)| {
            Box::new(async move {
                let answer: Pending<'_, _> = store.data_mut().reads.$read($($argument.into()),*);
                let turn = $answer;
                Ok((turn(answer.await?),))
            })
        })?;
    };
}

macro_rules! prompt {
    ($instance:ident, $full:expr, $name:literal, $read:ident($($argument:ident: $type:ty),*), $answer:expr) => {
        $instance.func_wrap($name, |mut store: StoreContextMut<'_, Host>, ($($argument,)*): ($($type,)*)| {
            let answer: Pending<'_, _> = store.data_mut().reads.$read($($argument.into()),*);
            let turn = $answer;
            Ok((turn(at_once($full, answer)?),))
        })?;
    };
}

macro_rules! link {
    ($linker:ident, $wrap:ident) => {{
        let version = crate::contract::VERSION;
        functions! { $linker, $wrap, version;
            "types" {}
            "reviews" {}
            "objects" {
                "get" => get(key: ObjectKey, scope: objects::Scope)
                    with |answer: Result<_, crate::reads::ReadError>| answer.map_err(objects::ReadError::from);
                "list" => list(query: objects::Query, scope: objects::Scope)
                    with |answer: Result<_, crate::reads::ReadError>| answer.map_err(objects::ReadError::from);
            }
            "clusters" {
                "view" => view(of: ClusterRef);
                "ask" => ask(of: ClusterRef, request: Vec<u8>, holds_for: Millis);
            }
            "time" {
                "reached" => reached(moment: Millis);
                "now" => now(tick: Millis);
            }
            "certificates" {
                "issued" => issued(request: CertificateRequest);
            }
            "platform" {
                "kubernetes-version" => kubernetes_version();
                "serves" => serves(resource: ResourceType);
                "operator-namespace" => operator_namespace();
                "watches" => watches(namespace: String);
            }
        }
        let mut log = $linker.instance(&format!("filbert:operator/log@{version}"))?;
        log.func_wrap(
            "log",
            |mut store: StoreContextMut<'_, Host>, (level, message, fields): (Level, String, Vec<Field>)| {
                Ok(store.data_mut().log(level, message, fields)?)
            },
        )?;
    }};
}

/// For steps: a read may wait, and the guest's thread does other work meanwhile.
pub(crate) fn linker_of_steps(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    link!(linker, waiting);
    Ok(linker)
}

/// For admission: a read that waits ends the call.
pub(crate) fn linker_of_reviews(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    link!(linker, prompt);
    Ok(linker)
}
