//! A report of a week or a month: headline numbers with their change, a bar for each day, and the
//! longest lists. What is estimated is shown as such. The graph is cells of a table with a background:
//! nothing has to be loaded to see it, and nobody learns that it was seen.

use askama::Template;

use super::{Due, Kind, Letter, Mail, link, rendered};
use crate::accounts::Role;
use crate::dashboard::site::viewer::Viewer;
use crate::dashboard::site::{numbers, panels};
use crate::error::{Error, Result};
use crate::query::{self, Answer, Cell, Dimension, Goals, Include, Metric, Query, Value};
use crate::site::Site;
use crate::store::{MailOf, Recipient, Snapshot, Store};

/// Lines of a list.
const LINES: usize = 5;
/// Longest label, characters.
const LABEL_CHARS_MAX: usize = 80;
/// The longest bar as text, characters.
const BAR_CHARS: u64 = 24;
/// The lists, by the names of the dashboard's; each with what is told beside visitors.
const LISTS: [&str; 4] = ["page", "source", "country", "goal"];
const HEADS: [Metric; 6] = [
    Metric::Visitors,
    Metric::Visits,
    Metric::Pageviews,
    Metric::ViewsPerVisit,
    Metric::BounceRate,
    Metric::VisitDuration,
];

/// A headline number.
pub struct Head {
    name: &'static str,
    value: String,
    /// The change with its sign, its colour, and what it was.
    change: Option<(String, &'static str, String)>,
}

/// A bar.
pub struct Bar {
    label: String,
    value: String,
    /// Of the longest, 0 to 100.
    percent: u64,
    is_weekend: bool,
}

impl Bar {
    /// The same in text.
    fn text(&self) -> String {
        let length = (self.percent * BAR_CHARS).div_ceil(100);
        let bar = "#".repeat(usize::try_from(length).unwrap_or(0));
        format!("{}  {bar:<24}  {}", self.label, self.value)
    }
}

/// A list.
pub struct List {
    title: &'static str,
    column: &'static str,
    second: &'static str,
    lines: Vec<Line>,
}

/// A line of a list.
pub struct Line {
    label: String,
    visitors: String,
    second: String,
}

/// What a report tells; the same for everybody.
pub struct Report {
    domain: String,
    kind: Kind,
    from: String,
    to: String,
    before: String,
    timezone: String,
    heads: Vec<Head>,
    bars: Vec<Bar>,
    lists: Vec<List>,
    is_empty: bool,
    is_degraded: bool,
    country_attribution: String,
}

#[derive(Template)]
#[template(path = "letter/report.html")]
struct Html<'a> {
    report: &'a Report,
    dashboard: String,
    settings: String,
    off: &'a str,
}

#[derive(Template)]
#[template(path = "letter/report.txt")]
struct Text<'a> {
    report: &'a Report,
    dashboard: String,
    settings: String,
    off: &'a str,
}

impl Report {
    /// Counts a report.
    ///
    /// # Errors
    /// The database failed.
    pub async fn count(
        store: &Store,
        site: &Site,
        kind: Kind,
        due: &Due,
        country_attribution: &str,
    ) -> Result<Self> {
        let goals = store.named_goals(site.id).await?;
        // One state of the store: the numbers agree with each other.
        let snapshot = &mut store.snapshot(site.id).await?;
        let total = Query {
            compare: Some(due.before),
            ..Query::total(&HEADS, due.range)
        };
        let answer = query::run(snapshot, site, &goals, &total).await?;
        let bars = bars(snapshot, site, &goals, due).await?;
        let mut lists = Vec::with_capacity(LISTS.len());
        for key in LISTS {
            lists.extend(list(snapshot, site, &goals, due, key).await?);
        }
        let row = answer.rows.first();
        Ok(Self {
            domain: site.domain.clone(),
            kind,
            from: due.range.from.to_string(),
            to: due.range.to.to_string(),
            before: format!("{} to {}", due.before.from, due.before.to),
            timezone: site.timezone_name().to_owned(),
            heads: heads(&answer),
            bars,
            lists,
            is_empty: row.is_none_or(|row| row.whole(0) == 0 && row.whole(2) == 0),
            is_degraded: answer.degraded,
            country_attribution: country_attribution.to_owned(),
        })
    }

    fn is_weekly(&self) -> bool {
        self.kind == Kind::Weekly
    }

    fn title(&self) -> String {
        let span = if self.is_weekly() { "week" } else { "month" };
        format!(
            "{}: the {span} from {} to {}",
            self.domain, self.from, self.to
        )
    }

    fn dashboard(&self, mail: &Mail) -> String {
        let query = format!("?from={}&to={}", self.from, self.to);
        dashboard(mail, &self.domain, &query)
    }

    /// The mail for one of those who want it.
    ///
    /// # Errors
    /// It cannot be rendered.
    pub fn letter(&self, mail: &Mail, key: &[u8], to: &Recipient) -> Result<Letter> {
        let of: MailOf = (to.site.id, to.account, self.kind);
        let off = mail.link(&link::path(key, of));
        let html = Html {
            report: self,
            dashboard: self.dashboard(mail),
            settings: settings(mail, &self.domain),
            off: &off,
        };
        let text = Text {
            report: self,
            dashboard: self.dashboard(mail),
            settings: settings(mail, &self.domain),
            off: &off,
        };
        Ok(Letter {
            to: to.mail.clone(),
            subject: self.title(),
            text: rendered(&text)?,
            html: rendered(&html)?,
            id: None,
            off: Some(off),
        })
    }
}

/// A domain as a part of a path.
fn path_of(domain: &str) -> String {
    form_urlencoded::byte_serialize(domain.as_bytes()).collect()
}

/// A site's page, with a query.
pub(super) fn dashboard(mail: &Mail, domain: &str, query: &str) -> String {
    mail.link(&format!("/sites/{}{query}", path_of(domain)))
}

/// Where what is sent of a site is decided.
pub(super) fn settings(mail: &Mail, domain: &str) -> String {
    mail.link(&format!("/sites/{}/settings/mail", path_of(domain)))
}

fn heads(answer: &Answer) -> Vec<Head> {
    let Some(row) = answer.rows.first() else {
        return Vec::new();
    };
    let cells = HEADS.iter().zip(&row.metrics).enumerate();
    let head = |(at, (metric, cell)): (usize, (&Metric, &Cell))| {
        let compared = row.compared.as_ref();
        let change = compared.and_then(|compared| {
            let (change, kind) = numbers::change(*metric, compared.change.get(at).copied()??);
            let colour = match kind {
                "better" => "#1d6b3c",
                "worse" => "#a3262f",
                _ => "#576074",
            };
            let before = numbers::cell(*metric, compared.metrics.get(at)?);
            Some((change, colour, before))
        });
        Head {
            name: numbers::name(*metric, true),
            value: numbers::cell(*metric, cell),
            change,
        }
    };
    cells.map(head).collect()
}

/// Visitors of each day, also of those without any.
async fn bars(snapshot: &mut Snapshot, site: &Site, goals: &Goals, due: &Due) -> Result<Vec<Bar>> {
    let query = Query {
        include: Include {
            time_labels: true,
            ..Include::default()
        },
        ..Query::total(&[Metric::Visitors], due.range).by(Dimension::Day, query::LIMIT_MAX as usize)
    };
    let answer = query::run(snapshot, site, goals, &query).await?;
    let of = |row: &query::Row| row.metrics.first().map_or(0.0, |cell| cell.value.number());
    let most = answer.rows.iter().map(of).fold(1.0, f64::max);
    let mut rows = answer.rows.iter().peekable();
    let bar = |label: String| {
        let row = rows.next_if(|row| row.dimensions.first() == Some(&label));
        let percent = row.map_or(0.0, |row| of(row).max(0.0) / most * 100.0);
        let date = label.parse::<jiff::civil::Date>().ok();
        let weekday = date.map(jiff::civil::Date::weekday);
        let name = date.map_or_else(String::new, |date| date.strftime("%a ").to_string());
        Bar {
            value: row.and_then(|row| row.metrics.first()).map_or_else(
                || "0".to_owned(),
                |cell| numbers::cell(Metric::Visitors, cell),
            ),
            // Little is more than nothing.
            percent: percent.ceil() as u64,
            is_weekend: weekday.is_some_and(|day| day.to_monday_one_offset() > 5),
            label: format!("{name}{label}"),
        }
    };
    Ok(answer.time_labels.into_iter().map(bar).collect())
}

/// The first lines of a list; `None` when it has none.
async fn list(
    snapshot: &mut Snapshot,
    site: &Site,
    goals: &Goals,
    due: &Due,
    key: &str,
) -> Result<Option<List>> {
    let Some((panel, tab)) = panels::tab_of(key, &Viewer::member(site, Role::Viewer)) else {
        return Ok(None);
    };
    let mut metrics = vec![Metric::Visitors];
    metrics.extend(tab.beside.first());
    let answer = loop {
        let query = Query::total(&metrics, due.range).by(tab.dimension(), LINES);
        match query::run(snapshot, site, goals, &query).await {
            Ok(answer) => break answer,
            Err(Error::Refused(_)) if metrics.len() > 1 => metrics.truncate(1),
            Err(Error::Refused(_)) => return Ok(None),
            Err(other) => return Err(other),
        }
    };
    if answer.rows.is_empty() {
        return Ok(None);
    }
    let line = |row: &query::Row| {
        let cell = |at: usize| {
            let (metric, cell) = (metrics.get(at)?, row.metrics.get(at)?);
            (cell.value != Value::None).then(|| numbers::cell(*metric, cell))
        };
        let value = row.dimensions.first().map_or("", String::as_str);
        Line {
            label: label(&(tab.label)(value)),
            visitors: cell(0).unwrap_or_default(),
            second: cell(1).unwrap_or_default(),
        }
    };
    Ok(Some(List {
        title: match key {
            "goal" => "Goals",
            "page" => "Top pages",
            "country" => "Countries",
            _ => panel.title,
        },
        column: tab.column,
        second: match metrics.get(1) {
            Some(Metric::Pageviews) => "Views",
            Some(Metric::ConversionRate) => "Rate",
            Some(other) => numbers::name(*other, false),
            None => "",
        },
        lines: answer.rows.iter().map(line).collect(),
    }))
}

/// What a visitor's page or a referrer says, in one line and not too long.
fn label(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut label: String = shown.take(LABEL_CHARS_MAX).collect();
    if text.chars().nth(LABEL_CHARS_MAX).is_some() {
        label.push('…');
    }
    label
}
