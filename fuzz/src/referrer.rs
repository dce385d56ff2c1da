//! Referrer and attribution: nothing of a query or a fragment but five values survives, and what
//! they come to is bounded.

use shared::attribution::{Attribution, VALUE_CHARS_MAX};
use shared::attrs;
use shared::limits::DOMAIN_BYTES_MAX;
use shared::referrer::{REFERRER_BYTES_MAX, Referrer};
use shared::spam::is_spam;

use super::check;

/// Takes three lines: the page's host, a query, and the referrer, which may have lines of its own.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (page_host, query, referrer) = (line(), line(), line());

    let referrer = Referrer::parse(referrer, page_host);
    if let Some(referrer) = &referrer {
        let text = referrer.as_str();
        check::text(text, REFERRER_BYTES_MAX);
        assert!(!text.contains(['?', '#']), "{text:?}");
        let (host, path) = (referrer.host(), referrer.path());
        assert_eq!(format!("{host}{path}"), text);
        assert!((1..=DOMAIN_BYTES_MAX).contains(&host.len()));
        assert!(
            !host.contains(['/', '@']) && !host.ends_with('.'),
            "{host:?}"
        );
        assert!(!host.bytes().any(|b| b.is_ascii_uppercase()), "{host:?}");
        assert!(path.is_empty() || path.starts_with('/'), "{path:?}");
        check::cleans(text);
        is_spam(host);
    }

    let found = Attribution::parse(query);
    let values = [
        &found.source,
        &found.medium,
        &found.campaign,
        &found.content,
        &found.term,
    ];
    for value in values.into_iter().flatten() {
        check::text(value, 4 * VALUE_CHARS_MAX);
        assert!(value.chars().count() <= VALUE_CHARS_MAX);
        assert!(!value.is_empty() && value.trim() == value, "{value:?}");
    }
    for clean_paths in [false, true] {
        for text in attrs::traffic(Some(query), referrer.as_ref(), clean_paths) {
            check::text(&text, 4 * VALUE_CHARS_MAX);
        }
    }
}
