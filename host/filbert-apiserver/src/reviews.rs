//! Kinds that are questions: they are answered, not stored.

use crate::core::{Core, set};
use crate::error::Status;
use crate::message::{Call, Reply};
use crate::resource::Resource;
use serde_json::{Value, json};

/// The answer where `resource` is a question.
pub(crate) fn answer(_core: &Core, call: &Call, resource: &Resource, object: &Value) -> Option<Result<Reply, Status>> {
    if resource.serves("get") {
        return None;
    }
    let mut answered = object.clone();
    let status = match resource.kind.as_str() {
        "SelfSubjectAccessReview" | "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            json!({ "allowed": call.user.is_administrator() })
        }
        "SelfSubjectRulesReview" => json!({
            "resourceRules": [{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }],
            "nonResourceRules": [{ "verbs": ["*"], "nonResourceURLs": ["*"] }],
            "incomplete": false,
        }),
        "SelfSubjectReview" => json!({ "userInfo": user_info(call) }),
        "TokenReview" => json!({ "user": {} }),
        _ => return Some(Err(crate::handle::not_allowed())),
    };
    set(&mut answered, "status", status);
    if answered.get("metadata").is_none() {
        set(&mut answered, "metadata", json!({}));
    }
    Some(Ok(Reply::json(201, &answered)))
}

fn user_info(call: &Call) -> Value {
    let mut info = json!({ "username": call.user.name, "groups": call.user.groups });
    if !call.user.uid.is_empty() {
        set(&mut info, "uid", call.user.uid.as_str().into());
    }
    if !call.user.extra.is_empty() {
        let extra: serde_json::Map<String, Value> =
            call.user.extra.iter().map(|(name, values)| (name.clone(), json!(values))).collect();
        set(&mut info, "extra", extra.into());
    }
    info
}
