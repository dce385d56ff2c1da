//! The end of the day: the salt goes, and whoever comes back is somebody else (I3, I5).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use jiff::civil::{Date, time};
use shared::address::ClientAddress;
use shared::object::RowId;
use shared::seal::Sealer;
use shared::visitor::{DayKey, Salt, SiteId, VisitorHash};

use super::canary::Canaries;
use super::scan::{Part, Scanner, Seen, regions};
use super::table::{Outcome, Promise, Table};
use super::{everything, salt};
use crate::system::{SITE, System};

/// See the name.
pub const SALT_ON_DISK: Promise = Promise {
    name: "prove_the_salt_is_in_ram_and_gone_after_the_day",
    promise: "A day's salt, and every key made of it, is in one file in RAM while the day lasts, and \
              in none after it.",
    tried: "The same files are searched for its 32 bytes, for the day key, for the keys under that, \
            and for the states of HMAC, during the day and eleven minutes after it.",
};

/// See the name.
pub const SALT_IN_MEMORY: Promise = Promise {
    name: "prove_the_salt_is_in_no_memory_after_the_day",
    promise: "After the day no memory has the salt, or a key made of it: not that of the aggregator, not \
              the edge's, and not what workerd keeps of messages between its parts, at any time.",
    tried: "/proc/<pid>/mem of dayfly and of workerd is read whole, eleven minutes after the day, and \
            searched as above; during the day the same search must find it in dayfly and in the \
            WebAssembly memory of the edge, and nowhere else in workerd.",
};

/// See the name.
pub const UNLINKABLE: Promise = Promise {
    name: "prove_the_same_visitor_has_nothing_in_common_on_another_day_or_site",
    promise: "The same visitor has unrelated names on another day and on another site; address and \
              User-Agent cannot be mistaken for each other.",
    tried: "The same visitors on two days, two sites and four shards: the keys of their rows are read \
            from the edge's storage, with the salts at hand; 1.1.1.1 with “1x” against 1.1.1.11 with “x”.",
};

/// A site whose day has several shards, which the canaries visit as well.
pub const OTHER_SITE: &str = "b.example";
const OTHER_SITE_ID: SiteId = 2;
const SITE_ID: SiteId = 1;
/// How many.
pub const SHARDS: u16 = 4;

/// Passes midnight; the processes and the canaries are as the day has left them.
pub async fn pass(table: &mut Table, on: &'static str, system: &mut System, canaries: &Canaries) {
    let day = system.today();
    let salts = system.salts_of_sites().await;
    let needles = salts
        .iter()
        .filter(|(_, date, _)| *date == day)
        .flat_map(|(site, date, salt)| salt::needles(salt, *site, *date));
    let scanner = Scanner::new(needles.collect());
    canaries.view(system, OTHER_SITE).await;
    let before = rows(system, &salts).await;

    let ram = salts_folder(system, &scanner);
    let disk = everything::look_at_files(system, &scanner).await;
    let memory = memories(system, &scanner).await;

    system.advance_to(time(0, 11, 0, 0)).await;
    for (_, _, salt) in salts.iter().filter(|(_, date, _)| *date == day) {
        system.until_salt_is_gone(salt).await;
    }
    // The edge's alarm; and a request, as comes with the next page view.
    tokio::time::sleep(ALARM).await;
    canaries.view(system, SITE).await;
    let mut disk_after = everything::look_at_files(system, &scanner).await;
    disk_after.add(salts_folder(system, &scanner));
    table.add(&SALT_ON_DISK, on, on_disk(&ram, &disk, &disk_after));
    let memory_after = memories(system, &scanner).await;
    table.add(&SALT_IN_MEMORY, on, in_memory(&memory, &memory_after));

    let salts = [salts, system.salts_of_sites().await].concat();
    let after = rows(system, &salts).await;
    table.add(
        &UNLINKABLE,
        on,
        unlinkable(canaries, day, &salts, &before, &after),
    );
}

/// How long the edge's alarms may take when the clock has jumped (a second, and what it does).
const ALARM: Duration = Duration::from_secs(3);

fn salts_folder(system: &System, scanner: &Scanner) -> Seen {
    let mut seen = Seen::default();
    scanner.folder(system.salts.path(), &mut seen);
    seen
}

fn on_disk(ram: &Seen, disk: &Seen, after: &Seen) -> Outcome {
    let files: BTreeSet<&str> = ram.finds.keys().map(|(_, place)| place.as_str()).collect();
    if files.len() != 1 || !ram.names().contains(salt::SALT) {
        return Err(format!("in RAM it is in {files:?}, and not in one file"));
    }
    if !disk.finds.is_empty() {
        return Err(format!("during the day: {}", disk.found()));
    }
    if !after.finds.is_empty() {
        return Err(format!("after the day: {}", after.found()));
    }
    Ok(format!(
        "during the day in 1 file in RAM and in 0 of {} files and values on disk ({}); after it in 0 of {}",
        disk.things,
        disk.size(),
        after.things
    ))
}

fn in_memory(during: &Memory, after: &Memory) -> Outcome {
    if !during.own.names().contains(salt::SALT) {
        return Err("it was not found during the day: the search has no eyes".into());
    }
    let all = [
        (
            "during the day, in what workerd keeps itself",
            &during.of_workerd,
        ),
        ("after the day", &after.own),
        (
            "after the day, in what workerd keeps itself",
            &after.of_workerd,
        ),
    ];
    if let Some((when, seen)) = all.into_iter().find(|(_, seen)| !seen.finds.is_empty()) {
        return Err(format!("{when}: {}", seen.found()));
    }
    Ok(format!(
        "during the day {} times in Dayfly's own memory, after it 0 times in {}; in what workerd keeps \
         itself ({}) 0 times, during the day and after it",
        during.own.finds.values().sum::<u64>(),
        after.own.size(),
        after.of_workerd.size(),
    ))
}

/// The keys of visitors' rows, by site, date and shard.
type Rows = BTreeMap<(SiteId, Date, usize), BTreeSet<RowId>>;

/// Reads the edge's storage with the salts at hand.
async fn rows(system: &System, salts: &[(SiteId, Date, Salt)]) -> Rows {
    let mut found = Rows::new();
    for (shard, file) in system.day_files().await.iter().enumerate() {
        for (site, date, salt) in salts {
            let sealer = Sealer::new(&DayKey::new(salt, *site, *date));
            if file.opens(&sealer) {
                let rows = file.rows(&sealer).into_iter().collect();
                found.insert((*site, *date, shard), rows);
            }
        }
    }
    found
}

fn unlinkable(
    canaries: &Canaries,
    day: Date,
    salts: &[(SiteId, Date, Salt)],
    before: &Rows,
    after: &Rows,
) -> Outcome {
    let mut seen: BTreeSet<RowId> = BTreeSet::new();
    let mut told = Vec::new();
    let next = day.tomorrow().map_err(|error| error.to_string())?;
    for (site, date, of, shards) in [
        (SITE_ID, day, before, 1),
        (OTHER_SITE_ID, day, before, usize::from(SHARDS)),
        (SITE_ID, next, after, 1),
    ] {
        let salt = salts.iter().find(|(of, on, _)| (*of, *on) == (site, date));
        let (_, _, salt) = salt.ok_or("a salt is missing")?;
        let sealer = Sealer::new(&DayKey::new(salt, site, date));
        let hash = |address: &String| {
            let address = ClientAddress::parse(address).unwrap();
            VisitorHash::new(salt, site, date, address, canaries.agent())
        };
        let expected: BTreeSet<RowId> = canaries
            .addresses()
            .iter()
            .map(|address| sealer.row(&hash(address)))
            .collect();
        let files: Vec<&BTreeSet<RowId>> = of
            .iter()
            .filter(|((of, on, _), _)| (*of, *on) == (site, date))
            .map(|(_, rows)| rows)
            .collect();
        let found: Vec<RowId> = files.iter().copied().flatten().copied().collect();
        if found.len() != expected.len() || found.iter().any(|row| !expected.contains(row)) {
            return Err(format!(
                "site {site} on {date} has other rows than its visitors'"
            ));
        }
        if files.len() > shards {
            return Err(format!("site {site} has {} day objects", files.len()));
        }
        if let Some(row) = found.iter().find(|row| !seen.insert(**row)) {
            return Err(format!("the row {} is there twice", hex::encode(row)));
        }
        told.push(found.len());
        let framed = [("1.1.1.1", "1x"), ("1.1.1.11", "x")].map(|(address, agent)| {
            VisitorHash::new(
                salt,
                site,
                date,
                ClientAddress::parse(address).unwrap(),
                agent,
            )
        });
        if framed[0] == framed[1] {
            return Err("1.1.1.1 with 1x is 1.1.1.11 with x".into());
        }
    }
    Ok(format!(
        "{} visitors, {} rows on two sites and two days, no two alike, and nobody in two shards",
        told[0],
        seen.len()
    ))
}

/// All memory of both processes.
#[derive(Default)]
struct Memory {
    /// dayfly's, and the WebAssembly memory of the edge.
    own: Seen,
    /// The rest of workerd: V8, HTTP.
    of_workerd: Seen,
}

async fn memories(system: &System, scanner: &Scanner) -> Memory {
    let [dayfly, workerd] = system.process_ids()[..] else {
        panic!("not both sides run")
    };
    let wasm = wasm(system, workerd).await;
    let mut memory = Memory::default();
    scanner.memory(dayfly, &Part::Whole, &mut memory.own);
    scanner.memory(workerd, &Part::Within(wasm.clone()), &mut memory.own);
    scanner.memory(workerd, &Part::Without(wasm), &mut memory.of_workerd);
    memory
}

/// Where the WebAssembly memory is. V8 has four GiB of addresses for it, and may read what is used.
async fn wasm(system: &System, workerd: u32) -> Range<u64> {
    const ADDRESSES: u64 = 1 << 32;
    for _ in 0..20 {
        let told = system.http.get(system.edge_url("/test-memory")).send();
        let told: serde_json::Value = told.await.unwrap().json().await.unwrap();
        let bytes = told["wasm_bytes"].as_u64().unwrap();
        for rest in regions(workerd) {
            let begin = rest.at.end.saturating_sub(ADDRESSES);
            if rest.rights.starts_with("---") && begin + bytes == rest.at.start {
                return begin..rest.at.start;
            }
        }
        // It may have grown just now.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the WebAssembly memory was not found");
}
