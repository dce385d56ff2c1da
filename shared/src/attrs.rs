//! The attributes counts are keyed by: T, what a visit came with, and C, what its browser is.
//!
//! Both are fixed arrays of strings in a published order; the empty string is "not known". A new
//! attribute is one line in [`VISIT_ATTRS`] or [`CLIENT_ATTRS`], a column at the aggregator, and
//! a new wire version.

use std::borrow::Cow;

use crate::attribution::Attribution;
use crate::channel::Channel;
use crate::dict::Kind;
use crate::referrer::Referrer;
use crate::{path, source};

/// Visit attributes, in wire order. Fixed by the visit's first event.
pub const VISIT_ATTRS: [(&str, Kind); VISIT_ATTRS_LEN] = [
    ("entry_page", Kind::Page),
    ("entry_host", Kind::Host),
    ("source", Kind::Source),
    ("referrer", Kind::Referrer),
    ("channel", Kind::Channel),
    ("utm_source", Kind::UtmSource),
    ("utm_medium", Kind::UtmMedium),
    ("utm_campaign", Kind::UtmCampaign),
    ("utm_content", Kind::UtmContent),
    ("utm_term", Kind::UtmTerm),
];
/// How many visit attributes there are.
pub const VISIT_ATTRS_LEN: usize = 2 + TRAFFIC_LEN;

/// Visit attributes but entry page and host: where a visit came from, in the order of
/// [`VISIT_ATTRS`].
pub type Traffic = [String; TRAFFIC_LEN];
/// How many attributes say where a visit came from.
pub const TRAFFIC_LEN: usize = 8;

/// Where a page view came from: the attribution in its url's query, and its referrer. A referrer
/// keeps host and path; where `clean_paths` is set, nothing keeps what looks like a person.
pub fn traffic(query: Option<&str>, referrer: Option<&Referrer>, clean_paths: bool) -> Traffic {
    let attribution = Attribution::parse(query.unwrap_or_default());
    traffic_of(attribution, referrer, clean_paths)
}

/// The same of an attribution that was read already.
pub fn traffic_of(
    attribution: Attribution,
    referrer: Option<&Referrer>,
    clean_paths: bool,
) -> Traffic {
    let source = source::of(attribution.source.as_deref(), referrer);
    let channel = Channel::of(source.as_ref(), &attribution);
    let name = source.map(|source| source.name.into_owned());
    let value = |value: Option<String>| {
        let value = value.unwrap_or_default();
        match clean_paths.then(|| path::clean(&value)) {
            Some(Cow::Owned(cleaned)) => cleaned,
            _ => value,
        }
    };
    [
        value(name),
        value(referrer.map(|referrer| referrer.as_str().to_owned())),
        channel.as_str().to_owned(),
        value(attribution.source),
        value(attribution.medium),
        value(attribution.campaign),
        value(attribution.content),
        value(attribution.term),
    ]
}

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
pub type Client<'a> = [Cow<'a, str>; CLIENT_ATTRS_LEN];

/// The client attributes that a User-Agent and a country give.
pub fn client<'a>(country: &'a str, user_agent: &'a str) -> Client<'a> {
    let agent = crate::agent::classify(user_agent);
    [
        Cow::Borrowed(country),
        Cow::Borrowed(agent.device.as_str()),
        Cow::Borrowed(agent.browser),
        Cow::Borrowed(agent.browser_version),
        Cow::Borrowed(agent.os),
        agent.os_version,
    ]
}
