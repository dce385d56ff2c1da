//! What the counting core costs, in nanoseconds: each step of a beacon's way by itself.
//!
//! Run it with `scripts/bench core`, which also makes the table, or
//! `cargo bench -p shared --bench core -- <part of a name>`. Groups of several inputs are one
//! pass over all of them; `bench/core/report.mjs` divides by their number, which is the group's
//! throughput in elements.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::civil::{Date, date};
use shared::address::ClientAddress;
use shared::agent;
use shared::attribution::Attribution;
use shared::beacon::{self, Sender};
use shared::call::{CALL_VERSION, Call, CallBuilder, Entry, Header, Hit};
use shared::country;
use shared::day::Day;
use shared::event::Event;
use shared::object::memory::Memory;
use shared::object::{Name, Object};
use shared::page_url::PageUrl;
use shared::path;
use shared::referrer::Referrer;
use shared::rules::Rules;
use shared::seal::{NONCE_BYTES, Sealer};
use shared::settings::Settings;
use shared::visit::Visitor;
use shared::visitor::{DayKey, Salt, VisitorHash};

const DAY: Date = date(2026, 11, 23);
const AGENTS: &str = include_str!("../../tests/data/agents.tsv");
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0 Safari/537.36";

/// What the tracker sends on most pages.
const TYPICAL: &str = r#"{"n":"pageview","v":1,"u":"https://www.example.com/blog/2026/how-to-count-visitors","d":"example.com","r":"https://www.google.com/"}"#;
/// The first page of a campaign, with a referrer that has a path.
const CAMPAIGN: &str = r#"{"n":"pageview","v":1,"u":"https://www.example.com/pricing?utm_source=newsletter&utm_medium=email&utm_campaign=autumn-sale&gclid=Cj0KCQ","d":"example.com","r":"https://news.ycombinator.com/item?id=12345"}"#;
/// A custom event with properties and revenue.
const PURCHASE: &str = r#"{"n":"Purchase","v":1,"u":"https://shop.example.com/checkout/done","d":"example.com","p":{"plan":"pro","seats":3,"coupon":"AUTUMN","trial":false},"$":{"currency":"EUR","amount":"249.00"}}"#;
/// What is sent when a page is left.
const ENGAGEMENT: &str = r#"{"n":"engagement","v":1,"u":"https://www.example.com/blog/2026/how-to-count-visitors","d":"example.com","sd":74,"e":31250}"#;
const BODIES: [(&str, &str); 4] = [
    ("pageview", TYPICAL),
    ("campaign", CAMPAIGN),
    ("purchase", PURCHASE),
    ("engagement", ENGAGEMENT),
];

fn parsed(body: &str) -> Event {
    Event::parse(body.as_bytes()).expect("a valid event")
}

fn address(n: u32) -> ClientAddress {
    // An odd multiplier visits every address: all blocks, assigned or not.
    let bits = n.wrapping_mul(0x9e37_79b1);
    ClientAddress::parse(&std::net::Ipv4Addr::from_bits(bits).to_string()).expect("an address")
}

fn salt() -> Salt {
    Salt::from_random([7; 32])
}

fn visitor(n: u32) -> VisitorHash {
    VisitorHash::new(&salt(), 1, DAY, address(n), CHROME)
}

fn sender() -> Sender<'static> {
    Sender::new(address(1), CHROME, "DE", false, false)
}

fn header(id: u32) -> Header {
    let mut call_id = [0; 16];
    call_id[..4].copy_from_slice(&id.to_be_bytes());
    Header {
        version: CALL_VERSION,
        id: call_id,
        day_start_ms: 0,
        day_end_ms: 86_400_000,
        key: DayKey::new(&salt(), 1, DAY),
        degraded: false,
        detail: shared::settings::Detail::Cross,
    }
}

/// Not random: what it costs to draw is the platform's.
fn fill(bytes: &mut [u8]) {
    bytes.fill(0x55);
}

/// A call of `hits` typical page views, each of another visitor.
fn call(id: u32, first: u32, hits: u32) -> Vec<u8> {
    let (event, sender) = (parsed(TYPICAL), sender());
    let rules = Rules::new(&Settings::default());
    let counted = beacon::decide(&event, &sender, &rules).ok();
    let counted = counted.expect("a page view is counted");
    let mut call = CallBuilder::new(&header(id)).expect("a header");
    for n in first..first + hits {
        call.push(&counted.entry(Some(visitor(n)), 3_600 + n % 600));
    }
    call.into_bytes()
}

fn first_hit<'a>(call: &'a Call<'a>) -> &'a Hit<'a> {
    match call.entries.first() {
        Some(Entry::Hit(hit)) => hit,
        _ => panic!("a hit"),
    }
}

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    for (name, body) in BODIES {
        group.bench_function(name, |b| {
            b.iter(|| Event::parse(black_box(body.as_bytes())))
        });
    }
    let url = "https://www.example.com/blog/2026/how-to-count-visitors";
    group.bench_function("url", |b| b.iter(|| PageUrl::parse(black_box(url), false)));
    let odd = "https://münchen.example/%C3%BC/a b";
    group.bench_function("odd url", |b| {
        b.iter(|| PageUrl::parse(black_box(odd), false))
    });
    group.finish();
}

fn decide(c: &mut Criterion) {
    let mut group = c.benchmark_group("decide");
    let (sender, rules) = (sender(), Rules::new(&Settings::default()));
    for (name, body) in BODIES {
        let event = parsed(body);
        group.bench_function(name, |b| {
            b.iter(|| beacon::decide(black_box(&event), &sender, &rules).is_ok());
        });
    }
    let from = "https://news.ycombinator.com/item?id=12345";
    group.bench_function("referrer", |b| {
        b.iter(|| Referrer::parse(black_box(from), "example.com"));
    });
    let query = "utm_source=newsletter&utm_medium=email&utm_campaign=autumn-sale&gclid=Cj0KCQ";
    group.bench_function("attribution", |b| {
        b.iter(|| Attribution::parse(black_box(query)))
    });
    let page = "/blog/2026/how-to-count-visitors";
    group.bench_function("clean path", |b| {
        b.iter(|| path::clean(black_box(page)).len())
    });
    group.finish();
}

fn classify(c: &mut Criterion) {
    let agents: Vec<&str> = AGENTS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split('\t').next())
        .collect();
    let mut group = c.benchmark_group("classify");
    group.throughput(Throughput::Elements(agents.len() as u64));
    group.bench_function("classify", |b| {
        b.iter(|| {
            for agent in &agents {
                black_box(agent::classify(black_box(agent)));
            }
        });
    });
    group.bench_function("is_bot", |b| {
        b.iter(|| agents.iter().filter(|agent| agent::is_bot(agent)).count());
    });
    group.finish();
}

fn countries(c: &mut Criterion) {
    const ADDRESSES: u32 = 10_000;
    let v4: Vec<ClientAddress> = (0..ADDRESSES).map(address).collect();
    // The blocks that the regional registries assign from.
    const BLOCKS: [&str; 7] = ["2001", "2400", "2600", "2800", "2a00", "2a02", "2c0f"];
    let v6: Vec<ClientAddress> = (0..ADDRESSES)
        .zip(BLOCKS.iter().cycle())
        .filter_map(|(n, block)| {
            let within = n.wrapping_mul(0x9e37) & 0xffff;
            ClientAddress::parse(&format!("{block}:{within:x}::1"))
        })
        .collect();
    let mut group = c.benchmark_group("country");
    for (name, addresses) in [("IPv4", &v4), ("IPv6", &v6)] {
        group.throughput(Throughput::Elements(addresses.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                for address in addresses {
                    black_box(country::of_address(*address, None));
                }
            });
        });
    }
    group.finish();
}

fn hash(c: &mut Criterion) {
    let (salt, address) = (salt(), address(1));
    let key = DayKey::new(&salt, 1, DAY);
    let (sealer, visitor) = (Sealer::new(&key), visitor(1));
    let mut group = c.benchmark_group("hash");
    group.bench_function("visitor", |b| {
        b.iter(|| VisitorHash::new(&salt, 1, DAY, address, black_box(CHROME)));
    });
    group.bench_function("day key", |b| {
        b.iter(|| DayKey::new(black_box(&salt), 1, DAY))
    });
    group.bench_function("sealer", |b| b.iter(|| Sealer::new(black_box(&key))));
    group.bench_function("row", |b| b.iter(|| sealer.row(black_box(&visitor))));
    group.finish();
}

fn seal(c: &mut Criterion) {
    let sealer = Sealer::new(&DayKey::new(&salt(), 1, DAY));
    let row = sealer.row(&visitor(1));
    let bytes = call(1, 0, 1);
    let read = Call::decode(&bytes).expect("a call");
    let (mut day, mut state) = (Day::default(), Visitor::default());
    for _ in 0..5 {
        day.apply(&mut state, first_hit(&read)).expect("counted");
    }
    let plain = state.encode();
    let sealed = sealer.seal(&row, [9; NONCE_BYTES], &plain).expect("sealed");
    let mut group = c.benchmark_group("seal");
    group.bench_function("encode", |b| b.iter(|| black_box(&state).encode()));
    group.bench_function("decode", |b| b.iter(|| Visitor::decode(black_box(&plain))));
    group.bench_function("seal", |b| {
        b.iter(|| sealer.seal(&row, [9; NONCE_BYTES], black_box(&plain)));
    });
    group.bench_function("open", |b| b.iter(|| sealer.open(&row, black_box(&sealed))));
    group.finish();
}

fn encode(c: &mut Criterion) {
    const HITS: u32 = 100;
    let (event, sender) = (parsed(TYPICAL), sender());
    let rules = Rules::new(&Settings::default());
    let counted = beacon::decide(&event, &sender, &rules).ok();
    let counted = counted.expect("a page view is counted");
    let who = visitor(1);
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(HITS.into()));
    group.bench_function("push", |b| {
        b.iter_batched(
            || CallBuilder::new(&header(1)).expect("a header"),
            |mut call| {
                for _ in 0..HITS {
                    call.push(&counted.entry(Some(who), 3_600));
                }
                call.into_bytes()
            },
            BatchSize::SmallInput,
        );
    });
    let bytes = call(1, 0, HITS);
    group.bench_function("decode", |b| {
        b.iter(|| Call::decode(black_box(&bytes)).map(|call| call.entries.len()));
    });
    group.finish();
}

fn count(c: &mut Criterion) {
    const HITS: u32 = 100;
    let bytes = call(1, 0, 1);
    let read = Call::decode(&bytes).expect("a call");
    let hit = first_hit(&read);
    let mut group = c.benchmark_group("count");
    let mut day = Day::default();
    let mut known = Visitor::default();
    day.apply(&mut known, hit).expect("counted");
    group.bench_function("returning", |b| {
        b.iter_batched_ref(
            || known.clone(),
            |visitor| day.apply(visitor, hit),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("new", |b| {
        b.iter_batched_ref(
            Visitor::default,
            |visitor| day.apply(visitor, hit),
            BatchSize::SmallInput,
        );
    });

    // Every call is of 100 visitors that the object has in memory.
    group.throughput(Throughput::Elements(HITS.into()));
    let name = Name {
        site: 1,
        date: DAY,
        shard: 0,
    };
    group.bench_function("gather", |b| {
        let mut next = 0u32;
        b.iter_batched_ref(
            || {
                next = next.wrapping_add(1);
                let store = Memory::default();
                let mut object = Object::create(name, &header(0), [9; 16]);
                let first = call(0, 0, HITS);
                let first = Call::decode(&first).expect("a call");
                assert!(object.gather(&store, &first, &mut fill).is_ok());
                (store, object, call(next, 0, HITS))
            },
            |(store, object, bytes)| {
                let call = Call::decode(bytes).expect("a call");
                object.gather(store, &call, &mut fill).is_ok()
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("gather new", |b| {
        b.iter_batched_ref(
            || {
                let object = Object::create(name, &header(0), [9; 16]);
                (Memory::default(), object, call(1, 0, HITS))
            },
            |(store, object, bytes)| {
                let call = Call::decode(bytes).expect("a call");
                object.gather(store, &call, &mut fill).is_ok()
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(
    benches, parse, decide, classify, countries, hash, seal, encode, count
);
criterion_main!(benches);
