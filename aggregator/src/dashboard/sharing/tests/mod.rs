//! Views without an account over a real store, each on both engines: what they open, what they
//! refuse, and that what they tell singles nobody out.

mod counts;
mod grid;
mod owner;

use super::super::account::tests::{Answer, Browser, DAY_MS, HTTP, HTTPS, Web};
use super::super::guard::Needs;
use crate::accounts::password::Password;
use crate::accounts::{GUEST_VIEWS_MAX, Role};
use crate::store::tests::engines::on_both_engines;
use crate::store::{NewSharedLink, Place};

const SECRET: &str = "open sesame, please";

on_both_engines!(
    what_does_not_open_is_the_same_404,
    a_link_asks_for_its_password_and_opens_nothing_else,
    guesses_of_a_links_password_are_limited,
    guests_can_change_nothing,
    a_network_is_shown_so_many_views_a_minute,
    filters_are_refused_under_a_threshold_and_work_without,
    a_view_is_part_of_another_page_only_where_it_is_asked_for,
    what_visitors_write_is_text,
);

/// A link of a site, by its path.
async fn link(web: &Web, domain: &str, k: u32, password: Option<&str>) -> String {
    let site = web.app.store.site(domain).await.unwrap().unwrap();
    let hash = match password {
        Some(typed) => {
            let hashed = web.app.accounts.passwords.hash(Password::typed(typed));
            Some(hashed.await.unwrap())
        }
        None => None,
    };
    let count = web.app.store.shared_links(site.id).await.unwrap().len();
    let new = NewSharedLink {
        name: &format!("link {count}"),
        password: hash.as_deref(),
        k,
        works_until: None,
    };
    let made = web.app.store.add_shared_link(site.id, &new, web.today());
    format!("/shared/{}", made.await.unwrap().as_str())
}

async fn open_to_everybody(web: &Web, domain: &str, k: Option<u32>) {
    let site = web.app.store.site(domain).await.unwrap().unwrap();
    web.app.store.set_public(site.id, k).await.unwrap();
}

/// Whether it is what there is where nothing opens; the same for whatever reason.
async fn is_nothing(browser: &Browser<'_>, path: &str) {
    let nothing = browser.get(&format!("/shared/{}", "x".repeat(43))).await;
    let answer = browser.get(path).await;
    assert_eq!(answer.status, 404, "{path}");
    assert_eq!(answer.html, nothing.html, "{path}");
    for name in ["x-robots-tag", "cache-control", "content-security-policy"] {
        assert_eq!(answer.header(name), nothing.header(name), "{path}");
    }
    assert_eq!(answer.header("x-robots-tag"), "noindex, nofollow");
}

async fn what_does_not_open_is_the_same_404(place: Place) {
    let web = Web::start(&place).await;
    counts::fill(&web, "a.example").await;
    let guest = web.browser(HTTP);
    let link = link(&web, "a.example", 5, None).await;
    open_to_everybody(&web, "a.example", Some(5)).await;
    for path in [link.as_str(), "/public/a.example"] {
        let answer = guest.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("set-cookie"), "", "{path}");
        let csv = guest.get(&format!("{path}/list/page.csv")).await;
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    }
    let robots = guest.get(&link).await;
    assert_eq!(robots.header("x-robots-tag"), "noindex, nofollow");
    let robots = guest.get("/public/a.example").await;
    assert_eq!(robots.header("x-robots-tag"), "");
    let token = link.strip_prefix("/shared/").unwrap();
    for path in [
        "/public/b.example",
        "/public/none.example",
        "/public/a.example%2F..",
        "/public/b.example/list/page",
        "/shared/short",
        "/shared/a.example",
        &format!("/shared/{}", token.to_lowercase()),
        &format!("/shared/{token}x"),
        &format!("/shared/{}/list/page.csv", "x".repeat(43)),
        &format!("/public/{token}"),
    ] {
        is_nothing(&guest, path).await;
    }
    // A list that there is not is told to whom the view is open.
    let list = guest.get(&format!("{link}/list/nothing")).await;
    assert_eq!(list.status, 404);
    assert!(list.html.contains("No such list"));
    // Over, revoked, closed, removed.
    let site = web.app.store.site("a.example").await.unwrap().unwrap();
    let over = NewSharedLink {
        name: "over",
        password: None,
        k: 5,
        works_until: Some(web.today()),
    };
    let over = web.app.store.add_shared_link(site.id, &over, web.today());
    let over = format!("/shared/{}", over.await.unwrap().as_str());
    assert_eq!(guest.get(&over).await.status, 200);
    web.clock.advance_ms(DAY_MS);
    is_nothing(&guest, &over).await;
    let links = web.app.store.shared_links(site.id).await.unwrap();
    let used = links.iter().find(|link| link.name == "link 0").unwrap();
    assert!(used.last_used_on.is_some());
    let revoked = web.app.store.revoke_shared_link(site.id, used.id).await;
    assert!(revoked.unwrap());
    is_nothing(&guest, &link).await;
    is_nothing(&guest, &format!("{link}/list/page.csv")).await;
    open_to_everybody(&web, "a.example", None).await;
    is_nothing(&guest, "/public/a.example").await;
    let other = self::link(&web, "a.example", 5, None).await;
    open_to_everybody(&web, "a.example", Some(5)).await;
    assert_eq!(guest.get(&other).await.status, 200);
    let removed = web.app.store.remove_site("a.example", web.today()).await;
    assert!(removed.unwrap());
    is_nothing(&guest, &other).await;
    is_nothing(&guest, "/public/a.example").await;
}

async fn a_link_asks_for_its_password_and_opens_nothing_else(place: Place) {
    let web = Web::start(&place).await;
    counts::fill(&web, "a.example").await;
    let link = link(&web, "a.example", 5, Some(SECRET)).await;
    let other = self::link(&web, "a.example", 5, Some("another sesame")).await;
    let guest = web.browser(HTTPS);
    let asked = guest.get(&link).await;
    assert_eq!(asked.status, 200);
    assert!(!asked.html.contains("a.example") && !asked.html.contains("id=\"visitors\""));
    assert_eq!(
        guest.get(&format!("{link}/list/page.csv")).await.status,
        401
    );
    let wrong = guest.post(&link, &[("password", "x")]).await;
    assert_eq!(wrong.status, 401);
    assert_eq!(wrong.problem(), "The password is wrong.");
    assert_eq!(wrong.header("set-cookie"), "");
    let given = guest.post(&link, &[("password", SECRET)]).await;
    assert_eq!(
        (given.status.as_u16(), given.header("location")),
        (303, link.as_str())
    );
    let cookie = given.header("set-cookie").to_owned();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-dayfly-link-"), "{cookie}");
    assert_eq!(
        attributes,
        "Path=/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure"
    );
    let shown = guest.get(&link).await;
    assert!(shown.html.contains("a.example") && shown.html.contains("id=\"visitors\""));
    assert_eq!(
        guest.get(&format!("{link}/list/page.csv")).await.status,
        200
    );
    // Not another link, whatever the cookie is called; not an account.
    let asked = guest.get(&other).await;
    assert!(asked.html.contains("A password is asked for"));
    let token = pair.split_once('=').unwrap().1.to_owned();
    let site = web.app.store.site("a.example").await.unwrap().unwrap();
    for of_other in web.app.store.shared_links(site.id).await.unwrap() {
        *guest.cookie.borrow_mut() = format!("__Host-dayfly-link-{:x}={token}", of_other.id);
        let answer = guest.get(&other).await;
        assert!(answer.html.contains("A password is asked for"));
    }
    *guest.cookie.borrow_mut() = format!("__Host-dayfly={token}");
    assert!(!guest.is_in().await);
    // It ends after a day, and with the link.
    *guest.cookie.borrow_mut() = pair.to_owned();
    assert!(guest.get(&link).await.html.contains("id=\"visitors\""));
    web.clock.advance_ms(DAY_MS);
    assert!(!guest.get(&link).await.html.contains("id=\"visitors\""));
    guest.post(&link, &[("password", SECRET)]).await;
    assert!(guest.get(&link).await.html.contains("id=\"visitors\""));
    for link in web.app.store.shared_links(site.id).await.unwrap() {
        let revoked = web.app.store.revoke_shared_link(site.id, link.id).await;
        assert!(revoked.unwrap());
    }
    is_nothing(&guest, &link).await;
    assert_eq!(guest.post(&link, &[("password", SECRET)]).await.status, 404);
}

async fn guesses_of_a_links_password_are_limited(place: Place) {
    let web = Web::start(&place).await;
    let link = link(&web, "a.example", 5, Some(SECRET)).await;
    let guest = web.browser(HTTP);
    for n in 0..5 {
        // A right one in between forgives nothing.
        let right = guest.post(&link, &[("password", SECRET)]).await;
        assert_eq!(right.status, 303, "{n}");
        let wrong = guest.post(&link, &[("password", "wrong")]).await;
        assert_eq!(wrong.status, 401, "{n}");
    }
    let sixth = guest.post(&link, &[("password", SECRET)]).await;
    assert_eq!(sixth.status, 429);
    assert!(sixth.header("retry-after").parse::<u32>().unwrap() > 0);
    // From elsewhere, too: it is the link's count as well.
    let elsewhere = Browser {
        address: "198.51.100.7",
        ..web.browser(HTTP)
    };
    let refused = elsewhere.post(&link, &[("password", SECRET)]).await;
    assert_eq!(refused.status, 429);
    web.clock.advance_ms(16 * 60_000);
    assert_eq!(
        elsewhere.post(&link, &[("password", SECRET)]).await.status,
        303
    );
    let unknown = elsewhere
        .post(&link, &[("password", SECRET), ("x", "1")])
        .await;
    assert_eq!(unknown.status, 400);
}

async fn a_network_is_shown_so_many_views_a_minute(place: Place) {
    let web = Web::start(&place).await;
    open_to_everybody(&web, "a.example", Some(5)).await;
    let guest = web.browser(HTTP);
    let link = link(&web, "a.example", 5, None).await;
    let paths = [
        "/public/a.example".to_owned(),
        "/public/a.example/list/page".to_owned(),
        format!("{link}/list/page.csv"),
        link,
        format!("/shared/{}", "x".repeat(43)),
    ];
    for n in 0..GUEST_VIEWS_MAX as usize {
        let path = &paths[n % paths.len()];
        assert_ne!(guest.get(path).await.status, 429, "{n}");
    }
    for path in &paths {
        let refused = guest.get(path).await;
        assert_eq!(refused.status, 429, "{path}");
        assert_eq!(refused.header("retry-after"), "61");
    }
    // Nor may they try passwords, or links that switch mails off.
    let fields = [("password", SECRET)];
    let (link, unsubscribe) = (paths[3].as_str(), "/unsubscribe/x");
    assert_eq!(guest.post(link, &fields).await.status, 429);
    assert_eq!(guest.post(unsubscribe, &[]).await.status, 429);
    assert_eq!(guest.get(unsubscribe).await.status, 429);
    let elsewhere = Browser {
        address: "198.51.100.7",
        ..web.browser(HTTP)
    };
    assert_eq!(elsewhere.get(&paths[0]).await.status, 200);
    web.clock.advance_ms(61_000);
    assert_eq!(guest.get(&paths[0]).await.status, 200);
}

async fn guests_can_change_nothing(place: Place) {
    let web = Web::start(&place).await;
    counts::fill(&web, "a.example").await;
    let link = link(&web, "a.example", 1, Some(SECRET)).await;
    open_to_everybody(&web, "a.example", Some(5)).await;
    let guest = web.browser(HTTP);
    guest.post(&link, &[("password", SECRET)]).await;
    for path in [link.as_str(), "/public/a.example"] {
        for page in [path.to_owned(), format!("{path}/list/page")] {
            let html = guest.get(&page).await.html;
            assert!(html.contains("/blog"), "{page}: {html}");
            for what in [
                "method=\"post\"",
                "/sites/",
                "/account",
                "data-domain",
                "Not counted",
            ] {
                assert!(!html.contains(what), "{page}: {what}");
            }
        }
    }
    let mut asked = 0;
    for page in super::super::pages(web.app.clone()).list() {
        if matches!(page.needs, Needs::Nothing | Needs::Guest | Needs::Signature) {
            continue;
        }
        let path = page
            .path
            .replace("{domain}", "a.example")
            .replace("{list}", "page");
        let answer = match page.method.as_str() {
            "GET" => guest.get(&path).await,
            _ => guest.post(&path, &[]).await,
        };
        assert!([303, 401].contains(&answer.status.as_u16()), "{path}");
        asked += 1;
    }
    assert!(asked > 20);
    for (path, fields) in [
        (link.clone(), vec![("k", "1")]),
        ("/public/a.example".to_owned(), vec![("k", "1")]),
        (format!("{link}/list/page"), vec![]),
    ] {
        let status = guest.post(&path, &fields).await.status.as_u16();
        assert!([400, 405].contains(&status), "{path} {status}");
    }
}

async fn filters_are_refused_under_a_threshold_and_work_without(place: Place) {
    let web = Web::start(&place).await;
    counts::fill(&web, "a.example").await;
    let guest = web.browser(HTTP);
    let (few, all) = (
        link(&web, "a.example", 5, None).await,
        link(&web, "a.example", 1, None).await,
    );
    let filtered = "period=7d&filter=is,event:page,/blog";
    for (path, form) in [
        ("", filtered),
        ("", "op=is&dimension=event:page&value=/blog"),
    ] {
        let refused = guest.get(&format!("{few}{path}?{form}")).await;
        assert_eq!(refused.status, 400, "{form}");
        assert!(refused.html.contains("fewer than 5 visitors"), "{form}");
    }
    for list in ["page", "page.csv"] {
        for form in [filtered, "search=blog"] {
            let refused = guest.get(&format!("{few}/list/{list}?{form}")).await;
            assert_eq!(refused.status, 400, "{list} {form}");
        }
    }
    for path in ["", "/list/source", "/list/source.csv"] {
        let answer = guest.get(&format!("{all}{path}?{filtered}")).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    // Lists that divide others are not told under a threshold.
    for list in [
        "channel",
        "referrer",
        "entry",
        "exit",
        "host",
        "version",
        "os",
        "os_version",
        "campaign",
        "utm_source",
        "medium",
        "content",
        "term",
        "event",
    ] {
        assert_eq!(
            guest.get(&format!("{few}/list/{list}.csv")).await.status,
            404,
            "{list}"
        );
        assert_eq!(
            guest.get(&format!("{all}/list/{list}.csv")).await.status,
            200,
            "{list}"
        );
    }
    // A visit need not begin in an hour in which somebody is there: its visits could be of one.
    let of_day = "?from=2026-11-22&to=2026-11-22&metric=";
    for (metric, is_told) in [
        ("visitors", true),
        ("pageviews", true),
        ("visits", false),
        ("visit_duration", false),
        ("bounce_rate", false),
    ] {
        let page = guest.get(&format!("{few}{of_day}{metric}")).await;
        assert_eq!(page.html.contains("<rect class"), is_told, "{metric}");
        let refused = page.html.contains("No graph: by the hour");
        assert_eq!(refused, !is_told, "{metric}");
        let page = guest.get(&format!("{all}{of_day}{metric}")).await;
        assert!(page.html.contains("<rect class"), "{metric}");
    }
    let page = guest.get(&few).await;
    assert!(!page.html.contains("Add filter") && !page.html.contains("?filter="));
    let page = guest.get(&all).await;
    assert!(page.html.contains("Add filter"));
    assert!(page.html.contains("filter=is%2C"), "{}", page.html);
}

fn is_embeddable(answer: &Answer) -> bool {
    let policy = answer.header("content-security-policy");
    let framed = policy.contains("frame-ancestors *");
    assert!(
        framed || policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert_eq!(framed, answer.header("x-frame-options").is_empty());
    framed
}

async fn a_view_is_part_of_another_page_only_where_it_is_asked_for(place: Place) {
    let web = Web::start(&place).await;
    counts::fill(&web, "a.example").await;
    open_to_everybody(&web, "a.example", Some(5)).await;
    let guest = web.browser(HTTP);
    let open = link(&web, "a.example", 5, None).await;
    let secret = link(&web, "a.example", 5, Some(SECRET)).await;
    for path in [open.as_str(), "/public/a.example"] {
        for page in [path.to_owned(), format!("{path}/list/page")] {
            assert!(!is_embeddable(&guest.get(&page).await));
            assert!(!is_embeddable(
                &guest.get(&format!("{page}?embed=false")).await
            ));
            let embedded = guest.get(&format!("{page}?embed=true&theme=dark")).await;
            assert!(is_embeddable(&embedded), "{page}");
            assert!(!embedded.html.contains("class=\"brand\""), "{page}");
            assert!(
                embedded.html.contains("<html lang=\"en\" class=\"dark\">"),
                "{page}"
            );
        }
        let embedded = guest.get(&format!("{path}?embed=true&theme=pink")).await;
        assert!(embedded.html.contains("<html lang=\"en\">"));
        // Its links stay in the frame.
        assert!(
            embedded.html.contains("?period=7d&amp;embed=true")
                || embedded.html.contains("period=7d&#38;embed=true"),
            "{}",
            embedded.html
        );
    }
    guest.post(&secret, &[("password", SECRET)]).await;
    let shown = guest.get(&format!("{secret}?embed=true")).await;
    assert!(shown.html.contains("id=\"visitors\"") && shown.html.contains("class=\"brand\""));
    assert!(!is_embeddable(&shown));
    let nobody = web.browser(HTTP);
    for path in [
        format!("{secret}?embed=true"),
        "/public/b.example?embed=true".to_owned(),
        "/login?embed=true".to_owned(),
        "/sites/a.example?embed=true".to_owned(),
        format!("{open}?embed=true&filter=is,event:page,/"),
    ] {
        let answer = nobody.get(&path).await;
        // A refusal has no numbers; only the view itself may be framed.
        assert!(!is_embeddable(&answer) || answer.status == 400, "{path}");
    }
    web.role("owner@example.com", "a.example", Role::Owner)
        .await;
    let owner = web.logged_in("owner@example.com").await;
    let own = owner.get("/sites/a.example?embed=true&theme=dark").await;
    assert!(!is_embeddable(&own) && own.html.contains("class=\"brand\""));
    assert!(!own.html.contains("embed=true"));
}

async fn what_visitors_write_is_text(place: Place) {
    let web = Web::start(&place).await;
    counts::fill(&web, "a.example").await;
    let open = link(&web, "a.example", 5, None).await;
    let guest = web.browser(HTTP);
    for path in [
        open.clone(),
        format!("{open}/list/page"),
        format!("{open}/list/source"),
    ] {
        let html = guest.get(&path).await.html;
        assert!(html.contains("&#60;script&#62;"), "{path}");
        let ours = html.matches("<script defer src=\"/assets/").count();
        assert_eq!(html.matches("<script").count(), ours, "{path}");
        assert!(!html.contains("style="), "{path}");
    }
}
