//! Shapes that several kinds share.

use std::collections::BTreeMap;

use serde_json::Value;

/// Texts by name.
pub type Map = BTreeMap<String, String>;

choices! {
    /// Whether somebody who connects must show a certificate.
    MutualAuthentication { None, Required, Optional }
}

parts! {
    /// A volume claim.
    Claim {
        /// Access modes of the claim, such as `ReadWriteOnce`. Must be given.
        access_modes: Option<Vec<String>>,
        /// Requested capacity.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::quantity"))]
        request_storage: Value = "8Gi",
        /// Storage class; that of the cluster where absent.
        storage_class_name: Option<String>,
    }
    /// A place in an object store.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["bucketURI"])))]
    Bucket {
        /// `s3://`, `gs://` or `azblob://`, the bucket, and a path if need be.
        #[serde(rename = "bucketURI")]
        #[cfg_attr(feature = "schema", schemars(length(min = 6)))]
        bucket_uri: String,
        /// Deprecated: use `secretName`.
        secret: Option<String>,
        /// Secret with the credentials of the cloud.
        secret_name: Option<String>,
    }
    /// A place in an object store, one of several.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["bucketURI"])))]
    BucketSource {
        /// `s3://`, `gs://` or `azblob://`, the bucket, and a path if need be.
        #[serde(rename = "bucketURI")]
        #[cfg_attr(feature = "schema", schemars(length(min = 6)))]
        bucket_uri: String,
        /// Secret with the credentials of the cloud.
        secret_name: Option<String>,
    }
    /// Certificates for connections.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["secretName"])))]
    Tls {
        /// Whether clients must show a certificate; as `mutualAuthentication` says where absent.
        client_authentication: Option<MutualAuthentication>,
        /// Deprecated: use `clientAuthentication`. Whether clients must show a certificate.
        mutual_authentication: MutualAuthentication = MutualAuthentication::None,
        /// Secret with `tls.crt` and `tls.key`.
        secret_name: String,
    }
    /// Where pods run.
    Scheduling {
        /// Affinity to nodes and other pods.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::affinity"))]
        affinity: Option<Value>,
        /// Labels that a node must have.
        node_selector: Map,
        /// Priority class of the pods.
        priority_class_name: Option<String>,
        /// Taints of nodes that do not matter.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::tolerations"))]
        tolerations: Vec<Value>,
        /// How pods spread.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::kubernetes::topology_spread_constraints"))]
        topology_spread_constraints: Vec<Value>,
    }
    /// A Secret in the same namespace.
    #[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-map-type" = "atomic")))]
    LocalReference {
        /// Its name.
        name: Option<String>,
    }
}

impl crate::parts::Absent for Value {
    fn is_absent(&self) -> bool {
        self.is_null()
    }
}

impl Bucket {
    /// The Secret with the credentials: under its name, else under its earlier name.
    pub fn secret(&self) -> Option<&str> {
        let given = |name: &'_ Option<String>| name.as_ref().is_some_and(|name| !name.is_empty());
        let name = if given(&self.secret_name) { &self.secret_name } else { &self.secret };
        name.as_deref().filter(|name| !name.is_empty())
    }
}

impl Tls {
    /// Whether clients must show a certificate. The earlier name counts while the present one says nothing.
    pub fn for_clients(&self) -> MutualAuthentication {
        match self.client_authentication {
            None | Some(MutualAuthentication::None) => self.mutual_authentication,
            Some(said) => said,
        }
    }
}
