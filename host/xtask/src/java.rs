//! Java programs: where they are, and the libraries from Maven Central that they need.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::project;

/// Versions of Hazelcast whose word is asked.
pub(crate) const VERSIONS: [&str; 3] = ["5.4.0", "5.5.0", "5.7.0"];

/// The program that there has to be and is not.
pub(crate) fn missing() -> Option<&'static str> {
    ["java", "mvn"].into_iter().find(|program| !is_on_path(program))
}

fn is_on_path(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// Where libraries are kept, and what is made with them.
pub(crate) fn folder() -> PathBuf {
    project::target().join("oracle")
}

/// The library of a member.
pub(crate) fn member(version: &str) -> Result<PathBuf> {
    jar("com.hazelcast", "hazelcast", version)
}

/// A library from Maven Central; kept.
pub(crate) fn jar(group: &str, name: &str, version: &str) -> Result<PathBuf> {
    let folder = folder();
    let jar = folder.join(format!("{name}-{version}.jar"));
    if !jar.is_file() {
        let mut maven = Command::new("mvn");
        maven.args(["-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"]);
        maven.arg(format!("-Dartifact={group}:{name}:{version}"));
        maven.arg(format!("-DoutputDirectory={}", folder.display()));
        project::succeed(&mut maven)?;
    }
    Ok(jar)
}

/// `java` for a program that lives for a second: what costs time at the start is left out.
pub(crate) fn command(jars: &[&Path]) -> Result<Command> {
    let mut java = Command::new("java");
    java.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]).arg(env::join_paths(jars)?);
    Ok(java)
}
