//! Every pair of ranges of a small site, through the pages themselves: nothing that is told, and no
//! difference of two things that are told, is of fewer than `k` visitors.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;

use super::*;
use counts::{Did, FIRST, GOALS, VISITORS};

on_both_engines!(
    no_two_ranges_single_out_fewer_than_k,
    a_day_is_told_when_it_is_over_and_all_of_it_is_there,
);

/// What a range tells: list and value, or a number of the page's head; visitors, and page views.
type Told = BTreeMap<(String, String), [Option<u64>; 2]>;

fn day(n: usize) -> Date {
    FIRST.checked_add((n as i64).days()).unwrap()
}

fn number(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

async fn told(guest: &Browser<'_>, base: &str, from: usize, to: usize) -> Told {
    // So many in a minute and no more.
    guest.web.clock.advance_ms(4_000);
    let range = format!("from={}&to={}&compare=off", day(from), day(to));
    let mut told = Told::new();
    let page = guest.get(&format!("{base}?{range}")).await;
    assert_eq!(page.status, 200);
    let head = |id: &str| number(page.between(&format!("<span id=\"{id}\">"), "</span>"));
    let totals = [head("visitors"), head("pageviews")];
    told.insert(("total".into(), String::new()), totals);
    if from == to {
        // By the hour, where nothing is drawn that is not told.
        for row in page.html.split("<tr><th scope=\"row\">").skip(1) {
            let (label, rest) = row.split_once("</th><td>").unwrap_or_default();
            if label.len() == 5 && label.ends_with(":00") {
                let visitors = number(rest.split('<').next().unwrap());
                told.insert(("hour".into(), label.into()), [visitors, None]);
            }
        }
    }
    let mut on_map = 0;
    for list in ["page", "source", "country", "device", "browser", "goal"] {
        let csv = guest.get(&format!("{base}/list/{list}.csv?{range}")).await;
        assert_eq!(csv.status, 200, "{list}");
        let mut rows = csv.html.lines();
        let header: Vec<&str> = rows.next().unwrap().split(',').collect();
        let place = |name: &str| header.iter().position(|known| *known == name);
        for row in rows {
            let cells: Vec<&str> = row.split(',').collect();
            let of = |at: Option<usize>| at.and_then(|at| cells[at].parse().ok());
            let numbers = [of(place("visitors")), of(place("pageviews"))];
            let is_country = list == "country" && cells[0] != "(other)";
            if let (true, Some(n)) = (is_country, numbers[0]) {
                // The map tells the same, and nothing else.
                let name = crate::country::name(cells[0]);
                let title = format!("<title>{name}: {n} visitor");
                assert_eq!(page.html.matches(&title).count(), 1, "{title}");
                on_map += 1;
            }
            told.insert((list.to_owned(), cells[0].to_owned()), numbers);
        }
    }
    if let Some((_, rest)) = page.html.split_once("<figure class=\"map\">") {
        let (map, _) = rest.split_once("</figure>").unwrap_or_default();
        assert_eq!(map.matches("<title>").count(), on_map);
    }
    told
}

fn value(did: &Did, list: &str) -> String {
    match list {
        "page" => did.page,
        "source" if did.source.is_empty() => "Direct / None",
        "source" => did.source,
        "country" => did.country,
        "device" => did.device,
        _ => did.browser,
    }
    .to_owned()
}

fn is_fine(n: u64, k: u64) -> bool {
    n == 0 || n >= k
}

async fn no_two_ranges_single_out_fewer_than_k(place: Place) {
    let web = Web::start(&place).await;
    counts::fill(&web, "a.example").await;
    open_to_everybody(&web, "a.example", Some(5)).await;
    let guest = web.browser(HTTP);
    let happened = counts::what_happened();
    let of_two = link(&web, "a.example", 3, None).await;
    for (base, k) in [("/public/a.example", 5), (of_two.as_str(), 3)] {
        let mut ranges = BTreeMap::new();
        for from in 0..VISITORS.len() {
            for to in from..VISITORS.len() {
                ranges.insert((from, to), told(&guest, base, from, to).await);
            }
        }
        let today = VISITORS.len() - 1;
        assert!(
            ranges[&(today, today)]
                .values()
                .flatten()
                .flatten()
                .all(|n| *n == 0)
        );
        // Much is told all the same.
        let whole = &ranges[&(0, today)];
        let visitors: usize = VISITORS[..today].iter().filter(|n| **n >= k as usize).sum();
        assert_eq!(
            whole[&("total".into(), String::new())][0],
            Some(visitors as u64)
        );
        assert!(whole.len() > 20, "{whole:?}");
        assert!(!whole.contains_key(&("goal".into(), "Visit /pricing".into())));
        // Any two ranges of which one lies in the other: what they differ by, value by value.
        let nothing = [Some(0), Some(0)];
        let mut compared = 0;
        for ((from, to), outer) in &ranges {
            for ((start, end), inner) in &ranges {
                if !(from <= start && end <= to) {
                    continue;
                }
                let keys: BTreeSet<_> = outer.keys().chain(inner.keys()).collect();
                for key in keys.into_iter().filter(|(list, _)| list != "hour") {
                    let of = |told: &Told| told.get(key).copied().unwrap_or(nothing);
                    let (outer, inner) = (of(outer), of(inner));
                    if let (Some(outer), Some(inner)) = (outer[0], inner[0]) {
                        assert!(inner <= outer, "{key:?}");
                        assert!(is_fine(outer - inner, k), "{key:?} {outer} {inner}");
                        compared += 1;
                    }
                }
                // What a list leaves of the total stays within it.
                for list in ["country", "device", "browser"] {
                    let sum = |told: &Told| {
                        let of = told.iter().filter(|((known, _), _)| known == list);
                        of.map(|(_, numbers)| numbers[0].unwrap()).sum::<u64>()
                    };
                    let total = |told: &Told| told[&("total".into(), String::new())][0].unwrap();
                    assert_eq!(sum(outer), total(outer), "{list}: nothing is lost");
                    assert_eq!(sum(inner), total(inner), "{list}: nothing is lost");
                }
                // Page views as well, though visitors are in several pages.
                for list in ["page", "source"] {
                    let of = outer.iter().filter(|((known, _), _)| known == list);
                    let sum: u64 = of.map(|(_, numbers)| numbers[1].unwrap()).sum();
                    let total = outer[&("total".into(), String::new())][1];
                    assert_eq!(Some(sum), total, "{list}: nothing is lost");
                }
            }
        }
        assert!(compared > 5_000, "{compared}");
        // Day by day, against what happened: who is in what is folded, and who is not in a cell.
        for at in 0..today {
            let told = &ranges[&(at, at)];
            let all = VISITORS[at] as u64;
            let did: Vec<&Did> = happened.iter().filter(|did| did.on == day(at)).collect();
            if all < k {
                assert!(
                    told.values().flatten().flatten().all(|n| *n == 0),
                    "{told:?}"
                );
                continue;
            }
            let distinct = |is: &dyn Fn(&Did) -> bool| {
                let who: BTreeSet<usize> = did
                    .iter()
                    .filter(|did| is(did))
                    .map(|did| did.who)
                    .collect();
                who.len() as u64
            };
            for list in ["page", "source", "country", "device", "browser"] {
                let is_of = |did: &Did| list != "page" || did.goal.is_none();
                let is_shown = |did: &Did| told.contains_key(&(list.to_owned(), value(did, list)));
                let folded = distinct(&|did| is_of(did) && !is_shown(did));
                assert!(is_fine(folded, k), "{list} {}: {folded}", day(at));
                for (key, numbers) in told
                    .iter()
                    .filter(|((known, text), _)| known == list && text != "(other)")
                {
                    let exact = distinct(&|did| is_of(did) && value(did, list) == key.1);
                    assert_eq!(numbers[0], Some(exact), "{key:?} {}", day(at));
                    assert!(exact >= k && is_fine(all - exact, k), "{key:?} {exact}");
                }
            }
            let of_goals = GOALS.map(|goal| {
                let told = told.get(&("goal".to_owned(), goal.to_owned()));
                told.and_then(|numbers| numbers[0])
            });
            for one in of_goals.iter().flatten() {
                assert!(*one >= k && is_fine(all - one, k));
                for other in of_goals.iter().flatten() {
                    assert!(is_fine(one.abs_diff(*other), k), "{of_goals:?}");
                }
            }
            let hours: Vec<u64> = told
                .iter()
                .filter(|((list, _), _)| list == "hour")
                .filter_map(|(_, numbers)| numbers[0])
                .collect();
            let hidden = distinct(&|did| {
                let label = format!("{:02}:00", did.hour);
                told.get(&("hour".into(), label))
                    .is_none_or(|numbers| numbers[0].is_none())
            });
            assert!(
                hours.iter().all(|n| *n >= k && is_fine(all - n, k)),
                "{hours:?}"
            );
            assert!(is_fine(hidden, k), "{hidden} {hours:?}");
        }
    }
}

async fn a_day_is_told_when_it_is_over_and_all_of_it_is_there(place: Place) {
    let web = Web::start(&place).await;
    let site = counts::fill(&web, "a.example").await;
    open_to_everybody(&web, "a.example", Some(5)).await;
    let guest = web.browser(HTTP);
    let today = VISITORS.len() - 1;
    let visitors = async |at| {
        let told = told(&guest, "/public/a.example", at, at).await;
        told[&("total".to_owned(), String::new())][0].unwrap()
    };
    assert_eq!(visitors(today).await, 0);
    let page = guest.get("/public/a.example").await;
    assert!(page.html.contains("2026-10-24") && page.html.contains("2026-11-22"));
    assert!(!page.html.contains("?period=day") && !page.html.contains(">Today<"));
    web.clock.advance_ms(DAY_MS);
    assert_eq!(visitors(today).await, 60);
    // Somebody else counted the day as well, and is not done.
    let happened = counts::what_happened();
    let more: Vec<&Did> = happened.iter().filter(|did| did.on == day(3)).collect();
    counts::count(&web, &site, day(today), 2, &more, false).await;
    assert_eq!(visitors(today).await, 0);
    // Not waited for, for ever.
    web.clock.advance_ms(3 * DAY_MS);
    assert_eq!(visitors(today).await, 90);
}
