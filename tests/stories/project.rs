//! What holds of the sources themselves.

#[test]
fn the_readme_quotes_the_first_guest() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("a file of the project");
    let readme = read("README.md");
    let (_, quoted) = readme.split_once("```rust\n").expect("a quotation");
    let (quoted, _) = quoted.split_once("```").expect("its end");
    assert!(read("guests/hello/src/lib.rs").contains(quoted), "copy the step and the rule anew");
}

#[test]
fn the_host_knows_no_hazelcast() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut found = Vec::new();
    for crate_name in ["filbert", "filbert-plan", "filbert-engine", "filbert-kube", "filbert-runtime"] {
        let mut folders = vec![root.join("host").join(crate_name).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("a source file");
                let is_knowledge = |line: &&str| {
                    let line = line.trim_start();
                    !line.starts_with("//") && line.to_lowercase().contains("hazelcast")
                };
                found.extend(text.lines().filter(is_knowledge).map(|line| format!("{}: {line}", path.display())));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}
