//! Keys for programs: those of one site, which its owners make, and those that open every site,
//! which admins make.
//!
//! What always holds: a key made on a site's page opens that site alone, and on that page no other
//! key is seen or revoked.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use jiff::civil::Date;
use shared::visitor::SiteId;

use super::super::account::fields::{Fields, wrong as malformed};
use super::super::account::go_to;
use super::super::guard::AtSite;
use super::super::view::number;
use super::super::{Failure, page};
use super::form::{Form, Wrong, refused};
use super::{Frame, again, base, not_there, said};
use crate::clock::date_in_utc;
use crate::error::Result as OurResult;
use crate::serve::App;
use crate::store::{HOURLY_LIMIT, HOURLY_LIMIT_MAX, Key, NewKey, Scope};

const PATH: &str = "/settings/keys";
const FIELDS: [&str; 4] = ["name", "scope", "until", "limit"];

#[derive(Template)]
#[template(path = "settings/keys.html")]
struct KeysPage {
    frame: Frame,
    form: Form,
    /// Where the forms are sent.
    action: String,
    keys: Vec<KeyLine>,
    /// A key that was just made, the only time it can be seen.
    made: Option<String>,
    today: Date,
    limit_max: u32,
}

struct KeyLine {
    prefix: String,
    name: String,
    scope: &'static str,
    about: String,
    is_over: bool,
}

fn line(key: Key, today: Date) -> KeyLine {
    let used = match key.last_used_on {
        None => "never used".to_owned(),
        Some(on) if on == today => "last used today".to_owned(),
        Some(on) => format!("last used on {on}"),
    };
    let until = key.works_until.map(|last| format!(", until {last}"));
    KeyLine {
        about: format!(
            "{used}, made on {}{}, {} requests an hour",
            key.created_on,
            until.unwrap_or_default(),
            number(u64::from(key.hourly_limit))
        ),
        is_over: key.works_until.is_some_and(|last| last < today),
        prefix: key.prefix,
        name: key.name,
        scope: key.scope.as_str(),
    }
}

/// Whose keys a page shows.
enum Owner<'a> {
    Site(&'a AtSite),
    /// Of every site.
    Server,
}

impl Owner<'_> {
    fn site(&self) -> Option<SiteId> {
        match self {
            Self::Site(at) => Some(at.site.id),
            Self::Server => None,
        }
    }

    fn action(&self) -> String {
        match self {
            Self::Site(at) => format!("{}{PATH}", base(&at.site)),
            Self::Server => "/keys".to_owned(),
        }
    }

    fn frame(&self, done: &'static str) -> Frame {
        match self {
            Self::Site(at) => Frame::new(at, PATH, done),
            Self::Server => Frame::of_server("Keys to every site", done),
        }
    }

    async fn render(&self, app: &App, form: Form, done: &'static str) -> OurResult<KeysPage> {
        let today = date_in_utc(app.clock.now_ms());
        let keys = app.store.keys_of(self.site()).await?;
        Ok(KeysPage {
            frame: self.frame(done),
            form,
            action: self.action(),
            keys: keys.into_iter().map(|key| line(key, today)).collect(),
            made: None,
            today,
            limit_max: HOURLY_LIMIT_MAX,
        })
    }

    async fn show(&self, app: &App, query: Option<&str>) -> Result<Response, Failure> {
        page(&self.render(app, empty(), said(query)).await?)
    }

    async fn make(&self, app: &App, form: Fields) -> Result<Response, Failure> {
        let form = form.only(&FIELDS)?;
        let scope = match form.text("scope") {
            "stats" => Scope::Stats,
            "sites" => Scope::Sites,
            _ => return Err(malformed("scope: there are stats and sites")),
        };
        let wrong = match ends(&form) {
            Err(wrong) => wrong,
            Ok((works_until, hourly_limit)) => {
                let new = NewKey {
                    site: self.site(),
                    scope,
                    name: form.text("name").trim(),
                    hourly_limit,
                    works_until,
                };
                let today = date_in_utc(app.clock.now_ms());
                match app.store.create_key(&new, today).await {
                    Ok(key) => {
                        return page(&KeysPage {
                            made: Some(key),
                            ..self.render(app, empty(), "").await?
                        });
                    }
                    Err(error) => refused(
                        error,
                        &[
                            ("name", "name", "Name"),
                            ("until", "until", "Last day"),
                            ("hourly limit", "limit", "Requests an hour"),
                        ],
                    )?,
                }
            }
        };
        let form = Form::again(&form, &FIELDS, wrong);
        again(&self.render(app, form, "").await?)
    }

    async fn revoke(&self, app: &App, form: Fields) -> Result<Response, Failure> {
        let form = form.only(&["prefix"])?;
        let prefix = form.text("prefix");
        if prefix.is_empty() {
            return Err(malformed("prefix: which key?"));
        }
        match app.store.revoke_key_of(self.site(), prefix).await? {
            true => Ok(go_to(&format!("{}?done=key-gone", self.action()), None)),
            false => not_there("prefix: there is no such key here, or it was revoked already."),
        }
    }
}

fn empty() -> Form {
    Form::of(&[("scope", "stats"), ("limit", &HOURLY_LIMIT.to_string())])
}

/// The last day, if there is one, and the requests an hour.
fn ends(form: &Fields) -> Result<(Option<Date>, u32), Wrong> {
    let until = match form.text("until").trim() {
        "" => None,
        text => match text.parse::<Date>() {
            Ok(date) if text.len() == 10 => Some(date),
            _ => return Err(Wrong::of("until", "Last day: a date such as 2027-12-31.")),
        },
    };
    let limit = form.text("limit").trim().parse().map_err(|_| {
        let says = format!("Requests an hour: a whole number from 1 to {HOURLY_LIMIT_MAX}.");
        Wrong::of("limit", says)
    })?;
    Ok((until, limit))
}

pub async fn show(
    State(app): State<App>,
    at: AtSite,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    Owner::Site(&at).show(&app, query.as_deref()).await
}

pub async fn make(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    Owner::Site(&at).make(&app, form).await
}

pub async fn revoke(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    Owner::Site(&at).revoke(&app, form).await
}

/// Keys that open every site.
pub mod of_server {
    use super::{App, Failure, Fields, Owner, RawQuery, Response, State};

    pub async fn show(
        State(app): State<App>,
        RawQuery(query): RawQuery,
    ) -> Result<Response, Failure> {
        Owner::Server.show(&app, query.as_deref()).await
    }

    pub async fn make(State(app): State<App>, form: Fields) -> Result<Response, Failure> {
        Owner::Server.make(&app, form).await
    }

    pub async fn revoke(State(app): State<App>, form: Fields) -> Result<Response, Failure> {
        Owner::Server.revoke(&app, form).await
    }
}
