use super::*;
use crate::address::ClientAddress;
use crate::call::{Hit, HitKind, Revenue};
use crate::dict::DictDelta;
use crate::limits::{VISITOR_HITS_MAX, VISITOR_TOUCHES_MAX};
use crate::visit::Visitor;
use crate::visitor::{Salt, VisitorHash};
use jiff::civil::date;
use std::collections::HashMap;

fn visitor_hash(who: &str) -> VisitorHash {
    let salt = Salt::from_random([1; 32]);
    let address = ClientAddress::parse("203.0.113.9").unwrap();
    VisitorHash::new(&salt, 1, date(2026, 11, 23), address, who)
}

fn hit<'a>(who: &str, at_s: u32, kind: HitKind<'a>, page: &'a str) -> Hit<'a> {
    let country = if who.starts_with("de") { "DE" } else { "FR" };
    Hit {
        visitor: Some(visitor_hash(who)),
        at_s,
        kind,
        page,
        host: "a.example",
        traffic: ["", "", "Direct", "", "", "", "", ""],
        client: [country, "Desktop", "Firefox", "128", "Linux", ""],
        props: Vec::new(),
        revenue: None,
        goals: Vec::new(),
        steps: Vec::new(),
    }
}

fn view<'a>(who: &str, at_s: u32, page: &'a str) -> Hit<'a> {
    hit(who, at_s, HitKind::PageView, page)
}

fn engaged<'a>(who: &str, at_s: u32, page: &'a str) -> Hit<'a> {
    let kind = HitKind::Engagement {
        scroll_percent: Some(50),
        engaged_ms: Some(4_000),
    };
    hit(who, at_s, kind, page)
}

fn custom<'a>(who: &str, at_s: u32, name: &'a str, interactive: bool) -> Hit<'a> {
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
    let mut first = played.day.seal(source(), 1, false, true);
    assert!(
        first.live.take().is_some(),
        "who is there is in memory only"
    );
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

#[test]
fn properties_and_revenue_are_counted_by_name_and_value() {
    let buy = |at_s, plan, milli| Hit {
        props: vec![("plan", plan), ("seats", "3")],
        revenue: Some(Revenue {
            currency: "EUR",
            milli,
        }),
        ..custom("de1", at_s, "Buy", true)
    };
    let batch = Played::all(&[
        ("de1", buy(0, "pro", 10_500)),
        ("de1", buy(10, "pro", 1)),
        ("de1", buy(20, "free", 0)),
        (
            "fr1",
            Hit {
                props: vec![("plan", "pro")],
                ..view("fr1", 30, "/")
            },
        ),
    ])
    .batch();
    let prop = |key: &'static str, value: &'static str| {
        move |row: &[&str]| row[0] == "Buy" && row[1] == key && row[2] == value
    };
    assert_eq!(sum(&batch, Counter::PropEvents, prop("plan", "pro")), 2);
    assert_eq!(
        sum(&batch, Counter::DayPropVisitors, prop("plan", "pro")),
        1
    );
    assert_eq!(sum(&batch, Counter::PropEvents, prop("plan", "free")), 1);
    assert_eq!(sum(&batch, Counter::PropEvents, prop("seats", "3")), 3);
    assert_eq!(sum(&batch, Counter::DayPropVisitors, prop("seats", "3")), 1);
    let of_view = |row: &[&str]| row[..3] == ["pageview", "plan", "pro"];
    assert_eq!(sum(&batch, Counter::DayPropVisitors, of_view), 1);
    let eur = |row: &[&str]| row[..2] == ["Buy", "EUR"];
    assert_eq!(sum(&batch, Counter::RevenueMilli, eur), 10_501);
    assert_eq!(sum(&batch, Counter::RevenueEvents, eur), 3);
}

#[test]
fn goals_count_completions_and_visitors() {
    let goal = |hit: Hit<'static>, goals: &[u32]| Hit {
        goals: goals.to_vec(),
        ..hit
    };
    let batch = Played::all(&[
        ("de1", goal(view("de1", 0, "/thanks"), &[1])),
        ("de1", goal(view("de1", 10, "/thanks"), &[1, 2])),
        ("fr1", goal(view("fr1", 20, "/a"), &[])),
        ("fr1", goal(custom("fr1", 30, "Buy", true), &[2])),
        // A scroll goal: the browser tells its depth twice.
        ("fr1", goal(engaged("fr1", 40, "/a"), &[3])),
        ("fr1", goal(engaged("fr1", 3_700 - 2_000, "/a"), &[3])),
    ])
    .batch();
    let of = |goal: &'static str| move |row: &[&str]| row[0] == goal;
    assert_eq!(sum(&batch, Counter::Completions, of("1")), 2);
    assert_eq!(sum(&batch, Counter::DayGoalVisitors, of("1")), 1);
    assert_eq!(sum(&batch, Counter::Completions, of("2")), 2);
    assert_eq!(sum(&batch, Counter::DayGoalVisitors, of("2")), 2);
    assert_eq!(sum(&batch, Counter::DayGoalPageVisitors, of("2")), 2);
    assert_eq!(sum(&batch, Counter::Completions, of("3")), 1);
    assert_eq!(sum(&batch, Counter::DayGoalVisitors, of("3")), 1);
}

#[test]
fn funnels_count_visitors_who_took_the_steps_in_order() {
    let step = |who: &str, at_s, steps: &[(u32, u8)]| Hit {
        steps: steps.to_vec(),
        ..view(who, at_s, "/")
    };
    let batch = Played::all(&[
        ("de1", step("de1", 0, &[(7, 2)])),
        ("de1", step("de1", 1, &[(7, 1)])),
        ("de1", step("de1", 2, &[(7, 1)])),
        ("de1", step("de1", 3, &[(7, 2)])),
        ("de1", step("de1", 4, &[(7, 3), (8, 1), (8, 2)])),
        ("fr1", step("fr1", 5, &[(7, 1)])),
        ("fr1", step("fr1", 6, &[(7, 3)])),
    ])
    .batch();
    let at =
        |funnel: &'static str, step: &'static str| move |row: &[&str]| row[..2] == [funnel, step];
    let visitors = |funnel, step| sum(&batch, Counter::FunnelVisitors, at(funnel, step));
    assert_eq!(visitors("7", "1"), 2);
    assert_eq!(visitors("7", "2"), 1, "step 2 before step 1 is no step");
    assert_eq!(visitors("7", "3"), 1);
    assert_eq!(visitors("8", "1"), 1);
    assert_eq!(visitors("8", "2"), 0, "one event is one step");
}

#[test]
fn a_page_view_of_nobody_is_page_country_and_device() {
    let mut day = Day::default();
    let nobody = Hit {
        visitor: None,
        traffic: ["Google", "google.com", "Organic Search", "", "", "", "", ""],
        ..view("de1", 10, "/a")
    };
    day.apply_nobody(&nobody).unwrap();
    assert!(day.apply_nobody(&custom("de1", 0, "Buy", true)).is_err());
    day.take_delta();
    let batch = day.seal(source(), 1, false, false);
    assert_eq!(total(&batch, Counter::Views), 1);
    assert!(batch.visits.is_empty(), "no visit, no visitor");
    let mut strings = batch.strings.clone();
    strings.sort();
    assert_eq!(strings, ["", "/a", "DE", "Desktop", "a.example"]);
    assert_eq!(batch.minutes, [[0, 1, 0]]);
    assert_eq!(batch.hits_total, 1);
}

#[test]
fn drops_are_counted_by_reason_and_survive() {
    let mut day = Day::default();
    for reason in [Drop::Bot, Drop::Bot, Drop::Gpc] {
        day.drop(reason);
    }
    let delta = Delta::decode(&day.take_delta().encode()).unwrap();
    let mut again = Day::default();
    again.replay(&delta);
    let mut compacted = Day::default();
    for delta in again.open_deltas(1_000) {
        compacted.replay(&delta);
    }
    for mut day in [day, again, compacted] {
        assert!(day.has_open());
        let batch = day.seal(source(), 1, false, false);
        assert_eq!(batch.dropped, [(Drop::Bot, 2), (Drop::Gpc, 1)].into());
        assert_eq!(batch.hits_total, 0);
        assert!(!day.has_open());
        Batch::decode(&batch.encode().unwrap()).unwrap();
    }
}

#[test]
fn the_live_view_has_minutes_and_who_is_there() {
    let batch = Played::all(&[
        ("de1", view("de1", 10, "/")),
        ("de1", view("de1", 59, "/")),
        ("fr1", view("fr1", 70, "/")),
        ("fr1", engaged("fr1", 130, "/")),
    ])
    .batch();
    assert_eq!(batch.minutes, [[0, 2, 1], [1, 1, 1], [2, 0, 1]]);
    let live = batch.live.unwrap();
    assert_eq!((live.minute, live.visitors), (2, 2));
}

#[test]
fn i9_what_one_visitor_touches_is_bounded_and_overflows_into_other() {
    let mut played = Played::default();
    let keys: Vec<String> = (0..30).map(|n| format!("k{n}")).collect();
    let mut events = 0;
    for n in 0..VISITOR_HITS_MAX {
        let value = n.to_string();
        let buy = Hit {
            props: keys
                .iter()
                .map(|key| (key.as_str(), value.as_str()))
                .collect(),
            ..custom("de1", n, "Buy", true)
        };
        played.hit("de1", &buy).unwrap();
        events += 30;
    }
    let touches = played.visitors["de1"].touches.len();
    assert!(touches <= VISITOR_TOUCHES_MAX + 200, "{touches}");
    played.day.take_delta();
    let mut seen = 0;
    while played.day.has_open() {
        seen += total(
            &played.day.seal(source(), 1, false, false),
            Counter::PropEvents,
        );
    }
    assert_eq!(seen, events);
}
