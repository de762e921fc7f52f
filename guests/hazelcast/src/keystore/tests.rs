use super::*;

/// Made for these tests, and used nowhere else.
pub(crate) const KEY: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIEAEdRFVjbpL8kheuEc7rHYZq8ECX4UfPiROYQJ5QXZzoAoGCCqGSM49
AwEHoUQDQgAEY2HeY6Y6uibd0PFBTo+ygXBipheOWyPcnrR/z7QkjBHc0KGPrXMu
wb8K3iCvlc/VOtCsvA8+Xau5RhXjuWADEQ==
-----END EC PRIVATE KEY-----";
const SAME_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQAR1EVWNukvySF64
RzusdhmrwQJfhR8+JE5hAnlBdnOhRANCAARjYd5jpjq6Jt3Q8UFOj7KBcGKmF45b
I9yetH/PtCSMEdzQoY+tcy7BvwreIK+Vz9U60Ky8Dz5dq7lGFeO5YAMR
-----END PRIVATE KEY-----";
pub(crate) const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBKzCB0QIUQNhmJcrBpfSDZgDFHDbXt1pEuIcwCgYIKoZIzj0EAwIwHDEaMBgG
A1UEAwwRaGFyYm91ciBhdXRob3JpdHkwIBcNMjYxMTIxMTk0NTMyWhgPMjEyNjEw
MjgxOTQ1MzJaMBIxEDAOBgNVBAMMB2hhcmJvdXIwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARjYd5jpjq6Jt3Q8UFOj7KBcGKmF45bI9yetH/PtCSMEdzQoY+tcy7B
vwreIK+Vz9U60Ky8Dz5dq7lGFeO5YAMRMAoGCCqGSM49BAMCA0kAMEYCIQCvTZII
CrjNliZ2rI4t2qIDJTW5rnCU8TeYSX+Fip1wtwIhAPyQdWP6CoEo9NVEjnuezBFS
3raPVazyTqvmbQX7YWa/
-----END CERTIFICATE-----";
const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----
MIIBkDCCATWgAwIBAgIUOaNFbYj5NXUxth6izaQS3eUwysMwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRaGFyYm91ciBhdXRob3JpdHkwIBcNMjYxMTIxMTk0NTMyWhgP
MjEyNjEwMjgxOTQ1MzJaMBwxGjAYBgNVBAMMEWhhcmJvdXIgYXV0aG9yaXR5MFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2YZ0CDcGmPSvSiJw5uQ79JPMIldYB/ep
1iNI1z+D0GCEQnrP1+CL+Rjy1o4+1CrblXSS0xnGmxqNepIMq5NmEaNTMFEwHQYD
VR0OBBYEFExBL7UKfjwyItGoO37U6qJN8BnJMB8GA1UdIwQYMBaAFExBL7UKfjwy
ItGoO37U6qJN8BnJMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIh
AJN9RQ9ffdYLLm3MiWywaB1fxVocttkdhFwz2UuHNXvjAiEArFpw8H0RsNiDAymE
E0B1bbF9w58JD7uXOWlnebmHfeY=
-----END CERTIFICATE-----";

/// The key that a store hides, and how many certificates it holds, as a reader finds them.
fn opened(store: &[u8]) -> (Vec<u8>, usize) {
    let (content, digest) = store.split_at(store.len() - 20);
    assert_eq!(sha1(&[&password(), &b"Mighty Aphrodite"[..], content].concat()), digest, "the store is whole");
    let after_alias = &content[12 + 4 + 2 + ALIAS.len() + 8..];
    let length = u32::from_be_bytes(after_alias[..4].try_into().expect("four bytes")) as usize;
    let (_, inner, _) = element(&after_alias[4..4 + length]).expect("a sequence");
    let (_, _, inner) = element(inner).expect("an algorithm");
    let (_, hidden, _) = element(inner).expect("a hidden key");
    let (mut pad, body, digest) = (hidden[..20].to_vec(), &hidden[20..hidden.len() - 20], &hidden[hidden.len() - 20..]);
    let mut key = Vec::new();
    for block in body.chunks(20) {
        pad = sha1(&[password(), pad].concat()).to_vec();
        key.extend(block.iter().zip(&pad).map(|(byte, pad)| byte ^ pad));
    }
    assert_eq!(sha1(&[&password(), &key[..]].concat()), digest, "the key is whole");
    (key, content.windows(5).filter(|it| *it == b"X.509").count())
}

#[test]
fn a_store_holds_key_chain_and_authorities() {
    let chain = format!("{CERTIFICATE}\n{AUTHORITY}\n");
    let store = jks(&chain, SAME_KEY, AUTHORITY).expect("a store");
    let (key, certificates) = opened(&store);
    assert_eq!(key, blocks(SAME_KEY)[0].1);
    assert_eq!(certificates, 3);
    assert_eq!(store, jks(&chain, SAME_KEY, AUTHORITY).expect("a store"), "the same again");
}

#[test]
fn an_elliptic_key_is_wrapped_with_the_name_of_its_curve() {
    let (key, _) = opened(&jks(CERTIFICATE, KEY, "").expect("a store"));
    let parts = |pkcs8: &[u8]| {
        let (_, inner, _) = element(pkcs8).expect("a sequence");
        let (_, version, inner) = element(inner).expect("a version");
        let (_, algorithm, inner) = element(inner).expect("an algorithm");
        (version.to_vec(), algorithm.to_vec(), element(inner).expect("a key").1.to_vec())
    };
    let (version, algorithm, inner) = parts(&key);
    let (same_version, same_algorithm, _) = parts(&blocks(SAME_KEY)[0].1);
    assert_eq!((version, algorithm), (same_version, same_algorithm));
    assert_eq!(inner, blocks(KEY)[0].1);
}

#[test]
fn an_rsa_key_is_wrapped() {
    let pem = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", STANDARD.encode([7; 300]));
    let (key, _) = opened(&jks(CERTIFICATE, &pem, "").expect("a store"));
    assert_eq!(key[..4], [0x30, 0x82, 0x01, 0x42]);
    assert!(key.ends_with(&[7; 300]));
}

#[test]
fn what_is_no_certificate_or_key_is_named() {
    for (chain, key, words) in [
        ("", KEY, "tls.crt"),
        (KEY, KEY, "tls.crt"),
        (CERTIFICATE, "", "tls.key"),
        (CERTIFICATE, CERTIFICATE, "tls.key"),
        (CERTIFICATE, "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----", "tls.key"),
        (CERTIFICATE, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----", "tls.key"),
        ("-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----", KEY, "tls.crt"),
    ] {
        let error = jks(chain, key, "").expect_err("no store");
        assert!(error.contains(words), "{error}");
    }
}
