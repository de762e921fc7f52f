//! Group `networking.k8s.io`.

use serde_json::Value;

use super::{IntOrString, kinds, parts};

kinds! {
    /// HTTP from outside.
    Ingress("networking.k8s.io", "v1", "ingresses") { spec: IngressSpec, }
    /// HTTP from outside, on `OpenShift`.
    Route("route.openshift.io", "v1", "routes") { spec: RouteSpec, }
}

parts! {
    /// `spec` of a [`Route`].
    RouteSpec { host: String, path: String, to: RouteTarget, port: RoutePort, tls: Value, }
    /// Where a [`Route`] leads.
    RouteTarget { kind: String, name: String, }
    /// The port of a Service that a [`Route`] leads to.
    RoutePort { target_port: IntOrString, }
    /// `spec` of an [`Ingress`].
    IngressSpec { ingress_class_name: String, rules: Vec<Value>, tls: Vec<Value>, default_backend: Value, }
}
