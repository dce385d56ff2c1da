//! The seeds go through their targets, so that `cargo test` here says whether they hold.

use std::path::Path;

use shared::address::ClientAddress;
use shared::call::{CallBuilder, Entry, Hit, HitKind, Revenue};
use shared::drops::Drop;
use shared::visitor::{Salt, VisitorHash};

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 6] = [
    ("agent", super::agent::run),
    ("batch", super::batch::run),
    ("call", super::call::run),
    ("event", super::event::run),
    ("path", super::path::run),
    ("referrer", super::referrer::run),
];

#[test]
fn no_seed_is_a_finding() {
    for (name, run) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("seeds")
            .join(name);
        let mut seeds = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            run(&std::fs::read(&path).unwrap());
            seeds += 1;
        }
        assert!(seeds >= 3, "{name}: {seeds}");
    }
}

/// `cargo test --manifest-path fuzz/Cargo.toml -- --ignored` writes the seeds of calls anew, for
/// when their format changes: nobody can write them by hand.
#[test]
#[ignore = "writes files"]
fn seeds_of_calls() {
    let header = super::call::header();
    let address = ClientAddress::parse("203.0.113.9").unwrap();
    let salt = Salt::from_random([7; 32]);
    let visitor = VisitorHash::new(&salt, 1, super::call::DAY, address, "x");
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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/call");
    for (name, entries) in seeds {
        let mut call = CallBuilder::new(&header).unwrap();
        let head = CallBuilder::new(&header).unwrap().into_bytes().len();
        for entry in &entries {
            call.push(entry).unwrap();
        }
        let bytes = call.into_bytes();
        std::fs::write(folder.join(name), &bytes[head..]).unwrap();
        std::fs::write(folder.join(format!("{name}_whole")), bytes).unwrap();
    }
}
