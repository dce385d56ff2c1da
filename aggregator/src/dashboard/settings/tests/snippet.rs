//! The line, its options, and waiting for what it sends.

use super::*;

on_both_engines!(
    the_page_looks_again_until_the_first_page_view_is_in,
    the_line_has_the_options_that_were_chosen,
);

fn path(query: &str) -> String {
    format!("{A}/settings/snippet{query}")
}

async fn the_page_looks_again_until_the_first_page_view_is_in(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    for (query, refresh) in [
        ("", "3"),
        ("?done=site", "3"),
        ("?wait=on", "3"),
        ("?wait=off", ""),
        ("?choose=on", ""),
    ] {
        let page = browser.get(&path(query)).await;
        assert_eq!(page.header("refresh"), refresh, "{query}");
        let says = "Waiting for the first page view.";
        assert_eq!(page.html.contains(says), refresh == "3", "{query}");
        assert!(
            page.html
                .contains("The edge has not been heard since this server started")
        );
    }
    web.app.edge_was_heard();
    // Something came that does not count.
    let site = id(&web, "a.example").await;
    let all = crate::store::tests::batch(site, 1);
    let dropped = shared::batch::Batch {
        minutes: Vec::new(),
        pages: Vec::new(),
        visits: Vec::new(),
        exits: Vec::new(),
        ..all.clone()
    };
    let apply = async |batch: &shared::batch::Batch| {
        let applied = web.app.store.apply_batch(batch, [1; 32], NOON_MS).await;
        assert_eq!(applied.unwrap(), crate::store::Applied::Now);
    };
    apply(&dropped).await;
    let page = browser.get(&path("")).await;
    assert_eq!(page.header("refresh"), "3");
    assert!(
        page.html.contains("<li>Programs (bots): <b>2</b></li>"),
        "{}",
        page.html
    );
    assert!(
        page.html
            .contains("The edge was last heard at 2026-11-23 12:00.")
    );
    let seen = shared::batch::Batch { seq: 2, ..all };
    apply(&seen).await;
    let page = browser.get(&path("?done=site")).await;
    assert_eq!(page.header("refresh"), "");
    assert!(
        page.html.contains(
            "<b>Page views arrive.</b> 3 page views in the last 24 hours, the latest at 2026-11-23 11:59."
        ),
        "{}",
        page.html
    );
    assert!(
        page.html
            .contains(r#"<a class="button" href="/sites/a.example">"#)
    );
    assert!(!page.html.contains("The site is added."));
    // Two days later: there was something, and nobody waits unless they say so.
    web.clock.advance_ms(2 * 24 * 3_600_000);
    let sites = web.app.store.sites().await.unwrap();
    let now_ms = web.app.clock.now_ms();
    web.app.store.forget_minutes(&sites, now_ms).await.unwrap();
    for (query, refresh) in [("", ""), ("?wait=on", "3"), ("?wait=off", "")] {
        let page = browser.get(&path(query)).await;
        assert_eq!(page.header("refresh"), refresh, "{query}");
        assert!(page.html.contains("No page view in the last 24 hours."));
    }
}

async fn the_line_has_the_options_that_were_chosen(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    for (query, attributes) in [
        ("", ""),
        (
            "?outbound=on&forms=on",
            " data-track=&#34;outbound forms&#34;",
        ),
        (
            "?hash=on&manual=on&local=on&downloads=off",
            " data-hash data-manual data-local",
        ),
        (
            "?exclude=%2Fadmin%2F**%2C%2Fx",
            " data-exclude=&#34;/admin/**,/x&#34;",
        ),
    ] {
        let page = browser.get(&path(query)).await;
        let line = format!(
            "<code>&#60;script defer data-domain=&#34;a.example&#34;{attributes} src=&#34;http://edge.example/js/script.js&#34;&#62;&#60;/script&#62;</code>"
        );
        assert!(page.html.contains(&line), "{query}: {}", page.html);
        // Whoever goes on choosing finds them.
        if query.contains("exclude") {
            let link = format!("{}choose=on&#38;exclude=%2Fadmin%2F**%2C%2Fx", path("?"));
            assert!(page.html.contains(&link), "{}", page.html);
        }
    }
    let long = format!("/{}", "x".repeat(500));
    for (exclude, says) in [
        ("%22%20onload=%22", "Pages that send nothing: write paths"),
        ("/a%20b", "Pages that send nothing: write paths"),
        ("admin", "Pages that send nothing: each begins with a slash"),
        ("/a,", "Pages that send nothing: each begins with a slash"),
        (&long, "Pages that send nothing: more than 500 characters."),
    ] {
        let refused = browser.get(&path(&format!("?exclude={exclude}"))).await;
        assert_eq!(refused.status, 400, "{exclude}");
        assert!(refused.problem().starts_with(says), "{}", refused.problem());
        assert!(!refused.html.contains("data-exclude"));
        assert_eq!(refused.header("refresh"), "");
    }
}
