//! A file in, counts out; on SQLite, through everything that the command runs.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use jiff::civil::date;
use serde_json::{Value, json};
use shared::cube::{Counter, Cube};
use shared::rollup::Dim;
use shared::settings::{Settings, Signal};
use zip::write::SimpleFileOptions;

use super::*;
use crate::export::{Export, Form};
use crate::segment::{PartId, Segment};
use crate::store::Place;

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

/// A store with a site in Berlin, in a folder of its own.
struct World {
    folder: tempfile::TempDir,
    store: Store,
    site: Site,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("x.sqlite"));
        let store = Store::open(&place).await.unwrap();
        let day = date(2026, 11, 1);
        for domain in ["a.example", "b.example"] {
            store.add_site(domain, "Europe/Berlin", day).await.unwrap();
        }
        let site = store.site("a.example").await.unwrap().unwrap();
        Self {
            folder,
            store,
            site,
        }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn import(&self, file: PathBuf) -> Import<'_> {
        Import {
            store: &self.store,
            site: &self.site,
            folder: self.folder.path(),
            file,
            format: None,
            again: false,
        }
    }

    async fn run(&self, file: PathBuf) -> Result<Summary> {
        self.import(file).run(&Progress::hidden()).await
    }

    async fn counted(&self, from: Date, to: Date) -> Segment {
        let mut snapshot = self.store.snapshot(self.site.id).await.unwrap();
        snapshot.whole(from, to).await.unwrap()
    }

    async fn day(&self, date: Date) -> Segment {
        self.counted(date, date).await
    }
}

fn sum(segment: &Segment, dim: Dim, counter: Counter) -> u64 {
    segment.sum(PartId::Rollup(dim), counter)
}

/// By the texts of a rollup's key: a counter.
fn by(segment: &Segment, dim: Dim, counter: Counter) -> Vec<(String, u64)> {
    let mut rows: Vec<(String, u64)> = segment
        .told(PartId::Rollup(dim))
        .filter_map(|row| {
            let n = row.counters.iter().find(|(known, _)| *known == counter)?.1;
            Some((row.texts.join("|"), n))
        })
        .collect();
    rows.sort();
    rows
}

fn view(time: &str, visitor: &str, page: &str) -> Value {
    json!({"time": time, "visitor": visitor, "name": "pageview", "url": format!("https://a.example{page}")})
}

fn lines(lines: &[Value]) -> Vec<u8> {
    lines
        .iter()
        .flat_map(|line| format!("{line}\n").into_bytes())
        .collect()
}

#[tokio::test]
async fn events_in_any_order_are_counted_as_they_happened() {
    let world = World::new().await;
    let mut all = vec![
        view("2026-03-01T10:00:00Z", "u1", "/"),
        view("2026-03-01T10:10:00Z", "u1", "/a"),
        view("2026-03-01T10:50:00Z", "u1", "/a"), // a second visit
        view("2026-03-01T10:00:30Z", "u2", "/a"),
        view("2026-03-01T23:30:00Z", "u2", "/late"), // the next day in Berlin
        json!({"time": "2026-03-01T10:00:40Z", "visitor": "u2", "n": "Signup", "u": "https://a.example/a",
               "p": {"plan": "pro"}, "$": {"currency": "EUR", "amount": 9.5}}),
        json!({"time": "2026-03-01T10:02:00Z", "visitor": "u2", "n": "engagement",
               "u": "https://a.example/a", "sd": 50, "e": 4000}),
        // Nobody is there any more.
        json!({"time": "2026-03-01T12:02:00Z", "visitor": "u2", "n": "engagement",
               "u": "https://a.example/a", "e": 4000}),
        json!({"time": "2026-03-01T11:00:00+01:00", "ip": "217.0.0.1", "user_agent": AGENT, "n": "pageview",
               "u": "https://a.example/?utm_source=news&utm_medium=email"}),
        json!({"time": "2026-03-01T11:00:00+01:00", "ip": "217.0.0.1", "user_agent": "curl/8", "n": "pageview",
               "u": "https://a.example/"}),
        json!({"time": "2026-03-01T11:01:00+01:00", "visitor": "u3", "n": "pageview", "u": "https://a.example/",
               "country": "fr", "device": "Tablet", "browser": "Lynx", "browser_version": "2",
               "os": "BeOS", "os_version": "5", "source": "Bing", "utm_campaign": "x"}),
    ];
    let forward = lines(&all);
    all.reverse();
    let backward = lines(&all);
    let mut told: Vec<Vec<Vec<(String, u64)>>> = Vec::new();
    for bytes in [forward, backward] {
        let world = World::new().await;
        let summary = world.run(world.file("x.jsonl", &bytes)).await.unwrap();
        assert_eq!(summary.counted(), 9, "{}", summary.told());
        let dropped: Vec<_> = summary
            .dropped()
            .iter()
            .map(|(reason, n)| (*reason, *n))
            .collect();
        assert_eq!(dropped, [("bot", 1), ("engagement_without_visit", 1)]);
        let first = date(2026, 3, 1);
        assert_eq!(summary.range(), Some((first, date(2026, 3, 2))));
        let day = world.day(first).await;
        let total = |counter| sum(&day, Dim::Total, counter);
        assert_eq!(total(Counter::Views), 6);
        assert_eq!(total(Counter::DayVisitors), 4);
        assert_eq!(
            (total(Counter::Visits), total(Counter::EndedVisits)),
            (5, 5)
        );
        // u1's second visit, the address's, u3's.
        assert_eq!(total(Counter::Bounces), 3);
        assert_eq!(total(Counter::DurationS), 600 + 90);
        assert_eq!(sum(&day, Dim::Event, Counter::Events), 1);
        assert_eq!(
            by(&day, Dim::Prop, Counter::PropEvents),
            [("Signup|plan|pro".into(), 1)]
        );
        assert_eq!(
            by(&day, Dim::Revenue, Counter::RevenueMilli),
            [("Signup|EUR".into(), 9_500)]
        );
        assert_eq!(sum(&day, Dim::Page, Counter::EngagedMs), 4_000);
        let country = by(&day, Dim::Country, Counter::DayVisitors);
        assert_eq!(
            country,
            [("".into(), 2), ("DE".into(), 1), ("FR".into(), 1)]
        );
        let versions = by(&day, Dim::BrowserVersion, Counter::DayVisitors);
        assert!(versions.contains(&("Lynx|2".into(), 1)), "{versions:?}");
        let sources = by(&day, Dim::Source, Counter::DaySourceVisitors);
        assert_eq!(
            sources,
            [("".into(), 2), ("Bing".into(), 1), ("news".into(), 1)]
        );
        let channels = by(&day, Dim::Channel, Counter::DayChannelVisitors);
        assert_eq!(
            channels,
            [
                ("Direct".into(), 2),
                ("Email".into(), 1),
                ("Organic Search".into(), 1)
            ]
        );
        assert_eq!(
            sum(
                &world.day(date(2026, 3, 2)).await,
                Dim::Total,
                Counter::Views
            ),
            1
        );
        assert!(
            day.part(PartId::Cube(Cube::Pages)).rows > 0,
            "it can be cross-referenced"
        );
        told.push(
            [Dim::Page, Dim::EntryPage, Dim::ExitPage]
                .into_iter()
                .flat_map(|dim| dim.counters().map(move |counter| (dim, counter)))
                .map(|(dim, counter)| by(&day, dim, counter))
                .collect(),
        );
    }
    assert_eq!(told[0], told[1]);
    // Nothing of who they were lies in the folder (I1): the files of the sort have no name.
    let names = std::fs::read_dir(world.folder.path()).unwrap();
    for name in names {
        let bytes = std::fs::read(name.unwrap().path()).unwrap();
        assert!(!bytes.windows(9).any(|some| some == b"217.0.0.1"));
    }
}

#[tokio::test]
async fn days_follow_the_zone_when_clocks_change() {
    let world = World::new().await;
    // 2026-10-25 has 25 hours in Berlin: every half hour from its first moment to its last.
    let first: Timestamp = "2026-10-24T22:00:00Z".parse().unwrap();
    let moments = (0..50).map(|n| first.as_second() + 1_800 * n);
    let moments = moments.map(|second| Timestamp::from_second(second).unwrap().to_string());
    let all: Vec<Value> = moments.map(|time| view(&time, "u1", "/")).collect();
    let summary = world.run(world.file("x", &lines(&all))).await.unwrap();
    let day = date(2026, 10, 25);
    assert_eq!(summary.range(), Some((day, day)));
    let day = world.day(day).await;
    let hours: Vec<u8> = day
        .told(PartId::Rollup(Dim::Total))
        .map(|row| row.hour)
        .collect();
    assert_eq!(hours, (0..25).collect::<Vec<u8>>());
    assert_eq!(sum(&day, Dim::Total, Counter::DayVisitors), 1);
    assert_eq!(
        sum(&day, Dim::Total, Counter::Visits),
        1,
        "half an hour is still one visit"
    );
}

#[tokio::test]
async fn bad_lines_are_told_and_skipped() {
    let world = World::new().await;
    let mut bytes = lines(&[view("2026-03-01T10:00:00Z", "u1", "/")]);
    bytes.extend_from_slice(b"\n{\"x\":1}\nnothing\n");
    bytes.extend(lines(&[view("2999-03-01T10:00:00Z", "u1", "/")]));
    bytes.extend(vec![b'{'; 70_000]);
    bytes.push(b'\n');
    for _ in 0..30 {
        bytes.extend_from_slice(b"{}\n");
    }
    let summary = world.run(world.file("x", &bytes)).await.unwrap();
    assert_eq!((summary.counted(), summary.bad()), (1, 34));
    let told = summary.complaints();
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(told.len(), 21);
    assert_eq!(told[0], "line 3: x: is no key that an import knows");
    assert_eq!(told[1], "line 4: is not a JSON object");
    assert_eq!(told[2], "line 5: time: is not between 1990 and now");
    assert_eq!(told[3], "line 6: is longer than 65,536 bytes");
    assert_eq!(told[4], "line 7: time: is required");
    assert_eq!(told[20], "and 14 more lines that cannot be read");
    assert!(summary.told().contains("34 skipped: they cannot be read"));
}

#[tokio::test]
async fn a_file_is_counted_once_unless_asked_again() {
    let world = World::new().await;
    let file = world.file(
        "x.jsonl",
        &lines(&[view("2026-03-01T10:00:00Z", "u1", "/")]),
    );
    world.run(file.clone()).await.unwrap();
    let error = world.run(file.clone()).await.unwrap_err().to_string();
    assert!(
        error.contains("was imported on") && error.contains("--again"),
        "{error}"
    );
    // Under another name, too.
    let copy = world.folder.path().join("y");
    std::fs::copy(&file, &copy).unwrap();
    assert!(world.run(copy).await.is_err());
    let views = async || {
        sum(
            &world.day(date(2026, 3, 1)).await,
            Dim::Total,
            Counter::Views,
        )
    };
    assert_eq!(views().await, 1);
    for times in 2..4 {
        let again = Import {
            again: true,
            ..world.import(file.clone())
        };
        again.run(&Progress::hidden()).await.unwrap();
        assert_eq!(views().await, times);
    }
    // What is empty or not there.
    for (name, problem) in [("empty", "is empty"), ("missing", "No such file")] {
        let file = match name {
            "empty" => world.file(name, b" \n"),
            _ => world.folder.path().join(name),
        };
        let error = world.run(file).await.unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

/// Many events on two days, with more rows than a batch has.
fn many() -> Vec<u8> {
    let first: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    let all: Vec<Value> = (0..30_000i64)
        .map(|n| {
            let at = first.as_second() + (n * 7_919) % (30 * 3_600);
            let time = Timestamp::from_second(at).unwrap().to_string();
            let (visitor, page) = (format!("u{}", n % 900), format!("/{}", n * 31 % 9_000));
            let mut event = view(&time, &visitor, &page);
            event["props"] = json!({"n": n % 15_000});
            event
        })
        .collect();
    lines(&all)
}

#[tokio::test]
async fn i7_an_import_broken_off_after_any_batch_goes_on_and_counts_the_same() {
    let bytes = many();
    let whole = World::new().await;
    whole.run(whole.file("x", &bytes)).await.unwrap();
    let days = (date(2026, 3, 1), date(2026, 3, 4));
    let wanted = whole.counted(days.0, days.1).await;
    assert_eq!(sum(&wanted, Dim::Total, Counter::Views), 30_000);

    let broken = World::new().await;
    let file = broken.file("x", &bytes);
    let mut breaks = 0;
    loop {
        let applied = broken.store.batches_applied().await.unwrap();
        // Refused from the next batch on: as if the process had ended before it.
        broken
            .store
            .refuse_batches_after(applied + 1)
            .await
            .unwrap();
        let ended = broken.run(file.clone()).await;
        broken.store.refuse_batches_after(i64::MAX).await.unwrap();
        let now = broken.store.batches_applied().await.unwrap();
        assert!(now <= applied + 1);
        if let Ok(summary) = ended {
            assert!(
                summary.told().starts_with("went on with an import"),
                "{}",
                summary.told()
            );
            break;
        }
        breaks += 1;
        // Settings that change meanwhile have no say.
        let change = |settings: &mut Settings| {
            settings.shields.pages = vec![format!("/{breaks}**")];
            settings.dnt = Signal::Drop;
            Ok(())
        };
        broken
            .store
            .change_settings(broken.site.id, change)
            .await
            .unwrap();
    }
    assert!(breaks > 3, "{breaks} batches");
    let found = broken.counted(days.0, days.1).await;
    for id in PartId::all() {
        let rows = |segment: &Segment| {
            let mut rows: Vec<_> = segment.told(id).collect();
            rows.sort();
            rows
        };
        assert!(rows(&found) == rows(&wanted), "{id:?}");
    }
    assert!(broken.run(file).await.is_err(), "it is in now");
}

#[tokio::test]
async fn an_access_log_counts_its_page_views() {
    let world = World::new().await;
    let line = |address: &str, minute: u32, request: &str, status: u16, agent: &str| {
        format!(
            "{address} - - [01/Mar/2026:12:{minute:02}:00 +0100] \"{request} HTTP/1.1\" {status} 5 \"https://www.google.com/\" \"{agent}\"\n"
        )
    };
    let log = [
        line("217.0.0.1", 0, "GET /", 200, AGENT),
        line("217.0.0.1", 1, "GET /a?x=1", 200, AGENT),
        line("217.0.0.1", 1, "GET /a.css", 200, AGENT),
        line("217.0.0.2", 2, "GET /", 304, AGENT),
        line("217.0.0.2", 2, "GET /gone", 404, AGENT),
        line("217.0.0.3", 3, "GET /", 200, "Googlebot/2.1"),
        line("217.0.0.3", 3, "POST /", 200, AGENT),
        "no line\n".to_owned(),
    ];
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(log.concat().as_bytes()).unwrap();
    let file = world.file("access.log.gz", &gzip.finish().unwrap());
    let summary = world.run(file).await.unwrap();
    assert_eq!(
        (summary.counted(), summary.bad()),
        (3, 1),
        "{}",
        summary.told()
    );
    assert!(
        summary
            .told()
            .contains("3 of no page view\n1 not counted: bot\n")
    );
    let day = world.day(date(2026, 3, 1)).await;
    assert_eq!(
        by(&day, Dim::Page, Counter::Views),
        [("/".into(), 2), ("/a".into(), 1)]
    );
    assert_eq!(
        by(&day, Dim::Country, Counter::DayVisitors),
        [("DE".into(), 2)]
    );
    assert_eq!(
        by(&day, Dim::Source, Counter::DaySourceVisitors),
        [("Google".into(), 2)]
    );
    assert_eq!(
        by(&day, Dim::Browser, Counter::DayVisitors),
        [("Firefox".into(), 2)]
    );
}

fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn daily_counts_are_taken_as_they_are() {
    let world = World::new().await;
    let file = world.file(
        "plausible.zip",
        &zipped(&[
            (
                "imported_visitors_20260301_20260302.csv",
                "date,visitors,pageviews,bounces,visits,visit_duration\n2026-03-02,1,2,0,1,60\n2026-03-01,5,9,2,6,300\n",
            ),
            (
                "imported_locations_20260301_20260302.csv",
                "date,country,region,city,visitors,visits,visit_duration,bounces,pageviews\n2026-03-01,DE,DE-BE,1,2,2,0,1,4\n2026-03-01,DE,,,1,1,5,0,1\n",
            ),
            (
                "imported_pages_20260301_20260302.csv",
                "date,hostname,page,visits,visitors,pageviews,total_time_on_page,mood\n2026-03-01,a.example,\"/a,b\",3,2,4,17,x\n",
            ),
            ("readme.txt", "hello"),
        ]),
    );
    let summary = world.run(file.clone()).await.unwrap();
    let told = summary.told();
    assert!(told.starts_with("5 rows read\n"), "{told}");
    assert!(told.contains("\"readme.txt\" left out") && told.contains("columns left out: mood"));
    assert!(told.contains("11 page views counted on 2 days, 2026-03-01 to 2026-03-02"));
    let day = world.day(date(2026, 3, 1)).await;
    let total = |counter| sum(&day, Dim::Total, counter);
    assert_eq!((total(Counter::DayVisitors), total(Counter::Views)), (5, 9));
    assert_eq!(
        (total(Counter::EndedVisits), total(Counter::Bounces)),
        (6, 2)
    );
    assert_eq!(
        by(&day, Dim::Country, Counter::DayVisitors),
        [("DE".into(), 3)]
    );
    assert_eq!(
        by(&day, Dim::Page, Counter::DayPageVisitors),
        [("/a,b".into(), 2)]
    );
    assert_eq!(sum(&day, Dim::Page, Counter::EngagedMs), 17_000);
    assert_eq!(
        day.part(PartId::Cube(Cube::Visits)).rows,
        0,
        "nothing to cross-reference"
    );
    assert!(world.run(file).await.is_err());

    for (bytes, problem) in [
        (zipped(&[("x.csv", "")]), "has no file named such as"),
        (
            b"PK\x03\x04 and nothing".to_vec(),
            "is not a zip that can be read",
        ),
        (
            zipped(&[("imported_pages_20260301_20260302.csv", "date,visitors\n")]),
            "\"imported_pages_20260301_20260302.csv\": the column page is missing",
        ),
        (
            zipped(&[(
                "imported_visitors_20260301_20260302.csv",
                "date,visitors\n2026-03-01,many\n",
            )]),
            "\"imported_visitors_20260301_20260302.csv\", line 2: visitors: is not a whole number",
        ),
        (
            zipped(&[(
                "imported_visitors_20260301_20260302.csv",
                "date,visitors\n2999-03-01,1\n",
            )]),
            "line 2: date: is not between 1990 and now",
        ),
        (
            zipped(&[(
                "imported_pages_20260301_20260302.csv",
                &format!("date,page,visitors\n2026-03-01,\"{}", "x\n".repeat(200_000)),
            )]),
            "a row is longer than 262,144 bytes",
        ),
    ] {
        let error = world.run(world.file("bad.zip", &bytes)).await.unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
}

async fn export(world: &World, site: &Site, form: Form, name: &str) -> (u64, Vec<u8>) {
    let to = world.folder.path().join(name);
    let export = Export {
        store: &world.store,
        site,
        days: (date(2026, 3, 1), date(2026, 3, 4)),
        form,
        to: to.clone(),
    };
    let rows = export.run().await.unwrap();
    (rows, std::fs::read(to).unwrap())
}

#[tokio::test]
async fn what_is_exported_and_imported_and_exported_again_is_the_same() {
    let world = World::new().await;
    let mut bytes = many();
    bytes.extend(lines(&[
        json!({"time": "2026-03-01T11:01:00+01:00", "visitor": "u3", "n": "=Sign, \"up\"",
               "u": "https://a.example/,", "country": "fr", "device": "Tablet", "browser": "Lynx",
               "browser_version": "2", "os": "BeOS", "os_version": "5", "source": "Bing"}),
        json!({"time": "2026-03-01T11:01:10+01:00", "visitor": "u3", "n": "pageview",
               "u": "https://a.example/,", "country": "fr"}),
        json!({"time": "2026-03-01T11:02:00+01:00", "visitor": "u3", "n": "engagement",
               "u": "https://a.example/,", "sd": 30, "e": 2600, "country": "fr"}),
    ]));
    world.run(world.file("x", &bytes)).await.unwrap();
    let (rows, first) = export(&world, &world.site, Form::PlausibleCsv, "one.zip").await;
    assert!(rows > 1_000, "{rows}");
    let other = world.store.site("b.example").await.unwrap().unwrap();
    let import = Import {
        site: &other,
        ..world.import(world.folder.path().join("one.zip"))
    };
    import.run(&Progress::hidden()).await.unwrap();
    let (_, second) = export(&world, &other, Form::PlausibleCsv, "two.zip").await;
    assert!(
        first == second,
        "{} and {} bytes",
        first.len(),
        second.len()
    );

    let (rows, cubes) = export(&world, &world.site, Form::Cubes, "cubes.zip").await;
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(cubes)).unwrap();
    let mut found = 0;
    let mut views = 0;
    for place in 0..zip.len() {
        let entry = zip.by_index(place).unwrap();
        let is_pages = entry.name() == "cubes_pages_20260301_20260304.csv";
        let mut reader = csv::Reader::from_reader(entry);
        let column = reader
            .headers()
            .unwrap()
            .iter()
            .position(|name| name == "views");
        for row in reader.records() {
            found += 1;
            if is_pages {
                views += row.unwrap()[column.unwrap()].parse::<u64>().unwrap();
            }
        }
    }
    assert_eq!((found, views), (rows, 30_001));
    // What is there is not written over.
    let export = Export {
        store: &world.store,
        site: &other,
        days: (date(2026, 3, 1), date(2026, 3, 1)),
        form: Form::Cubes,
        to: world.folder.path().join("cubes.zip"),
    };
    assert!(
        export
            .run()
            .await
            .unwrap_err()
            .to_string()
            .ends_with("is there already")
    );
}

#[test]
fn incarnations_follow_from_the_file_and_how_often_it_was_imported() {
    let one = incarnation([1; 32], 0);
    assert_eq!(one.len(), 32);
    assert_eq!(one, incarnation([1; 32], 0));
    assert_ne!(one, incarnation([1; 32], 1));
    assert_ne!(one, incarnation([2; 32], 0));
}
