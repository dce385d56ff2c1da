//! `dayfly query`: the database here and a running server answer the same.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::system::{SITE, System};

/// Page views of 23 November, of a dozen visitors who see two or three pages each.
fn events() -> String {
    let mut lines = String::new();
    for n in 0..30 {
        let (source, country) = (
            ["", "https://www.google.com/"][n % 2],
            ["DE", "FR"][n / 3 % 2],
        );
        let event = json!({
            "time": format!("2026-11-23T{:02}:00:00Z", 8 + n % 10), "visitor": format!("v{}", n % 12),
            "n": "pageview", "u": format!("https://{SITE}/{}", n % 5), "r": source,
            "country": country,
        });
        writeln!(lines, "{event}").unwrap();
    }
    lines
}

#[tokio::test]
async fn the_database_and_a_server_answer_the_same() {
    let system = System::aggregator_alone().await;
    let file = system.data.path().join("events.jsonl");
    std::fs::write(&file, events()).unwrap();
    system.dayfly(&["import", "--site", SITE, file.to_str().unwrap()]);
    let key = system.api_key();
    let server = system.dashboard_url("");
    let ask = |more: &[&str]| {
        let here = [
            &["query", "--site", SITE, "--range", "2026-11-23,2026-11-23"],
            more,
        ]
        .concat();
        let there = [&here, &["--server", &server, "--key", &key][..]].concat();
        let told = system.dayfly(&here);
        assert_eq!(system.dayfly(&there), told, "{more:?}");
        told
    };
    let told = ask(&[]);
    let squeezed: Vec<String> = told
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        squeezed,
        [
            "visitors pageviews",
            "12 30",
            "",
            "1 of 1 rows, 2026-11-23 to 2026-11-23"
        ]
    );
    let told = ask(&[
        "--by",
        "event:page",
        "--order",
        "event:page:asc",
        "--limit",
        "2",
    ]);
    assert!(told.contains("2 of 5 rows"), "{told}");
    let told = ask(&[
        "--by",
        "visit:source",
        "--filter",
        "visit:country==DE",
        "--format",
        "csv",
    ]);
    assert!(told.starts_with("source,visitors,pageviews\n"), "{told}");
    let told = ask(&[
        "--format",
        "json",
        "--filter",
        r#"["is","event:page",["/0"]]"#,
    ]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["results"][0]["metrics"][1], 6);
    // Who saw one of two pages or both.
    let told = ask(&["--metrics", "visitors", "--filter", "event:page==/0|/1"]);
    assert!(told.contains('≈') && told.contains("an estimate"), "{told}");
    for (arguments, error) in [
        (&["--metrics", "x"][..], "metrics/0: unknown metric"),
        (&["--filter", "visit:os"], "filter: condition 1"),
        (&["--range", "1 week"], "date_range: unknown range"),
        (&["--server", &server], "key: a server wants one"),
        (
            &["--server", &server, "--key", "x"],
            "there is no such key: it is mistyped",
        ),
        (
            &["--server", "http://127.0.0.1:9", "--key", "x"],
            "server: http://127.0.0.1:9",
        ),
    ] {
        let output = system.dayfly_output(&[&["query", "--site", SITE], arguments].concat());
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(error), "{told}");
        assert!(output.stdout.is_empty());
    }
}
