//! Which form of an answer a client accepts.

use crate::error::Status;

/// The shape of the objects in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Object,
    Table,
    /// `PartialObjectMetadata`
    Metadata,
    MetadataList,
}

/// The chosen form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) shape: Shape,
    pub(crate) yaml: bool,
    /// The value of the answer's content type.
    pub(crate) content_type: &'static str,
}

struct Range<'a> {
    media: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Range<'a> {
    fn get(&self, name: &str) -> &'a str {
        self.parameters.iter().find(|(found, _)| *found == name).map(|(_, value)| *value).unwrap_or_default()
    }
}

fn ranges(accept: &str) -> impl Iterator<Item = Range<'_>> {
    accept.split(',').map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        Range { media, parameters: parts.filter_map(|parameter| parameter.split_once('=')).collect() }
    })
}

/// Answers for aggregated discovery: whether the client takes `APIGroupDiscoveryList` of version v2.
pub(crate) fn wants_aggregated_discovery(accept: &str) -> Option<bool> {
    let mut plain = accept.is_empty();
    for range in ranges(accept) {
        match (range.media, range.get("g"), range.get("v"), range.get("as")) {
            ("application/json" | "*/*" | "application/*", "apidiscovery.k8s.io", "v2", "APIGroupDiscoveryList") => {
                return Some(true);
            }
            ("application/json" | "application/yaml" | "*/*" | "application/*", "", _, "") => plain = true,
            _ => {}
        }
    }
    plain.then_some(false)
}

/// The first form of the `Accept` header that is served; 406 where there is none.
pub(crate) fn choose(accept: &str) -> Result<Form, Status> {
    let form = |shape, yaml| {
        let content_type = if yaml { "application/yaml" } else { "application/json" };
        Ok(Form { shape, yaml, content_type })
    };
    if accept.is_empty() {
        return form(Shape::Object, false);
    }
    for range in ranges(accept) {
        let yaml = match range.media {
            "application/json" | "application/*" | "*/*" => false,
            "application/yaml" => true,
            _ => continue,
        };
        let shape = match (range.get("as"), range.get("g"), range.get("v")) {
            ("", _, _) => Shape::Object,
            ("Table", "meta.k8s.io", "v1" | "v1beta1") => Shape::Table,
            ("PartialObjectMetadata", "meta.k8s.io", "v1" | "v1beta1") => Shape::Metadata,
            ("PartialObjectMetadataList", "meta.k8s.io", "v1" | "v1beta1") => Shape::MetadataList,
            _ => continue,
        };
        return form(shape, yaml);
    }
    Err(not_acceptable(
        "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf",
    ))
}

pub(crate) fn not_acceptable(message: &str) -> Status {
    Status::new(406, "NotAcceptable", message)
}
