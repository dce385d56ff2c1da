//! What is looked at on this machine.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use aggregator::clock::SystemClock;
use aggregator::data::DataFolder;
use aggregator::observe::scrape;
use aggregator::salts::SaltKeeper;
use aggregator::store::{Engine, MoveState, Place, Store};
use aggregator::{backup, geo};
use shared::clock::Clock;

use super::Checks;
use crate::cli::serve::{SaltsPlace, ServeCommand};

/// Free bytes below which little, and too little, is left.
const LITTLE_BYTES: u64 = 1024 * 1024 * 1024;
const TOO_LITTLE_BYTES: u64 = 100 * 1024 * 1024;
/// What systemd keeps of the service's limits.
const SWAP_OF_SERVICE: &str = "/sys/fs/cgroup/system.slice/dayfly.service/memory.swap.max";
/// Variables that none of the commands takes, and something else of the project does.
const OF_OTHERS: [&str; 8] = [
    "DAYFLY_LOG",
    "DAYFLY_SITE",
    "DAYFLY_TOOLS",
    "DAYFLY_PROFILE",
    "DAYFLY_TEST_CLOCK",
    "DAYFLY_TEST_CLOCK_FILE",
    "DAYFLY_TEST_REFUSE_FILE",
    "DAYFLY_TEST_POSTGRES",
];

/// Whether the settings go together. That each can be read was seen when the command line was.
pub fn settings(serve: &ServeCommand, known: &BTreeSet<String>, checks: &mut Checks) {
    const NAME: &str = "settings";
    let unknown: Vec<String> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("DAYFLY_"))
        .filter(|name| !known.contains(name) && !OF_OTHERS.contains(&name.as_str()))
        .collect();
    if !unknown.is_empty() {
        checks.warn(
            NAME,
            format!(
                "the environment has {}, which nothing reads",
                unknown.join(", ")
            ),
            "look for a slip of the pen; dayfly serve --help names every variable",
        );
    }
    let url = serve.url.given().unwrap_or_default();
    let is_public = url.starts_with("https://");
    let has_tls = serve.listeners.tls_cert.is_some();
    if is_public && !has_tls && serve.trust_proxy.is_empty() {
        checks.wrong(
            NAME,
            "nobody's word is taken for a request having come over HTTPS, so browsers are sent to HTTPS in a circle",
            "name the proxy in front: DAYFLY_TRUST_PROXY=127.0.0.1 (--trust-proxy)",
        );
    }
    if is_public && serve.edge_url.starts_with("http://127.0.0.1") {
        checks.warn(
            NAME,
            "the line for the pages of sites would name the edge at 127.0.0.1",
            "say where browsers find the edge: DAYFLY_EDGE_URL=https://… (--edge-url)",
        );
    }
    let listens = serve.listeners.metrics_listen;
    if listens.is_some_and(|at| !at.ip().is_loopback() && !serve.listeners.metrics_anywhere) {
        checks.wrong(
            NAME,
            "the private listener is on an address that others may reach, and the server will not start so",
            "take 127.0.0.1 for DAYFLY_METRICS_LISTEN, or accept it with DAYFLY_METRICS_ANYWHERE=true",
        );
    }
    if let Err(error) = serve.listeners.tls() {
        checks.wrong(
            NAME,
            error.to_string(),
            "name a certificate and its key, both PEM, that the server's user may read",
        );
    }
    if let Err(error) = geo::country_attribution(serve.geo_table.as_deref()) {
        checks.wrong(
            NAME,
            error.to_string(),
            "make the table anew with dayfly geo build, or leave DAYFLY_GEO_TABLE out",
        );
    }
    if checks.0.is_empty() {
        checks.ok(NAME, "can all be read, and go together");
    }
}

fn is_open_to_others(about: &Metadata) -> bool {
    about.mode() & 0o007 != 0
}

/// Whether the folder is there, ours, and nobody else's; true when its database may be opened.
pub fn data_folder(data: &DataFolder, checks: &mut Checks) -> bool {
    const NAME: &str = "data folder";
    let path = data.path();
    let shown = path.display();
    let about = match fs::metadata(path) {
        Ok(about) if about.is_dir() => about,
        Ok(_) => {
            checks.wrong(
                NAME,
                format!("{shown} is no folder"),
                "name another with DAYFLY_DATA (--data)",
            );
            return false;
        }
        Err(problem) => {
            checks.wrong(
                NAME,
                format!("{shown}: {problem}"),
                "name the folder that the server uses with DAYFLY_DATA (--data), and ask as the server's user",
            );
            return false;
        }
    };
    let user = rustix::process::getuid().as_raw();
    if about.uid() != user {
        checks.warn(
            NAME,
            format!(
                "{shown} is another user's (number {}), so the database is not opened",
                about.uid()
            ),
            format!(
                "ask as that user: setpriv --reuid {0} --regid {1} --clear-groups dayfly doctor",
                about.uid(),
                about.gid()
            ),
        );
        return false;
    }
    let open: Vec<String> = ["", "dayfly.sqlite", "edge.key", "edge"]
        .iter()
        .map(|name| path.join(name))
        .filter(|file| fs::metadata(file).is_ok_and(|about| is_open_to_others(&about)))
        .map(|file| file.display().to_string())
        .collect();
    // What is in a closed folder is closed.
    if is_open_to_others(&about) && !open.is_empty() {
        checks.warn(
            NAME,
            format!("others on this machine may look into {}", open.join(", ")),
            format!("close it: chmod 700 {shown}"),
        );
    } else {
        checks.ok(NAME, format!("{shown}: this user's, closed to others"));
    }
    true
}

/// Whether the database can be read, is of this version, and whole.
pub async fn database(data: &DataFolder, may_look: bool, checks: &mut Checks) {
    const NAME: &str = "database";
    let is_file = matches!(data.database(), Place::File(_));
    if is_file && !may_look {
        return checks.skip(NAME, "not opened");
    }
    let store = match Store::look(data.database()).await {
        Ok(store) => store,
        Err(error) => {
            return checks.wrong(
                NAME,
                format!("cannot be opened: {error}"),
                "start the server of this version once, which makes it and brings it up to date; its log says what fails",
            );
        }
    };
    let (size, whole, sites) = (
        store.size_bytes().await,
        store.integrity().await,
        store.site_ids().await,
    );
    let moved = store.moved().await;
    let engine = match store.engine() {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "Postgres",
    };
    store.close().await;
    if let Ok(Some(moved)) = moved {
        let (found, todo) = match moved.state {
            MoveState::Gone => (
                format!("it was moved to {}", moved.place),
                "name that one with DAYFLY_DATABASE (--database) and restart the server; or take the move back: dayfly migrate --take-back",
            ),
            MoveState::Filling => (
                format!("it is being filled from {}", moved.place),
                "wait for dayfly migrate; where it has broken off, run it again",
            ),
        };
        return checks.wrong(NAME, found, todo);
    }
    match (size, whole, sites) {
        (Ok(bytes), Ok(problems), Ok(sites)) if problems.is_empty() => {
            let mib = bytes / (1024 * 1024);
            checks.ok(NAME, format!("{engine}, {mib} MiB, {} sites, whole", sites.len()));
            if sites.is_empty() {
                checks.warn("sites", "there is none", "add one: dayfly site add example.com --timezone Europe/Berlin");
            }
        }
        (_, Ok(problems), _) if !problems.is_empty() => checks.wrong(
            NAME,
            format!("its file is damaged: {}", problems.join("; ")),
            "stop the server, keep a copy of the folder, and restore the newest backup (dayfly restore --replace); then look at the disk",
        ),
        (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
            checks.wrong(NAME, error.to_string(), "look at the server's log and at the database");
        }
        _ => {}
    }
}

/// Whether the salts stay in RAM.
pub fn salts(place: &SaltsPlace, checks: &mut Checks) {
    const NAME: &str = "salts";
    if let Some(keeper) = &place.salts_from {
        return checks.ok(NAME, format!("kept by {keeper}, none here"));
    }
    let Some(folder) = place.salts_dir.clone().or_else(SaltKeeper::default_folder) else {
        return checks.warn(
            NAME,
            "there is no file system in RAM: a restart changes the day's salts, and visitors count again",
            "name a folder on a tmpfs: DAYFLY_SALTS_DIR (--salts-dir)",
        );
    };
    let shown = folder.display();
    match SaltKeeper::is_in_ram(&folder) {
        Ok(true) => {}
        Ok(false) if place.salts_on_disk => {
            return checks.warn(
                NAME,
                format!("{shown} is on a disk, as DAYFLY_SALTS_ON_DISK accepts: a copy of it tells a day's visitors"),
                "take a folder on a tmpfs",
            );
        }
        Ok(false) => {
            return checks.wrong(
                NAME,
                format!("{shown} is on a disk, and the server will not start so"),
                "name a folder on a tmpfs: DAYFLY_SALTS_DIR (--salts-dir)",
            );
        }
        Err(problem) => {
            return checks.warn(
                NAME,
                format!("{shown}: {problem}"),
                "the running server makes it; ask as its user, with its DAYFLY_SALTS_DIR",
            );
        }
    }
    if fs::metadata(&folder).is_ok_and(|about| about.mode() & 0o077 != 0) {
        return checks.warn(
            NAME,
            format!("others may look into {shown}, though not into the file"),
            format!("close it: chmod 700 {shown}"),
        );
    }
    let swaps = fs::read_to_string("/proc/swaps").unwrap_or_default();
    let on_disk = swaps
        .lines()
        .skip(1)
        .filter(|line| !line.starts_with("/dev/zram"));
    let stays = fs::read_to_string(SWAP_OF_SERVICE).is_ok_and(|max| max.trim() == "0");
    if on_disk.count() > 0 && !stays {
        return checks.warn(
            NAME,
            format!("{shown} is in RAM, but this machine swaps, so a salt may come to a disk"),
            "swapoff, encrypt the swap, or run the server as the unit dayfly.service, which has MemorySwapMax=0",
        );
    }
    checks.ok(
        NAME,
        format!("{shown}: in RAM, closed to others, not swapped"),
    );
}

/// Whether the disk has room.
pub fn room(data: &Path, checks: &mut Checks) {
    const NAME: &str = "disk";
    let Some((free, all)) = scrape::room(data) else {
        return checks.skip(NAME, "the data folder's file system tells nothing");
    };
    let found = format!("{} MiB of {} are free", free >> 20, all >> 20);
    let todo = "make room, or keep counts for fewer months (dayfly site set --keep-months); the edge keeps what this server cannot take";
    match free {
        ..TOO_LITTLE_BYTES => checks.wrong(NAME, found, todo),
        TOO_LITTLE_BYTES..LITTLE_BYTES => checks.warn(NAME, found, todo),
        _ => checks.ok(NAME, found),
    }
}

/// Whether there is a backup.
pub fn backups(serve: &ServeCommand, checks: &mut Checks) {
    const NAME: &str = "backups";
    let Some(folder) = &serve.backup_dir else {
        return checks.warn(
            NAME,
            "none are made by the clock",
            "name a folder, better on another disk: DAYFLY_BACKUP_DIR (--backup-dir); and copy them elsewhere",
        );
    };
    let now_ms = SystemClock.now_ms();
    let every_hours = i64::from(serve.backup_every_hours);
    match backup::newest_ms(folder) {
        None => checks.warn(
            NAME,
            format!("{} has none", folder.display()),
            "the running server makes one within a minute; its log says why it does not",
        ),
        Some(at_ms) => {
            let hours = now_ms.saturating_sub(at_ms) / 3_600_000;
            let found = format!("the newest in {} is {hours} hours old", folder.display());
            match hours > every_hours.saturating_add(1) {
                true => checks.wrong(
                    NAME,
                    found,
                    "the server's log says why no newer one was made",
                ),
                false => checks.ok(NAME, found),
            }
        }
    }
}
