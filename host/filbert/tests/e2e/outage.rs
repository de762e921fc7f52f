//! The API server goes away and comes back.

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_comes_back_by_itself_and_what_is_settled_is_not_written() {
    let mut site = Site::new("e2e-outage").await;
    let mut operator = site.operator("modules");
    operator.ready().await;
    let spring = site.greet("spring", "Ann").await;
    let greeted = site.until_greeted("spring", "Hello, Ann!").await;
    let settled = site.until_ready(&spring).await;
    site.take_server_away().await;
    operator.process.until_all_said(&["watch failed", "the lease is lost"]);
    assert_eq!(operator.page("/livez").0, 200);
    site.bring_server_back().await;
    operator.process.until_said("leading");
    assert_eq!(site.until_ready(&spring).await, settled);
    site.greet("autumn", "Bob").await;
    site.until_greeted("autumn", "Hello, Bob!").await;
    assert_eq!(site.until_ready(&spring).await, settled);
    assert_eq!(site.until_greeted("spring", "Hello, Ann!").await, greeted);
    drop(operator);
    site.leave().await;
}
