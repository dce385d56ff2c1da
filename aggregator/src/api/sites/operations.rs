//! The operations of this folder, for routes and document. Parameters of what changes something
//! are told as JSON; they may come in the query or as a form as well.

use axum::routing::{MethodRouter, delete, get, post, put};
use serde_json::{Value, json};
use shared::limits::{FUNNEL_STEPS_MAX, FUNNEL_STEPS_MIN, SHIELD_ENTRIES_MAX};
use shared::settings::{Detail, Signal};

use super::{export, funnels, goals, guests, page, props, shared_links, site};
use crate::api::openapi::schemas::{list, object, text};
use crate::api::operation::{Answer, Body, Group, Operation, Param};
use crate::export::Form;
use crate::query::threshold::{K_MAX, K_MIN};
use crate::store::{KEPT_MONTHS_MAX, Scope};

/// The schema of a field of a body, by its name.
fn field(name: &str) -> Value {
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
fn body(fields: &[&str], required: &[&str], example: Value) -> Option<Body> {
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

fn params(names: &[&'static str]) -> Vec<Param> {
    names.iter().map(param).collect()
}

fn in_path(name: &'static str, about: &str, example: &str) -> Param {
    Param::of(name, about, json!({ "type": "string", "minLength": 1 }))
        .required()
        .example(example)
}

fn or_null(about: &str) -> Value {
    json!({ "type": ["string", "null"], "description": about })
}

fn list_of(name: &str, item: Value) -> Value {
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

fn whole_site() -> Value {
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

fn goal(of_list: bool) -> Value {
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

fn funnel(of_list: bool) -> Value {
    let domain = if of_list { "domain?" } else { "domain" };
    object(&[
        (domain, field("domain")),
        ("id", text("Its number.")),
        ("name", field("name")),
        ("steps", list(json!({ "type": "string" }))),
    ])
}

fn shared_link(of_list: bool) -> Value {
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

fn guest(of_list: bool) -> Value {
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

fn deleted() -> Value {
    object(&[("deleted", json!({ "type": "string", "const": "true" }))])
}

fn done(word: &str) -> Value {
    object(&[(word, json!({ "type": "boolean", "const": true }))])
}

fn operation(
    (method, path, id): (&'static str, &'static str, &'static str),
    (summary, about): (&'static str, &'static str),
    answer: Value,
    route: MethodRouter<crate::serve::App>,
) -> Operation {
    Operation {
        method,
        path,
        id,
        group: Group::Sites,
        summary,
        about,
        scope: Scope::Sites,
        in_path: Vec::new(),
        in_query: Vec::new(),
        body: None,
        answer: Answer::Json(answer),
        route,
    }
}

/// All of them. What is removed comes last, so that the examples can be sent in this order.
pub fn operations() -> Vec<Operation> {
    let domain = |example: &str| vec![in_path("domain", "The site's domain.", example)];
    vec![
        Operation {
            in_query: params(&page::FIELDS),
            ..operation(
                ("get", "/api/v1/sites", "listSites"),
                ("List the sites", "Those that the key opens, by domain."),
                list_of(
                    "sites",
                    object(&[("domain", field("domain")), ("timezone", field("timezone"))]),
                ),
                get(site::list),
            )
        },
        Operation {
            body: body(
                &site::CREATED_WITH,
                &["domain"],
                json!({ "domain": "shop.example", "timezone": "Europe/Berlin" }),
            ),
            ..operation(
                ("post", "/api/v1/sites", "createSite"),
                ("Make a site", "Wants a key of all sites."),
                whole_site(),
                post(site::create),
            )
        },
        Operation {
            in_path: domain("shop.example"),
            ..operation(
                ("get", "/api/v1/sites/{domain}", "showSite"),
                ("Show a site", "And what is decided for it."),
                whole_site(),
                get(site::show),
            )
        },
        Operation {
            in_path: domain("shop.example"),
            body: body(
                &site::CHANGED,
                &[],
                json!({ "gpc": "drop", "keep_months": 13, "shields": { "pages": ["/admin/**"] } }),
            ),
            ..operation(
                ("put", "/api/v1/sites/{domain}", "changeSite"),
                (
                    "Change a site",
                    "All that is named, or nothing. The zone can be changed until something is counted; beacons for a former domain count for three days more.",
                ),
                whole_site(),
                put(site::change),
            )
        },
        Operation {
            scope: Scope::Stats,
            in_path: domain("example.com"),
            in_query: params(&export::FIELDS),
            answer: Answer::Zip,
            ..operation(
                ("get", "/api/v1/sites/{domain}/export", "export"),
                (
                    "Export everything that was counted",
                    "A zip of CSV files, as dayfly export writes it and dayfly import reads it.",
                ),
                json!({}),
                get(export::answer),
            )
        },
        Operation {
            in_query: params(&page::OF_SITE),
            ..operation(
                ("get", "/api/v1/sites/goals", "listGoals"),
                ("List the goals of a site", "By number."),
                list_of("goals", goal(true)),
                get(goals::list),
            )
        },
        Operation {
            body: body(
                &goals::FIELDS,
                &["site_id", "goal_type"],
                json!({ "site_id": "example.com", "goal_type": "event", "event_name": "Order" }),
            ),
            ..operation(
                ("put", "/api/v1/sites/goals", "findOrCreateGoal"),
                (
                    "Find or make a goal",
                    "One that is there already is found, whatever it is called. It counts from when it is made.",
                ),
                goal(false),
                put(goals::find_or_create),
            )
        },
        Operation {
            in_path: vec![in_path("id", "The goal's number.", "3")],
            body: body(
                &["site_id", "display_name"],
                &["site_id", "display_name"],
                json!({ "site_id": "example.com", "display_name": "Ordered" }),
            ),
            ..operation(
                ("put", "/api/v1/sites/goals/{id}", "renameGoal"),
                (
                    "Give a goal another name",
                    "What it has counted stays, and saved segments that name it follow. Questions name it by the new one.",
                ),
                goal(false),
                put(goals::rename),
            )
        },
        Operation {
            in_query: params(&page::OF_SITE),
            ..operation(
                ("get", "/api/v1/sites/funnels", "listFunnels"),
                ("List the funnels of a site", "By number."),
                list_of("funnels", funnel(true)),
                get(funnels::list),
            )
        },
        Operation {
            body: body(
                &funnels::FIELDS,
                &["site_id", "name", "steps"],
                json!({ "site_id": "example.com", "name": "Buy", "steps": ["2", "1"] }),
            ),
            ..operation(
                ("put", "/api/v1/sites/funnels", "findOrCreateFunnel"),
                (
                    "Find or make a funnel",
                    "Of goals of the site, first step to last. It counts from when it is made.",
                ),
                funnel(false),
                put(funnels::find_or_create),
            )
        },
        Operation {
            in_query: params(&["site_id"]),
            ..operation(
                ("get", "/api/v1/sites/custom-props", "listProperties"),
                (
                    "List the properties that are shown",
                    "All are counted; while none is named all are shown.",
                ),
                object(&[(
                    "custom_properties",
                    list(object(&[("property", field("property"))])),
                )]),
                get(props::list),
            )
        },
        Operation {
            body: body(
                &props::FIELDS,
                &["site_id", "property"],
                json!({ "site_id": "example.com", "property": "plan" }),
            ),
            ..operation(
                ("put", "/api/v1/sites/custom-props", "showProperty"),
                (
                    "Show a property",
                    "Also one that nothing has come with yet.",
                ),
                done("created"),
                put(props::create),
            )
        },
        Operation {
            body: body(
                &shared_links::FIELDS,
                &["site_id", "name"],
                json!({ "site_id": "example.com", "name": "Agency", "k": 10 }),
            ),
            ..operation(
                (
                    "put",
                    "/api/v1/sites/shared-links",
                    "findOrCreateSharedLink",
                ),
                (
                    "Find or make a shared link",
                    "Whoever has it sees the numbers without an account. One of that name is found as it is, without its address.",
                ),
                shared_link(false),
                put(shared_links::find_or_create),
            )
        },
        Operation {
            in_query: params(&["site_id"]),
            ..operation(
                ("get", "/api/v1/sites/shared-links", "listSharedLinks"),
                (
                    "List the shared links of a site",
                    "By name, without their addresses.",
                ),
                object(&[("shared_links", list(shared_link(true)))]),
                get(shared_links::list),
            )
        },
        Operation {
            body: body(
                &guests::FIELDS,
                &["site_id", "email", "role"],
                json!({ "site_id": "example.com", "email": "ben@example.com", "role": "viewer" }),
            ),
            ..operation(
                ("put", "/api/v1/sites/guests", "inviteGuest"),
                (
                    "Invite a guest",
                    "Somebody who is to look at this site. Whoever has a role or is invited already stays as they are.",
                ),
                guest(false),
                put(guests::invite),
            )
        },
        Operation {
            in_query: params(&["site_id"]),
            ..operation(
                ("get", "/api/v1/sites/guests", "listGuests"),
                ("List the guests of a site", "By address; owners are none."),
                object(&[("guests", list(guest(true)))]),
                get(guests::list),
            )
        },
        Operation {
            in_path: vec![in_path("email", "Their mail address.", "ben@example.com")],
            in_query: params(&["site_id"]),
            ..operation(
                ("delete", "/api/v1/sites/guests/{email}", "removeGuest"),
                (
                    "Remove a guest",
                    "Takes their role, or withdraws the invitation.",
                ),
                deleted(),
                delete(guests::remove),
            )
        },
        Operation {
            in_path: vec![in_path("id", "The link's number or its name.", "Agency")],
            in_query: params(&["site_id"]),
            ..operation(
                (
                    "delete",
                    "/api/v1/sites/shared-links/{id}",
                    "revokeSharedLink",
                ),
                (
                    "Revoke a shared link",
                    "It opens nothing any more, at once.",
                ),
                deleted(),
                delete(shared_links::remove),
            )
        },
        Operation {
            in_path: vec![in_path("property", "The property's key.", "plan")],
            in_query: params(&["site_id"]),
            ..operation(
                (
                    "delete",
                    "/api/v1/sites/custom-props/{property}",
                    "hideProperty",
                ),
                ("Show a property no more", "It is counted all the same."),
                done("deleted"),
                delete(props::remove),
            )
        },
        Operation {
            in_path: vec![in_path("id", "The funnel's number.", "2")],
            in_query: params(&["site_id"]),
            ..operation(
                ("delete", "/api/v1/sites/funnels/{id}", "removeFunnel"),
                ("Remove a funnel", "What it has counted stays."),
                deleted(),
                delete(funnels::remove),
            )
        },
        Operation {
            in_path: vec![in_path("id", "The goal's number.", "3")],
            in_query: params(&["site_id"]),
            ..operation(
                ("delete", "/api/v1/sites/goals/{id}", "removeGoal"),
                (
                    "Remove a goal",
                    "Not one that is a step of a funnel. What it has counted stays.",
                ),
                deleted(),
                delete(goals::remove),
            )
        },
        Operation {
            in_path: domain("shop.example"),
            ..operation(
                ("delete", "/api/v1/sites/{domain}", "removeSite"),
                (
                    "Remove a site",
                    "With everything counted for it, at once and for ever.",
                ),
                deleted(),
                delete(site::remove),
            )
        },
    ]
}
