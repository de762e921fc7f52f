//! From bytes to a module that can be called.

use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use wasmtime::component::Component;

use crate::broken::{CallError, Retry};
use crate::engine::Engine;
use crate::module::{Entries, Loaded, Module};
use crate::settings::Limits;
use crate::surface::{self, Refusal};

/// Why a module is not loaded. All but `Host` stay so until the module's bytes change.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are no component.
    #[error("`{module}` is not a WebAssembly component")]
    NotAComponent {
        /// Which module.
        module: String,
        /// What the parser says.
        source: Text,
    },
    /// It has an import or export that is not for this host.
    #[error("module `{module}` is refused")]
    Refused {
        /// Which module.
        module: String,
        /// By name.
        source: Refusal,
    },
    /// An interface has not the shape of the contract.
    #[error("module `{module}` does not fit contract {}.{}.{}", crate::contract::VERSION.0, crate::contract::VERSION.1, crate::contract::VERSION.2)]
    Shape {
        /// Which module.
        module: String,
        /// Which function, and how it differs.
        source: Text,
    },
    /// It cannot be compiled, or not within the limits.
    #[error("failed to compile module `{module}`")]
    Compile {
        /// Which module.
        module: String,
        /// What the compiler says.
        source: Text,
    },
    /// It broke where it was instantiated for the first time or asked what it is.
    #[error("module `{module}` failed its probe")]
    Probe {
        /// Which module.
        module: String,
        /// What it did instead.
        source: CallError,
    },
    /// The host could not do its part.
    #[error("failed to load module `{module}`")]
    Host {
        /// Which module.
        module: String,
        /// What was missing.
        source: Text,
    },
}

impl LoadError {
    /// A word for metrics and events, from a closed set.
    pub fn category(&self) -> &'static str {
        match self {
            Self::NotAComponent { .. } => "not-a-component",
            Self::Refused { .. } => "refused",
            Self::Shape { .. } => "shape",
            Self::Compile { .. } => "compile",
            Self::Probe { .. } => "probe",
            Self::Host { .. } => "host",
        }
    }

    /// When to try again.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Probe { source, .. } => source.retry(),
            Self::Host { .. } => Retry::WithBackoff,
            Self::NotAComponent { .. } | Self::Refused { .. } | Self::Shape { .. } | Self::Compile { .. } => {
                Retry::WhenChanged
            }
        }
    }
}

/// A cause that is only a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Text(pub(crate) String);

impl Text {
    /// wasmtime's errors with what is below them.
    pub(crate) fn of(error: &wasmtime::Error) -> Self {
        Self(format!("{error:#}"))
    }
}

pub(crate) async fn load(engine: &Engine, name: &str, wasm: &[u8], limits: Limits) -> Result<Module, LoadError> {
    let module = || name.to_owned();
    let shared = &engine.shared;
    // Held to the end: the probe takes the one place of the pool that is kept for it.
    let closed = |_| LoadError::Host { module: module(), source: Text("the engine is closing".to_owned()) };
    let _permit = shared.compiling.acquire().await.map_err(closed)?;
    let component = compile(engine, name, wasm).await?;
    let (surface, roles) = surface::check(&shared.wasmtime, &component)
        .map_err(|source| LoadError::Refused { module: module(), source })?;
    let shape = |error: wasmtime::Error| LoadError::Shape { module: module(), source: Text::of(&error) };
    let steps = shared.linker_of_steps.instantiate_pre(&component).map_err(shape)?;
    let reviews = shared.linker_of_reviews.instantiate_pre(&component).map_err(shape)?;
    let entries = Entries::new(&reviews, &roles).map_err(shape)?;
    let loaded = Loaded {
        engine: engine.clone(),
        name: name.into(),
        digest: hex(&Sha256::digest(wasm)),
        size: wasm.len(),
        limits,
        surface,
        roles,
        entries,
        steps,
        reviews,
    };
    let description = loaded.probe()?;
    Ok(Module::new(loaded, description))
}

async fn compile(engine: &Engine, name: &str, wasm: &[u8]) -> Result<Component, LoadError> {
    let host = |detail: &str| LoadError::Host { module: name.to_owned(), source: Text(detail.to_owned()) };
    let wasmtime = engine.shared.wasmtime.clone();
    let wasm = wasm.to_vec();
    let (done, compiled) = oneshot::channel();
    // A thread of its own, because the pool of blocking threads is for work that waits.
    std::thread::Builder::new()
        .name("compile".to_owned())
        .spawn(move || {
            // Whoever asked may have gone; then nobody wants the result.
            let _ = done.send(Component::from_binary(&wasmtime, &wasm));
        })
        .map_err(|error| host(&format!("no thread to compile in: {error}")))?;
    compiled
        .await
        .map_err(|_| host("the compiler panicked"))?
        .map_err(|error| LoadError::Compile { module: name.to_owned(), source: Text::of(&error) })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
