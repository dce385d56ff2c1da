//! Where a visitor came from: the page, or app, that linked here.
//!
//! A referrer is one only with scheme http, https or android-app and a host that is neither this
//! machine nor the page's own. Always holds: it is host and path, no query, no fragment, no
//! user name, no port; no control characters; at most [`REFERRER_BYTES_MAX`] bytes.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::limits::DOMAIN_BYTES_MAX;
use crate::page_url::host_name;
use crate::plain_url::{self, Plain};

/// Longest text looked at, characters (COMPAT.md, section 1).
pub const REFERRER_CHARS_MAX: usize = 2_000;
/// Longest host and path kept, bytes.
pub const REFERRER_BYTES_MAX: usize = 500;

/// Host and path of the page that linked here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrer {
    text: String,
    host_bytes: usize,
}

impl Referrer {
    /// Reads a referrer as a browser gives it; `None` for whatever is not one. `page_host` is the
    /// host of the page that was seen.
    pub fn parse(text: &str, page_host: &str) -> Option<Self> {
        let text = first_chars(text.trim(), REFERRER_CHARS_MAX);
        let page_host = host_name(page_host);
        match plain_url::split(text).filter(|plain| !is_local(plain.host)) {
            Some(plain) => {
                let read = Self::from_plain(plain, &page_host);
                debug_assert_eq!(read, Self::parse_any(text, &page_host));
                read
            }
            None => Self::parse_any(text, &page_host),
        }
    }

    fn from_plain(plain: Plain, page_host: &str) -> Option<Self> {
        let host = plain.host.strip_prefix("www.").unwrap_or(plain.host);
        Self::new(host, plain.path, page_host)
    }

    /// As the `url` crate reads it.
    fn parse_any(text: &str, page_host: &str) -> Option<Self> {
        let url = Url::parse(&plain_url::with_ascii_host(text)).ok()?;
        let app = match url.scheme() {
            "http" | "https" => false,
            "android-app" => true,
            _ => return None,
        };
        if url.host().is_none_or(|host| is_here(&host)) {
            return None;
        }
        let host = host_name(url.host_str()?);
        let plausible = !app || host.bytes().all(is_in_package_name);
        if !plausible {
            return None;
        }
        Self::new(&host, url.path(), page_host)
    }

    fn new(host: &str, path: &str, page_host: &str) -> Option<Self> {
        if host.is_empty() || host.len() > DOMAIN_BYTES_MAX || host == page_host {
            return None;
        }
        let host_bytes = host.len();
        let mut text = String::with_capacity(host_bytes.saturating_add(path.len()));
        text.push_str(host);
        if path != "/" {
            push_decoded(&mut text, path);
        }
        text.truncate(text.floor_char_boundary(REFERRER_BYTES_MAX));
        Some(Self { text, host_bytes })
    }

    /// Host and path: `news.example/a/b`, `news.example` for a front page.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host: lower case, without `www.` and port. An app's is its package name.
    pub fn host(&self) -> &str {
        self.text.get(..self.host_bytes).unwrap_or_default()
    }

    /// The path, percent-decoded; empty for a front page.
    pub fn path(&self) -> &str {
        self.text.get(self.host_bytes..).unwrap_or_default()
    }
}

fn first_chars(text: &str, chars_max: usize) -> &str {
    if text.len() <= chars_max {
        return text;
    }
    let end = text.char_indices().nth(chars_max).map(|(at, _)| at);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Whether a host is the visitor's own machine.
fn is_here(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => is_local(name),
        Host::Ipv4(v4) => v4.is_loopback() || v4.is_unspecified(),
        Host::Ipv6(v6) => {
            let v4 = v6.to_ipv4_mapped();
            *v6 == Ipv6Addr::LOCALHOST
                || v6.is_unspecified()
                || v4.is_some_and(|v4| v4.is_loopback() || v4.is_unspecified())
        }
    }
}

fn is_local(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
}

/// Android: letters, digits, underscores, parts separated by dots. The host of an unknown scheme
/// is otherwise opaque and may hold anything, percent-encoded.
fn is_in_package_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_')
}

/// Adds a path percent-decoded; as it is where decoding would give no text, control characters,
/// or what reads as a query or a fragment.
fn push_decoded(text: &mut String, path: &str) {
    let reads_otherwise = |c: char| c.is_control() || matches!(c, '?' | '#');
    match percent_decode_str(path).decode_utf8() {
        Ok(Cow::Owned(decoded)) if !decoded.contains(reads_otherwise) => text.push_str(&decoded),
        // Also where nothing was encoded: the path of a parsed url has none of those.
        _ => text.push_str(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(referrer: &str) -> Option<String> {
        Referrer::parse(referrer, "page.example").map(|r| r.as_str().to_owned())
    }

    #[test]
    fn host_and_path_are_kept() {
        let cases = [
            ("https://news.example", "news.example"),
            ("https://news.example/", "news.example"),
            ("  https://www.News.Example/ \n", "news.example"),
            ("http://news.example:8080/a/b/", "news.example/a/b/"),
            ("https://u:p@news.example/a?q=secret#x", "news.example/a"),
            ("https://news.example/?q=secret", "news.example"),
            ("https://news.example./a", "news.example/a"),
            ("https://news.example/%C3%BC", "news.example/ü"),
            ("https://news.example/a%3Fb%3Dc", "news.example/a%3Fb%3Dc"),
            ("https://news.example/a%0Ab", "news.example/a%0Ab"),
            ("https://news.example/a%C2%85", "news.example/a%C2%85"),
            ("https://news.example/%ff", "news.example/%ff"),
            ("https://münchen.example/", "xn--mnchen-3ya.example"),
            ("https://www.page.example.org/", "page.example.org"),
            ("https://sub.page.example/", "sub.page.example"),
            ("https://192.0.2.7/x", "192.0.2.7/x"),
            ("android-app://com.Example.app/", "com.example.app"),
            ("android-app://com.example.app", "com.example.app"),
            ("android-app://com.example.app/x?y", "com.example.app/x"),
        ];
        for (referrer, expected) in cases {
            assert_eq!(text(referrer).as_deref(), Some(expected), "{referrer}");
        }
        let referrer = Referrer::parse("https://www.a.example/b", "c.example").unwrap();
        assert_eq!((referrer.host(), referrer.path()), ("a.example", "/b"));
    }

    #[test]
    fn everything_else_is_none() {
        for referrer in [
            "",
            " ",
            "news.example",
            "/a",
            "//news.example/a",
            "ftp://news.example/",
            "file:///home/ada",
            "data:text/html,x",
            "javascript:alert(1)",
            "about:blank",
            "app://news.example/",
            "android-app://",
            "android-app://a%01b/",
            "android-app://a b/",
            "https://",
            "https://./",
            "http://localhost/",
            "http://LOCALHOST:3000/a",
            "http://app.localhost/",
            "http://localhost./",
            "http://127.0.0.1:8080/",
            "http://127.1/",
            "http://0x7f000001/",
            "http://0.0.0.0/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "https://page.example/a",
            "https://www.PAGE.example/",
            "https://page.example:444/",
        ] {
            assert_eq!(text(referrer), None, "{referrer}");
        }
        assert!(Referrer::parse("https://a.example/", "www.A.example").is_none());
    }

    #[test]
    fn long_ones_are_cut_between_characters() {
        let long = text(&format!("https://news.example/{}", "ü".repeat(900))).unwrap();
        assert!(long.len() <= REFERRER_BYTES_MAX && long.len() > REFERRER_BYTES_MAX - 2);
        let query = format!("https://news.example/a?{}", "x".repeat(100_000));
        assert_eq!(text(&query).as_deref(), Some("news.example/a"));
        let host = format!("https://{}.example/", "a.".repeat(130));
        assert_eq!(text(&host), None);
    }

    proptest! {
        #[test]
        fn a_referrer_is_bounded_and_clean(input in "(https?|android-app)://[a-z%.:@0-9]{1,30}(?s:.{0,60})") {
            if let Some(referrer) = Referrer::parse(&input, "page.example") {
                let text = referrer.as_str();
                prop_assert!(text.len() <= REFERRER_BYTES_MAX);
                prop_assert!(!text.contains(|c: char| c.is_control() || "?#".contains(c)));
                prop_assert!(!referrer.host().is_empty() && text.starts_with(referrer.host()));
            }
        }

        #[test]
        fn plain_urls_are_read_as_the_url_crate_reads_them(
            text in crate::page_url::tests::nearly_plain(),
            page_host in "[a-z]{1,2}\\.[a-z]{1,2}",
        ) {
            let text = text.trim();
            if let Some(plain) = plain_url::split(text).filter(|plain| !is_local(plain.host)) {
                let plain = Referrer::from_plain(plain, &page_host);
                prop_assert_eq!(plain, Referrer::parse_any(text, &page_host));
            }
        }

        #[test]
        fn no_input_panics(input in any::<String>(), host in any::<String>()) {
            let _ = Referrer::parse(&input, &host);
        }
    }
}
