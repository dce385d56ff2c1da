//! What somebody may ask of a day object about themselves (DESIGN.md, section 9).

use serde::{Deserialize, Serialize};

use super::{Object, Phase, Store};
use crate::attrs::CLIENT_ATTRS;
use crate::call::Header;
use crate::cube::Cube;
use crate::day::Delta;
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
    /// A visit is going on.
    pub visit: bool,
    /// Asked not to be counted for the rest of the day; nothing else is held then.
    pub opted_out: bool,
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
        self.day.end_visit(visitor);
        *visitor = Visitor {
            opted_out: true,
            ..Visitor::default()
        };
        let delta: Delta = self.day.take_delta();
        let touched = std::iter::once(row).collect();
        self.commit(store, delta, None, touched, meta_changed, random)
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
            let (cube, [first, ..]) = touch.texts();
            let list = match cube {
                Cube::Pages => &mut shown.pages,
                Cube::Events => &mut shown.names,
                _ => continue,
            };
            let text = text(first);
            if !list.contains(&text) {
                list.push(text);
            }
        }
        shown
    }
}
