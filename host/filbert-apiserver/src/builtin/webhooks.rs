//! Configurations of admission webhooks.

use super::names;
use crate::crd::Condition;
use crate::error::{FieldError, FieldErrors};
use serde_json::{Value, json};

/// Words that single fields may have, where they are there.
const WORDS: [(&str, &[&str]); 2] = [("failurePolicy", &["Fail", "Ignore"]), ("matchPolicy", &["Equivalent", "Exact"])];
const SIDE_EFFECTS: [&str; 2] = ["None", "NoneOnDryRun"];
const REVIEWS: [&str; 2] = ["v1", "v1beta1"];
const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SCOPES: [&str; 3] = ["*", "Cluster", "Namespaced"];
/// The most conditions of one webhook.
const CONDITIONS_LIMIT: usize = 64;

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn texts<'a>(value: &'a Value, name: &str) -> Vec<&'a str> {
    list(value, name).iter().filter_map(Value::as_str).collect()
}

/// Everything that is wrong with a configuration.
pub(super) fn validate(configuration: &Value, errors: &mut FieldErrors) {
    let mut seen = Vec::new();
    for (index, webhook) in list(configuration, "webhooks").iter().enumerate() {
        let at = format!("webhooks[{index}]");
        check_webhook(webhook, &at, errors);
        check_versions(&texts(webhook, "admissionReviewVersions"), &format!("{at}.admissionReviewVersions"), errors);
        let name = text(webhook, "name");
        if seen.contains(&name) {
            errors.push(FieldError::duplicate(format!("{at}.name"), name));
        } else if !name.is_empty() {
            seen.push(name);
        }
    }
}

fn check_webhook(webhook: &Value, at: &str, errors: &mut FieldErrors) {
    check_name(text(webhook, "name"), &format!("{at}.name"), errors);
    for (index, rule) in list(webhook, "rules").iter().enumerate() {
        check_rule(rule, &format!("{at}.rules[{index}]"), errors);
    }
    let mut one_of = |name: &str, words: &[&str]| {
        let word = text(webhook, name);
        if !word.is_empty() && !words.contains(&word) {
            errors.push(FieldError::not_supported(format!("{at}.{name}"), word, words));
        }
    };
    for (name, words) in WORDS {
        one_of(name, words);
    }
    one_of("sideEffects", &SIDE_EFFECTS);
    one_of("reinvocationPolicy", &["IfNeeded", "Never"]);
    if text(webhook, "sideEffects").is_empty() {
        let detail = format!("must specify one of {}", SIDE_EFFECTS.join(", "));
        errors.push(FieldError::required(format!("{at}.sideEffects"), detail));
    }
    let timeout = webhook.get("timeoutSeconds").and_then(Value::as_i64);
    if let Some(seconds) = timeout.filter(|seconds| !(1..=30).contains(seconds)) {
        let detail = "the timeout value must be between 1 and 30 seconds";
        errors.push(FieldError::invalid(format!("{at}.timeoutSeconds"), seconds, detail));
    }
    for name in ["namespaceSelector", "objectSelector"] {
        check_selector(webhook.get(name).unwrap_or(&Value::Null), &format!("{at}.{name}"), errors);
    }
    let client = webhook.get("clientConfig").unwrap_or(&Value::Null);
    let at_client = format!("{at}.clientConfig");
    match (client.get("url").and_then(Value::as_str), client.get("service").filter(|service| service.is_object())) {
        (Some(url), None) => check_url(url, &format!("{at_client}.url"), errors),
        (None, Some(service)) => check_service(service, &format!("{at_client}.service"), errors),
        _ => errors.push(FieldError::required(at_client, "exactly one of url or service is required")),
    }
    check_conditions(list(webhook, "matchConditions"), &format!("{at}.matchConditions"), errors);
}

fn check_name(name: &str, at: &str, errors: &mut FieldErrors) {
    let complaints = names::dns_subdomain(name);
    if name.is_empty() {
        errors.push(FieldError::required(at, ""));
    } else if !complaints.is_empty() {
        errors.push(FieldError::invalid(at, name, complaints.join(",")));
    } else if name.split('.').count() < 3 {
        errors.push(FieldError::invalid(at, name, "should be a domain with at least three segments separated by dots"));
    }
}

fn check_versions(versions: &[&str], at: &str, errors: &mut FieldErrors) {
    if versions.is_empty() {
        errors.push(FieldError::required(at, format!("must specify one of {}", REVIEWS.join(", "))));
        return;
    }
    for (index, version) in versions.iter().enumerate() {
        let at = format!("{at}[{index}]");
        if versions.iter().take(index).any(|earlier| earlier == version) {
            errors.push(FieldError::invalid(at, *version, "duplicate version"));
            continue;
        }
        for complaint in names::dns_label_1035(version) {
            errors.push(FieldError::invalid(at.as_str(), *version, complaint));
        }
    }
    if !versions.iter().any(|version| REVIEWS.contains(version)) {
        let detail = format!("must include at least one of {}", REVIEWS.join(", "));
        errors.push(FieldError::invalid(at, json!(versions), detail));
    }
}

fn check_rule(rule: &Value, at: &str, errors: &mut FieldErrors) {
    let all_or_some = |name: &str, others: &str, errors: &mut FieldErrors| {
        let given = texts(rule, name);
        let at = format!("{at}.{name}");
        if given.is_empty() {
            errors.push(FieldError::required(at, ""));
        } else if given.len() > 1 && given.contains(&"*") {
            let detail = format!("if '*' is present, must not specify other {others}");
            errors.push(FieldError::invalid(at, json!(given), detail));
        }
    };
    all_or_some("operations", "operations", errors);
    for (index, operation) in texts(rule, "operations").into_iter().enumerate() {
        if !OPERATIONS.contains(&operation) {
            errors.push(FieldError::not_supported(format!("{at}.operations[{index}]"), operation, &OPERATIONS));
        }
    }
    all_or_some("apiGroups", "API groups", errors);
    all_or_some("apiVersions", "API versions", errors);
    for (index, version) in texts(rule, "apiVersions").into_iter().enumerate() {
        if version.is_empty() {
            errors.push(FieldError::required(format!("{at}.apiVersions[{index}]"), ""));
        }
    }
    check_resources(&texts(rule, "resources"), &format!("{at}.resources"), errors);
    let scope = text(rule, "scope");
    if !scope.is_empty() && !SCOPES.contains(&scope) {
        errors.push(FieldError::not_supported(format!("{at}.scope"), scope, &SCOPES));
    }
}

fn check_resources(resources: &[&str], at: &str, errors: &mut FieldErrors) {
    if resources.is_empty() {
        errors.push(FieldError::required(at, ""));
    }
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    let mut has_plain = false;
    for (index, resource) in resources.iter().enumerate() {
        let at = format!("{at}[{index}]");
        if resource.is_empty() {
            errors.push(FieldError::required(at, ""));
            continue;
        }
        let Some((name, part)) = resource.split_once('/') else {
            has_plain |= *resource != "*";
            continue;
        };
        if whole.contains(&name) {
            let detail = format!("if '{name}/*' is present, must not specify {resource}");
            errors.push(FieldError::invalid(at.as_str(), *resource, detail));
        }
        if parts.contains(&part) {
            let detail = format!("if '*/{part}' is present, must not specify {resource}");
            errors.push(FieldError::invalid(at, *resource, detail));
        }
        if part == "*" {
            whole.push(name);
        }
        if name == "*" {
            parts.push(part);
        }
    }
    let mut complain = |detail: &str| errors.push(FieldError::invalid(at, json!(resources), detail));
    if resources.len() > 1 && resources.contains(&"*/*") {
        complain("if '*/*' is present, must not specify other resources");
    }
    if has_plain && resources.contains(&"*") {
        complain("if '*' is present, must not specify other resources without subresources");
    }
}

/// Label selectors in the form objects have them.
pub(super) fn check_selector(selector: &Value, at: &str, errors: &mut FieldErrors) {
    super::metadata::validate_labels(selector.get("matchLabels"), &format!("{at}.matchLabels"), errors);
    for (index, expression) in list(selector, "matchExpressions").iter().enumerate() {
        let at = format!("{at}.matchExpressions[{index}]");
        let has_values = !list(expression, "values").is_empty();
        match text(expression, "operator") {
            "In" | "NotIn" if !has_values => {
                let detail = "must be specified when `operator` is 'In' or 'NotIn'";
                errors.push(FieldError::required(format!("{at}.values"), detail));
            }
            "Exists" | "DoesNotExist" if has_values => {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.push(FieldError::forbidden(format!("{at}.values"), detail));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => {
                let detail = "not a valid selector operator";
                errors.push(FieldError::invalid(format!("{at}.operator"), other, detail));
            }
        }
        for complaint in names::qualified_name(text(expression, "key")) {
            errors.push(FieldError::invalid(format!("{at}.key"), text(expression, "key"), complaint));
        }
        for (index, value) in texts(expression, "values").into_iter().enumerate() {
            for complaint in names::label_value(value) {
                errors.push(FieldError::invalid(format!("{at}.values[{index}]"), value, complaint));
            }
        }
    }
}

fn check_url(url: &str, at: &str, errors: &mut FieldErrors) {
    const FORM: &str = "; desired format: https://host[/path]";
    let Some((scheme, rest)) = url.split_once("://") else {
        errors.push(FieldError::invalid(at, "", format!("'https' is the only allowed URL scheme{FORM}")));
        errors.push(FieldError::invalid(at, "", format!("host must be specified{FORM}")));
        return;
    };
    if scheme != "https" {
        errors.push(FieldError::invalid(at, scheme, format!("'https' is the only allowed URL scheme{FORM}")));
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = rest.split('/').next().unwrap_or_default();
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if host.is_empty() {
        errors.push(FieldError::invalid(at, "", format!("host must be specified{FORM}")));
    }
    if let Some(user) = user {
        errors.push(FieldError::invalid(at, user, "user information is not permitted in the URL"));
    }
    if !fragment.is_empty() {
        errors.push(FieldError::invalid(at, fragment, "fragments are not permitted in the URL"));
    }
    if !query.is_empty() {
        errors.push(FieldError::invalid(at, query, "query parameters are not permitted in the URL"));
    }
}

fn check_service(service: &Value, at: &str, errors: &mut FieldErrors) {
    for name in ["name", "namespace"] {
        if text(service, name).is_empty() {
            errors.push(FieldError::required(format!("{at}.{name}"), format!("service {name} is required")));
        }
    }
    let port = service.get("port").and_then(Value::as_i64).unwrap_or_default();
    if !(1..=65_535).contains(&port) {
        let detail = "port is not valid: must be between 1 and 65535, inclusive";
        errors.push(FieldError::invalid(format!("{at}.port"), port, detail));
    }
    let path = text(service, "path");
    let at = format!("{at}.path");
    match path {
        "" | "/" => return,
        "//" => {
            errors.push(FieldError::invalid(at, path, "segment[0] may not be empty"));
            return;
        }
        _ if !path.starts_with('/') => {
            errors.push(FieldError::invalid(at.as_str(), path, "must start with a '/'"));
        }
        _ => {}
    }
    let steps = path.get(1..).unwrap_or_default();
    for (index, step) in steps.strip_suffix('/').unwrap_or(steps).split('/').enumerate() {
        if step.is_empty() {
            errors.push(FieldError::invalid(at.as_str(), path, format!("segment[{index}] may not be empty")));
            continue;
        }
        for complaint in names::dns_subdomain(step) {
            errors.push(FieldError::invalid(at.as_str(), path, format!("segment[{index}]: {complaint}")));
        }
    }
}

fn check_conditions(conditions: &[Value], at: &str, errors: &mut FieldErrors) {
    if conditions.len() > CONDITIONS_LIMIT {
        errors.push(FieldError::too_many(at, conditions.len(), CONDITIONS_LIMIT));
        return;
    }
    let mut seen = Vec::new();
    for (index, condition) in conditions.iter().enumerate() {
        let at = format!("{at}[{index}]");
        let (name, expression) = (text(condition, "name"), text(condition, "expression").trim());
        if expression.is_empty() {
            errors.push(FieldError::required(format!("{at}.expression"), ""));
        } else if let Some(complaint) = Condition::complaint(expression) {
            errors.push(FieldError::invalid(format!("{at}.expression"), expression, complaint));
        }
        if name.is_empty() {
            errors.push(FieldError::required(format!("{at}.name"), ""));
        }
        for complaint in names::qualified_name(name).into_iter().filter(|_| !name.is_empty()) {
            errors.push(FieldError::invalid(format!("{at}.name"), name, complaint));
        }
        if seen.contains(&name) {
            errors.push(FieldError::duplicate(format!("{at}.name"), name));
        } else if !name.is_empty() {
            seen.push(name);
        }
    }
}
