//! What somebody would look for who wants to find a secret among bytes: the secret as it is, and in
//! every form that a program might have given it.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use shared::address::ClientAddress;

/// Bytes of a digest that are looked for: also one that was cut short is found.
const DIGEST_BYTES: usize = 16;

/// A text, or bytes: raw, hex, base64 wherever it may stand, and as texts are written elsewhere.
pub fn encoded(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut found = vec![secret.to_vec()];
    found.extend(hex(secret));
    found.extend(base64(secret));
    if let Ok(text) = std::str::from_utf8(secret) {
        found.push(text.to_lowercase().into_bytes());
        found.push(text.to_uppercase().into_bytes());
        let utf16 = || text.encode_utf16();
        found.push(utf16().flat_map(u16::to_le_bytes).collect());
        found.push(utf16().flat_map(u16::to_be_bytes).collect());
        let percent = text.replace('@', "%40").replace(' ', "%20");
        found.push(percent.clone().into_bytes());
        found.push(percent.replace(':', "%3A").into_bytes());
        found.push(text.replace(' ', "+").into_bytes());
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn hex(bytes: &[u8]) -> [Vec<u8>; 2] {
    [hex::encode(bytes), hex::encode_upper(bytes)].map(String::into_bytes)
}

/// Base64 of three bytes at a time: the bytes may stand at any of three places, and what stands
/// beside them changes the digits at both ends, which are left out.
fn base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for before in 0..3 {
        let shifted = [&vec![0; before][..], bytes].concat();
        let whole = shifted.len() / 3 * 4;
        let first = [0, 2, 3][before];
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let digits = engine.encode(&shifted).into_bytes();
            let inner = digits.get(first..whole).unwrap_or_default();
            if inner.len() >= 8 {
                found.push(inner.to_vec());
            }
        }
    }
    found
}

/// Hashes of an input without a salt, and under keys that are no secret of the day: raw and hex.
pub fn hashed(input: &[u8], keys: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut digests = vec![
        Md5::digest(input).to_vec(),
        Sha1::digest(input).to_vec(),
        Sha256::digest(input).to_vec(),
        Sha512::digest(input).to_vec(),
    ];
    for key in keys {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(input);
        digests.push(mac.finalize().into_bytes().to_vec());
    }
    let mut found = Vec::new();
    for digest in digests {
        let cut = &digest[..DIGEST_BYTES];
        found.push(cut.to_vec());
        found.extend(hex(cut));
        found.extend(base64(cut));
    }
    found
}

/// Whoever has this address and this browser: both, and all that can be made of them without the
/// day's salt but with every other key. IPv4 in its four bytes is left out: so few are found
/// anywhere.
pub fn of_person(address: &str, agent: &str, site: &str, date: &str, key: &str) -> Vec<Vec<u8>> {
    let parsed = ClientAddress::parse(address).unwrap();
    let packed: Vec<u8> = match address.parse().unwrap() {
        std::net::IpAddr::V4(address) => address.octets().to_vec(),
        std::net::IpAddr::V6(address) => address.octets().to_vec(),
    };
    let network: Vec<u8> = match parsed.truncated() {
        std::net::IpAddr::V4(address) => address.octets().to_vec(),
        // Of IPv6 the /64 is what the visitor hash takes.
        std::net::IpAddr::V6(_) => packed[..8].to_vec(),
    };
    let (text, agent) = (address.as_bytes(), agent.as_bytes());
    let mut found = encoded(text);
    found.extend(encoded(agent));
    found.extend(hex(&packed));
    if packed.len() == 16 {
        found.extend(encoded(&packed));
        found.extend(encoded(&network));
        let std::net::IpAddr::V6(address) = address.parse().unwrap() else {
            unreachable!("16 bytes")
        };
        let groups = address.segments().map(|group| format!("{group:04x}"));
        found.extend(encoded(groups.join(":").as_bytes()));
    }
    let mut inputs = vec![
        text.to_vec(),
        agent.to_vec(),
        packed.clone(),
        network.clone(),
    ];
    for between in ["", "|", ":", " ", "\n", site, date] {
        for address in [text, &packed, &network] {
            for (first, second) in [(address, agent), (agent, address)] {
                inputs.push([first, between.as_bytes(), second].concat());
            }
        }
    }
    let keys = [key, site, date, "1"].map(str::as_bytes);
    for input in inputs {
        found.extend(hashed(&input, &keys));
    }
    found.retain(|needle| needle.len() >= 8);
    found
}

#[test]
fn a_secret_is_found_in_every_form() {
    let secret = "203.0.113.77";
    let needles = encoded(secret.as_bytes());
    let is_found = |bytes: &[u8]| {
        let at = |needle: &Vec<u8>| bytes.windows(needle.len()).any(|window| window == *needle);
        needles.iter().any(at)
    };
    assert!(is_found(b"x 203.0.113.77 y"));
    assert!(is_found(hex::encode_upper(secret).as_bytes()));
    for before in ["", "a", "ab", "abc"] {
        for after in ["", "a", "ab"] {
            let text = format!("{before}{secret}{after}");
            assert!(
                is_found(BASE64_STANDARD_NO_PAD.encode(&text).as_bytes()),
                "{text}"
            );
        }
    }
    let utf16: Vec<u8> = secret.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert!(is_found(&utf16));
    assert!(!is_found(b"203.0.113.78"));
    let of = of_person(secret, "Browser/1", "a.example", "2026-11-23", "key");
    let digest = Sha256::digest(b"203.0.113.77|Browser/1");
    assert!(of.contains(&hex::encode(&digest[..16]).into_bytes()));
    assert!(of.contains(&b"cb00714d".to_vec()));
}
