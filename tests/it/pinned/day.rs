//! A day object of an earlier release in the midst of its day, as its storage held it; and the sites
//! as the edge was told them.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use serde_json::{Value, json};
use shared::address::ClientAddress;
use shared::batch::Batch;
use shared::call::{CALL_VERSION, Call, CallBuilder, Entry, Header, Hit, HitKind, Revenue};
use shared::clock::UnixMs;
use shared::cube::{COUNTERS, CUBES, Counter};
use shared::limits::CLOSE_AFTER_MS;
use shared::object::memory::{Kept, Memory};
use shared::object::{Answer, Gathered, Object};
use shared::roster::Roster;
use shared::settings::Detail;
use shared::visitor::{DayKey, Salt, VisitorHasher};

use super::releases;

const DAY: Date = date(2026, 11, 20);
const DAY_MS: UnixMs = 86_400_000;
const SITE_ID: u32 = 1;

fn salt() -> Salt {
    Salt::from_random([5; 32])
}

fn key() -> DayKey {
    DayKey::new(&salt(), SITE_ID, DAY)
}

fn header(id: u8) -> Header {
    Header {
        version: CALL_VERSION,
        id: [id; 16],
        day_start_ms: 0,
        day_end_ms: DAY_MS,
        key: key(),
        degraded: false,
        detail: Detail::Cross,
    }
}

/// Ten people see a page each at the minute `id` of the day; the first of them buys, the second reads
/// on, and somebody is counted without a visitor.
fn call(id: u8) -> Vec<u8> {
    let hasher = VisitorHasher::new(&salt(), SITE_ID, DAY);
    let address = ClientAddress::parse("203.0.113.9").unwrap();
    let mut call = CallBuilder::new(&header(id)).unwrap();
    let page = format!("/{}", id % 4);
    let hit = |who: Option<u8>, kind| Hit {
        visitor: who.map(|who| hasher.hash(address, &who.to_string())),
        at_s: u32::from(id) * 60,
        kind,
        page: &page,
        host: "a.example",
        client: ["DE", "Desktop", "Firefox", "128", "Linux", ""],
        traffic: [
            "Search",
            "search.example",
            "Organic Search",
            "",
            "",
            "",
            "",
            "",
        ],
        props: Vec::new(),
        revenue: None,
        goals: vec![1],
        steps: vec![(1, 1)],
    };
    let mut hits: Vec<Hit> = (id..id + 10)
        .map(|who| hit(Some(who), HitKind::PageView))
        .collect();
    hits.push(hit(None, HitKind::PageView));
    hits.push(Hit {
        props: vec![("plan", "large")],
        revenue: Some(Revenue {
            currency: "EUR",
            milli: 19_990,
        }),
        goals: vec![2],
        steps: vec![(1, 2)],
        ..hit(
            Some(id),
            HitKind::Custom {
                name: "Purchase",
                interactive: true,
            },
        )
    });
    hits.push(hit(
        Some(id + 1),
        HitKind::Engagement {
            scroll_percent: Some(60),
            engaged_ms: Some(4_000),
        },
    ));
    for hit in hits {
        call.push(&Entry::Hit(Box::new(hit))).unwrap();
    }
    call.push(&Entry::Dropped(shared::drops::Drop::Bot))
        .unwrap();
    call.into_bytes()
}

fn random(bytes: &mut [u8]) {
    bytes.fill(3);
}

fn gather(object: &mut Object, store: &Memory, id: u8) {
    let bytes = call(id);
    let call = Call::decode(&bytes).unwrap();
    let gathered = object.gather(store, &call, &mut random).unwrap();
    assert!(matches!(gathered, Gathered::Committed(_)));
}

/// A day object with something in every table: visitors in rows and in the log, counts that are sealed
/// and such that are not, a batch that was acknowledged, one that is a dead letter, two that wait.
pub fn in_mid_day() -> Value {
    let store = Memory::default();
    let name = format!("{SITE_ID}:{DAY}:0").parse().unwrap();
    let mut object = Object::create(name, &header(0), [9; 16]);
    object.set_log_bytes_max(3_000);
    for id in 1..=4 {
        gather(&mut object, &store, id);
        object.seal(&store).unwrap();
    }
    object.answered(&store, 1, Answer::Taken, 1_000).unwrap();
    let refused = Answer::Malformed {
        reason: "pages: of another time".into(),
    };
    object.answered(&store, 2, refused, 1_000).unwrap();
    object.answered(&store, 2, Answer::Taken, 1_000).unwrap();
    for id in 5..=7 {
        gather(&mut object, &store, id);
    }
    let kept = store.kept.take();
    assert!(!kept.visitors.is_empty() && !kept.log.is_empty());
    assert!(!kept.deltas.is_empty() && !kept.dicts.is_empty());
    assert_eq!((kept.outbox.len(), kept.dead.len()), (4, 1));
    to_json(&kept)
}

fn to_json(kept: &Kept) -> Value {
    let all = |rows: &mut dyn Iterator<Item = Value>| Value::Array(rows.collect());
    json!({
        "meta": kept.meta.as_ref().map(hex::encode),
        "dicts": all(&mut kept.dicts.iter().map(|bytes| json!(hex::encode(bytes)))),
        "deltas": all(&mut kept.deltas.iter().map(|(gather, bytes)| {
            json!([gather.map(hex::encode), hex::encode(bytes)])
        })),
        "log": all(&mut kept.log.iter().map(|(id, bytes)| json!([id, hex::encode(bytes)]))),
        "visitors": all(&mut kept.visitors.iter().map(|(row, sealed)| {
            json!([hex::encode(row), hex::encode(sealed)])
        })),
        "outbox": all(&mut kept.outbox.iter().map(|(seq, (body, waits))| {
            json!([seq, hex::encode(body), waits])
        })),
        "dead": all(&mut kept.dead.iter().map(|(seq, (reason, body))| {
            json!([seq, reason, hex::encode(body)])
        })),
    })
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn of_json(value: &Value) -> Memory {
    let rows = |name: &str| value[name].as_array().unwrap().iter();
    let row_id = |value: &Value| bytes(value).try_into().unwrap();
    let kept = Kept {
        meta: Some(bytes(&value["meta"])),
        dicts: rows("dicts").map(bytes).collect(),
        deltas: rows("deltas")
            .map(|row| (row[0].as_str().map(|_| row_id(&row[0])), bytes(&row[1])))
            .collect(),
        log: rows("log")
            .map(|row| (row[0].as_u64().unwrap(), bytes(&row[1])))
            .collect(),
        visitors: rows("visitors")
            .map(|row| (row_id(&row[0]), bytes(&row[1])))
            .collect(),
        outbox: rows("outbox")
            .map(|row| {
                let waits = row[2].as_bool().unwrap();
                (row[0].as_u64().unwrap(), (bytes(&row[1]), waits))
            })
            .collect(),
        dead: rows("dead")
            .map(|row| {
                let reason = row[1].as_str().unwrap().to_owned();
                (row[0].as_u64().unwrap(), (reason, bytes(&row[2])))
            })
            .collect(),
    };
    let store = Memory::default();
    store.kept.replace(kept);
    store
}

/// Wakes it, repeats its last call, counts one more, ends the day with or without its salt, and gives
/// every counter of all its batches together.
pub fn ended(pinned: &Value, with_salt: bool) -> Value {
    let store = of_json(pinned);
    let mut object = Object::open(&store).unwrap().unwrap();
    assert_eq!(object.report().dead, 1);
    gather(&mut object, &store, 7);
    gather(&mut object, &store, 8);
    // Its dead letter is taken by now: nothing waits before it any more.
    let now_ms = DAY_MS + CLOSE_AFTER_MS;
    while let Some((seq, _)) = object.outgoing(&store).unwrap() {
        object.answered(&store, seq, Answer::Taken, now_ms).unwrap();
    }
    object.revive(&store, 2).unwrap();
    if !with_salt {
        object = Object::open(&store).unwrap().unwrap();
    }
    let key = with_salt.then(key);
    while object.close_step(&store, key.as_ref()).unwrap() {}
    object.seal(&store).unwrap();
    let kept = store.kept.borrow();
    assert!(kept.visitors.is_empty() && kept.log.is_empty() && kept.dead.is_empty());
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    let mut last = (0, false);
    for (body, _) in kept.outbox.values() {
        let batch = Batch::decode(body).unwrap();
        last = (batch.hits_total, batch.closed);
        *sums.entry("dropped".into()).or_default() += batch.dropped.values().sum::<u64>();
        for cube in CUBES {
            for row in batch.rows(cube).unwrap() {
                for (counter, n) in row.counters {
                    let name = name_of(counter);
                    *sums.entry(format!("{}.{name}", cube.name())).or_default() += n;
                }
            }
        }
    }
    assert!(last.1, "the day is closed");
    json!({ "hits_total": last.0, "sums": sums })
}

fn name_of(counter: Counter) -> &'static str {
    let found = COUNTERS.iter().find(|(known, ..)| *known == counter);
    found.map(|(.., name)| *name).unwrap()
}

#[test]
fn every_earlier_day_object_is_woken_goes_on_and_ends() {
    for release in releases() {
        let pinned = serde_json::from_slice(&release.bytes("day.json")).unwrap();
        for (with_salt, name) in [(true, "day"), (false, "day_without_salt")] {
            let ended = ended(&pinned, with_salt);
            assert_eq!(ended, release.expected[name], "{name}");
            // Eight calls of eleven page views, the last but one of them repeated.
            assert_eq!(ended["sums"]["pages.views"], 88);
            assert_eq!(ended["sums"]["dropped"], 8);
            assert_eq!(ended["hits_total"], 8 * 13);
        }
    }
}

/// Puts a field that no edge knows into every object.
fn with_more(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(with_more);
            fields.insert("of_a_later_release".into(), json!([{ "x": 1 }]));
        }
        Value::Array(values) => values.iter_mut().for_each(with_more),
        _ => {}
    }
}

/// Whether all of `then` is in `now`.
fn is_within(then: &Value, now: &Value) -> bool {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => then
            .iter()
            .all(|(name, value)| now.get(name).is_some_and(|now| is_within(value, now))),
        (Value::Array(then), Value::Array(now)) => {
            then.len() == now.len() && then.iter().zip(now).all(|(then, now)| is_within(then, now))
        }
        _ => then == now,
    }
}

#[test]
fn the_edge_reads_the_sites_as_an_earlier_aggregator_told_them_and_as_a_later_will() {
    for release in releases() {
        let then: Value = serde_json::from_slice(&release.bytes("roster.json")).unwrap();
        let read: Roster = serde_json::from_value(then.clone()).unwrap();
        assert!(read.sites.len() == 2 && !read.sites[0].settings.goals.is_empty());
        let again = serde_json::to_value(&read).unwrap();
        assert!(is_within(&then, &again), "{then}\nis not within\n{again}");
        let mut later = then.clone();
        with_more(&mut later);
        assert_ne!(later, then);
        assert_eq!(serde_json::from_value::<Roster>(later).unwrap(), read);
    }
}
