//! Funnels: how many come to each step.

use super::super::view::number;
use super::Asked;
use crate::error::{Error, Result};
use crate::query::funnel::{self, FunnelQuery};
use crate::store::{NamedFunnel, Snapshot};

/// A funnel as it is shown.
pub struct FunnelPanel {
    /// What it is called.
    pub name: String,
    /// Its steps, or why they are not told.
    pub steps: std::result::Result<Vec<StepLine>, String>,
}

/// A step of it.
pub struct StepLine {
    /// The goal it is.
    pub label: String,
    /// Share of the first step, 0 to 100.
    pub width: u64,
    /// How many came to it.
    pub visitors: String,
    /// Of those of the first step.
    pub share: String,
}

/// All funnels of a site under the page's range and filters.
///
/// # Errors
/// The database failed.
pub(super) async fn panels(
    asked: &Asked,
    snapshot: &mut Snapshot,
    funnels: &[NamedFunnel],
) -> Result<Vec<FunnelPanel>> {
    let mut panels = Vec::with_capacity(funnels.len());
    for NamedFunnel { funnel, name } in funnels {
        let query = FunnelQuery {
            funnel,
            range: asked.range,
            filter: asked.state.filter(),
        };
        let steps = match funnel::run(snapshot, &query).await {
            Ok(answer) => Ok(answer),
            Err(Error::Refused(why)) => Err(why.trim_start_matches("filters: ").to_owned()),
            Err(other) => return Err(other),
        };
        let goal = |id: &u32| {
            let named = asked.goals.name(&id.to_string());
            named.map_or_else(|| "A goal that was removed".to_owned(), str::to_owned)
        };
        let steps = steps.map(|answer| {
            let lines = funnel.steps.iter().zip(answer.steps);
            let line = |(id, step): (&u32, funnel::Step)| StepLine {
                label: goal(id),
                width: step
                    .from_first
                    .map_or(0, |share| share.clamp(0.0, 100.0) as u64),
                visitors: number(step.visitors),
                share: step
                    .from_first
                    .map_or_else(|| "–".to_owned(), |share| format!("{share}%")),
            };
            lines.map(line).collect()
        });
        panels.push(FunnelPanel {
            name: name.clone(),
            steps,
        });
    }
    Ok(panels)
}
