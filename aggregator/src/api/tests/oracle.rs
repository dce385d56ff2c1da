//! The oracle of questions (`query/tests`), carried through to the API: random questions of the
//! whole grammar over HTTP, and what is read in the answers against the model that keeps every
//! event (I10).

use super::*;
use crate::error::Error;
use crate::query::tests::ask::Asker;
use crate::query::tests::stream;
use crate::query::tests::{chance_of, filled};
use crate::query::{self, Answer as Answered, Cell, Goals, Query, Row, Value as Number};
use crate::store::tests::engines::on_both_engines;

on_both_engines!(i10_what_the_api_tells_is_exact_or_lies_within_its_bounds);

/// Sites, each with events of its own.
const SITES: u64 = 25;
/// Questions to each.
const QUESTIONS: usize = 40;

async fn i10_what_the_api_tells_is_exact_or_lies_within_its_bounds(place: Place) {
    let api = Api::start(&place).await;
    let many = NewKey {
        hourly_limit: crate::store::HOURLY_LIMIT_MAX,
        ..NewKey::of(None, Scope::Stats)
    };
    let key = api.key(many).await;
    let (mut exact, mut estimated, mut refused) = (0, 0, 0);
    for seed in 1..=SITES {
        let mut chance = chance_of(seed);
        let domain = format!("seed-{seed}.example");
        let (site, model) = filled(&api.app.store, &domain, seed, &mut chance).await;
        for named in stream::goals() {
            let (kind, name) = (named.goal.kind, &named.name);
            let added = api.app.store.add_goal(site.id, kind, Some(name)).await;
            assert_eq!(added.unwrap().goal.id, named.goal.id);
        }
        let goals = Goals::new(stream::goals());
        let mut asker = Asker::default();
        for _ in 0..QUESTIONS {
            let query = asker.draw(&mut chance);
            let body = query.to_json(&site);
            let sent = Body::from(body.to_string());
            let answer = api.send(&key, "POST", "/api/v2/query", sent).await;
            if answer.status == 400 {
                // Only what the engine cannot tell, and with its reason.
                let snapshot = &mut api.app.store.snapshot(site.id).await.unwrap();
                let ran = query::run(snapshot, &site, &goals, &query).await;
                let told = answer.error();
                if told.contains("is no two-letter country code") {
                    continue; // The grammar is stricter than the engine here.
                }
                match ran {
                    Err(Error::Refused(why)) => assert!(told.contains(&why), "{told}: {why}"),
                    ran => panic!("seed {seed}: {told}\n{body}\n{ran:?}"),
                }
                refused += 1;
                continue;
            }
            assert_eq!(answer.status, 200, "seed {seed}: {body}\n{}", answer.body);
            assert_eq!(answer.body["query"], body, "seed {seed}");
            let read = read(&query, &answer.body);
            if let Err(wrong) = model.check(&site, &query, &read) {
                panic!("seed {seed}: {wrong}\n{body}\n{}", answer.body);
            }
            match read.estimated.is_empty() {
                true => exact += 1,
                false => estimated += 1,
            }
        }
    }
    println!("{exact} exact, {estimated} with estimates, {refused} refused");
    assert!(exact > estimated && estimated > 0, "{exact}, {estimated}");
    assert!(2 * (exact + estimated) > refused, "{refused} refused");
}

/// The answer as who asks over HTTP understands it. An estimate must be marked in `meta`.
fn read(query: &Query, body: &Value) -> Answered {
    let warnings = &body["meta"]["metric_warnings"];
    let rows = body["results"].as_array().unwrap().iter();
    let rows: Vec<Row> = rows.map(row).collect();
    let is_estimate = |place: &usize| {
        let mut cells = rows.iter().map(|row| &row.metrics[*place]);
        cells.any(|cell| cell.bounds.is_some())
    };
    let estimated: Vec<usize> = (0..query.metrics.len()).filter(is_estimate).collect();
    for place in &estimated {
        let code = &warnings[query.metrics[*place].name()]["code"];
        assert!(code == "estimated" || code == "partial", "{body}");
    }
    Answered {
        total_rows: rows.len(),
        rows,
        degraded: false,
        partial: Vec::new(),
        estimated,
        time_labels: Vec::new(),
        plan: Vec::new(),
    }
}

fn row(told: &Value) -> Row {
    let texts = told["dimensions"].as_array().unwrap().iter();
    let metrics = told["metrics"].as_array().unwrap().iter().enumerate();
    let cell = |(place, value): (usize, &Value)| {
        let bounds = &told["bounds"][place];
        Cell {
            value: number(value),
            bounds: (!bounds.is_null()).then(|| [0, 1].map(|end| bounds[end].as_f64().unwrap())),
        }
    };
    Row {
        dimensions: texts
            .map(|text| text.as_str().unwrap().to_owned())
            .collect(),
        metrics: metrics.map(cell).collect(),
        compared: None,
    }
}

fn number(value: &Value) -> Number {
    match value {
        Value::Null => Number::None,
        Value::Object(money) => Number::Money {
            milli: (money["value"].as_f64().unwrap() * 1_000.0).round() as u64,
            currency: money["currency"].as_str().unwrap().to_owned(),
        },
        value => match value.as_u64() {
            Some(whole) => Number::Whole(whole),
            None => Number::Decimal(value.as_f64().unwrap()),
        },
    }
}
