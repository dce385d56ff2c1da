//! The schemas of what the operations of this folder take and answer.

use serde_json::{Value, json};
use shared::limits::{FUNNEL_STEPS_MAX, FUNNEL_STEPS_MIN, SHIELD_ENTRIES_MAX};
use shared::settings::{Detail, Signal};

use super::{goals, guests, page, site};
use crate::api::openapi::schemas::{list, object, text};
use crate::api::operation::{Body, Param};
use crate::export::Form;
use crate::query::threshold::{K_MAX, K_MIN};
use crate::store::KEPT_MONTHS_MAX;

/// The schema of a field of a body, by its name.
pub(super) fn field(name: &str) -> Value {
    let words = |names: Vec<&str>, about: &str| json!({ "type": "string", "enum": names, "description": about });
    match name {
        "site_id" => text("The site's domain."),
        "domain" => text("The site's host name, without scheme and path."),
        "timezone" => text("Its zone, by its IANA name; unless told otherwise Etc/UTC."),
        "gpc" => words(
            Signal::ALL.map(|(name, _)| name).to_vec(),
            "What becomes of page views that say Sec-GPC: 1.",
        ),
        "dnt" => words(
            Signal::ALL.map(|(name, _)| name).to_vec(),
            "What becomes of page views that say DNT: 1.",
        ),
        "clean_paths" => json!({
            "type": "boolean",
            "description": "Segments of paths that look like an address or an id become :email, :id.",
        }),
        "detail" => words(
            Detail::ALL.map(|(name, _)| name).to_vec(),
            "How much of the counts leaves the edge: totals are by one dimension each.",
        ),
        "keep_months" => json!({
            "type": "integer", "minimum": 1, "maximum": KEPT_MONTHS_MAX,
            "description": "How long counts are kept.",
        }),
        "shields" => shields(true),
        "goal_type" => words(
            goals::TYPES.map(|(name, _)| name).to_vec(),
            "What completes the goal.",
        ),
        "event_name" => text("With the type event: the event's name."),
        "page_path" => {
            text("With page and scroll: the path; * is anything but a slash, ** anything.")
        }
        "scroll_threshold" => json!({
            "type": "integer", "minimum": 1, "maximum": 100,
            "description": "With scroll: so far, percent.",
        }),
        "display_name" => text("What it is called; made of the rest unless told."),
        "name" => text("What it is called, unique within the site."),
        "steps" => json!({
            "type": "array", "minItems": FUNNEL_STEPS_MIN, "maxItems": FUNNEL_STEPS_MAX,
            "items": { "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": u32::MAX },
                { "type": "string", "pattern": "^[0-9]{1,9}$" },
            ] },
            "description": "Numbers of goals, first step to last.",
        }),
        "property" => text("The property's key."),
        "password" => text("What is asked for before anything is shown; at least 10 characters."),
        "works_until" => json!({
            "type": "string", "format": "date",
            "description": "The last day it works, in UTC; without it, until it is revoked.",
        }),
        "k" => json!({
            "type": "integer", "minimum": K_MIN, "maximum": K_MAX,
            "description": "Nothing is told of fewer visitors than this; 5 unless told otherwise. With 1 everything is told.",
        }),
        "email" => text("Their mail address."),
        "role" => words(
            guests::ROLES.map(|(name, _)| name).to_vec(),
            "A viewer reads the numbers; an editor also decides what is counted.",
        ),
        _ => json!({}),
    }
}

fn shields(may_lack: bool) -> Value {
    let mut entries = list(json!({ "type": "string" }));
    entries["maxItems"] = json!(SHIELD_ENTRIES_MAX);
    let names = site::LISTS.map(|name| match may_lack {
        true => format!("{name}?"),
        false => name.to_owned(),
    });
    let lists: Vec<(&str, Value)> = names
        .iter()
        .map(|name| (name.as_str(), entries.clone()))
        .collect();
    let mut lists = object(&lists);
    lists["description"] = json!(
        "What is not counted: paths, countries, networks; and the only hosts that are, if any are named."
    );
    lists
}

/// A body of these fields, of which some must be there.
pub(super) fn body(fields: &[&str], required: &[&str], example: Value) -> Option<Body> {
    let names = fields.iter().map(|name| match required.contains(name) {
        true => (*name).to_owned(),
        false => format!("{name}?"),
    });
    let names: Vec<String> = names.collect();
    let schemas: Vec<(&str, Value)> = fields
        .iter()
        .zip(&names)
        .map(|(field_name, name)| (name.as_str(), field(field_name)))
        .collect();
    Some(Body {
        schema: object(&schemas),
        example,
    })
}

/// A parameter of a query.
fn param(name: &&'static str) -> Param {
    let cursor = json!({ "type": "string" });
    match *name {
        "site_id" => Param::of(name, "The site's domain.", cursor)
            .required()
            .example("example.com"),
        "limit" => Param::of(
            name,
            "Items of a page.",
            json!({
                "type": "integer", "minimum": 1, "maximum": page::LIMIT_MAX,
                "default": page::LIMIT,
            }),
        )
        .example(10),
        "from" => Param::of(
            name,
            "The first local day; without it, the first with anything counted.",
            json!({ "type": "string", "format": "date" }),
        ),
        "to" => Param::of(
            name,
            "The last local day; without it, today.",
            json!({ "type": "string", "format": "date" }),
        ),
        "format" => {
            let names = Form::ALL.map(|(name, _)| name);
            Param::of(
                name,
                "Daily counts by one dimension each, or every row of the cubes with all its attributes.",
                json!({ "type": "string", "enum": names, "default": names[0] }),
            )
        }
        "after" => Param::of(name, "The items after this cursor.", cursor),
        "before" => Param::of(
            name,
            "The items before this cursor; not together with after.",
            cursor,
        ),
        _ => Param::of(name, "", cursor),
    }
}

pub(super) fn params(names: &[&'static str]) -> Vec<Param> {
    names.iter().map(param).collect()
}

pub(super) fn in_path(name: &'static str, about: &str, example: &str) -> Param {
    Param::of(name, about, json!({ "type": "string", "minLength": 1 }))
        .required()
        .example(example)
}

fn or_null(about: &str) -> Value {
    json!({ "type": ["string", "null"], "description": about })
}

pub(super) fn list_of(name: &str, item: Value) -> Value {
    let meta = object(&[
        (
            "after",
            or_null("Cursor of the next page, if there is one."),
        ),
        (
            "before",
            or_null("Cursor of the page before, if there is one."),
        ),
        ("limit", json!({ "type": "integer" })),
    ]);
    object(&[(name, list(item)), ("meta", meta)])
}

pub(super) fn whole_site() -> Value {
    object(&[
        ("domain", field("domain")),
        ("timezone", field("timezone")),
        ("custom_properties", list(json!({ "type": "string" }))),
        ("gpc", field("gpc")),
        ("dnt", field("dnt")),
        ("clean_paths", field("clean_paths")),
        ("detail", field("detail")),
        ("keep_months", field("keep_months")),
        ("shields", shields(false)),
    ])
}

pub(super) fn goal(of_list: bool) -> Value {
    let domain = if of_list { "domain?" } else { "domain" };
    object(&[
        (domain, field("domain")),
        ("id", text("Its number.")),
        ("goal_type", field("goal_type")),
        ("display_name", field("display_name")),
        ("event_name", or_null("Of an event.")),
        ("page_path", or_null("Of a page.")),
        ("scroll_threshold?", field("scroll_threshold")),
    ])
}

pub(super) fn funnel(of_list: bool) -> Value {
    let domain = if of_list { "domain?" } else { "domain" };
    object(&[
        (domain, field("domain")),
        ("id", text("Its number.")),
        ("name", field("name")),
        ("steps", list(json!({ "type": "string" }))),
    ])
}

pub(super) fn shared_link(of_list: bool) -> Value {
    let mut fields = vec![
        ("id", text("Its number.")),
        ("name", text("What it is called, unique within the site.")),
        ("k", field("k")),
        ("has_password", json!({ "type": "boolean" })),
        ("works_until", or_null("The last day it works, in UTC.")),
        (
            "last_used_on",
            or_null("The last day it was opened, in UTC."),
        ),
    ];
    if !of_list {
        fields.push(("domain", field("domain")));
        fields.push((
            "url",
            or_null("Told when the link is made, and never again: only a hash of it is stored."),
        ));
    }
    object(&fields)
}

pub(super) fn guest(of_list: bool) -> Value {
    let status = json!({ "type": "string", "enum": ["invited", "accepted"] });
    let mut fields = vec![
        ("email", field("email")),
        ("role", field("role")),
        ("status", status),
    ];
    if !of_list {
        fields.push(("domain", field("domain")));
        fields.push((
            "url",
            or_null("Of an invitation that was just made: to be sent to them, works once within a week."),
        ));
    }
    object(&fields)
}

pub(super) fn deleted() -> Value {
    object(&[("deleted", json!({ "type": "string", "const": "true" }))])
}

pub(super) fn done(word: &str) -> Value {
    object(&[(word, json!({ "type": "boolean", "const": true }))])
}
