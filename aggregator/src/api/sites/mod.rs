//! The Sites API, `/api/v1/sites` (COMPAT.md, section 5): sites, and what is decided for them.
//!
//! The format is that of Plausible's published documentation of its Sites API, where it has one;
//! `scroll` goals, funnels and what a site's owner decides are Dayfly's own. Parameters come in the
//! query, as a form or as JSON (`params.rs`). All of it wants a key with the scope `sites`.

mod export;
mod funnels;
mod goals;
mod guests;
mod operations;
mod page;
mod props;
mod schemas;
mod shared_links;
mod site;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request};

use super::params::{self, Params};
use super::{Access, Refusal, authorise, read_body};
use crate::arrival::Arrival;
use crate::error::Error;
use crate::serve::App;
use crate::site::Site;
use crate::store::Scope;

pub use operations::operations;

/// What the path names.
type Named = Result<Path<String>, PathRejection>;

/// What the path names, decoded.
fn in_path(field: &str, named: Named) -> Result<String, Refusal> {
    match named {
        Ok(Path(name)) => Ok(name),
        Err(_) => Err(params::invalid(field, "is not UTF-8")),
    }
}

/// Where this server is for whoever asks; empty for a program that does not say by which name.
fn origin(request: &Request) -> String {
    let arrival = request.extensions().get::<Arrival>();
    arrival.and_then(Arrival::origin).unwrap_or_default()
}

/// A request whose key is for it.
struct Call {
    access: Access,
    params: Params,
}

impl Call {
    /// Checks the key, then reads the parameters: none but those that are `allowed`.
    async fn take(app: &App, request: Request, allowed: &[&str]) -> Result<Self, Refusal> {
        Self::take_for(Scope::Sites, app, request, allowed).await
    }

    /// The same, with a key that is for something else.
    async fn take_for(
        scope: Scope,
        app: &App,
        request: Request,
        allowed: &[&str],
    ) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let access = authorise(app, &parts.headers, scope).await?;
        let body = read_body(body).await?;
        let params = Params::read(parts.uri.query(), &parts.headers, body).await?;
        params.only(allowed)?;
        Ok(Self { access, params })
    }

    /// The site that `site_id` names.
    async fn site(&self, app: &App) -> Result<Site, Refusal> {
        let domain = self.params.required("site_id")?;
        self.access.site(app, "site_id", domain).await
    }
}

/// What the store refuses is the caller's doing. A part of the store's word for the field is put in
/// the place of the API's.
fn refused(words: &[(&str, &str)]) -> impl Fn(Error) -> Refusal {
    move |error| match error {
        Error::Invalid(problem) => {
            let named = words
                .iter()
                .find_map(|(word, field)| Some((field, problem.strip_prefix(word)?)));
            Refusal::Invalid(match named {
                Some((field, rest)) => format!("{field}{rest}"),
                None => problem,
            })
        }
        other => Refusal::Failed(other),
    }
}
