use super::*;
use crate::address::ClientAddress;
use crate::batch::Batch;
use crate::call::{CALL_VERSION, CallBuilder, Hit, HitKind};
use crate::cube::{Counter, Cube};
use crate::drops::Drop;
use crate::visitor::{Salt, VisitorHash};
use jiff::civil::{Date, date};
use memory::{Broken, Memory};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

mod delivery;

const DAY: Date = date(2026, 11, 23);
const DAY_END_MS: UnixMs = 86_400_000;
const NAME: Name = Name {
    site: 1,
    date: DAY,
    shard: 0,
};

impl Memory {
    /// Every count of every batch sealed so far: views by page, and one counter's total.
    fn sealed(&self) -> (BTreeMap<String, u64>, u64) {
        let (mut views, mut visitors) = (BTreeMap::new(), 0);
        for (body, _) in self.kept.borrow().outbox.values() {
            let batch = Batch::decode(body).unwrap();
            for row in batch.rows(Cube::Pages).unwrap() {
                let page = batch.strings[row.texts[0] as usize].clone();
                for (counter, n) in row.counters {
                    if counter == Counter::Views {
                        *views.entry(page.clone()).or_default() += n;
                    }
                }
            }
            for row in batch.rows(Cube::Visits).unwrap() {
                visitors += row
                    .counters
                    .iter()
                    .filter(|(c, _)| *c == Counter::DayVisitors)
                    .map(|(_, n)| n)
                    .sum::<u64>();
            }
        }
        (views, visitors)
    }
}

fn salt(fill: u8) -> Salt {
    Salt::from_random([fill; 32])
}

fn hash(salt: &Salt, who: u8) -> VisitorHash {
    let address = ClientAddress::parse("203.0.113.9").unwrap();
    VisitorHash::new(salt, 1, DAY, address, &who.to_string())
}

fn header(id: [u8; 16], salt: &Salt) -> Header {
    Header {
        version: CALL_VERSION,
        id,
        day_start_ms: 0,
        day_end_ms: DAY_END_MS,
        key: DayKey::new(salt, 1, DAY),
        degraded: false,
        detail: crate::settings::Detail::Cross,
    }
}

/// A call of views at one moment, as it comes over the wire.
fn call_at(id: [u8; 16], at_s: u32, salt: &Salt, views: &[(u8, String)]) -> Vec<u8> {
    let mut call = CallBuilder::new(&header(id, salt)).unwrap();
    for (who, page) in views {
        let hit = Hit {
            visitor: Some(hash(salt, *who)),
            at_s,
            kind: HitKind::PageView,
            page,
            host: "a.example",
            client: ["DE", "", "", "", "", ""],
            traffic: ["", "", "Direct", "", "", "", "", ""],
            props: Vec::new(),
            revenue: None,
            goals: Vec::new(),
            steps: Vec::new(),
        };
        call.push(&Entry::Hit(Box::new(hit))).unwrap();
    }
    call.into_bytes()
}

fn call(id: u8, salt: &Salt, views: &[(u8, String)]) -> Vec<u8> {
    call_at([id; 16], u32::from(id) * 60, salt, views)
}

fn gather(object: &mut Object, store: &Memory, call: &[u8]) -> Result<Gathered, Broken> {
    object.gather(store, &Call::decode(call).unwrap(), &mut random)
}

fn random(bytes: &mut [u8]) {
    bytes.fill(7);
}

fn new_object() -> Object {
    Object::create(NAME, &header([0; 16], &salt(1)), [0xab; 16])
}

/// Nothing about any visitor is stored.
fn knows_nobody(store: &Memory) -> bool {
    let kept = store.kept.borrow();
    kept.visitors.is_empty() && kept.log.is_empty()
}

fn reopen(store: &Memory) -> Object {
    Object::open(store).unwrap().unwrap_or_else(new_object)
}

#[test]
fn i7_a_repeated_call_counts_once_even_after_a_crash_and_a_seal() {
    let store = Memory::default();
    let mut object = new_object();
    let call = call(1, &salt(1), &[(1, "/a".into()), (2, "/a".into())]);
    assert_eq!(
        gather(&mut object, &store, &call).unwrap(),
        Gathered::Committed(vec![0, 0])
    );
    gather(&mut object, &store, &call).unwrap();
    let mut object = reopen(&store);
    gather(&mut object, &store, &call).unwrap();
    object.seal(&store).unwrap();
    gather(&mut object, &store, &call).unwrap();
    let mut object = reopen(&store);
    gather(&mut object, &store, &call).unwrap();
    object.seal(&store).unwrap();
    assert_eq!(store.sealed(), ([("/a".to_owned(), 2)].into(), 2));
}

#[test]
fn i4_rows_hold_nothing_readable_and_are_gone_after_the_day() {
    let store = Memory::default();
    let mut object = new_object();
    object.set_log_bytes_max(6_200);
    let views: Vec<(u8, String)> = (0..200)
        .map(|who| (who, format!("/secret-{who}")))
        .collect();
    for (id, chunk) in views.chunks(50).enumerate() {
        gather(&mut object, &store, &call(id as u8, &salt(1), chunk)).unwrap();
    }
    {
        let kept = store.kept.borrow();
        let (rows, log) = (kept.visitors.len(), kept.log.len());
        assert!(
            rows > 0 && rows < 200 && log > 0,
            "{rows} rows, {log} in the log"
        );
        for sealed in kept.visitors.values().chain(kept.log.values()) {
            assert!(!sealed.windows(6).any(|window| window == b"secret"));
            for row in kept.visitors.keys() {
                assert!(!sealed.windows(16).any(|window| window == row));
            }
        }
    }
    assert!(!object.is_due_to_close(DAY_END_MS));
    let now = DAY_END_MS + limits::CLOSE_AFTER_MS;
    assert!(object.is_due_to_close(now));
    let mut object = reopen(&store);
    while object
        .close_step(&store, Some(&DayKey::new(&salt(1), 1, DAY)))
        .unwrap()
    {
        object = reopen(&store);
    }
    assert!(knows_nobody(&store));
    object.seal(&store).unwrap();
    let (_, body) = object.outgoing(&store).unwrap().unwrap();
    let batch = Batch::decode(&body).unwrap();
    assert!(batch.closed);
    assert_eq!(batch.hits_total, 200);
    let late = call(99, &salt(1), &[(1, "/late".into())]);
    assert_eq!(
        gather(&mut object, &store, &late).unwrap(),
        Gathered::Closed
    );
    // It ceases to exist 48 h after its last batch was acknowledged.
    object.answered(&store, 1, Answer::Taken, now).unwrap();
    let object = reopen(&store);
    assert!(!object.is_done(now + limits::ACKED_KEPT_MS - 1));
    assert!(object.is_done(now + limits::ACKED_KEPT_MS));
    assert_eq!(
        object.wake_ms(now, 1_000, now),
        now + limits::ASK_AGAIN_MS,
        "until then it asks what the aggregator has"
    );
}

#[test]
fn i3_without_the_salt_the_rows_go_all_the_same() {
    let store = Memory::default();
    let mut object = new_object();
    gather(&mut object, &store, &call(1, &salt(1), &[(1, "/a".into())])).unwrap();
    let mut object = reopen(&store);
    while object.close_step(&store, None).unwrap() {}
    object.seal(&store).unwrap();
    assert!(knows_nobody(&store));
    assert_eq!(store.sealed().0, [("/a".to_owned(), 1)].into());
}

#[test]
fn i10_another_salt_on_the_same_day_is_told() {
    let store = Memory::default();
    let mut object = new_object();
    let degraded = |object: &mut Object| {
        object.seal(&store).unwrap();
        let kept = store.kept.borrow();
        Batch::decode(&kept.outbox.values().next_back().unwrap().0)
            .unwrap()
            .degraded
    };
    for (id, fill, expected) in [(1, 1, false), (2, 1, false), (3, 2, true), (4, 2, true)] {
        let call = call(id, &salt(fill), &[(1, "/a".into())]);
        gather(&mut object, &store, &call).unwrap();
        assert_eq!(degraded(&mut object), expected, "call {id}");
        object = reopen(&store);
    }
}

#[test]
fn i8_an_outage_is_bounded_by_cardinality() {
    let store = Memory::default();
    let mut object = new_object();
    let rounds = 3 * limits::OUTBOX_WAITING_MAX + 2 * limits::DELTAS_MAX;
    for round in 0..rounds {
        let views = [((round % 9) as u8, format!("/{}", round % 5))];
        let call = call_at(u128::from(round).to_be_bytes(), 60, &salt(1), &views);
        gather(&mut object, &store, &call).unwrap();
        object.seal(&store).unwrap();
    }
    assert_eq!(store.waiting().unwrap(), limits::OUTBOX_WAITING_MAX);
    assert!(store.kept.borrow().deltas.len() as u64 <= limits::DELTAS_MAX + 1);
    // The aggregator comes back: everything drains, in order, nothing twice.
    let mut object = reopen(&store);
    let mut next = 1;
    while let Some((seq, _)) = object.outgoing(&store).unwrap() {
        assert_eq!(seq, next);
        object.answered(&store, seq, Answer::Taken, 5).unwrap();
        object.seal(&store).unwrap();
        next += 1;
    }
    assert_eq!(store.sealed().0.values().sum::<u64>(), rounds);
}

#[test]
fn i7_a_gap_resends_what_is_lacking() {
    let store = Memory::default();
    let mut object = new_object();
    for id in 1..=3 {
        gather(
            &mut object,
            &store,
            &call(id, &salt(1), &[(1, format!("/{id}"))]),
        )
        .unwrap();
        object.seal(&store).unwrap();
        object
            .answered(&store, id.into(), Answer::Taken, 9)
            .unwrap();
    }
    assert_eq!(object.outgoing(&store).unwrap(), None);
    object
        .answered(&store, 3, Answer::Gap { last: 1 }, 9)
        .unwrap();
    assert_eq!(object.outgoing(&store).unwrap().unwrap().0, 2);
}

#[test]
fn what_another_version_stored_is_not_touched() {
    let store = Memory::default();
    store.kept.borrow_mut().meta = Some(vec![99, 1, 2]);
    assert!(matches!(Object::open(&store), Err(OpenError::Unreadable)));
}

#[test]
fn visits_end_half_an_hour_after_the_last_event_also_after_a_restart() {
    let store = Memory::default();
    let mut object = new_object();
    let ended = |object: &mut Object| {
        object.seal(&store).unwrap();
        let mut ended = 0;
        for (body, _) in store.kept.borrow().outbox.values() {
            for row in Batch::decode(body).unwrap().rows(Cube::Visits).unwrap() {
                let counters = row.counters.iter();
                let of = counters.filter(|(counter, _)| *counter == Counter::EndedVisits);
                ended += of.map(|(_, n)| n).sum::<u64>();
            }
        }
        ended
    };
    let sweep = |object: &mut Object, now_s: i64| {
        while object.sweep(&store, now_s * 1_000, &mut random).unwrap() {}
    };
    for (n, at_s) in [(1u8, 0u32), (2, 600)] {
        let call = call_at(
            [n; 16],
            at_s,
            &salt(1),
            &[(1, "/a".into()), (n + 1, "/b".into())],
        );
        gather(&mut object, &store, &call).unwrap();
    }
    // Visitor 1 was there at 0 and 600 s, 2 at 0, 3 at 600.
    assert!(!object.is_due_to_sweep(1_805_000));
    assert!(object.is_due_to_sweep(1_806_000));
    sweep(&mut object, 1_805);
    assert_eq!(ended(&mut object), 0);
    sweep(&mut object, 1_806);
    assert_eq!(ended(&mut object), 1);
    let mut object = reopen(&store);
    sweep(&mut object, 2_406);
    assert_eq!(
        ended(&mut object),
        1,
        "without the key nothing can be ended"
    );
    object.use_key(&DayKey::new(&salt(1), 1, DAY));
    sweep(&mut object, 2_406);
    assert_eq!(ended(&mut object), 3);
    // They are known when they come back, and their visits do not end twice.
    let call = call_at([9; 16], 3_000, &salt(1), &[(1, "/c".into())]);
    gather(&mut object, &store, &call).unwrap();
    while object.close_step(&store, None).unwrap() {}
    assert_eq!(ended(&mut object), 4);
    assert_eq!(store.sealed().1, 3);
}

/// Whoever floods a site with new strings must not make what is stored larger than it may be.
#[test]
fn i8_a_flood_of_long_strings_is_stored_and_sealed() {
    let store = Memory::default();
    let mut object = new_object();
    let mut views = 0;
    for n in 0..12u32 {
        let id = u128::from(n + 1).to_be_bytes();
        let mut call = CallBuilder::new(&header(id, &salt(1))).unwrap();
        let mut hits = 0;
        while call.has_room() {
            let page = format!("/{n}-{hits}/{}", "x".repeat(1_900));
            let values: Vec<String> = (0..30)
                .map(|v| format!("{n}-{hits}-{v}{}", "y".repeat(1_500)))
                .collect();
            let keys: Vec<String> = (0..30).map(|key| format!("k{key}")).collect();
            let hit = Hit {
                visitor: Some(hash(&salt(1), (hits % 200) as u8)),
                at_s: n,
                kind: HitKind::PageView,
                page: &page,
                host: "a.example",
                client: ["DE", "", "", "", "", ""],
                traffic: [""; 8],
                props: keys
                    .iter()
                    .map(String::as_str)
                    .zip(values.iter().map(String::as_str))
                    .collect(),
                revenue: None,
                goals: Vec::new(),
                steps: Vec::new(),
            };
            call.push(&Entry::Hit(Box::new(hit))).unwrap();
            hits += 1;
        }
        views += hits;
        gather(&mut object, &store, &call.into_bytes()).unwrap();
    }
    // All of it since the last seal: what was learned goes into several rows.
    object.seal(&store).unwrap();
    assert!(store.kept.borrow().dicts.len() > 4);
    let mut object = reopen(&store);
    object.seal(&store).unwrap();
    assert_eq!(store.sealed().0.values().sum::<u64>(), views);
}

/// An alarm that looks for the key in vain must not come again at once.
#[test]
fn without_the_key_the_next_look_for_ended_visits_is_a_minute_away() {
    let store = Memory::default();
    gather(
        &mut new_object(),
        &store,
        &call(1, &salt(1), &[(1, "/a".into())]),
    )
    .unwrap();
    let mut object = reopen(&store);
    let now_ms = 10_000_000;
    assert!(object.is_due_to_sweep(now_ms));
    object.use_key(&DayKey::new(&salt(2), 1, DAY));
    assert!(
        !object.has_key(),
        "a key that is not the day's is of no use"
    );
    object.sweep(&store, now_ms, &mut random).unwrap();
    assert!(!object.is_due_to_sweep(now_ms));
    assert!(object.is_due_to_sweep(now_ms + SWEEP_MS));
}

#[test]
fn many_visitors_are_read_through_from_storage() {
    let store = Memory::default();
    let mut object = new_object();
    let salt = salt(1);
    let address = ClientAddress::parse("203.0.113.9").unwrap();
    let people = 50_000u32;
    for round in 0..2u32 {
        for (n, chunk) in (0..people).collect::<Vec<_>>().chunks(1_000).enumerate() {
            let id = u128::from(round * 1_000 + n as u32 + 1).to_be_bytes();
            let mut call = CallBuilder::new(&header(id, &salt)).unwrap();
            for who in chunk {
                let hit = Hit {
                    visitor: Some(VisitorHash::new(&salt, 1, DAY, address, &who.to_string())),
                    at_s: 10 + round,
                    kind: HitKind::PageView,
                    page: "/",
                    host: "a.example",
                    client: ["DE", "", "", "", "", ""],
                    traffic: [""; 8],
                    props: Vec::new(),
                    revenue: None,
                    goals: Vec::new(),
                    steps: Vec::new(),
                };
                call.push(&Entry::Hit(Box::new(hit))).unwrap();
            }
            gather(&mut object, &store, &call.into_bytes()).unwrap();
        }
        object.seal(&store).unwrap();
    }
    let (views, visitors) = store.sealed();
    assert_eq!(views["/"], 2 * u64::from(people));
    assert_eq!(visitors, u64::from(people));
}

#[test]
fn somebody_can_see_what_is_held_and_have_it_deleted() {
    let store = Memory::default();
    let mut object = new_object();
    let head = header([1; 16], &salt(1));
    let who = hash(&salt(1), 1);
    assert_eq!(object.show(&store, &head, &who).unwrap(), None);
    for id in 1..=2 {
        let page = format!("/{id}");
        gather(
            &mut object,
            &store,
            &call(id, &salt(1), &[(1, page), (2, "/x".into())]),
        )
        .unwrap();
    }
    let shown = object.show(&store, &head, &who).unwrap().unwrap();
    assert_eq!(shown.events, 2);
    assert_eq!(shown.pages, ["/1", "/2"]);
    assert!(shown.visit && !shown.opted_out);
    assert!(shown.client.contains(&("country".into(), "DE".into())));

    object.forget(&store, &head, &who, &mut random).unwrap();
    for object in [&mut object, &mut reopen(&store)] {
        let shown = object.show(&store, &head, &who).unwrap().unwrap();
        let nothing = Shown {
            opted_out: true,
            ..Shown::default()
        };
        assert_eq!(shown, nothing);
    }
    let late = call(3, &salt(1), &[(1, "/3".into()), (2, "/y".into())]);
    assert_eq!(
        gather(&mut object, &store, &late).unwrap(),
        Gathered::Committed(vec![Drop::OptedOut as u8, 0])
    );
    object.seal(&store).unwrap();
    assert!(!store.sealed().0.contains_key("/3"));
    // Also where nothing was held, and nothing was ever counted.
    let store = Memory::default();
    let mut object = new_object();
    object.forget(&store, &head, &who, &mut random).unwrap();
    let mut object = reopen(&store);
    assert!(object.show(&store, &head, &who).unwrap().unwrap().opted_out);
    while object.close_step(&store, None).unwrap() {}
    assert!(knows_nobody(&store));
}

#[derive(Debug, Clone)]
enum Step {
    Views(Vec<u8>),
    Repeat,
    Seal,
    Take,
    Gap,
    Crash,
    BreakAfter(u32),
    /// Rows are written after so many bytes of the log.
    LogBytes(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop::collection::vec(0..6u8, 1..5).prop_map(Step::Views),
        1 => Just(Step::Repeat),
        2 => Just(Step::Seal),
        2 => Just(Step::Take),
        1 => Just(Step::Gap),
        1 => Just(Step::Crash),
        1 => (0..3u32).prop_map(Step::BreakAfter),
        1 => (0..2_000usize).prop_map(Step::LogBytes),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// Every view has a page of its own, so that every page must be counted exactly once when its
    /// call was acknowledged, and at most once when it was not.
    #[test]
    fn i6_acknowledged_means_counted_once_whatever_breaks(steps in steps()) {
        let store = Memory::default();
        let mut object = new_object();
        let mut calls: Vec<Vec<u8>> = Vec::new();
        let (mut acknowledged, mut sent) = (BTreeSet::new(), BTreeSet::new());
        for step in steps {
            let result = match step {
                Step::Views(people) => {
                    let n = calls.len();
                    let views: Vec<(u8, String)> = people.iter().enumerate().map(|(i, who)| (*who, format!("/{n}-{i}"))).collect();
                    sent.extend(views.iter().map(|(_, page)| page.clone()));
                    calls.push(call(n as u8, &salt(1), &views));
                    gather_last(&mut object, &store, &calls, &mut acknowledged)
                }
                Step::Repeat => gather_last(&mut object, &store, &calls, &mut acknowledged),
                Step::Seal => object.seal(&store),
                Step::Take => match object.outgoing(&store).unwrap() {
                    Some((seq, _)) => object.answered(&store, seq, Answer::Taken, 1).map(drop),
                    None => Ok(()),
                },
                Step::Gap => object.checked(&store, 1, 1),
                Step::Crash => {
                    object = reopen(&store);
                    Ok(())
                }
                Step::LogBytes(most) => {
                    object.set_log_bytes_max(most);
                    Ok(())
                }
                Step::BreakAfter(writes) => {
                    store.writes_until_broken.set(Some(writes));
                    Ok(())
                }
            };
            if result.is_err() {
                store.writes_until_broken.set(None);
                object = reopen(&store);
            }
        }
        store.writes_until_broken.set(None);
        let mut object = reopen(&store);
        while object.close_step(&store, Some(&DayKey::new(&salt(1), 1, DAY))).unwrap() {}
        while { object.seal(&store).unwrap(); object.outgoing(&store).unwrap().is_some() } {
            let (seq, _) = object.outgoing(&store).unwrap().unwrap();
            object.answered(&store, seq, Answer::Taken, 1).unwrap();
        }
        prop_assert!(knows_nobody(&store));
        let (views, visitors) = store.sealed();
        prop_assert!(visitors <= 6, "{visitors} of six visitors");
        for page in &sent {
            let counted = views.get(page).copied().unwrap_or(0);
            prop_assert!(counted <= 1, "{page} was counted {counted} times");
            prop_assert!(counted == 1 || !acknowledged.contains(page), "{page} was lost");
        }
        let last = store.kept.borrow().outbox.values().next_back().map(|(body, _)| Batch::decode(body).unwrap());
        let last = last.unwrap();
        prop_assert!(last.closed);
        prop_assert_eq!(last.hits_total, views.values().sum::<u64>());
    }
}

fn gather_last(
    object: &mut Object,
    store: &Memory,
    calls: &[Vec<u8>],
    acknowledged: &mut BTreeSet<String>,
) -> Result<(), Broken> {
    if let Some(call) = calls.last() {
        gather(object, store, call)?;
        let read = Call::decode(call).unwrap();
        acknowledged.extend(read.entries.iter().map(|entry| match entry {
            Entry::Hit(hit) => hit.page.to_owned(),
            Entry::Dropped(_) => unreachable!(),
        }));
    }
    Ok(())
}
