//! What is printed: promise, how it was tried, result.

use std::fmt::Write as _;

/// How wide the text of a row is.
const WIDTH: usize = 96;

/// What was found: evidence, or what is wrong.
pub type Outcome = Result<String, String>;

/// Rows that grow while it runs.
#[derive(Default)]
pub struct Table {
    rows: Vec<(&'static Promise, &'static str, Outcome)>,
}

/// A promise, and how it is tried.
pub struct Promise {
    /// What PRIVACY.md names it by.
    pub name: &'static str,
    /// In words.
    pub promise: &'static str,
    /// In words.
    pub tried: &'static str,
}

impl Table {
    /// Adds what was found, and tells it at once.
    pub fn add(&mut self, promise: &'static Promise, on: &'static str, outcome: Outcome) {
        let word = if outcome.is_ok() { "pass" } else { "FAIL" };
        let (Ok(text) | Err(text)) = &outcome;
        eprintln!("prove: {on}: {}: {word}: {text}", promise.name);
        self.rows.push((promise, on, outcome));
    }

    /// How many rows say that a promise is broken.
    pub fn failures(&self) -> usize {
        self.rows
            .iter()
            .filter(|(.., outcome)| outcome.is_err())
            .count()
    }

    /// The names of the promises that were tried.
    pub fn names(&self) -> Vec<&'static str> {
        self.rows.iter().map(|(promise, ..)| promise.name).collect()
    }

    /// As text: promises in the order in which they were first tried, under each where it was tried.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut told: Vec<&str> = Vec::new();
        for (promise, ..) in &self.rows {
            if told.contains(&promise.name) {
                continue;
            }
            told.push(promise.name);
            let _ = writeln!(text, "{}", "-".repeat(WIDTH + 10));
            block(&mut text, "promise", promise.promise);
            block(&mut text, "tried", promise.tried);
            for (_, on, outcome) in self.rows.iter().filter(|row| row.0.name == promise.name) {
                let (word, found) = match outcome {
                    Ok(found) => ("pass", found),
                    Err(found) => ("FAIL", found),
                };
                block(&mut text, word, &format!("{on}: {found}"));
            }
        }
        let _ = writeln!(text, "{}", "-".repeat(WIDTH + 10));
        let failures = self.failures();
        let _ = match failures {
            0 => writeln!(
                text,
                "{} promises tried, {} results: all pass",
                told.len(),
                self.rows.len()
            ),
            _ => writeln!(text, "{failures} of {} results: FAIL", self.rows.len()),
        };
        text
    }
}

/// A label, and text beside it, broken into lines.
fn block(to: &mut String, label: &str, text: &str) {
    let mut line = format!("{label:>8}  ");
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > WIDTH {
            let _ = writeln!(to, "{line}");
            line = " ".repeat(10);
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    let _ = writeln!(to, "{line}");
}
