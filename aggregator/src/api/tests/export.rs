//! The export over HTTP, against the one of the command line.

use super::*;
use crate::export::{Export, Form};
use crate::store::tests::engines::on_both_engines;

on_both_engines!(an_export_over_http_is_the_one_of_the_command_line);

async fn an_export_over_http_is_the_one_of_the_command_line(place: Place) {
    let api = Api::start(&place).await;
    let site = fixture::fill(&api).await;
    let folder = tempfile::tempdir().unwrap();
    let days = (date(2026, 11, 22), date(2026, 11, 23));
    for (name, form) in Form::ALL {
        let to = folder.path().join(name);
        let export = Export {
            store: &api.app.store,
            site: &site,
            days,
            form,
            to: to.clone(),
        };
        assert!(export.run().await.unwrap() > 0);
        // Days before anything was counted, and days to come, are left out.
        for query in ["", "&from=1970-01-01", "&to=9999-12-31"] {
            let key = api.key_of("example.com", Scope::Stats).await;
            let request = Request::builder()
                .uri(format!(
                    "/api/v1/sites/example.com/export?format={name}{query}"
                ))
                .header("authorization", format!("Bearer {key}"))
                .body(Body::empty());
            let response = api.router.clone().oneshot(request.unwrap()).await.unwrap();
            assert_eq!(response.status(), 200, "{name}{query}");
            let headers = response.headers().clone();
            let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            assert_eq!(bytes, std::fs::read(&to).unwrap(), "{name}{query}");
            assert_eq!(headers["content-length"], bytes.len().to_string());
            assert_eq!(
                headers["content-disposition"],
                "attachment; filename=\"example.com-2026-11-22-2026-11-23.zip\""
            );
        }
    }
    let path = |query: &str| format!("/api/v1/sites/example.com/export?{query}");
    for (query, begins) in [
        ("format=xml", "format: must be one of plausible-csv, cubes"),
        ("from=2026-02-30", "from: must be a date"),
        ("to=today", "to: must be a date"),
        ("from=2026-11-23&to=2026-11-22", "from: 2026-11-23 is after"),
        ("site_id=a.example", "site_id: unknown parameter"),
    ] {
        api.refused("GET", &path(query), Value::Null, 400, begins)
            .await;
    }
    let missing = "/api/v1/sites/no.example/export";
    api.refused("GET", missing, Value::Null, 404, "there is no site")
        .await;
    let of_b = api.key_of("b.example", Scope::Stats).await;
    let answer = api.send(&of_b, "GET", &path(""), Body::empty()).await;
    assert_eq!(answer.status, 401);
}
