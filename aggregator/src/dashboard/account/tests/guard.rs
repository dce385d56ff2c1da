//! Every page × whoever may ask for it; the list is the router's own.

use super::super::super::guard::{Needs, Page};
use super::super::super::pages;
use super::super::safe_next;
use super::*;
use crate::accounts::{GUEST_VIEWS_MAX, PAGES_MAX};
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    without_a_login_no_page_opens,
    each_role_opens_its_pages_and_no_others,
    what_changes_anything_comes_from_a_page_of_ours,
    every_answer_has_its_headers,
    plain_http_is_for_loopback_only,
    the_overview_lists_what_its_reader_may_see,
    forms_are_bounded_and_hold_what_they_should,
    i11_every_page_has_its_limits,
);

fn all(web: &Web) -> Vec<Page> {
    let pages = pages(web.app.clone());
    assert!(pages.list().len() > 25, "{:?}", pages.list());
    pages.list().to_vec()
}

/// A path of a page at a.example.
fn path(page: &Page) -> String {
    page.path
        .replace("{domain}", "a.example")
        .replace("{list}", "page")
        .replace("{token}", &"x".repeat(43))
}

async fn without_a_login_no_page_opens(place: Place) {
    let web = Web::start(&place).await;
    web.account("ada@example.com").await;
    let stranger = web.browser(HTTP);
    for page in all(&web) {
        if matches!(page.needs, Needs::Nothing | Needs::Guest | Needs::Signature) {
            continue;
        }
        let path = path(&page);
        if page.method == "POST" {
            assert_eq!(stranger.post(&path, &[]).await.status, 401, "{path}");
            continue;
        }
        let sent = stranger.get(&format!("{path}?a=b%26c")).await;
        assert_eq!(sent.status, 303, "{path}");
        let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        let to = format!("/login?next={next}%3Fa%3Db%2526c");
        assert_eq!(sent.header("location"), to);
        // A program is not sent anywhere.
        let mut request = stranger.request("GET", &path).body(Body::empty()).unwrap();
        request.headers_mut().remove("accept");
        assert_eq!(stranger.send(request).await.status, 401, "{path}");
    }
    let first = stranger.get("/").await;
    assert_eq!(
        (first.status, first.header("location")),
        (StatusCode::SEE_OTHER, "/login")
    );
}

async fn each_role_opens_its_pages_and_no_others(place: Place) {
    let web = Web::start(&place).await;
    web.account("admin@example.com").await;
    web.account("stranger@example.com").await;
    web.role("elsewhere@example.com", "b.example", Role::Owner)
        .await;
    let mut people = vec![
        (web.logged_in("stranger@example.com").await, None),
        (web.logged_in("elsewhere@example.com").await, None),
        (web.logged_in("admin@example.com").await, Some(Role::Owner)),
    ];
    for role in Role::ALL {
        let mail = format!("{}@example.com", role.as_str());
        web.role(&mail, "a.example", role).await;
        people.push((web.logged_in(&mail).await, Some(role)));
    }
    let mut asked = 0;
    for page in all(&web) {
        for (browser, role) in &people {
            let path = path(&page);
            let needed = match page.needs {
                Needs::Site(needed) => needed,
                Needs::Admin => {
                    for_admins_only(&page, browser, &path).await;
                    continue;
                }
                Needs::Nothing | Needs::Guest | Needs::Signature | Needs::Account => continue,
            };
            let answer = match page.method.as_str() {
                "GET" => browser.get(&path).await,
                // Without any field: let in, and told so.
                _ => browser.post(&path, &[]).await,
            };
            let expected = match role {
                None => 404,
                Some(role) if *role < needed => 403,
                Some(_) if page.method == "GET" => 200,
                Some(_) => 400,
            };
            assert_eq!(answer.status, expected, "{} {path} {role:?}", page.method);
            asked += 1;
        }
    }
    assert!(asked >= 180, "{asked}");
    // A site that there is not, and one that is not theirs, look alike.
    let (stranger, _) = &people[0];
    let none = stranger.get("/sites/none.example").await;
    let foreign = stranger.get("/sites/a.example").await;
    assert_eq!((none.status, &none.html), (foreign.status, &foreign.html));
}

/// Whether a page for admins opens to whoever is one, and to nobody else.
async fn for_admins_only(page: &Page, browser: &Browser<'_>, path: &str) {
    let is_admin = browser.get("/account").await.html.contains(">admin<");
    let answer = match page.method.as_str() {
        "GET" => browser.get(path).await,
        _ => browser.post(path, &[]).await,
    };
    let expected = match (is_admin, page.method.as_str()) {
        (false, _) => 403,
        (true, "GET") => 200,
        (true, _) => 400,
    };
    assert_eq!(answer.status, expected, "{} {path}", page.method);
}

async fn what_changes_anything_comes_from_a_page_of_ours(place: Place) {
    let web = Web::start(&place).await;
    web.account("admin@example.com").await;
    let browser = web.logged_in("admin@example.com").await;
    const FORM: &str = "application/x-www-form-urlencoded";
    let mut asked = 0;
    for page in all(&web) {
        if page.method != "POST" {
            continue;
        }
        if page.needs == Needs::Signature {
            // The only one: mail programs send it, from nowhere (mail.rs).
            assert_eq!(page.path, "/unsubscribe/{token}");
            continue;
        }
        let path = path(&page);
        for headers in [
            vec![("content-type", FORM)],
            vec![("content-type", FORM), ("origin", "https://evil.example")],
            vec![("content-type", FORM), ("origin", "null")],
            // The same host under the other scheme, or another port.
            vec![("content-type", FORM), ("origin", "https://127.0.0.1:8000")],
            vec![("content-type", FORM), ("origin", "http://127.0.0.1:8001")],
            vec![
                ("content-type", FORM),
                ("origin", HTTP),
                ("sec-fetch-site", "cross-site"),
            ],
            vec![
                ("content-type", FORM),
                ("origin", HTTP),
                ("sec-fetch-site", "same-site"),
            ],
            vec![("content-type", "text/plain"), ("origin", HTTP)],
            vec![
                ("content-type", "multipart/form-data; boundary=x"),
                ("origin", HTTP),
            ],
            vec![("origin", HTTP)],
        ] {
            let mut request = browser.request("POST", &path);
            for (name, value) in &headers {
                request = request.header(*name, *value);
            }
            let answer = browser.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
            asked += 1;
        }
    }
    assert!(asked >= 150, "{asked}");
    assert!(browser.is_in().await, "nothing was changed");
}

async fn every_answer_has_its_headers(place: Place) {
    let web = Web::start(&place).await;
    web.account("admin@example.com").await;
    let https = web.browser(HTTPS);
    https.log_in("admin@example.com", PASSWORD).await;
    let http = web.logged_in("admin@example.com").await;
    let mut asked: Vec<(String, String)> = all(&web)
        .iter()
        .map(|page| (page.method.to_string(), path(page)))
        .collect();
    for (method, path) in [
        ("GET", "/health"),
        ("GET", "/nothing/here"),
        ("POST", "/api/v2/query"),
        ("GET", "/api/v1/sites"),
        ("GET", "/edge/v1/roster"),
        ("PUT", "/login"),
        ("GET", "/sites/none.example"),
    ] {
        asked.push((method.to_owned(), path.to_owned()));
    }
    for (method, path) in asked {
        for browser in [&http, &https] {
            let request = browser.request(&method, &path).body(Body::empty());
            let answer = browser.send(request.unwrap()).await;
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "same-origin"),
                ("x-frame-options", "DENY"),
                ("cross-origin-opener-policy", "same-origin"),
            ] {
                assert_eq!(answer.header(name), value, "{method} {path}");
            }
            let policy = answer.header("content-security-policy");
            assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
            assert!(
                policy.contains("frame-ancestors 'none'"),
                "{path}: {policy}"
            );
            assert!(
                !policy.contains("unsafe") && !policy.contains('*'),
                "{policy}"
            );
            assert!(
                answer.header("permissions-policy").contains("camera=()"),
                "{path}"
            );
            let hsts = match browser.origin {
                HTTPS => "max-age=31536000",
                _ => "",
            };
            assert_eq!(answer.header("strict-transport-security"), hsts, "{path}");
            if !path.starts_with("/assets/") && answer.header("content-type").contains("html") {
                // What is the same for everybody may be kept.
                let kept = match path.as_str() {
                    "/status" => "public, max-age=30",
                    _ => "no-store",
                };
                assert_eq!(answer.header("cache-control"), kept, "{path}");
                let ours = answer.html.matches("<script defer src=\"/assets/").count();
                assert_eq!(answer.html.matches("<script").count(), ours, "{path}");
                assert!(!answer.html.contains("style=") && !answer.html.contains(" onclick"));
            }
        }
    }
}

async fn plain_http_is_for_loopback_only(place: Place) {
    let web = Web::start(&place).await;
    let plain = web.browser("http://stats.example:8000");
    for (path, to) in [
        ("/", "https://stats.example/"),
        ("/login?next=%2Fa", "https://stats.example/login?next=%2Fa"),
        ("/api/v1/sites", "https://stats.example/api/v1/sites"),
    ] {
        let answer = plain.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (308, to)
        );
        assert!(answer.header("set-cookie").is_empty());
    }
    // The edge signs what it sends, and reads no redirect.
    assert_eq!(plain.get("/edge/v1/roster").await.status, 401);
    assert_eq!(plain.get("/health").await.status, 200);
    for origin in ["http://localhost:8000", "http://[::1]:8000", HTTP, HTTPS] {
        assert_eq!(
            web.browser(origin).get("/login").await.status,
            200,
            "{origin}"
        );
    }
    // What somebody else says about HTTPS is not believed.
    let request = plain
        .request("GET", "/login")
        .header("x-forwarded-proto", "https");
    let forged = plain.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(forged.status, 308);
}

async fn the_overview_lists_what_its_reader_may_see(place: Place) {
    let web = Web::start(&place).await;
    web.account("admin@example.com").await;
    web.role("eve@example.com", "b.example", Role::Viewer).await;
    web.account("new@example.com").await;
    for (mail, a, b) in [
        ("admin@example.com", true, true),
        ("eve@example.com", false, true),
        ("new@example.com", false, false),
    ] {
        let overview = web.logged_in(mail).await.get("/").await;
        assert_eq!(overview.html.contains("a.example"), a, "{mail}");
        assert_eq!(overview.html.contains("b.example"), b, "{mail}");
    }
}

async fn forms_are_bounded_and_hold_what_they_should(place: Place) {
    let web = Web::start(&place).await;
    web.account("admin@example.com").await;
    let browser = web.logged_in("admin@example.com").await;
    let large = "x".repeat(65 * 1024);
    for (fields, status, says) in [
        (vec![("name", "A"), ("x", "1")], 400, "x: unknown field"),
        (
            vec![("name", "A"), ("name", "B")],
            400,
            "name: it is there twice",
        ),
        (vec![("name", large.as_str())], 413, "larger than 64 KiB"),
        (
            vec![("name", "")],
            400,
            "Name: a name has 1 to 80 characters.",
        ),
    ] {
        let answer = browser.post("/account/name", &fields).await;
        assert_eq!(answer.status, status);
        assert!(answer.html.contains(says), "{}", answer.html);
    }
    let answer = browser
        .post("/account/sessions/end", &[("id", "1 OR 1=1")])
        .await;
    assert_eq!(answer.status, 400);
    assert!(answer.html.contains("id: that is no number"));
    // What somebody calls themselves is text.
    let named = browser
        .post("/account/name", &[("name", "<script>alert(1)</script>")])
        .await;
    assert_eq!(named.status, 303);
    let shown = browser.get(named.header("location")).await;
    assert!(
        shown.html.contains("&#60;script&#62;alert(1)"),
        "{}",
        shown.html
    );
    assert!(!shown.html.contains("<script"));
}

#[test]
fn a_browser_is_sent_to_paths_of_this_server_only() {
    for next in ["/", "/sites/a.example?period=30d", "/welcome/abc"] {
        assert_eq!(safe_next(next), next);
    }
    let long = format!("/{}", "x".repeat(1_000));
    for next in [
        "",
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "/a\r\nset-cookie: x",
        "javascript:alert(1)",
        "/é",
        &long,
    ] {
        assert_eq!(safe_next(next), "/", "{next}");
    }
}

async fn i11_every_page_has_its_limits(place: Place) {
    let web = Web::start(&place).await;
    web.account("admin@example.com").await;
    let browser = web.logged_in("admin@example.com").await;
    let large = "x".repeat(65 * 1024);
    let mut refused = 0;
    for page in all(&web).iter().filter(|page| page.method == "POST") {
        let path = path(page);
        let answer = browser.post(&path, &[("x", &large)]).await;
        // What opens nothing is told so before anything is read.
        let opens_nothing = page.path.contains("{token}") && answer.status == 404;
        assert!(
            answer.status == 413 || opens_nothing,
            "{path}: {}",
            answer.status
        );
        refused += u32::from(answer.status == 413);
    }
    assert!(refused > 20, "{refused}");
    // A network that asks too often is told so on each, whoever asks there.
    let pages = all(&web);
    let style = pages.iter().find(|page| page.path.ends_with(".css"));
    for (path, most) in [
        (style.unwrap().path.to_owned(), PAGES_MAX),
        (format!("/shared/{}", "x".repeat(43)), GUEST_VIEWS_MAX),
    ] {
        let mut asked = 0;
        while browser.get(&path).await.status != 429 {
            asked += 1;
            assert!(asked <= most, "{path}");
        }
    }
    for page in &pages {
        let path = path(page);
        let answer = match page.method.as_str() {
            "GET" => browser.get(&path).await,
            _ => browser.post(&path, &[]).await,
        };
        assert_eq!(answer.status, 429, "{} {path}", page.method);
        assert!(answer.header("retry-after").parse::<u32>().unwrap() <= 61);
    }
    web.clock.advance_ms(61_000);
    assert_eq!(browser.get("/account").await.status, 200);
}
