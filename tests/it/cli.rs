//! The command line: what it prints, what it refuses.

use std::process::Command;

use crate::system::{KEY, SITE, System, dayfly, free_port};

#[tokio::test]
async fn commands_work_while_the_server_runs() {
    let system = System::start().await;
    let key = system.dayfly(&["key", "create", "--site", SITE]);
    assert_eq!(key.lines().count(), 1, "only the key is on standard output");
    let key = key.trim();
    assert!(key.starts_with("dayfly_") && key.len() == "dayfly_".len() + 32);
    crate::privacy::assert_absent(system.data.path(), &[key.as_bytes()]);

    system.dayfly(&[
        "site",
        "add",
        "www.B.example",
        "--timezone",
        "Asia/Kathmandu",
    ]);
    let list = system.dayfly(&["site", "list"]);
    assert_eq!(
        list,
        format!("{SITE}\tEurope/Berlin\nb.example\tAsia/Kathmandu\n")
    );
    system.dayfly(&["site", "add", "--if-missing", "b.example"]);
    for (arguments, error) in [
        (
            &["site", "add", "b.example"][..],
            "b.example is there already",
        ),
        (&["site", "add", "https://c.example"], "is not a host name"),
        (
            &["site", "add", "c.example", "--timezone", "Mars/Base"],
            "is not an IANA name",
        ),
        (
            &["site", "remove", "c.example"],
            "there is no site c.example",
        ),
        (
            &["key", "create", "--site", "c.example"],
            "there is no site c.example",
        ),
    ] {
        let output = system.dayfly_output(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(error), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(output.stdout.is_empty());
    }
    // A second server on the same folder, and one on a port that is taken.
    let second = system.dayfly_output(&["serve", "--port", &free_port().to_string()]);
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(
        told.contains("already in use by another dayfly serve"),
        "{told}"
    );
    let other = tempfile::tempdir().unwrap();
    let taken = Command::new(dayfly())
        .args(["serve", "--port", &system.dashboard_port.to_string()])
        .env("DAYFLY_DATA", other.path())
        .env("DAYFLY_EDGE_KEYS", KEY)
        .output()
        .unwrap();
    let told = String::from_utf8(taken.stderr).unwrap();
    assert!(
        !taken.status.success() && told.contains("cannot listen on"),
        "{told}"
    );
}

#[tokio::test]
async fn numbers_are_shared_and_shared_no_more() {
    let system = System::aggregator_alone().await;
    let get = async |path: &str| {
        let answer = reqwest::get(system.dashboard_url(path)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let public = format!("/public/{SITE}");
    assert_eq!(get(&public).await.0, 404);
    system.dayfly(&["share", "public", SITE, "on", "--k", "6"]);
    let (status, html) = get(&public).await;
    assert!(
        status == 200 && html.contains("fewer than 6 visitors"),
        "{html}"
    );
    let add = ["share", "add", SITE, "For Bob", "--until", "2999-12-31"];
    let link = system.dayfly(&add);
    let token = link.trim().rsplit_once("/shared/").unwrap().1;
    crate::privacy::assert_absent(system.data.path(), &[token.as_bytes()]);
    let path = format!("/shared/{token}");
    assert_eq!(get(&path).await.0, 200);
    let add = ["share", "add", SITE, "Secret", "--password-stdin"];
    let made = system.dayfly_told(&add, "open sesame, please\n");
    assert!(made.status.success());
    let told = String::from_utf8(made.stdout).unwrap();
    let asks = format!("/shared/{}", told.trim().rsplit_once("/shared/").unwrap().1);
    assert!(get(&asks).await.1.contains("A password is asked for"));
    let list = system.dayfly(&["share", "list", SITE]);
    for line in [
        "everybody\t6\t-\t-\t-\t-",
        "\nFor Bob\t5\t-\t",
        "\t2999-12-31\t",
        "\nSecret\t5\tpassword\t",
    ] {
        assert!(list.contains(line), "{list}");
    }
    for (arguments, error) in [
        (&add[..4], "there is a link \"Secret\" already"),
        (&["share", "revoke", SITE, "Nobody"], "there is no link"),
        (&["share", "public", SITE, "on", "--k", "0"], "--k"),
        (&["share", "list", "c.example"], "there is no site"),
    ] {
        let output = system.dayfly_output(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(error), "{told}");
    }
    system.dayfly(&["share", "revoke", SITE, "For Bob"]);
    system.dayfly(&["share", "public", SITE, "off"]);
    assert_eq!(get(&path).await.0, 404);
    assert_eq!(get(&public).await.0, 404);
}

#[test]
fn i11_without_an_edge_key_the_server_refuses_to_start() {
    let data = tempfile::tempdir().unwrap();
    for (key, reason) in [
        ("", "the edge key is not set"),
        ("short", "fewer than 32 characters"),
    ] {
        let output = Command::new(dayfly())
            .args(["serve", "--port", &free_port().to_string()])
            .env("DAYFLY_DATA", data.path())
            .env("DAYFLY_EDGE_KEYS", key)
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(reason), "{told}");
        assert!(!told.contains("short\n"), "a secret is not repeated");
    }
}

#[test]
fn a_table_of_countries_is_built_and_asked_without_a_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = format!("{}/data", env!("CARGO_MANIFEST_DIR"));
    let run = |arguments: &str| {
        let output = Command::new(dayfly())
            .args(arguments.split(' '))
            .env("DAYFLY_EDGE_KEYS", KEY)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let told = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(told).unwrap())
    };
    let (done, told) = run(&format!(
        "geo build --from {fixtures}/ipfire-geoip.txt --from {fixtures}/ipfire-geoip6.txt --out t.geo"
    ));
    assert!(done && told.contains("14 countries"), "{told}");
    for (address, country) in [
        ("192.0.2.77", "AU\n"),
        ("2001:db8::1", "DE\n"),
        ("10.0.0.1", "unknown\n"),
    ] {
        let asked = run(&format!("geo lookup --table t.geo {address}"));
        assert_eq!(asked, (true, country.to_owned()));
    }
    let (done, told) = run("geo lookup --table t.geo 192.0.2.");
    assert!(!done && told.contains("that is no IP address"), "{told}");
    let (done, told) = run("serve --geo-table missing.geo --port 0");
    assert!(
        !done && told.contains("missing.geo: No such file"),
        "{told}"
    );
    assert!(!folder.path().join("data/dayfly.sqlite").exists());
    let names = std::fs::read_dir(folder.path()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        names.iter().all(|name| name == "t.geo" || name == "data"),
        "{names:?}"
    );
}
