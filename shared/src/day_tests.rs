use super::*;
use crate::address::ClientAddress;
use crate::visitor::{Salt, VisitorHash};
use jiff::civil::date;
use std::collections::HashMap;

fn visitor_hash(who: &str) -> VisitorHash {
    let salt = Salt::from_random([1; 32]);
    let address = ClientAddress::parse("203.0.113.9").unwrap();
    VisitorHash::new(&salt, 1, date(2026, 11, 23), address, who)
}

fn hit(who: &str, at_s: u32, kind: HitKind, page: &str) -> Hit {
    Hit {
        visitor: visitor_hash(who),
        at_s,
        kind,
        page: page.to_owned(),
        host: "a.example".to_owned(),
        traffic: crate::attrs::traffic(None, None, "a.example"),
        client: crate::attrs::client(
            if who.starts_with("de") { "DE" } else { "FR" }.to_owned(),
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        ),
    }
}

fn view(who: &str, at_s: u32, page: &str) -> Hit {
    hit(who, at_s, HitKind::PageView, page)
}

fn engaged(who: &str, at_s: u32, page: &str) -> Hit {
    let kind = HitKind::Engagement {
        scroll_percent: Some(50),
        engaged_ms: Some(4_000),
    };
    hit(who, at_s, kind, page)
}

fn custom(who: &str, at_s: u32, name: &str, interactive: bool) -> Hit {
    let name = name.to_owned();
    hit(who, at_s, HitKind::Custom { name, interactive }, "/")
}

fn source() -> Source {
    Source {
        site: 1,
        date: date(2026, 11, 23),
        shard: 0,
        incarnation: "0".repeat(32),
    }
}

/// A day with its visitors, and the sum of its counters.
#[derive(Default)]
struct Played {
    day: Day,
    visitors: HashMap<String, Visitor>,
}

impl Played {
    fn hit(&mut self, who: &str, hit: &Hit) -> Result<(), Drop> {
        let visitor = self.visitors.entry(who.to_owned()).or_default();
        self.day.apply(visitor, hit)
    }

    fn all(hits: &[(&str, Hit)]) -> Self {
        let mut played = Self::default();
        for (who, hit) in hits {
            played.hit(who, hit).unwrap();
        }
        played
    }

    fn end(&mut self) {
        for visitor in self.visitors.values_mut() {
            self.day.end_visit(visitor);
        }
    }

    fn batch(&mut self) -> Batch {
        self.day.take_delta();
        self.day.seal(source(), 1, false, true)
    }
}

fn sum(batch: &Batch, counter: Counter, keep: impl Fn(&[&str]) -> bool) -> u64 {
    let cube = counter.cube().unwrap();
    let mut total = 0;
    for row in batch.rows(cube).unwrap() {
        let text = |place: &u32| batch.strings[*place as usize].as_str();
        let mut key: Vec<&str> = row.texts.iter().map(text).collect();
        key.extend(batch.visit_attrs[row.visit_attrs as usize].iter().map(text));
        key.extend(
            batch.client_attrs[row.client_attrs as usize]
                .iter()
                .map(text),
        );
        if keep(&key) {
            total += row
                .counters
                .iter()
                .filter(|(c, _)| *c == counter)
                .map(|(_, n)| n)
                .sum::<u64>();
        }
    }
    total
}

fn total(batch: &Batch, counter: Counter) -> u64 {
    sum(batch, counter, |_| true)
}

#[test]
fn two_visitors_are_two_and_a_reload_is_not_a_third() {
    let batch = Played::all(&[
        ("de1", view("de1", 10, "/")),
        ("fr1", view("fr1", 20, "/")),
        ("de1", view("de1", 30, "/")),
    ])
    .batch();
    assert_eq!(total(&batch, Counter::DayVisitors), 2);
    assert_eq!(total(&batch, Counter::Views), 3);
    assert_eq!(total(&batch, Counter::PageVisits), 2);
    assert_eq!(
        sum(&batch, Counter::DayVisitors, |key| key.contains(&"DE")),
        1
    );
    assert_eq!(batch.hits_total, 3);
}

#[test]
fn marks_count_a_visitor_once_per_value() {
    let batch = Played::all(&[
        ("de1", view("de1", 0, "/a")),
        ("de1", view("de1", 10, "/b")),
        ("de1", view("de1", 3_700, "/a")),
        ("fr1", view("fr1", 20, "/b")),
    ])
    .batch();
    let page = |page: &'static str| move |key: &[&str]| key[0] == page;
    assert_eq!(sum(&batch, Counter::DayPageVisitors, page("/a")), 1);
    assert_eq!(sum(&batch, Counter::HourPageVisitors, page("/a")), 2);
    assert_eq!(sum(&batch, Counter::DayPageVisitors, page("/b")), 2);
    assert_eq!(total(&batch, Counter::HourVisitors), 3);
    assert_eq!(total(&batch, Counter::DayHostVisitors), 2);
    assert_eq!(
        total(&batch, Counter::Visits),
        3,
        "an hour apart is a new visit"
    );
    assert_eq!(
        sum(&batch, Counter::DayEntryPageVisitors, |key| key[0] == "/a"),
        1
    );
}

#[test]
fn visits_end_after_half_an_hour() {
    let mut played = Played::all(&[
        ("de1", view("de1", 0, "/a")),
        ("de1", view("de1", 1_800, "/b")),
        ("de1", view("de1", 3_601, "/c")),
    ]);
    played.end();
    let batch = played.batch();
    assert_eq!(total(&batch, Counter::Visits), 2);
    assert_eq!(total(&batch, Counter::EndedVisits), 2);
    assert_eq!(total(&batch, Counter::Bounces), 1);
    assert_eq!(total(&batch, Counter::DurationS), 1_800);
    assert_eq!(total(&batch, Counter::EndedViews), 3);
    assert_eq!(sum(&batch, Counter::Exits, |key| key[0] == "/b"), 1);
    assert_eq!(sum(&batch, Counter::Exits, |key| key[0] == "/c"), 1);
    assert_eq!(total(&batch, Counter::DayExitPageVisitors), 2);
    assert_eq!(
        total(&batch, Counter::ActiveVisits),
        2,
        "one for each hour a visit was seen in"
    );
}

#[test]
fn only_interactive_events_end_a_bounce() {
    for (interactive, bounces) in [(true, 0), (false, 1)] {
        let mut played = Played::all(&[
            ("de1", view("de1", 0, "/")),
            ("de1", custom("de1", 5, "Signup", interactive)),
        ]);
        played.end();
        let batch = played.batch();
        assert_eq!(total(&batch, Counter::Bounces), bounces);
        assert_eq!(sum(&batch, Counter::Events, |key| key[0] == "Signup"), 1);
        assert_eq!(total(&batch, Counter::DayEventVisitors), 1);
        assert_eq!(total(&batch, Counter::DayVisitors), 1);
    }
}

#[test]
fn engagement_keeps_a_visit_alive_and_does_not_begin_one() {
    let mut played = Played::default();
    assert_eq!(
        played.hit("de1", &engaged("de1", 0, "/")),
        Err(Drop::EngagementWithoutVisit)
    );
    assert!(played.day.take_delta().is_empty());
    played.hit("de1", &view("de1", 0, "/")).unwrap();
    played.hit("de1", &engaged("de1", 1_700, "/")).unwrap();
    played.hit("de1", &view("de1", 3_400, "/")).unwrap();
    let late = engaged("de1", 3_400 + 1_801, "/");
    assert_eq!(played.hit("de1", &late), Err(Drop::EngagementWithoutVisit));
    let batch = played.batch();
    assert_eq!(total(&batch, Counter::Visits), 1);
    assert_eq!(total(&batch, Counter::EngagedMs), 4_000);
    assert_eq!(total(&batch, Counter::ScrollSum), 50);
    assert_eq!(batch.hits_total, 3);
}

#[test]
fn a_visitor_is_throttled_after_a_thousand_events() {
    let mut played = Played::default();
    for n in 0..VISITOR_HITS_MAX {
        played.hit("de1", &view("de1", n, "/")).unwrap();
    }
    assert_eq!(
        played.hit("de1", &view("de1", 2_000, "/")),
        Err(Drop::Throttled)
    );
    assert_eq!(
        total(&played.batch(), Counter::Views),
        u64::from(VISITOR_HITS_MAX)
    );
}

#[test]
fn i9_rows_beyond_the_bound_fold_into_other_and_totals_stay() {
    let mut played = Played::default();
    let people = 2 * OPEN_ROWS_MAX / 15;
    let mut views = 0;
    for who in 0..people {
        for page in 0..15 {
            let who = who.to_string();
            let at_s = (who.len() as u32) * 3_600;
            played
                .hit(&who, &view(&who, at_s, &format!("/{}/{page}", who)))
                .unwrap();
            views += 1;
        }
        if who % 100 == 0 {
            played.day.take_delta();
        }
    }
    played.day.take_delta();
    let mut seen = (0, 0);
    while played.day.has_open() {
        let batch = played.day.seal(source(), 1, false, false);
        batch
            .encode()
            .and_then(|bytes| Batch::decode(&bytes))
            .unwrap();
        seen.0 += total(&batch, Counter::Views);
        seen.1 += total(&batch, Counter::DayVisitors);
    }
    assert_eq!(seen, (views, people as u64));
}

#[test]
fn a_day_replayed_from_its_deltas_seals_the_same_batch() {
    let mut played = Played::default();
    let mut stored = Vec::new();
    for n in 0..50u32 {
        let who = format!("de{}", n % 7);
        played
            .hit(&who, &view(&who, n * 400, &format!("/{}", n % 5)))
            .unwrap();
        if n % 3 == 0 {
            stored.push(played.day.take_delta().encode());
        }
    }
    stored.push(played.day.take_delta().encode());
    let mut again = Day::default();
    for bytes in &stored {
        again.replay(&Delta::decode(bytes).unwrap());
    }
    assert_eq!(again.hits_total(), 50);
    // Compacting keeps the counts too.
    let mut compacted = Day::default();
    let mut dict = DictDelta::default();
    for bytes in &stored {
        dict.append(Delta::decode(bytes).unwrap().dict);
    }
    compacted.replay(&Delta {
        dict,
        ..Delta::default()
    });
    for delta in again.open_deltas(2_000) {
        compacted.replay(&Delta::decode(&delta.encode()).unwrap());
    }
    compacted.restore_hits(50);
    let first = played.day.seal(source(), 1, false, true);
    assert_eq!(again.seal(source(), 1, false, true), first);
    assert_eq!(compacted.seal(source(), 1, false, true), first);
    assert!(!again.has_open());
}

#[test]
fn a_batch_of_hostile_pages_fits_its_bounds() {
    let mut played = Played::default();
    for n in 0..2_000u32 {
        // Pages that hardly compress and that JSON must escape.
        let noise: String = (0..60u32)
            .map(|i| hex::encode(crate::sign::sha256(&(n * 100 + i).to_be_bytes())).split_off(40))
            .collect();
        let who = format!("de{n}");
        played
            .hit(&who, &view(&who, 0, &format!("/\"\\{noise}")))
            .unwrap();
    }
    played.day.take_delta();
    let (mut batches, mut views) = (0, 0);
    while played.day.has_open() {
        let batch = played.day.seal(source(), 1, false, false);
        let json = serde_json::to_vec(&batch).unwrap();
        let bytes = batch.encode().unwrap();
        assert!(
            bytes.len() <= crate::limits::BATCH_BYTES_MAX
                && json.len() <= crate::limits::BATCH_BYTES_MAX
        );
        views += total(&Batch::decode(&bytes).unwrap(), Counter::Views);
        batches += 1;
    }
    assert!(batches > 2);
    assert_eq!(views, 2_000);
}

#[test]
fn i2_a_batch_holds_no_identifier_and_no_moment() {
    let mut played = Played::all(&[("de1", view("de1", 4_242, "/a"))]);
    played.end();
    let batch = played.batch();
    let json = serde_json::to_string(&batch).unwrap();
    let hash = hex::encode(visitor_hash("de1").bytes());
    assert!(!json.contains(&hash) && !json.contains("4242") && !json.contains("203.0.113"));
    let mut strings = batch.strings.clone();
    strings.sort();
    let known = [
        "",
        "/a",
        "128",
        "DE",
        "Desktop",
        "Direct",
        "Firefox",
        "Linux",
        "a.example",
    ];
    assert_eq!(strings, known, "nothing but the enumerated attributes");
}
