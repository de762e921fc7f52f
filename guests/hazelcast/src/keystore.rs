//! Java key stores (`JKS`) from certificates and keys in PEM: members and Management Centers read nothing else.
//!
//! What goes in is what comes out, byte for byte: salts follow from the key, and no time is written down. The store is as
//! safe as the Secret it lies in and no safer, since its password is known; so nothing is lost by that.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checksum::sha1;

/// Opens every store that is made here.
pub const PASSWORD: &str = "hazelcast";
/// Under which name the key stands.
const ALIAS: &str = "hazelcast";

/// A store with a private key and its certificates, and those of authorities that are trusted besides: all in PEM.
///
/// # Errors
/// A sentence for people that says what is wrong with which part.
pub fn jks(chain: &str, key: &str, authorities: &str) -> Result<Vec<u8>, String> {
    let certificates = |pem: &str| -> Vec<Vec<u8>> {
        blocks(pem).into_iter().filter(|(label, _)| label == "CERTIFICATE").map(|(_, der)| der).collect()
    };
    let chain = certificates(chain);
    if chain.is_empty() {
        return Err("tls.crt holds no certificate in PEM".to_owned());
    }
    let key = blocks(key).into_iter().find_map(|(label, der)| private_key(&label, der));
    let key = key.ok_or("tls.key holds no unencrypted private key in PEM")?;
    let trusted = certificates(authorities);
    let mut store = Vec::new();
    store.extend(0xfeed_feed_u32.to_be_bytes());
    put_number(&mut store, 2);
    put_number(&mut store, 1 + trusted.len());
    put_number(&mut store, 1);
    put_text(&mut store, ALIAS);
    store.extend([0; 8]);
    put_bytes(&mut store, &protected(&key));
    put_number(&mut store, chain.len());
    for certificate in &chain {
        put_text(&mut store, "X.509");
        put_bytes(&mut store, certificate);
    }
    for (index, certificate) in trusted.iter().enumerate() {
        put_number(&mut store, 2);
        put_text(&mut store, &format!("ca-{index}"));
        store.extend([0; 8]);
        put_text(&mut store, "X.509");
        put_bytes(&mut store, certificate);
    }
    let digest = sha1(&[&password()[..], b"Mighty Aphrodite", &store].concat());
    store.extend(digest);
    Ok(store)
}

/// As Java counts letters.
fn password() -> Vec<u8> {
    PASSWORD.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn put_number(store: &mut Vec<u8>, number: usize) {
    store.extend(u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
}

fn put_bytes(store: &mut Vec<u8>, bytes: &[u8]) {
    put_number(store, bytes.len());
    store.extend(bytes);
}

/// Names of ours, all short.
fn put_text(store: &mut Vec<u8>, text: &str) {
    store.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    store.extend(text.as_bytes());
}

/// A key as these stores hide it: under a stream of digests that begins with a salt.
fn protected(key: &[u8]) -> Vec<u8> {
    const ALGORITHM: [u8; 14] = [0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x11, 0x01, 0x01, 0x05, 0x00];
    let password = password();
    let salt = sha1(&[&password[..], key].concat());
    let mut hidden = salt.to_vec();
    let mut pad = salt;
    for block in key.chunks(20) {
        pad = sha1(&[&password[..], &pad[..]].concat());
        hidden.extend(block.iter().zip(pad).map(|(byte, pad)| byte ^ pad));
    }
    hidden.extend(sha1(&[&password[..], key].concat()));
    sequence(&[der(0x30, &ALGORITHM), der(0x04, &hidden)])
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

/// A value with its tag and length.
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![tag];
    match (significant.as_slice(), u8::try_from(significant.len())) {
        ([], _) => out.push(0),
        ([short], _) if *short < 0x80 => out.push(*short),
        (long, count) => {
            out.push(0x80 | count.unwrap_or_default());
            out.extend(long);
        }
    }
    out.extend(value);
    out
}

/// A private key in the form that Java takes (PKCS #8). Other forms are wrapped into it.
fn private_key(label: &str, der_key: Vec<u8>) -> Option<Vec<u8>> {
    const RSA: [u8; 13] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    const EC: [u8; 9] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    let wrapped = |algorithm: &[u8]| sequence(&[der(0x02, &[0]), der(0x30, algorithm), der(0x04, &der_key)]);
    match label {
        "PRIVATE KEY" => Some(der_key),
        "RSA PRIVATE KEY" => Some(wrapped(&RSA)),
        "EC PRIVATE KEY" => Some(wrapped(&[&EC, curve(&der_key)?].concat())),
        _ => None,
    }
}

/// The name of the curve that an elliptic key says it is on: the object identifier in its part `[0]`.
fn curve(key: &[u8]) -> Option<&[u8]> {
    let (_, mut rest, _) = element(key)?;
    loop {
        let (tag, value, after) = element(rest)?;
        if tag == 0xa0 {
            return Some(value);
        }
        rest = after;
    }
}

/// Tag and value of the first element, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        (length.iter().try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?, rest)
    };
    let (value, after) = rest.split_at_checked(length)?;
    Some((*tag, value, after))
}

/// The blocks of a PEM file, each with its label. What is between them, and what is no base64, is left out.
fn blocks(pem: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = pem;
    while let Some((_, begun)) = rest.split_once("-----BEGIN ") {
        let Some((label, body)) = begun.split_once("-----") else { break };
        let Some((body, after)) = body.split_once(&format!("-----END {label}-----")) else { break };
        let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        if let Ok(der) = STANDARD.decode(body) {
            found.push((label.to_owned(), der));
        }
        rest = after;
    }
    found
}

#[cfg(test)]
pub(crate) mod tests;
