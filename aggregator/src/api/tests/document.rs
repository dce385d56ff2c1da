//! The document, against the server itself.

use super::*;
use crate::api::openapi::document;
use crate::api::operation::{self, Answer as Told, Operation};

/// Whether an answer is what a schema of the document says; if not, what is wrong.
fn check(schema: &Value, answer: &Value) -> Result<(), String> {
    let mut whole = schema.clone();
    whole["components"] = document()["components"].clone();
    let validator = jsonschema::validator_for(&whole).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(answer)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n")),
    }
}

/// The example of an operation: path with query, and body.
fn example(operation: &Operation) -> (String, Value) {
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut path = operation.path.to_owned();
    for param in &operation.in_path {
        let value = param.example.as_ref().unwrap();
        path = path.replace(&format!("{{{}}}", param.name), &plain(value));
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    for param in &operation.in_query {
        if let Some(value) = &param.example {
            query.append_pair(param.name, &plain(value));
        }
    }
    let query = query.finish();
    if !query.is_empty() {
        path = format!("{path}?{query}");
    }
    let body = operation.body.as_ref().map(|body| body.example.clone());
    (path, body.unwrap_or_default())
}

/// Every route that wants a key: scope, method, path, and a body that it takes.
pub fn every_route() -> Vec<(Scope, &'static str, String, Value)> {
    let each = operation::all().into_iter().map(|operation| {
        let (path, body) = example(&operation);
        let method = match operation.method {
            "get" => "GET",
            "post" => "POST",
            "put" => "PUT",
            _ => "DELETE",
        };
        (operation.scope, method, path, body)
    });
    each.collect()
}

/// The same with what is drawn at random in a form that stays.
fn steady(answer: Value) -> Value {
    match answer {
        Value::Array(all) => all.into_iter().map(steady).collect(),
        Value::Object(mut all) => {
            if all.contains_key("has_password") {
                all["id"] = json!("4711");
            }
            if let Some(Value::String(url)) = all.get_mut("url") {
                let (way, token) = url.rsplit_once('/').unwrap();
                assert!(token.len() == 43 && way.starts_with('/'), "{url}");
                *url = format!("https://stats.example{way}/{}", "x".repeat(43));
            }
            all.into_iter()
                .map(|(key, value)| (key, steady(value)))
                .collect()
        }
        other => other,
    }
}

#[tokio::test]
async fn every_example_is_answered_as_the_document_says() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::start(&Place::File(folder.path().join("x.sqlite"))).await;
    fixture::fill(&api).await;
    let mut answers = serde_json::Map::new();
    for (operation, (_, method, path, body)) in operation::all().iter().zip(every_route()) {
        if let Some(told) = &operation.body {
            let wrong = check(&told.schema, &body).err();
            assert_eq!(wrong, None, "{}: the example's body", operation.id);
        }
        let answer = api.ask(method, &path, body.clone()).await;
        let id = operation.id;
        assert_eq!(answer.status, 200, "{id}: {path} {body}: {}", answer.body);
        match &operation.answer {
            Told::Json(schema) | Told::JsonOrCsv(schema) => {
                let wrong = check(schema, &answer.body).err();
                assert_eq!(wrong, None, "{id}: {}", answer.body);
                answers.insert(id.to_owned(), steady(answer.body));
            }
            Told::Zip => assert_eq!(answer.header("content-type"), "application/zip"),
        }
        if matches!(operation.answer, Told::JsonOrCsv(_)) {
            let csv = api.ask(method, &format!("{path}?format=csv"), body).await;
            assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        }
    }
    // What is told as the answer to an example is what was answered. DAYFLY_WRITE_EXAMPLES=1
    // writes it anew.
    let told = serde_json::to_string_pretty(&answers).unwrap() + "\n";
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/api/openapi/examples.json");
    if std::env::var_os("DAYFLY_WRITE_EXAMPLES").is_some() {
        std::fs::write(file, &told).unwrap();
    }
    let known: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    for (id, answer) in &answers {
        assert_eq!(&known[id], answer, "{id}");
    }
    assert_eq!(known.as_object().unwrap().len(), answers.len());
}

#[tokio::test]
async fn the_document_and_its_page_are_open_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::start(&Place::File(folder.path().join("x.sqlite"))).await;
    let told = api
        .send("", "GET", "/api/openapi.json", Body::empty())
        .await;
    assert_eq!(told.status, 200);
    assert_eq!(&told.body, document());
    // No two operations have one name, and whatever is referred to is there.
    let mut ids: Vec<&str> = operation::all().iter().map(|one| one.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), operation::all().len());
    let text = document().to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document().pointer(pointer).is_some(), "{pointer}");
    }
    for (name, schema) in document()["components"]["schemas"].as_object().unwrap() {
        // It is one at all.
        let _ = check(schema, &Value::Null);
        assert!(schema.is_object(), "{name}");
    }
    let request = Request::builder().uri("/docs/api").body(Body::empty());
    let page = api.router.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(page.status(), 200);
    let bytes = to_bytes(page.into_body(), usize::MAX).await.unwrap();
    let html = String::from_utf8(bytes.to_vec()).unwrap();
    for operation in operation::all() {
        assert!(html.contains(&format!("id=\"{}\"", operation.id)));
        for param in operation.in_query.iter().chain(&operation.in_path) {
            assert!(!param.about.is_empty(), "{} {}", operation.id, param.name);
        }
    }
    assert!(!html.contains("<script") && !html.contains("http://"));
}

#[tokio::test]
async fn refusals_are_as_the_document_says() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::start(&Place::File(folder.path().join("x.sqlite"))).await;
    let error = json!({ "$ref": "#/components/schemas/Error" });
    for (_, method, path, body) in every_route() {
        let of = async |key: &str, path: &str, body: Value| {
            let answer = api.send(key, method, path, body.to_string().into()).await;
            assert_eq!(check(&error, &answer.body), Ok(()), "{path}");
            answer.status.as_u16()
        };
        assert_eq!(of("", &path, body.clone()).await, 401);
        let join = if path.contains('?') { '&' } else { '?' };
        if !path.contains("/v2/") {
            let unknown = format!("{path}{join}no_such_parameter=1");
            assert_eq!(of(&api.key, &unknown, body.clone()).await, 400, "{unknown}");
        }
    }
}
