//! The end of a day, on real workerd with the tests' clock (I3, I4).

use std::collections::HashSet;
use std::fs::File;
use std::path::PathBuf;

use jiff::civil::{Date, time};
use reqwest::StatusCode;
use shared::address::ClientAddress;
use shared::object::RowId;
use shared::roster::IssuedSalt;
use shared::seal::Sealer;
use shared::visitor::{DayKey, Salt, SiteId, VisitorHash};

use crate::on_disk::{self, DayFile, contents, counted, day_files};
use crate::system::{KEY, Options, SITE, System, agent, view};

const SITE_ID: SiteId = 1;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;

/// Somebody with an address and a browser.
struct Person {
    address: &'static str,
    agent: String,
}

impl Person {
    fn new(address: &'static str) -> Self {
        let agent = agent(address);
        Self { address, agent }
    }

    fn hash(&self, salt: &Salt, date: Date) -> VisitorHash {
        let address = ClientAddress::parse(self.address).unwrap();
        VisitorHash::new(salt, SITE_ID, date, address, &self.agent)
    }

    /// What somebody would look for who knows the person and every key that is on a disk.
    fn traces(&self, date: Date) -> Vec<Vec<u8>> {
        crate::needles::of_person(self.address, &self.agent, SITE, &date.to_string(), KEY)
    }

    fn row(&self, salt: &Salt, date: Date) -> RowId {
        sealer(salt, date).row(&self.hash(salt, date))
    }
}

fn sealer(salt: &Salt, date: Date) -> Sealer {
    Sealer::new(&DayKey::new(salt, SITE_ID, date))
}

impl System {
    async fn with_test_clock() -> Self {
        Self::start_with(Options {
            client_ip_header: Some("X-Real-IP"),
            test_clock: true,
            ..Options::default()
        })
        .await
    }

    async fn visit(&self, person: &Person, path: &str) {
        let headers = [
            ("X-Real-IP", person.address),
            ("user-agent", &*person.agent),
        ];
        let answer = self.post(view(path), &headers).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        assert!(answer.headers().get("x-dayfly-dropped").is_none());
    }

    /// The salts that can be had now, as the edge gets them: of which site, for which date.
    pub async fn salts_of_sites(&self) -> Vec<(SiteId, Date, Salt)> {
        let salts = crate::channel::salts(self, self.offset_ms).await;
        let salt = |it: &IssuedSalt| (it.site, it.date, Salt::from_wire(&it.salt).unwrap());
        salts.iter().map(salt).collect()
    }

    /// Those of the first site.
    async fn salts(&self) -> Vec<(Date, Salt)> {
        let all = self.salts_of_sites().await.into_iter();
        all.filter(|(site, ..)| *site == SITE_ID)
            .map(|(_, date, salt)| (date, salt))
            .collect()
    }

    pub async fn salt_of(&self, date: Date) -> Salt {
        let mut salts = self.salts().await.into_iter();
        salts.find(|(day, _)| *day == date).unwrap().1
    }

    /// The one file of the salts.
    fn salts_file(&self) -> PathBuf {
        let files = on_disk::files(self.salts.path());
        assert_eq!(files.len(), 1, "{files:?}");
        files.into_iter().next().unwrap()
    }

    pub async fn day_files(&self) -> Vec<DayFile> {
        day_files(&self.data.path().join("edge")).await
    }

    pub async fn until_counted(&self, what: &str, date: Date, counts: [i64; 4]) {
        let mut last = [0; 4];
        self.until(&format!("{what}: {counts:?}"), async || {
            let now = counted(self, date).await;
            if now != last {
                last = now;
                eprintln!("{what}: visits, ended, visitors, open {last:?}");
            }
            now == counts
        })
        .await;
    }

    pub async fn until_salt_is_gone(&self, salt: &Salt) {
        let needles = [salt.to_wire().into_bytes()];
        self.until("the salt is gone", async || {
            on_disk::find(&contents(self.salts.path()), &needles).is_empty()
        })
        .await;
    }
}

fn bytes_of(salt: &Salt) -> Vec<u8> {
    hex::decode(salt.to_wire()).unwrap()
}

#[tokio::test]
async fn i3_i4_around_midnight_everything_about_visitors_ends() {
    let mut system = System::with_test_clock().await;
    let [ann, ben, cem] = ["203.0.113.1", "2001:db8:1:2::3", "198.51.100.7"].map(Person::new);

    // By day: a visit ends by itself after half an hour.
    system.advance_to(time(12, 0, 0, 0)).await;
    let day = system.today();
    system.visit(&ann, "/noon").await;
    system.visit(&ben, "/noon").await;
    system.until_counted("noon", day, [2, 0, 2, 1]).await;
    system.advance(31 * MINUTE_MS).await;
    system.until_counted("12:31", day, [2, 2, 2, 1]).await;

    // Ten minutes before midnight.
    system.advance_to(time(23, 50, 0, 0)).await;
    system.visit(&ann, "/late").await;
    system.visit(&cem, "/late").await;
    system.until_counted("23:50", day, [4, 2, 3, 1]).await;
    let salt = system.salt_of(day).await;
    let before_midnight = File::open(system.salts_file()).unwrap();
    let days = system.day_files().await;
    let [old_day] = &days[..] else {
        panic!("{days:?}")
    };
    let rows = old_day.rows(&sealer(&salt, day));
    let mut expected = [&ann, &ben, &cem].map(|person| person.row(&salt, day));
    expected.sort_unstable();
    assert_eq!(rows, expected);

    // A minute after it: every visit has its end, and nobody's row is left.
    system.advance_to(time(0, 1, 1, 0)).await;
    let next_day = system.today();
    assert_eq!(next_day, day.tomorrow().unwrap());
    system.until_counted("00:01", day, [4, 4, 3, 0]).await;
    let days = system.day_files().await;
    assert!(days.len() == 1 && days[0].knows_nobody() && !days[0].is_empty);

    // Its salt may still be had: what the edge could not end yet, it can within this grace.
    assert_eq!(system.salt_of(day).await, salt);
    let needles = [salt.to_wire().into_bytes(), bytes_of(&salt)];
    let in_grace = File::open(system.salts_file()).unwrap();
    assert!(!on_disk::find(&contents(system.salts.path()), &needles).is_empty());
    system.advance_to(time(0, 9, 50, 0)).await;
    assert!(!on_disk::find(&contents(system.salts.path()), &needles).is_empty());

    // Ten minutes after it: no file holds the salt, also none that only a handle still leads to.
    system.advance_to(time(0, 10, 1, 0)).await;
    system.until_salt_is_gone(&salt).await;
    for old in [before_midnight, in_grace] {
        let old = std::io::read_to_string(old).unwrap();
        assert!(!old.is_empty() && old.bytes().all(|byte| byte == 0));
    }
    assert_eq!(system.process_ids().len(), 2);
    for process in system.process_ids() {
        let open = on_disk::open_files(process);
        assert!(!open.is_empty());
        let found = on_disk::find(&open, &needles);
        assert!(found.is_empty(), "{found:?}");
    }
    for folder in [system.data.path(), system.salts.path()] {
        let found = on_disk::find(&contents(folder), &needles);
        assert!(found.is_empty(), "{found:?}");
    }

    // The same person is somebody else.
    system.visit(&ann, "/morning").await;
    system
        .until_counted("morning", next_day, [1, 0, 1, 1])
        .await;
    let days = system.day_files().await;
    let new_salt = system.salt_of(next_day).await;
    let new_sealer = sealer(&new_salt, next_day);
    let new_rows: Vec<RowId> = days.iter().flat_map(|day| day.rows(&new_sealer)).collect();
    assert_eq!(new_rows, [ann.row(&new_salt, next_day)]);
    assert!(!rows.contains(&new_rows[0]));
    let [old_hash, new_hash] = [ann.hash(&salt, day), ann.hash(&new_salt, next_day)];
    assert!(old_hash != new_hash);

    // Two days on, nothing at all is left of the first day's object.
    assert!(
        days.iter()
            .any(|day| day.path == old_day.path && !day.is_empty)
    );
    system.advance(48 * HOUR_MS).await;
    system
        .until("the day object is gone", async || {
            let days = system.day_files().await;
            days.iter()
                .all(|day| day.path != old_day.path || day.is_empty)
        })
        .await;
    let log = PathBuf::from(format!("{}-wal", old_day.path.display()));
    assert!(std::fs::metadata(log).map_or(0, |log| log.len()) == 0);
    assert_eq!(counted(&system, day).await, [4, 4, 3, 0]);
}

/// What 32 bytes might be that lie about on a disk.
fn candidates(files: &[(PathBuf, Vec<u8>)]) -> HashSet<[u8; 32]> {
    let mut found = HashSet::new();
    for (_, bytes) in files {
        let windows = bytes.windows(32).filter(|window| looks_random(window));
        found.extend(windows.filter_map(|window| <[u8; 32]>::try_from(window).ok()));
        let is_hex = |byte: &u8| byte.is_ascii_hexdigit();
        for run in bytes.split(|byte| !is_hex(byte)) {
            for digits in run.windows(64) {
                let mut key = [0; 32];
                hex::decode_to_slice(digits, &mut key).unwrap();
                found.insert(key);
            }
        }
    }
    found
}

/// 32 random bytes are never so few different ones.
fn looks_random(window: &[u8]) -> bool {
    let mut seen = [0_u64; 4];
    for byte in window {
        seen[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }
    seen.iter().map(|bits| bits.count_ones()).sum::<u32>() > 12
}

/// Whether the bytes are the day's salt or its key: tells the person's row or opens a row.
fn finds(bytes: [u8; 32], person: &Person, date: Date, file: &DayFile) -> bool {
    let salt = Salt::from_random(bytes);
    let own = person.row(&salt, date);
    let as_key: DayKey = serde_json::from_value(serde_json::json!(bytes)).unwrap();
    file.rows(&sealer(&salt, date)).contains(&own) || file.opens(&Sealer::new(&as_key))
}

#[tokio::test]
async fn i4_a_copy_of_all_storage_in_mid_day_yields_nothing_after_the_day() {
    let mut system = System::with_test_clock().await;
    let person = Person::new("2001:db8:aaaa:bbbb::7");
    system.advance_to(time(12, 0, 0, 0)).await;
    let day = system.today();
    system.visit(&person, "/copied-page").await;
    for address in ["203.0.113.1", "198.51.100.7", "2001:db8:1:2::3"] {
        system.visit(&Person::new(address), "/other").await;
    }
    system.until_counted("noon", day, [4, 0, 4, 1]).await;

    // The backup: everything but what is in RAM. And what it must not hold, for the controls.
    let copy = on_disk::copy(system.data.path());
    let salts_in_ram = contents(system.salts.path());
    let salt = system.salt_of(day).await;

    system.advance_to(time(0, 10, 1, 0)).await;
    system.until_counted("00:10", day, [4, 4, 4, 0]).await;
    system.until_salt_is_gone(&salt).await;
    let later_salts = system.salts().await;
    assert!(later_salts.iter().all(|(date, _)| *date > day));
    system.stop_edge("TERM");
    system.stop_aggregator("TERM");

    let copied = day_files(&copy.path().join("edge")).await;
    let copied = &copied[0];
    assert_eq!(copied.rows(&sealer(&salt, day)).len(), 4);
    let mut known = contents(copy.path());
    known.extend(contents(system.data.path()));

    // Neither the person nor what can be made of them without the salt.
    assert!(!on_disk::find(&known, &[b"/copied-page".to_vec()]).is_empty());
    let found = on_disk::find(&known, &person.traces(day));
    assert!(found.is_empty(), "{found:?}");

    // With the salt, the copy tells everything about the person: that is what destroying it ends.
    let own = person.row(&salt, day);
    assert!(copied.rows(&sealer(&salt, day)).contains(&own));
    let is_found = |files: &[(PathBuf, Vec<u8>)]| {
        let mut candidates = candidates(files).into_iter();
        candidates.any(|bytes| finds(bytes, &person, day, copied))
    };
    assert!(is_found(&salts_in_ram));
    let key = serde_json::to_value(DayKey::new(&salt, SITE_ID, day)).unwrap();
    assert!(finds(
        serde_json::from_value(key).unwrap(),
        &person,
        day,
        copied
    ));

    // Without it nothing does: no salt that can still be had, no bytes of any file.
    for (date, later) in &later_salts {
        for date in [day, *date] {
            let in_table = copied.visitors.iter().map(|(row, _)| *row);
            assert!(
                !in_table
                    .collect::<Vec<_>>()
                    .contains(&person.row(later, date))
            );
            assert!(!copied.opens(&sealer(later, date)));
        }
    }
    known.extend(contents(system.salts.path()));
    assert!(!is_found(&known));
}
