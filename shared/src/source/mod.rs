//! Where a visit comes from, by name: `utm_source`, else the host of the referrer, each through a
//! table of well-known sources, so that `l.facebook.com`, `fb` and `m.facebook.com` are one.
//!
//! Always holds: a look-up does not allocate; what is not in the table keeps the name it came
//! with; the name of a source is itself an alias of it, so naming twice changes nothing (CSV that
//! comes back through an import keeps its sources).

mod index;
mod table;

use std::borrow::Cow;

use crate::referrer::Referrer;
use index::{alias, host, national};

/// What a well-known source is. Channels follow from some of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Search engines.
    Search,
    /// Social networks, forums, link boards.
    Social,
    /// Messengers; they count as social.
    Messenger,
    /// Video.
    Video,
    /// Shops and market places.
    Shopping,
    /// E-mail: web mail, mail apps, newsletter senders.
    Email,
    /// AI assistants.
    AiAssistant,
    /// Music and podcasts. The channel Audio goes by medium, as in GA4: these are Referral.
    Audio,
    /// News, portals, newsletters read as pages. Channel Referral.
    News,
    /// Where software is made. Channel Referral.
    Developer,
    /// Encyclopaedias, documents, boards, app stores and other well-known sites. Channel
    /// Referral.
    Reference,
}

impl Kind {
    /// Whether the source counts as a social network.
    pub const fn is_social(self) -> bool {
        matches!(self, Kind::Social | Kind::Messenger)
    }
}

/// Where a visit comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source<'a> {
    /// As it is shown: of a well-known source its name, else the host, or `utm_source` as given.
    pub name: Cow<'a, str>,
    /// What it is, if it is well known.
    pub kind: Option<Kind>,
    /// Whether its name says that the visit was paid for: `adwords`, `fb-ads`.
    pub paid: bool,
}

/// Longest `utm_source` looked up, bytes; what is longer is no alias of anything.
const ALIAS_BYTES_MAX: usize = 64;

/// The source of a visit; `None` is direct. A `utm_source` that is not blank wins, because the
/// site's owner wrote it.
pub fn of<'a>(utm_source: Option<&'a str>, referrer: Option<&'a Referrer>) -> Option<Source<'a>> {
    if let Some(given) = utm_source.map(str::trim).filter(|given| !given.is_empty()) {
        return Some(of_utm(given));
    }
    let from = referrer?.host();
    Some(match of_host(from) {
        Some(known) => known.source(false),
        None => unknown(from),
    })
}

/// One row of the table.
#[derive(Debug)]
struct Known {
    name: &'static str,
    kind: Kind,
    /// Hosts and package names, between spaces; see [`table`].
    hosts: &'static str,
    /// Values of `utm_source`, between spaces; the name need not be among them.
    aliases: &'static str,
}

impl Known {
    const fn source(&self, paid: bool) -> Source<'static> {
        Source {
            name: Cow::Borrowed(self.name),
            kind: Some(self.kind),
            paid,
        }
    }
}

const fn unknown(name: &str) -> Source<'_> {
    Source {
        name: Cow::Borrowed(name),
        kind: None,
        paid: false,
    }
}

fn of_utm(given: &str) -> Source<'_> {
    if given.len() > ALIAS_BYTES_MAX {
        return unknown(given);
    }
    if let Some(known) = alias(given) {
        return known.source(false);
    }
    if let Some(known) = paid_alias(given) {
        return known.source(true);
    }
    match of_host(given) {
        Some(known) => known.source(false),
        None => unknown(given),
    }
}

/// Names of advertising products that do not end as [`PAID_ENDINGS`] do, and who sells them.
const PAID_NAMES: [(&str, &str); 6] = [
    ("adwords", "google"),
    ("google-adwords", "google"),
    ("googleadwords", "google"),
    ("gads", "google"),
    ("google-pmax", "google"),
    ("adcenter", "bing"),
];

/// What makes an alias a paid one: `fb-ads`, `fb_ads`, `FB Ads` and `fbads` are paid `fb`. An
/// alias that ends so by nature (`threads`) is found first and stays what it is.
const PAID_ENDINGS: [&str; 9] = [
    "-ads", "_ads", " ads", "ads", "-ad", "_ad", "-cpc", "-ppc", "-paid",
];

fn paid_alias(given: &str) -> Option<&'static Known> {
    let named = PAID_NAMES
        .iter()
        .find(|(name, _)| index::same(name, given))
        .map(|(_, seller)| *seller);
    if let Some(seller) = named {
        return alias(seller);
    }
    PAID_ENDINGS.iter().find_map(|ending| {
        let (seller, end) = given.split_at_checked(given.len().checked_sub(ending.len())?)?;
        index::same(end, ending).then(|| alias(seller))?
    })
}

/// Most labels of a host that a table key may have.
const LABELS_MAX: usize = 6;

/// A host, or the nearest domain above it that is in the table; then the same without its
/// national ending.
fn of_host(given: &str) -> Option<&'static Known> {
    let given = given.strip_prefix("www.").unwrap_or(given);
    if !given.contains('.') {
        return None;
    }
    upwards(given, host).or_else(|| upwards(without_national_ending(given)?, national))
}

fn upwards(
    name: &str,
    look_up: impl Fn(&str, bool) -> Option<&'static Known>,
) -> Option<&'static Known> {
    // A hostile host has a hundred labels; no key has more than LABELS_MAX.
    let start = name.rmatch_indices('.').nth(LABELS_MAX - 1);
    let mut domain = start.map_or(name, |(at, _)| name.get(at + 1..).unwrap_or_default());
    loop {
        if let Some(known) = look_up(domain, domain.len() == name.len()) {
            return Some(known);
        }
        domain = domain.split_once('.')?.1;
    }
}

/// `google` of `google.com`, `google.de`, `google.co.uk` and `google.com.br`.
fn without_national_ending(host: &str) -> Option<&str> {
    let (rest, top) = host.rsplit_once('.')?;
    if top == "com" {
        return Some(rest);
    }
    let national = top.len() == 2 && top.bytes().all(|b| b.is_ascii_alphabetic());
    match rest.rsplit_once('.') {
        _ if !national => None,
        Some((name, "co" | "com" | "net" | "org" | "ne")) => Some(name),
        _ => Some(rest),
    }
}

#[cfg(test)]
mod tests;
