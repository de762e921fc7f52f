//! From bytes to a module that can be called.

use std::error::Error as _;

use sha2::{Digest, Sha256};
use tracing::warn;
use wasmtime::component::Component;

use crate::broken::{CallError, Retry};
use crate::cache::CodeName;
use crate::compile::{self, CompileError};
use crate::contract::VERSION;
use crate::engine::{Engine, Shared};
use crate::inspect::{Unfit, inspect};
use crate::module::{Entries, Loaded, Module};
use crate::settings::Limits;
use crate::surface::{self, Refusal};
use crate::trusted::{self, Code};

/// Why a module is not loaded. All but `Host`, and what the machine was too busy for, stay so until its bytes change.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are no component, or one that is too large to be compiled.
    #[error("`{module}` is no module")]
    Unfit {
        /// Which module.
        module: String,
        /// Why.
        source: Unfit,
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
    #[error("module `{module}` does not fit contract {VERSION}")]
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
        /// What the compiler says, or what became of it.
        source: CompileError,
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
            Self::Unfit { .. } => "unfit",
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
            Self::Compile { source, .. } => source.retry(),
            Self::Host { .. } => Retry::WithBackoff,
            Self::Unfit { .. } | Self::Refused { .. } | Self::Shape { .. } => Retry::WhenChanged,
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
    let refused = |source| LoadError::Refused { module: module(), source };
    // By name first: a module for another host is not worth a compiler.
    let outside = inspect(wasm, &shared.settings.compile_limits)
        .map_err(|source| LoadError::Unfit { module: module(), source })?;
    surface::check_names(&outside).map_err(refused)?;
    // Held to the end: the probe takes the one place of the pool that is kept for it.
    let closed = |_| LoadError::Host { module: module(), source: Text("the engine is closing".to_owned()) };
    let _permit = shared.compiling.acquire().await.map_err(closed)?;
    let digest = hex(&Sha256::digest(wasm));
    let component = compiled(shared, name, &digest, wasm).await?;
    let (surface, roles) = surface::check(&shared.wasmtime, &component).map_err(refused)?;
    let shape = |error: wasmtime::Error| LoadError::Shape { module: module(), source: Text::of(&error) };
    let steps = shared.linker_of_steps.instantiate_pre(&component).map_err(shape)?;
    let reviews = shared.linker_of_reviews.instantiate_pre(&component).map_err(shape)?;
    let entries = Entries::new(&reviews, &roles).map_err(shape)?;
    let size = wasm.len();
    let engine = engine.clone();
    let loaded = Loaded { engine, name: name.into(), digest, size, limits, surface, roles, entries, steps, reviews };
    let description = loaded.probe().await?;
    Ok(Module::new(loaded, description))
}

/// The module's machine code: from the cache, or made now and kept there.
async fn compiled(shared: &Shared, name: &str, digest: &str, wasm: &[u8]) -> Result<Component, LoadError> {
    let Shared { wasmtime, settings, cache, .. } = shared;
    let kept = cache.as_ref().ok().and_then(Option::as_ref).map(|cache| (cache, CodeName::new(wasmtime, digest)));
    if let Some((cache, code)) = &kept
        && let Some(file) = cache.get(code)
    {
        match trusted::load(wasmtime, &Code::Kept(&file)) {
            Ok(component) => return Ok(component),
            // Ours, but for an engine that only looks the same. Made anew below.
            Err(error) => warn!(module = name, error = %format!("{error:#}"), "kept code does not fit this engine"),
        }
    }
    let code = compile::compile(wasmtime, settings, wasm)
        .await
        .map_err(|source| LoadError::Compile { module: name.to_owned(), source })?;
    if let Some((cache, kept)) = &kept {
        match cache.put(kept, &code) {
            // Mapped from the file, so that all that have it loaded share its pages, and the system can drop them.
            Ok(()) => {
                if let Some(component) =
                    cache.get(kept).and_then(|file| trusted::load(wasmtime, &Code::Kept(&file)).ok())
                {
                    return Ok(component);
                }
            }
            Err(error) => warn!(module = name, error = %error, cause = ?error.source(), "compiled code is not kept"),
        }
    }
    trusted::load(wasmtime, &Code::Fresh(&code))
        .map_err(|error| LoadError::Host { module: name.to_owned(), source: Text::of(&error) })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
