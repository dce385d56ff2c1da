//! The pages of settings over a real store, each on both engines: what they show, save and refuse.

mod counting;
mod end;
mod keys;
mod privacy;
mod site;
mod snippet;

use super::super::account::tests::{Answer, Browser, HTTP, NOON_MS, Web};
use super::super::guard::Needs;
use super::super::pages;
use super::*;
use crate::store::Place;
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    every_entry_leads_to_a_page_for_its_role,
    each_role_is_shown_what_it_may_open,
    what_people_type_is_shown_as_text,
);

const A: &str = "/sites/a.example";

/// A server with an admin, and an owner of a.example who is logged in.
async fn owned(place: &Place) -> Web {
    let web = Web::start(place).await;
    web.account("admin@example.com").await;
    web.role("owner@example.com", "a.example", Role::Owner)
        .await;
    web
}

async fn owner(web: &Web) -> Browser<'_> {
    web.logged_in("owner@example.com").await
}

async fn id(web: &Web, domain: &str) -> u32 {
    web.app.store.site(domain).await.unwrap().unwrap().id
}

/// One batch of a.example.
async fn count_something(web: &Web) {
    let batch = crate::store::tests::batch(id(web, "a.example").await, 1);
    let applied = web.app.store.apply_batch(&batch, [1; 32], NOON_MS).await;
    applied.unwrap();
}

/// Sends a form that is taken; gives the page that it leads to.
async fn done(browser: &Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    let sent = browser.post(path, fields).await;
    assert_eq!(sent.status, 303, "{path} {fields:?}: {}", sent.html);
    let shown = browser.get(sent.header("location")).await;
    assert_eq!(shown.status, 200);
    shown
}

/// Sends forms that are refused, each with what the page says.
async fn refuses(browser: &Browser<'_>, path: &str, forms: &[(&[(&str, &str)], &str)]) {
    for (fields, says) in forms {
        let answer = browser.post(path, fields).await;
        assert_eq!(answer.status, 400, "{path} {fields:?}");
        assert!(answer.html.contains(says), "{says}: {}", answer.html);
        if !answer.html.contains(r#"role="alert""#) {
            continue; // No form of ours sends that.
        }
        // What was typed is kept.
        for (_, value) in fields.iter().filter(|(name, _)| *name != "id") {
            let value = askama::filters::escape(value, askama::filters::Html).unwrap();
            assert!(answer.html.contains(&value.to_string()), "{value}");
        }
    }
}

async fn every_entry_leads_to_a_page_for_its_role(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    let pages = pages(web.app.clone());
    for entry in &ENTRIES {
        let path = format!("/sites/{{domain}}{}", entry.path);
        let mut found = pages.list().iter();
        let found = found.find(|page| page.method == "GET" && page.path == path);
        assert_eq!(found.unwrap().needs, Needs::Site(entry.needs), "{path}");
        let answer = browser.get(&format!("{A}{}", entry.path)).await;
        assert_eq!(answer.status, 200, "{path}");
        let current = format!(r#" aria-current="page">{}</a>"#, entry.name);
        assert_eq!(answer.html.matches(&current).count(), 2, "{path}");
        let heading = format!("<h1>{}</h1>", entry.name);
        assert!(answer.html.contains(&heading), "{path}");
    }
}

async fn each_role_is_shown_what_it_may_open(place: Place) {
    let web = owned(&place).await;
    for (role, first) in [
        (Role::Viewer, "/settings/mail"),
        (Role::Editor, "/settings/snippet"),
        (Role::Owner, "/settings/general"),
    ] {
        let mail = format!("{}@example.com", role.as_str());
        web.role(&mail, "a.example", role).await;
        let browser = web.logged_in(&mail).await;
        let site = browser.get(A).await;
        let link = format!(r#"<a href="{A}{first}">Settings</a>"#);
        assert!(site.html.contains(&link), "{}", site.html);
        let page = browser.get(&format!("{A}{first}")).await;
        for entry in &ENTRIES {
            let link = format!(r#"<a href="{A}{}""#, entry.path);
            let count = if role >= entry.needs { 2 } else { 0 };
            assert_eq!(page.html.matches(&link).count(), count, "{link} {role:?}");
        }
    }
    let overview = |html: String| html.contains(r#"<a href="/add-site">"#);
    let admin = web.logged_in("admin@example.com").await;
    assert!(overview(admin.get("/").await.html));
    assert!(!overview(owner(&web).await.get("/").await.html));
}

async fn what_people_type_is_shown_as_text(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    const EVIL: &str = "\"><script>alert('&')</script>";
    let settings = |path: &str| format!("{A}/settings/{path}");
    for (path, fields) in [
        (
            "goals",
            vec![("kind", "event"), ("event", EVIL), ("name", EVIL)],
        ),
        ("goals", vec![("kind", "page"), ("page", "/<script>*")]),
        ("properties", vec![("property", EVIL)]),
        ("shields", vec![("kind", "page"), ("value", "/<script>/**")]),
        (
            "funnels",
            vec![("name", EVIL), ("step1", "1"), ("step2", "2")],
        ),
    ] {
        done(&browser, &settings(path), &fields).await;
    }
    let key = [("scope", "stats"), ("limit", "5"), ("name", EVIL)];
    assert_eq!(browser.post(&settings("keys"), &key).await.status, 200);
    let (site, decided) = (id(&web, "a.example").await, Default::default());
    let (store, name) = (&web.app.store, "<script>.jsonl");
    let import = store.begin_import(site, [1; 32], name, false, web.today(), &decided);
    import.await.unwrap();
    let mut shown = Vec::new();
    for path in ["goals", "properties", "shields", "funnels", "keys", "data"] {
        shown.push(browser.get(&settings(path)).await);
    }
    // And what is refused, and said again.
    let admin = web.logged_in("admin@example.com").await;
    let fields = [("domain", EVIL), ("timezone", EVIL)];
    let refused = [
        admin.post("/add-site", &fields).await,
        browser
            .post(&settings("general/domain"), &fields[..1])
            .await,
        browser
            .post(&settings("general/timezone"), &fields[1..])
            .await,
        browser
            .post(&settings("delete"), &[("confirm", EVIL)])
            .await,
        browser
            .get(&settings("snippet?exclude=%22%3E%3Cscript%3E&choose=on"))
            .await,
        browser
            .get(&settings("data/export?from=%3Cscript%3E"))
            .await,
    ];
    for answer in &refused {
        assert_eq!(answer.status, 400, "{}", answer.html);
    }
    shown.extend(refused);
    for answer in shown {
        assert!(answer.html.contains("&#60;script&#62;"), "{}", answer.html);
        assert!(!answer.html.contains("<script"), "{}", answer.html);
    }
}
