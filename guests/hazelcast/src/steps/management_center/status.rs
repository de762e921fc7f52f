//! The status of a Management Center, as far as its `StatefulSet`, pod and Service tell.

use filbert_guest::k8s::Service;
use filbert_guest::{Condition, Context, Plan, ReadError, Status, Step, StepResult};
use hazelcast_api::ManagementCenter;
use hazelcast_api::management_center::Phase;
use serde::{Deserialize, Serialize};

use super::super::balancer::BalancedStatus;
use super::super::observed::{Pod, Set};
use super::super::{address, adoption};
use crate::ignored;
use crate::names::Application;

/// The status of a Management Center.
pub struct CenterStatus;

/// The part of the status that this step writes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fragment {
    phase: Phase,
    message: String,
    external_addresses: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    configured: Option<bool>,
}

impl Step for CenterStatus {
    type Resource = ManagementCenter;
    const NAME: &'static str = "management-center-status";
    const SUMMARY: &'static str = "what StatefulSet, pod and Service tell about the Management Center";
    const FINALIZES: bool = true;

    fn run(cx: &Context<ManagementCenter>) -> StepResult {
        let set = Set::read(cx)?.unwrap_or_default();
        let pods = Pod::list(cx, Application::ManagementCenter)?;
        let trouble = pods.iter().find_map(|pod| Some((pod, pod.trouble()?)));
        let (phase, message, reason) = if set.is_settled(1) {
            (Phase::Running, String::new(), None)
        } else if let Some((pod, trouble)) = trouble {
            let message = format!("pod {}: {}: {}", pod.name(), trouble.reason, trouble.message);
            (Phase::Failed, message, Some("PodFailing"))
        } else {
            (Phase::Pending, "the pod is not ready".to_owned(), Some("PodStarting"))
        };
        let fragment = Fragment {
            phase,
            message: message.clone(),
            external_addresses: external_addresses(cx)?.join(","),
            configured: configured(cx, phase),
        };
        let plan = conditions(cx, Plan::default().status(fragment));
        Ok(match reason {
            None => adoption::waits(cx, plan),
            Some(reason) if phase == Phase::Failed => plan.warn(reason, message.clone()).wait(reason, message),
            Some(reason) => plan.wait(reason, message),
        })
    }

    fn finalize(_cx: &Context<ManagementCenter>) -> StepResult {
        Ok(Plan::default().status(serde_json::json!({"phase": Phase::Terminating, "message": ""})))
    }
}

/// Whether a directory has been set up, where there is one: when the pod is ready, and from then on.
fn configured(cx: &Context<ManagementCenter>, phase: Phase) -> Option<bool> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Past {
        configured: bool,
    }
    let is_wanted = super::ldap::wanted(&cx.object().spec).is_some();
    is_wanted.then(|| phase == Phase::Running || cx.status::<Past>().unwrap_or_default().configured)
}

fn conditions(cx: &Context<ManagementCenter>, plan: Plan) -> Plan {
    let plan = plan.condition(Condition::new(
        "ClustersObserved",
        Status::Unknown,
        "NotConnected",
        "derived from StatefulSet and Pods; nothing is known of the connections to clusters",
    ));
    let ignored = ignored::of_management_center(&cx.object().spec);
    if ignored.is_empty() {
        return plan;
    }
    let fields: Vec<_> = ignored.iter().map(|ignored| ignored.path).collect();
    plan.condition(Condition::new("FieldsIgnored", Status::True, "NotBuiltYet", fields.join(", ")))
}

/// Where people are let in: each address of load balancers with each port, and the hosts of an Ingress and a Route.
fn external_addresses(cx: &Context<ManagementCenter>) -> Result<Vec<String>, ReadError> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Live {
        spec: LiveSpec,
        status: BalancedStatus,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct LiveSpec {
        #[serde(rename = "type")]
        type_: String,
        ports: Vec<Port>,
    }
    #[derive(Deserialize)]
    struct Port {
        port: i64,
    }
    let live: Live = cx
        .read(Service::TYPE, cx.name())
        .fields(&["spec.type", "spec.ports", "status.loadBalancer"])
        .get()?
        .unwrap_or_default();
    let is_balanced = live.spec.type_ == "LoadBalancer";
    let hosts = live.status.hosts().filter(|_| is_balanced);
    let balancers =
        hosts.flat_map(|host| live.spec.ports.iter().map(move |port| address(&host, port.port)).collect::<Vec<_>>());
    let external = cx.object().spec.external_connectivity.as_ref();
    let port = |is_encrypted: bool| if is_encrypted { 443 } else { 80 };
    let ingress = external.and_then(|external| external.ingress.as_ref());
    let ingress =
        ingress.map(|it| (it.hostname.as_str(), port(it.tls_secret_name.as_ref().is_some_and(|it| !it.is_empty()))));
    let route = external.and_then(|external| external.route.as_ref());
    let route = route.map(|it| (it.hostname.as_str(), port(it.edge_termination == Some(true))));
    let named = ingress.into_iter().chain(route).filter(|(host, _)| !host.is_empty());
    let named = named.map(|(host, port)| address(host, port));
    Ok(balancers.chain(named).collect())
}

#[cfg(test)]
mod tests;
