//! Certificates: made with an authority of their own, and judged by what a client would say of them at a moment.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use filbert_plan::plan::Millis;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;

/// How far clocks of replicas and API servers may be apart.
const SKEW: Duration = Duration::from_mins(5);

/// A certificate with its issuers, and its key.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// PEM: the certificate first.
    pub chain: String,
    /// PEM.
    pub key: String,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys belong into no log.
        f.debug_struct("Pair").field("chain", &self.chain).finish_non_exhaustive()
    }
}

/// What was made: a certificate, and the authority that signed it and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// To be shown.
    pub pair: Pair,
    /// PEM of the authority. Its key is gone: it can sign nothing more, so there is none to be stolen.
    pub authority: String,
}

/// Makes an authority, and a certificate for these names. Both are good from a little before now for this long.
///
/// # Errors
/// Where a name is none that a certificate could have.
pub fn issue(names: &[String], now: Millis, life: Duration) -> Result<Issued, rcgen::Error> {
    let mut authority = params(Vec::new(), now, life)?;
    // A name of its own, so that clients which trust two authorities know at once whom they have before them.
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, format!("Filbert admission authority {now}"));
    authority.distinguished_name = name;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let mut certificate = params(names.to_vec(), now, life)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "Filbert admission webhooks");
    certificate.distinguished_name = name;
    certificate.use_authority_key_identifier_extension = true;
    certificate.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    certificate.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = certificate.signed_by(&key, &authority)?;
    Ok(Issued { pair: Pair { chain: certificate.pem(), key: key.serialize_pem() }, authority: authority.pem() })
}

fn params(names: Vec<String>, now: Millis, life: Duration) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let at = |moment: Duration| {
        let whole = Duration::from_secs(moment.as_secs()).try_into().ok();
        whole.and_then(|since| epoch.checked_add(since)).unwrap_or(params.not_after)
    };
    let now = Duration::from_millis(now);
    (params.not_before, params.not_after) = (at(now.saturating_sub(SKEW)), at(now.saturating_add(life)));
    Ok(params)
}

/// Why a certificate is not to be shown.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// The chain is no PEM, or has no certificate in it.
    #[error("the certificate is no PEM document with certificates")]
    Certificate(#[source] Option<PemError>),
    /// The key is no PEM, or of a kind that is not known.
    #[error("the private key is no PEM document with a private key")]
    Key(#[source] PemError),
    /// Key and certificate do not belong together, or their algorithm is not supported.
    #[error("the certificate and its private key cannot be used")]
    Unusable(#[source] rustls::Error),
    /// There is no authority that could have signed it.
    #[error("there is no certificate of an authority")]
    NoAuthority,
    /// Not good now, or not for the name, or signed by somebody else.
    #[error("the certificate is not good for `{name}`")]
    Refused {
        /// The name by which API servers call.
        name: String,
        /// What they would say.
        #[source]
        source: rustls::Error,
    },
}

/// Why a text is no PEM.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PemError(String);

impl PemError {
    #[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
    fn new(error: rustls::pki_types::pem::Error) -> Self {
        Self(error.to_string())
    }
}

impl Pair {
    /// One that is never good.
    pub fn nothing() -> Self {
        Self { chain: String::new(), key: String::new() }
    }

    /// As TLS takes it.
    ///
    /// # Errors
    /// [`Unfit`] says which of the two cannot be used, and why. Whether anybody would trust them is another question.
    pub fn certified(&self) -> Result<CertifiedKey, Unfit> {
        let chain = certificates(&self.chain)?;
        let key =
            PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(|error| Unfit::Key(PemError::new(error)))?;
        CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider()).map_err(Unfit::Unusable)
    }

    /// Whether a client that trusts these authorities takes it at this moment for each of these names.
    ///
    /// # Errors
    /// [`Unfit`] is what the client would have against it.
    pub fn fits(&self, trust: &str, names: &[String], at: Millis) -> Result<(), Unfit> {
        let certified = self.certified()?;
        let (certificate, issuers) = certified.cert.split_first().ok_or(Unfit::Certificate(None))?;
        let mut roots = RootCertStore::empty();
        for authority in certificates(trust).unwrap_or_default() {
            // One that cannot be read signs nothing.
            let _ = roots.add(authority);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|_| Unfit::NoAuthority)?;
        let at = UnixTime::since_unix_epoch(Duration::from_millis(at));
        for name in names {
            let refused = |source| Unfit::Refused { name: name.clone(), source };
            let server = ServerName::try_from(name.as_str())
                .map_err(|_| refused(rustls::Error::General("it is no name of a server".to_owned())))?;
            verifier.verify_server_cert(certificate, issuers, &server, &[], at).map_err(refused)?;
        }
        Ok(())
    }
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, Unfit> {
    let all = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|error| Unfit::Certificate(Some(PemError::new(error))))?;
    if all.is_empty() { Err(Unfit::Certificate(None)) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use rustls::CertificateError;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);
    /// Some moment in 2026.
    const NOW: Millis = 1_790_000_000_000;

    fn names() -> Vec<String> {
        vec!["hook.market.svc".to_owned(), "hook.market.svc.cluster.local".to_owned()]
    }

    fn after(days: u64) -> Millis {
        NOW + days * 24 * 3600 * 1000
    }

    fn why(fits: Result<(), Unfit>) -> CertificateError {
        match fits.expect_err("it does not fit") {
            Unfit::Refused { source: rustls::Error::InvalidCertificate(why), .. } => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_made_is_good_for_its_names_and_its_life() {
        let Issued { pair, authority } = issue(&names(), NOW, 90 * DAY).expect("it can be made");
        for at in [NOW - 60_000, NOW, after(89)] {
            assert_eq!(pair.fits(&authority, &names(), at), Ok(()), "{at}");
        }
        assert!(matches!(why(pair.fits(&authority, &names(), after(91))), CertificateError::ExpiredContext { .. }));
        let before = why(pair.fits(&authority, &names(), NOW - 3_600_000));
        assert!(matches!(before, CertificateError::NotValidYetContext { .. }));
        let elsewhere = why(pair.fits(&authority, &["other.market.svc".to_owned()], NOW));
        assert!(matches!(elsewhere, CertificateError::NotValidForNameContext { .. }));
    }

    #[test]
    fn addresses_are_names_too() {
        let names = ["127.0.0.1".to_owned(), "::1".to_owned()];
        let Issued { pair, authority } = issue(&names, NOW, DAY).expect("it can be made");
        assert_eq!(pair.fits(&authority, &names, NOW), Ok(()));
    }

    #[test]
    fn each_authority_signs_one_certificate() {
        let first = issue(&names(), NOW, DAY).expect("it can be made");
        let second = issue(&names(), NOW + 1, DAY).expect("it can be made");
        assert_eq!(why(first.pair.fits(&second.authority, &names(), NOW)), CertificateError::UnknownIssuer);
        let both = format!("{}{}", second.authority, first.authority);
        assert_eq!((first.pair.fits(&both, &names(), NOW), second.pair.fits(&both, &names(), NOW)), (Ok(()), Ok(())));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let Issued { pair, authority } = issue(&names(), NOW, DAY).expect("it can be made");
        let other = issue(&names(), NOW, DAY).expect("it can be made").pair;
        let garbage = "garbage".to_owned();
        let fits = |chain: &String, key: &String, trust: &str| {
            let pair = Pair { chain: chain.clone(), key: key.clone() };
            pair.fits(trust, &names(), NOW).expect_err("it does not fit").to_string()
        };
        let cases = [
            (fits(&garbage, &pair.key, &authority), "the certificate is no PEM document with certificates"),
            (fits(&pair.chain, &garbage, &authority), "the private key is no PEM document with a private key"),
            (fits(&pair.chain, &other.key, &authority), "the certificate and its private key cannot be used"),
            (fits(&pair.chain, &pair.key, "garbage"), "there is no certificate of an authority"),
            (fits(&pair.chain, &pair.key, ""), "there is no certificate of an authority"),
        ];
        for (told, expected) in cases {
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn a_key_is_in_no_log() {
        let pair = Pair { chain: "shown".to_owned(), key: "hidden".to_owned() };
        assert_eq!(format!("{pair:?}"), r#"Pair { chain: "shown", .. }"#);
    }
}
