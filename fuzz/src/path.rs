//! URL clean-up: what a page is taken to be is bounded and clean, and cleaning it twice changes
//! nothing.

use shared::limits::{DOMAIN_BYTES_MAX, URL_BYTES_MAX};
use shared::page_url::PageUrl;
use shared::pattern::Pattern;

use super::check;

/// Patterns are the owner's own, and slow on purpose where they are made to be.
const PATTERN_TEXT_BYTES_MAX: usize = 256;

/// Takes a url or a path; its first line is a pattern too.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    check::cleans(&text);
    let pattern = text.lines().next().unwrap_or_default();
    if let Ok(pattern) = Pattern::parse(pattern)
        && text.len() <= PATTERN_TEXT_BYTES_MAX
    {
        pattern.matches(&text);
    }
    if text.len() > URL_BYTES_MAX {
        return;
    }
    for hash_mode in [false, true] {
        let Ok(url) = PageUrl::parse(&text, hash_mode) else {
            continue;
        };
        check::text(&url.page, URL_BYTES_MAX);
        check::text(&url.host, DOMAIN_BYTES_MAX);
        assert!(!url.page.is_empty() && !url.host.is_empty());
        assert!(!url.host.starts_with("data:"));
        check::cleans(&url.page);
    }
}
