//! The engine: one per process, shared by everything that loads or calls modules.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use wasmtime::component::Linker;

use crate::cache::{CacheError, CodeCache};
use crate::host::{Host, linker_of_reviews, linker_of_steps};
use crate::load::LoadError;
use crate::module::Module;
use crate::settings::{Cache, Limits, Settings, config, scans_pagemap};
use crate::ticker::Ticker;
use crate::turns::Lanes;

/// Compiles and calls modules. Cloning shares it.
///
/// # Guarantees
///
/// Every call gets a store and an instance of its own, so no call sees a byte of another; what a guest takes (memory,
/// time, log, answer) is bounded; and the same inputs give the same answer in every engine of this version.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) settings: Settings,
    pub(crate) linker_of_steps: Linker<Host>,
    pub(crate) linker_of_reviews: Linker<Host>,
    /// The pool does not wait when it is full, it fails: calls wait here instead.
    pub(crate) places: Lanes<Semaphore>,
    /// Counts how often a module was left alone, or called again after that.
    pub(crate) pauses: Arc<watch::Sender<u64>>,
    /// One module is compiled at a time: the limits are for one, and the serving path keeps its cores.
    pub(crate) compiling: Semaphore,
    pub(crate) ticker: Ticker,
    /// Nothing where none is wanted, an error where the engine goes on without the one it should have.
    pub(crate) cache: Result<Option<CodeCache>, CacheError>,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// wasmtime does not take the settings, or the machine has not what they ask for.
    #[error("failed to set up the WebAssembly engine")]
    SetUp(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no thread for the epoch.
    #[error("failed to start the engine's clock thread")]
    Clock(#[source] std::io::Error),
    /// The code cache that is required cannot be used.
    #[error(transparent)]
    Cache(CacheError),
}

impl Engine {
    /// Sets up the pool, the linkers and the clock thread, which sleeps while no call runs.
    pub fn new(settings: Settings) -> Result<Self, EngineError> {
        // Loading probes a module in a place of its own.
        let instances = settings.steps + settings.reviews + settings.admissions + 1;
        let instances = u32::try_from(instances).unwrap_or(u32::MAX);
        let set_up = |error: wasmtime::Error| EngineError::SetUp(error.into());
        let wasmtime = wasmtime::Engine::new(&config(instances, settings.largest_memory)).map_err(set_up)?;
        let cache = match &settings.cache {
            Cache::Off => Ok(None),
            Cache::Required(path) => Ok(Some(CodeCache::open(path).map_err(EngineError::Cache)?)),
            Cache::Preferred(path) => CodeCache::open(path).map(Some),
        };
        let shared = Shared {
            cache,
            linker_of_steps: linker_of_steps(&wasmtime).map_err(set_up)?,
            linker_of_reviews: linker_of_reviews(&wasmtime).map_err(set_up)?,
            places: Lanes {
                steps: Semaphore::new(settings.steps),
                reviews: Semaphore::new(settings.reviews),
                admission: Semaphore::new(settings.admissions),
            },
            pauses: Arc::new(watch::Sender::new(0)),
            compiling: Semaphore::new(1),
            ticker: Ticker::start(&wasmtime).map_err(EngineError::Clock)?,
            settings,
            wasmtime,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Why the engine runs without the cache that its settings prefer, where it does.
    pub fn cache_problem(&self) -> Option<&CacheError> {
        self.shared.cache.as_ref().err()
    }

    /// Whether instances are cleaned the fast way, which needs Linux 6.7 or later. Worth a line at start.
    pub fn cleans_fast(&self) -> bool {
        scans_pagemap()
    }

    /// Calls that run now.
    pub fn running(&self) -> usize {
        self.shared.ticker.running()
    }

    /// Tells when a module is left alone because it burns its budget, and when it is called again: [`Module::paused`] says
    /// which.
    pub fn pauses(&self) -> watch::Receiver<u64> {
        self.shared.pauses.subscribe()
    }

    /// Loads a module with the engine's limits. See [`Engine::load_limited`].
    pub async fn load(&self, name: &str, wasm: &[u8]) -> Result<Module, LoadError> {
        self.load_limited(name, wasm, self.shared.settings.limits).await
    }

    /// Makes a component ready to be called: checks its size and surface, compiles it, calls `describe` with every read
    /// trapping. `name` is what the administrator calls it.
    ///
    /// # Guarantees
    ///
    /// A module that is returned has every role that it exports in the shape of the contract. May be cut off at any await;
    /// nothing but work in progress is lost.
    pub async fn load_limited(&self, name: &str, wasm: &[u8], limits: Limits) -> Result<Module, LoadError> {
        crate::load::load(self, name, wasm, limits).await
    }
}
