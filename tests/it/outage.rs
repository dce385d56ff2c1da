//! The aggregator is away for a day (I8): what waits is bounded, and when it is back everything is
//! delivered soon, in order, and counted once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aggregator::segment::PartId;
use jiff::civil::{Date, time};
use reqwest::{Method, StatusCode};
use shared::address::ClientAddress;
use shared::batch::Batch;
use shared::call::{CALL_VERSION, Call, CallBuilder, Entry, Header, Hit, HitKind};
use shared::clock::{Clock, UnixMs};
use shared::cube::{CUBES, Counter, Cube};
use shared::limits::{BATCH_BYTES_MAX, CLOSE_AFTER_MS, DELTAS_MAX, OUTBOX_WAITING_MAX};
use shared::object::memory::Memory;
use shared::object::{Answer, Gathered, Object, Said};
use shared::settings::Detail;
use shared::visitor::{DayKey, Salt, VisitorHasher};

use crate::on_disk::{DayFile, counted, day_files};
use crate::soak::line::{Line, Mode};
use crate::stored::look;
use crate::system::{Options, SITE, System};

const SITE_ID: u32 = 1;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;
/// What must be delivered within [`DRAIN_MAX`] once the aggregator is back.
const ROWS: usize = 100_000;
const DRAIN_MAX: Duration = Duration::from_secs(60);
/// Distinct pages of the long outage; there is room for each.
const PAGES: usize = 15_000;

/// Page views by page, as they lie in the aggregator's database.
async fn views_by_page(system: &System, date: Date) -> BTreeMap<String, u64> {
    look(system, async |store| {
        let mut snapshot = store.snapshot(SITE_ID).await.unwrap();
        let counted = snapshot.whole(date, date).await.unwrap();
        let mut views = BTreeMap::new();
        for row in counted.told(PartId::Cube(Cube::Pages)) {
            let of = row.counters.iter();
            let of = of.filter(|(counter, _)| *counter == Counter::Views);
            *views.entry(row.texts[0].to_string()).or_default() += of.map(|(_, n)| n).sum::<u64>();
        }
        views
    })
    .await
}

/// A day object of yesterday, over memory, as the edge runs it.
struct Edge {
    object: Object,
    store: Memory,
    key: DayKey,
    hasher: VisitorHasher,
    start_ms: UnixMs,
    end_ms: UnixMs,
    /// Page views that were accepted.
    views: BTreeMap<String, u64>,
    hits: usize,
}

impl Edge {
    fn of(date: Date) -> Self {
        let midnight = |date: Date| {
            let start = date.in_tz("Europe/Berlin").unwrap();
            start.timestamp().as_millisecond()
        };
        let salt = Salt::from_random([7; 32]);
        let (start_ms, end_ms) = (midnight(date), midnight(date.tomorrow().unwrap()));
        let key = DayKey::new(&salt, SITE_ID, date);
        let name = format!("{SITE_ID}:{date}:0").parse().unwrap();
        Self {
            object: Object::create(name, &header(0, start_ms, end_ms, &key), [9; 16]),
            store: Memory::default(),
            hasher: VisitorHasher::new(&salt, SITE_ID, date),
            key,
            start_ms,
            end_ms,
            views: BTreeMap::new(),
            hits: 0,
        }
    }

    /// So many people see a page each, in one call.
    fn views(&mut self, now_ms: UnixMs, many: usize) {
        let at_s = ((now_ms - self.start_ms) / 1_000) as u32;
        let header = header(self.hits as u128, self.start_ms, self.end_ms, &self.key);
        let mut call = CallBuilder::new(&header).unwrap();
        let address = ClientAddress::parse("203.0.113.9").unwrap();
        for _ in 0..many {
            let page = format!("/{}", self.hits % PAGES);
            let hit = Hit {
                visitor: Some(self.hasher.hash(address, &self.hits.to_string())),
                at_s,
                kind: HitKind::PageView,
                page: &page,
                host: SITE,
                client: [["DE", "FR", "IT"][self.hits % 3], "", "", "", "", ""],
                traffic: ["", "", "Direct", "", "", "", "", ""],
                props: Vec::new(),
                revenue: None,
                goals: Vec::new(),
                steps: Vec::new(),
            };
            call.push(&Entry::Hit(Box::new(hit))).unwrap();
            self.hits += 1;
            *self.views.entry(page).or_default() += 1;
        }
        let bytes = call.into_bytes();
        let call = Call::decode(&bytes).unwrap();
        let gathered = self.object.gather(&self.store, &call, &mut random).unwrap();
        assert_eq!(gathered, Gathered::Committed(vec![0; many]));
    }

    /// What an alarm does while nobody answers.
    fn alarm(&mut self, now_ms: UnixMs) {
        if self.object.is_due_to_close(now_ms) {
            let key = Some(&self.key);
            while self.object.close_step(&self.store, key).unwrap() {}
        }
        if self.object.is_due_to_sweep(now_ms) {
            let (object, store) = (&mut self.object, &self.store);
            while object.sweep(store, now_ms, &mut random).unwrap() {}
        }
        self.object.seal(&self.store).unwrap();
    }

    /// Bytes of the batches that wait, of the counts that are not sealed yet, and how many pieces
    /// these are.
    fn waiting(&self) -> (Vec<usize>, usize, usize) {
        let kept = self.store.kept.borrow();
        let waits = kept.outbox.values().filter(|(_, waits)| *waits);
        let open = kept.deltas.iter().map(|(_, bytes)| bytes.len());
        (
            waits.map(|(body, _)| body.len()).collect(),
            open.sum(),
            kept.deltas.len(),
        )
    }

    /// Delivers everything; gives the numbers and the rows of the batches in the order they went.
    async fn deliver(&mut self, system: &System) -> Vec<(u64, usize)> {
        let mut sent = Vec::new();
        loop {
            while let Some((seq, body)) = self.object.outgoing(&self.store).unwrap() {
                let batch = Batch::decode(&body).unwrap();
                let rows = CUBES.map(|cube| batch.rows(cube).unwrap().len());
                sent.push((seq, rows.iter().sum()));
                let path = "/edge/v1/batches";
                let answer = crate::channel::send(system, Method::POST, path, body, 0).await;
                let status = answer.status().as_u16();
                let said = Said::read(status, &answer.bytes().await.unwrap());
                assert_eq!(said, Said::Answer(Answer::Taken), "batch {seq}");
                let now_ms = aggregator::clock::SystemClock.now_ms();
                let store = &self.store;
                let next = self.object.answered(store, seq, Answer::Taken, now_ms);
                next.unwrap();
            }
            self.object.seal(&self.store).unwrap();
            if self.object.outgoing(&self.store).unwrap().is_none() {
                return sent;
            }
        }
    }
}

fn random(bytes: &mut [u8]) {
    bytes.fill(3);
}

fn header(id: u128, start_ms: UnixMs, end_ms: UnixMs, key: &DayKey) -> Header {
    Header {
        version: CALL_VERSION,
        id: id.to_be_bytes(),
        day_start_ms: start_ms,
        day_end_ms: end_ms,
        key: key.clone(),
        degraded: false,
        detail: Detail::Cross,
    }
}

/// The day object natively, for real workerd would take minutes to be given so much; the aggregator
/// is the real process.
#[tokio::test]
async fn i8_after_a_day_without_the_aggregator_100_000_rows_are_delivered_within_a_minute() {
    let mut system = System::aggregator_alone().await;
    system.stop_aggregator("TERM");
    let date = system.today().yesterday().unwrap();
    let mut edge = Edge::of(date);
    // Much at first, while batches are sealed; then what is merged.
    for now_ms in (edge.start_ms..edge.end_ms).step_by(MINUTE_MS as usize) {
        let (batches, ..) = edge.waiting();
        let many = if batches.len() < 64 { 160 } else { 17 };
        edge.views(now_ms, many);
        edge.alarm(now_ms);
    }
    edge.alarm(edge.end_ms + CLOSE_AFTER_MS);
    let (batches, open_bytes, pieces) = edge.waiting();
    assert_eq!(batches.len() as u64, OUTBOX_WAITING_MAX);
    assert!(batches.iter().all(|bytes| *bytes <= BATCH_BYTES_MAX));
    assert!(pieces as u64 <= DELTAS_MAX, "{pieces}");
    {
        let kept = edge.store.kept.borrow();
        assert!(kept.visitors.is_empty() && kept.log.is_empty());
    }

    let begin = Instant::now();
    system.start_aggregator().await;
    let sent = edge.deliver(&system).await;
    let took = begin.elapsed();
    let rows: usize = sent.iter().map(|(_, rows)| rows).sum();
    println!(
        "{} page views: {} batches of {} bytes waited, and {open_bytes} bytes unsealed; \
         {rows} rows in {} batches were delivered in {took:.1?}",
        edge.hits,
        batches.len(),
        batches.iter().sum::<usize>(),
        sent.len(),
    );
    assert!(rows >= ROWS, "{rows}");
    assert!(took < DRAIN_MAX, "{took:?}");
    let numbers = sent.iter().map(|(seq, _)| *seq);
    assert!(numbers.eq(1..=sent.len() as u64), "in order, each once");
    assert!(views_by_page(&system, date).await == edge.views);
    let all = i64::try_from(edge.hits).unwrap();
    assert_eq!(counted(&system, date).await, [all, all, all, 0]);
}

#[tokio::test]
async fn i8_a_day_without_the_aggregator_is_counted_once_on_real_workerd() {
    const VIEWS_AT_ONCE: usize = 20;
    let mut system = System::start_with(Options {
        test_clock: true,
        ..Options::default()
    })
    .await;
    let key = system.api_key();
    system.advance_to(time(0, 5, 0, 0)).await;
    system.view("first", "/first").await;
    system.until_totals(&key, [1, 1]).await;
    let date = system.today();
    system.stop_aggregator("KILL");
    // More often than batches are let wait.
    let mut views: BTreeMap<String, u64> = [("/first".to_owned(), 1)].into();
    for hour in 0..24 {
        for part in 0..3 {
            for n in 0..VIEWS_AT_ONCE {
                let page = format!("/{hour}/{part}/{n}");
                system.view(&page, &page).await;
                views.insert(page, 1);
            }
            // Longer than FLUSH_MS.
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        system.advance(HOUR_MS).await;
    }
    assert_eq!(system.today(), date.tomorrow().unwrap());
    let mut days = Vec::new();
    system
        .until("the day is over at the edge", async || {
            days = day_files(&system.data.path().join("edge")).await;
            days.iter().all(DayFile::knows_nobody)
        })
        .await;
    let [day] = &days[..] else { panic!("{days:?}") };
    assert_eq!(day.waiting.len() as u64, OUTBOX_WAITING_MAX, "{day:?}");

    let begin = Instant::now();
    system.start_aggregator().await;
    // The pause between two tries is over.
    system.advance(MINUTE_MS).await;
    let all = i64::try_from(views.len()).unwrap();
    system
        .until("everything is delivered", async || {
            counted(&system, date).await == [all, all, all, 0]
        })
        .await;
    println!(
        "{all} page views: {} batches of {} bytes waited; delivered in {:.1?}",
        day.waiting.len(),
        day.waiting.iter().sum::<u64>(),
        begin.elapsed()
    );
    assert!(views_by_page(&system, date).await == views);
}

/// Whatever is asked of the aggregator, and never answered: nobody waits for it for long.
#[tokio::test]
async fn i8_hanging_it_keeps_no_beacon_waiting() {
    let mut system = System::aggregator_alone().await;
    let (line, port) = Line::start(system.dashboard_port).await;
    system.delivers_to = Some(port);
    system.start_edge().await;
    let key = system.api_key();
    system.view("before", "/").await;
    line.set(Mode::Hangs);
    // Then what is known is so old that it is asked for anew before a site is called unknown.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let unknown = serde_json::json!({"n": "pageview", "u": "https://nobody.example/"});
    let began = Instant::now();
    let answer = system.post(unknown.to_string(), &[]).await;
    assert_eq!(answer.headers()["x-dayfly-dropped"], "unknown_site");
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    let began = Instant::now();
    system.view("meanwhile", "/").await;
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    // Nor whoever asks an edge that has just been started.
    system.stop_edge("TERM");
    system.start_edge_without_waiting();
    system
        .until("the edge listens", async || {
            let script = system.http.get(system.edge_url("/js/script.js"));
            script.send().await.is_ok()
        })
        .await;
    for path in ["/health", "/me"] {
        let began = Instant::now();
        let answer = system.http.get(system.edge_url(path)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{path}: {:?}",
            began.elapsed()
        );
    }
    line.set(Mode::Open);
    system.until_totals(&key, [2, 2]).await;
}
