//! What one commit adds to a day.

use serde::{Deserialize, Serialize};

use crate::cube::{Counters, RowKey};
use crate::dict::DictDelta;
use crate::drops::Drop;
use crate::stored;

/// Version byte before every stored delta.
const VERSION: u8 = 2;

/// See the module.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// Strings and combinations seen for the first time.
    pub dict: DictDelta,
    /// Hits accepted.
    pub hits: u64,
    /// Counts.
    pub rows: Vec<(RowKey, Counters)>,
    /// Events dropped, by reason.
    pub dropped: Vec<(Drop, u64)>,
    /// By minute of the local day: page views, visitors.
    pub minutes: Vec<(u16, (u64, u64))>,
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
        self.hits == 0
            && self.rows.is_empty()
            && self.dropped.is_empty()
            && self.minutes.is_empty()
            && self.dict.is_empty()
    }
}
