//! Which properties of a site's events are shown. All are counted, whatever is named here.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use shared::limits::{PROP_KEY_BYTES_MAX, PROPS_SHOWN_MAX};

use super::super::account::fields::{Fields, wrong as malformed};
use super::super::guard::AtSite;
use super::super::{Failure, page};
use super::form::{Form, refused};
use super::{Frame, again, back, not_there, said};
use crate::error::Result as OurResult;
use crate::serve::App;

const PATH: &str = "/settings/properties";

#[derive(Template)]
#[template(path = "settings/properties.html")]
struct PropertiesPage {
    frame: Frame,
    form: Form,
    properties: Vec<String>,
    properties_max: usize,
    key_bytes_max: usize,
}

async fn render(
    app: &App,
    at: &AtSite,
    form: Form,
    done: &'static str,
) -> OurResult<PropertiesPage> {
    Ok(PropertiesPage {
        frame: Frame::new(at, PATH, done),
        form,
        properties: app.store.props(at.site.id).await?,
        properties_max: PROPS_SHOWN_MAX,
        key_bytes_max: PROP_KEY_BYTES_MAX,
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

pub async fn add(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    let form = form.only(&["property"])?;
    match app.store.show_prop(at.site.id, form.text("property")).await {
        Ok(()) => Ok(back(&at.site, PATH, "property")),
        Err(error) => {
            let wrong = refused(error, &[("property", "property", "Property")])?;
            let form = Form::again(&form, &["property"], wrong);
            again(&render(&app, &at, form, "").await?)
        }
    }
}

pub async fn remove(State(app): State<App>, at: AtSite, form: Fields) -> Result<Response, Failure> {
    let form = form.only(&["property"])?;
    let property = form.text("property");
    if property.is_empty() {
        return Err(malformed("property: which one?"));
    }
    match app.store.hide_prop(at.site.id, property).await? {
        true => Ok(back(&at.site, PATH, "property-gone")),
        false => not_there("property: it is not on the list, or was taken off already."),
    }
}
