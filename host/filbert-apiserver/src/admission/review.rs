//! `AdmissionReview`: the question a webhook is asked, and what its answer says.

use super::Request;
use super::configuration::{Hook, Side};
use super::select::Invocation;
use crate::core::text;
use crate::crd::golang;
use crate::error::Status;
use crate::operations::Patch;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// The request without the objects, as match conditions see it.
pub(super) fn describe(request: &Request<'_>, invocation: &Invocation<'_>) -> Value {
    let kind = |resource| {
        let [group, version, kind] = request.kind_in(resource);
        json!({ "group": group, "version": version, "kind": kind })
    };
    let resource = |resource: &crate::resource::Resource| json!({ "group": resource.group, "version": resource.version, "resource": resource.plural });
    let mut described = Map::new();
    let mut put = |name: &str, value: Value| described.insert(name.to_owned(), value);
    put("kind", kind(&invocation.resource));
    put("resource", resource(&invocation.resource));
    put("requestKind", kind(request.resource));
    put("requestResource", resource(request.resource));
    for (name, text) in [
        ("subResource", request.subresource),
        ("requestSubResource", request.subresource),
        ("name", request.name),
        ("namespace", request.namespace),
    ] {
        if !text.is_empty() {
            put(name, text.into());
        }
    }
    put("operation", request.operation.name().into());
    put("userInfo", crate::reviews::user_info(&request.origin.user));
    put("dryRun", request.dry_run.into());
    put("options", request.options.clone());
    Value::Object(described)
}

/// The review that a webhook is sent.
pub(super) fn question(request: &Request<'_>, invocation: &Invocation<'_>, object: &Value, uid: &str) -> Value {
    let mut asked = describe(request, invocation);
    let old = request.old.map(|old| invocation.show(request, old)).unwrap_or_default();
    for (name, value) in [("uid", uid.into()), ("object", object.clone()), ("oldObject", old)] {
        crate::core::set(&mut asked, name, value);
    }
    json!({
        "kind": "AdmissionReview",
        "apiVersion": format!("admission.k8s.io/{}", invocation.hook.version),
        "request": asked,
    })
}

/// What a webhook said.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// The refusal, where it is one.
    pub(super) denial: Option<Status>,
    pub(super) warnings: Vec<String>,
    /// With the name of the webhook before each key.
    pub(super) annotations: Vec<(String, String)>,
    /// Never empty.
    pub(super) patch: Option<Patch>,
}

/// Reads the body of an answer; the error is why it is none.
pub(super) fn read(body: &[u8], hook: &Hook, uid: &str) -> Result<Verdict, String> {
    let review = decode(body).map_err(|why| format!("failed to call webhook: {why}"))?;
    let response = check(&review, hook, uid).map_err(|why| format!("received invalid webhook response: {why}"))?;
    let mut verdict = Verdict {
        denial: (response.get("allowed") != Some(&Value::Bool(true))).then(|| denial(response, &hook.name)),
        ..Verdict::default()
    };
    let warnings = response.get("warnings").and_then(Value::as_array).into_iter().flatten();
    verdict.warnings = warnings.filter_map(Value::as_str).map(str::to_owned).collect();
    for (key, value) in response.get("auditAnnotations").and_then(Value::as_object).into_iter().flatten() {
        verdict.annotations.push((format!("{}/{key}", hook.name), value.as_str().unwrap_or_default().to_owned()));
    }
    let patch = STANDARD.decode(text(response, "/patch")).unwrap_or_default();
    if verdict.denial.is_none() && !patch.is_empty() {
        let undecodable = |why| format!("received undecodable patch in webhook response: {why}");
        let patch = Patch::parse(&patch).map_err(undecodable)?;
        if !patch.is_empty() {
            // Older reviews need not say what every patch is.
            let kind = text(response, "/patchType");
            if kind != "JSONPatch" && !(kind.is_empty() && hook.version != "v1") {
                return Err(format!("unsupported patch type {kind:?}"));
            }
            verdict.patch = Some(patch);
        }
    }
    Ok(verdict)
}

/// The answer as a review, before it is believed.
fn decode(body: &[u8]) -> Result<Value, String> {
    let unreadable = |why: String| format!("couldn't get version/kind; json parse error: {why}");
    let review = crate::write::parse_yaml(body).map_err(unreadable)?;
    if !review.is_object() {
        let found = match &review {
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Bool(_) => "bool",
            _ => "number",
        };
        return Err(unreadable(format!(
            "json: cannot unmarshal {found} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
        )));
    }
    let (version, kind) = (text(&review, "/apiVersion"), text(&review, "/kind"));
    let known = ["admission.k8s.io/v1", "admission.k8s.io/v1beta1", ""].contains(&version);
    if !known || !["AdmissionReview", ""].contains(&kind) {
        return Err(format!(
            "no kind {kind:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:111\""
        ));
    }
    let wrong = |field: &str, found: &Value, wanted: &str| {
        let found = match found {
            Value::Object(_) => "object",
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Bool(_) => "bool",
            _ => "number",
        };
        format!(
            "json: cannot unmarshal {found} into Go struct field AdmissionResponse.response.{field} of type {wanted}"
        )
    };
    let response = review.get("response").unwrap_or(&Value::Null);
    for (field, wanted) in [("uid", "types.UID"), ("patch", "[]uint8"), ("patchType", "v1.PatchType")] {
        if let Some(found) = response.get(field).filter(|found| !found.is_string() && !found.is_null()) {
            return Err(wrong(field, found, wanted));
        }
    }
    if let Some(found) = response.get("allowed").filter(|found| !found.is_boolean() && !found.is_null()) {
        return Err(wrong("allowed", found, "bool"));
    }
    if let Err(error) = STANDARD.decode(text(response, "/patch")) {
        return Err(format!("illegal base64 data: {error}"));
    }
    Ok(review)
}

/// The response in a review that answers ours.
fn check<'a>(review: &'a Value, hook: &Hook, uid: &str) -> Result<&'a Value, String> {
    let response = review.get("response").filter(|response| response.is_object());
    let response = response.ok_or_else(|| "webhook response was absent".to_owned())?;
    if hook.version != "v1" {
        return Ok(response);
    }
    let answered = text(response, "/uid");
    if answered != uid {
        return Err(format!("expected response.uid={uid:?}, got {answered:?}"));
    }
    let (version, kind) = (text(review, "/apiVersion"), text(review, "/kind"));
    if (version, kind) != ("admission.k8s.io/v1", "AdmissionReview") {
        let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
        return Err(format!(
            "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got {group}/{version}, Kind={kind}"
        ));
    }
    let has_patch = !text(response, "/patch").is_empty();
    let kind = response.get("patchType").and_then(Value::as_str);
    let complaint = match (hook.side, has_patch, kind) {
        (Side::Validating, true, _) => "validating webhook may not return response.patch",
        (Side::Validating, false, Some(_)) => "validating webhook may not return response.patchType",
        (Side::Mutating, true, None) => "webhook returned response.patch but not response.patchType",
        (Side::Mutating, false, Some(_)) => "webhook returned response.patchType but not response.patch",
        (Side::Mutating, true, Some("")) => "webhook returned invalid response.patchType of \"\"",
        _ => return Ok(response),
    };
    Err(complaint.to_owned())
}

/// A refusal is never a success, whatever the webhook calls it.
fn denial(response: &Value, name: &str) -> Status {
    let said = |pointer: &str| text(response, pointer);
    let code = response.pointer("/status/code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let denied = format!("admission webhook {} denied the request", golang::json(&name.into()));
    let message = match (said("/status/message"), said("/status/reason")) {
        ("", "") => format!("{denied} without explanation"),
        ("", reason) => format!("{denied}: {reason}"),
        (message, _) => format!("{denied}: {message}"),
    };
    Status::new(code.unwrap_or_default().max(400), said("/status/reason"), message)
        .with_details(response.pointer("/status/details").cloned().unwrap_or_default())
}
