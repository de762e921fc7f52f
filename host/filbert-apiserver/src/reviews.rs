//! Kinds that are questions: they are answered, not stored.

use crate::access::{self, Wish};
use crate::core::{Core, set, text};
use crate::error::Status;
use crate::message::{Call, Reply, User};
use crate::resource::Resource;
use crate::write::{self, WriteOptions};
use serde_json::{Value, json};
use std::sync::PoisonError;

/// The answer to a question.
pub(crate) fn answer(
    core: &Core,
    call: &Call,
    resource: &Resource,
    object: &Value,
    options: &WriteOptions,
) -> Result<Reply, Status> {
    let mut answered = object.clone();
    if let Some(metadata) = answered.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, value| !(name == "name" && value == ""));
    } else {
        set(&mut answered, "metadata", json!({}));
    }
    write::track_question(resource, "", &mut answered, options);
    let status = match resource.kind.as_str() {
        "SelfSubjectAccessReview" => json!({ "allowed": access::may(core, &call.user, wish(object)) }),
        "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            let groups = object.pointer("/spec/groups").and_then(Value::as_array).into_iter().flatten();
            let user = User {
                name: text(object, "/spec/user").to_owned(),
                groups: groups.filter_map(Value::as_str).map(str::to_owned).collect(),
                uid: String::new(),
                extra: Vec::new(),
            };
            json!({ "allowed": access::may(core, &user, wish(object)) })
        }
        "SelfSubjectRulesReview" => json!({
            "resourceRules": [{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }],
            "nonResourceRules": [{ "verbs": ["*"], "nonResourceURLs": ["*"] }],
            "incomplete": false,
        }),
        "SelfSubjectReview" => {
            if let Some(metadata) = answered.get_mut("metadata") {
                set(metadata, "creationTimestamp", options.now.as_str().into());
            }
            json!({ "userInfo": user_info(&call.user) })
        }
        "TokenReview" => {
            let tokens = core.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            match tokens.get(text(object, "/spec/token")) {
                Some(user) => json!({ "authenticated": true, "user": user_info(user) }),
                None => json!({ "user": {}, "error": "invalid bearer token" }),
            }
        }
        _ => return Err(crate::handle::not_allowed()),
    };
    set(&mut answered, "status", status);
    Ok(Reply::json(201, &answered))
}

fn wish(object: &Value) -> Wish<'_> {
    let namespace = text(object, "/spec/resourceAttributes/namespace");
    Wish {
        verb: text(object, "/spec/resourceAttributes/verb"),
        group: text(object, "/spec/resourceAttributes/group"),
        resource: text(object, "/spec/resourceAttributes/resource"),
        namespace: (!namespace.is_empty()).then_some(namespace),
        name: text(object, "/spec/resourceAttributes/name"),
    }
}

/// What reviews say of a user.
pub(crate) fn user_info(user: &User) -> Value {
    let mut info = json!({ "username": user.name, "groups": user.groups });
    if !user.uid.is_empty() {
        set(&mut info, "uid", user.uid.as_str().into());
    }
    if !user.extra.is_empty() {
        let extra: serde_json::Map<String, Value> =
            user.extra.iter().map(|(name, values)| (name.clone(), json!(values))).collect();
        set(&mut info, "extra", extra.into());
    }
    info
}
