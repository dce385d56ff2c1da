//! What has arrived in the aggregator's database, read as it lies there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aggregator::segment::PartId;
use aggregator::segment::rows::{Row, text_names};
use aggregator::store::{Place, Store};
use jiff::civil::date;
use serde_json::{Value, json};
use shared::attrs::{CLIENT_ATTRS, VISIT_ATTRS};
use shared::cube::{COUNTERS, CUBES, Cube};

use crate::system::{PATIENCE, System};

/// Opens the database of a system for one look.
pub async fn look<T>(system: &System, look: impl AsyncFnOnce(&Store) -> T) -> T {
    let place = match &system.database {
        Some(url) => Place::Url(url.clone()),
        None => Place::File(system.data.path().join("dayfly.sqlite")),
    };
    let store = Store::open(&place).await.unwrap();
    let seen = look(&store).await;
    store.close().await;
    seen
}

/// A column of a row: what it says where it is a text, a number where it is a count.
fn column(cube: Cube, domain: &str, row: &Row, name: &str) -> Value {
    let text = |names: &[&str], texts: &[std::sync::Arc<str>]| {
        let at = names.iter().position(|known| *known == name)?;
        Some(json!(&**texts.get(at)?))
    };
    let visit = VISIT_ATTRS.map(|(name, _)| name);
    let client = CLIENT_ATTRS.map(|(name, _)| name);
    let found = text(text_names(cube), &row.texts)
        .or_else(|| text(&visit, &row.visit))
        .or_else(|| text(&client, &row.client));
    if name == "domain" {
        return json!(domain);
    }
    found.unwrap_or_else(|| {
        let counter = COUNTERS.iter().find(|(.., known)| *known == name);
        let (counter, ..) = counter.unwrap_or_else(|| panic!("{name} is no column"));
        let n = row.counters.iter().find(|(known, _)| known == counter);
        json!(n.map_or(0, |(_, n)| *n))
    })
}

/// The rows of a cube, or of "dropped", those of several hours and sites as one, in the order of
/// their JSON. A column is given as what it says where it is a text, and as its sum where it is a
/// count.
pub async fn stored(system: &System, table: &str, columns: &[&str]) -> Vec<Value> {
    let (from, to) = (date(2000, 1, 1), date(2100, 1, 1));
    let mut rows: Vec<Vec<Value>> = Vec::new();
    look(system, async |store| {
        for site in store.sites().await.unwrap() {
            if table == "dropped" {
                for (reason, n) in store.dropped(site.id, from, to).await.unwrap() {
                    let value = |name: &&str| match *name {
                        "domain" => json!(site.domain),
                        "reason" => json!(reason),
                        _ => json!(n),
                    };
                    rows.push(columns.iter().map(value).collect());
                }
                continue;
            }
            if table == "minute" {
                for minute in store.minutes(site.id).await.unwrap() {
                    let value = |name: &&str| match *name {
                        "domain" => json!(site.domain),
                        "views" => json!(minute.views),
                        _ => json!(minute.visitors),
                    };
                    rows.push(columns.iter().map(value).collect());
                }
                continue;
            }
            let cube = CUBES.into_iter().find(|cube| cube.name() == table).unwrap();
            let mut snapshot = store.snapshot(site.id).await.unwrap();
            let counted = snapshot.whole(from, to).await.unwrap();
            for row in counted.told(PartId::Cube(cube)) {
                let value = |name: &&str| column(cube, &site.domain, &row, name);
                rows.push(columns.iter().map(value).collect());
            }
        }
    })
    .await;
    let mut sums: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in rows {
        let texts: Vec<&Value> = row.iter().filter(|value| value.is_string()).collect();
        match sums.entry(json!(texts).to_string()) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(row);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                for (sum, value) in entry.get_mut().iter_mut().zip(row) {
                    if let (Some(sum_n), Some(n)) = (sum.as_u64(), value.as_u64()) {
                        *sum = json!(sum_n + n);
                    }
                }
            }
        }
    }
    let mut rows: Vec<Value> = sums.into_values().map(Value::Array).collect();
    rows.sort_by_key(Value::to_string);
    rows
}

/// Waits until [`stored`] gives these rows.
pub async fn until_stored(system: &System, table: &str, columns: &[&str], mut rows: Vec<Value>) {
    rows.sort_by_key(Value::to_string);
    let until = Instant::now() + PATIENCE;
    loop {
        let mut found = stored(system, table, columns).await;
        found.sort_by_key(Value::to_string);
        if found == rows {
            return;
        }
        assert!(
            Instant::now() < until,
            "{table}: {found:#?} is not {rows:#?}\n{}",
            system.logs()
        );
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// Page views of a local day, of the first site.
pub async fn views(system: &System, date: jiff::civil::Date) -> i64 {
    look(system, async |store| {
        let site = &store.sites().await.unwrap()[0];
        let mut snapshot = store.snapshot(site.id).await.unwrap();
        let counted = snapshot.whole(date, date).await.unwrap();
        let views = counted.sum(PartId::Cube(Cube::Pages), shared::cube::Counter::Views);
        views.cast_signed()
    })
    .await
}
