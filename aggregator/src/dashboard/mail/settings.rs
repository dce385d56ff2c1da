//! What somebody is told of a site by mail: their own choice, whatever their role.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::clock::UnixMs;

use super::super::account::fields::{Fields, wrong};
use super::super::account::go_to;
use super::super::guard::{AtSite, Caller};
use super::super::settings::{Frame, base};
use super::super::{Failure, message, page};
use crate::mail::alert::{HOURS_MAX, VISITORS_MAX};
use crate::serve::App;
use crate::store::MailWish;

/// Below the site's own path.
const PATH: &str = "/settings/mail";

#[derive(Template)]
#[template(path = "mail/settings.html")]
struct MailPage {
    frame: Frame,
    timezone: String,
    /// Where it goes.
    mail: String,
    has_mail: bool,
    wish: Shown,
    visitors_max: u32,
    hours_max: u32,
    problem: String,
}

/// As it is typed.
#[derive(Clone)]
struct Shown {
    weekly: bool,
    monthly: bool,
    spike: bool,
    few: bool,
    spike_visitors: String,
    drop_visitors: String,
    drop_hours: String,
}

impl From<MailWish> for Shown {
    fn from(wish: MailWish) -> Self {
        Self {
            weekly: wish.weekly_ms.is_some(),
            monthly: wish.monthly_ms.is_some(),
            spike: wish.spike_ms.is_some(),
            few: wish.drop_ms.is_some(),
            spike_visitors: wish.spike_visitors.to_string(),
            drop_visitors: wish.drop_visitors.to_string(),
            drop_hours: wish.drop_hours.to_string(),
        }
    }
}

impl Shown {
    fn of(form: &Fields) -> Self {
        let is_on = |name| form.text(name) == "on";
        let text = |name| form.text(name).trim().chars().take(20).collect();
        Self {
            weekly: is_on("weekly"),
            monthly: is_on("monthly"),
            spike: is_on("spike"),
            few: is_on("drop"),
            spike_visitors: text("spike_visitors"),
            drop_visitors: text("drop_visitors"),
            drop_hours: text("drop_hours"),
        }
    }

    /// What is wanted, from now on.
    ///
    /// # Errors
    /// A number is none, or out of its bounds; the text names the field.
    fn wish(&self, now_ms: UnixMs) -> Result<MailWish, String> {
        let number = |name: &str, text: &str, max: u32| match text.parse() {
            Ok(n) if (1..=max).contains(&n) => Ok(n),
            _ => Err(format!("{name}: a whole number from 1 to {max}.")),
        };
        let since = |is_on: bool| is_on.then_some(now_ms);
        Ok(MailWish {
            weekly_ms: since(self.weekly),
            monthly_ms: since(self.monthly),
            spike_ms: since(self.spike),
            drop_ms: since(self.few),
            spike_visitors: number("Many visitors", &self.spike_visitors, VISITORS_MAX)?,
            drop_visitors: number("Few visitors", &self.drop_visitors, VISITORS_MAX)?,
            drop_hours: number("Hours", &self.drop_hours, HOURS_MAX)?,
        })
    }
}

#[derive(Deserialize, Default)]
pub struct Params {
    #[serde(default)]
    done: String,
}

fn render(app: &App, caller: &Caller, at: &AtSite, wish: Shown) -> MailPage {
    MailPage {
        frame: Frame::new(at, PATH, ""),
        timezone: at.site.timezone_name().to_owned(),
        mail: caller.account.mail.clone(),
        has_mail: app.mail.is_some(),
        wish,
        visitors_max: VISITORS_MAX,
        hours_max: HOURS_MAX,
        problem: String::new(),
    }
}

pub async fn show(
    State(app): State<App>,
    caller: Caller,
    at: AtSite,
    params: Result<Query<Params>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Failure> {
    let wish = app.store.mail_wish(at.site.id, caller.account.id).await?;
    let is_saved = params.is_ok_and(|Query(params)| params.done == "saved");
    let done = if is_saved { "Saved." } else { "" };
    page(&MailPage {
        frame: Frame::new(&at, PATH, done),
        ..render(&app, &caller, &at, wish.into())
    })
}

pub async fn save(
    State(app): State<App>,
    caller: Caller,
    at: AtSite,
    form: Fields,
) -> Result<Response, Failure> {
    const NUMBERS: [&str; 3] = ["spike_visitors", "drop_visitors", "drop_hours"];
    let form = form.only(&[
        "weekly", "monthly", "spike", "drop", NUMBERS[0], NUMBERS[1], NUMBERS[2],
    ])?;
    for name in ["weekly", "monthly", "spike", "drop"] {
        if !matches!(form.text(name), "" | "on") {
            return Err(wrong(&format!("{name}: it is on, or not there")));
        }
    }
    if let Some(name) = NUMBERS.into_iter().find(|name| form.text(name).is_empty()) {
        return Err(wrong(&format!("{name}: it is lacking")));
    }
    if app.mail.is_none() {
        let text = "This server has no mail configured: nothing could be sent.".to_owned();
        return message(StatusCode::CONFLICT, "No mail here", text);
    }
    let shown = Shown::of(&form);
    let wish = match shown.wish(app.clock.now_ms()) {
        Ok(wish) => wish,
        Err(problem) => {
            let again = page(&MailPage {
                problem,
                ..render(&app, &caller, &at, shown)
            })?;
            return Ok((StatusCode::BAD_REQUEST, again).into_response());
        }
    };
    app.store
        .set_mail_wish(at.site.id, caller.account.id, &wish)
        .await?;
    Ok(go_to(&format!("{}{PATH}?done=saved", base(&at.site)), None))
}
