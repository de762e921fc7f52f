//! Several replicas of the operator.

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn when_the_replica_that_acts_is_killed_another_goes_on_and_writes_nothing_twice() {
    let site = Site::new("e2e-replicas").await;
    let mut first = site.operator("modules");
    first.process.until_said("leading");
    let spring = site.greet("spring", "Ann").await;
    let greeted = site.until_greeted("spring", "Hello, Ann!").await;
    let settled = site.until_ready(&spring).await;
    let mut second = site.operator("modules");
    second.ready().await;
    second.process.until_said("another replica leads");
    first.process.kill();
    second.process.until_said("leading");
    site.greet("autumn", "Bob").await;
    site.until_greeted("autumn", "Hello, Bob!").await;
    second.until_metric("operator_reconciles_total{kind=\"Greeting\",outcome=\"settled\"}", 2).await;
    assert_eq!(site.until_ready(&spring).await, settled);
    assert_eq!(site.until_greeted("spring", "Hello, Ann!").await, greeted);

    // Who is asked to end makes room at once.
    let mut third = site.operator("modules");
    third.ready().await;
    assert_eq!(second.process.terminate().code(), Some(0), "{:#?}", second.process.heard());
    third.process.until_said("leading");
    site.greet("winter", "Cleo").await;
    site.until_greeted("winter", "Hello, Cleo!").await;
    drop(third);
    site.leave().await;
}
