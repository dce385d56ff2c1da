//! Bounds that are in reach natively: more distinct pages than a day object tells apart, and more
//! events of one visitor than it counts. Totals stay exact, what is beyond is `(other)` or told
//! (I9).

use std::collections::{BTreeMap, BTreeSet};

use shared::address::ClientAddress;
use shared::beacon::{Sender, decide};
use shared::cube::Counter;
use shared::drops::Drop;
use shared::event::Event;
use shared::jiff::civil::date;
use shared::limits::{OTHER, PAGES_MAX, VISITOR_HITS_MAX};
use shared::object::Name;
use shared::roster::Day;
use shared::rules::Rules;
use shared::settings::Settings;
use shared::visitor::{Salt, VisitorHash};

use crate::host::Host;
use crate::stream::Fate;
use crate::sums::{Aggregator, Names, Sums};

const NAME: Name = Name {
    site: 0,
    date: date(2026, 11, 23),
    shard: 0,
};
const DAY: Day = Day {
    date: NAME.date,
    start_ms: 0,
    end_ms: 86_400_000,
    shards: 1,
};
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
/// Events of one call.
const GATHERED: usize = 1_000;

/// What was answered to views (visitor, path) a second after another, and what came of them.
fn counted(views: &[(u32, String)]) -> (Vec<Option<Drop>>, Sums, Names) {
    let salt = Salt::from_random([9; 32]);
    let rules = Rules::new(&Settings::default());
    let mut host = Host::new(NAME, &DAY, &salt);
    let mut answers = Vec::new();
    for (call, chunk) in views.chunks(GATHERED).enumerate() {
        for (place, (who, path)) in chunk.iter().enumerate() {
            let body = format!(r#"{{"n":"pageview","u":"https://a.example{path}"}}"#);
            let event = Event::parse(body.as_bytes()).unwrap();
            let address = format!("10.0.{}.{}", who / 256, who % 256);
            let address = ClientAddress::parse(&address).unwrap();
            let sender = Sender::new(address, AGENT, "DE", false, false);
            let visitor = VisitorHash::new(&salt, NAME.site, NAME.date, address, AGENT);
            let counted = decide(&event, &sender, &rules).ok().unwrap();
            let at_s = call * GATHERED + place;
            host.push(&counted.entry(Some(visitor), at_s as u32), Some(at_s));
        }
        let answered = host.send_call(Fate::Fine, answers.len());
        answers.extend(answered.into_iter().map(|(_, answer)| answer));
        if call.is_multiple_of(7) {
            host.seal(false, 0);
            host.crash(0);
        }
    }
    let mut aggregator = Aggregator::default();
    host.close(true, 0);
    for _ in 0..100 {
        host.seal(false, 0);
        while host.deliver(&mut aggregator, DAY.end_ms) {}
    }
    host.check_done(&aggregator);
    let mut names = Names::default();
    let sums = aggregator.sums(&mut names);
    (answers, sums, names)
}

fn total(sums: &Sums, counter: Counter) -> u64 {
    let rows = sums.cells.iter().filter(|((of, _), _)| *of == counter);
    rows.map(|(_, n)| n).sum()
}

fn by_page(sums: &Sums, names: &Names, counter: Counter) -> BTreeMap<String, u64> {
    let mut pages = BTreeMap::new();
    for ((of, cell), n) in &sums.cells {
        if *of == counter {
            let page = names.text(cell.texts[0]).to_owned();
            *pages.entry(page).or_default() += n;
        }
    }
    pages
}

#[test]
fn i9_more_pages_than_a_day_tells_apart_are_other_and_totals_stay() {
    // Two views of every page, by two of 300 visitors; the second time round nothing is new.
    let pages = PAGES_MAX + 1_500;
    let path = |n: u32| format!("/p{}/{n}", n % 50);
    let view = |n: u32, round: u32| ((n * 7 + round) % 300, path(n));
    let rounds = (0..2).flat_map(|round| (0..pages).map(move |n| view(n, round)));
    let views: Vec<(u32, String)> = rounds.collect();
    let (answers, sums, names) = counted(&views);
    assert!(answers.iter().all(Option::is_none));

    let mut views_of: BTreeMap<String, u64> = BTreeMap::new();
    let mut visitors_of: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for (place, (who, path)) in views.iter().enumerate() {
        let number = place as u32 % pages;
        let page = if number < PAGES_MAX { path } else { OTHER };
        *views_of.entry(page.to_owned()).or_default() += 1;
        visitors_of.entry(page.to_owned()).or_default().insert(*who);
    }
    assert_eq!(by_page(&sums, &names, Counter::Views), views_of);
    let visitors_of: BTreeMap<String, u64> = visitors_of
        .into_iter()
        .map(|(page, visitors)| (page, visitors.len() as u64))
        .collect();
    assert_eq!(
        by_page(&sums, &names, Counter::DayPageVisitors),
        visitors_of
    );
    assert_eq!(total(&sums, Counter::DayVisitors), 300);
    assert_eq!(total(&sums, Counter::EndedViews), views.len() as u64);
    let visits = total(&sums, Counter::Visits);
    assert_eq!(visits, 300, "each is there every few minutes");
    assert_eq!(total(&sums, Counter::Exits), visits);
    assert_eq!(sums.hits.values().sum::<u64>(), views.len() as u64);
}

#[test]
fn i9_a_visitor_beyond_the_bound_of_events_is_throttled_and_told() {
    let most = VISITOR_HITS_MAX as usize;
    let mut views: Vec<(u32, String)> = (0..most + 40).map(|n| (1, format!("/{n}"))).collect();
    views.push((2, "/".into()));
    let (answers, sums, _) = counted(&views);
    let throttled = answers.iter().filter(|a| **a == Some(Drop::Throttled));
    assert_eq!(throttled.count(), 40);
    assert_eq!(answers.iter().flatten().count(), 40);
    assert_eq!(total(&sums, Counter::Views), VISITOR_HITS_MAX as u64 + 1);
    assert_eq!(total(&sums, Counter::DayVisitors), 2);
    assert_eq!(sums.hits.values().sum::<u64>(), most as u64 + 1);
    let dropped: Vec<_> = sums
        .dropped
        .iter()
        .map(|((_, why), n)| (*why, *n))
        .collect();
    assert_eq!(dropped, [(Drop::Throttled, 40)]);
}
