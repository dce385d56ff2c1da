//! The `url` of an event, taken apart: host, page and query.
//!
//! Always holds: neither host nor page has control characters; a page has at most
//! [`URL_BYTES_MAX`] bytes, for it is what counts are keyed by.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::limits::{DOMAIN_BYTES_MAX, NO_HOST, URL_BYTES_MAX};

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
        let mut page = match decode(url.path()) {
            path if path.is_empty() => "/".to_owned(),
            path => path,
        };
        if let Some(fragment) = url.fragment().filter(|_| hash_mode) {
            page.push('#');
            page.push_str(&decode(fragment));
        }
        // What is not decoded may be three times as long as it came.
        page.truncate(page.floor_char_boundary(URL_BYTES_MAX));
        Ok(Self {
            host: host.unwrap_or_else(|| NO_HOST.to_owned()),
            page,
            query: url.query().map(str::to_owned),
        })
    }
}

/// A host as it is stored: lower case, no `www.`, no final dot.
pub fn host_name(host: &str) -> String {
    let host = host.trim().trim_end_matches('.').to_lowercase();
    host.strip_prefix("www.").unwrap_or(&host).to_owned()
}

/// Percent-decoded; as it is where that would not be text, or would hold control characters.
fn decode(part: &str) -> String {
    match percent_decode_str(part).decode_utf8() {
        Ok(text) if !text.chars().any(char::is_control) => text.into_owned(),
        _ => part.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
