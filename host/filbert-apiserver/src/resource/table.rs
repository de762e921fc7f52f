//! Reads the table of built-in resources.

use super::{CollectionId, Resource, Subresource};
use crate::store::type_prefix;
use std::sync::{Arc, OnceLock};

const TABLE: &str = include_str!("builtin.tsv");

fn words(cell: &str, separator: char) -> Vec<String> {
    if cell == "-" { Vec::new() } else { cell.split(separator).map(str::to_owned).collect() }
}

fn subresource(cell: &str) -> Option<Subresource> {
    let mut parts = cell.splitn(3, ':');
    let (name, kind, verbs) = (parts.next()?, parts.next()?, parts.next()?);
    let (kind, group_version) = kind.split_once('@').unwrap_or((kind, ""));
    let (group, version) = group_version.split_once('/').unwrap_or(("", ""));
    Some(Subresource {
        name: name.to_owned(),
        kind: kind.to_owned(),
        group: group.to_owned(),
        version: version.to_owned(),
        verbs: words(verbs, ','),
    })
}

fn row(line: &str) -> Option<Resource> {
    let mut cells = line.split('\t').map(|cell| if cell == "-" { "" } else { cell });
    let (group, version, plural, singular, kind) =
        (cells.next()?, cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let (scope, verbs, short_names, categories) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let (storage, subresources) = (cells.next()?, cells.next()?);
    let list = |cell: &str, separator| if cell.is_empty() { Vec::new() } else { words(cell, separator) };
    let storage = storage.split_once('/').unwrap_or((group, version));
    Some(Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        plural: plural.to_owned(),
        singular: singular.to_owned(),
        kind: kind.to_owned(),
        list_kind: format!("{kind}List"),
        namespaced: scope == "Namespaced",
        verbs: list(verbs, ','),
        short_names: list(short_names, ','),
        categories: list(categories, ','),
        subresources: list(subresources, ';').iter().filter_map(|cell| subresource(cell)).collect(),
        storage: (storage.0.to_owned(), storage.1.to_owned()),
        collection: Arc::new(CollectionId::new(storage.0, plural)),
        type_prefix: type_prefix(
            kind,
            &if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") },
        ),
        merge: OnceLock::new(),
        custom: None,
    })
}

/// All built-in resources, in the order of discovery.
pub(super) fn builtin() -> Vec<Arc<Resource>> {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(row).map(Arc::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        let rows = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        let read = builtin();
        assert_eq!(read.len(), rows);
        let stateful_set = read.iter().find(|resource| resource.kind == "StatefulSet").unwrap();
        assert_eq!(stateful_set.subresource("scale").unwrap().group, "autoscaling");
        assert_eq!(stateful_set.storage, ("apps".to_owned(), "v1".to_owned()));
    }
}
