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
    /// Defaulting and validation calls of passes that run at the same time, over all modules.
    pub reviews: usize,
    /// The same of admission, over all modules. A lane of its own: admission never waits behind reconciles.
    pub admissions: usize,
    /// The most memory that any module's limits can allow one instance.
    pub largest_memory: usize,
    /// Where compiled code is kept.
    pub cache: Cache,
    /// Who compiles.
    pub compiler: Compiler,
    /// What compiling may take.
    pub compile_limits: CompileLimits,
    /// When a module is left alone that keeps burning its time or memory; absent: never.
    pub patience: Option<Patience>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            steps: 64,
            reviews: 32,
            admissions: 32,
            largest_memory: 64 << 20,
            cache: Cache::Off,
            compiler: Compiler::InProcess,
            compile_limits: CompileLimits::default(),
            patience: Some(Patience::default()),
        }
    }
}

/// When a module is left alone that keeps burning its time or memory, each kind of its calls for itself: steps, and reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// So many calls that hit their deadline or their memory limit, in one window, and no less time in them than in all
    /// other calls of the module.
    pub burns: u32,
    /// What is longer ago counts less and less.
    pub window: Duration,
    /// How long it is not called. After that one call finds out whether it has become better.
    pub pause: Duration,
    /// Each time it has not, the pause doubles, up to this.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            burns: 5,
            window: Duration::from_secs(30),
            pause: Duration::from_secs(10),
            longest_pause: Duration::from_mins(5),
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
    /// Calls of this one module that run at the same time, in each lane of passes.
    pub concurrency: usize,
    /// The same for admission. A review computes and never waits, so more than there are processors gains nothing, and costs
    /// others their turn.
    pub admission_concurrency: usize,
    /// Calls for admission that wait for their turn. Further ones are turned away at once.
    pub admission_queue: usize,
    /// How long a call for admission waits for its turn.
    pub admission_patience: Duration,
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
            admission_concurrency: std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2)),
            // At a tenth of a millisecond each, this is how many a module answers in a few.
            admission_queue: 64,
            admission_patience: Duration::from_secs(1),
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
