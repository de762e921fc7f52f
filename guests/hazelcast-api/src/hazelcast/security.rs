//! Who may connect, and what clients may do.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{LoginUsage, PermissionsOnJoin};
use crate::shapes::{Map, MutualAuthentication};

parts! {
    /// Certificates for connections of members, with each other and with clients.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["secretName"])))]
    MemberTls {
        /// Whether clients must show a certificate; as `mutualAuthentication` says where absent.
        client_authentication: Option<MutualAuthentication>,
        /// How long members keep certificates before they read them again, such as `1h30m`; for ever where absent.
        #[cfg_attr(feature = "schema", schemars(extend("pattern" = r"^\+?(0|([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+)$")))]
        key_material_duration: Option<String>,
        /// Whether members must show each other a certificate; `Required` where absent.
        member_authentication: Option<MutualAuthentication>,
        /// Deprecated: use `clientAuthentication`. Whether clients must show a certificate.
        mutual_authentication: MutualAuthentication = MutualAuthentication::None,
        /// Secret with `tls.crt`, `tls.key`, and `ca.crt` where others are trusted than this certificate.
        secret_name: String,
    }
    /// Security of members: realms, who clients are, what they may do.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["clientAuthentication", "operatorClientSecretName"])))]
    Security {
        /// By which realm clients are let in.
        client_authentication: Option<ClientAuthentication>,
        /// What clients that were let in may do.
        client_permissions: Option<ClientPermissions>,
        /// Secret with `username` and `password` of the operator itself, which must be allowed everything.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        operator_client_secret_name: String,
        /// Realms: where users come from.
        realms: Vec<Realm>,
    }
    /// By which realm clients are let in.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["realm"])))]
    ClientAuthentication {
        /// Name of one of the realms.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        realm: String,
    }
    /// Where users come from.
    Realm {
        /// How users show who they are.
        authentication: Option<Authentication>,
        /// Name of the realm.
        name: String,
    }
    /// How users show who they are: in one of these ways.
    Authentication {
        /// Login modules of Java, asked in this order. Their classes come with `moduleDeployment`.
        jaas: Vec<LoginModule>,
        /// Users that are listed here.
        simple: Option<SimpleAuthentication>,
    }
    /// Users that are listed here.
    SimpleAuthentication {
        /// The users.
        users: Vec<User>,
    }
    /// A user.
    User {
        /// What the user is called in permissions.
        roles: Vec<String>,
        /// Secret with `username` and `password`.
        secret_name: String,
    }
    /// A login module of Java.
    #[cfg_attr(feature = "schema", schemars(extend("required" = ["className", "usage"])))]
    LoginModule {
        /// Class of the module.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        class_name: String,
        /// Options.
        properties: Map,
        /// `ConfigMap`s and Secrets all of whose keys are options. An option in `properties` counts more.
        properties_from: Vec<PropertiesSource>,
        /// What its answer means for the modules after it.
        usage: LoginUsage = LoginUsage::Required,
    }
    /// A `ConfigMap` or a Secret.
    #[cfg_attr(feature = "schema", schemars(extend("minProperties" = 1, "maxProperties" = 1)))]
    PropertiesSource {
        /// A `ConfigMap`.
        config_map_ref: Option<crate::shapes::LocalReference>,
        /// A Secret.
        secret_ref: Option<crate::shapes::LocalReference>,
    }
    /// What clients that were let in may do.
    ClientPermissions {
        /// The permission for everything.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::permission"))]
        all: Option<Value>,
        /// What a member that joins does with permissions: `SEND` its own, `RECEIVE` those of the cluster, or `NONE`.
        on_join_operation: Option<PermissionsOnJoin>,
        /// Permissions by kind: `map`, `queue` and so on.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::permissions"))]
        permissions: BTreeMap<String, Vec<Value>>,
        /// Whether a permission counts more than a denial.
        priority_grant: Option<bool>,
    }
}

impl MemberTls {
    /// Whether clients must show a certificate. The earlier name counts while the present one says nothing.
    pub fn for_clients(&self) -> MutualAuthentication {
        match self.client_authentication {
            None | Some(MutualAuthentication::None) => self.mutual_authentication,
            Some(said) => said,
        }
    }

    /// Whether members must show each other a certificate.
    pub fn for_members(&self) -> MutualAuthentication {
        self.member_authentication.unwrap_or(MutualAuthentication::Required)
    }
}
