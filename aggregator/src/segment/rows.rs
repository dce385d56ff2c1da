//! The rows of a part in words: for exports, audits and tests.

use std::sync::Arc;

use shared::cube::{Counters, Cube};

use super::part::{ColumnId, Part};
use super::{CLIENT, HOUR, PartId, Segment, VISIT, counter_of};

/// What the texts of a cube's rows are called.
pub const fn text_names(cube: Cube) -> &'static [&'static str] {
    match cube {
        Cube::Visits => &[],
        Cube::Pages => &["page", "host"],
        Cube::Exits => &["page"],
        Cube::Events => &["name", "page"],
        Cube::Props => &["name", "key", "value"],
        Cube::Revenue => &["name", "currency"],
        Cube::Goals => &["goal", "page"],
        Cube::Funnels => &["funnel", "step"],
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Hour of the local day; 0 where hours are not told.
    pub hour: u8,
    /// The texts of the key.
    pub texts: Vec<Arc<str>>,
    /// Visit attributes in the order of [`shared::attrs::VISIT_ATTRS`]; empty for a rollup.
    pub visit: Vec<Arc<str>>,
    /// Client attributes in the order of [`shared::attrs::CLIENT_ATTRS`]; empty for a rollup.
    pub client: Vec<Arc<str>>,
    /// The counts.
    pub counters: Counters,
}

fn value(part: &Part, column: ColumnId, row: usize) -> usize {
    part.columns.get(&column).map_or(0, |values| values[row]) as usize
}

fn texts(part: &Part, id: PartId, row: usize) -> Vec<Arc<str>> {
    let text = |column| part.strings.get(value(part, column, row)).cloned();
    let texts = id.text_columns().map(text);
    texts
        .map(|text| text.unwrap_or_else(|| "".into()))
        .collect()
}

impl Segment {
    /// The rows of a part, in their order.
    pub fn told(&self, id: PartId) -> impl Iterator<Item = Row> {
        let part = self.part(id);
        let attrs = move |attrs: PartId, column, row| match id {
            PartId::Cube(_) => texts(self.part(attrs), attrs, value(part, column, row)),
            _ => Vec::new(),
        };
        (0..part.rows).map(move |row| {
            let counters = part.columns.iter().filter_map(|(column, values)| {
                Some((counter_of(*column)?, values[row])).filter(|(_, n)| *n > 0)
            });
            Row {
                hour: value(part, HOUR, row) as u8,
                texts: texts(part, id, row),
                visit: attrs(PartId::VisitAttrs, VISIT, row),
                client: attrs(PartId::ClientAttrs, CLIENT, row),
                counters: counters.collect(),
            }
        })
    }

    /// Every string that stands in it.
    pub fn strings(&self) -> impl Iterator<Item = &Arc<str>> {
        self.parts.values().flat_map(|part| &part.strings)
    }
}
