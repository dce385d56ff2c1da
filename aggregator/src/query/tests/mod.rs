//! The oracle of questions: random events through the counting core, batches and the store; random
//! questions of the whole grammar; a naive model that keeps every event and its visitor. What is
//! told as exact is equal, what is told as an estimate lies within its bounds (I10).

pub(crate) mod ask;
pub(crate) mod model;
pub(crate) mod stream;

use jiff::civil::date;

use super::*;
use crate::segment::Hours;
use crate::site::Site;
use crate::store::{Place, Store};
use ask::Asker;
use model::Model;
use stream::Stream;

/// Numbers by chance that can be had again.
pub struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Less than `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n.max(1)
    }

    /// One of them.
    pub fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    /// Once in `n`.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// The first day: the third has 25 hours.
pub(crate) const FROM: jiff::civil::Date = date(2026, 10, 23);
pub(crate) const DAYS: usize = 4;

/// A generator of its own for each seed.
pub(crate) fn chance_of(seed: u64) -> Chance {
    Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
}

/// Makes a site and counts random events there; gives the model that knows all of them.
pub(crate) async fn filled(
    store: &Store,
    domain: &str,
    seed: u64,
    chance: &mut Chance,
) -> (Site, Model) {
    let added = store.add_site(domain, "Europe/Berlin", FROM).await.unwrap();
    assert!(added);
    let site = store.site(domain).await.unwrap().unwrap();
    let events = Stream::draw(chance, 20 + seed as usize % 180);
    for batch in events.batches(chance, site.id) {
        let bytes = batch.encode().unwrap();
        let batch = shared::batch::Batch::decode(&bytes).unwrap();
        let mut sha = [0; 32];
        sha[..8].copy_from_slice(&chance.next().to_le_bytes());
        store.apply_batch(&batch, sha, 0).await.unwrap();
    }
    // Some days are merged, some have lost their hours.
    for day in 0..DAYS {
        let on = FROM
            .checked_add(jiff::Span::new().days(day as i64))
            .unwrap();
        match chance.below(4) {
            0 => {
                store.merge_day(site.id, on, Hours::Kept).await.unwrap();
            }
            1 if chance.once_in(2) => {
                store.merge_day(site.id, on, Hours::Folded).await.unwrap();
            }
            _ => {}
        }
    }
    let model = Model::of(&events);
    (site, model)
}

async fn play(seed: u64, questions: usize) -> (usize, usize, usize) {
    let mut chance = chance_of(seed);
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("x.sqlite"));
    let store = Store::open(&place).await.unwrap();
    let (site, model) = filled(&store, "a.example", seed, &mut chance).await;
    let goals = Goals::new(stream::goals());
    let mut asker = Asker::default();
    let mut counts = (0, 0, 0);
    for _ in 0..questions {
        let query = asker.draw(&mut chance);
        let mut snapshot = store.snapshot(site.id).await.unwrap();
        match run(&mut snapshot, &site, &goals, &query).await {
            Ok(answer) => {
                counts.0 += 1;
                counts.1 += usize::from(!answer.estimated.is_empty());
                if let Err(wrong) = model.check(&site, &query, &answer) {
                    let json = query.to_json(&site);
                    panic!(
                        "seed {seed}: {wrong}\n{json}\n{}\n{:?}",
                        short(&answer.rows),
                        plan::plan(&query, &goals)
                    );
                }
            }
            Err(Error::Refused(_)) => counts.2 += 1,
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_every_answer_is_exact_or_lies_within_its_bounds() {
    // More of them by hand: DAYFLY_QUERY_SEEDS=1000.
    let seeds = std::env::var("DAYFLY_QUERY_SEEDS");
    let seeds = seeds
        .ok()
        .and_then(|seeds| seeds.parse().ok())
        .unwrap_or(40);
    let (mut answered, mut estimated, mut refused) = (0, 0, 0);
    for seed in 1..=seeds {
        let counts = play(seed, 60).await;
        answered += counts.0;
        estimated += counts.1;
        refused += counts.2;
    }
    println!("{answered} answered, {estimated} of them estimates, {refused} refused");
    assert!(answered * 2 > refused, "{answered} of {refused}");
    assert!(estimated > 0 && estimated < answered);
}

/// Rows in a line each.
fn short(rows: &[Row]) -> String {
    let line = |row: &Row| {
        let cells = row.metrics.iter().map(|cell| match cell.bounds {
            None => format!("{:?}", cell.value),
            Some([lower, upper]) => format!("{:?} ({lower}..{upper})", cell.value),
        });
        let cells: Vec<String> = cells.collect();
        format!("  {:?}: {}", row.dimensions, cells.join(", "))
    };
    let lines: Vec<String> = rows.iter().map(line).collect();
    lines.join("\n")
}

/// Takes nothing.
struct Full;

impl scan::Collect for Full {
    fn take(&mut self, _: &block::Block) -> Result<()> {
        too_many(true)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_much_is_refused_with_the_reason_by_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("x.sqlite"));
    let store = Store::open(&place).await.unwrap();
    store.add_site("a.example", "UTC", FROM).await.unwrap();
    let site = store.site("a.example").await.unwrap().unwrap();
    let mut chance = Chance(1);
    let events = Stream::draw(&mut chance, 400);
    for (n, batch) in events.batches(&mut chance, site.id).iter().enumerate() {
        let batch = shared::batch::Batch::decode(&batch.encode().unwrap()).unwrap();
        store.apply_batch(&batch, [n as u8; 32], 0).await.unwrap();
    }
    let located = scan::Located {
        part: crate::segment::PartId::Rollup(shared::rollup::Dim::Total),
        fixed: None,
        keys: Vec::new(),
        filter: scan::Cond::And(Vec::new()),
        base: None,
        hours: false,
    };
    // Few parts are read where they are, many by threads.
    for (days, least) in [(1, 1), (DAYS as i64, 9)] {
        let to = FROM.checked_add(jiff::Span::new().days(days - 1)).unwrap();
        let range = Range::days(FROM, to);
        let mut snapshot = store.snapshot(site.id).await.unwrap();
        let parts = snapshot.segments(range.from, range.to).await.unwrap();
        assert!(parts.iter().map(|(_, n)| n).sum::<u32>() >= least);
        let texts = texts::SharedTexts::default();
        let read = scan::scan(&mut snapshot, &located, &[], &range, &texts, || Full).await;
        assert!(matches!(read, Err(Error::Refused(_))));
    }
}
