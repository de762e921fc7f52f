//! A Management Center.

use filbert_guest::{Resource, ResourceType};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::shapes::{LocalReference, Map, Scheduling, Tls};

/// A Management Center, as it is reconciled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ManagementCenter {
    /// What is wanted.
    pub spec: Spec,
}

impl Resource for ManagementCenter {
    const TYPE: ResourceType = ResourceType::new(crate::GROUP, crate::VERSION, "managementcenters");
    const KIND: &str = "ManagementCenter";
}

choices! {
    /// How it is reached.
    ConnectivityType { LoadBalancer, ClusterIp = "ClusterIP", NodePort }
    /// Where it is in its life.
    Phase { Pending, Running, Failed, Configuring, Terminating }
}

parts! {
    /// What is wanted of it.
    Spec {
        /// Annotations put on every object that belongs to it.
        annotations: Map,
        /// How it is reached from outside.
        external_connectivity: Option<ExternalConnectivity> = ExternalConnectivity::default(),
        /// The clusters it watches over.
        hazelcast_clusters: Vec<Cluster>,
        /// When the image is pulled.
        image_pull_policy: String = "IfNotPresent",
        /// Secrets for pulling images.
        image_pull_secrets: Vec<LocalReference>,
        /// The Java virtual machine.
        jvm: Option<Jvm>,
        /// Labels put on every object that belongs to it. Those of the operator win.
        labels: Map,
        /// Earlier name of `licenseKeySecretName`.
        license_key_secret: Option<String>,
        /// Secret with the licence under the key `license-key`. Without one it watches over small clusters only.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        license_key_secret_name: Option<String>,
        /// Where it keeps its data.
        persistence: Option<Persistence> = Persistence::default(),
        /// Where the image comes from.
        repository: String = "docker.io/hazelcast/management-center",
        /// What its container may use.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::resources"))]
        resources: Option<Value>,
        /// Where it runs.
        scheduling: Option<Scheduling>,
        /// Who decides whom it lets in.
        security_provider: Option<SecurityProvider>,
        /// Tag of the image.
        version: String = "5.11.1",
    }
    /// How it is reached from outside.
    ExternalConnectivity {
        /// An Ingress.
        ingress: Option<Ingress>,
        /// A Route, on OpenShift.
        route: Option<Route>,
        /// Type of its Service.
        #[serde(rename = "type")]
        #[cfg_attr(feature = "schema", schemars(extend("enum" = ["ClusterIP", "NodePort", "LoadBalancer"])))]
        type_: ConnectivityType = ConnectivityType::LoadBalancer,
    }
    /// An Ingress.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["hostname"])))]
    Ingress {
        /// Its annotations.
        annotations: Map,
        /// Its host.
        hostname: String,
        /// Its class.
        ingress_class_name: Option<String>,
        /// Its path, and that of all pages.
        path: String = "/",
    }
    /// A Route.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["hostname"])))]
    Route {
        /// Its host; may be empty.
        hostname: String,
    }
    /// A cluster to watch over.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["address"])))]
    Cluster {
        /// A Service or host, in which members answer.
        address: String,
        /// The cluster's name.
        name: String = "dev",
        /// Certificates for the connection.
        tls: Option<Tls>,
    }
    /// The Java virtual machine.
    Jvm {
        /// Further arguments.
        args: Vec<String>,
    }
    /// Where it keeps its data.
    Persistence {
        /// Whether it keeps data at all.
        enabled: bool = true,
        /// A claim to use; made where absent.
        existing_volume_claim_name: Option<String>,
        /// Capacity of the claim that is made.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::quantity"))]
        size: Value = "10Gi",
        /// Storage class of the claim that is made.
        storage_class: Option<String>,
    }
    /// Who decides whom it lets in.
    SecurityProvider {
        /// A directory.
        ldap: Option<Ldap>,
    }
    /// A directory.
    #[cfg_attr(feature = "schema", schemars(extend("required" = [
        "adminGroups", "credentialsSecretName", "groupDN", "groupSearchFilter", "metricsOnlyGroups", "nestedGroupSearch",
        "readonlyUserGroups", "url", "userDN", "userGroups", "userSearchFilter",
    ])))]
    Ldap {
        /// Groups that may do everything.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        admin_groups: Vec<String>,
        /// Secret with `username` and `password`.
        credentials_secret_name: String,
        /// Where groups are.
        #[serde(rename = "groupDN")]
        group_dn: String,
        /// How groups are found.
        group_search_filter: String,
        /// Groups that see metrics only.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        metrics_only_groups: Vec<String>,
        /// Whether groups may hold groups.
        nested_group_search: bool = false,
        /// Groups that may look.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        readonly_user_groups: Vec<String>,
        /// The server, with scheme and port.
        url: String,
        /// Where users are.
        #[serde(rename = "userDN")]
        user_dn: String,
        /// Groups that may look and change.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        user_groups: Vec<String>,
        /// How users are found.
        user_search_filter: String,
    }
    /// What is.
    Status {
        /// What is so and why, in the form of all Kubernetes kinds.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::conditions"))]
        conditions: Vec<Value>,
        /// Whether the security provider has been set up.
        configured: Option<bool>,
        /// Where it can be reached, separated by commas.
        external_addresses: Option<String>,
        /// What there is to say about the phase.
        message: Option<String>,
        /// The generation of the specification that this status is about.
        observed_generation: Option<i64>,
        /// Where it is in its life.
        #[cfg_attr(feature = "schema", schemars(extend("enum" = ["Running", "Failed", "Pending", "Configuring", "Terminating"])))]
        phase: Option<Phase>,
    }
}
