//! `dayfly migrate`: all of a database into another one, so that nothing is lost, whenever it stops.
//!
//! 1. The old database's write lock is taken ([`Held`]): from now on it takes nothing. What edges hold
//!    they keep until somebody acknowledges it. The lock is the process's: killed, it leaves none.
//! 2. All rows go into the new one, in one transaction, with the mark `filling`: nobody uses a database
//!    that has it, and the next try empties it.
//! 3. It is read again: the same rows in every table, every count readable, the same page views.
//! 4. The old one is marked as gone, in the transaction that holds the lock. Nobody writes to it ever
//!    after, and `dayfly serve` refuses it, with where it went.
//! 5. The mark is taken off the new one.
//!
//! Ended before 4 the old database is what it was. Ended between 4 and 5 the same command does 5.

use shared::clock::UnixMs;

use crate::error::{Error, Result};
use crate::store::{Engine, Held, LEASE_S, MoveState, Moved, Place, Store, Sums};

/// A move that has begun.
pub struct Migration<'a> {
    from: &'a Store,
    to: &'a Store,
    from_place: String,
    to_place: String,
    id: String,
}

/// What has been copied.
pub struct Copied {
    held: Held,
    sums: Sums,
}

/// A site, as it is in both databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameSite {
    /// Its domain.
    pub domain: String,
    /// Hits of all batches that were applied.
    pub hits: u64,
    /// Page views of all its days.
    pub views: u64,
}

/// What a look at both databases says.
#[derive(Debug, PartialEq, Eq)]
pub enum Begin {
    /// There is something to move, and room for it.
    Fresh,
    /// The same, and what a move that broke off has left there is deleted first.
    Again,
    /// A move to there has come to all but its last step.
    Finish,
    /// A move to there has come to its end.
    Done,
}

/// Where `--to` leads.
///
/// # Errors
/// It is neither a URL of Postgres nor `sqlite`.
pub fn target(text: &str, sqlite_file: &std::path::Path) -> Result<Place> {
    let is_postgres = ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    match text {
        "sqlite" => Ok(Place::File(sqlite_file.to_owned())),
        url if is_postgres => Ok(Place::Url(url.to_owned())),
        _ => Err(Error::Invalid(
            "--to: neither a database of Postgres, postgres://user:password@host/name, nor the word sqlite (the file in the data folder)".into(),
        )),
    }
}

impl<'a> Migration<'a> {
    /// Between two databases; nothing is done yet.
    ///
    /// # Errors
    /// The system has no random source.
    pub fn new(from: (&'a Store, &Place), to: (&'a Store, &Place)) -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
        Ok(Self {
            from: from.0,
            to: to.0,
            from_place: from.1.shown(),
            to_place: to.1.shown(),
            id: hex::encode(bytes),
        })
    }

    fn refused(&self, problem: impl Into<String>) -> Error {
        Error::Migrate {
            place: self.to_place.clone(),
            problem: problem.into(),
        }
    }

    /// What is to be done.
    ///
    /// # Errors
    /// Why it cannot be done, or a database failed.
    pub async fn begin(&mut self) -> Result<Begin> {
        let (from, to) = (self.from, self.to);
        let is_same = match from.identity().await? {
            Some(identity) => to.identity().await? == Some(identity),
            None => to.engine() == Engine::Sqlite, // There is one file only.
        };
        if is_same {
            return Err(self.refused("that is the database that is to be moved"));
        }
        let there = to.moved().await?;
        if let Some(here) = from.moved().await? {
            return match (here.state, there) {
                (MoveState::Filling, _) => Err(self.refused(format!(
                    "the database that is to be moved is itself not filled yet (from {})",
                    here.place
                ))),
                (MoveState::Gone, Some(there))
                    if there.id == here.id && there.state == MoveState::Filling =>
                {
                    self.id = here.id;
                    Ok(Begin::Finish)
                }
                (MoveState::Gone, None) if here.place == self.to_place => Ok(Begin::Done),
                (MoveState::Gone, _) => Err(Error::Moved(here.place)),
            };
        }
        for (store, what) in [(from, "the database that is to be moved"), (to, "it")] {
            let keeper = store.salt_keeper().await?;
            if let Some(keeper) = keeper.filter(|keeper| keeper.age_s <= LEASE_S) {
                return Err(self.refused(format!(
                    "a server ({}) runs on {what}: stop every server that uses it first (one that was killed counts as running for {LEASE_S} s)",
                    keeper.name
                )));
            }
        }
        match there {
            Some(there) if there.state == MoveState::Gone => {
                return Err(self.refused(format!(
                    "it was itself moved to {}: put it away first, or take that back",
                    there.place
                )));
            }
            Some(_) => return Ok(Begin::Again),
            None => {}
        }
        if to.is_used().await? {
            return Err(self.refused(
                "it has sites or accounts already; name an empty database (a new one: createdb)",
            ));
        }
        if !from.is_used().await? {
            return Err(self.refused("there is nothing to move: no site, no account"));
        }
        Ok(Begin::Fresh)
    }

    /// Steps 1 and 2.
    ///
    /// # Errors
    /// A database failed; the old one is as it was.
    pub async fn copy(&self, now_ms: UnixMs) -> Result<Copied> {
        let held = self.from.hold_all().await;
        let mut held = held.map_err(|error| {
            self.refused(format!(
                "somebody else is writing to the database that is to be moved ({error}): wait until an import, a restore or a backup has come to its end, and run it again"
            ))
        })?;
        let mark = Moved {
            id: self.id.clone(),
            state: MoveState::Filling,
            place: self.from_place.clone(),
        };
        let copied = held.copy_into(self.to, &mark, now_ms).await;
        let sums = copied.map_err(|error| self.refused(error.to_string()))?;
        Ok(Copied { held, sums })
    }

    /// Step 3. Gives the sites, the same in both.
    ///
    /// # Errors
    /// The new database does not hold what the old one does, or what they hold is not sound.
    pub async fn compare(&self, copied: &Copied) -> Result<Vec<SameSite>> {
        let there = self.to.sums().await?;
        for (table, sum) in &copied.sums {
            if there.get(table) != Some(sum) {
                return Err(self.refused(format!(
                    "what was read again is not what was copied, in {table}"
                )));
            }
        }
        let mut same = Vec::new();
        for site in self.from.sites().await? {
            let (here, there) = (
                self.from.soundness(site.id).await?,
                self.to.soundness(site.id).await?,
            );
            if let Some(problem) = here.problems.first() {
                return Err(self.refused(format!(
                    "{} is not sound, see dayfly audit: {problem}",
                    site.domain
                )));
            }
            if here != there {
                return Err(self.refused(format!(
                    "{} has {} page views here and {} there",
                    site.domain, here.views, there.views
                )));
            }
            let sources = self.to.sources(site.id).await?;
            same.push(SameSite {
                domain: site.domain,
                hits: sources.iter().map(|source| source.hits_total).sum(),
                views: there.views,
            });
        }
        let (.., unknown) = self.to.schema().await?;
        match unknown.first() {
            Some(column) => Err(self.refused(format!(
                "it has the column {column}, which is none of Dayfly's: name a database of its own"
            ))),
            None => Ok(same),
        }
    }

    /// Step 4.
    ///
    /// # Errors
    /// The old database failed, and is as it was.
    pub async fn let_go(&self, copied: Copied, now_ms: UnixMs) -> Result<()> {
        let mark = Moved {
            id: self.id.clone(),
            state: MoveState::Gone,
            place: self.to_place.clone(),
        };
        copied.held.is_gone(&mark, now_ms).await
    }

    /// Step 5.
    ///
    /// # Errors
    /// The new database failed; the same command ends the move.
    pub async fn finish(&self) -> Result<()> {
        self.to.is_filled(&self.id).await
    }
}

impl Copied {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.sums.values().map(|sum| sum.rows).sum()
    }
}
