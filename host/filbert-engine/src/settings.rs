//! What an engine and its calls may take.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy};

/// How an engine is set up. `Default` is what the operator runs with, but compiles in the process and keeps no code.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Limits of each call of a module that brings none of its own.
    pub limits: Limits,
    /// Calls of steps that run at the same time, over all modules.
    pub steps: usize,
    /// Defaulting and validation calls that run at the same time, over all modules. A lane of its own, so that admission
    /// never waits behind reconciles.
    pub reviews: usize,
    /// The most memory that any module's limits can allow one instance.
    pub largest_memory: usize,
    /// Where compiled code is kept.
    pub cache: Cache,
    /// Who compiles.
    pub compiler: Compiler,
    /// What compiling may take.
    pub compile_limits: CompileLimits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            steps: 64,
            reviews: 64,
            largest_memory: 64 << 20,
            cache: Cache::Off,
            compiler: Compiler::InProcess,
            compile_limits: CompileLimits::default(),
        }
    }
}

/// Limits of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance, in bytes. A growth beyond it ends the call.
    pub memory: usize,
    /// From start to answer of a step, time in host reads included.
    pub step_deadline: Duration,
    /// From start to answer of defaulting, validation and `describe`.
    pub review_deadline: Duration,
    /// Bytes a guest may hand to the host at once: its answer, or the arguments of one read.
    pub answer: usize,
    /// Log lines kept of one call. Further ones are counted; sixteen times as many end the call.
    pub log_lines: usize,
    /// Bytes of log kept of one call. Sixteen times as many end the call.
    pub log_bytes: usize,
    /// Calls of this one module that run at the same time, in each lane.
    pub concurrency: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            step_deadline: Duration::from_secs(5),
            // API servers give a webhook ten seconds; what takes longer than one is no rule.
            review_deadline: Duration::from_secs(1),
            // Etcd stores no object above 1.5 MiB; a plan of several large ones still fits.
            answer: 8 << 20,
            log_lines: 200,
            log_bytes: 64 << 10,
            concurrency: 32,
        }
    }
}

/// Where compiled code is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cache {
    /// Nowhere: compiled at every start.
    Off,
    /// In this directory; an engine that cannot use it does not start.
    Required(PathBuf),
    /// In this directory if it can be used. `Engine::cache_problem` tells why it is not.
    Preferred(PathBuf),
}

/// Who compiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// A thread of this process. Nothing holds back a module that is made to be expensive: for modules of one's own.
    InProcess,
    /// A child process, under limits of memory and time and at the lowest priority. The program must call
    /// [`compile_child`](crate::compile_child) when it is started with these arguments.
    Child {
        /// Usually this very program.
        program: PathBuf,
        /// What makes it call `compile_child`.
        args: Vec<OsString>,
        /// All that it finds in its environment. Memory that an allocator maps ahead counts against its limit, so one that
        /// does is told here not to.
        env: Vec<(OsString, OsString)>,
    },
}

/// What compiling one module may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Size of the component, in bytes.
    pub size: usize,
    /// Functions in all its core modules. The compiler's memory grows with them.
    pub functions: u32,
    /// Bytes of one function's body. Functions are compiled one at a time, and the largest decides the peak.
    pub function_size: usize,
    /// Memory of the child process, in bytes.
    pub memory: u64,
    /// Wall-clock time of the child process.
    pub time: Duration,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            size: 8 << 20,
            functions: 30_000,
            function_size: 512 << 10,
            memory: 512 << 20,
            time: Duration::from_mins(1),
        }
    }
}

/// Bytes of the native stack that a guest may use.
const GUEST_STACK: usize = 512 << 10;

/// Whether the kernel tells which pages an instance has touched (Linux 6.7 and later). Without that a slot is cleaned by
/// writing over what stays resident, so less is kept.
pub(crate) fn scans_pagemap() -> bool {
    PoolingAllocationConfig::is_pagemap_scan_available()
}

/// The configuration of every engine, also of the compiling child: what it compiles must fit.
pub(crate) fn config(instances: u32, largest_memory: usize) -> Config {
    let mut pool = PoolingAllocationConfig::default();
    // A component with imports is made of three core instances, two of which have tables, and has one memory. What is
    // made of more than this is refused at load, so that no module can use up the places of others.
    let (cores, tables, memories) = (8, 4, 2);
    pool.total_component_instances(instances)
        .max_core_instances_per_component(cores)
        .total_core_instances(instances.saturating_mul(cores))
        .max_tables_per_component(tables)
        .total_tables(instances.saturating_mul(tables))
        .max_memories_per_component(memories)
        .total_memories(instances.saturating_mul(memories))
        .total_stacks(instances)
        .max_memory_size(largest_memory)
        .linear_memory_keep_resident(if scans_pagemap() { 1 << 20 } else { 256 << 10 })
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(instances);
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        // Only guests with `async func` need it, and it costs each fresh instance.
        .concurrency_support(false)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .table_lazy_init(true)
        .max_wasm_stack(GUEST_STACK)
        .async_stack_size(2 * GUEST_STACK)
        .async_stack_zeroing(true)
        .native_unwind_info(false)
        // Nobody reads wasm frames of a stripped guest; without them a trap is cheap.
        .wasm_backtrace_max_frames(None)
        // The same input gives the same bytes, on every machine and in every lane.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}
