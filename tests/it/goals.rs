//! Goals and funnels, from the command line that defines them to the completions that arrive.

use serde_json::{Value, json};

use crate::events::count;
use crate::stored::{stored, until_stored};
use crate::system::{Options, SITE, System};

#[tokio::test]
async fn goals_and_the_steps_of_a_funnel_in_their_order() {
    let mut system = System::aggregator_alone_with(Options::default()).await;
    for goal in [
        &["--page", "/shop/**"][..],
        &["--event", "Add"],
        &["--page", "/thanks"],
        &["--page", "/blog/*", "--scroll", "75"],
    ] {
        system.dayfly(&[&["goal", "add", SITE], goal].concat());
    }
    system.dayfly(&["funnel", "add", SITE, "--name", "Buy", "1", "2", "3"]);
    system.start_edge().await;
    let view = |path: &str| json!({"n": "pageview", "u": format!("https://a.example{path}")});
    let add = || json!({"n": "Add", "u": "https://a.example/shop/1"});
    let scroll = |path: &str, sd: u8| json!({"n": "engagement", "u": format!("https://a.example{path}"), "sd": sd});
    for (visitor, events) in [
        (
            "buyer",
            vec![
                view("/shop/1"),
                view("/shop/2"),
                add(),
                add(),
                view("/thanks"),
            ],
        ),
        (
            "again",
            vec![
                view("/shop/1"),
                add(),
                view("/thanks"),
                view("/shop/1"),
                add(),
                view("/thanks"),
            ],
        ),
        ("backwards", vec![view("/thanks"), add(), view("/shop/1")]),
        ("skips", vec![view("/shop/1"), view("/thanks"), add()]),
        (
            "returns",
            vec![view("/thanks"), view("/shop/1"), view("/"), add()],
        ),
        (
            "reader",
            vec![
                view("/blog/a"),
                scroll("/blog/a", 74),
                scroll("/blog/a", 75),
                scroll("/blog/a", 100),
                view("/blog/a/b"),
                scroll("/blog/a/b", 100),
                view("/blog/b"),
                scroll("/blog/b", 80),
            ],
        ),
    ] {
        for event in events {
            count(&system, visitor, event).await;
        }
    }
    let columns = ["goal", "completions", "day_goal_visitors"];
    let rows = vec![
        json!(["1", 7, 5]),
        json!(["2", 7, 5]),
        json!(["3", 6, 5]),
        json!(["4", 2, 1]),
    ];
    until_stored(&system, "goals", &columns, rows).await;
    let rows = vec![json!(["4", "/blog/a", 1, 1]), json!(["4", "/blog/b", 1, 1])];
    let columns = ["goal", "page", "completions", "day_goal_page_visitors"];
    let found = stored(&system, "goals", &columns).await;
    let of_scroll: Vec<Value> = found.into_iter().filter(|row| row[0] == "4").collect();
    assert_eq!(of_scroll, rows);
    let rows = vec![
        json!(["1", "1", 5]),
        json!(["1", "2", 4]),
        json!(["1", "3", 2]),
    ];
    until_stored(
        &system,
        "funnels",
        &["funnel", "step", "funnel_visitors"],
        rows,
    )
    .await;
}
