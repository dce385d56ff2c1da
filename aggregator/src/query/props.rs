//! Which properties events carried. Told by the rollup of properties, so it costs no more than one
//! list of values.

use std::sync::{Arc, PoisonError};

use shared::cube::Counter;
use shared::rollup::{Dim, Place};

use super::Range;
use super::scan::{At, Cond, Located, scan};
use super::sums::{Slots, SpanOf, Sums};
use super::texts::SharedTexts;
use crate::error::Result;
use crate::segment::PartId;
use crate::site::Site;
use crate::store::Snapshot;

/// The keys of properties in whole days, those of most events first, whatever a question filters.
///
/// # Errors
/// The database failed, or there are more keys than a question may make rows.
pub async fn keys(snapshot: &mut Snapshot, site: &Site, range: &Range) -> Result<Vec<String>> {
    let located = Located {
        part: PartId::Rollup(Dim::Prop),
        fixed: None,
        keys: vec![At::Place(Place::Text(1))],
        filter: Cond::And(Vec::new()),
        base: None,
        hours: false,
    };
    let texts: SharedTexts = Arc::default();
    let sums = || {
        let slots = Slots {
            keys: vec![0],
            time: None,
        };
        Sums::new(slots, SpanOf::new(None, range, site))
    };
    let counters = [Counter::PropEvents];
    let found = scan(snapshot, &located, &counters, range, &texts, sums).await?;
    let mut all = sums();
    for one in found {
        all.merge(one);
    }
    let texts = texts.lock().unwrap_or_else(PoisonError::into_inner);
    let keys = all.groups.into_iter().map(|(group, counts)| {
        let events = counts.first().copied().unwrap_or(0);
        (events, texts.text(group[0]).to_owned())
    });
    let mut keys: Vec<(u64, String)> = keys.filter(|(events, _)| *events > 0).collect();
    keys.sort_unstable_by(|(n, key), (m, other)| m.cmp(n).then_with(|| key.cmp(other)));
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}
