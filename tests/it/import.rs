//! `dayfly import` and `dayfly export`: what they print, what they refuse, and that an import that
//! is killed is gone on with.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::system::dayfly;

const SITE: &str = "a.example";

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = command(folder, arguments).output().unwrap();
    told(&output)
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(dayfly());
    command
        .args(arguments)
        .env("DAYFLY_DATA", folder.join("data"))
        .current_dir(folder);
    command
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn with_site() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let added = run(folder.path(), &["site", "add", SITE]);
    assert_eq!(added.0, Some(0), "{}", added.2);
    folder
}

/// Page views of as many visitors, a second apart.
fn views(count: u32) -> String {
    let mut lines = String::new();
    for n in 0..count {
        let (hour, minute, second) = (n / 3_600 % 24, n / 60 % 60, n % 60);
        let day = 1 + n / 86_400;
        writeln!(
            lines,
            r#"{{"time":"2026-09-{day:02}T{hour:02}:{minute:02}:{second:02}Z","visitor":"v{n}","n":"pageview","u":"https://{SITE}/{}"}}"#,
            n % 500
        )
        .unwrap();
    }
    lines
}

#[test]
fn an_import_says_what_it_did_and_what_it_could_not_read() {
    let folder = with_site();
    let folder = folder.path();
    std::fs::write(folder.join("x.jsonl"), views(90_000) + "{\"mood\":1}\n").unwrap();
    let import = ["import", "--site", SITE, "x.jsonl"];
    let (status, out, err) = run(folder, &import);
    assert_eq!(status, Some(2), "{err}");
    assert_eq!(
        out,
        "90001 lines read\n1 skipped: they cannot be read\n\
         90000 events counted on 2 days, 2026-09-01 to 2026-09-02\n"
    );
    assert!(
        err.ends_with("line 90001: mood: is no key that an import knows\n"),
        "{err}"
    );
    let (status, out, err) = run(folder, &import);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(
        err.contains("with --again it is counted once more"),
        "{err}"
    );
    assert_eq!(err.lines().count(), 1, "{err}");

    for (arguments, problem) in [
        (
            &["import", "--site", "c.example", "x.jsonl"][..],
            "there is no site c.example",
        ),
        (&["import", "--site", SITE, "none"], "none: No such file"),
        (
            &[
                "export",
                "--site",
                SITE,
                "--from",
                "2026-09-02",
                "--to",
                "2026-09-01",
                "-o",
                "z",
            ],
            "from: 2026-09-02 is after 2026-09-01",
        ),
        (
            &["export", "--site", SITE, "-o", "no/such/folder/x.zip"],
            "no/such/folder/x.zip: No such file",
        ),
    ] {
        let (status, _, err) = run(folder, arguments);
        assert!(status == Some(1) && err.contains(problem), "{err}");
    }
}

#[test]
fn an_import_reads_standard_input_once() {
    let folder = with_site();
    let import = || {
        let mut child = command(folder.path(), &["import", "--site", SITE, "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(views(3).as_bytes()).unwrap();
        drop(stdin);
        told(&child.wait_with_output().unwrap())
    };
    let (status, out, err) = import();
    assert_eq!(status, Some(0), "{err}");
    assert!(out.ends_with("3 events counted on 1 day, 2026-09-01 to 2026-09-01\n"));
    let (status, _, err) = import();
    assert!(status == Some(1) && err.contains("--again"), "{err}");
}

#[test]
fn i7_an_import_that_is_killed_goes_on_and_counts_nothing_twice() {
    let lines = views(150_000);
    let export = [
        "export",
        "--site",
        SITE,
        "--from",
        "2026-09-01",
        "--to",
        "2026-09-06",
        "-o",
    ];
    let import = ["import", "--site", SITE, "x.jsonl"];

    let whole = with_site();
    std::fs::write(whole.path().join("x.jsonl"), &lines).unwrap();
    assert_eq!(run(whole.path(), &import).0, Some(0));
    let exported = run(whole.path(), &[&export[..], &["x.zip"]].concat());
    assert_eq!(exported.0, Some(0), "{}", exported.2);

    let killed = with_site();
    std::fs::write(killed.path().join("x.jsonl"), &lines).unwrap();
    let mut after_ms = 300;
    let mut kills = 0;
    loop {
        let mut child = command(killed.path(), &import)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(after_ms));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            // Nothing is left behind but the database.
            for name in std::fs::read_dir(killed.path().join("data")).unwrap() {
                let name = name.unwrap().file_name().into_string().unwrap();
                assert!(name.starts_with("dayfly.sqlite"), "{name}");
            }
            after_ms += after_ms / 2;
            continue;
        }
        let (status, out, err) = told(&child.wait_with_output().unwrap());
        // The one before may have been killed when all was in and only its last words were lacking.
        let was_done = status == Some(1) && err.contains("--again");
        let is_done = status == Some(0) && out.contains("150000 events counted on 2 days");
        assert!(kills > 0 && was_done || is_done, "{status:?} {out} {err}");
        break;
    }
    assert!(kills > 0);
    assert_eq!(run(killed.path(), &import).0, Some(1), "it is in");
    let exported = run(killed.path(), &[&export[..], &["x.zip"]].concat());
    assert_eq!(exported.0, Some(0), "{}", exported.2);
    // The same counts make the same bytes.
    let bytes = |folder: &tempfile::TempDir| std::fs::read(folder.path().join("x.zip")).unwrap();
    assert!(bytes(&whole) == bytes(&killed), "after {kills} kills");
}
