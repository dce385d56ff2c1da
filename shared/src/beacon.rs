//! What becomes of an event at one site, decided from the request alone: the pure part of the
//! Worker, used by the importer too.
//!
//! Order: privacy signals → bot → referrer spam → path clean-up → shields → source, channel,
//! campaign → goals. Whoever only wants to know whether it is counted pays for no more than that.

use std::borrow::Cow;

use crate::address::ClientAddress;
use crate::attrs::{self, Client, Traffic};
use crate::call::{Entry, Hit, HitKind, Revenue};
use crate::drops::Drop;
use crate::event::{Event, Kind};
use crate::referrer::Referrer;
use crate::rules::Rules;
use crate::settings::Signal;
use crate::visitor::VisitorHash;
use crate::{agent, path, spam};

/// Who sends. Never stored, never logged.
pub struct Sender<'a> {
    /// The address.
    pub address: ClientAddress,
    /// The User-Agent.
    pub user_agent: &'a str,
    /// `Sec-GPC: 1`.
    pub gpc: bool,
    /// `DNT: 1`.
    pub dnt: bool,
    /// A program, by its User-Agent.
    is_bot: bool,
    /// C.
    client: Client<'a>,
}

impl<'a> Sender<'a> {
    /// Classifies who sends; `country` is an ISO code, or empty.
    pub fn new(
        address: ClientAddress,
        user_agent: &'a str,
        country: &'a str,
        gpc: bool,
        dnt: bool,
    ) -> Self {
        let is_bot = agent::is_bot(user_agent);
        Self {
            address,
            user_agent,
            gpc,
            dnt,
            is_bot,
            client: attrs::client(country, user_agent),
        }
    }

    /// Who an import names without a User-Agent: a person, for nothing says otherwise.
    pub fn without_agent(address: ClientAddress, country: &'a str) -> Self {
        Self {
            is_bot: false,
            ..Self::new(address, "", country, false, false)
        }
    }
}

/// An event that a site counts.
pub struct Counted<'a> {
    event: &'a Event,
    client: &'a Client<'a>,
    page: Cow<'a, str>,
    traffic: Traffic,
    /// Counted without a visitor.
    pub anonymous: bool,
    goals: Vec<u32>,
    steps: Vec<(u32, u8)>,
    /// The cleaned `path` and `url` of built-in events.
    cleaned: Vec<(usize, String)>,
}

/// Decides.
///
/// # Errors
/// Why it is not counted.
pub fn decide<'a>(
    event: &'a Event,
    sender: &'a Sender<'a>,
    rules: &Rules,
) -> Result<Counted<'a>, Drop> {
    let (signal, reason) = rules.signal(sender.gpc, sender.dnt);
    let anonymous = signal == Signal::PageView;
    if signal == Signal::Drop || (anonymous && event.kind != Kind::PageView) {
        return Err(reason);
    }
    if sender.is_bot {
        return Err(Drop::Bot);
    }
    let from = event.referrer.as_deref();
    let from = from.and_then(|text| Referrer::parse(text, &event.url.host));
    if from.as_ref().is_some_and(|from| spam::is_spam(from.host())) {
        return Err(Drop::SpamReferrer);
    }
    let page = match rules.clean_paths {
        true => path::clean(&event.url.page),
        false => Cow::Borrowed(event.url.page.as_str()),
    };
    let [country, ..] = &sender.client;
    // A path is shielded as it is written and as it is counted.
    let pages = [event.url.page.as_str(), &page];
    if let Some(shield) = rules.shield(&event.url.host, pages, country, sender.address) {
        return Err(shield);
    }
    let traffic = match anonymous {
        true => Traffic::default(),
        false => attrs::traffic(event.url.query.as_deref(), from.as_ref(), rules.clean_paths),
    };
    let goals = rules.goals(&kind(event), &page);
    let mut cleaned = Vec::new();
    if rules.clean_paths {
        for (place, (key, value)) in event.props.list.iter().enumerate() {
            if let ("path" | "url", Cow::Owned(value)) = (key.as_str(), path::clean(value)) {
                cleaned.push((place, value));
            }
        }
    }
    Ok(Counted {
        steps: rules.steps(&goals),
        event,
        client: &sender.client,
        page,
        traffic,
        anonymous,
        goals,
        cleaned,
    })
}

impl Counted<'_> {
    /// What is sent to the day object. `visitor` is given unless it is [`Counted::anonymous`].
    pub fn entry(&self, visitor: Option<VisitorHash>, at_s: u32) -> Entry<'_> {
        let props = self.event.props.list.iter();
        let mut props: Vec<(&str, &str)> = props
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        for (place, value) in &self.cleaned {
            if let Some(prop) = props.get_mut(*place) {
                prop.1 = value;
            }
        }
        Entry::Hit(Box::new(Hit {
            visitor: visitor.filter(|_| !self.anonymous),
            at_s,
            kind: kind(self.event),
            page: &self.page,
            host: &self.event.url.host,
            client: self.client.each_ref().map(|text| text.as_ref()),
            traffic: self.traffic.each_ref().map(|text| text.as_str()),
            props,
            revenue: self.event.revenue.as_ref().map(|revenue| Revenue {
                currency: &revenue.currency,
                milli: revenue.milli,
            }),
            goals: self.goals.clone(),
            steps: self.steps.clone(),
        }))
    }
}

fn kind(event: &Event) -> HitKind<'_> {
    match &event.kind {
        Kind::PageView => HitKind::PageView,
        Kind::Engagement {
            scroll_percent,
            engaged_ms,
        } => HitKind::Engagement {
            scroll_percent: *scroll_percent,
            engaged_ms: *engaged_ms,
        },
        Kind::Custom { name, interactive } => HitKind::Custom {
            name,
            interactive: *interactive,
        },
    }
}
