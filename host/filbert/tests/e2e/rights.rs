//! The operator under a service account that may do little.

use filbert_plan::object::ObjectKey;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::site::{Site, condition, documents};

/// All that an operator of greetings needs in one namespace, but for what it makes.
const RIGHTS: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: operator}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: operator}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]}
- {apiGroups: [example.dev], resources: [greetings], verbs: [get, list, watch, patch]}
- {apiGroups: [example.dev], resources: [greetings/status], verbs: [patch]}
- {apiGroups: [''], resources: [events], verbs: [create]}
";

/// Leave to make each `ConfigMap` that is wanted.
const MORE_RIGHTS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: maker}
rules:
- {apiGroups: [''], resources: [configmaps], verbs: [get, list, watch, create, patch, delete]}
";

impl Site {
    /// Gives the service account the role of this name.
    async fn bind(&self, role: &str) {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": "operator", "namespace": self.namespace}],
        });
        self.apply(&binding).await.expect("applied");
    }

    /// Writes a kubeconfig of the service account.
    async fn write_kubeconfig(&self, name: &str) {
        let accounts = kube::Api::<ServiceAccount>::namespaced(self.api.client().clone(), &self.namespace);
        let spec = TokenRequestSpec { audiences: Vec::new(), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let answer = accounts.create_token_request("operator", &PostParams::default(), &request).await;
        let token = answer.expect("a token").status.expect("a token").token;
        let mut kubeconfig: Value = serde_saphyr::from_str(&self.place.read("kubeconfig")).expect("YAML");
        for user in kubeconfig["users"].as_array_mut().expect("users") {
            user["user"] = json!({"token": token});
        }
        self.place.write(name, kubeconfig.to_string().as_bytes());
    }

    async fn apply_all(&self, text: &str) {
        for document in documents(text) {
            self.apply(&document).await.expect("applied");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_may_not_do_is_named_and_done_once_it_may() {
    let site = Site::new("e2e-rights").await;
    site.apply_all(RIGHTS).await;
    site.bind("operator").await;
    site.write_kubeconfig("little").await;
    let mut operator = site.operator_with("little", "modules");
    operator.process.until_said("modules from a ConfigMap cannot be had");
    operator.ready().await;
    let spring = site.greet("spring", "Ann").await;
    let refused = site.until(&spring, |it| condition(it, "Healthy") == "False").await;
    let named = "User \\\"system:serviceaccount:e2e-rights:operator\\\" cannot";
    assert!(refused["status"].to_string().contains(named), "{refused:#}");
    assert!(refused["status"].to_string().contains("configmaps"), "{refused:#}");
    let greeting =
        ObjectKey::namespaced(site.of("", "v1", "configmaps", "").resource, &site.namespace, "spring-greeting");
    assert_eq!(site.api.get(&greeting).await.expect("an answer"), None);
    assert_eq!(operator.page("/readyz").0, 200, "all else is done");

    site.apply_all(MORE_RIGHTS).await;
    site.bind("maker").await;
    site.until_greeted("spring", "Hello, Ann!").await;
    site.until_ready(&spring).await;
    drop(operator);
    site.leave().await;
}
