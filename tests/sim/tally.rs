//! What was met while histories were played: what never happens in a simulation is not simulated.

use std::collections::BTreeMap;

use crate::server::Reply;

/// What must have been met once in some hundred histories.
const WANTED: [&str; 16] = [
    "applied",
    "duplicate",
    "gap",
    "conflict",
    "malformed",
    "not signed",
    "last asked",
    "letter asked",
    "killed",
    "alarm died",
    "call died",
    "call repeated",
    "call repeated after a crash",
    "call after the day",
    "call meanwhile",
    "outbox full",
];

/// How often what was met.
#[derive(Debug, Default, Clone)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    /// Once more.
    pub fn add(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// What the aggregator said.
    pub fn reply(&mut self, (status, body): &Reply) {
        let says = |text: &str| String::from_utf8_lossy(body).contains(text);
        self.add(match status {
            200 if says("duplicate") => "duplicate",
            200 if says("applied") => "applied",
            200 if says("last") => "last asked",
            200 => "letter asked",
            401 => "not signed",
            409 if says("last") => "gap",
            409 => "conflict",
            422 => "malformed",
            500.. => "failed",
            _ => "else",
        });
    }

    /// Takes in another's.
    pub fn join(&mut self, other: &Self) {
        for (what, n) in &other.0 {
            *self.0.entry(what).or_default() += n;
        }
    }

    /// What was never met and should have been.
    pub fn lacks(&self) -> Vec<&'static str> {
        let wanted = WANTED.into_iter();
        wanted.filter(|what| !self.0.contains_key(what)).collect()
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all: Vec<String> = self
            .0
            .iter()
            .map(|(what, n)| format!("{what} {n}"))
            .collect();
        f.write_str(&all.join(", "))
    }
}
