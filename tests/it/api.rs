//! `POST /api/v2/query`: what it refuses, and that its echo gives the same again.

use serde_json::json;

use crate::system::{SITE, System};

#[tokio::test]
async fn a_query_without_the_right_key_is_refused() {
    let system = System::start().await;
    system.dayfly(&["site", "add", "b.example"]);
    let query = json!({"site_id": SITE, "metrics": ["visitors"], "date_range": "day"});
    let url = system.dashboard_url("/api/v2/query");
    let bare = system.http.post(&url).json(&query).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    let basic = system
        .http
        .post(&url)
        .basic_auth("x", Some("y"))
        .json(&query)
        .send()
        .await
        .unwrap();
    assert_eq!(basic.status(), 401);
    for key in ["", "x", "dayfly_00000000000000000000000000000000"] {
        let (status, answer) = system.api(key, &query).await;
        assert_eq!(status, 401);
        assert!(answer["error"].is_string());
    }
    let only_b = system.dayfly(&["key", "create", "--site", "b.example"]);
    assert_eq!(system.api(only_b.trim(), &query).await.0, 401);
    let only_a = system.dayfly(&["key", "create", "--site", SITE, "--scope", "sites"]);
    assert_eq!(system.api(only_a.trim(), &query).await.0, 200);
    // An unknown site and one that may not be read look alike.
    let unknown = json!({"site_id": "no.example", "metrics": ["visitors"], "date_range": "day"});
    assert_eq!(system.api(only_a.trim(), &unknown).await.0, 401);
    assert_eq!(system.http.get(&url).send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn what_is_wrong_is_named_by_its_place() {
    let system = System::start().await;
    let key = system.api_key();
    let url = system.dashboard_url("/api/v2/query");
    for (body, starts) in [
        (json!({}), "site_id: "),
        (
            json!({"site_id": SITE, "metrics": ["visitors"]}),
            "date_range: is required",
        ),
        (
            json!({"site_id": SITE, "date_range": "1 week", "metrics": ["visitors"]}),
            "date_range: unknown range",
        ),
        (json!({"site_id": SITE, "date_range": "day"}), "metrics: "),
        (
            json!({"site_id": SITE, "date_range": "day", "metrics": ["x"]}),
            "metrics/0: ",
        ),
        (
            json!({"site_id": SITE, "date_range": "day", "metrics": ["visitors"], "x": 1}),
            "x: unknown key",
        ),
        (
            json!({"site_id": SITE, "date_range": "day", "metrics": ["visitors"], "filters": [["is", "event:page", "/"]]}),
            "filters/0: ",
        ),
    ] {
        let (status, answer) = system.api(&key, &body).await;
        assert_eq!(status, 400, "{body}");
        assert!(
            answer["error"].as_str().unwrap().starts_with(starts),
            "{answer}"
        );
    }
    for body in ["", "[]", "{", "null"] {
        let answer = system
            .http
            .post(&url)
            .bearer_auth(&key)
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 400, "{body}");
    }
    let large = vec![b' '; 65 * 1024];
    let answer = system
        .http
        .post(&url)
        .bearer_auth(&key)
        .body(large)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 413);
}

#[tokio::test]
async fn the_echoed_query_gives_the_same() {
    let system = System::start().await;
    let key = system.api_key();
    for n in 0..7 {
        system.view("a", &format!("/{n}")).await;
        system.view(&n.to_string(), "/0").await;
    }
    system.until_totals(&key, [8, 14]).await;
    let query = json!({
        "site_id": SITE, "metrics": ["pageviews", "visitors"], "date_range": "month",
        "dimensions": ["event:page"], "order_by": [["event:page", "desc"]],
        "pagination": {"limit": 3, "offset": 1}
    });
    let (status, first) = system.api(&key, &query).await;
    assert_eq!(status, 200);
    let row = |page: &str| json!({"dimensions": [page], "metrics": [1, 1]});
    assert_eq!(first["results"], json!([row("/5"), row("/4"), row("/3")]));
    assert_eq!(first["meta"]["visitors"], "sum of daily visitors");
    let (_, again) = system.api(&key, &first["query"]).await;
    assert_eq!(again["results"], first["results"]);
    assert_eq!(again["query"], first["query"]);
}
