//! What a site does not count.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use shared::limits::{ADDRESS_HITS_MAX, PATTERN_BYTES_MAX, SHIELD_ENTRIES_MAX, VISITOR_HITS_MAX};

use super::super::account::fields::{Fields, wrong as malformed};
use super::super::guard::AtSite;
use super::super::view::number;
use super::super::{Failure, page};
use super::form::{Form, Wrong, refused};
use super::{Frame, again, back, not_there, said};
use crate::country;
use crate::error::Result as OurResult;
use crate::serve::App;
use crate::store::Shield;

const PATH: &str = "/settings/shields";

#[derive(Template)]
#[template(path = "settings/shields.html")]
struct ShieldsPage {
    frame: Frame,
    form: Form,
    lists: [List; 4],
    /// Codes and names.
    countries: Vec<(&'static str, String)>,
    entries_max: usize,
    address_hits_max: u32,
    visitor_hits_max: String,
}

/// One kind of shield, with the words that the page has for it.
struct List {
    kind: &'static str,
    title: &'static str,
    about: &'static str,
    label: &'static str,
    example: &'static str,
    chars_max: usize,
    /// As they are stored, and as they are read.
    entries: Vec<(String, String)>,
}

impl List {
    fn of(kind: Shield, entries: &[String]) -> Self {
        let (title, about, label, example, chars_max) = match kind {
            Shield::Host => (
                "Hosts that count",
                "Without an entry every host counts. With one, pages on any other host are not \
                    counted, such as copies of your site elsewhere. * stands for any labels: \
                    *.example.com.",
                "Host",
                "www.example.com",
                PATTERN_BYTES_MAX,
            ),
            Shield::Page => (
                "Pages that do not count",
                "* is anything but a slash, ** anything: /admin/** is all below /admin.",
                "Page",
                "/admin/**",
                PATTERN_BYTES_MAX,
            ),
            Shield::Country => (
                "Countries that do not count",
                "Where the visitor’s network is. The country is the finest place there is.",
                "Country",
                "DE",
                2,
            ),
            Shield::Network => (
                "Addresses that do not count",
                "Your office, your monitoring: one address, or a network such as 192.0.2.0/24. \
                    These are kept, for they are yours; visitors’ addresses are not.",
                "Address or network",
                "192.0.2.0/24",
                60,
            ),
        };
        let read = |entry: &String| match kind {
            Shield::Country => (entry.clone(), country::name(entry)),
            _ => (entry.clone(), entry.clone()),
        };
        Self {
            kind: kind.as_str(),
            title,
            about,
            label,
            example,
            chars_max,
            entries: entries.iter().map(read).collect(),
        }
    }
}

async fn render(app: &App, at: &AtSite, form: Form, done: &'static str) -> OurResult<ShieldsPage> {
    let shields = app.store.settings_of(at.site.id).await?.shields;
    Ok(ShieldsPage {
        frame: Frame::new(at, PATH, done),
        form,
        lists: Shield::ALL.map(|kind| List::of(kind, kind.list(&shields))),
        countries: country::all(),
        entries_max: SHIELD_ENTRIES_MAX,
        address_hits_max: ADDRESS_HITS_MAX,
        visitor_hits_max: number(u64::from(VISITOR_HITS_MAX)),
    })
}

pub async fn show(
    State(app): State<App>,
    at: AtSite,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let done = said(query.as_deref());
    page(&render(&app, &at, Form::default(), done).await?)
}

fn kind(form: &Fields) -> Result<Shield, Failure> {
    let kind = Shield::parse(form.text("kind"));
    kind.ok_or_else(|| malformed("kind: there are host, page, country and network"))
}

pub async fn add(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    let form = form.only(&["kind", "value"])?;
    let (kind, value) = (kind(&form)?, form.text("value"));
    let field = kind.as_str();
    let error = match app.store.add_shield(at.site.id, kind, value).await {
        Ok(_) => return Ok(back(&at.site, PATH, "shield")),
        Err(error) => error,
    };
    let wrong = refused(
        error,
        &[
            ("shields.hosts", field, "Host"),
            ("shields.pages", field, "Page"),
            ("shields.countries", field, "Country"),
            ("shields.networks", field, "Address or network"),
        ],
    )?;
    // Each kind's form is a field of its own on the page.
    let form = Form::of(&[(field, value)]).with_wrong(Wrong { field, ..wrong });
    again(&render(&app, &at, form, "").await?)
}

pub async fn remove(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    let form = form.only(&["kind", "value"])?;
    let (kind, value) = (kind(&form)?, form.text("value"));
    let shields = app.store.settings_of(at.site.id).await?.shields;
    if !kind.list(&shields).contains(&kind.normal(value)) {
        return not_there("value: there is no such shield, or it was removed already.");
    }
    app.store.remove_shield(at.site.id, kind, value).await?;
    Ok(back(&at.site, PATH, "shield-gone"))
}
