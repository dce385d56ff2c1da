//! The line that goes into a site's pages, and whether what it sends arrives.
//!
//! Until the first page view is in, the page asks for itself again every few seconds: by the header
//! `Refresh`, which needs no script, and which its reader can stop. Not while they choose options:
//! what they have chosen would be lost.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::super::dropped::{self, DroppedLine};
use super::super::guard::AtSite;
use super::super::view::count;
use super::super::{Failure, page};
use super::form::{Form, Wrong};
use super::{Frame, again, base, said};
use crate::error::Result as OurResult;
use crate::query::{self, Goals, Metric, Query, Range};
use crate::serve::App;
use crate::site::Site;

const PATH: &str = "/settings/snippet";
/// How often a page that waits asks for itself, seconds.
const REFRESH_S: u32 = 3;
/// Longest list of pages that nothing is sent from, bytes.
const EXCLUDE_BYTES_MAX: usize = 500;

/// What the line says beside whose it is: attributes of the tracker (`edge/tracker/README.md`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    outbound: bool,
    downloads: bool,
    forms: bool,
    hash: bool,
    manual: bool,
    local: bool,
    /// Checked: it holds nothing that ends an attribute.
    exclude: String,
}

/// An option that is on or off: its field, and what it does.
struct Choice {
    field: &'static str,
    title: &'static str,
    about: &'static str,
    is_on: bool,
}

impl Options {
    /// The options of a query; what it says beside them is for the page.
    fn of(query: &str) -> Self {
        let mut options = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if let Some(flag) = options.flag(&name) {
                *flag = value == "on";
            } else if name == "exclude" {
                value.trim().clone_into(&mut options.exclude);
            }
        }
        options
    }

    fn flag(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "outbound" => &mut self.outbound,
            "downloads" => &mut self.downloads,
            "forms" => &mut self.forms,
            "hash" => &mut self.hash,
            "manual" => &mut self.manual,
            "local" => &mut self.local,
            _ => return None,
        })
    }

    fn choices(&self) -> [Choice; 6] {
        let choice = |field, title, about, is_on| Choice {
            field,
            title,
            about,
            is_on,
        };
        [
            choice(
                "outbound",
                "Clicks on links to other sites",
                "The event “Outbound Link: Click”.",
                self.outbound,
            ),
            choice(
                "downloads",
                "Downloads of files",
                "The event “File Download”, for documents, media, programs.",
                self.downloads,
            ),
            choice(
                "forms",
                "Forms that are sent",
                "The event “Form: Submission”; never what was typed.",
                self.forms,
            ),
            choice(
                "hash",
                "What follows # is a page of its own",
                "For sites that navigate so: /#/a and /#/b.",
                self.hash,
            ),
            choice(
                "manual",
                "Page views by hand",
                "Nothing is counted by itself: you call dayfly(\"pageview\").",
                self.manual,
            ),
            choice(
                "local",
                "Also on localhost, and from automated browsers",
                "For development only.",
                self.local,
            ),
        ]
    }

    fn check(&self) -> Result<(), Wrong> {
        let problem = match self.exclude.as_str() {
            "" => return Ok(()),
            long if long.len() > EXCLUDE_BYTES_MAX => {
                format!("more than {EXCLUDE_BYTES_MAX} characters")
            }
            list if list
                .bytes()
                .any(|b| !b.is_ascii_graphic() || b"\"'<>&`".contains(&b)) =>
            {
                "write paths as the address bar has them, without spaces and quotes".to_owned()
            }
            list if !list.split(',').all(|path| path.starts_with(['/', '*'])) => {
                "each begins with a slash or a star".to_owned()
            }
            _ => return Ok(()),
        };
        Err(Wrong::of(
            "exclude",
            format!("Pages that send nothing: {problem}."),
        ))
    }

    /// As a query gives them back.
    fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for choice in self.choices() {
            if choice.is_on {
                query.append_pair(choice.field, "on");
            }
        }
        if !self.exclude.is_empty() {
            query.append_pair("exclude", &self.exclude);
        }
        query.finish()
    }
}

/// What goes into a site's pages.
pub fn line(app: &App, site: &Site, options: &Options) -> String {
    let mut attributes = String::new();
    let track = [
        ("outbound", options.outbound),
        ("downloads", options.downloads),
        ("forms", options.forms),
    ];
    let track: Vec<&str> = track.iter().filter(|it| it.1).map(|it| it.0).collect();
    if !track.is_empty() {
        attributes += &format!(r#" data-track="{}""#, track.join(" "));
    }
    let local = options.local || site.domain.starts_with("localhost");
    for (attribute, is_on) in [
        (" data-hash", options.hash),
        (" data-manual", options.manual),
        (" data-local", local),
    ] {
        if is_on {
            attributes += attribute;
        }
    }
    if !options.exclude.is_empty() {
        attributes += &format!(r#" data-exclude="{}""#, options.exclude);
    }
    format!(
        r#"<script defer data-domain="{}"{attributes} src="{}/js/script.js"></script>"#,
        site.domain, app.edge_url
    )
}

#[derive(Template)]
#[template(path = "settings/snippet.html")]
struct SnippetPage {
    frame: Frame,
    form: Form,
    line: String,
    choices: [Choice; 6],
    exclude_bytes_max: usize,
    /// The options are being chosen.
    is_choosing: bool,
    /// This page, waiting, not waiting, choosing.
    wait: String,
    stop: String,
    choose: String,
    received: Received,
    /// When the edge was last heard; empty for never.
    edge_heard: String,
    /// What came today and was not counted.
    dropped: Vec<DroppedLine>,
    waits: bool,
    refresh_s: u32,
}

/// What has come of a site.
enum Received {
    /// Nothing yet.
    Nothing,
    /// So much, but not in the last 24 hours.
    Before(String),
    /// So much in the last 24 hours, the latest at this minute.
    Now(String, String),
}

impl Received {
    fn is_now(&self) -> bool {
        matches!(self, Self::Now(..))
    }
}

async fn arrived(app: &App, site: &Site) -> OurResult<Received> {
    let minutes = app.store.minutes(site.id).await?;
    let views: u64 = minutes.iter().map(|minute| minute.views).sum();
    let latest = minutes.iter().rev().find(|minute| minute.views > 0);
    if let Some(latest) = latest {
        let day = site.day(latest.date);
        let at_ms = day.map(|day| day.start_ms + i64::from(latest.minute) * 60_000);
        let at = at_ms.map_or(String::new(), |at_ms| site.minute(at_ms));
        return Ok(Received::Now(count(views, "page view"), at));
    }
    let today = site.today(app.clock.now_ms());
    let Some(oldest) = app.store.oldest_day(site.id).await? else {
        return Ok(Received::Nothing);
    };
    let query = Query::total(&[Metric::Pageviews], Range::days(oldest.min(today), today));
    let snapshot = &mut app.store.snapshot(site.id).await?;
    let answer = query::run(snapshot, site, &Goals::default(), &query).await?;
    Ok(match answer.rows.first().map_or(0, |row| row.whole(0)) {
        0 => Received::Nothing,
        views => Received::Before(count(views, "page view")),
    })
}

pub async fn show(
    State(app): State<App>,
    at: AtSite,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let query = query.unwrap_or_default();
    let says = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let found = pairs.find(|(known, _)| known == name);
        found.map_or(String::new(), |(_, value)| value.into_owned())
    };
    let options = Options::of(&query);
    let checked = options.check();
    let shown = match checked {
        Ok(()) => options.clone(),
        Err(_) => Options::default(),
    };
    let is_choosing = checked.is_err() || says("choose") == "on";
    let received = arrived(&app, &at.site).await?;
    let waits = !is_choosing
        && match (&received, says("wait").as_str()) {
            (Received::Now(..), _) | (_, "off") => false,
            (Received::Nothing, _) | (_, "on") => true,
            (Received::Before(_), _) => false,
        };
    let here = |more: &str| {
        let query = shown.query();
        let and = if query.is_empty() { "" } else { "&" };
        format!("{}{PATH}?{more}{and}{query}", base(&at.site))
    };
    let today = at.site.today(app.clock.now_ms());
    let dropped = app.store.dropped(at.site.id, today, today).await?;
    let edge_heard = app.edge_heard_ms();
    let form = Form::of(&[("exclude", &options.exclude)]);
    let done = match received.is_now() {
        true => "",
        false => said(Some(&query)),
    };
    let template = SnippetPage {
        frame: Frame::new(&at, PATH, done),
        form: match &checked {
            Ok(()) => form,
            Err(wrong) => form.with_wrong(wrong.clone()),
        },
        line: line(&app, &at.site, &shown),
        choices: options.choices(),
        exclude_bytes_max: EXCLUDE_BYTES_MAX,
        is_choosing,
        wait: here("wait=on"),
        stop: here("wait=off"),
        choose: here("choose=on"),
        received,
        edge_heard: edge_heard.map_or(String::new(), |at_ms| at.site.minute(at_ms)),
        dropped: dropped::lines(&dropped),
        waits,
        refresh_s: REFRESH_S,
    };
    if checked.is_err() {
        return again(&template);
    }
    let response = page(&template)?;
    Ok(match waits {
        true => {
            let refresh = HeaderName::from_static("refresh");
            ([(refresh, HeaderValue::from(REFRESH_S))], response).into_response()
        }
        false => response,
    })
}
