//! The operations of this folder, for routes and document. Parameters of what changes something
//! are told as JSON; they may come in the query or as a form as well.

use axum::routing::{MethodRouter, delete, get, post, put};
use serde_json::{Value, json};

use super::schemas::{
    body, deleted, done, field, funnel, goal, guest, in_path, list_of, params, shared_link,
    whole_site,
};
use super::{export, funnels, goals, guests, page, props, shared_links, site};
use crate::api::openapi::schemas::{list, object};
use crate::api::operation::{Answer, Group, Operation};
use crate::store::Scope;

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
