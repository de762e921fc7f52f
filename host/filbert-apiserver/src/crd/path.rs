//! Field paths that cost nothing until somebody prints them.

use std::fmt;

/// Where a value sits in its object: a chain of borrowed steps, printed as Kubernetes prints paths.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    /// The object itself; prints as nothing.
    Root,
    /// A field of the object at the parent path.
    Field(&'a Path<'a>, &'a str),
    /// An item of the list at the parent path.
    Index(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    pub(crate) fn field(&'a self, name: &'a str) -> Path<'a> {
        Path::Field(self, name)
    }

    pub(crate) fn index(&'a self, index: usize) -> Path<'a> {
        Path::Index(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Field(Path::Root, name) => out.write_str(name),
            Path::Field(parent, name) => write!(out, "{parent}.{name}"),
            Path::Index(parent, index) => write!(out, "{parent}[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_print_with_dots_and_brackets() {
        let root = Path::Root;
        let spec = root.field("spec");
        let items = spec.field("items");
        let item = items.index(2);
        assert_eq!(item.field("name").to_string(), "spec.items[2].name");
    }
}
