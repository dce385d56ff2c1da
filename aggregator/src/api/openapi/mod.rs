//! The document of the API: OpenAPI 3.1 at `/api/openapi.json`, the same for people at `/docs/api`.
//! Both are open to everybody: they say nothing of this server's sites.
//!
//! Operations come from the table that makes the routes (`operation.rs`), schemas from the tables
//! that the engine reads, answers to the examples from the server itself: `examples.json` is written
//! and checked by the test `every_example_is_answered_as_the_document_says`.

mod page;
pub mod schemas;

use std::sync::LazyLock;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::operation::{Answer, Group, Operation, Param, all};
use crate::serve::App;
use crate::store::HOURLY_LIMIT;

/// Answers to the examples, by the operation's name.
const EXAMPLES: &str = include_str!("examples.json");

/// The routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/openapi.json", get(json))
        .merge(page::routes())
}

async fn json() -> impl IntoResponse {
    /// As it is sent.
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, TEXT.as_str())
}

/// The document.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
        let examples: Value = serde_json::from_str(EXAMPLES).unwrap_or_default();
        let mut paths: Map<String, Value> = Map::new();
        for operation in all() {
            let path = paths.entry(operation.path).or_insert_with(|| json!({}));
            path[operation.method] = told(&operation, &examples[operation.id]);
        }
        let tags = Group::ALL.map(|(_, name, about)| json!({ "name": name, "description": about }));
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Dayfly",
                "version": env!("CARGO_PKG_VERSION"),
                "description": ABOUT,
                "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            },
            "servers": [{ "url": "/" }],
            "security": [{ "key": [] }],
            "tags": tags,
            "paths": paths,
            "components": {
                "securitySchemes": { "key": {
                    "type": "http", "scheme": "bearer",
                    "description": format!("Made with `dayfly key create`; {HOURLY_LIMIT} requests an hour unless told otherwise."),
                } },
                "headers": headers(),
                "responses": refusals(),
                "schemas": schemas::all(),
            },
        })
    });
    &DOCUMENT
}

const ABOUT: &str = "Counts of web sites, and what is decided for sites. A number is exact for what its name says, or the answer calls it an estimate and tells its bounds. Visitors of several days are the sum of daily visitors: nobody is known on the next day.";

/// One operation as the document has it.
fn told(operation: &Operation, answered: &Value) -> Value {
    let group = Group::ALL
        .iter()
        .find(|(group, ..)| *group == operation.group);
    let in_path = operation
        .in_path
        .iter()
        .map(|param| parameter(param, "path"));
    let in_query = operation
        .in_query
        .iter()
        .map(|param| parameter(param, "query"));
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let mut responses = Map::new();
    responses.insert("200".into(), done(&operation.answer, answered));
    for (status, name) in REFUSALS {
        let reference = format!("#/components/responses/{name}");
        responses.insert(status.into(), json!({ "$ref": reference }));
    }
    let mut told = json!({
        "operationId": operation.id,
        "tags": [group.map_or("", |(_, name, _)| name)],
        "summary": operation.summary,
        "description": format!(
            "{} Wants a key with the scope `{}`.", operation.about, operation.scope.as_str()
        ),
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(body) = &operation.body {
        told["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": body.schema, "example": body.example } },
        });
    }
    told
}

fn parameter(param: &Param, place: &str) -> Value {
    let mut told = json!({
        "name": param.name,
        "in": place,
        "required": param.required,
        "description": param.about,
        "schema": param.schema,
    });
    if let Some(example) = &param.example {
        told["example"] = example.clone();
    }
    told
}

fn done(answer: &Answer, answered: &Value) -> Value {
    let json = |schema: &Value| {
        let mut told = json!({ "schema": schema });
        if !answered.is_null() {
            told["example"] = answered.clone();
        }
        told
    };
    let content = match answer {
        Answer::Json(schema) => json!({ "application/json": json(schema) }),
        Answer::JsonOrCsv(schema) => json!({
            "application/json": json(schema),
            "text/csv": { "schema": { "type": "string" } },
        }),
        Answer::Zip => json!({ "application/zip": {} }),
    };
    json!({ "description": "Done.", "headers": limits(), "content": content })
}

/// What every operation may be refused with.
const REFUSALS: [(&str, &str); 7] = [
    ("400", "Invalid"),
    ("401", "Unauthorised"),
    ("404", "NotFound"),
    ("408", "TooSlow"),
    ("413", "TooLarge"),
    ("429", "TooMany"),
    ("500", "Failed"),
];

fn limits() -> Value {
    let names = [
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    ];
    let of = |name: &str| {
        let reference = format!("#/components/headers/{name}");
        (name.to_owned(), json!({ "$ref": reference }))
    };
    Value::Object(names.into_iter().map(of).collect())
}

fn headers() -> Value {
    let number = |about: &str| json!({ "description": about, "schema": { "type": "integer", "minimum": 0 } });
    json!({
        "x-ratelimit-limit": number("Requests an hour that the key has."),
        "x-ratelimit-remaining": number("Of those, the ones that are left."),
        "x-ratelimit-reset": number("When there are new ones, seconds."),
        "retry-after": number("When to try again, seconds."),
        "www-authenticate": {
            "description": "Bearer.", "schema": { "type": "string", "const": "Bearer" },
        },
    })
}

fn refusals() -> Value {
    let of = |about: &str, header: Option<&str>| {
        let mut told = json!({
            "description": about,
            "content": { "application/json": { "schema": schemas::named("Error") } },
        });
        if let Some(name) = header {
            let reference = format!("#/components/headers/{name}");
            told["headers"] = json!({ name: { "$ref": reference } });
        }
        told
    };
    json!({
        "Invalid": of("Something is wrong with the request. The text begins with the field or parameter, where it is one.", None),
        "Unauthorised": of("No key, a wrong, expired or revoked one, one of another scope, or no access to the site.", Some("www-authenticate")),
        "NotFound": of("There is no such site (told only to keys of all sites), goal, funnel or property.", None),
        "TooSlow": of("The body did not come within 10 seconds.", None),
        "TooLarge": of("The body is larger than 64 KiB.", None),
        "TooMany": of("The key has used up its requests of the hour, or too many unknown keys are tried at once.", Some("retry-after")),
        "Failed": of("The server's own failure; its log says which.", None),
    })
}
