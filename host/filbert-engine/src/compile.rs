//! Compiling: the one thing with which a module that never runs can still hurt. A child process does it, under limits of
//! memory and time, at the lowest priority; its words reach whoever asked.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setpriority_process, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use crate::broken::Retry;
use crate::settings::{CompileLimits, Compiler, Settings, config};

/// Bytes of the child's words that are kept.
const WORDS: u64 = 16 << 10;

/// Bytes of machine code for each byte of a component, at most; with a fixed sum for small ones.
const GROWTH: u64 = 64;

/// Bytes of what the child is told before the component: its limits.
const HEAD: usize = 24;

/// Why there is no machine code.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler refuses the component.
    #[error("{0}")]
    Refused(String),
    /// It did not finish in time.
    #[error("the compiler did not finish within {0:?}")]
    Time(Duration),
    /// It did not get along with its memory.
    #[error("the compiler needed more than {} MiB of memory", .0 >> 20)]
    Memory(u64),
    /// It ended without an answer.
    #[error("the compiler ended with {status}: {words}")]
    Crashed {
        /// How it ended.
        status: ExitStatus,
        /// The last it said.
        words: String,
    },
    /// It could not be started or talked to.
    #[error("failed to {action} the compiler")]
    Process {
        /// What was tried.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

impl CompileError {
    /// When to try again.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Refused(_) | Self::Memory(_) | Self::Crashed { .. } => Retry::WhenChanged,
            // The machine may have been busy.
            Self::Time(_) | Self::Process { .. } => Retry::WithBackoff,
        }
    }
}

/// What the child is told about its limits, at the start of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    memory: u64,
    seconds: u64,
    largest_memory: u64,
}

impl Head {
    fn bytes(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        for (place, value) in bytes.chunks_exact_mut(8).zip([self.memory, self.seconds, self.largest_memory]) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    fn read(input: &mut impl Read) -> io::Result<Self> {
        let mut number = || {
            let mut bytes = [0; 8];
            input.read_exact(&mut bytes).map(|()| u64::from_le_bytes(bytes))
        };
        Ok(Self { memory: number()?, seconds: number()?, largest_memory: number()? })
    }
}

/// Makes machine code of a component.
pub(crate) async fn compile(
    engine: &wasmtime::Engine,
    settings: &Settings,
    wasm: &[u8],
) -> Result<Vec<u8>, CompileError> {
    match &settings.compiler {
        Compiler::InProcess => in_process(engine.clone(), wasm.to_vec()).await,
        Compiler::Child { program, args, env } => {
            let limits = &settings.compile_limits;
            let head = Head {
                memory: limits.memory,
                seconds: limits.time.as_secs().max(1),
                largest_memory: settings.largest_memory as u64,
            };
            let child =
                start(program, args, env).map_err(|source| CompileError::Process { action: "start", source })?;
            // Dropping the child kills it: so does whoever stops waiting for the module.
            match tokio::time::timeout(limits.time, talk(child, head, wasm)).await {
                Ok(end) => judge(end?, limits),
                Err(_) => Err(CompileError::Time(limits.time)),
            }
        }
    }
}

async fn in_process(engine: wasmtime::Engine, wasm: Vec<u8>) -> Result<Vec<u8>, CompileError> {
    let (done, compiled) = oneshot::channel();
    let process = |action| move |source| CompileError::Process { action, source };
    // A thread of its own: the pool of blocking threads is for work that waits, and the priority stays with the thread.
    std::thread::Builder::new()
        .name("compile".to_owned())
        .spawn(move || {
            lower_priority();
            let code = engine.precompile_component(&wasm);
            // Whoever asked may have gone; then nobody wants the code.
            drop(done.send(code.map_err(|error| CompileError::Refused(format!("{error:#}")))));
        })
        .map_err(process("start a thread for"))?;
    compiled.await.map_err(|_| process("get an answer from")(io::Error::other("it panicked")))?
}

fn start(program: &Path, args: &[OsString], env: &[(OsString, OsString)]) -> io::Result<Child> {
    Command::new(program)
        .args(args)
        // It compiles; nothing of what this process knows is its business.
        .env_clear()
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// How a child ended, and all it said.
struct End {
    status: ExitStatus,
    code: Vec<u8>,
    words: Vec<u8>,
}

async fn talk(mut child: Child, head: Head, wasm: &[u8]) -> Result<End, CompileError> {
    let process = |action| move |source| CompileError::Process { action, source };
    let missing = || process("talk to")(io::Error::other("a pipe is missing"));
    let mut input = child.stdin.take().ok_or_else(missing)?;
    let output = child.stdout.take().ok_or_else(missing)?;
    let errors = child.stderr.take().ok_or_else(missing)?;
    let (mut code, mut words) = (Vec::new(), Vec::new());
    let largest = (wasm.len() as u64).saturating_mul(GROWTH).saturating_add(1 << 20);
    let write = async {
        // A child that ends early does not read to the end; why it ended is in its words.
        drop(input.write_all(&head.bytes()).await);
        drop(input.write_all(wasm).await);
        drop(input);
    };
    let mut output = output.take(largest);
    let mut errors = errors.take(WORDS);
    let ((), read, said) = tokio::join!(write, output.read_to_end(&mut code), errors.read_to_end(&mut words));
    read.and(said).map_err(process("read from"))?;
    // Closing the pipes ends a child that would say more than is read.
    drop((output, errors));
    let status = child.wait().await.map_err(process("wait for"))?;
    Ok(End { status, code, words })
}

fn judge(End { status, code, words }: End, limits: &CompileLimits) -> Result<Vec<u8>, CompileError> {
    if status.success() {
        return Ok(code);
    }
    let words = String::from_utf8_lossy(&words).trim().to_owned();
    // The allocator's last words, and those of the system where a mapping was refused.
    if words.contains("memory allocation of") || words.contains("Cannot allocate memory") {
        return Err(CompileError::Memory(limits.memory));
    }
    if status.code() == Some(i32::from(REFUSED)) {
        return Err(CompileError::Refused(words));
    }
    match status.signal() {
        Some(CPU_TIME_USED_UP) => Err(CompileError::Time(limits.time)),
        _ => Err(CompileError::Crashed { status, words }),
    }
}

/// What the child exits with when the compiler refuses the component.
const REFUSED: u8 = 3;

/// The signal of a process whose limit of computing time is reached: `SIGXCPU`.
const CPU_TIME_USED_UP: i32 = 24;

/// The whole of a compiling child: reads limits and a component from the input, writes machine code to the output.
///
/// Meant for a hidden command of the program that [`Compiler::Child`] names. It lowers its own limits first, so it must be
/// the only thing its process does.
pub fn compile_child() -> ExitCode {
    let failed = |error: io::Error| {
        say(&format!("{error}"));
        ExitCode::FAILURE
    };
    match child() {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            say(&format!("{error:#}"));
            ExitCode::from(REFUSED)
        }
        Err(error) => failed(error),
    }
}

/// Words for the parent.
fn say(words: &str) {
    // Without an error stream there is nobody to tell.
    drop(writeln!(io::stderr(), "{words}"));
}

fn child() -> io::Result<wasmtime::Result<()>> {
    let mut input = io::stdin().lock();
    let head = Head::read(&mut input)?;
    let limit = |resource, most: u64| {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).map_err(io::Error::from)
    };
    lower_priority();
    // Memory that is written to: heap, stacks, private mappings. A limit of the address space would forbid the engine's
    // reservations, which take no memory.
    limit(Resource::Data, head.memory)?;
    limit(Resource::Cpu, head.seconds)?;
    limit(Resource::Core, 0)?;
    let mut wasm = Vec::new();
    input.read_to_end(&mut wasm)?;
    let largest_memory = usize::try_from(head.largest_memory).map_err(io::Error::other)?;
    let code = wasmtime::Engine::new(&config(1, largest_memory)).and_then(|engine| engine.precompile_component(&wasm));
    let code = match code {
        Ok(code) => code,
        Err(error) => return Ok(Err(error)),
    };
    let mut output = io::stdout().lock();
    output.write_all(&code)?;
    output.flush().map(Ok)
}

/// Puts the calling thread behind everything else.
fn lower_priority() {
    // Being allowed to is no condition for compiling.
    let _ = setpriority_process(None, 19);
}
