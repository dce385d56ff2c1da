//! Compiles the bot patterns of the npm package isbot into tables for `src/agent/bots.rs`.
//!
//! Read at build time: `../node_modules/isbot/index.mjs` (Unlicense), the list `patterns_default`
//! of regular expressions, matched there without regard to case, any one of which makes a bot.
//! Written: `$OUT_DIR/bots_table.rs`. Each pattern becomes a small nondeterministic automaton
//! ([`emit`] documents the ops), so the Wasm carries no regex engine; and each gets a *trigger*,
//! the pair of adjacent bytes in it that is rarest in people's User-Agents, so that almost no
//! automaton is run for a person.
//!
//! A construct this compiler does not know fails the build and is named: an upgrade of isbot is
//! then looked at, rather than half understood.

use std::fmt::Write as _;
use std::path::Path;

#[path = "build/regex.rs"]
mod regex;

use regex::{Assert, Node, Set};

/// What Dayfly adds to isbot's list: tools that drive a browser or measure a page.
const EXTRA: [&str; 4] = ["gtmetrix", "puppeteer", "slimerjs", "webdriver"];

/// Shapes of people's User-Agents. Only which byte pairs are common in them is used.
const PEOPLE: [&str; 7] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0 OPR/98.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/137.0 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPad; CPU OS 17_2 like Mac OS X) FxiOS/120 GSA/300.0 [FBAN/FBIOS;FBAV/450.0;FBBV/5;FBDV/iPhone14,5] Instagram 300.0 Snapchat/12.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8 Pro Build/AP2A.240805.005; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/127.0.6533.64",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 CrOS Tablet Windows SMART-TV Tizen",
];

/// How many ops one pattern may have: a set of states is one `u64`.
const OPS_MAX: usize = 64;
/// How many patterns may be tried everywhere: their flags are one `u32`.
const SEARCHES_MAX: usize = 31;
/// A `^` pattern that can begin with more kinds of byte than this is simply always run.
const FIRST_KEYS_MAX: usize = 8;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build/regex.rs");
    if let Err(problem) = run() {
        println!("cargo::error={problem}");
    }
}

fn run() -> Result<(), String> {
    let variable = |name| std::env::var(name).map_err(|_| format!("cargo sets no {name}"));
    let package = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../node_modules/isbot");
    let source = package.join("index.mjs");
    println!("cargo::rerun-if-changed={}", source.display());
    let source = std::fs::read_to_string(source)
        .map_err(|_| "run scripts/setup: node_modules/isbot, the list of bots, is not there")?;
    let mut tables = Tables::default();
    for pattern in patterns(&source)?.iter().map(String::as_str).chain(EXTRA) {
        let named = |problem| format!("isbot pattern not understood: {pattern:?}: {problem}");
        let branches = match regex::parse(pattern).map_err(named)? {
            Node::Alt(branches) => branches,
            one => vec![one],
        };
        for branch in branches {
            tables.add(&branch).map_err(named)?;
        }
    }
    let out = Path::new(&variable("OUT_DIR")?).join("bots_table.rs");
    std::fs::write(out, tables.emit()).map_err(|error| format!("bots_table.rs: {error}"))
}

/// The strings of the array `patterns_default`.
fn patterns(source: &str) -> Result<Vec<String>, String> {
    let changed = || "isbot/index.mjs no longer holds patterns_default as it did".to_owned();
    let (_, list) = source
        .split_once("patterns_default = [")
        .ok_or_else(changed)?;
    let (list, _) = list.split_once("\n];").ok_or_else(changed)?;
    let mut patterns = Vec::new();
    for line in list.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let line = line.strip_suffix(',').unwrap_or(line);
        let body = line
            .strip_prefix('"')
            .and_then(|line| line.strip_suffix('"'));
        let mut pattern = String::new();
        let mut chars = body.ok_or_else(changed)?.chars();
        while let Some(char) = chars.next() {
            pattern.push(match char {
                '\\' => match chars.next() {
                    Some(escaped @ ('\\' | '"' | '\'')) => escaped,
                    _ => return Err(format!("isbot/index.mjs: unknown escape in {line}")),
                },
                other => other,
            });
        }
        patterns.push(pattern);
    }
    // An empty list would make everyone a person without anybody noticing.
    if patterns.len() < 100 {
        return Err(changed());
    }
    Ok(patterns)
}

/// `src/agent/bots.rs` folds bytes into the same 128 keys.
fn key(byte: u8) -> usize {
    usize::from(byte.to_ascii_lowercase() & 127)
}

/// What one pattern is found by.
struct Entry {
    /// The two keys of the trigger, `first * 128 + second`.
    pair: usize,
    /// How many bytes before the trigger the automaton begins.
    back: usize,
    /// Where in the ops the automaton begins.
    code: usize,
    /// 0, or 1 + the index of a search: the automaton is then only that of a run of bytes in a
    /// pattern that, where they are found, is tried everywhere.
    search: usize,
}

#[derive(Default)]
struct Tables {
    code: Vec<String>,
    sets: Vec<Set>,
    /// The words of lookarounds.
    words: Vec<Vec<String>>,
    /// `^` patterns by the key of their first byte: (key, code).
    anchored: Vec<(usize, usize)>,
    always: Vec<usize>,
    entries: Vec<Entry>,
    /// Searches: where the automaton begins, and the byte that a match ends the text with; 0 if
    /// that is not certain.
    searches: Vec<(usize, u8)>,
}

impl Tables {
    fn add(&mut self, pattern: &Node) -> Result<(), String> {
        let code = self.add_code(pattern)?;
        let parts = pattern.parts();
        let lead = leading(parts);
        if let Some(Node::Assert(Assert::Start)) = parts.first() {
            let keys = lead.first().map(Set::keys).unwrap_or_default();
            if keys.is_empty() || keys.len() > FIRST_KEYS_MAX {
                self.always.push(code);
            } else {
                self.anchored
                    .extend(keys.into_iter().map(|key| (key, code)));
            }
            return Ok(());
        }
        if let ([set], [_]) = (&lead[..], parts) {
            // Anything may follow a match of one byte; the end reads as a zero byte.
            self.add_entries(&products(set, &Set::ANY), 0, code, 0);
            return Ok(());
        }
        if let Some((back, pairs)) = rarest(&lead).filter(|_| !pattern.is_unbounded()) {
            self.add_entries(&pairs, back, code, 0);
            return Ok(());
        }
        // The match begins anywhere, or it could be long, so that trying it wherever it may begin
        // could go over a text again and again: once a run of its bytes is found (the one with the
        // rarest pair), it is tried from everywhere in one pass.
        let runs = parts
            .iter()
            .enumerate()
            .map(|(at, _)| leading(&parts[at..]));
        let found = runs.filter_map(|run| rarest(&run).map(|(back, pairs)| (run, back, pairs)));
        let (run, back, pairs) = found
            .min_by_key(|(_, _, pairs)| cost(pairs))
            .ok_or("no two adjacent bytes to find it by")?;
        let last = match parts {
            [.., Node::Set(set), Node::Assert(Assert::End)] => set.as_byte(),
            _ => None,
        };
        self.searches.push((code, last.unwrap_or(0)));
        let search = self.searches.len();
        if search > SEARCHES_MAX {
            return Err("too many patterns with a repetition".to_owned());
        }
        let run = Node::Concat(run.into_iter().map(Node::Set).collect());
        let code = self.add_code(&run)?;
        self.add_entries(&pairs, back, code, search);
        Ok(())
    }

    /// Appends an automaton, and says where it begins.
    fn add_code(&mut self, pattern: &Node) -> Result<usize, String> {
        let code = self.code.len();
        let mut ops = Vec::new();
        self.compile(pattern, &mut ops)?;
        ops.push("Op::Match".to_owned());
        if ops.len() > OPS_MAX {
            return Err(format!("{} ops, at most {OPS_MAX} fit", ops.len()));
        }
        self.code.append(&mut ops);
        Ok(code)
    }

    fn add_entries(&mut self, pairs: &[usize], back: usize, code: usize, search: usize) {
        let entry = |&pair: &usize| Entry {
            pair,
            back,
            code,
            search,
        };
        self.entries.extend(pairs.iter().map(entry));
    }

    /// Appends the ops of `node`. Targets of jumps count from the pattern's first op.
    fn compile(&mut self, node: &Node, ops: &mut Vec<String>) -> Result<(), String> {
        match node {
            Node::Set(set) => ops.push(match set.as_byte() {
                Some(byte) => format!("Op::Byte({byte})"),
                None => format!("Op::Set({})", index(&mut self.sets, set)),
            }),
            Node::Assert(assert) => ops.push(match assert {
                Assert::Start => "Op::Start".to_owned(),
                Assert::End => "Op::End".to_owned(),
                Assert::WordEdge => "Op::WordEdge".to_owned(),
                Assert::NotBefore(words) => {
                    format!("Op::NotBefore({})", index(&mut self.words, words))
                }
                Assert::NotAfter(words) => {
                    format!("Op::NotAfter({})", index(&mut self.words, words))
                }
            }),
            Node::Concat(parts) => {
                for part in parts {
                    self.compile(part, ops)?;
                }
            }
            Node::Alt(branches) => {
                let mut jumps = Vec::new();
                for (at, branch) in branches.iter().enumerate() {
                    let split = ops.len();
                    if at + 1 < branches.len() {
                        ops.push(String::new());
                    }
                    self.compile(branch, ops)?;
                    if at + 1 < branches.len() {
                        jumps.push(ops.len());
                        ops.push(String::new());
                        ops[split] = format!("Op::Split({}, {})", split + 1, ops.len());
                    }
                }
                for jump in jumps {
                    ops[jump] = format!("Op::Split({0}, {0})", ops.len());
                }
            }
            Node::Repeat { body, min, max } => {
                for _ in 0..*min {
                    self.compile(body, ops)?;
                }
                match max {
                    None => {
                        let split = ops.len();
                        ops.push(String::new());
                        self.compile(body, ops)?;
                        ops.push(format!("Op::Split({split}, {split})"));
                        ops[split] = format!("Op::Split({}, {})", split + 1, ops.len());
                    }
                    Some(max) => {
                        let mut splits = Vec::new();
                        for _ in *min..*max {
                            splits.push(ops.len());
                            ops.push(String::new());
                            self.compile(body, ops)?;
                        }
                        for split in splits {
                            ops[split] = format!("Op::Split({}, {})", split + 1, ops.len());
                        }
                    }
                }
            }
        }
        // Checked here too, because a nested repetition grows before `add` can look.
        if ops.len() > OPS_MAX {
            Err("too long".to_owned())
        } else {
            Ok(())
        }
    }

    /// The tables as Rust source; `src/agent/bots.rs` defines the types and says what they mean.
    fn emit(mut self) -> String {
        self.entries.sort_by_key(|entry| (entry.pair, entry.code));
        self.anchored.sort_unstable();
        let mut filter = [0u64; 256];
        for entry in &self.entries {
            filter[entry.pair / 64] |= 1 << (entry.pair % 64);
        }
        let sets = self.sets.iter();
        let sets =
            sets.map(|set| format!("Set {{ ascii: {:#x}, beyond: {} }}", set.ascii, set.beyond));
        let entries = self.entries.iter().map(
            |Entry {
                 pair,
                 back,
                 code,
                 search,
             }| {
                format!("Entry {{ pair: {pair}, back: {back}, code: {code}, search: {search} }}")
            },
        );
        let anchored = self
            .anchored
            .iter()
            .map(|(key, code)| format!("({key}, {code})"));
        let mut out = String::from("// Generated by shared/build.rs from node_modules/isbot.\n");
        let numbers = |numbers: Vec<usize>| numbers.iter().map(usize::to_string).collect();
        let mut table = |name: &str, kind: &str, rows: Vec<String>| {
            let _ = writeln!(
                out,
                "static {name}: [{kind}; {}] = [{}];",
                rows.len(),
                rows.join(", ")
            );
        };
        table(
            "FILTER",
            "u64",
            filter.iter().map(|row| format!("{row:#x}")).collect(),
        );
        table("SETS", "Set", sets.collect());
        table(
            "WORDS",
            "&[&str]",
            self.words
                .iter()
                .map(|words| format!("&{words:?}"))
                .collect(),
        );
        table("ENTRIES", "Entry", entries.collect());
        table("ANCHORED", "(u8, u16)", anchored.collect());
        table("ALWAYS", "u16", numbers(self.always));
        let searches = self.searches.iter();
        let searches = searches.map(|(code, last)| format!("({code}, {last})"));
        table("SEARCHES", "(u16, u8)", searches.collect());
        table("CODE", "Op", self.code);
        out
    }
}

/// Where `value` is in `table`, to which it is added if it is not there yet.
fn index<T: Clone + PartialEq>(table: &mut Vec<T>, value: &T) -> usize {
    let known = table.iter().position(|known| known == value);
    known.unwrap_or_else(|| {
        table.push(value.clone());
        table.len() - 1
    })
}

/// The sets that the first bytes of every match are in, as far as their number is fixed.
fn leading(parts: &[Node]) -> Vec<Set> {
    let mut sets = Vec::new();
    for part in parts {
        match part {
            Node::Assert(_) => {}
            Node::Set(set) => sets.push(set.clone()),
            Node::Repeat { body, min: 1.., .. } => {
                if let Node::Set(set) = &**body {
                    sets.push(set.clone());
                }
                break;
            }
            _ => break,
        }
    }
    sets
}

/// The cheapest trigger: how far in it is, and its pairs; none if fewer than two sets are given,
/// or if all are so wide that it would be no filter.
fn rarest(sets: &[Set]) -> Option<(usize, Vec<usize>)> {
    let pairs = sets.iter().zip(sets.iter().skip(1));
    pairs
        .map(|(first, second)| products(first, second))
        .enumerate()
        .filter(|(_, pairs)| pairs.len() <= 64)
        .min_by_key(|(_, pairs)| cost(pairs))
}

fn products(first: &Set, second: &Set) -> Vec<usize> {
    let second = second.keys();
    let pairs = first.keys().into_iter();
    pairs
        .flat_map(|first| second.iter().map(move |second| first * 128 + second))
        .collect()
}

/// How often people's User-Agents would fire these pairs; table rows decide between equals.
fn cost(pairs: &[usize]) -> usize {
    let fired = |agent: &str| {
        let bytes = agent.as_bytes().windows(2);
        bytes
            .filter(|two| pairs.contains(&(key(two[0]) * 128 + key(two[1]))))
            .count()
    };
    1_000 * PEOPLE.iter().map(|agent| fired(agent)).sum::<usize>() + pairs.len()
}
