//! The owner's page: who may see the numbers without an account.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::account::fields::{Fields, wrong};
use super::super::account::{go_to, sentence};
use super::super::guard::AtSite;
use super::super::settings::{Frame, base};
use super::super::{Failure, message, page};
use crate::accounts::password::{PASSWORD_CHARS_MIN, Password};
use crate::arrival::Arrival;
use crate::clock::date_in_utc;
use crate::error::Error;
use crate::query::threshold::{K_DEFAULT, K_MAX, K_MIN};
use crate::serve::App;
use crate::store::NewSharedLink;

/// Below the site's own path.
const PATH: &str = "/settings/sharing";

#[derive(Template)]
#[template(path = "sharing/settings.html")]
struct SharingPage {
    frame: Frame,
    /// Where the view for everybody is.
    public_url: String,
    public_frame: String,
    /// Its `k`, where it is open.
    public_k: Option<u32>,
    links: Vec<LinkLine>,
    /// A link that was just made.
    made: Option<Made>,
    /// What was typed.
    typed: Typed,
    problem: String,
    public_problem: String,
    k_min: u32,
    k_max: u32,
    k_default: u32,
    password_chars_min: usize,
    today: String,
}

struct LinkLine {
    id: i64,
    name: String,
    about: String,
    has_password: bool,
    is_over: bool,
}

struct Made {
    name: String,
    url: String,
    /// For another page, where it may be part of one.
    frame: Option<String>,
}

#[derive(Default)]
struct Typed {
    name: String,
    until: String,
    k: String,
}

impl SharingPage {
    fn k_shown(&self) -> u32 {
        self.public_k.unwrap_or(self.k_default)
    }
}

/// What puts a view into another page.
fn frame(url: &str, domain: &str) -> String {
    format!(
        r#"<iframe src="{url}?embed=true&amp;theme=light" title="Visitors of {domain}" width="100%" height="1600" loading="lazy"></iframe>"#
    )
}

async fn render(app: &App, arrival: &Arrival, at: &AtSite) -> Result<SharingPage, Error> {
    let origin = arrival.origin().unwrap_or_default();
    let public_url = format!("{origin}/public/{}", at.site.domain);
    let today = date_in_utc(app.clock.now_ms());
    let links = app.store.shared_links(at.site.id).await?;
    let line = |link: crate::store::SharedLink| {
        let used = match link.last_used_on {
            Some(on) => format!("last opened on {on}"),
            None => "never opened".to_owned(),
        };
        let until = match link.works_until {
            Some(last) => format!(", works until {last}"),
            None => String::new(),
        };
        let of = match link.k {
            1 => "tells everything".to_owned(),
            k => format!("tells nothing of fewer than {k} visitors"),
        };
        LinkLine {
            id: link.id,
            about: format!("{of}; made on {}{until}; {used}", link.created_on),
            has_password: link.has_password(),
            is_over: link.works_until.is_some_and(|last| last < today),
            name: link.name,
        }
    };
    Ok(SharingPage {
        public_frame: frame(&public_url, &at.site.domain),
        public_url,
        public_k: app.store.public_k(at.site.id).await?,
        links: links.into_iter().map(line).collect(),
        made: None,
        typed: Typed::default(),
        problem: String::new(),
        public_problem: String::new(),
        k_min: K_MIN,
        k_max: K_MAX,
        k_default: K_DEFAULT,
        password_chars_min: PASSWORD_CHARS_MIN,
        today: today.to_string(),
        frame: Frame::new(at, PATH, ""),
    })
}

fn place(at: &AtSite) -> String {
    format!("{}{PATH}", base(&at.site))
}

fn k_of(form: &Fields) -> Result<u32, Error> {
    let k = form.text("k").trim().parse();
    k.map_err(|_| Error::Invalid(format!("k: it is a number from {K_MIN} to {K_MAX}")))
}

pub async fn show(
    State(app): State<App>,
    arrival: Arrival,
    at: AtSite,
) -> Result<Response, Failure> {
    page(&render(&app, &arrival, &at).await?)
}

/// Opens the view for everybody, or closes it.
pub async fn public(
    State(app): State<App>,
    arrival: Arrival,
    at: AtSite,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["open", "k"])?;
    let is_open = match form.text("open") {
        "on" => true,
        "" => false,
        _ => return Err(wrong("open: it is on, or not there")),
    };
    let set = async {
        let k = k_of(&form)?;
        app.store.set_public(at.site.id, is_open.then_some(k)).await
    };
    match set.await {
        Ok(()) => Ok(go_to(&place(&at), None)),
        Err(error @ Error::Invalid(_)) => {
            let again = page(&SharingPage {
                public_problem: sentence(&error),
                ..render(&app, &arrival, &at).await?
            })?;
            Ok((StatusCode::BAD_REQUEST, again).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes a link.
pub async fn make(
    State(app): State<App>,
    arrival: Arrival,
    at: AtSite,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["name", "password", "until", "k"])?;
    let made = async {
        let name = form.text("name").trim();
        let k = k_of(&form)?;
        let works_until = match form.text("until").trim() {
            "" => None,
            text => {
                let date = text.parse().ok().filter(|_| text.len() == 10);
                let wrong = || Error::Invalid("until: that is no date such as 2030-12-31".into());
                Some(date.ok_or_else(wrong)?)
            }
        };
        let password = match form.text("password") {
            "" => None,
            typed => {
                let chosen = Password::chosen(typed, name)?;
                Some(app.accounts.passwords.hash(chosen).await?)
            }
        };
        let new = NewSharedLink {
            name,
            password: password.as_deref(),
            k,
            works_until,
        };
        let today = date_in_utc(app.clock.now_ms());
        let token = app.store.add_shared_link(at.site.id, &new, today).await?;
        let origin = arrival.origin().unwrap_or_default();
        let url = format!("{origin}/shared/{}", token.as_str());
        let may_embed = password.is_none();
        Ok(Made {
            name: name.to_owned(),
            frame: may_embed.then(|| frame(&url, &at.site.domain)),
            url,
        })
    };
    match made.await {
        Ok(made) => page(&SharingPage {
            made: Some(made),
            ..render(&app, &arrival, &at).await?
        }),
        Err(error @ Error::Invalid(_)) => {
            let again = page(&SharingPage {
                typed: Typed {
                    name: form.text("name").to_owned(),
                    until: form.text("until").to_owned(),
                    k: form.text("k").to_owned(),
                },
                problem: sentence(&error),
                ..render(&app, &arrival, &at).await?
            })?;
            Ok((StatusCode::BAD_REQUEST, again).into_response())
        }
        Err(Error::Busy) => super::super::account::busy(),
        Err(error) => Err(error.into()),
    }
}

/// Revokes a link.
pub async fn revoke(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    let form = form.only(&["id"])?;
    let id = form.number("id")?;
    match app.store.revoke_shared_link(at.site.id, id).await? {
        true => Ok(go_to(&place(&at), None)),
        false => message(
            StatusCode::NOT_FOUND,
            "Not found",
            "id: there is no such link, or it was revoked.".to_owned(),
        ),
    }
}
