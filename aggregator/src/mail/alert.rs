//! Alerts: many visitors at once, or few for some hours.
//!
//! *Many* is the gauge of the live view (visitors of about the last five minutes). *Few* is what the
//! dashboard would say of the last hours: as many whole hours as were asked for, and the running one.

use askama::Template;
use jiff::Timestamp;

use super::{Kind, Letter, Mail, link, rendered, report};
use crate::dashboard::site::numbers;
use crate::dashboard::view::count;
use crate::error::Result;
use crate::query::{self, Cell, Goals, Metric, Query, Range};
use crate::site::Site;
use crate::store::{Recipient, Store};
use shared::clock::UnixMs;

const HOUR_MS: i64 = 3_600_000;
/// Bounds of what may be set: visitors, and hours.
pub const VISITORS_MAX: u32 = 10_000_000;
/// See [`VISITORS_MAX`].
pub const HOURS_MAX: u32 = 24;

#[derive(Template)]
#[template(path = "letter/alert.html")]
struct Html<'a> {
    title: &'a str,
    says: &'a str,
    hint: &'a str,
    dashboard: String,
    settings: String,
    off: &'a str,
}

#[derive(Template)]
#[template(path = "letter/alert.txt")]
struct Text<'a> {
    says: &'a str,
    hint: &'a str,
    dashboard: String,
    settings: String,
    off: &'a str,
}

/// What there is to be said of a site to somebody, if there is.
pub struct Alert {
    kind: Kind,
    title: String,
    says: String,
    hint: &'static str,
}

impl Alert {
    /// Whether there are as many visitors at once as somebody wants to hear of.
    ///
    /// # Errors
    /// The database failed.
    pub async fn spike(store: &Store, to: &Recipient, now_ms: UnixMs) -> Result<Option<Self>> {
        let live = store.live(&to.site, now_ms).await?.visitors;
        if live < u64::from(to.wish.spike_visitors) {
            return Ok(None);
        }
        let domain = &to.site.domain;
        Ok(Some(Self {
            kind: Kind::Spike,
            title: format!("{domain}: {} at once", count(live, "visitor")),
            says: format!(
                "{domain} has {} now, {} in the site's zone. You wanted to hear of it from {} on.",
                count(live, "visitor"),
                to.site.minute(now_ms),
                to.wish.spike_visitors
            ),
            hint: "Those are of about the last five minutes.",
        }))
    }

    /// Whether there were fewer visitors in the last hours than somebody expects. Nothing is said of a
    /// site that never counted anything, and nothing before that was wanted for as many hours.
    ///
    /// # Errors
    /// The database failed.
    pub async fn few(store: &Store, to: &Recipient, now_ms: UnixMs) -> Result<Option<Self>> {
        let (most, hours) = (to.wish.drop_visitors, to.wish.drop_hours);
        let span_ms = i64::from(hours) * HOUR_MS;
        let is_early = to
            .wish
            .drop_ms
            .is_none_or(|since_ms| now_ms.saturating_sub(since_ms) < span_ms);
        if is_early || store.oldest_day(to.site.id).await?.is_none() {
            return Ok(None);
        }
        let Some(range) = last_hours(&to.site, now_ms.saturating_sub(span_ms), now_ms) else {
            return Ok(None);
        };
        let query = Query::total(&[Metric::Visitors], range);
        let snapshot = &mut store.snapshot(to.site.id).await?;
        let answer = query::run(snapshot, &to.site, &Goals::default(), &query).await?;
        let rows = answer.rows.into_iter();
        let cell = rows.flat_map(|row| row.metrics).next();
        let Some(cell) = cell.filter(|cell| cell.value.number() < f64::from(most)) else {
            return Ok(None);
        };
        let domain = &to.site.domain;
        let visitors = told(&cell);
        let hours = count(hours.into(), "hour");
        Ok(Some(Self {
            kind: Kind::Drop,
            title: format!("{domain}: {visitors} in {hours}"),
            says: format!(
                "{domain} had {visitors} in the last {hours}, until {} in the site's zone. You wanted to hear of fewer than {most}.",
                to.site.minute(now_ms)
            ),
            hint: "Is the site up, and is the script still in its pages? If nobody came at all, counts may also be late: the server's /health says when the edge waits.",
        }))
    }

    /// What kind it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The mail.
    ///
    /// # Errors
    /// It cannot be rendered.
    pub fn letter(&self, mail: &Mail, key: &[u8], to: &Recipient) -> Result<Letter> {
        let off = mail.link(&link::path(key, (to.site.id, to.account, self.kind)));
        let domain = &to.site.domain;
        let dashboard = report::dashboard(mail, domain, "?period=day");
        let settings = report::settings(mail, domain);
        let html = Html {
            title: &self.title,
            says: &self.says,
            hint: self.hint,
            dashboard: dashboard.clone(),
            settings: settings.clone(),
            off: &off,
        };
        let text = Text {
            says: &self.says,
            hint: self.hint,
            dashboard,
            settings,
            off: &off,
        };
        Ok(Letter {
            to: to.mail.clone(),
            subject: self.title.clone(),
            text: rendered(&text)?,
            html: rendered(&html)?,
            id: None,
            off: Some(off),
        })
    }
}

fn told(cell: &Cell) -> String {
    let visitors = numbers::cell(Metric::Visitors, cell);
    match visitors.as_str() {
        "1" => "1 visitor".to_owned(),
        _ => format!("{visitors} visitors"),
    }
}

/// The whole hours from the one that a moment is in to the one that another is in.
fn last_hours(site: &Site, from_ms: UnixMs, to_ms: UnixMs) -> Option<Range> {
    let place = |ms: UnixMs| {
        Timestamp::from_millisecond(ms).ok()?;
        let date = site.today(ms);
        let hour = (ms - site.day(date)?.start_ms) / HOUR_MS;
        Some((date, u32::try_from(hour).ok()?))
    };
    let ((from, first_hour), (to, last_hour)) = (place(from_ms)?, place(to_ms)?);
    Some(Range {
        first_hour,
        last_hour: Some(last_hour).filter(|hour| hour + 1 < site.hours(to)),
        ..Range::days(from, to)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hours_are_whole_ones() {
        let site = Site {
            id: 1,
            domain: "a.example".into(),
            timezone: crate::site::timezone("Asia/Kathmandu").unwrap(),
        };
        let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        // 18:15Z is midnight there.
        let of = |from, to| {
            let range = last_hours(&site, ms(from), ms(to)).unwrap();
            let text = format!("{} {} – {}", range.from, range.first_hour, range.to);
            (text, range.last_hour)
        };
        let told = of("2026-11-23T17:00:00Z", "2026-11-23T20:00:00Z");
        assert_eq!(told, ("2026-11-23 22 – 2026-11-24".into(), Some(1)));
        let told = of("2026-11-23T15:00:00Z", "2026-11-23T18:00:00Z");
        assert_eq!(told, ("2026-11-23 20 – 2026-11-23".into(), None));
    }
}
