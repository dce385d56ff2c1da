//! What documents promise carries the name of a test, and there is such a test.
//!
//! The notation is a name in a pair of backticks within brackets: [`name`], or several with commas.
//! Where only Chromium can tell, the name is that of a test in tests/browser: [browser: `title`].
//! ARCHITECTURE.md lists the tests of each invariant in a table.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::prove::PROMISES;
use crate::system::root;

/// Every file with an ending below a folder of the source.
fn sources(folder: &Path, ending: &str, to: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir()
            && !["target", "node_modules", "corpus", "artifacts"]
                .iter()
                .any(|left_out| name == *left_out)
        {
            sources(&path, ending, to);
        } else if path.extension().is_some_and(|found| found == ending) {
            to.push(path);
        }
    }
}

fn texts(folders: &[&str], ending: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for folder in folders {
        sources(&root().join(folder), ending, &mut paths);
    }
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
    paths.into_iter().map(read).collect()
}

/// The names of all tests in Rust: marked as one, or run on both engines.
fn rust_tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in texts(&["shared", "edge/src", "aggregator", "tests"], "rs") {
        let mut is_test = false;
        let mut on_both = false;
        for line in text.lines().map(str::trim) {
            if on_both {
                on_both = !line.starts_with(");");
                let names = line.trim_end_matches(");").split(',').map(str::trim);
                found.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
            }
            on_both |= line == "on_both_engines!(";
            if let Some(names) = line
                .strip_prefix("on_both_engines!(")
                .and_then(|rest| rest.strip_suffix(");"))
            {
                found.extend(names.split(',').map(|name| name.trim().to_owned()));
            }
            is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
            if let Some((before, rest)) = line.split_once("fn ")
                && is_test
                && matches!(before, "" | "async ")
            {
                let name = rest.split(['(', '<']).next().unwrap();
                found.insert(name.to_owned());
                is_test = false;
            }
        }
    }
    found.extend(PROMISES.iter().map(|promise| promise.name.to_owned()));
    found
}

/// The names in every `[…]` that begins with `begin`, which a backtick follows.
fn named<'t>(text: &'t str, begin: &str) -> Vec<&'t str> {
    let mut found = Vec::new();
    for rest in text
        .split(begin)
        .skip(1)
        .filter(|rest| rest.starts_with('`'))
    {
        let inside = rest.split(']').next().unwrap();
        found.extend(inside.split('`').skip(1).step_by(2));
    }
    found
}

fn document(name: &str) -> String {
    let text = std::fs::read_to_string(root().join(name)).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_promise_names_a_test_that_there_is() {
    let known = rust_tests();
    let browser = texts(&["tests/browser"], "mjs").concat();
    for name in ["PRIVACY.md", "SECURITY.md"] {
        let text = document(name);
        let tests = named(&text, "[");
        assert!(tests.len() >= 10, "{name}: {tests:?}");
        for test in tests {
            assert!(
                known.contains(test),
                "{name} names {test}, which is no test"
            );
        }
        for title in named(&text, "[browser: ") {
            let is_there = browser.contains(&format!("test(\"{title}\""));
            assert!(
                is_there,
                "{name} names “{title}”, which is no test of tests/browser"
            );
        }
    }
}

#[test]
fn every_invariant_has_tests_that_there_are() {
    let known = rust_tests();
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut listed = BTreeSet::new();
    for n in 1..=12 {
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| I{n} ")));
        let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md has no row of I{n}"));
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let names = tests.split('`').skip(1).step_by(2);
        let tests: Vec<&str> = names.filter(|name| name.contains('_')).collect();
        assert!(!tests.is_empty(), "I{n}");
        for test in tests {
            assert!(known.contains(test), "I{n} names {test}, which is no test");
            listed.insert(test.to_owned());
        }
    }
    // A test that bears an invariant's number is in the list.
    let bears = |name: &&String| {
        let digits = name
            .strip_prefix('i')
            .and_then(|rest| rest.split('_').next());
        digits.is_some_and(|n| n.parse::<u8>().is_ok_and(|n| (1..=12).contains(&n)))
    };
    let missing: Vec<&String> = known
        .iter()
        .filter(bears)
        .filter(|name| !listed.contains(*name))
        .collect();
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md does not list {missing:?}"
    );
}
