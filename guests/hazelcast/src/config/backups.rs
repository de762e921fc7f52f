//! How many copies of data the document asks members to keep, and so how many members it needs.

use serde::{Deserialize, Serialize};

use super::Node;

/// A count of copies that a document asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backups {
    /// Where the document asks for them: `durable-executor-service.tasks`.
    pub path: String,
    /// Besides the data itself.
    pub count: i32,
}

impl Backups {
    /// How many members it takes to keep them.
    pub fn members(&self) -> i32 {
        self.count.saturating_add(1)
    }
}

/// The most copies that these sections ask for; nothing where no section asks for more than one. One copy is what members
/// keep of nearly everything unless somebody says otherwise, and so says nothing about what people want of a small cluster.
pub fn backups(sections: &Node) -> Option<Backups> {
    let mut most = None;
    look(sections, "", &mut most);
    most
}

fn look(node: &Node, path: &str, most: &mut Option<Backups>) {
    let Node::Map(entries) = node else { return };
    let number = |key: &str| match node.get(key) {
        Some(Node::Number(number)) => i32::try_from(*number).ok(),
        Some(Node::Plain(word)) => word.parse().ok(),
        _ => None,
    };
    let copies: i32 =
        ["backup-count", "async-backup-count"].into_iter().filter_map(number).fold(0, i32::saturating_add);
    let count = copies.max(number("durability").unwrap_or_default());
    if count > most.as_ref().map_or(1, |most| most.count) {
        *most = Some(Backups { path: path.to_owned(), count });
    }
    for (key, value) in entries {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        look(value, &below, most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::custom;

    fn found(text: &str) -> Option<(String, i32)> {
        backups(&custom::parse(text).expect("sections")).map(|it| (it.path, it.count))
    }

    #[test]
    fn the_most_copies_count_wherever_they_are_asked_for() {
        let text = "jet: {instance: {backup-count: 2}}\nmap: {default: {backup-count: 1, async-backup-count: 2}}\n\
                    durable-executor-service: {tasks: {durability: 2}}";
        assert_eq!(found(text), Some(("map.default".to_owned(), 3)));
        assert_eq!(
            found("durable-executor-service: {tasks: {durability: 4}}"),
            Some(("durable-executor-service.tasks".to_owned(), 4))
        );
    }

    #[test]
    fn a_single_copy_is_nothing_that_somebody_asked_for() {
        assert_eq!(found("jet: {instance: {backup-count: 1}}\nmap: {default: {backup-count: 1}}"), None);
        assert_eq!(found("jet: {instance: {backup-count: many}}"), None);
    }
}
