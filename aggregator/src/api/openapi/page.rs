//! The document for people, made here: no script, nothing from elsewhere.

use std::sync::LazyLock;

use askama::Template;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;

use super::super::operation::{Answer, Group, Operation, Param, all};
use super::document;
use crate::serve::App;
use crate::store::HOURLY_LIMIT;

/// Longest body that is shown in one line.
const LINE_CHARS: usize = 80;

/// The routes.
pub fn routes() -> Router<App> {
    Router::new().route("/docs/api", get(page))
}

#[derive(Template)]
#[template(path = "api.html")]
struct ApiPage {
    hourly_limit: u32,
    groups: Vec<GroupView>,
    refusals: Vec<(String, String)>,
}

struct GroupView {
    name: &'static str,
    about: &'static str,
    operations: Vec<OperationView>,
}

struct OperationView {
    id: &'static str,
    method: String,
    path: &'static str,
    summary: &'static str,
    about: Vec<Words>,
    scope: &'static str,
    fields: Vec<FieldView>,
    curl: String,
    answer: String,
}

struct FieldView {
    name: String,
    place: &'static str,
    required: bool,
    about: Vec<Words>,
    values: Vec<String>,
}

/// Words of a sentence, or code in it.
struct Words {
    is_code: bool,
    text: String,
}

/// A sentence, in which code stands between backticks.
fn words(text: &str) -> Vec<Words> {
    let parts = text.split('`').enumerate();
    let parts = parts.filter(|(_, text)| !text.is_empty());
    let words = parts.map(|(at, text)| Words {
        is_code: at % 2 == 1,
        text: text.to_owned(),
    });
    words.collect()
}

async fn page() -> Response {
    /// It is the same for everybody.
    static PAGE: LazyLock<Option<String>> = LazyLock::new(|| made().render().ok());
    match PAGE.as_deref() {
        Some(html) => ([(header::CACHE_CONTROL, "no-cache")], Html(html)).into_response(),
        None => {
            let text = "This page could not be made.";
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}

fn made() -> ApiPage {
    let groups = Group::ALL.map(|(group, name, about)| GroupView {
        name,
        about,
        operations: all()
            .iter()
            .filter(|operation| operation.group == group)
            .map(view)
            .collect(),
    });
    let responses = &document()["components"]["responses"];
    let refusals = super::REFUSALS.map(|(status, name)| {
        let about = responses[name]["description"].as_str().unwrap_or_default();
        (status.to_owned(), about.to_owned())
    });
    ApiPage {
        hourly_limit: HOURLY_LIMIT,
        groups: groups.into(),
        refusals: refusals.into(),
    }
}

fn view(operation: &Operation) -> OperationView {
    let told = &document()["paths"][operation.path][operation.method];
    let answered = &told["responses"]["200"]["content"]["application/json"]["example"];
    let answer = match (&operation.answer, answered) {
        (Answer::Zip, _) | (_, Value::Null) => String::new(),
        (_, example) => serde_json::to_string_pretty(example).unwrap_or_default(),
    };
    let mut fields: Vec<FieldView> = Vec::new();
    let in_path = operation
        .in_path
        .iter()
        .map(|param| of_param(param, "path"));
    fields.extend(in_path);
    let in_query = operation
        .in_query
        .iter()
        .map(|param| of_param(param, "query"));
    fields.extend(in_query);
    if let Some(body) = &operation.body {
        fields.extend(of_body(&body.schema));
    }
    OperationView {
        id: operation.id,
        method: operation.method.to_uppercase(),
        path: operation.path,
        summary: operation.summary,
        about: words(operation.about),
        scope: operation.scope.as_str(),
        fields,
        curl: curl(operation),
        answer,
    }
}

fn of_param(param: &Param, place: &'static str) -> FieldView {
    FieldView {
        name: param.name.to_owned(),
        place,
        required: param.required,
        about: words(&param.about),
        values: values(&param.schema),
    }
}

fn of_body(schema: &Value) -> Vec<FieldView> {
    let schema = resolved(schema);
    let required = schema["required"].as_array();
    let fields = schema["properties"].as_object().into_iter().flatten();
    let view = |(name, field): (&String, &Value)| {
        let is = |one: &Value| one.as_str() == Some(name);
        let about = field["description"].as_str();
        let about = about.or_else(|| resolved(field)["description"].as_str());
        FieldView {
            name: name.clone(),
            place: "body",
            required: required.is_some_and(|all| all.iter().any(is)),
            about: words(about.unwrap_or_default()),
            values: values(field),
        }
    };
    let mut fields: Vec<FieldView> = fields.map(view).collect();
    fields.sort_by_key(|field| !field.required);
    fields
}

/// The schema that a reference names.
fn resolved(schema: &Value) -> &Value {
    let name = schema["$ref"].as_str();
    let name = name.and_then(|name| name.strip_prefix('#'));
    let found = name.and_then(|pointer| document().pointer(pointer));
    found.unwrap_or(schema)
}

/// The words that may stand there.
fn values(schema: &Value) -> Vec<String> {
    let schema = resolved(schema);
    let mut all = Vec::new();
    if let Some(words) = schema["enum"].as_array() {
        all.extend(words.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    for part in schema["anyOf"].as_array().into_iter().flatten() {
        all.extend(values(part));
    }
    for name in ["items", "properties"] {
        match &schema[name] {
            Value::Object(part) if name == "items" => {
                all.extend(values(&Value::Object(part.clone())))
            }
            Value::Object(parts) => all.extend(parts.keys().cloned()),
            _ => {}
        }
    }
    if schema["pattern"]
        .as_str()
        .is_some_and(|text| text.contains("props:"))
    {
        all.push("event:props:<key>".to_owned());
    }
    let mut seen: Vec<String> = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}

/// The example as one types it.
fn curl(operation: &Operation) -> String {
    let mut path = operation.path.to_owned();
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    for param in &operation.in_path {
        if let Some(example) = &param.example {
            path = path.replace(&format!("{{{}}}", param.name), &plain(example));
        }
    }
    let given = operation
        .in_query
        .iter()
        .filter_map(|param| Some((param.name, param.example.as_ref()?)));
    let given: Vec<String> = given
        .map(|(name, example)| {
            let value = plain(example);
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            // For people: what needs no escape in a query is left readable.
            let value = value
                .replace("%3D", "=")
                .replace("%3A", ":")
                .replace("%2C", ",");
            format!("{name}={value}")
        })
        .collect();
    if !given.is_empty() {
        path = format!("{path}?{}", given.join("&"));
    }
    let method = match operation.method {
        "get" => String::new(),
        "post" if operation.body.is_some() => String::new(),
        other => format!(" -X {}", other.to_uppercase()),
    };
    let mut text =
        format!("curl -s{method} \"$server{path}\" \\\n  -H \"Authorization: Bearer $key\"");
    if let Some(body) = &operation.body {
        let mut json = body.example.to_string();
        if json.len() > LINE_CHARS {
            json = serde_json::to_string_pretty(&body.example).unwrap_or(json);
        }
        text.push_str(&format!(" \\\n  -d '{json}'"));
    }
    if matches!(operation.answer, Answer::Zip) {
        text.push_str(" -o counts.zip");
    }
    text
}
