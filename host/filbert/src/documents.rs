//! YAML files that a person names on the command line.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use filbert_plan::object::{self, TypeMeta};
use serde_json::Value;

use crate::failure::{Hint as _, Outcome};

/// One object of a file.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// Where it stands: `cluster.yaml, document 2`.
    pub(crate) place: String,
    /// The object.
    pub(crate) object: Value,
    /// Its type.
    pub(crate) type_meta: TypeMeta,
    /// Its name.
    pub(crate) name: String,
}

/// All objects of these files, in order. `-` is standard input.
pub(crate) fn read(files: &[PathBuf]) -> Outcome<Vec<Document>> {
    let mut documents = Vec::new();
    for file in files {
        let (title, text) = text(file)?;
        let values: Vec<Value> = serde_saphyr::from_multiple(&text)
            .map_err(|error| anyhow!(place_in(&title, &error.to_string())))
            .with_context(|| format!("`{title}` is not valid YAML"))
            .hint("the line and column above are where the parser gave up; look there for tabs, indentation and unclosed quotes")?;
        let before = documents.len();
        for (index, value) in values.into_iter().enumerate().filter(|(_, value)| !value.is_null()) {
            let place = format!("{title}, document {}", index + 1);
            // A list, as `kubectl get -o yaml` prints it.
            let items = match value.get("items").and_then(Value::as_array) {
                Some(items) => items.clone(),
                None => vec![value],
            };
            for object in items {
                documents.push(document(&place, object)?);
            }
        }
        if documents.len() == before {
            return Err(anyhow!("`{title}` holds no resource"))
                .hint("the file is empty, or has comments only; `crds/samples` has examples");
        }
    }
    Ok(documents)
}

fn document(place: &str, object: Value) -> Outcome<Document> {
    let type_meta = TypeMeta::of(&object)
        .ok_or_else(|| anyhow!("{place} has no `apiVersion` or `kind`"))
        .hint("each document must be a Kubernetes object")?;
    let name = object::name(&object)
        .map(str::to_owned)
        .ok_or_else(|| anyhow!("{place} ({type_meta}) has no `metadata.name`"))
        .hint("give it a name; generated names cannot be planned for")?;
    Ok(Document { place: place.to_owned(), name, object, type_meta })
}

/// The parser's words, with the name of the file where it has none.
fn place_in(title: &str, detail: &str) -> String {
    detail.strip_prefix("error: ").unwrap_or(detail).replace("<input>", title)
}

fn text(file: &Path) -> Outcome<(String, String)> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("failed to read standard input")?;
        return Ok(("standard input".to_owned(), text));
    }
    let title = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("failed to read `{title}`"))
        .hint("is the path right, relative to where you are?")?;
    Ok((title, text))
}
