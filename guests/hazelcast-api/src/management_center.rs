//! A Management Center.

use filbert_guest::{Metadata, Resource, ResourceType, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hazelcast::{Agent, ModuleDeployment};
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

    // Here, so that it is compiled here, once.
    fn read(text: &str) -> Result<(Self, Metadata), json::Error> {
        json::read_object(text)
    }
}

choices! {
    /// How it is reached.
    ConnectivityType { LoadBalancer, ClusterIp = "ClusterIP", NodePort }
    /// A form of metrics.
    MetricsPrinter { V1, V2 }
    /// Where it is in its life.
    Phase { Pending, Running, Failed, Configuring, Terminating }
}

parts! {
    /// What is wanted of it.
    Spec {
        /// The helper that fetches the jars of `moduleDeployment` before it starts.
        agent: Option<Agent>,
        /// Annotations put on every object that belongs to it.
        annotations: Map,
        /// Further variables in its environment.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::env", extend("x-kubernetes-validations" = [
            {"rule": "self.all(env, env.name != '')", "message": "a variable must have a name"},
        ])))]
        env: Vec<Value>,
        /// How it is reached from outside.
        external_connectivity: Option<ExternalConnectivity> = ExternalConnectivity::default(),
        /// The clusters it watches over. One that is taken away here stays in the Management Center until it is removed there.
        hazelcast_clusters: Vec<Cluster>,
        /// When the image is pulled.
        image_pull_policy: String = "IfNotPresent",
        /// Secrets for pulling images.
        image_pull_secrets: Vec<LocalReference>,
        /// The Java virtual machine.
        jvm: Option<Jvm>,
        /// Labels put on every object that belongs to it. Those of the operator win.
        labels: Map,
        /// Deprecated: use `licenseKeySecretName`, which it becomes.
        license_key_secret: Option<String>,
        /// Secret with the licence under the key `license-key`. Without one it watches over small clusters only.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        license_key_secret_name: Option<String>,
        /// Jars on its class path.
        module_deployment: Option<ModuleDeployment>,
        /// Where it keeps its data. Cannot change later.
        persistence: Option<Persistence> = Persistence::default(),
        /// Offers metrics of the clusters for Prometheus to read, below `/metrics`. Needs a licence.
        prometheus_monitoring: Option<PrometheusMonitoring>,
        /// Where the image comes from.
        repository: String = "docker.io/hazelcast/management-center",
        /// What its container may use.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::resources"))]
        resources: Option<Value>,
        /// Where it runs.
        scheduling: Option<Scheduling>,
        /// Who decides whom it lets in.
        security_provider: Option<SecurityProvider>,
        /// Whom the container that fetches jars acts as, for access to buckets. Where absent, the default of the namespace.
        service_account_name: Option<String>,
        /// Tag of the image.
        version: String = "5.11.1",
    }
    /// How it is reached from outside.
    ExternalConnectivity {
        /// An Ingress to be made.
        ingress: Option<Ingress>,
        /// A Route to be made. On OpenShift only.
        route: Option<Route>,
        /// Type of its Service; as `type` says where absent.
        #[cfg_attr(feature = "schema", schemars(extend("enum" = ["ClusterIP", "NodePort", "LoadBalancer"])))]
        service_type: Option<ConnectivityType>,
        /// Deprecated: use `serviceType`. Type of its Service.
        #[serde(rename = "type")]
        #[cfg_attr(feature = "schema", schemars(extend("enum" = ["ClusterIP", "NodePort", "LoadBalancer"])))]
        type_: ConnectivityType = ConnectivityType::LoadBalancer,
    }
    /// An Ingress.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["hostname"])))]
    Ingress {
        /// Annotations of the Ingress.
        annotations: Map,
        /// Host at which it answers.
        hostname: String,
        /// Class of the Ingress; that of the cluster where absent.
        ingress_class_name: Option<String>,
        /// Path below which all pages are.
        path: String = "/",
        /// Secret with the certificate with which the Ingress answers, in `tls.crt` and `tls.key`. It answers without encryption
        /// where absent, unless annotations say otherwise.
        tls_secret_name: Option<String>,
    }
    /// A Route.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["hostname"])))]
    Route {
        /// Whether the Route answers encrypted, with a certificate of OpenShift. It does not where absent.
        edge_termination: Option<bool>,
        /// Host at which it answers; OpenShift makes one up where it is empty.
        hostname: String,
    }
    /// A cluster to watch over.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["address"])))]
    Cluster {
        /// A Service or host at which members answer, such as `library` or `library.shop`, with a port if need be.
        address: String,
        /// Name of the cluster (`clusterName`).
        name: String = "dev",
        /// Who the Management Center is to a cluster with security.
        security: Option<ClusterSecurity>,
        /// Certificates for the connection.
        tls: Option<Tls>,
    }
    /// Who the Management Center is to a cluster with security.
    ClusterSecurity {
        /// Secret with `username` and `password` of a user that is allowed everything.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        client_secret_name: Option<String>,
    }
    /// Offers metrics for Prometheus.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["exporter"])))]
    PrometheusMonitoring {
        /// Secret with `username` and `password` that Prometheus must give; none where absent.
        credentials_secret_name: Option<String>,
        /// What is offered.
        exporter: Option<Exporter>,
    }
    /// What is offered to Prometheus.
    Exporter {
        /// Which metrics; all where absent.
        filter_metrics: Option<MetricsFilter>,
        /// In which forms.
        printers: Vec<MetricsPrinter>,
        /// Whether a metric has the time at which a member took it.
        timestamp_enabled: bool = true,
    }
    /// Which metrics are offered.
    MetricsFilter {
        /// Names of metrics that are not.
        excluded: Vec<String>,
        /// Names of metrics that are; all others are not.
        included: Vec<String>,
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
        /// A claim that is there already; one is made where absent.
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
    ], "x-kubernetes-validations" = [{
        "rule": "!has(self.tls) || !self.tls.startTLS || !self.url.startsWith('ldaps:')",
        "message": "startTLS cannot be used with an ldaps URL",
    }])))]
    Ldap {
        /// Groups that may do everything.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        admin_groups: Vec<String>,
        /// Secret with `username` (a DN) and `password`, with which the directory is searched.
        credentials_secret_name: String,
        /// DN below which groups are.
        #[serde(rename = "groupDN")]
        group_dn: String,
        /// Filter by which the groups of a user are found, such as `member={0}`.
        group_search_filter: String,
        /// Groups that see metrics only.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        metrics_only_groups: Vec<String>,
        /// Whether groups may hold groups.
        nested_group_search: bool = false,
        /// Groups that may look.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        readonly_user_groups: Vec<String>,
        /// Encrypts the connection.
        tls: Option<LdapTls>,
        /// The server, with scheme and port, such as `ldap://10.124.0.27:1389`.
        url: String,
        /// DN below which users are.
        #[serde(rename = "userDN")]
        user_dn: String,
        /// Groups that may look and change.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        user_groups: Vec<String>,
        /// Filter by which users are found, such as `cn={0}`.
        user_search_filter: String,
    }
    /// Encrypts the connection to a directory.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["secretName", "startTLS"])))]
    LdapTls {
        /// Secret with `tls.crt` and `tls.key`.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        secret_name: String,
        /// Whether a plain connection becomes an encrypted one. Must be `false` with an `ldaps` URL.
        #[serde(rename = "startTLS")]
        start_tls: bool = true,
    }
    /// What is known of it.
    Status {
        /// What cannot change of the specification, as it was when it was last accepted, in JSON. A change of it is not
        /// carried out, whoever let it through.
        accepted_spec: Option<String>,
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

impl ExternalConnectivity {
    /// Type of the Service. The earlier name counts where the present one says nothing.
    pub fn service(&self) -> ConnectivityType {
        self.service_type.unwrap_or(self.type_)
    }
}

impl Spec {
    /// Reads a specification on its own, as operators note it down in annotations.
    ///
    /// # Errors
    /// Where the text is no JSON, or not of this shape.
    pub fn read(text: &str) -> Result<Self, json::Error> {
        json::read(text)
    }
}
