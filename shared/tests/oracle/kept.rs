//! An event that is counted, as the model keeps it, with what the tables say of it; and visits.

use crate::stream::{Sent, What};
use crate::tables::{HOSTS, LINK, NAMES, PAGES, PROPS, Page};

/// Half an hour, the last second included.
const IDLE_S: u32 = 1_800;

/// An event that is counted.
pub struct Kept<'a> {
    /// Second of the local day.
    pub at_s: u32,
    pub shard: u16,
    pub act: usize,
    pub site: usize,
    pub sent: &'a Sent,
}

impl Kept<'_> {
    pub fn hour(&self) -> u8 {
        hour_of(self.at_s)
    }

    pub fn minute(&self) -> u16 {
        (self.at_s / 60) as u16
    }

    pub fn page(&self) -> &'static Page {
        &PAGES[self.sent.page]
    }

    /// Site 0 cleans its paths.
    pub fn path(&self) -> &'static str {
        match self.site {
            0 => self.page().cleaned,
            _ => self.page().kept,
        }
    }

    pub fn host(&self) -> &'static str {
        HOSTS[self.sent.host].1
    }

    pub fn is_view(&self) -> bool {
        matches!(self.sent.what, What::View { .. })
    }

    /// What has properties and revenue: its name, the place of its revenue.
    pub fn named(&self) -> Option<(&'static str, usize)> {
        match self.sent.what {
            What::View { revenue, .. } => Some(("pageview", revenue)),
            What::Custom { name, revenue, .. } => Some((NAMES[name].0, revenue)),
            What::Engagement { .. } => None,
        }
    }

    /// Properties: name, value.
    pub fn props(&self) -> Vec<(String, String)> {
        let (name, props) = match self.sent.what {
            What::View { props, .. } => ("pageview", props),
            What::Custom { name, props, .. } => (NAMES[name].0, props),
            What::Engagement { .. } => return Vec::new(),
        };
        let list = PROPS[props].1.iter();
        let mut list: Vec<(String, String)> = list
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        // COMPAT.md: `404` gets `props.path` when absent.
        if name == "404" && list.iter().all(|(key, _)| key != "path") {
            list.push(("path".to_owned(), self.path().to_owned()));
        }
        for (key, value) in &mut list {
            if name == LINK && key == "url" {
                value.truncate(value.find(['?', '#']).unwrap_or(value.len()));
            }
        }
        list
    }

    /// Goals it completes.
    pub fn goals(&self) -> Vec<u32> {
        if self.site != 0 {
            return Vec::new();
        }
        match self.sent.what {
            What::View { .. } => self.page().goals.to_vec(),
            What::Custom { name, .. } => NAMES[name].1.to_vec(),
            What::Engagement { scroll, .. } => {
                let reached = self.page().scrolls.iter();
                let reached = reached.filter(|(_, percent)| scroll.is_some_and(|s| s >= *percent));
                reached.map(|(goal, _)| *goal).collect()
            }
        }
    }
}

/// Whether a visitor with these events has a visit that an event now still belongs to.
pub fn is_live(events: &[Kept], at_s: u32) -> bool {
    latest_s(events).is_some_and(|latest_s| at_s <= latest_s + IDLE_S)
}

/// The visits of a visitor's events, in the order in which they came.
pub fn visits<'a, 'b>(mut events: &'a [Kept<'b>]) -> Vec<&'a [Kept<'b>]> {
    let mut visits = Vec::new();
    while !events.is_empty() {
        let ends = |len: &usize| !is_live(&events[..*len], events[*len].at_s);
        let len = (1..events.len()).find(ends);
        let (visit, after) = events.split_at(len.unwrap_or(events.len()));
        visits.push(visit);
        events = after;
    }
    visits
}

/// The last moment of some events.
pub fn latest_s(events: &[Kept]) -> Option<u32> {
    events.iter().map(|event| event.at_s).max()
}

/// Hours are counted from the beginning of the local day.
pub fn hour_of(at_s: u32) -> u8 {
    (at_s / 3_600) as u8
}
