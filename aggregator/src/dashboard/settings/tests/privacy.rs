//! What is counted of whom, and for how long it is kept.

use shared::settings::{Detail, Signal};

use super::*;

on_both_engines!(
    privacy_is_saved_whole,
    what_would_delete_counts_is_confirmed,
);

fn fields<'a>(months: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let fixed = [
        ("gpc", "drop"),
        ("dnt", "page-view"),
        ("detail", "totals"),
        ("months", months),
    ];
    fixed.into_iter().chain(more.iter().copied()).collect()
}

async fn privacy_is_saved_whole(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    let path = format!("{A}/settings/privacy");
    let page = browser.get(&path).await;
    for on in [
        r#"name="gpc" value="page-view" checked"#,
        r#"name="dnt" value="count" checked"#,
        r#"name="clean_paths" checked"#,
        r#"name="detail" value="cross" checked"#,
        r#"name="months" type="number" inputmode="numeric" min="1" max="1200" value="25""#,
    ] {
        assert!(page.html.contains(on), "{on}: {}", page.html);
    }
    let shown = done(&browser, &path, &fields("36", &[])).await;
    assert!(shown.html.contains(r#"name="gpc" value="drop" checked"#));
    assert!(!shown.html.contains(r#"name="clean_paths" checked"#));
    let site = id(&web, "a.example").await;
    let settings = web.app.store.settings_of(site).await.unwrap();
    assert_eq!(
        (
            settings.gpc,
            settings.dnt,
            settings.detail,
            settings.clean_paths
        ),
        (Signal::Drop, Signal::PageView, Detail::Totals, false)
    );
    assert_eq!(web.app.store.kept_months(site).await.unwrap(), 36);
    done(&browser, &path, &fields("36", &[("clean_paths", "on")])).await;
    assert!(web.app.store.settings_of(site).await.unwrap().clean_paths);
    for (sent, says) in [
        (
            fields("0", &[]),
            "Months: counts are kept for 1 to 1200 months.",
        ),
        (
            fields("1201", &[]),
            "Months: counts are kept for 1 to 1200 months.",
        ),
        (
            fields("many", &[]),
            "Months: a whole number from 1 to 1200.",
        ),
    ] {
        let refused = browser.post(&path, &sent).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (400, says));
        assert!(refused.html.contains(r#"name="gpc" value="drop" checked"#));
    }
    for name in ["gpc", "dnt", "detail"] {
        let mut sent = fields("36", &[]);
        sent.iter_mut().find(|it| it.0 == name).unwrap().1 = "x";
        let refused = browser.post(&path, &sent).await;
        assert_eq!(refused.status, 400);
        assert!(refused.html.contains(&format!("{name}: there are ")));
    }
}

async fn what_would_delete_counts_is_confirmed(place: Place) {
    let web = owned(&place).await;
    let browser = owner(&web).await;
    let path = format!("{A}/settings/privacy");
    count_something(&web).await;
    let site = id(&web, "a.example").await;
    web.clock.advance_ms(70 * 24 * 3_600_000);
    let browser_later = match browser.is_in().await {
        true => browser,
        false => owner(&web).await,
    };
    let kept = async || web.app.store.kept_months(site).await.unwrap();
    // Three months ago nothing was counted.
    done(&browser_later, &path, &fields("3", &[])).await;
    assert_eq!(kept().await, 3);
    let asked = browser_later.post(&path, &fields("2", &[])).await;
    assert_eq!(asked.status, 400);
    assert_eq!(
        asked.problem(),
        "Months: this deletes what was counted before 2026-12-01. Confirm it."
    );
    assert!(
        asked
            .html
            .contains("<b>Delete what was counted before 2026-12-01</b>")
    );
    assert_eq!(kept().await, 3);
    done(&browser_later, &path, &fields("2", &[("deletes", "on")])).await;
    assert_eq!(kept().await, 2);
}
