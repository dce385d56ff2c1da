//! Who is let in, and how often.

use futures_util::future::join_all;
use futures_util::stream;

use super::*;
use crate::api::BODY_BYTES_MAX;
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    i11_every_route_of_the_api_wants_a_key_that_is_for_it,
    a_key_has_so_many_requests_an_hour_and_is_told,
    wrong_keys_cost_the_database_little_and_a_new_one_opens_at_once,
    a_key_is_noted_once_a_day_listed_and_revoked,
    bodies_beyond_the_bound_are_refused_by_every_route,
);

async fn i11_every_route_of_the_api_wants_a_key_that_is_for_it(place: Place) {
    let api = Api::start(&place).await;
    let of_b = api.key_of("b.example", Scope::Sites).await;
    let stats = api.key(NewKey::of(None, Scope::Stats)).await;
    let last_day = NewKey {
        works_until: Some(api.today()),
        ..NewKey::of(None, Scope::Sites)
    };
    let ending = api.key(last_day).await;
    let revoked = api.key(NewKey::of(None, Scope::Sites)).await;
    assert!(api.app.store.revoke_key(&revoked[..11]).await.unwrap());
    let unknown = format!("dayfly_{}", "0".repeat(32));
    for (scope, method, path, body) in every_route() {
        let send = async |key: &str| {
            let body = match &body {
                Value::Null => Body::empty(),
                json => Body::from(json.to_string()),
            };
            api.send(key, method, &path, body).await
        };
        let mut cases = vec![
            ("", "needs `Authorization: Bearer <key>`"),
            ("x", "there is no such key"),
            (&unknown, "there is no such key"),
            (&revoked, "there is no such key"),
        ];
        if scope == Scope::Sites {
            cases.push((
                &stats,
                "the key is not for this: make one with `dayfly key create --scope sites`",
            ));
        }
        // The list is no site's: it is told below.
        if path != "/api/v1/sites?limit=10" {
            cases.push((&of_b, "the key does not open this site"));
        }
        let answers = join_all(cases.iter().map(|(key, _)| send(key))).await;
        for ((key, text), answer) in cases.iter().zip(answers) {
            assert_eq!(answer.status, 401, "{method} {path} with {key:?}");
            assert!(answer.error().starts_with(text), "{}", answer.error());
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
        api.clock.advance_ms(DAY_MS);
        let expired = send(&ending).await;
        assert_eq!(expired.status, 401, "{method} {path}");
        assert_eq!(
            expired.error(),
            "the key has expired: its last day was 2026-11-23"
        );
        api.clock.advance_ms(-DAY_MS);
    }
    // Nothing of it was done, and on its last day a key works.
    let answer = api
        .send(&ending, "GET", "/api/v1/sites", Body::empty())
        .await;
    assert_eq!(answer.status, 200);
    let domains = |body: &Value| {
        let sites = body["sites"].as_array().unwrap().iter();
        sites
            .map(|site| site["domain"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(domains(&answer.body), ["a.example", "b.example"]);
    // A key of one site sees that one.
    let answer = api.send(&of_b, "GET", "/api/v1/sites", Body::empty()).await;
    assert_eq!(domains(&answer.body), ["b.example"]);
    let answer = api
        .send(&of_b, "GET", "/api/v1/sites/b.example", Body::empty())
        .await;
    assert_eq!(answer.status, 200);
    // Whether another exists is not told it.
    for path in ["/api/v1/sites/a.example", "/api/v1/sites/no.example"] {
        let answer = api.send(&of_b, "GET", path, Body::empty()).await;
        assert_eq!(answer.status, 401, "{path}");
    }
    // The scope `sites` reads stats, too.
    let query = json!({"site_id": "b.example", "metrics": ["visitors"], "date_range": "day"});
    let answer = api
        .send(&of_b, "POST", "/api/v2/query", query.to_string().into())
        .await;
    assert_eq!(answer.status, 200);
}

async fn a_key_has_so_many_requests_an_hour_and_is_told(place: Place) {
    let api = Api::start(&place).await;
    let three = NewKey {
        hourly_limit: 3,
        ..NewKey::of(None, Scope::Sites)
    };
    let key = api.key(three).await;
    let get = async || api.send(&key, "GET", "/api/v1/sites", Body::empty()).await;
    for left in ["2", "1", "0"] {
        let answer = get().await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-ratelimit-limit"), "3");
        assert_eq!(answer.header("x-ratelimit-remaining"), left);
        api.clock.advance_ms(60_000);
    }
    let over = get().await;
    assert_eq!(over.status, 429);
    assert_eq!(over.error(), "the key has used up its 3 requests an hour");
    assert_eq!(over.header("retry-after"), "3421");
    assert_eq!(over.header("x-ratelimit-remaining"), "0");
    assert_eq!(over.header("x-ratelimit-reset"), "3421");
    // On every route, and for nobody else.
    for (_, method, path, body) in every_route() {
        let body = Body::from(body.to_string());
        assert_eq!(
            api.send(&key, method, &path, body).await.status,
            429,
            "{path}"
        );
    }
    let other = api.ask("GET", "/api/v1/sites", Value::Null).await;
    assert_eq!(other.status, 200);
    assert_eq!(other.header("x-ratelimit-remaining"), "599");
    api.clock.advance_ms(3_421_000);
    assert_eq!(get().await.status, 200);
    // Without a key there is nothing to tell.
    let nobody = api.send("", "GET", "/api/v1/sites", Body::empty()).await;
    assert!(!nobody.headers.contains_key("x-ratelimit-limit"));
}

async fn wrong_keys_cost_the_database_little_and_a_new_one_opens_at_once(place: Place) {
    let api = Api::start(&place).await;
    let guess = |n: usize| {
        let key = format!("dayfly_{n:032}");
        let api = &api;
        async move { api.send(&key, "GET", "/api/v1/sites", Body::empty()).await }
    };
    // Many at once: a bounded number is looked up, the others are told to wait.
    let answers = join_all((0..1_500).map(guess)).await;
    let of = |status: u16| answers.iter().filter(move |answer| answer.status == status);
    assert_eq!(of(401).count() + of(429).count(), 1_500);
    assert!(of(429).count() >= 400, "{}", of(429).count());
    assert!(of(429).all(|answer| answer.header("retry-after") == "1"));
    // One after the other: they wait for the pause between two readings.
    let began = tokio::time::Instant::now();
    for n in 0..4 {
        assert_eq!(guess(n).await.status, 401);
    }
    assert!(began.elapsed().as_millis() >= 600, "{:?}", began.elapsed());
    // A key that was made meanwhile opens, however often it is used at once; known ones do not wait.
    let key = api.key(NewKey::of(None, Scope::Sites)).await;
    let new = (0..200).map(|_| api.send(&key, "GET", "/api/v1/sites", Body::empty()));
    for answer in join_all(new).await {
        assert_eq!(answer.status, 200);
    }
    let began = tokio::time::Instant::now();
    for _ in 0..50 {
        assert_eq!(
            api.ask("GET", "/api/v1/sites", Value::Null).await.status,
            200
        );
    }
    // Each in its turn would have waited a fifth of a second.
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

async fn a_key_is_noted_once_a_day_listed_and_revoked(place: Place) {
    let api = Api::start(&place).await;
    let key = api.key_of("a.example", Scope::Sites).await;
    let store = &api.app.store;
    let listed = async || {
        let keys = store.keys().await.unwrap();
        keys.into_iter()
            .find(|known| key.starts_with(&known.prefix))
            .unwrap()
    };
    let before = listed().await;
    assert_eq!((before.prefix.len(), before.last_used_on), (11, None));
    assert_eq!((before.hourly_limit, before.created_on), (600, api.today()));
    let get = async || {
        api.send(&key, "GET", "/api/v1/sites/a.example", Body::empty())
            .await
    };
    for (later_ms, day) in [(0, 23), (DAY_MS / 4, 23), (DAY_MS / 2, 24)] {
        api.clock.advance_ms(later_ms);
        assert_eq!(get().await.status, 200);
        assert_eq!(listed().await.last_used_on, Some(date(2026, 11, day)));
    }
    // An older day is not written over a newer one.
    store
        .note_key_used(before.id, date(2026, 11, 1))
        .await
        .unwrap();
    assert_eq!(listed().await.last_used_on, Some(date(2026, 11, 24)));

    assert!(store.revoke_key(&before.prefix).await.unwrap());
    assert!(!store.revoke_key(&before.prefix).await.unwrap());
    api.clock.advance_ms(1_001);
    let revoked = get().await;
    assert_eq!(revoked.status, 401);
    assert!(revoked.error().starts_with("there is no such key"));
    for (new, error) in [
        (
            NewKey {
                hourly_limit: 0,
                ..NewKey::of(None, Scope::Stats)
            },
            "hourly limit: ",
        ),
        (
            NewKey {
                hourly_limit: 1_000_001,
                ..NewKey::of(None, Scope::Stats)
            },
            "hourly limit: ",
        ),
        (
            NewKey {
                name: "a\nb",
                ..NewKey::of(None, Scope::Stats)
            },
            "name: ",
        ),
        (
            NewKey {
                works_until: Some(date(2026, 11, 23)),
                ..NewKey::of(None, Scope::Stats)
            },
            "until: ",
        ),
    ] {
        let refused = store
            .create_key(&new, date(2026, 11, 24))
            .await
            .unwrap_err();
        assert!(refused.to_string().starts_with(error), "{refused}");
    }
}

async fn bodies_beyond_the_bound_are_refused_by_every_route(place: Place) {
    let api = Api::start(&place).await;
    for (_, method, path, _) in every_route() {
        let large = Body::from(vec![b' '; BODY_BYTES_MAX + 1]);
        let answer = api.send(&api.key, method, &path, large).await;
        assert_eq!(answer.status, 413, "{method} {path}");
        assert_eq!(answer.error(), "the body is larger than 64 KiB");
        // Without a key nothing of it is waited for.
        let endless = Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
        assert_eq!(api.send("x", method, &path, endless).await.status, 401);
    }
    let sites = api.done("GET", "/api/v1/sites", Value::Null).await;
    assert_eq!(sites["sites"].as_array().unwrap().len(), 2);
}
