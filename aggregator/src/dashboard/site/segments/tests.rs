//! Saved segments on the pages: who sees, applies and changes which, and what is refused.

use serde_json::json;
use shared::settings::GoalKind;

use super::super::super::account::tests::{Answer, Browser, HTTP, NOON_MS, Web};
use super::*;
use crate::store::tests::engines::on_both_engines;
use crate::store::{NewKey, NewSharedLink, Place, Scope};

on_both_engines!(
    filters_are_saved_applied_and_combined,
    each_role_changes_what_it_may,
    what_is_wrong_is_said_and_what_was_typed_stays,
    guests_neither_see_nor_use_segments,
    a_goal_that_is_gone_is_told,
    programs_ask_by_those_of_the_site,
);

const A: &str = "/sites/a.example";
const AT: &str = "/sites/a.example/segments";
/// The page that is counted, and one that is not.
const HERE: &str = "filter=is%2Cevent%3Apage%2C%2F";
const NOWHERE: &str = "filter=is%2Cevent%3Apage%2C%2Fnowhere";

/// A site with counts, an admin elsewhere, and one of each role.
async fn counted(place: &Place) -> Web {
    let web = Web::start(place).await;
    web.account("admin@example.com").await;
    for role in Role::ALL {
        let mail = format!("{}@example.com", role.as_str());
        web.role(&mail, "a.example", role).await;
    }
    let batch = crate::store::tests::batch(site(&web, "a.example").await, 1);
    let applied = web.app.store.apply_batch(&batch, [1; 32], NOON_MS).await;
    applied.unwrap();
    web
}

async fn site(web: &Web, domain: &str) -> u32 {
    web.app.store.site(domain).await.unwrap().unwrap().id
}

/// Sends a form that is taken; gives the page that it leads to, and its address.
async fn done(browser: &Browser<'_>, path: &str, fields: &[(&str, &str)]) -> (String, Answer) {
    let sent = browser.post(path, fields).await;
    assert_eq!(sent.status, 303, "{path} {fields:?}: {}", sent.html);
    let to = sent.header("location").to_owned();
    let shown = browser.get(&to).await;
    assert_eq!(shown.status, 200, "{to}: {}", shown.html);
    (to, shown)
}

/// Saves the filters of a state; gives the segment's number.
async fn saved(browser: &Browser<'_>, state: &str, name: &str, of: &str) -> String {
    let fields = [("state", state), ("name", name), ("for", of)];
    let (to, _) = done(browser, AT, &fields).await;
    let (_, id) = to.split_once("segment=").unwrap();
    id.split('&').next().unwrap().to_owned()
}

fn views(answer: &Answer) -> &str {
    let (_, rest) = answer.html.split_once("id=\"pageviews\"").unwrap();
    rest.split_once('>').unwrap().1.split_once('<').unwrap().0
}

async fn filters_are_saved_applied_and_combined(place: Place) {
    let web = counted(&place).await;
    let browser = web.logged_in("editor@example.com").await;
    let plain = browser.get(A).await;
    assert!(plain.html.contains("<summary>Segments</summary>"));
    assert!(
        !plain.html.contains("Save as segment"),
        "no filters are set"
    );
    let filtered = browser.get(&format!("{A}?period=7d&{HERE}")).await;
    assert!(filtered.html.contains("Save as segment"));
    let state = format!("period=7d&{HERE}");
    let sent = state.replace('&', "&#38;");
    assert!(filtered.html.contains(&format!(r#"value="{sent}""#)));
    let fields = [
        ("state", state.as_str()),
        ("name", "Front"),
        ("for", "members"),
    ];
    let (to, applied) = done(&browser, AT, &fields).await;
    assert!(to.starts_with(&format!("{A}?period=7d&segment=")), "{to}");
    assert!(!to.contains("filter="), "{to}");
    assert_eq!(views(&applied), views(&filtered));
    assert!(applied.html.contains("Segment: Front"));
    assert!(applied.html.contains("aria-current=\"true\">Front</a>"));
    // Beside another filter; the list and its CSV, too.
    let none = browser.get(&format!("{to}&{NOWHERE}")).await;
    assert!(
        none.html
            .contains("Nothing was counted in this period under these")
    );
    assert!(none.html.contains("Segment: Front") && none.html.contains("Page is /nowhere"));
    let query = to.split_once('?').unwrap().1;
    for list in ["page", "page.csv"] {
        let of = async |query: &str| browser.get(&format!("{A}/list/{list}?{query}")).await;
        let (with, filter) = (of(query).await, of(&state).await);
        assert_eq!(with.status, 200);
        if list.ends_with("csv") {
            assert_eq!(with.html, filter.html);
        }
        let none = of(&format!("{query}&{NOWHERE}")).await;
        assert_ne!(none.html, with.html);
    }
    // All segments: this one in words, and its filters one by one.
    let all = browser.get(&format!("{AT}?{query}&{NOWHERE}")).await;
    assert!(
        all.html.contains(r#"<span class="hint">Page is /</span>"#),
        "{}",
        all.html
    );
    assert!(
        all.html
            .contains("<li>Page is /</li><li>Page is /nowhere</li>")
    );
    assert!(all.html.contains(&format!("{A}?{sent}")), "{}", all.html);
    // What is saved with a segment applied is both.
    let both = format!("{query}&{NOWHERE}");
    let id = saved(&browser, &both, "Both", "me").await;
    let segments = async || {
        let account = web.app.store.account_of("editor@example.com").await;
        let account = account.unwrap().unwrap().id;
        let site = site(&web, "a.example").await;
        let all = web.app.store.saved_segments(site, Some(account)).await;
        all.unwrap()
    };
    let here = json!(["is", "event:page", ["/"]]);
    let nowhere = json!(["is", "event:page", ["/nowhere"]]);
    let of = |all: &[SavedSegment], name: &str| {
        let mut found = all.iter();
        found.find(|one| one.name == name).unwrap().filters.clone()
    };
    assert_eq!(of(&segments().await, "Both"), json!([here, nowhere]));
    // And replaced: each filter once, whatever holds it.
    let twice = format!("{query}&{HERE}");
    let (to, _) = done(
        &browser,
        &format!("{AT}/replace"),
        &[("state", &twice), ("id", &id)],
    )
    .await;
    assert_eq!(to, format!("{A}?period=7d&segment={id}"));
    assert_eq!(of(&segments().await, "Both"), json!([here]));
    let fields = [
        ("state", twice.as_str()),
        ("id", &id),
        ("new_name", " Mine "),
    ];
    let (to, page) = done(&browser, &format!("{AT}/rename"), &fields).await;
    assert_eq!(to, format!("{AT}?{query}&{HERE}&done=renamed"));
    assert!(page.html.contains("The segment has another name."));
    assert!(page.html.contains(">Mine</a>") && !page.html.contains(">Both</a>"));
    // One that is applied and deleted is applied no more.
    let applied = format!("period=7d&segment={id}");
    let fields = [("state", applied.as_str()), ("id", &id)];
    let (to, page) = done(&browser, &format!("{AT}/delete"), &fields).await;
    assert_eq!(to, format!("{AT}?period=7d&done=deleted"));
    assert!(page.html.contains("The segment is deleted.") && !page.html.contains("Mine"));
    let gone = browser.get(&format!("{A}?{applied}")).await;
    assert_eq!(gone.status, 404);
    assert!(gone.html.contains("There is no such segment here"));
}

async fn each_role_changes_what_it_may(place: Place) {
    let web = counted(&place).await;
    web.role("far@example.com", "b.example", Role::Owner).await;
    let [viewer, editor, owner, admin, far] =
        ["viewer", "editor", "owner", "admin", "far"].map(|name| format!("{name}@example.com"));
    let owner = web.logged_in(&owner).await;
    let of_site = saved(&owner, HERE, "All of us", "members").await;
    let of_owner = saved(&owner, HERE, "Mine alone", "me").await;
    for (mail, changes) in [(&viewer, false), (&editor, true), (&admin, true)] {
        let browser = web.logged_in(mail).await;
        let page = browser.get(&format!("{A}?{HERE}")).await;
        assert!(page.html.contains("All of us") && !page.html.contains("Mine alone"));
        assert!(page.html.contains("Save as segment"));
        assert_eq!(page.html.contains("all members of the site"), changes);
        let page = browser.get(&format!("{AT}?{HERE}")).await;
        assert!(page.html.contains("All of us") && !page.html.contains("Mine alone"));
        assert_eq!(page.html.contains("/segments/rename"), changes, "{mail}");
        assert_eq!(page.html.contains("all members of the site"), changes);
        let applied = browser.get(&format!("{A}?segment={of_site}")).await;
        assert_eq!(applied.status, 200);
        // What is somebody else's own is not there, for an admin neither.
        for path in [A, AT] {
            let foreign = browser.get(&format!("{path}?segment={of_owner}")).await;
            assert_eq!(foreign.status, 404, "{mail}");
        }
        for (path, fields) in [
            ("/rename", vec![("new_name", "Stolen")]),
            ("/replace", vec![("state", HERE)]),
            ("/delete", vec![]),
        ] {
            let path = format!("{AT}{path}");
            let with = |id| [fields.clone(), vec![("id", id)]].concat();
            let foreign = browser.post(&path, &with(of_owner.as_str())).await;
            assert_eq!(foreign.status, 404, "{mail} {path}");
            if !changes {
                let refused = browser.post(&path, &with(of_site.as_str())).await;
                assert_eq!(refused.status, 403, "{mail} {path}");
                assert!(refused.html.contains("by its editors and owners"));
            }
        }
        let fields = [("state", HERE), ("name", mail.as_str()), ("for", "members")];
        let sent = browser.post(AT, &fields).await;
        assert_eq!(sent.status, if changes { 303 } else { 403 }, "{mail}");
        // Their own are theirs.
        let own = saved(&browser, HERE, "Own", "me").await;
        let fields = [("id", own.as_str()), ("new_name", "Still own")];
        done(&browser, &format!("{AT}/rename"), &fields).await;
        let fields = [("id", own.as_str()), ("state", NOWHERE)];
        done(&browser, &format!("{AT}/replace"), &fields).await;
        done(&browser, &format!("{AT}/delete"), &[("id", &own)]).await;
    }
    let page = owner.get(AT).await;
    for name in [
        "All of us",
        "Mine alone",
        "editor@example.com",
        "admin@example.com",
    ] {
        assert!(page.html.contains(name), "{name}");
    }
    assert!(!page.html.contains("viewer@example.com"));
    // At another site its number names nothing.
    let far = web.logged_in(&far).await;
    let elsewhere = "/sites/b.example";
    let applied = far.get(&format!("{elsewhere}?segment={of_site}")).await;
    assert_eq!(applied.status, 404);
    let path = format!("{elsewhere}/segments/delete");
    assert_eq!(far.post(&path, &[("id", &of_site)]).await.status, 404);
    let editor = web.logged_in(&editor).await;
    done(&editor, &format!("{AT}/delete"), &[("id", &of_site)]).await;
    assert_eq!(
        owner.get(&format!("{A}?segment={of_site}")).await.status,
        404
    );
}

async fn what_is_wrong_is_said_and_what_was_typed_stays(place: Place) {
    const EVIL: &str = "\"><script>alert('&')</script>";
    let web = counted(&place).await;
    let browser = web.logged_in("owner@example.com").await;
    let id = saved(&browser, HERE, EVIL, "members").await;
    let evil = "filter=is%2Cevent%3Aprops%3A%3Cscript%3E%2C%3Cscript%3E";
    saved(&browser, evil, "Evil filter", "me").await;
    for page in [A.to_owned(), format!("{A}?segment={id}"), AT.to_owned()] {
        let html = browser.get(&page).await.html;
        assert!(html.contains("&#60;script&#62;alert("), "{page}: {html}");
        let ours = html.matches("<script defer src=\"/assets/").count();
        assert_eq!(html.matches("<script").count(), ours, "{page}");
    }
    let long = "x".repeat(101);
    let much: String = (0..20)
        .map(|n| format!("filter=is%2Cevent%3Apage%2C%2F{n}{}&", "x".repeat(500)))
        .collect();
    let save = |state, name, of| vec![("state", state), ("name", name), ("for", of)];
    for (path, fields, says) in [
        ("", save("", "A", "me"), "Filters: set some first."),
        (
            "",
            save(HERE, "", "me"),
            "Name: a name has 1 to 100 characters.",
        ),
        (
            "",
            save(HERE, &long, "me"),
            "Name: a name has 1 to 100 characters.",
        ),
        ("", save(HERE, "a\tb", "me"), "Name: a control character."),
        ("", save(HERE, EVIL, "members"), "Name: there is a segment"),
        ("", save(&much, "Much", "me"), "Filters: as text they have"),
        (
            "",
            save("filter=is,visit:country,Germany", "A", "me"),
            "Filters: &#34;Germany&#34; is no two-letter country code",
        ),
        (
            "",
            save("filter=is,event:goal,None", "A", "me"),
            "Filters: there is no goal &#34;None&#34;",
        ),
        ("", save(HERE, "A", "all"), "for: there are me and members"),
        (
            "",
            save("filter=was,x,y", "A", "me"),
            "There is no such filter.",
        ),
        (
            "",
            save("segment=x", "A", "me"),
            "There is no such segment.",
        ),
        (
            "/rename",
            vec![("id", id.as_str()), ("new_name", &long), ("state", HERE)],
            "Name: a name has 1 to 100 characters.",
        ),
        ("/rename", vec![("id", "x")], "id: that is no number"),
        (
            "/rename",
            vec![("id", id.as_str()), ("x", "y")],
            "x: unknown field",
        ),
        (
            "/replace",
            vec![("id", id.as_str())],
            "Filters: set some first.",
        ),
        (
            "/replace",
            vec![("id", id.as_str()), ("state", &much)],
            "Filters: as text they have",
        ),
        ("/delete", vec![], "id: that is no number"),
    ] {
        let answer = browser.post(&format!("{AT}{path}"), &fields).await;
        assert_eq!(answer.status, 400, "{path} {says}");
        assert!(answer.html.contains(says), "{says}: {}", answer.html);
        let typed = fields.iter().find(|(name, _)| name.ends_with("name"));
        if let Some((_, name)) = typed.filter(|(_, name)| name.len() > 100)
            && answer.html.contains("role=\"alert\"")
        {
            assert!(answer.html.contains(&format!("value=\"{name}\"")), "{says}");
        }
    }
    for id in ["7", "-1"] {
        let answer = browser.post(&format!("{AT}/delete"), &[("id", id)]).await;
        assert_eq!(answer.status, 404);
    }
    for query in ["segment=x", "segment=-1", "segment=99999999999999999999"] {
        let answer = browser.get(&format!("{A}?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
    }
}

async fn guests_neither_see_nor_use_segments(place: Place) {
    let web = counted(&place).await;
    let owner = web.logged_in("owner@example.com").await;
    let id = saved(&owner, HERE, "Unheard of", "members").await;
    let (store, site) = (&web.app.store, site(&web, "a.example").await);
    let guest = web.browser(HTTP);
    for (k, expected) in [(5, 400), (1, 404)] {
        store.set_public(site, Some(k)).await.unwrap();
        let new = NewSharedLink {
            name: &format!("For {k}"),
            password: None,
            k,
            works_until: None,
        };
        let link = store
            .add_shared_link(site, &new, web.today())
            .await
            .unwrap();
        for base in [
            format!("/shared/{}", link.as_str()),
            "/public/a.example".to_owned(),
        ] {
            for path in ["", "/list/page", "/list/page.csv"] {
                let plain = guest.get(&format!("{base}{path}")).await;
                assert_eq!(plain.status, 200, "{base}{path}");
                for word in ["Segments", "/segments", "Unheard of", "Save as"] {
                    assert!(!plain.html.contains(word), "{base}{path}: {word}");
                }
                // Whether there is such a one makes no difference.
                let of = async |id: &str| {
                    let path = format!("{base}{path}?period=7d&segment={id}");
                    guest.get(&path).await
                };
                let (there, none) = (of(&id).await, of("7").await);
                assert_eq!(there.status, expected, "{base}{path}");
                assert_eq!((there.status, &there.html), (none.status, &none.html));
            }
        }
    }
}

async fn a_goal_that_is_gone_is_told(place: Place) {
    let web = counted(&place).await;
    let browser = web.logged_in("owner@example.com").await;
    let (store, site) = (&web.app.store, site(&web, "a.example").await);
    let kind = GoalKind::Event {
        name: "Signup".into(),
    };
    let goal = store.add_goal(site, kind, None).await.unwrap();
    let state = "filter=is%2Cevent%3Agoal%2CSignup";
    let id = saved(&browser, state, "Signed", "members").await;
    let applied = format!("{A}?segment={id}");
    let shown = browser.get(&applied).await;
    // The numbers are those of a page that is filtered by a goal.
    assert!(
        shown.html.contains("id=\"conversion_rate\""),
        "{}",
        shown.html
    );
    store.remove_goal(site, goal.goal.id).await.unwrap();
    let why = "there is no goal &#34;Signup&#34;";
    for path in [applied, format!("{A}/list/page?segment={id}")] {
        let refused = browser.get(&path).await;
        assert_eq!(refused.status, 400, "{path}");
        assert!(refused.html.contains("The segment “Signed” cannot be used"));
        assert!(refused.html.contains(why), "{}", refused.html);
    }
    let page = browser.get(&format!("{AT}?{HERE}")).await;
    assert!(page.html.contains("It cannot be used: ") && page.html.contains(why));
    // Other filters mend it.
    let fields = [("state", HERE), ("id", id.as_str())];
    let (_, mended) = done(&browser, &format!("{AT}/replace"), &fields).await;
    assert!(mended.html.contains("Segment: Signed"));
}

async fn programs_ask_by_those_of_the_site(place: Place) {
    let web = counted(&place).await;
    let browser = web.logged_in("owner@example.com").await;
    let of_site = saved(&browser, NOWHERE, "Site", "members").await;
    let own = saved(&browser, NOWHERE, "Own", "me").await;
    let site = site(&web, "a.example").await;
    let new = NewKey::of(Some(site), Scope::Stats);
    let key = web.app.store.create_key(&new, web.today()).await.unwrap();
    let ask = async |filters: serde_json::Value| {
        let body = json!({
            "site_id": "a.example", "metrics": ["pageviews"], "date_range": "day", "filters": filters,
        });
        let request = browser
            .request("POST", "/api/v2/query")
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json");
        let answer = browser
            .send(request.body(body.to_string().into()).unwrap())
            .await;
        let told: serde_json::Value = serde_json::from_str(&answer.html).unwrap();
        (answer.status.as_u16(), told)
    };
    let number = |id: &str| id.parse::<i64>().unwrap();
    let (status, all) = ask(json!([])).await;
    assert_eq!(status, 200);
    let views = &all["results"][0]["metrics"][0];
    assert!(views.as_u64().unwrap() > 0, "{all}");
    let segment = json!(["is", "segment", [number(&of_site)]]);
    let (status, none) = ask(json!([segment])).await;
    assert_eq!(
        (status, &none["results"][0]["metrics"][0]),
        (200, &json!(0))
    );
    // The echo holds what it held, and asks the same.
    assert_eq!(
        none["query"]["filters"],
        json!([["and", [["is", "event:page", ["/nowhere"]]]]])
    );
    assert_eq!(
        ask(none["query"]["filters"].clone()).await.1["results"],
        none["results"]
    );
    assert_eq!(
        ask(json!([["not", segment]])).await.1["results"],
        all["results"]
    );
    // What is somebody's own is no program's.
    let (status, refused) = ask(json!([["is", "segment", [number(&own)]]])).await;
    assert_eq!(status, 400);
    let problem = format!("filters/0/2/0: the site has no segment {own}");
    assert_eq!(refused["error"], problem.as_str());
    // The first API, too.
    let path = format!(
        "/api/v1/stats/aggregate?site_id=a.example&period=day&metrics=pageviews&filters=segment=={of_site}"
    );
    let request = browser.request("GET", &path);
    let request = request.header("authorization", format!("Bearer {key}"));
    let answer = browser
        .send(request.body(String::new().into()).unwrap())
        .await;
    let told: serde_json::Value = serde_json::from_str(&answer.html).unwrap();
    assert_eq!(told["results"]["pageviews"]["value"], 0);
}
