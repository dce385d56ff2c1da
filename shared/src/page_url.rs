//! The `url` of an event, taken apart: host, page and query.
//!
//! Always holds: neither host nor page has control characters; a page has at most
//! [`URL_BYTES_MAX`] bytes, for it is what counts are keyed by.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::limits::{DOMAIN_BYTES_MAX, NO_HOST, URL_BYTES_MAX};
use crate::plain_url::{self, Plain};

/// Where an event happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageUrl {
    /// Lower case, without `www.` and port; [`NO_HOST`] where the url has none.
    pub host: String,
    /// Percent-decoded path, `/` when empty; with `#fragment` in hash mode.
    pub page: String,
    /// The query as it came; only its attribution is ever looked at.
    pub query: Option<String>,
}

impl PageUrl {
    /// Takes a url apart. Any scheme but `data` is accepted; a url without scheme is a path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, hash_mode: bool) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("is blank");
        }
        match plain_url::split(text).filter(|plain| plain.host.len() <= DOMAIN_BYTES_MAX) {
            Some(plain) => {
                let url = Self::from_plain(plain, hash_mode);
                debug_assert_eq!(Ok(&url), Self::parse_any(text, hash_mode).as_ref());
                Ok(url)
            }
            None => Self::parse_any(text, hash_mode),
        }
    }

    fn from_plain(plain: Plain, hash_mode: bool) -> Self {
        let fragment = plain.fragment.filter(|_| hash_mode);
        Self {
            // Lower case and without a final dot: nothing is left to do but this.
            host: plain
                .host
                .strip_prefix("www.")
                .unwrap_or(plain.host)
                .to_owned(),
            page: page(plain.path, fragment),
            query: plain.query.map(str::to_owned),
        }
    }

    /// As the `url` crate reads it.
    fn parse_any(text: &str, hash_mode: bool) -> Result<Self, &'static str> {
        let text = &*plain_url::with_ascii_host(text);
        let url = match Url::parse(text) {
            Ok(url) => url,
            Err(url::ParseError::RelativeUrlWithoutBase) => {
                let base = Url::parse("none:///").map_err(|_| "is not a url")?;
                base.join(text).map_err(|_| "is not a url")?
            }
            Err(_) => return Err("is not a url"),
        };
        if url.scheme() == "data" {
            return Err("has the scheme data");
        }
        let host = url.host_str().map(host_name).filter(|h| !h.is_empty());
        if host.as_ref().is_some_and(|h| h.len() > DOMAIN_BYTES_MAX) {
            return Err("has a host longer than 253 bytes");
        }
        Ok(Self {
            host: host.unwrap_or_else(|| NO_HOST.to_owned()),
            page: page(url.path(), url.fragment().filter(|_| hash_mode)),
            query: url.query().map(str::to_owned),
        })
    }
}

/// A host as it is stored: lower case, no `www.`, no final dot.
pub fn host_name(host: &str) -> String {
    let host = host.trim().trim_end_matches('.');
    let without_www = |host: &str| host.strip_prefix("www.").unwrap_or(host).to_owned();
    let is_low = |b: u8| b.is_ascii() && !b.is_ascii_uppercase();
    match host.bytes().all(is_low) {
        true => without_www(host),
        false => without_www(&host.to_lowercase()),
    }
}

/// Path and, in hash mode, fragment as they are counted.
fn page(path: &str, fragment: Option<&str>) -> String {
    let mut page = match decode(path) {
        path if path.is_empty() => "/".to_owned(),
        path => path.into_owned(),
    };
    if let Some(fragment) = fragment {
        page.push('#');
        page.push_str(&decode(fragment));
    }
    // What is not decoded may be three times as long as it came.
    page.truncate(page.floor_char_boundary(URL_BYTES_MAX));
    page
}

/// Percent-decoded; as it is where that would not be text, or would hold control characters.
fn decode(part: &str) -> Cow<'_, str> {
    match percent_decode_str(part).decode_utf8() {
        // Borrowed: nothing was encoded, and a parsed url has no control characters.
        Ok(Cow::Owned(text)) if text.chars().any(char::is_control) => Cow::Borrowed(part),
        Ok(text) => text,
        Err(_) => Cow::Borrowed(part),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(text: &str) -> (String, String) {
        let url = PageUrl::parse(text, false).unwrap();
        (url.host, url.page)
    }

    #[test]
    fn host_and_page() {
        let cases = [
            ("https://www.Example.com/", "example.com", "/"),
            ("https://example.com", "example.com", "/"),
            ("https://example.com:8443/a?b=c#d", "example.com", "/a"),
            ("https://example.com/%C3%BC/%zz", "example.com", "/ü/%zz"),
            ("https://example.com/%ff", "example.com", "/%ff"),
            ("https://example.com/%00%0a", "example.com", "/%00%0a"),
            ("https://u:p@example.com/x", "example.com", "/x"),
            ("https://[2001:db8::1]/x", "[2001:db8::1]", "/x"),
            ("app://my.app/screen", "my.app", "/screen"),
            ("file:///home/x", "(none)", "/home/x"),
            ("/just/a/path?q", "(none)", "/just/a/path"),
            ("just/a/path", "(none)", "/just/a/path"),
            ("https://münchen.example/", "xn--mnchen-3ya.example", "/"),
        ];
        for (text, host, page) in cases {
            assert_eq!(parts(text), (host.to_owned(), page.to_owned()), "{text}");
        }
    }

    #[test]
    fn hash_mode_keeps_the_fragment() {
        let url = PageUrl::parse("https://example.com/a?q#/b%20c", true).unwrap();
        assert_eq!(url.page, "/a#/b c");
    }

    #[test]
    fn what_is_not_decoded_is_cut() {
        let text = format!("https://example.com/%ff{}", "ü".repeat(900));
        let url = PageUrl::parse(&text, false).unwrap();
        assert!(url.page.starts_with("/%ff%C3%BC") && url.page.len() == URL_BYTES_MAX);
        let text = format!("/{}#{}x", "ü".repeat(400), "\u{1}".repeat(900));
        let url = PageUrl::parse(&text, true).unwrap();
        assert!(url.page.starts_with("/ü") && url.page.len() == URL_BYTES_MAX);
    }

    #[test]
    fn refused() {
        for text in ["", "  ", "data:text/html,x", "https://", "http://a b/"] {
            assert!(PageUrl::parse(text, false).is_err(), "{text}");
        }
        let long = format!("https://{}.example/", "a".repeat(260));
        assert!(PageUrl::parse(&long, false).is_err());
    }

    /// Urls that are plain, and those that just fail to be.
    pub(crate) fn nearly_plain() -> impl Strategy<Value = String> {
        let label =
            "(www|[a-z0-9-]{0,5}|xn--[a-z]{0,3}|0x[0-9a-f]{0,2}|[0-9]{1,3}|[A-Z_~%\u{fc}]{1,2})";
        let host = format!("{label}(\\.{label}){{0,4}}\\.?");
        let chars = "[a-zA-Z0-9/._~!$&'()*+,;=:@%?#\\[\\]|{}^`<>\"\\\\ \t\u{1}\u{7f}\u{fc}-]";
        let path = format!("(/({chars}{{0,3}}|\\.|\\.\\.|%2[eEfF]|\\.%2e|%[0-9A-F]{{2}})){{0,4}}");
        let tail = format!("(\\?{chars}{{0,8}})?(#{chars}{{0,8}})?");
        let url = format!("(https?://|HTTP://|http:/|ftp://)?{host}(:[0-9]{{0,4}})?{path}{tail}");
        let plain = "https?://(www\\.)?[a-z]{1,5}(\\.[a-z]{1,5}){1,2}(/[a-zA-Z0-9%._-]{0,6}){0,3}(\\?[a-z=&%20]{0,9})?(#[a-z/]{0,5})?";
        let url = proptest::string::string_regex(&url).unwrap();
        prop_oneof![url, plain]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn plain_urls_are_read_as_the_url_crate_reads_them(text in nearly_plain(), hash_mode: bool) {
            let text = text.trim();
            if let Some(plain) = plain_url::split(text) {
                let plain = PageUrl::from_plain(plain, hash_mode);
                prop_assert_eq!(Ok(plain), PageUrl::parse_any(text, hash_mode));
            }
        }
    }
}
