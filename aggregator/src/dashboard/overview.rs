//! The sites that somebody may look at: a card each, with its last 30 days in a line.

use std::fmt::Write as _;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Span;
use jiff::civil::Date;

use super::guard::Caller;
use super::site::numbers;
use super::view::{count, number};
use super::{Failure, page};
use crate::error::Error;
use crate::query::{self, Dimension, Goals, Metric, Query, Range};
use crate::serve::App;
use crate::site::Site;
use crate::store::Snapshot;

/// Days of the line; today, which is not over, is told beside it.
const DAYS: i64 = 30;
/// Its height, in units of its view box; a day is [`STEP`] wide.
const HEIGHT: u64 = 30;
const STEP: usize = 4;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    country_attribution: Arc<str>,
    sites: Vec<SiteCard>,
    /// Sees every site, and may add some.
    is_admin: bool,
    edge_heard: bool,
}

impl OverviewPage {
    fn has_line(&self) -> bool {
        self.sites.iter().any(|site| !site.line.is_empty())
    }
}

struct SiteCard {
    domain: String,
    /// Visitors of the 30 days before today, summed; empty where nothing was counted.
    visitors: String,
    /// Against the 30 days before: text, for the better or not, what it was.
    change: Option<(String, &'static str, String)>,
    /// Visitors by day.
    line: String,
    today: String,
    live: u64,
}

pub async fn show(State(app): State<App>, caller: Caller) -> Result<Response, Failure> {
    let is_admin = caller.account.is_admin;
    let may_see = match is_admin {
        true => app.store.sites().await?,
        false => {
            let with_roles = app.store.sites_of(caller.account.id).await?;
            with_roles.into_iter().map(|(site, _)| site).collect()
        }
    };
    let mut sites = Vec::with_capacity(may_see.len());
    for site in may_see {
        sites.push(card(&app, site).await?);
    }
    page(&OverviewPage {
        country_attribution: app.country_attribution.clone(),
        sites,
        is_admin,
        edge_heard: app.edge_heard_ms().is_some(),
    })
}

async fn card(app: &App, site: Site) -> Result<SiteCard, Error> {
    let now_ms = app.clock.now_ms();
    let today = site.today(now_ms);
    let live = app.store.live(&site, now_ms).await?.visitors;
    let snapshot = &mut app.store.snapshot(site.id).await?;
    let of_today = Query::total(
        &[Metric::Visitors, Metric::Pageviews],
        Range::days(today, today),
    );
    let answer = query::run(snapshot, &site, &Goals::default(), &of_today).await?;
    let whole = |place| answer.rows.first().map_or(0, |row| row.whole(place));
    let of_today = format!(
        "{} and {} today",
        count(whole(0), "visitor"),
        count(whole(1), "page view")
    );
    let (visitors, change, line) = month(snapshot, &site, today).await?;
    Ok(SiteCard {
        domain: site.domain,
        visitors,
        change,
        line,
        today: of_today,
        live,
    })
}

type Month = (String, Option<(String, &'static str, String)>, String);

/// The 30 days before today: visitors, their change, the line.
async fn month(snapshot: &mut Snapshot, site: &Site, today: Date) -> Result<Month, Error> {
    let before = |days: i64| today.saturating_sub(Span::new().days(days));
    let range = Range::days(before(DAYS), before(1));
    let total = Query {
        compare: Some(Range::days(before(2 * DAYS), before(DAYS + 1))),
        ..Query::total(&[Metric::Visitors], range)
    };
    let answer = query::run(snapshot, site, &Goals::default(), &total).await?;
    let row = answer.rows.first();
    let visitors = row.map_or(0, |row| row.whole(0));
    let compared = row.and_then(|row| row.compared.as_ref());
    let change = compared.and_then(|compared| {
        let was = numbers::cell(Metric::Visitors, compared.metrics.first()?);
        let (text, kind) = numbers::change(Metric::Visitors, compared.change.first().copied()??);
        Some((text, kind, was))
    });
    if visitors == 0 {
        return Ok((String::new(), change, String::new()));
    }
    let by_day = Query::total(&[Metric::Visitors], range).by(Dimension::Day, DAYS as usize);
    let answer = query::run(snapshot, site, &Goals::default(), &by_day).await?;
    let days = (0..DAYS).map(|at| {
        let date = before(DAYS - at).to_string();
        let mut rows = answer.rows.iter();
        let row = rows.find(|row| row.dimensions.first() == Some(&date));
        row.map_or(0, |row| row.whole(0))
    });
    Ok((number(visitors), change, points(&days.collect::<Vec<_>>())))
}

/// The points of a line, the highest at the top.
fn points(days: &[u64]) -> String {
    let most = days.iter().copied().max().unwrap_or(0).max(1);
    let mut line = String::new();
    for (at, n) in days.iter().enumerate() {
        let y = 1 + HEIGHT - n * HEIGHT / most;
        let _ = write!(line, "{},{y} ", at * STEP + 2); // Writing to a String never fails.
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_from_the_lowest_to_the_highest() {
        assert_eq!(points(&[0, 5, 10]), "2,31 6,16 10,1");
        assert_eq!(points(&[0, 0]), "2,31 6,31");
        assert_eq!(points(&[]), "");
    }
}
