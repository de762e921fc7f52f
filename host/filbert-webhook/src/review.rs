//! What an API server asks: `AdmissionReview` of `admission.k8s.io/v1`.

use filbert_plan::Document;
use filbert_plan::object::{ObjectKey, ResourceType, TypeMeta};
use filbert_plan::review::{Operation, Review, User};
use serde::Deserialize;
use serde_json::{Value, json};

/// The one version of the admission API that is spoken. All API servers since Kubernetes 1.16 do.
pub const API_VERSION: &str = "admission.k8s.io/v1";
/// Its version alone.
pub const VERSION: &str = "v1";
/// The kind of requests and answers.
pub const KIND: &str = "AdmissionReview";

/// One admission request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// By which the API server knows its answer.
    pub uid: String,
    /// The kind of the object.
    pub kind: Kind,
    /// What guests are asked. Its parameters are still empty: they come from the pipeline.
    pub review: Review,
}

/// The kind of an object, by its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Kind {
    /// Empty for the core group.
    #[serde(default)]
    pub group: String,
    /// `v1`.
    pub version: String,
    /// `StatefulSet`.
    pub kind: String,
}

/// A request that cannot be answered as a review. The text says what was expected.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// Not JSON, or cut off, or a field of the wrong type.
    #[error("the body is no AdmissionReview: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// JSON of another kind, or another version of the admission API.
    #[error(
        "the body is a {found}; expected {API_VERSION} {KIND} (`admissionReviewVersions: [\"v1\"]` in the webhook configuration)"
    )]
    OtherKind {
        /// What it is.
        found: String,
    },
    /// A review without `request`: an answer perhaps.
    #[error("the AdmissionReview has no `request`")]
    NoRequest,
    /// There is nothing to be judged.
    #[error("the request {uid} to {operation} has no `{field}`")]
    NoObject {
        /// The request.
        uid: String,
        /// What is being done.
        operation: &'static str,
        /// What should be there.
        field: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    request: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    uid: String,
    kind: Kind,
    resource: AskedResource,
    #[serde(default)]
    sub_resource: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: Option<String>,
    operation: Operation,
    #[serde(default)]
    user_info: AskedUser,
    #[serde(default)]
    object: Value,
    #[serde(default)]
    old_object: Value,
    #[serde(default)]
    dry_run: Option<bool>,
}

#[derive(Deserialize)]
struct AskedResource {
    #[serde(default)]
    group: String,
    version: String,
    resource: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AskedUser {
    username: String,
    groups: Vec<String>,
}

impl Request {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`Malformed`] where it is no review, is one of another version, or lacks the object that its operation is about.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let Envelope { api_version, kind, request } = serde_json::from_slice(body)?;
        if api_version != API_VERSION || kind != KIND {
            let found = match (api_version.is_empty(), kind.is_empty()) {
                (true, true) => "document without apiVersion and kind".to_owned(),
                _ => TypeMeta { api_version, kind }.to_string(),
            };
            return Err(Malformed::OtherKind { found });
        }
        if request.is_null() {
            return Err(Malformed::NoRequest);
        }
        let asked: Asked = serde_json::from_value(request)?;
        let there = |value: Value| (!value.is_null()).then(|| Document::from(value));
        let (object, old_object) = (there(asked.object), there(asked.old_object));
        let missing = match asked.operation {
            Operation::Create if object.is_none() => Some(("create", "object")),
            Operation::Update if object.is_none() => Some(("update", "object")),
            Operation::Update if old_object.is_none() => Some(("update", "oldObject")),
            Operation::Delete if old_object.is_none() => Some(("delete", "oldObject")),
            Operation::Create | Operation::Update | Operation::Delete | Operation::Connect => None,
        };
        if let Some((operation, field)) = missing {
            return Err(Malformed::NoObject { uid: asked.uid, operation, field });
        }
        let AskedResource { group, version, resource } = asked.resource;
        let mut groups = asked.user_info.groups;
        groups.sort();
        let review = Review {
            operation: asked.operation,
            key: ObjectKey {
                resource: ResourceType::new(group, version, resource),
                namespace: asked.namespace.filter(|namespace| !namespace.is_empty()),
                name: asked.name,
            },
            sub_resource: asked.sub_resource.filter(|name| !name.is_empty()),
            object,
            old_object,
            user: User { name: asked.user_info.username, groups },
            dry_run: asked.dry_run.unwrap_or_default(),
            parameters: json!({}).into(),
        };
        Ok(Self { uid: asked.uid, kind: asked.kind, review })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(request: &Value) -> Vec<u8> {
        json!({"apiVersion": API_VERSION, "kind": KIND, "request": request}).to_string().into_bytes()
    }

    fn asking(operation: &str, more: &Value) -> Value {
        let mut request = json!({
            "uid": "u-1", "operation": operation, "name": "spring", "namespace": "market",
            "kind": {"group": "example.dev", "version": "v1", "kind": "Greeting"},
            "resource": {"group": "example.dev", "version": "v1", "resource": "greetings"},
            "userInfo": {"username": "ann", "groups": ["writers", "readers"]},
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            request[name] = value.clone();
        }
        request
    }

    #[test]
    fn a_request_is_read_with_all_that_guests_may_know() {
        let object = json!({"spec": {"who": "Ann"}});
        let asked = asking(
            "UPDATE",
            &json!({
                "object": object, "oldObject": {"spec": {}}, "dryRun": true, "subResource": "status",
            }),
        );
        let Request { uid, kind, review } = Request::parse(&body(&asked)).expect("a request");
        assert_eq!((uid.as_str(), kind.kind.as_str()), ("u-1", "Greeting"));
        assert_eq!(review.operation, Operation::Update);
        assert_eq!(review.key.to_string(), "greetings.example.dev/v1 market/spring");
        assert_eq!(review.sub_resource.as_deref(), Some("status"));
        assert_eq!(review.object.as_deref(), Some(&object));
        assert_eq!(review.old_object.as_deref(), Some(&json!({"spec": {}})));
        assert_eq!(review.user, User { name: "ann".to_owned(), groups: vec!["readers".into(), "writers".into()] });
        assert!(review.dry_run);
    }

    #[test]
    fn objects_of_the_cluster_have_no_namespace_and_new_ones_may_have_no_name() {
        let mut asked = asking("CREATE", &json!({"object": {}, "namespace": "", "oldObject": null}));
        asked.as_object_mut().expect("an object").remove("name");
        let Request { review, .. } = Request::parse(&body(&asked)).expect("a request");
        assert_eq!((review.key.namespace, review.key.name.as_str()), (None, ""));
        assert_eq!(review.old_object, None);
    }

    #[test]
    fn what_is_no_request_is_refused_with_what_it_is() {
        let beta = json!({"apiVersion": "admission.k8s.io/v1beta1", "kind": KIND, "request": {}}).to_string();
        let pod = json!({"apiVersion": "v1", "kind": "Pod"}).to_string();
        let answer = json!({"apiVersion": API_VERSION, "kind": KIND, "response": {}}).to_string();
        let whole = body(&asking("CREATE", &json!({"object": {}})));
        let cut_off = &whole[..whole.len() / 2];
        let unknown = body(&asking("EXPLODE", &json!({"object": {}})));
        let cases: [(&[u8], &str); 12] = [
            (b"", "the body is no AdmissionReview: EOF"),
            (b"hello", "the body is no AdmissionReview: expected value"),
            (cut_off, "the body is no AdmissionReview: EOF"),
            (b"[]", "document without apiVersion and kind; expected"),
            (b"{}", "document without apiVersion and kind; expected admission.k8s.io/v1 AdmissionReview"),
            (beta.as_bytes(), "a admission.k8s.io/v1beta1 AdmissionReview; expected"),
            (pod.as_bytes(), "a v1 Pod; expected"),
            (answer.as_bytes(), "has no `request`"),
            (&unknown, "unknown variant `EXPLODE`"),
            (&body(&asking("CREATE", &json!({}))), "the request u-1 to create has no `object`"),
            (&body(&asking("UPDATE", &json!({"object": {}}))), "the request u-1 to update has no `oldObject`"),
            (&body(&asking("DELETE", &json!({"object": {}}))), "the request u-1 to delete has no `oldObject`"),
        ];
        for (body, words) in cases {
            let error = Request::parse(body).expect_err(words).to_string();
            assert!(error.contains(words), "`{error}` does not say `{words}`");
        }
    }
}
