//! Modules that misbehave, in an operator that has other work: each costs its own objects and nobody else's.

use std::path::PathBuf;
use std::time::Duration;

use filbert_engine::{Cache, CompileLimits, Compiler, Engine, Settings};
use filbert_plan::object::{self, ObjectKey, ResourceType};
use filbert_runtime::PassOutcome;
use filbert_tests::modules::{bomb, fixture, from_text, looping_start, target};
use filbert_tests::world::{Beginning, World, folder_with};
use serde_json::{Value, json};

use crate::misdeed::Misdeed;
use crate::support::{config_map, greet, greeting, settles};

/// What the condition of an object says whose step does this. A misdeed without a line here does not compile.
macro_rules! misdeeds {
    ($($misdeed:ident => $reason:literal, $text:literal;)*) => {
        const MISDEEDS: [(Misdeed, &str, &str); Misdeed::ALL.len()] = [$((Misdeed::$misdeed, $reason, $text)),*];

        const _: fn(Misdeed) = |misdeed| match misdeed { $(Misdeed::$misdeed => ()),* };
    };
}

misdeeds! {
    // It proposes `{}`.
    Nothing => "BadObject", "the step proposed ? ?, which has no `apiVersion` or `kind`";
    Loop => "GuestDeadline", "no answer within ";
    Memory => "GuestMemory", "bytes of memory, 33554432 are allowed";
    Stack => "GuestStack", "called itself too deeply";
    ShadowStack => "GuestTrap", "out of bounds memory access";
    Panic => "GuestPanic", "the milk is spilt";
    LogFlood => "GuestLogFlood", "logged ";
    HugeAnswer => "GuestAnswerTooLarge", "more than 8388608 bytes at once";
    HugeQuestion => "GuestAnswerTooLarge", "more than 8388608 bytes at once";
    InvalidJson => "GuestBadAnswer", " is no JSON: EOF while parsing";
    Brackets => "GuestBadAnswer", "the answer has more than 1000000 values";
    // The host says no to the read, and the guest proposes that word, which is no object.
    Read => "GuestBadAnswer", " is no JSON: ";
    OutsideGrant => "OutsideGrant", "apply of secrets/v1 kube-system/token is outside the grant";
    Foreign => "ForeignObject", "configmaps/v1 default/treasure is there already and belongs to nobody";
}

/// Components that do not get as far as a call, and what is said of them.
fn never_loaded() -> [(&'static str, Vec<u8>, &'static str); 5] {
    [
        (
            "unknown-import",
            from_text(r#"(component (import "filbert:operator/shell@0.1.0" (instance (export "run" (func)))))"#),
            "import `filbert:operator/shell@0.1.0` is unknown to this host",
        ),
        ("loop-in-start", looping_start(), "deadline: no answer within "),
        ("compile-bomb", bomb(25_000, 10), "the compiler needed more than 48 MiB of memory"),
        ("too-large-to-compile", bomb(1, 80_000), "bytes in one function; 524288 are allowed"),
        ("garbage", b"garbage".to_vec(), "it does not begin as WebAssembly does"),
    ]
}

fn kind(misdeed: Misdeed) -> String {
    misdeed.name()
}

fn resource(misdeed: Misdeed) -> ResourceType {
    ResourceType::new("example.dev", "v1", format!("{}s", kind(misdeed).to_lowercase()))
}

fn definition(misdeed: Misdeed) -> Value {
    let resource = resource(misdeed);
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": resource.definition_name()},
        "spec": {
            "group": resource.group,
            "scope": "Namespaced",
            "names": {"plural": resource.plural, "kind": kind(misdeed)},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": open, "status": open}}},
            }],
        },
    })
}

fn key(misdeed: Misdeed) -> ObjectKey {
    ObjectKey::namespaced(resource(misdeed), "default", "rogue")
}

fn rogue(misdeed: Misdeed, wish: &str) -> Value {
    json!({
        "apiVersion": "example.dev/v1", "kind": kind(misdeed), "metadata": {"name": "rogue", "namespace": "default"},
        "spec": {"wish": wish},
    })
}

/// The fixture as module `rogue`, which may keep one `ConfigMap` that is not its own, and a pipeline a misdeed.
fn documents() -> String {
    let module = json!({
        "apiVersion": "filbert.dev/v1alpha1",
        "kind": "Module",
        "metadata": {"name": "rogue"},
        "spec": {
            "component": {"file": "rogue.wasm"},
            "limits": {"memoryMib": 32, "deadlineMillis": 300},
            "grants": [{"objects": {
                "resource": {"group": "", "version": "v1", "plural": "configmaps"},
                "verbs": ["read", "apply"],
                "names": ["treasure"],
            }}],
        },
    });
    let pipeline = |misdeed: Misdeed| {
        let resource = resource(misdeed);
        json!({
            "apiVersion": "filbert.dev/v1alpha1",
            "kind": "Pipeline",
            "metadata": {"name": resource.plural},
            "spec": {"resource": resource, "steps": [{"name": "misdeed", "module": "rogue", "step": misdeed.name()}]},
        })
    };
    let all = std::iter::once(module).chain(Misdeed::ALL.map(pipeline));
    all.map(|document| document.to_string()).collect::<Vec<_>>().join("\n---\n")
}

/// A compiler that is a process of its own, with less memory than the bomb wants.
fn engine() -> Engine {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_compile-child"));
    let settings = Settings {
        compiler: Compiler::Child { program, args: vec![], env: vec![] },
        // Memory is what the bomb is to run out of, however busy the machine is.
        compile_limits: CompileLimits { memory: 48 << 20, time: Duration::from_mins(10), ..CompileLimits::default() },
        cache: Cache::Preferred(target().join("test-code")),
        // Each misdeed is to be seen, however many there are.
        patience: None,
        ..Settings::default()
    };
    Engine::new(settings).expect("an engine")
}

/// Waits until every healthy object has settled as it is, and its child says so.
async fn healthy(world: &World, names: &[String], who: &str) {
    for name in names {
        let greeting = format!("Hello, {who}!");
        world
            .until(&config_map(&format!("{name}-greeting")), |it| {
                it.is_some_and(|it| it["data"]["message"] == *greeting)
            })
            .await;
    }
    for name in names {
        let is_settled = |it: Option<&Value>| {
            let conditions = it.and_then(|it| it["status"]["conditions"].as_array());
            let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
            ready.is_some_and(|ready| {
                ready["status"] == "True"
                    && ready["observedGeneration"] == it.expect("it is there")["metadata"]["generation"]
            })
        };
        world.until(&greeting(name), is_settled).await;
    }
}

/// Waits until the object of each misdeed, as it is, says in its conditions what happened.
async fn contained(world: &World) {
    for (misdeed, reason, text) in MISDEEDS {
        let is_told = |it: Option<&Value>| {
            let Some(it) = it else { return false };
            let conditions = it["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let of =
                |kind: &str| conditions.iter().find(|condition| condition["type"] == kind).cloned().unwrap_or_default();
            let (sick, ready) = (of("Healthy"), of("Ready"));
            sick["observedGeneration"] == it["metadata"]["generation"]
                && (&sick["status"], &ready["status"]) == (&json!("False"), &json!("False"))
                && (&sick["reason"], &ready["reason"]) == (&json!(reason), &json!(reason))
                && sick["message"].as_str().is_some_and(|message| message.contains(text))
        };
        world.until(&key(misdeed), is_told).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_module_costs_its_own_objects_and_nobody_elses() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    std::fs::write(folder.path().join("rogue.wasm"), fixture("hostile")).expect("written");
    std::fs::write(folder.path().join("rogue.yaml"), documents()).expect("written");
    let world = World::begin(Beginning { engine: Some(engine()), modules: Some(folder), ..Beginning::default() }).await;
    assert_eq!(world.library.serving().problems(), Vec::<String>::new().as_slice());
    let definitions = ResourceType::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    for misdeed in Misdeed::ALL {
        let name = resource(misdeed).definition_name();
        let key = ObjectKey { resource: definitions.clone(), namespace: None, name };
        world.apply(&key, &definition(misdeed)).await;
    }
    let treasure = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"is": "yours"}});
    let treasure = world.apply(&config_map("treasure"), &treasure).await;
    // All at once: twenty objects of a good module among those of the hostile one.
    let names: Vec<_> = (0..20).map(|index| format!("greeting-{index}")).collect();
    for misdeed in Misdeed::ALL {
        world.apply(&key(misdeed), &rogue(misdeed, "first")).await;
    }
    for name in &names {
        world.apply(&greeting(name), &greet(name, "Ann")).await;
    }
    tokio::join!(contained(&world), healthy(&world, &names, "Ann"));

    // Modules that cannot even be loaded arrive, the hostile objects are edited so that each misdeed is done again, and
    // the others are edited too.
    for (name, wasm, _) in never_loaded() {
        std::fs::write(world.folder().join(format!("{name}.wasm")), wasm).expect("written");
    }
    let edits = async {
        for misdeed in Misdeed::ALL {
            world.apply(&key(misdeed), &rogue(misdeed, "second")).await;
        }
        for name in &names {
            world.apply(&greeting(name), &greet(name, "Bob")).await;
        }
        tokio::join!(contained(&world), healthy(&world, &names, "Bob"));
    };
    let mut progress = |_: &str| {};
    let (refreshed, ()) = tokio::join!(world.library.refresh(&mut progress), edits);
    refreshed.expect("the folder can be read");

    let serving = world.library.serving();
    for (name, _, text) in never_loaded() {
        let state = serving.states().iter().find(|state| state.name == name).expect("it is listed");
        assert_eq!(state.digest, None, "{name} is not in service");
        assert!(state.problem.as_ref().is_some_and(|problem| problem.contains(text)), "{state:?}");
    }
    for misdeed in Misdeed::ALL {
        let last = world.host.last_passes().remove(&key(misdeed)).expect("it had a pass");
        assert!(matches!(last.outcome, PassOutcome::Failed { .. }), "{misdeed:?}: {}", last.outcome.summary());
    }
    let last = world.host.last_passes();
    assert!(names.iter().all(|name| settles(&last[&greeting(name)].outcome)), "the others are as they were");
    assert_eq!(world.get(&config_map("treasure")).await, treasure);
    let secrets = world.api.list(&ResourceType::new("", "v1", "secrets"), None).await.expect("a list");
    assert!(secrets.iter().all(|secret| object::name(secret) != Some("token")));
}
