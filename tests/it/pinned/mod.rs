//! What earlier releases have written, read by today's code to the very numbers that are written
//! beside it: a batch as it was sent, databases, a backup, an export, the sites as the edge was told
//! them, a day object in the midst of its day.
//!
//! `tests/data/pinned/` has a folder for each release, made by that release (`make.rs`, called by
//! scripts/pin) and never changed. Every test here walks all of them: adding a folder adds its cases.

mod database;
mod day;
mod delivered;
mod make;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::system::{System, root};

/// What a release has written.
struct Pinned {
    folder: PathBuf,
    /// What is to be read of it (`make.rs`).
    expected: Value,
}

/// Every release, the oldest first.
fn releases() -> Vec<Pinned> {
    let all = std::fs::read_dir(root().join("tests/data/pinned")).unwrap();
    let folders = all.map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = folders.filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(!folders.is_empty());
    folders.into_iter().map(Pinned::read).collect()
}

impl Pinned {
    fn read(folder: PathBuf) -> Self {
        let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
        let expected = serde_json::from_str(&text).unwrap();
        Self { folder, expected }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap()
    }

    /// A file that is kept packed.
    fn unpacked(&self, name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let packed = self.bytes(name);
        GzDecoder::new(&*packed).read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn text(&self, name: &str) -> &str {
        self.expected[name].as_str().unwrap()
    }

    /// Asks a server all that was asked of this database when it was pinned; it must answer the same.
    async fn is_answered_as_then(&self, system: &System, database: &str) {
        let then = &self.expected[database];
        let key = then["api_key"].as_str().unwrap();
        for asked in then["asked"].as_array().unwrap() {
            let answer = ask(system, key, asked).await;
            assert_eq!(
                answer,
                asked["answer"],
                "{}: {asked}",
                self.folder.display()
            );
        }
    }
}

/// Asks one question; gives of its answer what a later release must tell, too.
async fn ask(system: &System, key: &str, asked: &Value) -> Value {
    let url = system.dashboard_url(asked["path"].as_str().unwrap());
    let request = match &asked["body"] {
        Value::Null => system.http.get(url),
        body => system.http.post(url).json(body),
    };
    let answer = request.bearer_auth(key).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{asked}");
    let answer: Value = answer.json().await.unwrap();
    match answer.get("results") {
        Some(results) => json!(results),
        None => answer,
    }
}

/// The text of each step of the schema, by engine.
fn steps(engine: &str) -> Vec<(String, PathBuf)> {
    let folder = root().join("aggregator/migrations").join(engine);
    let files = std::fs::read_dir(folder).unwrap();
    let mut found: Vec<_> = files
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            (format!("{engine}/{name}"), path)
        })
        .collect();
    found.sort();
    found
}

fn sha256(path: &Path) -> String {
    hex::encode(Sha256::digest(std::fs::read(path).unwrap()))
}

/// As `sha256sum` tells them.
fn checksums() -> String {
    let all = ["postgres", "sqlite"].into_iter().flat_map(steps);
    let lines = all.map(|(name, path)| format!("{}  {name}\n", sha256(&path)));
    lines.collect()
}

#[test]
fn a_step_of_the_schema_that_a_release_has_is_never_changed() {
    let now: BTreeSet<String> = checksums().lines().map(str::to_owned).collect();
    for release in releases() {
        let then = String::from_utf8(release.bytes("migrations.sha256")).unwrap();
        assert!(then.lines().count() >= 8);
        for line in then.lines() {
            let folder = release.folder.display();
            assert!(
                now.contains(line),
                "{line} of {folder} was changed: add another step"
            );
        }
    }
    // Both engines have the same steps, without gaps: what is added goes behind.
    let names = |engine| {
        let of = steps(engine).into_iter();
        let names = of.map(|(name, _)| name.split_once('/').unwrap().1.to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    for (at, name) in names("sqlite").iter().enumerate() {
        assert!(name.starts_with(&format!("{:04}_", at + 1)), "{name}");
    }
}
