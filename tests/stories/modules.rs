//! Modules that are swapped, and modules that are no good.

use filbert_runtime::StepOutcome;
use filbert_tests::world::{World, folder_with};

use crate::support::{config_map, greet, greeting, hello};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_in_the_folder_leaves_the_last_good_module_in_service() {
    let mut world = hello().await;
    std::fs::write(world.folder().join("hello.wasm"), b"garbage").expect("written");
    world.library.refresh(&mut |_| {}).await.expect("the folder can be read");
    let serving = world.library.serving();
    let state = &serving.states()[0];
    assert!(state.digest.is_some(), "still in service");
    assert!(
        state.problem.as_ref().is_some_and(|problem| problem.contains("failed to load module `hello`")),
        "{state:?}"
    );
    world.apply(&greeting("spring"), &greet("spring", "Ann")).await;
    world.settled(&greeting("spring")).await;
    assert_eq!(world.get(&config_map("spring-greeting")).await["data"]["message"], "Hello, Ann!");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_outside_the_grant_is_refused_whole() {
    let folder = folder_with(&["hello.wasm", "hello.yaml"]);
    let path = folder.path().join("hello.yaml");
    let text = std::fs::read_to_string(&path).expect("read").replace("\"{name}-greeting\"", "\"{name}-other\"");
    std::fs::write(&path, text).expect("written");
    let mut world = World::with_modules(folder).await;
    world.apply(&greeting("spring"), &greet("spring", "Ann")).await;
    let record = world.pass_where(&greeting("spring"), |record| !record.steps.is_empty()).await;
    let StepOutcome::Failed { reason, message, .. } = &record.steps[0].outcome else { panic!("{:?}", record.outcome) };
    assert_eq!(reason, "OutsideGrant");
    assert!(message.starts_with("apply of configmaps/v1 default/spring-greeting is outside the grant"), "{message}");
    assert_eq!(world.find(&config_map("spring-greeting")).await, None);
}
