//! How members find each other, and how they are reached.

use super::{DiscoveryMode, ExposureType, ExternalTrafficPolicy, MemberAccess};
use crate::shapes::Map;

parts! {
    /// Settings of single network endpoints.
    AdvancedNetwork {
        /// Where members listen for clients.
        client_server_socket_endpoint_config: Option<ClientEndpoint>,
        /// Where members listen for each other.
        member_server_socket_endpoint_config: Option<Endpoint>,
        /// Where members listen for other clusters, each entry with a Service of its own. Without an entry they listen
        /// on port 5710, which the discovery Service leads to. Enterprise.
        wan: Vec<WanEndpoint>,
    }
    /// Where members listen for clients.
    ClientEndpoint {
        /// Patterns of addresses to bind to, such as `10.3.16.*`; all addresses where empty.
        interfaces: Vec<String>,
        /// The port; 5701 where absent. Must not be one that members need for something else.
        #[cfg_attr(feature = "schema", schemars(
            schema_with = "crate::definition::integer",
            extend("minimum" = 1, "maximum" = 65535, "x-kubernetes-validations" = [{
                "rule": "!(self in [5702, 5710, 8080, 8081])",
                "message": "ports 5702, 5710, 8080 and 8081 are taken by other endpoints of a member",
            }]),
        ))]
        port: Option<i64>,
    }
    /// Where members listen.
    Endpoint {
        /// Patterns of addresses to bind to, such as `10.3.16.*`; all addresses where empty.
        interfaces: Vec<String>,
    }
    /// Where members listen for other clusters.
    WanEndpoint {
        /// Name of the endpoint, and the end of the name of its Service: `<cluster>-<name>`.
        #[cfg_attr(feature = "schema", schemars(length(max = 8)))]
        name: Option<String>,
        /// The port, or the first of several; 5710 where absent.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::integer"))]
        port: Option<i64>,
        /// Deprecated: one port serves any number of clusters. How many ports follow each other; 1 where absent.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::integer"))]
        port_count: Option<i64>,
        /// Type of the Service: `ClusterIP`, `NodePort`, `LoadBalancer`, or `WithExposeExternally` for a port of the
        /// Services of single members instead of a Service of its own. `LoadBalancer` where absent.
        service_type: Option<String>,
    }
    /// Makes the cluster reachable from outside of Kubernetes.
    ExposeExternally {
        /// Annotations of the Services that lead in from outside, on top of those of the cluster: what a cloud wants to be told
        /// of its load balancers.
        annotations: Map,
        /// The port of nodes that leads to the Service through which clients find the cluster; Kubernetes chooses one where
        /// absent. With `discoveryServiceType` `NodePort`, of the ports that Kubernetes has for nodes where nobody chose others.
        #[cfg_attr(feature = "schema", schemars(range(min = 30000, max = 32767)))]
        discovery_node_port: Option<i32>,
        /// Type of the Service through which clients find the cluster: `LoadBalancer` or `NodePort`.
        discovery_service_type: String = "LoadBalancer",
        /// Whether what comes in at a node may go on to a member on another one (`Cluster`), or keeps the address of whoever sends
        /// it and stays (`Local`); as Kubernetes has it where absent.
        external_traffic_policy: Option<ExternalTrafficPolicy>,
        /// Addresses that load balancers let in, such as `203.0.113.0/24`; all where empty.
        load_balancer_source_ranges: Vec<String>,
        /// How each member is reached with type `Smart`. `NodePortExternalIP` where absent: a port of the node, at its
        /// external address. `NodePortNodeName`: the same, at the name of the node. `LoadBalancer`: a load balancer each.
        member_access: Option<MemberAccess>,
        /// The ports of nodes that lead to members, the first one to member 0; Kubernetes chooses those that are not said. With
        /// `memberAccess` `NodePortExternalIP` or `NodePortNodeName`, of the same range as `discoveryNodePort`.
        #[cfg_attr(feature = "schema", schemars(inner(range(min = 30000, max = 32767))))]
        member_node_ports: Vec<i32>,
        /// `Smart`: clients reach each member at an address of its own. `Unisocket`: all members share one address.
        #[serde(rename = "type")]
        type_: ExposureType = ExposureType::Smart,
    }
    /// How members find each other. Without this section they ask the Kubernetes API for the members of the Service that
    /// is named as the cluster.
    #[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [
        {
            "rule": "[has(self.serviceName), has(self.serviceLabelName), has(self.podLabelName), has(self.wholeNamespace) && self.wholeNamespace].filter(chosen, chosen).size() <= 1",
            "message": "choose members in one way: serviceName, serviceLabelName, podLabelName or wholeNamespace",
        },
        {
            "rule": "!has(self.serviceLabelValue) || has(self.serviceLabelName)",
            "message": "serviceLabelValue needs serviceLabelName",
        },
        {
            "rule": "has(self.podLabelName) == has(self.podLabelValue)",
            "message": "podLabelName and podLabelValue belong together",
        },
    ])))]
    Discovery {
        /// Token for the Kubernetes API instead of that of the service account. Mode `API`.
        api_token: Option<SecretKey>,
        /// Certificate of the authority that signed the certificate of the Kubernetes API, in PEM, instead of that which
        /// Kubernetes gives to pods. Mode `API`.
        ca_certificate: Option<String>,
        /// Whether members look for their public addresses. Where absent they do, and go on without where they find none;
        /// with `true` they do not start without. Mode `API`.
        expose_externally: Option<bool>,
        /// How often a request to the Kubernetes API is repeated when it fails; 3 where absent. Mode `API`.
        #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
        kubernetes_api_retries: Option<i32>,
        /// URL of the Kubernetes API; `https://kubernetes.default.svc` where absent. Mode `API`.
        kubernetes_master: Option<String>,
        /// `API`: members ask the Kubernetes API, and are given a Role that holds exactly what they read. `DNS`: members ask
        /// the name service for the addresses behind a headless Service; they need no Role, learn nothing about zones and
        /// nodes, and cannot be reached one by one from outside.
        mode: DiscoveryMode = DiscoveryMode::Api,
        /// Namespace to look in; that of the cluster where absent. Another one needs rights that nobody gives by
        /// themselves. Mode `API`.
        namespace: Option<String>,
        /// Label of the pods to join, or several, separated by commas. Mode `API`.
        #[cfg_attr(feature = "schema", schemars(length(max = 1024)))]
        pod_label_name: Option<String>,
        /// Value of the label, or as many as there are labels, separated by commas. Mode `API`.
        #[cfg_attr(feature = "schema", schemars(length(max = 1024)))]
        pod_label_value: Option<String>,
        /// Whether pods that are not ready yet count as members; they do where absent. Mode `API`.
        resolve_not_ready_addresses: Option<bool>,
        /// Name of the headless Service as the name service knows it, such as `library.shop.svc.cluster.local`; that of the
        /// cluster where absent. Mode `DNS`.
        service_dns: Option<String>,
        /// How long the name service may take, in seconds; 5 where absent. Mode `DNS`.
        #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
        service_dns_timeout_seconds: Option<i32>,
        /// Label of the Services whose pods are to be joined, or several, separated by commas. Mode `API`.
        #[cfg_attr(feature = "schema", schemars(length(max = 1024)))]
        service_label_name: Option<String>,
        /// Value of the label, or as many as there are labels, separated by commas; `true` where absent. Mode `API`.
        #[cfg_attr(feature = "schema", schemars(length(max = 1024)))]
        service_label_value: Option<String>,
        /// The Service whose pods are to be joined; that named as the cluster where no other way is chosen. Mode `API`.
        service_name: Option<String>,
        /// Label of the Services of single members, by which members find their public addresses, or several, separated
        /// by commas; `hazelcast.com/service-per-pod` where absent. Mode `API`.
        service_per_pod_label_name: Option<String>,
        /// Value of the label, or as many as there are labels, separated by commas; `true` where absent. Mode `API`.
        service_per_pod_label_value: Option<String>,
        /// Port at which members look for each other; 5702 where absent. 0 for the port that the Service says.
        #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 65535)))]
        service_port: Option<i32>,
        /// Whether the name of a node counts as its public address. Where absent it does with memberAccess
        /// `NodePortNodeName`. Mode `API`.
        use_node_name_as_external_address: Option<bool>,
        /// Joins whatever member runs in the namespace, also of other clusters: those are then refused by their name. Mode
        /// `API`.
        whole_namespace: Option<bool>,
    }
    /// A key of a Secret in the same namespace.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["key", "name"])))]
    SecretKey {
        /// The key.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        key: String,
        /// The Secret.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        name: String,
    }
}
