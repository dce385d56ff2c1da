//! Who is there now. `GET /api/v1/stats/realtime/visitors` is the first API's bare number;
//! `GET /api/v1/stats/realtime` is Dayfly's own, with the last half hour by the minute.

use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Value, json};

use super::{Asked, REALTIME, Refusal};
use crate::serve::App;
use crate::store::Live;

async fn live(app: App, request: Request) -> Result<Live, Refusal> {
    let asked = Asked::take(app, request, &REALTIME).await?;
    let live = asked.app.store.live(&asked.site, asked.now_ms).await?;
    Ok(live)
}

/// `GET /api/v1/stats/realtime`.
pub async fn answer(State(app): State<App>, request: Request) -> Result<Json<Value>, Refusal> {
    let live = live(app, request).await?;
    let minutes = live.minutes.iter().map(|minute| {
        json!({
            "minute": minute.label,
            "pageviews": minute.views,
            "visitors": minute.visitors,
        })
    });
    let minutes: Vec<Value> = minutes.collect();
    Ok(Json(
        json!({ "visitors": live.visitors, "minutes": minutes }),
    ))
}

/// `GET /api/v1/stats/realtime/visitors`.
pub async fn visitors(State(app): State<App>, request: Request) -> Result<Json<u64>, Refusal> {
    Ok(Json(live(app, request).await?.visitors))
}
