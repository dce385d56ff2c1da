//! The first stats API (COMPAT.md, section 4), and what Dayfly answers beside it: who is there now
//! (`realtime.rs`), how far visitors come in a funnel (`funnel.rs`).
//!
//! All of it is asked with `GET`, by a key with the scope `stats`, and answered by the engine of the
//! second API: exact, or with its bounds. Errors begin with the parameter.

mod aggregate;
mod breakdown;
pub mod filters;
mod funnel;
mod operations;
mod realtime;
mod timeseries;

use axum::extract::Request;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::params::{Params, invalid};
use super::{Refusal, authorise, read_body};
use crate::error::Error;
use crate::query::{self, Answer, Filter, Goals, Metric, Query, Range, parse_range};
use crate::serve::App;
use crate::site::Site;
use crate::store::{SavedSegment, Scope};

use breakdown::{LIMIT, LIMIT_MAX, PAGE_MAX};
pub use operations::operations;
use timeseries::INTERVALS;

/// Parameters of `aggregate`.
pub const AGGREGATE: [&str; 7] = [
    "site_id",
    "period",
    "date",
    "metrics",
    "filters",
    "with_imported",
    "compare",
];
/// Parameters of `timeseries`.
pub const TIMESERIES: [&str; 7] = [
    "site_id",
    "period",
    "date",
    "metrics",
    "filters",
    "with_imported",
    "interval",
];
/// Parameters of `breakdown`.
pub const BREAKDOWN: [&str; 9] = [
    "site_id",
    "period",
    "date",
    "metrics",
    "filters",
    "with_imported",
    "property",
    "limit",
    "page",
];
/// Parameters of `funnel`.
pub const FUNNEL: [&str; 5] = ["site_id", "period", "date", "filters", "funnel"];
/// Parameters of `realtime` and `realtime/visitors`.
pub const REALTIME: [&str; 1] = ["site_id"];

/// The periods; `custom` needs `date` to name its days.
pub const PERIODS: [&str; 8] = ["day", "7d", "30d", "month", "6mo", "12mo", "year", "custom"];
/// The period, unless told otherwise.
pub const PERIOD: &str = "30d";

/// A question whose key may read the site.
struct Asked {
    app: App,
    site: Site,
    goals: Goals,
    segments: Vec<SavedSegment>,
    params: Params,
    now_ms: i64,
}

impl Asked {
    /// Checks the key, then reads the parameters: none but those that are `allowed`.
    async fn take(app: App, request: Request, allowed: &[&str]) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let access = authorise(&app, &parts.headers, Scope::Stats).await?;
        let body = read_body(body).await?;
        let params = Params::read(parts.uri.query(), &parts.headers, body).await?;
        params.only(allowed)?;
        let domain = params.required("site_id")?;
        let site = access.site(&app, "site_id", domain).await?;
        Ok(Self {
            goals: app.store.named_goals(site.id).await?,
            segments: app.store.saved_segments(site.id, None).await?,
            now_ms: app.clock.now_ms(),
            app,
            site,
            params,
        })
    }

    fn period(&self) -> Result<&str, Refusal> {
        Ok(self.params.text("period")?.unwrap_or(PERIOD))
    }

    /// The days. `date` takes the place of today; under `custom` it names the first and the last.
    fn range(&self) -> Result<Range, Refusal> {
        let period = self.period()?;
        let given = self.params.text("date")?;
        if !PERIODS.contains(&period) {
            let all = PERIODS.join(", ");
            return Err(invalid("period", format!("must be one of {all}")));
        }
        if period == "custom" {
            let pair = given.and_then(|text| text.split_once(','));
            let Some((from, to)) = pair.map(|(from, to)| (from.trim(), to.trim())) else {
                let problem = "period=custom wants two dates, such as 2026-11-01,2026-11-23";
                return Err(invalid("date", problem));
            };
            let days = json!([day(from)?, day(to)?]);
            return parse_range(&days, &self.site, self.now_ms, None)
                .map_err(|problem| invalid("date", problem));
        }
        let today = match given {
            None => self.site.today(self.now_ms),
            Some(text) => day(text.trim())?,
        };
        // Any moment of that day.
        let day = self.site.day(today);
        let noon_ms = day.map(|day| day.start_ms + (day.end_ms - day.start_ms) / 2);
        let noon_ms = noon_ms.ok_or_else(|| invalid("date", "is beyond the calendar"))?;
        parse_range(&json!(period), &self.site, noon_ms, None)
            .map_err(|problem| invalid("date", problem))
    }

    fn metrics(&self) -> Result<Vec<Metric>, Refusal> {
        let given = self.params.text("metrics")?;
        let names = given.filter(|text| !text.trim().is_empty());
        let mut metrics = Vec::new();
        for name in names.unwrap_or("visitors").split(',') {
            let metric = Metric::parse(name.trim());
            let metric = metric.map_err(|problem| invalid("metrics", problem))?;
            if metrics.contains(&metric) {
                return Err(invalid("metrics", format!("{} twice", metric.name())));
            }
            metrics.push(metric);
        }
        Ok(metrics)
    }

    fn filter(&self) -> Result<Filter, Refusal> {
        match self.params.text("filters")? {
            None => Ok(Filter::all()),
            Some(text) => {
                let filter = filters::parse(text, &self.goals, &self.segments);
                filter.map_err(|problem| invalid("filters", problem))
            }
        }
    }

    /// What the parameters ask for, in one row.
    fn total(&self) -> Result<Query, Refusal> {
        // Imported counts are always in: they are counts of the site.
        self.params.flag("with_imported")?;
        Ok(Query {
            filter: self.filter()?,
            ..Query::total(&self.metrics()?, self.range()?)
        })
    }

    async fn run(&self, query: &Query) -> Result<Answer, Refusal> {
        let mut snapshot = self.app.store.snapshot(self.site.id).await?;
        let answer = query::run(&mut snapshot, &self.site, &self.goals, query).await;
        answer.map_err(named)
    }
}

fn day(text: &str) -> Result<Date, Refusal> {
    // The parser takes more than a date.
    let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
    date.ok_or_else(|| {
        let text: String = text.chars().take(40).collect();
        invalid("date", format!("{text:?} is not a date such as 2026-11-23"))
    })
}

/// What the engine refuses, by the parameter that asks for it.
fn named(error: Error) -> Refusal {
    let Error::Refused(problem) = error else {
        return Refusal::Failed(error);
    };
    if let Some(rest) = problem.strip_prefix("date_range: ") {
        return invalid("date", rest);
    }
    if problem.starts_with("filters: ") {
        return Refusal::Invalid(problem);
    }
    if let Some(rest) = problem.strip_prefix("dimensions: ") {
        return invalid("property", rest);
    }
    let of_metric = problem.split_once(": ").map(|(name, _)| name);
    match of_metric.is_some_and(|name| Metric::parse(name).is_ok()) {
        true => invalid("metrics", problem),
        false => invalid("filters", problem),
    }
}

/// The numbers between which an estimate lies, as `[lower, upper]`.
fn bounds(bounds: [f64; 2]) -> Value {
    json!(bounds.map(super::render::number))
}
