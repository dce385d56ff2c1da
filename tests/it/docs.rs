//! The pages in docs/: their commands do what they say, and their links lead somewhere.
//!
//! Every block of shell commands is run, in the order of the pages below, against one running system,
//! but for those with a line `<!-- not run: why -->` before them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::system::{System, dayfly, root};

/// What the pages call the ports of scripts/run.
const PORTS: [&str; 2] = ["127.0.0.1:8000", "127.0.0.1:8787"];
/// Pages whose commands build on those of the pages before them.
const FIRST: [&str; 3] = [
    "docs/tracker.md",
    "docs/goals-and-funnels.md",
    "docs/accounts.md",
];

/// README.md and every page of docs/, as paths from the root.
fn pages() -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => walk(&path, found),
                path if path.extension().is_some_and(|it| it == "md") => found.push(path),
                _ => {}
            }
        }
    }
    let mut found = vec![
        root().join("README.md"),
        root().join("PRIVACY.md"),
        root().join("ARCHITECTURE.md"),
    ];
    walk(&root().join("docs"), &mut found);
    let name = |path: PathBuf| path.strip_prefix(root()).unwrap().display().to_string();
    found.into_iter().map(name).collect()
}

fn text(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).unwrap()
}

/// The blocks of shell commands of a page that are to be run.
fn blocks(page: &str) -> Vec<String> {
    let text = text(page);
    let mut found = Vec::new();
    let mut lines = text.lines();
    let mut before = "";
    while let Some(line) = lines.next() {
        if line.trim() == "```sh" {
            let block: Vec<&str> = lines
                .by_ref()
                .take_while(|line| line.trim() != "```")
                .collect();
            let why = before.trim().strip_prefix("<!-- not run: ");
            match why {
                Some(why) => assert!(why.ends_with(" -->"), "{page}: {before}"),
                None => found.push(block.join("\n")),
            }
        }
        before = line;
    }
    found
}

/// Files that the commands take.
fn prepare(folder: &Path) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write(
        "events.jsonl",
        "{\"name\":\"pageview\",\"url\":\"https://example.com/a\",\"time\":\"2026-01-02T10:00:00Z\",\"visitor\":\"x\"}\n",
    );
    write("password.txt", "a long enough pass phrase\n");
    let line = "192.0.2.9 - - [03/Jan/2026:10:00:00 +0000] \"GET /b HTTP/1.1\" 200 5 \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\"\n";
    write("access.log.1", line);
    let packed = Command::new("gzip")
        .arg(folder.join("access.log.1"))
        .status();
    assert!(packed.unwrap().success());
    for (name, from) in [
        ("geoip", "ipfire-geoip.txt"),
        ("geoip6", "ipfire-geoip6.txt"),
    ] {
        std::fs::copy(root().join("tests/data").join(from), folder.join(name)).unwrap();
    }
}

#[tokio::test]
async fn the_commands_of_the_pages_do_what_they_say() {
    let system = System::start().await;
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    std::os::unix::fs::symlink(dayfly(), folder.path().join("dayfly")).unwrap();
    let backups = folder.path().join("backups");
    std::fs::create_dir(&backups).unwrap();
    // What Plausible would export.
    system.dayfly(&["site", "add", "old.example"]);
    let export = folder
        .path()
        .join("plausible-export.zip")
        .display()
        .to_string();
    let events = folder.path().join("events.jsonl").display().to_string();
    system.dayfly(&["import", "--site", "old.example", &events]);
    system.dayfly(&["export", "--site", "old.example", "-o", &export]);

    let mut order: Vec<String> = FIRST.map(str::to_owned).to_vec();
    order.extend(
        pages()
            .into_iter()
            .filter(|page| !FIRST.contains(&page.as_str())),
    );
    // Adds the site that tracker.md has added.
    order.retain(|page| page != "README.md");
    let mut script = "set -euo pipefail\n\
        curl() { command curl --fail-with-body -sS \"$@\"; }\n\
        dayfly user add ada@example.com --password-stdin <password.txt >ada\n\
        visitors_user_agent='Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'\n"
        .to_owned();
    let mut count = 0;
    for page in order {
        for block in blocks(&page) {
            count += 1;
            let _ = writeln!(script, "echo '== {page}'\n{block}");
        }
    }
    assert!(count >= 10, "{count} blocks");
    let ports = [system.dashboard_port, system.edge_port];
    for (told, port) in PORTS.iter().zip(ports) {
        assert!(script.contains(told), "{told}");
        script = script.replace(told, &format!("127.0.0.1:{port}"));
    }
    let script = script.replace("/var/backups/dayfly", &backups.display().to_string());
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", format!("{}:{path}", folder.path().display()))
        .env("DAYFLY_DATA", system.data.path())
        .env("DAYFLY_SALTS_DIR", system.salts.path())
        .env("DASHBOARD_PORT", system.dashboard_port.to_string())
        .env("DAYFLY_EDGE_URL", system.edge_url(""))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{problem}");
    for expected in ["HTTP/1.1 202", "0 problems", "All is well.", "\"visitors\""] {
        assert!(
            told.contains(expected),
            "{expected} is not in\n{told}\n{problem}"
        );
    }
    for file in [
        "counts.zip",
        "all.zip",
        "country.geo",
        "backups/today.backup",
    ] {
        assert!(folder.path().join(file).exists(), "{file} was not made");
    }
}

/// What a heading is called in an address.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == ' ' || *c == '-');
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Lines that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        is_code ^= fence;
        !is_code && !fence
    })
}

#[test]
fn every_link_of_the_pages_leads_somewhere() {
    let all = pages();
    let mut linked = BTreeSet::new();
    for page in &all {
        let text = text(page);
        let prose: Vec<&str> = prose(&text).collect();
        let prose = prose.join("\n");
        for (at, _) in prose.match_indices("](") {
            let target = prose[at + 2..].split(')').next().unwrap();
            if target.contains("://") || target.contains(' ') {
                continue;
            }
            let (file, place) = target.split_once('#').unwrap_or((target, ""));
            let from = root().join(page);
            let to = match file {
                "" => from.clone(),
                file => from.parent().unwrap().join(file),
            };
            assert!(to.exists(), "{page}: {target}");
            let to = to.canonicalize().unwrap();
            if !place.is_empty() {
                let there = std::fs::read_to_string(&to).unwrap();
                let headings = there.lines().filter_map(|line| line.strip_prefix('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#')));
                assert!(anchors.any(|it| it == place), "{page}: {target}");
            }
            if let Ok(name) = to.strip_prefix(root()) {
                linked.insert(name.display().to_string());
            }
        }
    }
    let lost: Vec<&String> = all
        .iter()
        .filter(|page| page.starts_with("docs/") && !linked.contains(*page))
        .collect();
    let lost: Vec<&&String> = lost
        .iter()
        .filter(|page| ***page != "docs/README.md")
        .collect();
    assert!(lost.is_empty(), "no page leads to {lost:?}");
}
