//! Reads OpenAPI schemas into types.

use super::types::{
    DEDUCED, Field, Kind, ListKind, ListType, MapType, PatchStrategy, QUANTITY_TYPE, ScalarKind, Type, TypeRef, Types,
    UNTYPED,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

impl Types {
    /// The types of a document's `components.schemas`. The schemas named in `kinds` are found by kind.
    pub(super) fn of_document(schemas: &Map<String, Value>, kinds: BTreeMap<Kind, String>) -> Types {
        let mut reader = Reader::new();
        reader.declare(schemas.keys());
        for (name, schema) in schemas {
            reader.define(name, schema);
        }
        let names = &reader.types.names;
        let kinds = kinds.into_iter().filter_map(|(kind, name)| Some((kind, *names.get(&name)?))).collect();
        Types { kinds, ..reader.types }
    }

    /// The types of a custom resource, with those of its metadata.
    pub(super) fn of_custom_resource(schema: &Value, metadata: &Map<String, Value>) -> (Types, TypeRef) {
        let mut reader = Reader::new();
        reader.declare(metadata.keys());
        for (name, schema) in metadata {
            reader.define(name, schema);
        }
        reader.preserves_unknown = false;
        reader.embedded_objects = true;
        let mut root = reader.read(schema);
        if let Some(map) = &mut root.map {
            reader.add_object_fields(map);
        }
        let root = TypeRef::plain(reader.add(root));
        (reader.types, root)
    }
}

/// Reads schemas into types.
struct Reader {
    types: Types,
    /// The schemas below an `x-kubernetes-preserve-unknown-fields` allow fields that they do not declare.
    preserves_unknown: bool,
    /// Objects embedded in a custom resource have the fields that all objects have.
    embedded_objects: bool,
}

impl Reader {
    fn new() -> Self {
        let anything = |of_maps: TypeRef, atomic| Type {
            scalar: Some(ScalarKind::Any),
            list: Some(ListType { item: UNTYPED, kind: ListKind::Atomic }),
            map: Some(MapType { fields: BTreeMap::new(), element: Some(of_maps), atomic, required: Vec::new() }),
        };
        let quantity = Type { scalar: Some(ScalarKind::Any), ..Type::default() };
        let types = vec![anything(UNTYPED, true), anything(DEDUCED, false), quantity];
        Reader {
            types: Types { all: types, names: BTreeMap::new(), kinds: BTreeMap::new() },
            preserves_unknown: false,
            embedded_objects: false,
        }
    }

    fn declare<'a>(&mut self, names: impl Iterator<Item = &'a String>) {
        for name in names {
            let id = match name.as_str() {
                QUANTITY => QUANTITY_TYPE.id,
                RAW_EXTENSION => UNTYPED.id,
                _ => self.add(Type::default()),
            };
            self.types.names.insert(name.clone(), id);
        }
    }

    fn define(&mut self, name: &str, schema: &Value) {
        if matches!(name, QUANTITY | RAW_EXTENSION) {
            return;
        }
        self.preserves_unknown = false;
        let read = self.read(schema);
        let id = self.types.names.get(name).map(|id| *id as usize);
        if let Some(slot) = id.and_then(|id| self.types.all.get_mut(id)) {
            *slot = read;
        }
    }

    fn add(&mut self, of: Type) -> u32 {
        let id = index(self.types.all.len());
        self.types.all.push(of);
        id
    }

    /// A place with this schema: a reference to a named type, or a type of its own.
    fn place(&mut self, schema: &Value) -> TypeRef {
        let reference =
            schema.get("$ref").or_else(|| match schema.get("allOf").and_then(Value::as_array)?.as_slice() {
                [only] => only.get("$ref"),
                _ => None,
            });
        if let Some(name) = reference.and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
            let atomic = schema.get("x-kubernetes-map-type").map(|kind| kind == "atomic");
            return match self.types.names.get(name) {
                Some(id) => TypeRef { id: *id, atomic },
                None => DEDUCED,
            };
        }
        // What a schema says about unknown fields holds below it, and not beside it.
        let outside = self.preserves_unknown;
        let of = self.read(schema);
        self.preserves_unknown = outside;
        TypeRef::plain(self.add(of))
    }

    fn read(&mut self, schema: &Value) -> Type {
        if schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true)) {
            self.preserves_unknown = true;
        }
        let format = schema.get("format").and_then(Value::as_str).unwrap_or("");
        let scalar = |kind| Type { scalar: Some(kind), ..Type::default() };
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => Type { map: Some(self.read_map(schema)), ..Type::default() },
            Some("array") => Type { list: Some(self.read_list(schema)), ..Type::default() },
            Some("integer" | "number") => scalar(ScalarKind::Number),
            Some("boolean") => scalar(ScalarKind::Bool),
            Some("string") if matches!(format, "" | "byte") => scalar(ScalarKind::Text),
            Some(_) => scalar(ScalarKind::Any),
            None => Type {
                scalar: Some(ScalarKind::Any),
                list: Some(self.read_list(schema)),
                map: Some(self.read_map(schema)),
            },
        }
    }

    fn read_map(&mut self, schema: &Value) -> MapType {
        let mut fields = BTreeMap::new();
        for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let field = Field {
                place: self.place(schema),
                default: schema.get("default").cloned(),
                patch: patch_strategy(schema),
            };
            fields.insert(name.clone(), field);
        }
        let element = match schema.get("additionalProperties") {
            None if self.preserves_unknown || fields.is_empty() => Some(DEDUCED),
            None | Some(Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(DEDUCED),
            Some(schema) => Some(self.place(schema)),
        };
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let mut map = MapType {
            fields,
            element,
            atomic: schema.get("x-kubernetes-map-type").is_some_and(|kind| kind == "atomic"),
            required: required.filter_map(Value::as_str).map(str::to_owned).collect(),
        };
        if self.embedded_objects && schema.get("x-kubernetes-embedded-resource") == Some(&Value::Bool(true)) {
            self.add_object_fields(&mut map);
        }
        map
    }

    fn read_list(&mut self, schema: &Value) -> ListType {
        let item = schema.get("items").map_or(DEDUCED, |items| self.place(items));
        let kind = match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("set") => ListKind::Set,
            Some("map") => {
                let names = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array).into_iter().flatten();
                let mut names: Vec<&str> = names.filter_map(Value::as_str).collect();
                names.sort_unstable();
                ListKind::Keyed(names.into_iter().map(str::to_owned).collect())
            }
            _ => ListKind::Atomic,
        };
        ListType { item, kind }
    }

    /// The fields of every object, in a custom resource or embedded in one.
    fn add_object_fields(&mut self, map: &mut MapType) {
        let text = TypeRef::plain(self.add(Type { scalar: Some(ScalarKind::Text), ..Type::default() }));
        let metadata = self.types.names.get(OBJECT_META).map_or(DEDUCED, |id| TypeRef::plain(*id));
        for (name, place) in [("apiVersion", text), ("kind", text), ("metadata", metadata)] {
            let field = Field { place, default: None, patch: PatchStrategy::default() };
            map.fields.insert(name.to_owned(), field);
        }
    }
}

fn patch_strategy(schema: &Value) -> PatchStrategy {
    let words = schema.get("x-kubernetes-patch-strategy").and_then(Value::as_str).unwrap_or("");
    let merge_key = schema.get("x-kubernetes-patch-merge-key").and_then(Value::as_str);
    PatchStrategy {
        merge: words.split(',').any(|word| word == "merge"),
        replace: words.split(',').any(|word| word == "replace"),
        merge_key: merge_key.map(str::to_owned),
    }
}

fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
