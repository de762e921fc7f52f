//! TLS with simulated members.
#![cfg(feature = "connection")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::unnecessary_wraps, reason = "these are tests")]

use hazelcast_client::connection::{Certificates, Cluster, ConnectError, Options, State, Tls, TlsError, View};
use hazelcast_client::stand_in::{Group, StandIn};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// An authority with a certificate for members and one for clients.
struct Authority {
    ca: String,
    member: String,
    client: (String, String),
    /// Members that want a client certificate of this authority, or none.
    config: Arc<ServerConfig>,
}

fn authority(wants_client: bool) -> Authority {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let issue = |host: &str, usage: ExtendedKeyUsagePurpose| {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &issuer).unwrap(), key)
    };
    // Members are reached by address; their certificates are for names.
    let (member, member_key) = issue("orange.example", ExtendedKeyUsagePurpose::ServerAuth);
    let (client, client_key) = issue("operator.example", ExtendedKeyUsagePurpose::ClientAuth);
    let mut roots = RootCertStore::empty();
    roots.add(ca_certificate.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder =
        if wants_client { builder.with_client_cert_verifier(verifier) } else { builder.with_no_client_auth() };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(member_key.serialize_der()));
    let config = builder.with_single_cert(vec![member.der().clone()], key).unwrap();
    Authority {
        ca: ca_certificate.pem(),
        member: member.pem(),
        client: (client.pem(), client_key.serialize_pem()),
        config: Arc::new(config),
    }
}

async fn member(config: &Arc<ServerConfig>) -> StandIn {
    let group = Group::new("orange");
    group.set(|settings| settings.tls = Some(Arc::clone(config)));
    group.start().await.unwrap()
}

/// What becomes of a connection: nothing bad, or why there is none.
async fn outcome(member: &StandIn, tls: Option<Tls>) -> Result<(), Arc<ConnectError>> {
    let mut options = Options::new("orange", vec![member.address()]);
    options.tls = tls;
    options.timing.connect = Duration::from_secs(1);
    let cluster = Cluster::connect(options);
    let mut views = cluster.views();
    let over = |view: &View| !matches!(view.state, State::Connecting { error: None, .. });
    let state = timeout(PATIENCE, views.wait_for(over)).await.unwrap().unwrap().state.clone();
    match state {
        State::Connected { .. } => Ok(()),
        State::Connecting { error: Some(error), .. } => Err(error),
        other => panic!("{other:?}"),
    }
}

fn tls(certificates: Certificates<'_>) -> Option<Tls> {
    Some(Tls::new(certificates).unwrap())
}

#[tokio::test]
async fn members_of_a_trusted_issuer_are_trusted_whatever_their_names() {
    let ours = authority(false);
    let member = member(&ours.config).await;
    let roots = ours.ca.as_bytes();
    outcome(&member, tls(Certificates { roots, ..Certificates::default() })).await.unwrap();
    // The member's certificate itself will do as well.
    let roots = ours.member.as_bytes();
    outcome(&member, tls(Certificates { roots, ..Certificates::default() })).await.unwrap();
    let roots = ours.ca.as_bytes();
    let named = outcome(&member, tls(Certificates { roots, check_names: true, ..Certificates::default() })).await;
    assert!(matches!(&*named.unwrap_err(), ConnectError::Tls { .. }));
}

#[tokio::test]
async fn members_of_another_issuer_and_members_without_tls_are_refused() {
    let (ours, theirs) = (authority(false), authority(false));
    let hostile = member(&theirs.config).await;
    let roots = ours.ca.as_bytes();
    let trusted = tls(Certificates { roots, ..Certificates::default() });
    let refused = outcome(&hostile, trusted.clone()).await;
    assert!(matches!(&*refused.unwrap_err(), ConnectError::Tls { .. }));
    let plain = Group::new("orange").start().await.unwrap();
    let refused = outcome(&plain, trusted).await;
    assert!(matches!(&*refused.unwrap_err(), ConnectError::Tls { .. } | ConnectError::Timeout { .. }));
    // A client without TLS at a member with it.
    assert!(outcome(&hostile, None).await.is_err());
}

#[tokio::test]
async fn members_that_want_a_client_certificate_get_one() {
    let (ours, theirs) = (authority(true), authority(true));
    let member = member(&ours.config).await;
    let roots = ours.ca.as_bytes();
    let with = |(certificate, key): &(String, String)| {
        let identity = Some((certificate.as_bytes(), key.as_bytes()));
        tls(Certificates { roots, identity, ..Certificates::default() })
    };
    outcome(&member, with(&ours.client)).await.unwrap();
    assert!(outcome(&member, with(&theirs.client)).await.is_err());
    assert!(outcome(&member, tls(Certificates { roots, ..Certificates::default() })).await.is_err());
}

#[test]
fn what_is_no_certificate_is_refused() {
    let none = Tls::new(Certificates::default());
    assert!(matches!(none, Err(TlsError::NoRoots(_))), "{none:?}");
    let ours = authority(false);
    let identity = Some((ours.client.0.as_bytes(), b"no key".as_slice()));
    let wrong = Tls::new(Certificates { roots: ours.ca.as_bytes(), identity, check_names: false });
    assert!(matches!(wrong, Err(TlsError::Pem { what: "the client's key", .. })), "{wrong:?}");
}
