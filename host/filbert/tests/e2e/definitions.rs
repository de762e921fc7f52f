//! What the server makes of our definitions and samples.

use crate::site::{Site, documents, repository, yaml_files};

#[tokio::test(flavor = "multi_thread")]
async fn every_definition_and_every_sample_is_accepted() {
    // Definitions that are refused fail here.
    let site = Site::new("e2e-samples").await;
    let mut refused = Vec::new();
    for file in yaml_files(&repository().join("crds/samples")) {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        for document in documents(&std::fs::read_to_string(&file).expect("it can be read")) {
            if let Err(error) = site.try_to_apply(&document).await {
                refused.push(format!("{name}: {error}"));
            }
        }
    }
    assert_eq!(refused, [] as [&str; 0]);
    site.leave().await;
}
