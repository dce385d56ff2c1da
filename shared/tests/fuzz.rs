//! The fuzz targets (fuzz/src), natively and shortly: every seed, and some thousand inputs made of
//! the seeds as a fuzzer makes them, but always the same ones. `scripts/fuzz` does it with
//! coverage and for as long as one likes; building for that takes longer than this test may.

#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::path::Path;

use shared::address::ClientAddress;
use shared::call::{CallBuilder, Entry, Hit, HitKind, Revenue, SealedKey};
use shared::drops::Drop;
use shared::visitor::{Salt, VisitorHash};

/// Inputs for each target; a debug build takes a few seconds for all.
const INPUTS: u64 = 3_000;
/// Longest input, bytes: some bounds lie at 2,000.
const BYTES_MAX: usize = 4_096;

/// Numbers that are random enough, and the same every time (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let n = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    }

    /// Below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// A place in a text, its end included.
    fn place(&mut self, bytes: &[u8]) -> usize {
        self.below(bytes.len() + 1)
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// The files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// The tokens of a dictionary of libFuzzer's; escapes other than of quotes stay as they are.
fn tokens(file: &Path) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let token = |line: &str| {
        let inner = line.strip_prefix('"')?.strip_suffix('"')?;
        Some(
            inner
                .replace("\\\"", "\"")
                .replace("\\\\", "\\")
                .into_bytes(),
        )
    };
    text.lines().filter_map(token).collect()
}

/// One change of those that libFuzzer makes.
fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], tokens: &[Vec<u8>], random: &mut Random) {
    let at = random.place(input);
    let to = at + random.below(input.len() - at + 1);
    match random.below(8) {
        0 => {
            let byte = random.next() as u8;
            input
                .get_mut(at)
                .into_iter()
                .for_each(|there| *there = byte);
        }
        1 => {
            let bit = 1 << random.below(8);
            input
                .get_mut(at)
                .into_iter()
                .for_each(|there| *there ^= bit);
        }
        2 => std::mem::drop(input.drain(at..to.min(at + 8))),
        3 => input.truncate(at),
        4 => {
            let again = input[at..to].repeat(1 + random.below(40));
            input.splice(at..at, again);
        }
        5 => {
            let other = random.of(seeds);
            let from = random.place(other);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        _ if tokens.is_empty() => input.insert(at, b"\0\x01\x7f\x80\xff0/.%"[random.below(9)]),
        _ => std::mem::drop(input.splice(at..at, random.of(tokens).iter().copied())),
    }
    input.truncate(BYTES_MAX);
}

fn fuzz(name: &str, run: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let seeds = files(&fuzz.join("seeds").join(name));
    let tokens = tokens(&fuzz.join(format!("dictionaries/{name}.dict")));
    for seed in &seeds {
        run(seed);
    }
    for n in 0..INPUTS {
        let mut random = Random(n);
        let mut input = random.of(&seeds).clone();
        for _ in 0..=random.below(6) {
            change(&mut input, &seeds, &tokens, &mut random);
        }
        if let Err(panic) = std::panic::catch_unwind(|| run(&input)) {
            let shown = String::from_utf8_lossy(&input);
            eprintln!("{name}, input {n}: {input:?}\n{shown}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn agent() {
    fuzz("agent", targets::agent::run);
}

#[test]
fn batch() {
    fuzz("batch", targets::batch::run);
}

#[test]
fn call() {
    fuzz("call", targets::call::run);
}

#[test]
fn event() {
    fuzz("event", targets::event::run);
}

#[test]
fn path() {
    fuzz("path", targets::path::run);
}

#[test]
fn referrer() {
    fuzz("referrer", targets::referrer::run);
}

#[test]
fn signature() {
    fuzz("signature", targets::signature::run);
}

/// `cargo test -p shared --test fuzz -- --ignored` writes the seeds of calls anew, for when their
/// format changes: nobody can write them by hand.
#[test]
#[ignore = "writes files"]
fn seeds_of_calls() {
    let header = targets::call::header();
    let address = ClientAddress::parse("203.0.113.9").unwrap();
    let salt = Salt::from_random([7; 32]);
    let visitor = VisitorHash::new(&salt, 1, targets::call::DAY, address, "x");
    let hit = |at_s, kind| Hit {
        visitor: Some(visitor),
        at_s,
        kind,
        page: "/a/b",
        host: "a.example",
        client: ["DE", "Desktop", "Firefox", "128", "Linux", ""],
        traffic: ["", "", "Direct", "", "", "", "", ""],
        props: vec![("plan", "pro")],
        revenue: Some(Revenue {
            currency: "EUR",
            milli: 19_990,
        }),
        goals: vec![1],
        steps: vec![(1, 1), (1, 2)],
    };
    let entry = |at_s, kind| Entry::Hit(Box::new(hit(at_s, kind)));
    let engagement = HitKind::Engagement {
        scroll_percent: Some(60),
        engaged_ms: Some(3_000),
    };
    let custom = HitKind::Custom {
        name: "Signup",
        interactive: true,
    };
    let nobody = Hit {
        visitor: None,
        ..hit(70, HitKind::PageView)
    };
    let seeds = [
        ("page_view", vec![entry(9, HitKind::PageView)]),
        (
            "visit",
            vec![
                entry(9, HitKind::PageView),
                entry(60, engagement),
                entry(7_000, custom),
            ],
        ),
        (
            "nobody",
            vec![Entry::Hit(Box::new(nobody)), Entry::Dropped(Drop::Bot)],
        ),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/call");
    for (name, entries) in seeds {
        let mut call = CallBuilder::new(&header).unwrap();
        let head = CallBuilder::new(&header).unwrap().into_bytes().len();
        for entry in &entries {
            call.push(entry).unwrap();
        }
        let bytes = call.into_bytes();
        std::fs::write(folder.join(name), &bytes[head..]).unwrap();
        let sealed = header
            .clone()
            .with_key(SealedKey::unknown(header.key.check()));
        let mut whole = CallBuilder::new(&sealed).unwrap();
        for entry in &entries {
            whole.push(entry).unwrap();
        }
        std::fs::write(folder.join(format!("{name}_whole")), whole.into_bytes()).unwrap();
    }
}
