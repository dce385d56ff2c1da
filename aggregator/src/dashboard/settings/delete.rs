//! The end of a site.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::account::fields::Fields;
use super::super::guard::AtSite;
use super::super::{Failure, message, page};
use super::form::{Form, Wrong};
use super::{Frame, again};
use crate::serve::App;
use crate::store::Engine;

const PATH: &str = "/settings/delete";

#[derive(Template)]
#[template(path = "settings/delete.html")]
struct DeletePage {
    frame: Frame,
    form: Form,
    /// What is deleted is overwritten at once, which only SQLite does.
    is_file: bool,
}

fn render(app: &App, at: &AtSite, form: Form) -> DeletePage {
    DeletePage {
        is_file: app.store.engine() == Engine::Sqlite,
        frame: Frame::new(at, PATH, ""),
        form,
    }
}

pub async fn show(State(app): State<App>, at: AtSite) -> Result<Response, Failure> {
    page(&render(&app, &at, Form::default()))
}

pub async fn delete(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    let form = form.only(&["confirm"])?;
    let domain = &at.site.domain;
    if form.text("confirm").trim().to_ascii_lowercase() != *domain {
        let wrong = Wrong::of("confirm", "Confirmation: type the site’s domain.");
        return again(&render(&app, &at, Form::again(&form, &["confirm"], wrong)));
    }
    app.erase_site(at.site.id).await?;
    let text = format!(
        "{domain} and everything counted for it is deleted, with its keys and invitations. The \
         edge drops what it holds of it when it asks next, within the hour at the latest."
    );
    message(StatusCode::OK, "The site is deleted", text)
}
