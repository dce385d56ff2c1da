//! What the lists of a site's page tell: the map, properties, revenue; to whom, and what is refused.

use shared::call::Revenue;
use shared::settings::GoalKind;

use super::super::super::account::tests::{Browser, HTTP, Web};
use super::*;
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    a_country_on_the_map_filters_by_it,
    properties_are_lists_of_their_values,
    only_properties_that_are_named_are_shown,
    a_key_that_somebody_made_up_is_text,
    many_properties_are_chosen_from_a_menu,
    goals_tell_their_rate_and_revenue,
);

const A: &str = "/sites/a.example";
const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 23);

/// What somebody did: who, from where, an event (none is a page view), its properties, cents.
type Did<'a> = (usize, &'a str, &'a str, &'a [(&'a str, &'a str)], u64);

const SHOP: [Did<'static>; 10] = [
    (1, "DE", "", &[], 0),
    (2, "DE", "", &[], 0),
    (3, "DE", "", &[], 0),
    (4, "MT", "", &[], 0),
    (5, "XK", "", &[], 0),
    (6, "", "", &[], 0),
    (1, "DE", "Signup", &[("plan", "pro"), ("team", "x")], 0),
    (2, "DE", "Signup", &[("plan", "free")], 0),
    (1, "DE", "Order", &[("plan", "pro")], 1_250),
    (1, "DE", "Order", &[("plan", "pro")], 750),
];

/// An owner's browser, at a site where that was done today.
async fn at<'a>(web: &'a Web, all: &[Did<'_>]) -> Browser<'a> {
    web.role("owner@example.com", "a.example", Role::Owner)
        .await;
    let site = web.app.store.site("a.example").await.unwrap().unwrap();
    for name in ["Signup", "Order"] {
        let kind = GoalKind::Event { name: name.into() };
        web.app.store.add_goal(site.id, kind, None).await.unwrap();
    }
    let address = ClientAddress::parse("203.0.113.9").unwrap();
    let salt = Salt::from_random([1; 32]);
    let mut day = Day::default();
    let mut people: HashMap<usize, Visitor> = HashMap::new();
    for (who, country, event, props, cents) in all {
        let hit = Hit {
            visitor: Some(VisitorHash::new(&salt, 1, TODAY, address, &who.to_string())),
            at_s: 36_000,
            kind: match *event {
                "" => HitKind::PageView,
                name => HitKind::Custom {
                    name,
                    interactive: true,
                },
            },
            page: "/",
            host: "a.example",
            client: [country, "Desktop", "Firefox", "1", "Linux", ""],
            traffic: [""; 8],
            props: props.to_vec(),
            revenue: (*cents > 0).then_some(Revenue {
                currency: "EUR",
                milli: cents * 10,
            }),
            goals: match *event {
                "Signup" => vec![1],
                "Order" => vec![2],
                _ => Vec::new(),
            },
            steps: Vec::new(),
        };
        let _ = day.apply(people.entry(*who).or_default(), &hit);
    }
    for visitor in people.values_mut() {
        day.end_visit(visitor);
    }
    day.take_delta();
    let source = Source {
        site: site.id,
        date: TODAY,
        shard: 0,
        incarnation: "0".repeat(32),
    };
    let batch = day.seal(source, 1, false, true);
    let applied = web.app.store.apply_batch(&batch, [1; 32], NOON_MS);
    applied.await.unwrap();
    web.logged_in("owner@example.com").await
}

/// A panel of a page, as it is sent.
async fn panel(browser: &Browser<'_>, query: &str, id: &str) -> String {
    let page = browser.get(&format!("{A}{query}")).await;
    assert_eq!(page.status, 200, "{query}");
    let begin = format!("<section class=\"card\" id=\"{id}\">");
    if !page.html.contains(&begin) {
        return String::new();
    }
    page.between(&begin, "</section>").to_owned()
}

/// The cells of a table, row by row, without what is markup.
fn rows(html: &str) -> Vec<Vec<String>> {
    let text = |cell: &str| {
        let parts = cell.split('<').enumerate();
        let parts = parts.map(|(at, part)| match at {
            0 => part,
            _ => part.split_once('>').map_or("", |(_, text)| text),
        });
        parts.collect::<String>().trim().to_owned()
    };
    let rows = html.split("<tr>").skip(1);
    let cells = |row: &str| {
        let row = row.split("</tr>").next().unwrap_or_default();
        let row = row.replace("<td", "<th").replace("</td>", "</th>");
        let cells = row.split("</th>").map(text);
        cells.filter(|cell| !cell.is_empty()).collect()
    };
    rows.map(cells).collect()
}

async fn a_country_on_the_map_filters_by_it(place: Place) {
    let web = Web::start(&place).await;
    let browser = at(&web, &SHOP).await;
    let shown = panel(&browser, "", "countries").await;
    for (code, told) in [
        ("DE", "Germany: 3 visitors"),
        ("MT", "Malta: 1 visitor"),
        ("XK", "Kosovo: 1 visitor"),
    ] {
        let link =
            format!("<a href=\"?filter=is%2Cvisit%3Acountry%2C{code}\"><title>{told}</title>");
        assert_eq!(shown.matches(&link).count(), 1, "{link}: {shown}");
    }
    assert!(shown.contains("role=\"group\""), "its links can be reached");
    assert!(shown.contains("<p>Not on the map: Unknown 1</p>"));
    assert!(
        !shown.contains("style="),
        "refused by the policy of content"
    );
    assert_eq!(rows(&shown)[1], ["Germany", "3", "3"]);
    let list = panel(&browser, "?countries=country", "countries").await;
    assert!(!list.contains("class=\"map\""));
    assert_eq!(rows(&list)[1..], rows(&shown)[1..]);
    // A map is no list of its own, nor by its name something to filter by.
    assert_eq!(browser.get(&format!("{A}/list/map")).await.status, 404);
    assert_eq!(browser.get(&format!("{A}/list/country")).await.status, 200);
    let page = browser.get(A).await;
    assert_eq!(
        page.html
            .matches("<option value=\"visit:country\">")
            .count(),
        1
    );
    let filtered = panel(&browser, "?filter=is,visit:country,MT", "countries").await;
    assert!(filtered.contains("Malta: 1 visitor") && !filtered.contains("Germany"));
}

async fn properties_are_lists_of_their_values(place: Place) {
    let web = Web::start(&place).await;
    let browser = at(&web, &SHOP).await;
    let of_plan = [
        vec!["plan", "Visitors", "Events", "Share"],
        vec!["free", "1", "1", "16.7%"],
        // Of several events: whoever did both is not known to be one.
        vec!["pro", "≈\u{202f}2", "3", "≈\u{202f}33.3%"],
    ];
    let mut shown = rows(&panel(&browser, "", "properties").await);
    shown.sort();
    assert_eq!(shown, {
        let mut wanted = of_plan.clone();
        wanted.sort();
        wanted
    });
    let shown = panel(&browser, "?properties=team", "properties").await;
    assert!(shown.contains("aria-current=\"true\">team</a>"), "{shown}");
    assert_eq!(rows(&shown)[1], ["x", "1", "1", "16.7%"]);
    // Under a goal how many of all did; a value filters.
    let signup = "?filter=is,event:goal,Signup&properties=plan";
    let shown = panel(&browser, signup, "properties").await;
    assert_eq!(rows(&shown)[0], ["plan", "Visitors", "Events", "Rate"]);
    assert_eq!(rows(&shown)[2], ["pro", "1", "1", "16.67%"]);
    assert!(
        shown.contains("filter=is%2Cevent%3Aprops%3Aplan%2Cpro"),
        "{shown}"
    );
    let filtered = panel(&browser, "?filter=is,event:props:plan,free", "properties").await;
    assert_eq!(rows(&filtered)[1..], [["free", "1", "1", "100%"]]);
    // What is counted apart says so.
    let apart = panel(&browser, "?filter=is,event:page,/", "properties").await;
    assert!(apart.contains("Not told under these filters"), "{apart}");
    // All of them, searched, and as values; whatever a key looks like.
    let list = browser
        .get(&format!("{A}/list/property?properties=plan&search=PR"))
        .await;
    assert_eq!(
        rows(list.between("<table", "</table>"))[1..],
        [of_plan[2][..3].to_vec()]
    );
    assert!(list.html.contains("<h1>Property plan</h1>"));
    let csv = browser
        .get(&format!("{A}/list/property.csv?properties=plan"))
        .await;
    let lines: Vec<&str> = csv.html.lines().collect();
    assert!(lines[0].starts_with("plan,visitors,visitors_lower,visitors_upper,events,percentage"));
    assert!(lines[1].starts_with("pro,2,1,2,3,33.3,") && lines[2].starts_with("free,1,1,1,1,"));
    assert_eq!(lines.len(), 3);
    let long = format!("?properties={}", "x".repeat(301));
    for refused in ["", "?properties=", long.as_str()] {
        let answer = browser.get(&format!("{A}/list/property{refused}")).await;
        assert_eq!(answer.status, 404, "{refused}");
    }
    // Another period has none.
    assert_eq!(panel(&browser, "?period=yesterday", "properties").await, "");
}

async fn only_properties_that_are_named_are_shown(place: Place) {
    let web = Web::start(&place).await;
    let browser = at(&web, &SHOP).await;
    let site = web.app.store.site("a.example").await.unwrap().unwrap();
    web.app.store.show_prop(site.id, "team").await.unwrap();
    let shown = panel(&browser, "?properties=plan", "properties").await;
    assert_eq!(rows(&shown)[0][0], "team");
    assert!(!shown.contains("plan</a>"), "{shown}");
    let list = |key: &str| format!("{A}/list/property?properties={key}");
    assert_eq!(browser.get(&list("plan")).await.status, 404);
    assert_eq!(browser.get(&list("team")).await.status, 200);
    web.app.store.show_prop(site.id, "never").await.unwrap();
    web.app.store.hide_prop(site.id, "team").await.unwrap();
    assert_eq!(panel(&browser, "", "properties").await, "");
    // A guest under a threshold is told none, whatever is named.
    web.app.store.hide_prop(site.id, "never").await.unwrap();
    web.app.store.set_public(site.id, Some(5)).await.unwrap();
    web.clock.advance_ms(86_400_000);
    let guest = web.browser(HTTP);
    let range = "?from=2026-11-23&to=2026-11-23&properties=plan";
    let page = guest.get(&format!("/public/a.example{range}")).await;
    assert_eq!(page.status, 200);
    assert!(
        page.html.contains("<span id=\"visitors\">6</span>"),
        "{}",
        page.html
    );
    for hidden in ["id=\"properties\"", "event:props", ">pro<"] {
        assert!(!page.html.contains(hidden), "{hidden}: {}", page.html);
    }
    let list = guest
        .get(&format!("/public/a.example/list/property{range}"))
        .await;
    assert_eq!(list.status, 404);
}

async fn a_key_that_somebody_made_up_is_text(place: Place) {
    let web = Web::start(&place).await;
    let key = "=1&b=<script>/..%2f.csv";
    let browser = at(&web, &[(1, "DE", "Signup", &[(key, "<b>v</b>")], 0)]).await;
    let page = browser.get(A).await;
    assert!(
        !page.html.contains("<script>/") && !page.html.contains("<b>v"),
        "{}",
        page.html
    );
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("properties", key)
        .finish();
    let list = browser.get(&format!("{A}/list/property?{query}")).await;
    assert_eq!(
        rows(list.between("<table", "</table>"))[1][1..],
        ["1", "1", "100%"]
    );
    let csv = browser.get(&format!("{A}/list/property.csv?{query}")).await;
    assert!(csv.html.starts_with("'=1&b="), "{}", csv.html);
}

async fn many_properties_are_chosen_from_a_menu(place: Place) {
    let web = Web::start(&place).await;
    let keys: Vec<String> = (0..120).map(|n| format!("key {n:03}")).collect();
    let props: Vec<Vec<(&str, &str)>> = keys.iter().map(|key| vec![(key.as_str(), "v")]).collect();
    let all = props
        .iter()
        .map(|props| (1, "DE", "Signup", props.as_slice(), 0));
    let browser = at(&web, &all.collect::<Vec<Did>>()).await;
    let shown = panel(&browser, "?period=7d&properties=key+007", "properties").await;
    assert_eq!(shown.matches("<option").count(), 100, "{shown}");
    assert!(
        shown.contains("<option selected>key 007</option>"),
        "{shown}"
    );
    assert!(shown.contains("<input type=\"hidden\" name=\"period\" value=\"7d\">"));
    assert!(
        !shown.contains("type=\"hidden\" name=\"properties\""),
        "{shown}"
    );
    assert_eq!(rows(&shown)[1], ["v", "1", "1", "100%"]);
}

async fn goals_tell_their_rate_and_revenue(place: Place) {
    let web = Web::start(&place).await;
    let browser = at(&web, &SHOP).await;
    let shown = rows(&panel(&browser, "", "events").await);
    assert_eq!(shown[0], ["Goal", "Visitors", "Rate", "Revenue"]);
    assert_eq!(shown[1], ["Signup", "2", "33.33%", "–"]);
    assert_eq!(shown[2], ["Order", "1", "16.67%", "€20.0"]);
    let list = browser.get(&format!("{A}/list/goal")).await;
    let listed = rows(list.between("<table", "</table>"));
    assert_eq!(listed[2], ["Order", "1", "2", "16.67%", "€20.00", "€10.00"]);
    // Where nothing was sold there is no column of it, nor where it is counted apart.
    let without = panel(&browser, "?filter=is,visit:country,MT", "events").await;
    assert!(!without.contains("Revenue"), "{without}");
    let apart = rows(&panel(&browser, "?filter=is,event:page,/", "events").await);
    assert_eq!(apart[0], ["Goal", "Visitors", "Rate"]);
}
