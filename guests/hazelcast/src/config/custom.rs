//! Configuration that people write themselves, and how it comes together with ours.
//!
//! It is YAML of any kind, and what it means is for members to say. So a plain word stays as it is written: whether `5m`, `1e3` or
//! `off` is a text, a number or a switch is never decided here.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, StrInput};

use super::Node;

/// Deeper than any configuration.
const DEEPEST: usize = 64;
/// More parts than any configuration has, aliases written out.
const MOST: usize = 100_000;

/// Reads sections, with or without the `hazelcast:` that members want around them.
///
/// # Errors
/// A sentence for people, with the line where there is one.
pub fn parse(text: &str) -> Result<Node, String> {
    let mut reader = Reader { events: Parser::new_from_str(text), named: BTreeMap::new(), left: MOST };
    match reader.document()? {
        Node::Map(entries) => match <[_; 1]>::try_from(entries) {
            Ok([(key, sections @ Node::Map(_))]) if key == "hazelcast" => Ok(sections),
            Ok([entry]) => Ok(Node::Map(vec![entry])),
            Err(entries) => Ok(Node::Map(entries)),
        },
        _ => Err("it is no mapping of sections".to_owned()),
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    named: BTreeMap<usize, Node>,
    left: usize,
}

impl<'a> Reader<'a> {
    /// The next event that means something.
    fn next(&mut self) -> Result<Event<'a>, String> {
        loop {
            return match self.events.next() {
                None => Err("it ends too early".to_owned()),
                Some(Err(error)) => Err(error.to_string()),
                Some(Ok((event, _))) if event.is_node() => Ok(event),
                Some(Ok((
                    event @ (Event::SequenceEnd | Event::MappingEnd | Event::DocumentEnd | Event::StreamEnd),
                    _,
                ))) => Ok(event),
                // Comments and the like.
                Some(Ok(_)) => continue,
            };
        }
    }

    fn document(&mut self) -> Result<Node, String> {
        let first = match self.next()? {
            // Nothing at all is no section.
            Event::StreamEnd | Event::DocumentEnd => return Ok(Node::new()),
            first => first,
        };
        let document = self.node(first, 0)?;
        match (self.next()?, self.next()?) {
            (Event::DocumentEnd, Event::StreamEnd) if matches!(&document, Node::Plain(word) if word.is_empty() || word == "~") => {
                Ok(Node::new())
            }
            (Event::DocumentEnd, Event::StreamEnd) => Ok(document),
            _ => Err("it holds more than one document".to_owned()),
        }
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Node, String> {
        if depth > DEEPEST {
            return Err(format!("it goes more than {DEEPEST} levels deep"));
        }
        let (node, name) = match event {
            Event::Scalar(text, style, name, tag) => {
                let is_plain = style == ScalarStyle::Plain && tag.is_none() && !text.contains('\n');
                let node = if is_plain { Node::Plain(text.into_owned()) } else { Node::Text(text.into_owned()) };
                (node, name)
            }
            Event::SequenceStart(_, name, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => items.push(self.node(event, depth + 1)?),
                    }
                }
                (Node::List(items), name)
            }
            Event::MappingStart(_, name, _) => {
                let mut entries: Vec<(String, Node)> = Vec::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => break,
                        event => match self.node(event, depth + 1)? {
                            Node::Plain(key) | Node::Text(key) => key,
                            _ => return Err("a key is no text".to_owned()),
                        },
                    };
                    if entries.iter().any(|(other, _)| *other == key) {
                        return Err(format!("`{key}` stands there twice"));
                    }
                    let value = self.next()?;
                    entries.push((key, self.node(value, depth + 1)?));
                }
                (Node::Map(entries), name)
            }
            Event::Alias(name) => {
                let node = self.named.get(&name).cloned().ok_or("an alias stands within what it names")?;
                self.count(size(&node))?;
                return Ok(node);
            }
            _ => return Err("it ends too early".to_owned()),
        };
        self.count(1)?;
        if name != 0 {
            self.named.insert(name, node.clone());
        }
        Ok(node)
    }

    fn count(&mut self, parts: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(parts).ok_or_else(|| format!("it has more than {MOST} parts"))?;
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    match node {
        Node::Map(entries) => entries.iter().map(|(_, value)| size(value)).sum::<usize>() + 1,
        Node::List(items) => items.iter().map(size).sum::<usize>() + 1,
        _ => 1,
    }
}

/// Our sections, and those of people that we do not write; besides the names of those of theirs that ours stand for.
pub fn below(ours: Node, theirs: Node) -> (Node, Vec<String>) {
    let (Node::Map(mut entries), Node::Map(theirs)) = (ours, theirs) else { return (Node::new(), Vec::new()) };
    let mut replaced = Vec::new();
    for (key, value) in theirs {
        if entries.iter().any(|(ours, _)| *ours == key) {
            replaced.push(key);
        } else {
            entries.push((key, value));
        }
    }
    (Node::Map(entries), replaced)
}

/// Our sections with what people write put over them: mappings come together key by key, everything else is theirs.
pub fn over(ours: Node, theirs: Node) -> Node {
    match (ours, theirs) {
        (Node::Map(mut entries), Node::Map(theirs)) => {
            for (key, value) in theirs {
                match entries.iter_mut().find(|(ours, _)| *ours == key) {
                    Some((_, ours)) => *ours = over(std::mem::take(ours), value),
                    None => entries.push((key, value)),
                }
            }
            Node::Map(entries)
        }
        (_, theirs) => theirs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Node {
        parse(text).expect("sections")
    }

    #[test]
    fn words_stay_as_people_write_them() {
        let text = "a: 1e3\nb: no\nc: 0123\nd: \"no\"\ne:\nf: [x, 1.5]\ng: {h: 'two words'}\ni: |\n    one\n    two\n";
        assert_eq!(
            parsed(text).to_yaml(),
            "a: 1e3\nb: no\nc: 0123\nd: \"no\"\ne: null\nf:\n    - x\n    - 1.5\ng:\n    h: \"two words\"\ni: \"one\\ntwo\\n\"\n"
        );
    }

    #[test]
    fn the_root_of_members_may_be_there_or_not() {
        assert_eq!(parsed("hazelcast:\n  metrics:\n    enabled: true\n"), parsed("metrics: {enabled: true}"));
    }

    #[test]
    fn comments_and_nothing_are_no_sections() {
        for text in ["", "# nothing\n", "---\n", "{}"] {
            assert_eq!(parsed(text), Node::new(), "{text}");
        }
    }

    #[test]
    fn what_is_named_can_be_used_again() {
        assert_eq!(parsed("a: &x {b: 1}\nc: *x\n"), parsed("a: {b: 1}\nc: {b: 1}\n"));
    }

    #[test]
    fn what_is_no_mapping_of_sections_is_refused_in_words() {
        let bomb = (1..12).fold("a0: &a0 [x, x]\n".to_owned(), |text, at| {
            let before = at - 1;
            text + &format!("a{at}: &a{at} [*a{before}, *a{before}, *a{before}, *a{before}]\n")
        });
        let deep = "[".repeat(100) + &"]".repeat(100);
        for (text, words) in [
            ("- a", "no mapping"),
            ("word", "no mapping"),
            ("a: [", "line 1"),
            ("a: 1\na: 2\n", "twice"),
            ("? [a]\n: b\n", "key"),
            ("a: 1\n---\nb: 2\n", "more than one document"),
            ("a: &x [*x]\n", ""),
            (bomb.as_str(), "parts"),
            (deep.as_str(), "deep"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn below_ours_stand_whole_sections() {
        let (merged, replaced) =
            below(parsed("jet: {enabled: true}\nmap: {}"), parsed("jet: {enabled: false}\nmetrics: {enabled: true}"));
        assert_eq!(merged, parsed("jet: {enabled: true}\nmap: {}\nmetrics: {enabled: true}"));
        assert_eq!(replaced, ["jet"]);
    }

    #[test]
    fn over_ours_stands_every_single_value() {
        let ours = parsed("jet: {enabled: true, instance: {backup-count: 1}}\nlist: [a, b]");
        let theirs = parsed("jet: {instance: {backup-count: 2}}\nlist: [c]\nmetrics: {enabled: true}");
        assert_eq!(
            over(ours, theirs),
            parsed("jet: {enabled: true, instance: {backup-count: 2}}\nlist: [c]\nmetrics: {enabled: true}")
        );
    }
}
