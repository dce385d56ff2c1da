//! What somebody may ask of a day object about themselves (DESIGN.md, section 9).

use serde::{Deserialize, Serialize};

use super::{Object, Phase, Store};
use crate::attrs::{CLIENT_ATTRS, VISIT_ATTRS};
use crate::call::Header;
use crate::day::Delta;
use crate::dict::Kind;
use crate::visit::Visitor;
use crate::visitor::VisitorHash;

/// Everything that is held about one visitor, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Events counted today.
    pub events: u32,
    /// Country, device, …: name, value.
    pub client: Vec<(String, String)>,
    /// Pages seen today, each once.
    pub pages: Vec<String>,
    /// Names of custom events sent today, each once.
    pub names: Vec<String>,
    /// Everything else that the visitor's row names, each value once: where visits came from,
    /// hosts, properties, goals, steps of funnels, times of the local day.
    pub more: Vec<(String, Vec<String>)>,
    /// A visit is going on.
    pub visit: bool,
    /// Asked not to be counted for the rest of the day; nothing else is held then.
    pub opted_out: bool,
}

impl Shown {
    fn list(&mut self, name: &str) -> &mut Vec<String> {
        let at = self.more.iter().position(|(known, _)| known == name);
        let at = at.unwrap_or_else(|| {
            self.more.push((name.to_owned(), Vec::new()));
            self.more.len().saturating_sub(1)
        });
        // The place was found or made above; `pages` stands in for what cannot be.
        match self.more.get_mut(at) {
            Some((_, list)) => list,
            None => &mut self.pages,
        }
    }
}

fn add(list: &mut Vec<String>, text: String) {
    if !text.is_empty() && !list.contains(&text) {
        list.push(text);
    }
}

/// What strings of a kind are called there.
const fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Host => "host",
        Kind::PropKey => "property",
        Kind::PropValue => "property_value",
        Kind::Currency => "currency",
        Kind::Goal => "goal",
        _ => "other",
    }
}

/// A moment of the local day.
fn clock(at_s: u32) -> String {
    format!("{:02}:{:02}:{:02}", at_s / 3_600, at_s / 60 % 60, at_s % 60)
}

impl Object {
    /// What is held about a visitor; `None` when nothing is.
    ///
    /// # Errors
    /// Storage failed.
    pub fn show<S: Store>(
        &mut self,
        store: &S,
        header: &Header,
        visitor: &VisitorHash,
    ) -> Result<Option<Shown>, S::Error> {
        if !matches!(self.meta.phase, Phase::Open | Phase::Closing) {
            return Ok(None);
        }
        self.visitors.use_key(&header.key);
        let Some(row) = self.visitors.row(visitor) else {
            return Ok(None);
        };
        self.visitors.fetch(store, std::iter::once(row))?;
        Ok(self.visitors.find(&row).map(|visitor| self.shown(visitor)))
    }

    /// Deletes what is held about a visitor, and counts nothing of them for the rest of the day.
    /// What was counted stays counted: it says nothing about anybody. Their visit is ended first.
    ///
    /// # Errors
    /// Storage failed; `self` must be dropped.
    pub fn forget<S: Store>(
        &mut self,
        store: &S,
        header: &Header,
        visitor: &VisitorHash,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), S::Error> {
        if self.meta.phase != Phase::Open {
            return Ok(()); // The day is over, and everybody of it is about to be deleted.
        }
        let meta_changed = self.take_header(header);
        let Some(row) = self.visitors.row(visitor) else {
            return Ok(());
        };
        self.visitors.fetch(store, std::iter::once(row))?;
        let visitor = self.visitors.get(row);
        let touched = std::iter::once((row, 0)).collect();
        self.day.end_visit(visitor);
        *visitor = Visitor {
            opted_out: true,
            ..Visitor::default()
        };
        let delta: Delta = self.day.take_delta();
        self.commit(store, delta, None, touched, meta_changed, random)?;
        // The log still has what they were.
        self.write_rows(store, true, random)
    }

    fn shown(&self, visitor: &Visitor) -> Shown {
        let dict = self.day.dict();
        let text = |id: u32| dict.text_of(id).unwrap_or_default().to_owned();
        let client = visitor.client.and_then(|c| dict.client_attrs_of(c));
        let client = client.into_iter().flatten().zip(CLIENT_ATTRS);
        let mut shown = Shown {
            events: visitor.hits,
            client: client
                .map(|(id, (name, _))| (name.to_owned(), text(*id)))
                .collect(),
            visit: visitor.visit.is_some(),
            opted_out: visitor.opted_out,
            ..Shown::default()
        };
        for touch in &visitor.touches {
            let (cube, texts, t) = touch.parts();
            for (kind, id) in cube.texts().iter().zip(texts) {
                let list = match kind {
                    Kind::Page => &mut shown.pages,
                    Kind::EventName => &mut shown.names,
                    kind => shown.list(name_of(*kind)),
                };
                add(list, text(id));
            }
            let attrs = dict.visit_attrs_of(t).into_iter().flatten();
            for (id, (name, _)) in attrs.zip(VISIT_ATTRS) {
                add(shown.list(name), text(*id));
            }
        }
        if let Some(visit) = &visitor.visit {
            shown.list("visit_began_at").push(clock(visit.start_s));
            shown.list("last_event_at").push(clock(visit.last_s));
        }
        if let Some(minute) = visitor.minute {
            shown
                .list("last_minute")
                .push(clock(u32::from(minute) * 60));
        }
        for (funnel, step) in &visitor.funnels {
            let step = format!("{funnel}: step {step}");
            shown.list("funnel").push(step);
        }
        shown.more.retain(|(_, list)| !list.is_empty());
        shown
    }
}
