//! What several commands set up: an engine, the modules, an embedded API server.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use filbert_apiserver::ApiServer;
use filbert_engine::{Cache, Compiler, Engine, Limits, Settings};
use filbert_kube::entries::Entries;
use filbert_runtime::library::Ungoverned;
use filbert_runtime::{Library, Serving};

use crate::cli::ModuleFolder;
use crate::failure::{Failure, Hint as _, Outcome};
use crate::output;

/// An engine with the operator's settings.
pub(crate) fn engine(cache: Option<PathBuf>) -> Outcome<Engine> {
    let program =
        std::env::current_exe().context("failed to find this program, which compiles modules in a child process")?;
    let settings = Settings {
        cache: cache.map_or(Cache::Off, Cache::Required),
        compiler: Compiler::Child {
            program,
            args: vec!["compile-module".into()],
            // Our allocator maps a gigabyte for writing before it needs it.
            env: vec![("MIMALLOC_ARENA_EAGER_COMMIT".into(), "0".into())],
        },
        ..Settings::default()
    };
    Engine::new(settings)
        .hint("a cache folder must belong to this user and be writable; leave `--cache` out to go on without")
}

/// The modules of a folder, compiled.
pub(crate) async fn library(folder: &ModuleFolder, ungoverned: Ungoverned) -> Outcome<Arc<Library>> {
    library_under(folder, ungoverned, Entries::new()).await
}

/// The same with files that count as if they lay there, before those that do.
pub(crate) async fn library_under(
    folder: &ModuleFolder,
    ungoverned: Ungoverned,
    overlay: Entries,
) -> Outcome<Arc<Library>> {
    let engine = engine(folder.cache.clone())?;
    let library = Library::new(engine, folder.modules.clone(), ungoverned, Limits::default());
    library.lay_over(overlay).await;
    library
        .refresh(&mut |module| output::note(format_args!("compiling {module}")))
        .await
        .with_context(|| format!("the modules folder `{}` cannot be used", folder.modules.display()))
        .hint("`--modules` names the folder with components; `cargo xtask guests` makes ours in target/modules")?;
    Ok(Arc::new(library))
}

/// Fails where anything in the folder cannot be used: for commands that run once and could only mislead.
pub(crate) fn sound(serving: &Serving) -> Outcome<()> {
    let mut problems = serving.problems().iter().rev();
    let Some(last) = problems.next() else { return Ok(()) };
    let error = problems.fold(anyhow!("{last}"), |error, problem| error.context(problem.clone()));
    Err(Failure::from(error.context("the modules folder is not usable as it is")))
        .hint("`filbert modules` lists what is in service and what is not")
}

/// An embedded API server with controllers that act as if pods ran.
pub(crate) fn embedded() -> ApiServer {
    ApiServer::builder().garbage_collector(true).stand_ins(true).build()
}
