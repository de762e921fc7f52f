//! Group `networking.k8s.io`.

use serde_json::Value;

use super::{kinds, parts};

kinds! {
    /// HTTP from outside.
    Ingress("networking.k8s.io", "v1", "ingresses") { spec: IngressSpec, }
}

parts! {
    /// `spec` of an [`Ingress`].
    IngressSpec { ingress_class_name: String, rules: Vec<Value>, tls: Vec<Value>, default_backend: Value, }
}
