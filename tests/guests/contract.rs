//! The host offers all of `wit/`, and nothing in `wit/` is without words.

use std::path::PathBuf;

use filbert_engine::LoadError;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{InterfaceId, ManglingAndAbi, Resolve, WorldId, WorldItem};

use crate::support::engine;

fn contract() -> (Resolve, wit_parser::PackageId) {
    let mut resolve = Resolve::default();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let (package, _) = resolve.push_dir(folder).expect("the contract is well-formed");
    (resolve, package)
}

fn world(resolve: &Resolve, package: wit_parser::PackageId, name: &str) -> WorldId {
    resolve.packages[package].worlds[name]
}

/// A component of this world that calls every import there is, and traps wherever it is called itself.
fn dummy(name: &str) -> Vec<u8> {
    let (resolve, package) = contract();
    let world = world(&resolve, package, name);
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).expect("metadata fits");
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module).expect("a module of the world").encode().expect("a component of the world")
}

#[tokio::test]
async fn a_component_that_imports_everything_there_is_can_be_instantiated() {
    let error = engine().load("dummy", &dummy("operator")).await.err().expect("it traps when it is asked what it is");
    // Had an import been missing, it would have been refused before it was called.
    let LoadError::Probe { source, .. } = error else { panic!("not called: {error}") };
    assert_eq!(source.category(), "trap", "{source}");
}

#[tokio::test]
async fn a_component_of_each_role_can_be_instantiated() {
    for role in ["defaulter", "validator", "stepper"] {
        let module = engine().load("dummy", &dummy(role)).await.unwrap_or_else(|error| panic!("{role}: {error}"));
        let description = module.description();
        assert!(description.steps.is_empty() && description.kinds.is_empty(), "{role}: {description:?}");
    }
}

#[test]
fn every_item_of_the_contract_has_words_and_a_version() {
    let (resolve, package) = contract();
    let mut bare = Vec::new();
    let mut check = |place: String, words: Option<&str>| {
        if words.is_none_or(|words| words.trim().is_empty()) {
            bare.push(place);
        }
    };
    let package = &resolve.packages[package];
    check("package".to_owned(), package.docs.contents.as_deref());
    for (name, &id) in &package.worlds {
        check(name.clone(), resolve.worlds[id].docs.contents.as_deref());
        for (key, item) in &resolve.worlds[id].exports {
            assert!(matches!(item, WorldItem::Interface { .. }), "{name}: {key:?} is no interface");
        }
    }
    for (name, &id) in &package.interfaces {
        check_interface(&resolve, name, id, &mut check);
    }
    assert_eq!(bare, Vec::<String>::new());
}

fn check_interface(resolve: &Resolve, name: &str, id: InterfaceId, check: &mut impl FnMut(String, Option<&str>)) {
    use wit_parser::{Stability, TypeDefKind, TypeOwner};

    let interface = &resolve.interfaces[id];
    check(name.to_owned(), interface.docs.contents.as_deref());
    for (item, function) in &interface.functions {
        check(format!("{name}.{item}"), function.docs.contents.as_deref());
        assert!(function.stability != Stability::Unknown, "{name}.{item} says not since when it is there");
    }
    for (item, &id) in &interface.types {
        let definition = &resolve.types[id];
        // Names taken over from another interface have their words there.
        if matches!(&definition.kind, TypeDefKind::Type(wit_parser::Type::Id(other)) if resolve.types[*other].owner != TypeOwner::Interface(interface_of(resolve, id)))
        {
            continue;
        }
        check(format!("{name}.{item}"), definition.docs.contents.as_deref());
        assert!(definition.stability != Stability::Unknown, "{name}.{item} says not since when it is there");
        let parts: Vec<(&str, &wit_parser::Docs)> = match &definition.kind {
            TypeDefKind::Record(record) => record.fields.iter().map(|part| (&*part.name, &part.docs)).collect(),
            TypeDefKind::Variant(variant) => variant.cases.iter().map(|part| (&*part.name, &part.docs)).collect(),
            TypeDefKind::Enum(kind) => kind.cases.iter().map(|part| (&*part.name, &part.docs)).collect(),
            _ => Vec::new(),
        };
        for (part, docs) in parts {
            check(format!("{name}.{item}.{part}"), docs.contents.as_deref());
        }
    }
}

fn interface_of(resolve: &Resolve, id: wit_parser::TypeId) -> InterfaceId {
    match resolve.types[id].owner {
        wit_parser::TypeOwner::Interface(interface) => interface,
        other => panic!("a type of an interface belongs to {other:?}"),
    }
}
