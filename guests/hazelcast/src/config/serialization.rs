//! How objects become bytes.

use hazelcast_api::hazelcast::{ByteOrder, Spec};

use super::{Node, code};

pub(super) fn section(spec: &Spec) -> Node {
    let Some(spec) = &spec.serialization else { return Node::new() };
    let global = spec.global_serializer.as_ref().map(|serializer| {
        Node::new()
            .with_some("override-java-serialization", serializer.override_java_serialization)
            .with("class-name", serializer.class_name.as_str())
    });
    let serializers: Vec<_> = spec
        .serializers
        .iter()
        .map(|serializer| {
            Node::new()
                .with("type-class", serializer.type_class.as_str())
                .with("class-name", serializer.class_name.as_str())
        })
        .collect();
    let compact = spec.compact_serialization.clone().unwrap_or_default();
    let compact = Node::new()
        .with_any("serializers", each("serializer", &compact.serializers))
        .with_any("classes", each("class", &compact.classes));
    let order = if spec.byte_order == ByteOrder::LittleEndian { "LITTLE_ENDIAN" } else { "BIG_ENDIAN" };
    Node::new()
        .with("portable-version", 0)
        .with("use-native-byte-order", spec.byte_order == ByteOrder::Native)
        .with("byte-order", order)
        .with("enable-compression", spec.enable_compression)
        .with("enable-shared-object", spec.enable_shared_object)
        .with("allow-unsafe", spec.allow_unsafe)
        .with("allow-override-default-serializers", spec.override_default_serializers)
        .with_any("data-serializable-factories", factories(&spec.data_serializable_factories))
        .with_any("portable-factories", factories(&spec.portable_factories))
        .with_some("global-serializer", global)
        .with_any("serializers", serializers)
        .with_any("java-serialization-filter", code::class_filter(spec.java_serialization_filter.as_ref()))
        .with_any("compact-serialization", compact)
}

/// Members want positive numbers, so the first factory is number 1.
fn factories(classes: &[String]) -> Node {
    let one =
        |(number, class): (i64, &String)| Node::new().with("factory-id", number).with("class-name", class.as_str());
    Node::List((1..).zip(classes).map(one).collect())
}

fn each(key: &str, names: &[String]) -> Node {
    Node::List(names.iter().map(|name| Node::new().with(key, name.as_str())).collect())
}
