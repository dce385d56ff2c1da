//! The counting core: the counts of one day object. Pure; the edge gives it storage, the tests
//! and the importer run it as it is.
//!
//! How it is used: [`Day::apply`] each hit of a gathered call, then [`Day::take_delta`] and store
//! the delta with the visitors in one commit. [`Day::replay`] of the stored deltas in order gives
//! the same day again. [`Day::seal`] takes counts out into a batch.
//!
//! What always holds: an accepted hit is in exactly one delta; a delta is either in `open` or in
//! a sealed batch; counters only grow.

use serde::{Deserialize, Serialize};

use crate::attrs::{CLIENT_ATTRS, CLIENT_ATTRS_LEN, VISIT_ATTRS, VISIT_ATTRS_LEN};
use crate::batch::{Batch, Source};
use crate::call::{Drop, Hit, HitKind};
use crate::cube::{Counter, Counters, Cube, RowKey, Rows};
use crate::dict::{Dict, DictDelta, Kind};
use crate::limits::{ENGAGED_MS_MAX, OPEN_ROWS_MAX, OTHER, VISITOR_HITS_MAX};
use crate::marks;
use crate::stored;
use crate::visit::{Visit, Visitor};

/// Version byte before every stored delta.
const VERSION: u8 = 1;

/// What one commit added.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// Strings and combinations seen for the first time.
    pub dict: DictDelta,
    /// Hits accepted.
    pub hits: u64,
    /// Counts.
    pub rows: Vec<(RowKey, Counters)>,
}

impl Delta {
    /// The bytes to store.
    pub fn encode(&self) -> Vec<u8> {
        stored::encode(VERSION, self)
    }

    /// Reads what [`Delta::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        stored::decode(VERSION, bytes)
    }

    /// Nothing was counted or learned.
    pub fn is_empty(&self) -> bool {
        self.hits == 0 && self.rows.is_empty() && self.dict.is_empty()
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Day {
    dict: Dict,
    /// Counted and not yet sealed.
    open: Rows,
    /// Counted since the last [`Day::take_delta`].
    fresh: Rows,
    fresh_hits: u64,
    /// Accepted hits of the object's whole life.
    hits_total: u64,
}

impl Day {
    /// Counts one hit.
    ///
    /// # Errors
    /// The reason why the hit is not counted; then nothing has changed.
    pub fn apply(&mut self, visitor: &mut Visitor, hit: &Hit) -> Result<(), Drop> {
        if visitor.hits >= VISITOR_HITS_MAX {
            return Err(Drop::Throttled);
        }
        let live = visitor.visit.as_ref().is_some_and(|v| v.is_live(hit.at_s));
        if matches!(hit.kind, HitKind::Engagement { .. }) && !live {
            return Err(Drop::EngagementWithoutVisit);
        }
        if !live {
            self.end_visit(visitor);
        }
        let hour = hour_of(hit.at_s);
        let page = self.dict.text(Kind::Page, &hit.page);
        let host = self.dict.text(Kind::Host, &hit.host);
        let c = match visitor.client {
            Some(c) => c,
            None => {
                let mut attrs = [0; CLIENT_ATTRS_LEN];
                for ((id, (_, kind)), text) in attrs.iter_mut().zip(CLIENT_ATTRS).zip(&hit.client) {
                    *id = self.dict.text(kind, text);
                }
                self.dict.client_attrs(attrs)
            }
        };
        visitor.client = Some(c);

        let mut visit = match visitor.visit.take() {
            Some(visit) => visit,
            None => {
                // Entry page and host come from page views: a visit that begins with a custom
                // event has none.
                let entry = match hit.kind {
                    HitKind::PageView => [hit.page.as_str(), hit.host.as_str()],
                    _ => ["", ""],
                };
                let texts = entry
                    .into_iter()
                    .chain(hit.traffic.iter().map(String::as_str));
                let mut attrs = [0; VISIT_ATTRS_LEN];
                for ((id, (_, kind)), text) in attrs.iter_mut().zip(VISIT_ATTRS).zip(texts) {
                    *id = self.dict.text(kind, text);
                }
                let t = self.dict.visit_attrs(attrs);
                self.count(
                    RowKey {
                        cube: Cube::Visits,
                        hour,
                        a: 0,
                        b: 0,
                        t,
                        c,
                    },
                    Counter::Visits,
                    1,
                );
                Visit {
                    t,
                    start_s: hit.at_s,
                    last_s: hit.at_s,
                    active_hour: u8::MAX,
                    views: 0,
                    interactive: false,
                    pages: Vec::new(),
                    exit_page: None,
                }
            }
        };
        visit.last_s = visit.last_s.max(hit.at_s);
        let t = visit.t;
        let row = |cube, a, b| RowKey {
            cube,
            hour,
            a,
            b,
            t,
            c,
        };

        let active = row(Cube::Visits, 0, 0);
        if visit.active_hour != hour {
            visit.active_hour = hour;
            self.count(active, Counter::ActiveVisits, 1);
        }
        self.mark(visitor, active);

        match &hit.kind {
            HitKind::PageView => {
                let key = row(Cube::Pages, page, host);
                visit.views = visit.views.saturating_add(1);
                visit.exit_page = Some(page);
                self.count(key, Counter::Views, 1);
                if !visit.pages.contains(&page) {
                    visit.pages.push(page);
                    self.count(key, Counter::PageVisits, 1);
                }
                self.mark(visitor, key);
            }
            HitKind::Engagement {
                scroll_percent,
                engaged_ms,
            } => {
                let key = row(Cube::Pages, page, host);
                if let Some(ms) = engaged_ms {
                    self.count(
                        key,
                        Counter::EngagedMs,
                        u64::from((*ms).min(ENGAGED_MS_MAX)),
                    );
                    self.count(key, Counter::EngagedCount, 1);
                }
                if let Some(percent) = scroll_percent {
                    self.count(key, Counter::ScrollSum, u64::from((*percent).min(100)));
                    self.count(key, Counter::ScrollCount, 1);
                }
            }
            HitKind::Custom { name, interactive } => {
                let name = self.dict.text(Kind::EventName, name);
                let key = row(Cube::Events, name, page);
                visit.interactive |= interactive;
                self.count(key, Counter::Events, 1);
                self.mark(visitor, key);
            }
        }
        visitor.visit = Some(visit);
        visitor.hits = visitor.hits.saturating_add(1);
        self.fresh_hits = self.fresh_hits.saturating_add(1);
        Ok(())
    }

    /// Ends the visitor's visit, if one is open: counts its length, bounce and exit.
    pub fn end_visit(&mut self, visitor: &mut Visitor) {
        let (Some(visit), Some(c)) = (visitor.visit.take(), visitor.client) else {
            return;
        };
        let key = RowKey {
            cube: Cube::Visits,
            hour: hour_of(visit.start_s),
            a: 0,
            b: 0,
            t: visit.t,
            c,
        };
        self.count(key, Counter::EndedVisits, 1);
        self.count(key, Counter::Bounces, u64::from(visit.is_bounce()));
        let duration_s = visit.last_s.saturating_sub(visit.start_s);
        self.count(key, Counter::DurationS, u64::from(duration_s));
        self.count(key, Counter::EndedViews, u64::from(visit.views));
        if let Some(page) = visit.exit_page {
            let key = RowKey {
                cube: Cube::Exits,
                hour: hour_of(visit.last_s),
                a: page,
                ..key
            };
            self.count(key, Counter::Exits, 1);
            self.mark(visitor, key);
        }
    }

    /// What was counted since this was last asked; from now on part of what can be sealed.
    pub fn take_delta(&mut self) -> Delta {
        let rows = std::mem::take(&mut self.fresh).into_sorted();
        let delta = Delta {
            dict: self.dict.take_learned(),
            hits: std::mem::take(&mut self.fresh_hits),
            rows,
        };
        self.absorb(&delta);
        delta
    }

    /// Counts again what an earlier life of the object stored.
    pub fn replay(&mut self, delta: &Delta) {
        self.dict.replay(&delta.dict);
        self.absorb(delta);
    }

    /// Whether anything waits to be sealed.
    pub fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Accepted hits of the object's whole life.
    pub fn hits_total(&self) -> u64 {
        self.hits_total
    }

    /// Sets what [`Day::hits_total`] stood at when the batches sealed so far were sealed; to be
    /// called before the deltas are replayed.
    pub fn restore_hits(&mut self, sealed_hits: u64) {
        self.hits_total = sealed_hits;
    }

    /// Takes counts out into a batch: all of them, or as many rows as one batch holds; what does
    /// not fit stays open (ask [`Day::has_open`], store [`Day::open_deltas`]). `last` closes the
    /// source with the batch after which nothing is open.
    pub fn seal(&mut self, source: Source, seq: u64, degraded: bool, last: bool) -> Batch {
        let mut rows = std::mem::take(&mut self.open).into_sorted();
        let (mut batch, taken) = Batch::build(&self.dict, source, seq, &rows);
        for (key, counters) in rows.split_off(taken.min(rows.len())) {
            self.open.add_row(key, &counters);
        }
        batch.closed = last && self.open.is_empty();
        batch.degraded = degraded;
        batch.hits_total = self.hits_total;
        batch
    }

    /// The open counts as deltas of at most about `bytes` each, to be stored in the place of the
    /// deltas they were counted by. They carry neither strings nor hits: those are stored apart.
    pub fn open_deltas(&self, bytes: usize) -> Vec<Delta> {
        // A row of the postcard format takes at most about 40 bytes of key and 11 per counter.
        let rows_each = (bytes / 160).max(1);
        let rows = self.open.clone().into_sorted();
        rows.chunks(rows_each)
            .map(|chunk| Delta {
                dict: DictDelta::default(),
                hits: 0,
                rows: chunk.to_vec(),
            })
            .collect()
    }

    fn absorb(&mut self, delta: &Delta) {
        for (key, counters) in &delta.rows {
            self.open.add_row(*key, counters);
        }
        self.hits_total = self.hits_total.saturating_add(delta.hits);
    }

    fn mark(&mut self, visitor: &mut Visitor, key: RowKey) {
        for counter in marks::touch(&mut visitor.touches, key, &self.dict) {
            self.count(key, counter, 1);
        }
    }

    fn count(&mut self, key: RowKey, counter: Counter, n: u64) {
        let known = || self.open.contains(&key) || self.fresh.contains(&key);
        let rows = self.open.len().saturating_add(self.fresh.len());
        let key = if rows < OPEN_ROWS_MAX || known() {
            key
        } else {
            self.folded(key)
        };
        self.fresh.add(key, counter, n);
    }

    /// The row that stands in when there are too many: same cube and hour, all else "(other)".
    fn folded(&mut self, key: RowKey) -> RowKey {
        let a_kind = match key.cube {
            Cube::Events => Kind::EventName,
            _ => Kind::Page,
        };
        let b_kind = match key.cube {
            Cube::Events => Kind::Page,
            _ => Kind::Host,
        };
        let t = VISIT_ATTRS.map(|(_, kind)| self.dict.text(kind, OTHER));
        let c = CLIENT_ATTRS.map(|(_, kind)| self.dict.text(kind, OTHER));
        let texts = key.cube.texts();
        RowKey {
            a: if texts > 0 {
                self.dict.text(a_kind, OTHER)
            } else {
                0
            },
            b: if texts > 1 {
                self.dict.text(b_kind, OTHER)
            } else {
                0
            },
            t: self.dict.visit_attrs(t),
            c: self.dict.client_attrs(c),
            ..key
        }
    }
}

/// Hour of the local day of a moment of it; a day has at most 25.
fn hour_of(at_s: u32) -> u8 {
    u8::try_from(at_s / 3_600).unwrap_or(24).min(24)
}

#[cfg(test)]
#[path = "day_tests.rs"]
mod tests;
