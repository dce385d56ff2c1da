//! Taking plain http and https urls apart without the `url` crate, which is most of what reading
//! a beacon costs.
//!
//! Plain is a url that the WHATWG's rules leave as it is: lower-case ASCII scheme and host, the
//! host a name that is neither a number nor punycode, no user, no port, no dot segments, no
//! character that would be percent-encoded. [`split`] gives `None` for every other text, and for
//! those it takes it gives what the `url` crate gives (tests of the name
//! `plain_urls_are_read_as_the_url_crate_reads_them`; every debug build checks each one it reads).

use std::borrow::Cow;

use idna::punycode;

/// The parts of a plain url.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plain<'a> {
    /// The host: lower case, with `www.` if it has that.
    pub host: &'a str,
    /// The path, percent-encoded as it came; empty stands for `/`.
    pub path: &'a str,
    /// What is between `?` and `#`.
    pub query: Option<&'a str>,
    /// What is behind `#`.
    pub fragment: Option<&'a str>,
}

/// Takes a url apart if it is plain.
pub(crate) fn split(text: &str) -> Option<Plain<'_>> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))?;
    let (host, rest) = split_after(rest, HOST);
    let (path, rest) = split_after(rest, PATH);
    let (query, rest) = match rest.strip_prefix('?') {
        Some(rest) => {
            let (query, rest) = split_after(rest, QUERY);
            (Some(query), rest)
        }
        None => (None, rest),
    };
    let (fragment, rest) = match rest.strip_prefix('#') {
        Some(rest) => {
            let (fragment, rest) = split_after(rest, FRAGMENT);
            (Some(fragment), rest)
        }
        None => (None, rest),
    };
    let starts_path = path.is_empty() || path.starts_with('/');
    if !rest.is_empty() || !starts_path || !is_plain_host(host) || has_dot_segment(path) {
        return None;
    }
    Some(Plain {
        host,
        path,
        query,
        fragment,
    })
}

/// May stand in a plain host.
const HOST: u8 = 1;
/// Is left as it is in a path.
const PATH: u8 = 2;
/// In a query.
const QUERY: u8 = 4;
/// In a fragment.
const FRAGMENT: u8 = 8;

/// Which of the four a byte is in. Of the ASCII characters that the standard's percent-encode
/// sets do not name, a few that are not worth a thought are left out.
static CLASSES: [u8; 256] = classes();

// Evaluated by the compiler only.
#[allow(clippy::indexing_slicing)]
const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        classes[byte as usize] = match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' => HOST | PATH | QUERY | FRAGMENT,
            b'A'..=b'Z' | b'/' | b'_' | b'~' | b'!' | b'$' | b'&' | b'(' | b')' => {
                PATH | QUERY | FRAGMENT
            }
            b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'%' => PATH | QUERY | FRAGMENT,
            b'?' | b'[' | b']' | b'|' => QUERY | FRAGMENT,
            _ => 0,
        };
        byte += 1;
    }
    classes
}

/// The text with the host of its url as browsers write it: labels beyond ASCII in lower case and
/// Punycode (RFC 3492). Without the normalisation of UTS 46, whose tables would be a tenth of the
/// edge's Wasm: browsers have done that already, and who else writes such hosts writes them whole.
pub(crate) fn with_ascii_host(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let Some((before, rest)) = text.split_once("://") else {
        return Cow::Borrowed(text);
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    if host.is_ascii() {
        return Cow::Borrowed(text);
    }
    let label = |label: &str| match label.is_ascii() {
        true => Some(label.to_owned()),
        false => punycode::encode_str(&label.to_lowercase()).map(|code| format!("xn--{code}")),
    };
    let labels: Option<Vec<String>> = host.split(['.', '。']).map(label).collect();
    let Some(labels) = labels else {
        return Cow::Borrowed(text);
    };
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    Cow::Owned(format!("{before}://{user}{}{after}", labels.join(".")))
}

/// The longest beginning whose bytes are all of a class, and the rest.
fn split_after(text: &str, class: u8) -> (&str, &str) {
    let in_class = |byte: u8| {
        let classes = CLASSES.get(usize::from(byte)).copied();
        classes.unwrap_or(0) & class != 0
    };
    let end = text.bytes().position(|byte| !in_class(byte));
    // Whatever is in a class is ASCII, so that the end is one between characters.
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or((text, ""))
}

/// Whether a host of the right characters is left as it is: not empty, no empty label, no label
/// that may be punycode, and a last label that cannot be part of an IPv4 address.
fn is_plain_host(host: &str) -> bool {
    let mut last = 0;
    for label in host.split('.') {
        if label.is_empty() || label.starts_with("xn--") {
            return false;
        }
        last = label.as_bytes().first().copied().unwrap_or(0);
    }
    last.is_ascii_lowercase()
}

/// Whether a path may have a segment that is `.` or `..`, also percent-encoded.
fn has_dot_segment(path: &str) -> bool {
    path.contains("/.")
        || path.contains('%')
            && path
                .as_bytes()
                .windows(3)
                .any(|three| matches!(three, [b'%', b'2', b'e' | b'E']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_not() {
        let plain = split("https://www.a-b.example/x_(1)/%C3%BC;v=2?a=%20&b#/c").unwrap();
        let (query, fragment) = (Some("a=%20&b"), Some("/c"));
        let (host, path) = ("www.a-b.example", "/x_(1)/%C3%BC;v=2");
        let expected = Plain {
            host,
            path,
            query,
            fragment,
        };
        assert_eq!(plain, expected);
        assert_eq!(split("http://a").unwrap().path, "");
        for text in [
            "",
            "https://",
            "HTTPS://a.example/",
            "https://A.example/",
            "https://a.example:8443/",
            "https://u@a.example/",
            "https://a.example./",
            "https://a..example/",
            "https://192.0.2.7/",
            "https://a.0x7f/",
            "https://xn--mnchen-3ya.example/",
            "https://münchen.example/",
            "https://a.example/ü",
            "https://a.example/a b",
            "https://a.example/a/../b",
            "https://a.example/%2e%2e/b",
            "https://a.example/a\\b",
            "https://a.example/?a='b'",
            "https://a.example/\t",
            "ftp://a.example/",
            "/a",
        ] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
