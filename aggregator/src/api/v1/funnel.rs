//! `GET /api/v1/stats/funnel`, Dayfly's own: how far visitors come in a funnel of the site.

use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Value, json};

use super::{Asked, FUNNEL, Refusal, named};
use crate::query::funnel::{FunnelQuery, run};
use crate::serve::App;

/// See the module.
pub async fn answer(State(app): State<App>, request: Request) -> Result<Json<Value>, Refusal> {
    let asked = Asked::take(app, request, &FUNNEL).await?;
    let wanted = asked.params.required("funnel")?.trim();
    let funnels = asked.app.store.funnels(asked.site.id).await?;
    // A name first: it may be a number.
    let by_name = funnels.iter().find(|funnel| funnel.name == wanted);
    let is_number = |funnel: &&crate::store::NamedFunnel| funnel.funnel.id.to_string() == wanted;
    let funnel = by_name.or_else(|| funnels.iter().find(is_number));
    let Some(funnel) = funnel else {
        let wanted: String = wanted.chars().take(80).collect();
        let problem = format!("funnel: there is no funnel {wanted:?}");
        return Err(Refusal::NotFound(problem));
    };
    let query = FunnelQuery {
        funnel: &funnel.funnel,
        range: asked.range()?,
        filter: asked.filter()?,
    };
    let mut snapshot = asked.app.store.snapshot(asked.site.id).await?;
    let answer = run(&mut snapshot, &query).await.map_err(named)?;
    let goals = asked.goals.all();
    let steps = answer.steps.iter().zip(&funnel.funnel.steps);
    let steps = steps.enumerate().map(|(at, (step, goal))| {
        let known = goals.iter().find(|known| known.goal.id == *goal);
        json!({
            "step": at + 1,
            "goal": known.map(|known| known.name.as_str()),
            "visitors": step.visitors,
            "from_first": step.from_first,
            "from_previous": step.from_previous,
        })
    });
    let steps: Vec<Value> = steps.collect();
    let mut meta = json!({ "date_range": query.range.to_json(&asked.site) });
    if query.range.from != query.range.to {
        meta["visitors"] = json!("sum of daily visitors");
    }
    if let Some((code, warning)) = answer.warning() {
        meta["metric_warnings"] = json!({ "visitors": { "code": code, "warning": warning } });
    }
    let told = json!({
        "funnel": { "id": funnel.funnel.id.to_string(), "name": funnel.name },
        "results": steps,
        "meta": meta,
    });
    Ok(Json(told))
}
