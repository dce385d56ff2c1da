//! What owners decide on the command line while the server runs, and that the edge is told.

use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

use crate::channel::send;
use crate::system::{KEY, SITE, System, dayfly, free_port};

async fn roster(system: &System) -> Value {
    let answer = send(system, Method::GET, "/edge/v1/roster", Vec::new(), 0).await;
    answer.json().await.unwrap()
}

fn assert_refused(system: &System, arguments: &[&str], error: &str) {
    let output = system.dayfly_output(arguments);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains(error), "{told}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
}

#[tokio::test]
async fn a_site_is_set_and_shown_and_the_edge_is_told() {
    let system = System::aggregator_alone().await;
    let before = roster(&system).await;
    let settings = &before["sites"][0]["settings"];
    assert_eq!(
        (&settings["gpc"], &settings["dnt"]),
        (&json!("page-view"), &json!("count"))
    );
    assert_eq!(settings["clean_paths"], true);

    let set = |arguments: &[&str]| system.dayfly(&[&["site", "set", SITE], arguments].concat());
    assert_eq!(
        set(&["--gpc", "drop"]),
        "a.example: gpc drop, dnt count, clean-paths on, detail cross, keep-months 25\n"
    );
    assert_eq!(
        set(&["--dnt", "page-view", "--clean-paths", "off"]),
        "a.example: gpc drop, dnt page-view, clean-paths off, detail cross, keep-months 25\n"
    );
    for (arguments, error) in [
        (&["site", "set", SITE][..], "required arguments"),
        (
            &["site", "set", SITE, "--gpc", "maybe"],
            "page-view, drop, count",
        ),
        (&["site", "set", SITE, "--clean-paths", "yes"], "on, off"),
        (
            &["site", "set", "no.example", "--gpc", "drop"],
            "there is no site no.example",
        ),
        (
            &["site", "show", "no.example"],
            "there is no site no.example",
        ),
        (&["site", "show", "https://x"], "is not a host name"),
    ] {
        assert_refused(&system, arguments, error);
    }

    system.dayfly(&["shield", "add", SITE, "host", "*.A.example"]);
    system.dayfly(&["goal", "add", SITE, "--event", "Signup"]);
    system.dayfly(&["goal", "add", SITE, "--page", "/thanks/**"]);
    system.dayfly(&["funnel", "add", SITE, "--name", "Buy", "2", "1"]);
    assert_eq!(
        system.dayfly(&["site", "show", SITE]),
        "domain\ta.example\ntimezone\tEurope/Berlin\ngpc\tdrop\ndnt\tpage-view\n\
         clean-paths\toff\ndetail\tcross\nkeep-months\t25\nshield\thost\t*.a.example\ngoal\t1\tevent Signup\tSignup\n\
         goal\t2\tpage /thanks/**\tVisit /thanks/**\nfunnel\t1\t2 > 1\tBuy\n"
    );
    let told = roster(&system).await;
    let site = &told["sites"][0];
    assert_eq!(
        site["settings"],
        json!({
            "gpc": "drop", "dnt": "page-view", "clean_paths": false, "detail": "cross",
            "shields": {"hosts": ["*.a.example"], "pages": [], "countries": [], "networks": []},
            "goals": [
                {"id": 1, "kind": "event", "name": "Signup"},
                {"id": 2, "kind": "page", "path": "/thanks/**"},
            ],
            "funnels": [{"id": 1, "steps": [2, 1]}],
        })
    );
    let days = site["days"].as_array().unwrap();
    assert!(days.iter().all(|day| day["shards"] == 1));
    // What the edge parses it with takes it.
    let parsed: shared::roster::Roster = serde_json::from_value(told.clone()).unwrap();
    parsed.sites[0].settings.check().unwrap();
}

#[tokio::test]
async fn shields_are_added_listed_and_removed() {
    let system = System::aggregator_alone().await;
    let shield = |arguments: &[&str]| {
        let all = [&["shield", arguments[0], SITE], &arguments[1..]].concat();
        system.dayfly(&all)
    };
    assert_eq!(
        shield(&["add", "host", "www.A.example"]),
        "a.example counts only pages on a.example\n"
    );
    shield(&["add", "page", "/admin/**"]);
    assert_eq!(
        shield(&["add", "country", "de"]),
        "a.example does not count the country DE\n"
    );
    shield(&["add", "network", "2001:DB8::/32"]);
    let all = "host\ta.example\npage\t/admin/**\ncountry\tDE\nnetwork\t2001:db8::/32\n";
    assert_eq!(shield(&["list"]), all);
    let long = format!("/{}", "x".repeat(200));
    for (arguments, error) in [
        (
            &["add", SITE, "page", "admin"][..],
            "shields.pages: \"admin\" does not begin",
        ),
        (
            &["add", SITE, "page", &long],
            "shields.pages: a pattern is longer than 200 bytes",
        ),
        (
            &["add", SITE, "page", "/admin/**"],
            "the page /admin/** is shielded already",
        ),
        (
            &["add", SITE, "host", ""],
            "shields.hosts: a pattern is empty",
        ),
        (
            &["add", SITE, "country", "Germany"],
            "shields.countries: \"GERMANY\"",
        ),
        (
            &["add", SITE, "network", "192.0.2.0/33"],
            "shields.networks: \"192.0.2.0/33\"",
        ),
        (
            &["add", SITE, "colour", "red"],
            "host, page, country, network",
        ),
        (
            &["add", "no.example", "country", "DE"],
            "there is no site no.example",
        ),
        (&["list", "no.example"], "there is no site no.example"),
        (
            &["remove", SITE, "country", "FR"],
            "there is no shield for the country FR",
        ),
    ] {
        assert_refused(&system, &[&["shield"], arguments].concat(), error);
    }
    assert_eq!(shield(&["list"]), all, "what is refused changes nothing");
    assert_eq!(
        shield(&["remove", "host", "A.example"]),
        "a.example counts pages on every host\n"
    );
    for (kind, value) in [
        ("page", "/admin/**"),
        ("country", "DE"),
        ("network", "2001:db8::/32"),
    ] {
        shield(&["remove", kind, value]);
    }
    assert_eq!(shield(&["list"]), "");
}

#[tokio::test]
async fn goals_and_funnels_are_added_listed_and_removed() {
    let system = System::aggregator_alone().await;
    let goal = |arguments: &[&str]| {
        let all = [&["goal", arguments[0], SITE], &arguments[1..]].concat();
        system.dayfly(&all)
    };
    assert_eq!(
        goal(&["add", "--event", "Signup"]),
        "1\tevent Signup\tSignup\n"
    );
    assert_eq!(
        goal(&[
            "add", "--page", "/blog/*", "--scroll", "75", "--name", "Read"
        ]),
        "2\tscroll 75% on /blog/*\tRead\n"
    );
    for (arguments, error) in [
        (&["add", SITE][..], "--event <EVENT>|--page <PAGE>"),
        (
            &["add", SITE, "--event", "A", "--page", "/"],
            "cannot be used with",
        ),
        (
            &["add", SITE, "--event", "A", "--scroll", "5"],
            "cannot be used with",
        ),
        (
            &["add", SITE, "--event", "Signup"],
            "goals: the same goal twice",
        ),
        (
            &["add", SITE, "--event", "pageview"],
            "goals: for page views make a page goal",
        ),
        (
            &["add", SITE, "--event", &"x".repeat(121)],
            "goals: an event's name",
        ),
        (
            &["add", SITE, "--page", "thanks"],
            "goals: \"thanks\" does not begin",
        ),
        (
            &["add", SITE, "--page", "/", "--scroll", "101"],
            "goals: a scroll goal wants",
        ),
        (
            &["add", SITE, "--event", "A", "--name", "Read"],
            "name: there is a goal \"Read\"",
        ),
        (
            &["add", SITE, "--event", "A", "--name", ""],
            "name: a name has",
        ),
        (
            &["add", "no.example", "--event", "A"],
            "there is no site no.example",
        ),
        (&["remove", SITE, "9"], "there is no goal 9"),
        (&["rename", SITE, "9", "A"], "there is no goal 9"),
        (
            &["rename", SITE, "1", "Read"],
            "name: there is a goal \"Read\"",
        ),
        (&["rename", SITE, "1", ""], "name: a name has"),
        (&["remove", SITE, "x"], "invalid value 'x'"),
    ] {
        assert_refused(&system, &[&["goal"], arguments].concat(), error);
    }

    assert_eq!(
        goal(&["rename", "1", "Signed up"]),
        "1\tevent Signup\tSigned up\n"
    );
    let funnel = ["funnel", "add", SITE, "--name", "Buy", "2", "1"];
    assert_eq!(system.dayfly(&funnel), "1\t2 > 1\tBuy\n");
    for (arguments, error) in [
        (&["add", SITE, "--name", "X"][..], "required arguments"),
        (&["add", SITE, "1", "2"], "--name <NAME>"),
        (
            &["add", SITE, "--name", "X", "1"],
            "funnels: a funnel has 2 to 8 steps",
        ),
        (
            &["add", SITE, "--name", "X", "1", "9"],
            "funnels: a step is not a goal",
        ),
        (
            &["add", SITE, "--name", "Buy", "1", "2"],
            "name: there is a funnel \"Buy\"",
        ),
        (&["remove", SITE, "9"], "there is no funnel 9"),
    ] {
        assert_refused(&system, &[&["funnel"], arguments].concat(), error);
    }
    let used = "goal 2 is a step of funnel 1 \"Buy\": remove that first";
    assert_refused(&system, &["goal", "remove", SITE, "2"], used);
    assert_eq!(system.dayfly(&["funnel", "list", SITE]), "1\t2 > 1\tBuy\n");
    system.dayfly(&["funnel", "remove", SITE, "1"]);
    assert_eq!(goal(&["remove", "2"]), "removed goal 2 of a.example\n");
    assert_eq!(goal(&["add", "--page", "/x"]), "3\tpage /x\tVisit /x\n");
    assert_eq!(
        goal(&["list"]),
        "1\tevent Signup\tSigned up\n3\tpage /x\tVisit /x\n"
    );
}

#[tokio::test]
async fn i12_a_removed_sites_salts_are_gone_within_seconds() {
    let mut system = System::aggregator_alone().await;
    system.dayfly(&["site", "add", "b.example"]);
    let salts = crate::channel::salts(&system, 0).await;
    let of = |site: u32| {
        let list = salts.iter().filter(|salt| salt.site == site);
        list.map(|salt| salt.salt.clone()).collect::<Vec<_>>()
    };
    assert!(of(1).len() >= 2 && of(2).len() >= 2);
    let kept = |salts: &[String], folder: &Path| {
        let files = std::fs::read_dir(folder).unwrap().flatten();
        let text: String = files
            .map(|file| std::fs::read_to_string(file.path()).unwrap_or_default())
            .collect();
        salts.iter().filter(|salt| text.contains(*salt)).count()
    };
    let folder = system.salts.path().to_owned();
    assert_eq!(kept(&of(2), &folder), of(2).len());
    system.dayfly(&["site", "remove", "b.example"]);
    let gone = async || kept(&of(2), &folder) == 0;
    system.until("the salts are gone", gone).await;
    assert_eq!(kept(&of(1), &folder), of(1).len());

    // Without a server the command does it.
    system.stop_aggregator("TERM");
    let mut command = Command::new(dayfly());
    command
        .args(["site", "remove", SITE])
        .env("DAYFLY_DATA", system.data.path())
        .env("DAYFLY_SALTS_DIR", &folder);
    assert!(command.output().unwrap().status.success());
    assert_eq!(kept(&of(1), &folder), 0);
}

#[test]
fn i3_salts_on_a_disk_must_be_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let serve = |on_disk: &str| {
        let mut command = Command::new("timeout");
        command
            .args(["--signal=TERM", "3"])
            .arg(dayfly())
            .args(["serve", "--port", &free_port().to_string()])
            .env("DAYFLY_DATA", data.path())
            .env("DAYFLY_EDGE_KEYS", KEY)
            .env("DAYFLY_SALTS_DIR", disk.path())
            .env("DAYFLY_SALTS_ON_DISK", on_disk);
        let output = command.output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, told) = serve("false");
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("not on a RAM-backed file system"), "{told}");
    let (code, told) = serve("true");
    assert_eq!(code, Some(124), "it served until it was ended: {told}");
    assert!(told.contains("the salts are on a disk"), "{told}");
}
