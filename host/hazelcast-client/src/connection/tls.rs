//! TLS to members, with a client certificate where they want one.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem};
use rustls::server::VerifierBuilderError;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::fmt;
use std::sync::Arc;

/// Certificates that make no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A text is not PEM, or has other things in it.
    #[error("failed to read {what}")]
    Pem {
        /// Which of them.
        what: &'static str,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// There is no certificate to trust.
    #[error("there is no certificate to trust")]
    NoRoots(#[source] Option<VerifierBuilderError>),
    /// rustls refuses them.
    #[error("the certificates cannot be used")]
    Refused(#[from] rustls::Error),
}

/// How to talk TLS.
///
/// # Guarantees
///
/// A member is trusted when its certificate was issued by one of the roots, or is itself one of them, and it holds the
/// key. Only the name in it is not looked at unless one is asked for: members are reached by IP addresses that change.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// What TLS is made of, in PEM.
#[derive(Debug, Clone, Copy, Default)]
pub struct Certificates<'a> {
    /// Whom to trust: issuers, or the members' own certificates.
    pub roots: &'a [u8],
    /// The client's certificate with its chain, and its key, where members want one.
    pub identity: Option<(&'a [u8], &'a [u8])>,
    /// Whether the members' certificates must be for the host names under which they are reached.
    pub check_names: bool,
}

impl Tls {
    /// From certificates.
    pub fn new(certificates: Certificates<'_>) -> Result<Self, TlsError> {
        let Certificates { roots, identity, check_names } = certificates;
        let roots = certificates_of(roots, "the trusted certificates")?;
        if roots.is_empty() {
            return Err(TlsError::NoRoots(None));
        }
        let provider = Arc::new(ring::default_provider());
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots.iter().cloned());
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider))
            .build()
            .map_err(|error| TlsError::NoRoots(Some(error)))?;
        let verifier = Arc::new(MemberVerifier { chain, roots, check_names });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match identity {
            None => config.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = certificates_of(chain, "the client's certificate")?;
                let key = PrivateKeyDer::from_pem_slice(key)
                    .map_err(|source| TlsError::Pem { what: "the client's key", source })?;
                config.with_client_auth_cert(chain, key)?
            }
        };
        Ok(Self { config: Arc::new(config) })
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}

fn certificates_of(text: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>().map_err(|source| TlsError::Pem { what, source })
}

/// Checks who issued a member's certificate, but not its name.
#[derive(Debug)]
struct MemberVerifier {
    chain: Arc<WebPkiServerVerifier>,
    roots: Vec<CertificateDer<'static>>,
    check_names: bool,
}

impl ServerCertVerifier for MemberVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is compared last, after the chain was found good.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.check_names => Ok(ServerCertVerified::assertion()),
            // A member's own certificate, given as one to trust, has no chain that leads to it.
            Err(rustls::Error::InvalidCertificate(reason))
                if !self.check_names && !is_dated(&reason) && self.roots.iter().any(|root| root == end_entity) =>
            {
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Whether a certificate is refused for its dates.
fn is_dated(reason: &CertificateError) -> bool {
    matches!(
        reason,
        CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
    )
}
