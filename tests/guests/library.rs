//! A modules folder whose files change: what is taken up, what is held back, and what goes on meanwhile.

use std::path::Path;

use filbert_engine::{Limits, Settings};
use filbert_plan::grant::{Grants, Subject, Verb};
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_runtime::library::{InService, Ungoverned};
use filbert_runtime::{Library, ModuleState, PipelineState};
use filbert_tests::modules::module;
use filbert_tests::world::{built_modules, folder_with};

async fn library(folder: &Path) -> Library {
    let cache = filbert_engine::Cache::Preferred(filbert_tests::modules::target().join("test-code"));
    let engine = filbert_engine::Engine::new(Settings { cache, ..Settings::default() }).expect("an engine");
    let library = Library::new(engine, folder.to_owned(), Ungoverned::NothingGranted, Limits::default());
    refresh(&library).await;
    library
}

async fn refresh(library: &Library) {
    library.refresh(&mut |_| {}).await.expect("the folder can be read");
}

fn hello(library: &Library) -> ModuleState {
    library.serving().states().iter().find(|state| state.name == "hello").expect("it is known").clone()
}

fn greeting(library: &Library) -> PipelineState {
    library.serving().pipeline_states().first().expect("one pipeline").clone()
}

/// Which version the pipeline's step has.
fn version_at_work(library: &Library) -> Option<String> {
    let resource = ResourceType::new("example.dev", "v1", "greetings");
    library.serving().pipeline(&resource).map(|pipeline| pipeline.steps[0].module.module.digest().to_owned())
}

fn may_apply(library: &Library, name: &str) -> bool {
    let key = ObjectKey::namespaced(ResourceType::new("", "v1", "configmaps"), "default", name);
    let subject = Subject { namespace: Some("default"), name: "spring" };
    library.serving().modules()["hello"].grants.check(Verb::Apply, &key, None, subject).is_ok()
}

/// `hello` as it would be if it wished for any name that begins like that of its `ConfigMap`.
fn greedy() -> Vec<u8> {
    let (from, to) = (b"{name}-greeting", b"{name}-greetin*");
    let mut wasm = module("hello");
    let start = wasm.windows(from.len()).position(|it| it == from).expect("its wish is in it");
    wasm[start..start + to.len()].copy_from_slice(to);
    wasm
}

/// The same logic with another digest.
fn same_again() -> Vec<u8> {
    let mut wasm = module("hello");
    wasm.extend([0, 2, 1, b'x']);
    wasm
}

fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(folder.join(file)).expect("read");
    assert!(text.contains(from), "`{file}` has `{from}`");
    std::fs::write(folder.join(file), text.replace(from, to)).expect("written");
}

#[tokio::test]
async fn a_version_that_wants_more_than_granted_is_held_back_until_it_is_granted() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    let library = library(folder.path()).await;
    let first = hello(&library).digest;
    std::fs::write(folder.path().join("hello.wasm"), greedy()).expect("written");
    refresh(&library).await;
    let state = hello(&library);
    assert_eq!((state.state, state.reason, &state.digest), (InService::LastGood, Some("WantsMore"), &first));
    let problem = state.problem.expect("a problem");
    assert!(
        problem.ends_with(
            "is held back until its `Module` grants it to read, apply, delete configmaps/v1 named {name}-greetin*, which it wants for this reason: it holds the greeting"
        ),
        "{problem}"
    );
    assert_eq!(version_at_work(&library), first);
    edit(folder.path(), "hello.yaml", "{name}-greeting", "{name}-*");
    refresh(&library).await;
    let state = hello(&library);
    assert_eq!((state.state, state.problem), (InService::Serving, None));
    assert_ne!(state.digest, first);
    assert_eq!(version_at_work(&library), state.digest);
}

#[tokio::test]
async fn a_module_gets_no_more_than_it_wishes_and_no_more_than_it_is_granted() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    edit(folder.path(), "hello.yaml", "{name}-greeting", "{name}-*");
    let library = library(folder.path()).await;
    assert!(may_apply(&library, "spring-greeting"));
    assert!(!may_apply(&library, "spring-else"), "granted, but never wished for");
    edit(folder.path(), "hello.yaml", "{name}-*", "{name}-else");
    refresh(&library).await;
    assert!(!may_apply(&library, "spring-greeting"), "wished for, but no longer granted");
}

#[tokio::test]
async fn a_narrower_grant_holds_also_for_the_last_good_version() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    let library = library(folder.path()).await;
    std::fs::write(folder.path().join("hello.wasm"), b"garbage").expect("written");
    edit(folder.path(), "hello.yaml", "{name}-greeting", "{name}-else");
    refresh(&library).await;
    assert_eq!(hello(&library).state, InService::LastGood);
    assert!(!may_apply(&library, "spring-greeting"));
}

#[tokio::test]
async fn an_administrator_who_granted_less_than_asked_for_decided_that_for_later_versions_too() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    edit(folder.path(), "hello.yaml", "[read, apply, delete]", "[read]");
    let library = library(folder.path()).await;
    let first = hello(&library);
    std::fs::write(folder.path().join("hello.wasm"), same_again()).expect("written");
    refresh(&library).await;
    let second = hello(&library);
    assert_eq!((first.state, second.state), (InService::Serving, InService::Serving));
    assert_ne!(first.digest, second.digest);
    assert!(!may_apply(&library, "spring-greeting"));
}

#[tokio::test]
async fn garbage_in_place_of_a_component_leaves_the_last_good_one_at_work() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    let library = library(folder.path()).await;
    let first = hello(&library).digest;
    for garbage in [b"garbage".as_slice(), b"", &module("hello")[..500]] {
        std::fs::write(folder.path().join("hello.wasm"), garbage).expect("written");
        refresh(&library).await;
        let state = hello(&library);
        assert_eq!((state.state, state.reason), (InService::LastGood, Some("NotLoaded")));
        assert_eq!((state.digest, version_at_work(&library)), (first.clone(), first.clone()));
    }
    std::fs::write(folder.path().join("hello.wasm"), same_again()).expect("written");
    refresh(&library).await;
    assert_eq!(hello(&library).state, InService::Serving);
    assert_ne!(version_at_work(&library), first);
    assert_eq!(library.serving().problems(), [] as [String; 0]);
}

#[tokio::test]
async fn garbage_in_place_of_a_document_leaves_what_it_said_in_force() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    let library = library(folder.path()).await;
    for (from, to) in [("grants:", "grants: ]"), ("grants: ]", "grant:")] {
        edit(folder.path(), "hello.yaml", from, to);
        refresh(&library).await;
        assert_eq!(library.serving().problems().len(), 1);
        assert!(may_apply(&library, "spring-greeting"));
        assert!(version_at_work(&library).is_some());
    }
}

#[tokio::test]
async fn a_pipeline_that_a_new_version_no_longer_fits_goes_on_with_the_one_that_did() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    let library = library(folder.path()).await;
    let first = version_at_work(&library);
    // A module that is granted all that it wishes for, and has no such step.
    let other = std::fs::read_to_string(built_modules().join("hazelcast-admission.yaml")).expect("read");
    let (_, grants) = other.split_once("  grants:\n").expect("it is granted something");
    edit(folder.path(), "hello.yaml", "  grants:\n", &format!("  grants:\n{grants}"));
    std::fs::write(folder.path().join("hello.wasm"), module("hazelcast-admission")).expect("written");
    refresh(&library).await;
    let state = greeting(&library);
    assert_eq!((state.state, version_at_work(&library)), (InService::LastGood, first));
    assert!(state.problems.iter().any(|problem| problem.contains("names step `greet`")), "{:?}", state.problems);
}

#[tokio::test]
async fn a_newcomer_does_not_displace_the_pipeline_that_serves_a_kind() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    let library = library(folder.path()).await;
    let text = std::fs::read_to_string(built_modules().join("hello.yaml")).expect("read");
    let pipeline = text.split("---\n").nth(1).expect("two documents").replace("name: greeting", "name: another");
    std::fs::write(folder.path().join("another.yaml"), pipeline).expect("written");
    refresh(&library).await;
    let serving = library.serving();
    let states: Vec<_> = serving.pipeline_states().iter().map(|it| (it.name.as_str(), it.state)).collect();
    assert_eq!(states, [("another", InService::Refused), ("greeting", InService::Serving)]);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_spoils_no_other() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    std::fs::create_dir(folder.path().join("lamp.wasm")).expect("made");
    let library = library(folder.path()).await;
    assert_eq!(hello(&library).state, InService::Serving);
    let serving = library.serving();
    let lamp = serving.states().iter().find(|state| state.name == "lamp").expect("it is named");
    assert_eq!((lamp.state, lamp.reason), (InService::Refused, Some("NotReadable")));
}

#[tokio::test]
async fn what_did_not_change_is_not_looked_at_again() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    let library = library(folder.path()).await;
    let mut changes = library.subscribe();
    changes.mark_unchanged();
    refresh(&library).await;
    assert!(!changes.has_changed().expect("the library is there"));
}

#[tokio::test]
async fn what_our_files_grant_is_within_what_our_modules_wish_for() {
    let library = library(&built_modules()).await;
    let serving = library.serving();
    assert_eq!(serving.problems(), [] as [String; 0]);
    for state in serving.states() {
        let wants = &serving.modules()[&state.name].module.description().wants;
        let wishes = Grants(wants.iter().map(|wish| wish.wanted.clone()).collect());
        assert_eq!(state.spec.grants.first_beyond(&wishes), None, "{} would not get this", state.name);
    }
}
