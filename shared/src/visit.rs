//! What a day object knows about one visitor while the day lasts. Stored only sealed.

use serde::{Deserialize, Serialize};

use crate::dict::TextId;
use crate::limits::VISIT_IDLE_S;
use crate::marks::Touch;
use crate::object::RowId;
use crate::stored;

/// Version byte before every stored visitor.
const VERSION: u8 = 3;
/// Version byte before every entry of the log.
const LOG_VERSION: u8 = 1;

/// A visitor of the day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    /// Events counted.
    pub(crate) hits: u32,
    /// C, fixed by the first event.
    pub(crate) client: Option<u32>,
    /// Row keys touched, for the marks.
    pub(crate) touches: Vec<Touch>,
    /// The visit that has not been ended.
    pub(crate) visit: Option<Visit>,
    /// Minute of the local day of the last event, for the live view.
    pub(crate) minute: Option<u16>,
    /// Funnels begun: number, steps done.
    pub(crate) funnels: Vec<(u32, u8)>,
    /// Asked not to be counted today: nothing else is kept then.
    pub(crate) opted_out: bool,
}

/// A visit (session): events at most 30 minutes apart, within the local day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Visit {
    /// T, fixed by the first event.
    pub t: u32,
    pub start_s: u32,
    pub last_s: u32,
    /// Hours it was counted active in, a bit each: around the full hour events overtake each
    /// other.
    pub active_hours: u32,
    pub views: u32,
    /// Had an interactive custom event.
    pub interactive: bool,
    /// Distinct pages seen.
    pub pages: Vec<TextId>,
    /// Page of the last page view.
    pub exit_page: Option<TextId>,
}

impl Visit {
    /// Whether an event at `at_s` still belongs to it.
    pub fn is_live(&self, at_s: u32) -> bool {
        at_s <= self.expires_s()
    }

    /// The last moment at which an event still belongs to it, seconds of the local day.
    pub fn expires_s(&self) -> u32 {
        self.last_s.saturating_add(VISIT_IDLE_S)
    }

    /// Whether this is its first event of an hour of the day.
    pub fn is_new_in(&mut self, hour: u8) -> bool {
        let before = self.active_hours;
        self.active_hours |= 1u32.checked_shl(hour.into()).unwrap_or(0);
        self.active_hours != before
    }

    /// One page view and nothing the visitor did.
    pub fn is_bounce(&self) -> bool {
        self.views == 1 && !self.interactive
    }
}

/// What became of a visitor: everything as it is now, but of the touches only those that are new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// So many touches are as they were.
    kept: u32,
    /// With the new touches alone.
    now: Visitor,
}

/// Changes of one commit, each with the key of its visitor's row: the bytes to seal.
pub(crate) fn encode_changes(changes: &[(RowId, Change)]) -> Vec<u8> {
    stored::encode(LOG_VERSION, &changes)
}

/// Reads what [`encode_changes`] wrote.
pub(crate) fn decode_changes(bytes: &[u8]) -> Option<Vec<(RowId, Change)>> {
    stored::decode(LOG_VERSION, bytes)
}

impl Visitor {
    /// What changed since there were so many touches; they are only ever added to, or all deleted.
    pub(crate) fn change_since(&self, touches: usize) -> Change {
        let touches = touches.min(self.touches.len());
        let (_, new) = self.touches.split_at_checked(touches).unwrap_or_default();
        Change {
            kept: u32::try_from(touches).unwrap_or(u32::MAX),
            now: Self {
                hits: self.hits,
                client: self.client,
                touches: new.to_vec(),
                visit: self.visit.clone(),
                minute: self.minute,
                funnels: self.funnels.clone(),
                opted_out: self.opted_out,
            },
        }
    }

    /// Makes the change, once or again: changes are made in their order, from any state on that the
    /// visitor had since the first of them.
    pub(crate) fn change(&mut self, change: Change) {
        let Change { kept, mut now } = change;
        self.touches.truncate(kept as usize);
        self.touches.append(&mut now.touches);
        now.touches = std::mem::take(&mut self.touches);
        *self = now;
    }

    /// The bytes to seal.
    pub fn encode(&self) -> Vec<u8> {
        stored::encode(VERSION, self)
    }

    /// Reads what [`Visitor::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        stored::decode(VERSION, bytes)
    }

    /// When the open visit began, seconds of the local day.
    pub(crate) fn visit_start_s(&self) -> Option<u32> {
        self.visit.as_ref().map(|visit| visit.start_s)
    }
}
