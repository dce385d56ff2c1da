//! Adding a site; its name, its zone; export and what was imported.

use jiff::civil::date;

use super::*;
use crate::store::SiteChange;

on_both_engines!(
    an_admin_adds_a_site_and_gets_its_line,
    a_site_is_renamed_and_its_former_name_told,
    the_zone_is_changed_until_something_is_counted,
    the_export_is_a_zip_of_the_days_asked_for,
    imports_are_listed_with_the_command,
);

async fn an_admin_adds_a_site_and_gets_its_line(place: Place) {
    let web = owned(&place).await;
    let admin = web.logged_in("admin@example.com").await;
    let form = admin.get("/add-site").await;
    assert!(form.html.contains(r#"name="timezone" list="zones""#));
    assert!(form.html.contains(r#"<option value="Europe/Berlin">"#));
    refuses(
        &admin,
        "/add-site",
        &[
            (
                &[("domain", "https://c.example/x"), ("timezone", "UTC")],
                "Domain: ",
            ),
            (&[("domain", ""), ("timezone", "UTC")], "Domain: "),
            (
                &[("domain", "a.example"), ("timezone", "UTC")],
                "Domain: a.example is here already.",
            ),
            (
                &[("domain", "c.example"), ("timezone", "Mars/Base")],
                "Time zone: ",
            ),
            (&[("domain", "c.example"), ("timezone", "")], "Time zone: "),
            (&[("domain", "c.example"), ("x", "")], "x: unknown field"),
        ],
    )
    .await;
    let fields = [("domain", " WWW.C.example"), ("timezone", "europe/berlin ")];
    let shown = done(&admin, "/add-site", &fields).await;
    assert!(shown.html.contains("The site is added."), "{}", shown.html);
    assert!(shown.html.contains("data-domain=&#34;c.example&#34;"));
    let site = web.app.store.site("c.example").await.unwrap().unwrap();
    assert_eq!(site.timezone_name(), "Europe/Berlin");
    // Nobody else does.
    let owner = owner(&web).await;
    assert_eq!(owner.post("/add-site", &fields).await.status, 403);
    assert_eq!(owner.get("/sites/c.example").await.status, 404);
}

async fn a_site_is_renamed_and_its_former_name_told(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    let path = format!("{A}/settings/general/domain");
    refuses(
        &browser,
        &path,
        &[
            (&[("domain", "b.example")], "Domain: b.example is taken."),
            (&[("domain", "a..b")], "Domain: "),
            (&[("domain", "")], "Domain: "),
            (&[("timezone", "UTC")], "timezone: unknown field"),
        ],
    )
    .await;
    // What another site was called until today still counts there.
    let other = web.app.store.site("b.example").await.unwrap().unwrap();
    let moved = SiteChange {
        domain: Some("moved.example".to_owned()),
        ..SiteChange::default()
    };
    let change = web
        .app
        .store
        .change_site(other.id, &moved, date(2026, 11, 23), |_| ());
    change.await.unwrap();
    let b = &[("domain", "b.example")];
    refuses(&browser, &path, &[(b, "Domain: b.example is taken.")]).await;
    let shown = done(&browser, &path, &[("domain", "New.example")]).await;
    assert!(shown.html.contains("The domain is changed."));
    assert!(
        shown
            .html
            .contains("<b>a.example</b> was its domain before: until the end of 2026-11-26"),
        "{}",
        shown.html
    );
    assert!(shown.html.contains(r#"value="new.example""#));
    assert_eq!(browser.get(A).await.status, 404);
    assert_eq!(browser.get("/sites/new.example").await.status, 200);
    let former = web.app.store.former_domains(date(2026, 11, 24)).await;
    assert_eq!(former.unwrap().len(), 2);
}

async fn the_zone_is_changed_until_something_is_counted(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    let path = format!("{A}/settings/general/timezone");
    refuses(
        &browser,
        &path,
        &[
            (&[("timezone", "Mars/Base")], "Time zone: "),
            (&[("timezone", "")], "Time zone: "),
        ],
    )
    .await;
    let shown = done(&browser, &path, &[("timezone", "Asia/Tokyo")]).await;
    assert!(shown.html.contains("The time zone is changed."));
    assert!(shown.html.contains(r#"value="Asia/Tokyo""#));
    count_something(&web).await;
    let fixed = browser.get(&format!("{A}/settings/general")).await;
    assert!(fixed.html.contains("<b>Asia/Tokyo</b>"));
    assert!(!fixed.html.contains(r#"name="timezone""#));
    let refused = browser.post(&path, &[("timezone", "UTC")]).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused
            .problem()
            .starts_with("Time zone: the site has counts"),
        "{}",
        refused.problem()
    );
}

async fn the_export_is_a_zip_of_the_days_asked_for(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    count_something(&web).await;
    let path = format!("{A}/settings/data");
    let page = browser.get(&path).await;
    assert!(
        page.html
            .contains("Without dates all of it: 2026-11-23 to 2026-11-23."),
        "{}",
        page.html
    );
    for query in [
        "",
        "?from=&to=&format=plausible-csv",
        "?format=cubes&from=2026-11-23",
    ] {
        let zip = browser.get(&format!("{path}/export{query}")).await;
        assert_eq!(zip.status, 200, "{query}");
        assert_eq!(zip.header("content-type"), "application/zip");
        assert_eq!(
            zip.header("content-disposition"),
            "attachment; filename=\"a.example-2026-11-23-2026-11-23.zip\""
        );
        assert!(zip.html.starts_with("PK"));
    }
    for (query, says) in [
        ("from=23.11.2026", "From: a date such as 2026-11-23."),
        ("to=2026-13-01", "To: a date such as 2026-11-23."),
        (
            "from=2026-11-23&to=2026-11-22",
            "From: 2026-11-23 is after 2026-11-22.",
        ),
        ("format=xls", "What: there are plausible-csv and cubes."),
    ] {
        let refused = browser.get(&format!("{path}/export?{query}")).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (400, says));
    }
}

async fn imports_are_listed_with_the_command(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    let site = id(&web, "a.example").await;
    let settings = shared::settings::Settings::default();
    for (name, sha256, is_done) in [("old.zip", [1; 32], true), ("log.gz", [2; 32], false)] {
        let store = &web.app.store;
        let begun = store.begin_import(site, sha256, name, false, date(2026, 11, 20), &settings);
        begun.await.unwrap();
        if is_done {
            store.finish_import(site, &sha256).await.unwrap();
        }
    }
    let page = browser.get(&format!("{A}/settings/data")).await;
    for text in [
        "<code>dayfly import --site a.example FILE</code>",
        r#"<b>old.zip</b> <span class="hint">imported on 2026-11-20</span>"#,
        r#"<b>log.gz</b> <span class="hint">begun on 2026-11-20, not whole: run"#,
    ] {
        assert!(page.html.contains(text), "{text}: {}", page.html);
    }
}
