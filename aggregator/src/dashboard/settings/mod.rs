//! What an owner decides about a site, on the web: one page for each subject, one navigation between
//! them. The store checks all of it, for the command line, the API and these pages alike.
//!
//! All work without scripts. A form that is refused keeps what was typed and says what is wrong
//! beside the field; one that is taken ends in a redirect, so that reloading sends nothing again.

mod add_site;
mod data;
mod delete;
pub mod form;
mod funnels;
mod general;
mod goals;
mod keys;
mod privacy;
mod properties;
mod shields;
pub mod snippet;
#[cfg(test)]
mod tests;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::account::go_to;
use super::guard::{AtSite, Needs, Pages};
use super::{Failure, message, page};
use crate::accounts::Role;
use crate::site::Site;

/// A page of a site's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// As it is called.
    pub name: &'static str,
    /// Below the site's own path.
    pub path: &'static str,
    /// The least role that opens it.
    pub needs: Role,
}

const fn entry(name: &'static str, path: &'static str, needs: Role) -> Entry {
    Entry { name, path, needs }
}

/// The navigation, in its order.
pub const ENTRIES: [Entry; 13] = [
    entry("General", "/settings/general", Role::Owner),
    entry("Snippet", "/settings/snippet", Role::Editor),
    entry("Goals", "/settings/goals", Role::Editor),
    entry("Funnels", "/settings/funnels", Role::Editor),
    entry("Properties", "/settings/properties", Role::Editor),
    entry("Shields", "/settings/shields", Role::Editor),
    entry("Privacy", "/settings/privacy", Role::Owner),
    entry("People", "/people", Role::Owner),
    entry("Sharing", "/settings/sharing", Role::Owner),
    entry("Mail", "/settings/mail", Role::Viewer),
    entry("Keys", "/settings/keys", Role::Owner),
    entry("Import and export", "/settings/data", Role::Editor),
    entry("Delete the site", "/settings/delete", Role::Owner),
];

/// Adds the pages; that of the people is among those about accounts.
pub fn add(pages: Pages) -> Pages {
    let (editor, owner) = (Needs::Site(Role::Editor), Needs::Site(Role::Owner));
    let pages = pages
        .get("/add-site", Needs::Admin, add_site::show)
        .post("/add-site", Needs::Admin, add_site::add)
        .get("/keys", Needs::Admin, keys::of_server::show)
        .post("/keys", Needs::Admin, keys::of_server::make)
        .post("/keys/revoke", Needs::Admin, keys::of_server::revoke);
    macro_rules! site {
        ($path:literal) => {
            concat!("/sites/{domain}/settings", $path)
        };
    }
    pages
        .get(site!("/general"), owner, general::show)
        .post(site!("/general/domain"), owner, general::domain)
        .post(site!("/general/timezone"), owner, general::timezone)
        .get(site!("/snippet"), editor, snippet::show)
        .get(site!("/goals"), editor, goals::show)
        .post(site!("/goals"), editor, goals::add)
        .post(site!("/goals/rename"), editor, goals::rename)
        .post(site!("/goals/remove"), editor, goals::remove)
        .get(site!("/funnels"), editor, funnels::show)
        .post(site!("/funnels"), editor, funnels::add)
        .post(site!("/funnels/remove"), editor, funnels::remove)
        .get(site!("/properties"), editor, properties::show)
        .post(site!("/properties"), editor, properties::add)
        .post(site!("/properties/remove"), editor, properties::remove)
        .get(site!("/shields"), editor, shields::show)
        .post(site!("/shields"), editor, shields::add)
        .post(site!("/shields/remove"), editor, shields::remove)
        .get(site!("/privacy"), owner, privacy::show)
        .post(site!("/privacy"), owner, privacy::save)
        .get(site!("/keys"), owner, keys::show)
        .post(site!("/keys"), owner, keys::make)
        .post(site!("/keys/revoke"), owner, keys::revoke)
        .get(site!("/data"), editor, data::show)
        .get(site!("/data/export"), editor, data::export)
        .get(site!("/delete"), owner, delete::show)
        .post(site!("/delete"), owner, delete::delete)
}

/// What stands around a page: the navigation, and what was just done.
pub struct Frame {
    /// The page's own name.
    pub title: &'static str,
    /// Empty on a page of the whole server.
    pub domain: String,
    /// The path of the site's page.
    pub base: String,
    /// What its reader may open.
    pub entries: Vec<&'static Entry>,
    /// What was done, in a sentence; or empty.
    pub done: &'static str,
}

impl Frame {
    /// Around a page of a site; `path` is its entry's.
    pub fn new(at: &AtSite, path: &str, done: &'static str) -> Self {
        let current = ENTRIES.iter().find(|entry| entry.path == path);
        Self {
            title: current.map_or("Settings", |entry| entry.name),
            domain: at.site.domain.clone(),
            base: base(&at.site),
            entries: open_to(at.role).collect(),
            done,
        }
    }

    /// Around a page of the whole server.
    pub fn of_server(title: &'static str, done: &'static str) -> Self {
        Self {
            title,
            domain: String::new(),
            base: String::new(),
            entries: Vec::new(),
            done,
        }
    }
}

fn open_to(role: Role) -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter().filter(move |entry| role >= entry.needs)
}

/// The path of a site's page.
pub fn base(site: &Site) -> String {
    let domain: String = form_urlencoded::byte_serialize(site.domain.as_bytes()).collect();
    format!("/sites/{domain}")
}

/// The first page of a site's settings that is open to a role.
pub fn first(site: &Site, role: Role) -> Option<String> {
    let entry = open_to(role).next()?;
    Some(format!("{}{}", base(site), entry.path))
}

/// What was done, by the word that redirects carry.
const DONE: [(&str, &str); 14] = [
    (
        "site",
        "The site is added. Put this line into its pages, and open one of them.",
    ),
    (
        "domain",
        "The domain is changed. Change it in the snippet, too.",
    ),
    ("timezone", "The time zone is changed."),
    ("goal", "The goal is added. It counts from now on."),
    (
        "goal-renamed",
        "The goal has another name. What it has counted stays.",
    ),
    (
        "goal-gone",
        "The goal is removed. What it has counted stays.",
    ),
    ("funnel", "The funnel is added. It counts from now on."),
    (
        "funnel-gone",
        "The funnel is removed. What it has counted stays.",
    ),
    ("property", "The property is shown."),
    ("property-gone", "The property is taken off the list."),
    (
        "shield",
        "The shield is added. The edge obeys within a minute.",
    ),
    (
        "shield-gone",
        "The shield is removed. The edge obeys within a minute.",
    ),
    ("privacy", "Saved. The edge obeys within a minute."),
    ("key-gone", "The key is revoked: it opens nothing any more."),
];

/// The sentence of what was done, from a page's query.
fn said(query: Option<&str>) -> &'static str {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut words = pairs.filter(|(name, _)| name == "done");
    let word = words.next().map(|(_, word)| word).unwrap_or_default();
    let found = DONE.iter().find(|(known, _)| *known == word);
    found.map_or("", |(_, sentence)| sentence)
}

/// Back to a page of a site's settings, which says what was done.
fn back(site: &Site, path: &str, done: &'static str) -> Response {
    go_to(&format!("{}{path}?done={done}", base(site)), None)
}

/// The page again, which says what is wrong.
fn again(template: &impl askama::Template) -> Result<Response, Failure> {
    Ok((StatusCode::BAD_REQUEST, page(template)?).into_response())
}

/// What is to be removed is not there (any more).
fn not_there(text: &str) -> Result<Response, Failure> {
    message(StatusCode::NOT_FOUND, "Not found", text.to_owned())
}
