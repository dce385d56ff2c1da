//! What one-time links open: the first account, an invitation, a new password. Looking at a link
//! uses nothing up (mail programs look at links, too); only the form does.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::guard::{Caller, CameWith};
use super::super::{Failure, message, page};
use super::fields::Fields;
use super::{busy, cookie, go_to, login, sentence};
use crate::accounts::password::{PASSWORD_CHARS_MIN, Password};
use crate::accounts::token::TokenHash;
use crate::accounts::{LOGIN_MS, names};
use crate::arrival::Arrival;
use crate::clock::date_in_utc;
use crate::error::Error;
use crate::serve::App;
use crate::store::{Link, NewAccount, Used};

#[derive(Template)]
#[template(path = "account/welcome.html")]
struct WelcomePage {
    token: String,
    title: &'static str,
    /// What the link opens, in words; empty for the first account.
    opens: String,
    /// Whose the account will be; empty where that is asked.
    invited: String,
    mail: String,
    name: String,
    problem: String,
    password_chars_min: usize,
}

#[derive(Template)]
#[template(path = "account/accept.html")]
struct AcceptPage {
    token: String,
    opens: String,
    /// The account it would be for; empty when nobody is logged in.
    account: String,
    invited: String,
}

#[derive(Template)]
#[template(path = "account/reset.html")]
struct ResetPage {
    token: String,
    mail: String,
    problem: String,
    password_chars_min: usize,
}

/// The link of a path's token, and that.
async fn found(app: &App, token: &str) -> Result<Option<(TokenHash, Link)>, Error> {
    let Some(hash) = TokenHash::of(token) else {
        return Ok(None);
    };
    let link = app.store.link(hash, app.clock.now_ms()).await?;
    Ok(link.map(|link| (hash, link)))
}

fn gone() -> Result<Response, Failure> {
    let text = "This link was used before, or has expired. Ask whoever gave it to you for another \
        one; on the server, dayfly user prints them."
        .to_owned();
    message(StatusCode::NOT_FOUND, "This link opens nothing", text)
}

/// What an invitation is to.
async fn opens(app: &App, link: &Link) -> Result<String, Error> {
    let Link::Invitation { is_admin, site, .. } = link else {
        return Ok(String::new());
    };
    let Some((id, role)) = site else {
        return Ok(match is_admin {
            true => "every site of this server, as an admin".to_owned(),
            false => "this server".to_owned(),
        });
    };
    let sites = app.store.sites().await?;
    let domain = sites.into_iter().find(|site| site.id == *id);
    let domain = domain.map_or_else(String::new, |site| site.domain);
    Ok(format!("{domain}, as {}", article(role.as_str())))
}

fn article(role: &str) -> String {
    match role {
        "viewer" => "a viewer".to_owned(),
        role => format!("an {role}"),
    }
}

pub async fn show(
    State(app): State<App>,
    came_with: CameWith,
    Path(token): Path<String>,
) -> Result<Response, Failure> {
    let Some((_, link)) = found(&app, &token).await? else {
        return gone();
    };
    let opens = opens(&app, &link).await?;
    let invited = match &link {
        Link::First => String::new(),
        Link::Invitation { mail, .. } => mail.clone(),
        Link::Reset { .. } => return gone(),
    };
    let caller = came_with.caller();
    let knows_them = app.store.account_of(&invited).await?.is_some();
    if link != Link::First && (caller.is_some() || knows_them) {
        return page(&AcceptPage {
            token,
            opens,
            account: caller.map_or_else(String::new, |caller| caller.account.mail),
            invited,
        });
    }
    page(&WelcomePage::new(token, &link, opens))
}

impl WelcomePage {
    fn new(token: String, link: &Link, opens: String) -> Self {
        let (title, invited) = match link {
            Link::Invitation { mail, .. } => ("You are invited", mail.clone()),
            _ => ("Welcome to Dayfly", String::new()),
        };
        Self {
            token,
            title,
            opens,
            invited,
            mail: String::new(),
            name: String::new(),
            problem: String::new(),
            password_chars_min: PASSWORD_CHARS_MIN,
        }
    }
}

pub async fn join(
    State(app): State<App>,
    arrival: Arrival,
    came_with: CameWith,
    Path(token): Path<String>,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["mail", "name", "password"])?;
    let Some((hash, link)) = found(&app, &token).await? else {
        return gone();
    };
    let invited = match &link {
        Link::First => None,
        Link::Invitation { mail, .. } => Some(mail.as_str()),
        Link::Reset { .. } => return gone(),
    };
    let again = async |problem: String, status: StatusCode| {
        let opens = opens(&app, &link).await?;
        let again = page(&WelcomePage {
            mail: form.text("mail").to_owned(),
            name: form.text("name").to_owned(),
            problem,
            ..WelcomePage::new(token.clone(), &link, opens)
        })?;
        Ok::<_, Failure>((status, again).into_response())
    };
    let checked = || {
        let mail = names::mail(invited.unwrap_or_else(|| form.text("mail")))?;
        let name = names::name(form.text("name"))?;
        let password = Password::chosen(form.text("password"), &mail)?;
        Ok::<_, Error>((mail, name, password))
    };
    let (mail, name, password) = match checked() {
        Ok(checked) => checked,
        Err(error) => return again(sentence(&error), StatusCode::BAD_REQUEST).await,
    };
    let password = match app.accounts.passwords.hash(password).await {
        Ok(password) => password,
        Err(Error::Busy) => return busy(),
        Err(error) => return Err(error.into()),
    };
    let now_ms = app.clock.now_ms();
    let new = NewAccount {
        mail,
        name,
        is_admin: false,
        password,
    };
    match app
        .store
        .join(hash, &new, now_ms, date_in_utc(now_ms))
        .await?
    {
        Used::By(account) => {
            let token = login::begin(&app, account, false, came_with.token).await?;
            Ok(go_to("/", cookie::set(&arrival, &token, LOGIN_MS)))
        }
        Used::Gone => gone(),
        Used::MailTaken => {
            let problem = "Mail address: somebody has an account with it already; log in with it.";
            again(problem.to_owned(), StatusCode::CONFLICT).await
        }
    }
}

pub async fn accept(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
    form: Fields,
) -> Result<Response, Failure> {
    form.only(&[])?;
    let Some((hash, Link::Invitation { .. })) = found(&app, &token).await? else {
        return gone();
    };
    let now_ms = app.clock.now_ms();
    match app.store.accept(hash, caller.account.id, now_ms).await? {
        Used::By(_) => Ok(go_to("/", None)),
        Used::Gone | Used::MailTaken => gone(),
    }
}

pub async fn show_reset(
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, Failure> {
    match reset_of(&app, &token).await? {
        Some((_, mail)) => page(&ResetPage {
            token,
            mail,
            problem: String::new(),
            password_chars_min: PASSWORD_CHARS_MIN,
        }),
        None => gone(),
    }
}

async fn reset_of(app: &App, token: &str) -> Result<Option<(TokenHash, String)>, Error> {
    let Some((hash, Link::Reset { account })) = found(app, token).await? else {
        return Ok(None);
    };
    let account = app.store.account(account).await?;
    Ok(account.map(|account| (hash, account.mail)))
}

pub async fn reset(
    State(app): State<App>,
    arrival: Arrival,
    Path(token): Path<String>,
    form: Fields,
) -> Result<Response, Failure> {
    let form = form.only(&["password"])?;
    let Some((hash, mail)) = reset_of(&app, &token).await? else {
        return gone();
    };
    let password = match Password::chosen(form.text("password"), &mail) {
        Ok(password) => password,
        Err(error) => {
            let again = page(&ResetPage {
                token,
                mail,
                problem: sentence(&error),
                password_chars_min: PASSWORD_CHARS_MIN,
            })?;
            return Ok((StatusCode::BAD_REQUEST, again).into_response());
        }
    };
    let password = match app.accounts.passwords.hash(password).await {
        Ok(password) => password,
        Err(Error::Busy) => return busy(),
        Err(error) => return Err(error.into()),
    };
    match app.store.reset(hash, &password, app.clock.now_ms()).await? {
        Used::By(_) => Ok(go_to("/login?done=reset", cookie::clear(&arrival))),
        Used::Gone | Used::MailTaken => gone(),
    }
}
