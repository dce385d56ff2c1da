//! The attributes counts are keyed by: T, what a visit came with, and C, what its browser is.
//!
//! Both are fixed arrays of strings in a published order; the empty string is "not known". A new
//! attribute is one line in [`VISIT_ATTRS`] or [`CLIENT_ATTRS`], a column at the aggregator, and
//! a new wire version.

use crate::dict::Kind;

/// Visit attributes, in wire order. Fixed by the visit's first event.
pub const VISIT_ATTRS: [(&str, Kind); VISIT_ATTRS_LEN] =
    [("entry_page", Kind::Page), ("entry_host", Kind::Host)];
/// How many visit attributes there are.
pub const VISIT_ATTRS_LEN: usize = 2;

/// Client attributes, in wire order. Constant for a visitor: the visitor hash covers what they
/// are derived from.
pub const CLIENT_ATTRS: [(&str, Kind); CLIENT_ATTRS_LEN] = [
    ("country", Kind::Country),
    ("device", Kind::Device),
    ("browser", Kind::Browser),
    ("browser_version", Kind::BrowserVersion),
    ("os", Kind::Os),
    ("os_version", Kind::OsVersion),
];
/// How many client attributes there are.
pub const CLIENT_ATTRS_LEN: usize = 6;

/// Client attributes of one hit.
pub type Client = [String; CLIENT_ATTRS_LEN];

/// The client attributes that a User-Agent and a country give.
pub fn client(country: String, user_agent: &str) -> Client {
    let agent = crate::agent::classify(user_agent);
    [
        country,
        agent.device.as_str().to_owned(),
        agent.browser.to_owned(),
        agent.browser_version.to_owned(),
        agent.os.to_owned(),
        agent.os_version.into_owned(),
    ]
}
