//! Links in a mail that switch its kind off without a log-in: which mail it is, signed. They work for
//! as long as the account and the site are there, and open nothing else.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::Kind;
use crate::store::MailOf;

/// Of the signature, bytes.
const TAG_BYTES: usize = 16;
const HEAD_BYTES: usize = 4 + 8 + 1;
/// Characters of a token.
const TOKEN_CHARS: usize = (HEAD_BYTES + TAG_BYTES) * 4 / 3 + 1;

const fn number(kind: Kind) -> u8 {
    match kind {
        Kind::Weekly => 1,
        Kind::Monthly => 2,
        Kind::Spike => 3,
        Kind::Drop => 4,
    }
}

fn tag(key: &[u8], head: &[u8]) -> [u8; TAG_BYTES] {
    let mut tag = [0; TAG_BYTES];
    // HMAC takes a key of any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) {
        mac.update(b"dayfly unsubscribe\0");
        mac.update(head);
        let whole = mac.finalize().into_bytes();
        tag.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    }
    tag
}

/// The path that switches a mail off.
pub fn path(key: &[u8], (site, account, kind): MailOf) -> String {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + TAG_BYTES);
    bytes.extend(site.to_be_bytes());
    bytes.extend(account.to_be_bytes());
    bytes.push(number(kind));
    let tag = tag(key, &bytes);
    bytes.extend(tag);
    format!("/unsubscribe/{}", BASE64URL_NOPAD.encode(&bytes))
}

/// Which mail a path's token switches off; `None` for one that we did not make.
pub fn read(key: &[u8], token: &str) -> Option<MailOf> {
    if token.len() != TOKEN_CHARS {
        return None;
    }
    let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
    let (head, told) = bytes.split_at_checked(HEAD_BYTES)?;
    if !bool::from(tag(key, head).as_slice().ct_eq(told)) {
        return None;
    }
    let (site, rest) = head.split_first_chunk::<4>()?;
    let (account, kind) = rest.split_first_chunk::<8>()?;
    let kind = Kind::ALL
        .into_iter()
        .find(|one| kind == [number(*one)].as_slice())?;
    Some((
        u32::from_be_bytes(*site),
        i64::from_be_bytes(*account),
        kind,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_signed_is_read() {
        let mut paths = Vec::new();
        for kind in Kind::ALL {
            let of = (7, i64::MAX - 3, kind);
            let path = path(b"key", of);
            let token = path.strip_prefix("/unsubscribe/").unwrap().to_owned();
            assert_eq!(token.len(), TOKEN_CHARS);
            assert_eq!(read(b"key", &token), Some(of));
            assert_eq!(read(b"other", &token), None);
            for at in 0..token.len() {
                let mut changed = token.clone().into_bytes();
                changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
                assert_eq!(read(b"key", std::str::from_utf8(&changed).unwrap()), None);
            }
            for text in ["", "x", &token[1..], &format!("{token}A"), &"é".repeat(19)] {
                assert_eq!(read(b"key", text), None);
            }
            paths.push(path);
        }
        paths.dedup();
        assert_eq!(paths.len(), 4);
    }
}
