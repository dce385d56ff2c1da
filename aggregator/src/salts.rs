//! The keeper of the salts: 32 random bytes per site and local date (I3).
//!
//! They are in memory, and in one file on a RAM-backed file system so that a restart of this
//! process does not change a day's salt. The file is never in the data folder, so no backup of
//! that has one. When a day and its grace are over its salt is zeroized in memory, and the file is
//! written anew; the bytes of the old one are overwritten first to last. Where several servers use one
//! database one of them keeps the salts (`keeping.rs`).

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::civil::Date;
use sha2::{Digest, Sha256};
use shared::clock::UnixMs;
use shared::roster::IssuedSalt;
use shared::visitor::{Salt, SiteId};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::site::Site;

/// File systems that live in RAM (linux/magic.h): tmpfs, ramfs.
const RAM_BACKED: [u32; 2] = [0x0102_1994, 0x8584_58f6];

/// What the line of the file begins with that tells [`SaltKeeper::instance`].
const INSTANCE: &str = "keeper ";

/// See the module.
#[derive(Debug, Default)]
pub struct SaltKeeper {
    /// What this keeper is known by to other servers: random, and lost where the salts are. Drawn when
    /// it is first asked for.
    instance: Mutex<Option<String>>,
    salts: Mutex<BTreeMap<(SiteId, Date), Salt>>,
    file: Option<PathBuf>,
}

impl SaltKeeper {
    /// A keeper over a file for the data folder `data` in `folder`, which must be RAM-backed unless
    /// `on_disk` accepts what a disk risks; what the file holds is taken over.
    ///
    /// # Errors
    /// The folder is on a disk and that is not accepted, or it cannot be used.
    pub fn open(folder: &Path, data: &Path, on_disk: bool) -> Result<Self> {
        let problem = |problem: String| Error::Salts {
            path: folder.to_owned(),
            problem,
        };
        let mut builder = fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(folder);
        made.map_err(|error| problem(error.to_string()))?;
        if !Self::is_in_ram(folder).map_err(|error| problem(error.to_string()))? {
            if !on_disk {
                return Err(problem(
                    "not on a RAM-backed file system (--salts-on-disk accepts that and says what it risks)".into(),
                ));
            }
            tracing::warn!(
                "the salts are on a disk, in {}: whoever gets a copy, a snapshot or the deleted \
                 blocks of it can find out which addresses were a day's visitors, for as long as \
                 that copy exists; a folder in RAM does not have this risk",
                folder.display()
            );
        }
        let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
        let name = hex::encode(Sha256::digest(data.as_os_str().as_encoded_bytes()));
        let file = folder.join(format!("salts-{}", &name[..16]));
        let text = match fs::read_to_string(&file) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Zeroizing::default(),
            Err(error) => return Err(problem(error.to_string())),
        };
        let salts: BTreeMap<_, _> = text.lines().filter_map(read_line).collect();
        let instance = text.lines().find_map(|line| line.strip_prefix(INSTANCE));
        let keeper = Self {
            instance: Mutex::new(instance.map(str::to_owned)),
            salts: Mutex::default(),
            file: Some(file),
        };
        if !salts.is_empty() {
            // Written anew, its pages of RAM are this process's: what keeps a service's memory out
            // of swap (MemorySwapMax=0) holds for them, too.
            keeper.write(&salts)?;
        }
        *keeper.salts.lock().unwrap_or_else(PoisonError::into_inner) = salts;
        Ok(keeper)
    }

    /// Whether a folder is on a file system in RAM.
    ///
    /// # Errors
    /// It is not there, or cannot be asked.
    pub fn is_in_ram(folder: &Path) -> std::io::Result<bool> {
        let kind = rustix::fs::statfs(folder)?;
        Ok(RAM_BACKED.contains(&(kind.f_type as u32)))
    }

    /// The folder to use when none is named: the service manager's runtime folder, or one of the
    /// user's under `/dev/shm`; `None` where neither is RAM-backed.
    pub fn default_folder() -> Option<PathBuf> {
        let user = rustix::process::getuid().as_raw();
        let runtime = std::env::var_os("RUNTIME_DIRECTORY").map(PathBuf::from);
        let shared_memory = Path::new("/dev/shm").to_owned();
        [runtime, Some(shared_memory)]
            .into_iter()
            .flatten()
            .find(|folder| Self::is_in_ram(folder).unwrap_or(false))
            .map(|folder| folder.join(format!("dayfly-{user}")))
    }

    /// The salts that may be used now, for every site; destroys the others.
    ///
    /// # Errors
    /// The system has no random source, or the file cannot be written.
    pub fn issue(&self, sites: &[Site], now_ms: UnixMs) -> Result<Vec<IssuedSalt>> {
        let wanted: Vec<(SiteId, Date)> = sites
            .iter()
            .flat_map(|site| {
                let dates = site.salt_dates(now_ms);
                dates.into_iter().map(|date| (site.id, date))
            })
            .collect();
        let mut salts = self.salts.lock().unwrap_or_else(PoisonError::into_inner);
        let before = salts.len();
        salts.retain(|day, _| wanted.contains(day));
        let mut changed = salts.len() != before;
        let mut issued = Vec::with_capacity(wanted.len());
        for (site, date) in wanted {
            let salt = match salts.entry((site, date)) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    let mut bytes = [0; 32];
                    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
                    changed = true;
                    entry.insert(Salt::from_random(bytes))
                }
            };
            issued.push(IssuedSalt {
                site,
                date,
                salt: salt.to_wire(),
                emergency: false,
            });
        }
        if changed {
            // Before a salt is given away it is where a restart finds it.
            self.write(&salts)?;
        }
        Ok(issued)
    }

    /// What this keeper is known by to other servers that use the same database.
    ///
    /// # Errors
    /// The system has no random source, or the file cannot be written.
    pub fn instance(&self) -> Result<String> {
        let salts = self.salts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.known_instance();
        if let Some(known) = known {
            return Ok(known);
        }
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
        let drawn = hex::encode(bytes);
        *self.instance.lock().unwrap_or_else(PoisonError::into_inner) = Some(drawn.clone());
        self.write(&salts)?;
        Ok(drawn)
    }

    fn known_instance(&self) -> Option<String> {
        let instance = self.instance.lock();
        instance.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Destroys the salts of all sites but these: a site that is removed takes its salts with it
    /// (I12).
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep_sites(&self, sites: &[SiteId]) -> Result<()> {
        let mut salts = self.salts.lock().unwrap_or_else(PoisonError::into_inner);
        let before = salts.len();
        salts.retain(|(site, _), _| sites.contains(site));
        match salts.len() == before {
            true => Ok(()),
            false => self.write(&salts),
        }
    }

    fn write(&self, salts: &BTreeMap<(SiteId, Date), Salt>) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        replace(file, self.known_instance().as_deref(), salts).map_err(|error| Error::Salts {
            path: file.to_owned(),
            problem: error.to_string(),
        })
    }
}

/// Writes the file anew and overwrites what the old one held.
fn replace(
    file: &Path,
    instance: Option<&str>,
    salts: &BTreeMap<(SiteId, Date), Salt>,
) -> std::io::Result<()> {
    let mut text = Zeroizing::new(String::with_capacity(64 + salts.len() * 96));
    if let Some(instance) = instance {
        text.push_str(INSTANCE);
        text.push_str(instance);
        text.push('\n');
    }
    for ((site, date), salt) in salts {
        let salt = Zeroizing::new(salt.to_wire());
        text.push_str(&Zeroizing::new(format!("{site} {date} {}\n", *salt)));
    }
    let new = file.with_extension("new");
    // A file that a crash left behind holds salts too.
    wipe(OpenOptions::new().write(true).open(&new))?;
    let mut options = OpenOptions::new();
    let mut written = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    written.write_all(text.as_bytes())?;
    let old = OpenOptions::new().write(true).open(file);
    fs::rename(&new, file)?;
    wipe(old)
}

/// Overwrites a file's bytes, if there is a file.
fn wipe(file: std::io::Result<File>) -> std::io::Result<()> {
    let mut file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let length = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let zeros = vec![0; usize::try_from(length).unwrap_or(0)];
    file.write_all(&zeros)
}

fn read_line(line: &str) -> Option<((SiteId, Date), Salt)> {
    let mut words = line.split(' ');
    let site = words.next()?.parse().ok()?;
    let date = words.next()?.parse().ok()?;
    Some(((site, date), Salt::from_wire(words.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::limits::SALT_GRACE_MS;

    const DAY_MS: i64 = 86_400_000;
    const NOON: UnixMs = 20_000 * DAY_MS + DAY_MS / 2;
    const NEXT_DAY: UnixMs = 20_001 * DAY_MS + SALT_GRACE_MS;

    fn sites() -> Vec<Site> {
        let site = |id| Site {
            id,
            domain: format!("{id}.example"),
            timezone: jiff::tz::TimeZone::UTC,
        };
        vec![site(1), site(2)]
    }

    fn wires(salts: &[IssuedSalt]) -> Vec<String> {
        salts.iter().map(|salt| salt.salt.clone()).collect()
    }

    #[test]
    fn i3_salts_are_random_stay_for_their_day_and_are_destroyed() {
        let keeper = SaltKeeper::default();
        let first = keeper.issue(&sites(), NOON).unwrap();
        assert_eq!(first.len(), 4);
        let mut distinct = wires(&first);
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 4, "one for each site and date");
        let again = keeper.issue(&sites(), NOON + 1).unwrap();
        assert_eq!(wires(&again), wires(&first));
        let other = SaltKeeper::default().issue(&sites(), NOON).unwrap();
        assert_ne!(other[0].salt, first[0].salt, "derived from nothing");
        let next = keeper.issue(&sites(), NEXT_DAY).unwrap();
        assert!(next.iter().all(|salt| salt.date > first[0].date));
        assert_eq!(keeper.salts.lock().unwrap().len(), 4);
    }

    #[test]
    fn i3_the_file_in_ram_survives_a_restart_and_forgets_after_the_day() {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        let data = tempfile::tempdir().unwrap();
        let open = || SaltKeeper::open(folder.path(), data.path(), false).unwrap();
        let keeper = open();
        let first = keeper.issue(&sites(), NOON).unwrap();
        assert_eq!(wires(&open().issue(&sites(), NOON).unwrap()), wires(&first));
        // Another data folder has salts of its own.
        let other = SaltKeeper::open(folder.path(), folder.path(), false).unwrap();
        assert_ne!(wires(&other.issue(&sites(), NOON).unwrap()), wires(&first));

        // A handle on the old file shows what becomes of its bytes.
        let path = keeper.file.clone().unwrap();
        let old = File::open(&path).unwrap();
        assert_eq!(rustix::fs::fstat(&old).unwrap().st_mode & 0o777, 0o600);
        keeper.issue(&sites(), NEXT_DAY).unwrap();
        let old = std::io::read_to_string(old).unwrap();
        assert!(!old.is_empty() && old.bytes().all(|byte| byte == 0));
        let new = fs::read_to_string(&path).unwrap();
        let gone = first
            .iter()
            .find(|salt| salt.date.to_string() == "2024-10-04")
            .unwrap();
        assert!(!new.contains(&gone.salt));
        assert_eq!(new.lines().count(), 4);
    }

    #[test]
    fn i3_a_folder_on_a_disk_is_refused() {
        let on_disk = Path::new(env!("CARGO_MANIFEST_DIR")).join("target-salts-test");
        let refused = SaltKeeper::open(&on_disk, &on_disk, false)
            .unwrap_err()
            .to_string();
        let accepted = SaltKeeper::open(&on_disk, &on_disk, true);
        let _ = fs::remove_dir(&on_disk);
        assert!(refused.contains("RAM-backed"), "{refused}");
        assert!(refused.contains("--salts-on-disk"), "{refused}");
        assert!(accepted.is_ok());
    }

    #[test]
    fn i12_a_removed_site_takes_its_salts_with_it() {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        let data = tempfile::tempdir().unwrap();
        let keeper = SaltKeeper::open(folder.path(), data.path(), false).unwrap();
        let first = keeper.issue(&sites(), NOON).unwrap();
        let path = keeper.file.clone().unwrap();
        let old = File::open(&path).unwrap();
        keeper.keep_sites(&[2]).unwrap();
        let old = std::io::read_to_string(old).unwrap();
        assert!(!old.is_empty() && old.bytes().all(|byte| byte == 0));
        let new = fs::read_to_string(&path).unwrap();
        for salt in &first {
            assert_eq!(new.contains(&salt.salt), salt.site == 2);
        }
        assert_eq!(keeper.salts.lock().unwrap().len(), 2);
        // Site 2 keeps what it had.
        let again = keeper.issue(&sites()[1..], NOON).unwrap();
        assert_eq!(wires(&again), wires(&first[2..]));
    }
}
