//! Who keeps the salts, where several servers use one Postgres: one of them, in its RAM (I3). The
//! others are told where it answers, and hand an edge's question on to it; its answer is sealed for that
//! edge, so they neither keep a salt nor can read one.
//!
//! The keeper renews its claim in the database (`store/keeper.rs`) whenever it is asked for salts,
//! and every ten seconds; without it, it gives none, and one that has lost it destroys what it has. So
//! no two give salts out. What stands in the database is a random name and a time, nothing of a salt.
//!
//! While there is no keeper the edges go on with the salts they hold, of today and tomorrow. Beyond
//! those they draw their own, and their counts say `degraded`.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::Method;
use shared::handover::PublicKey;
use shared::roster::{IssuedSalt, SealedSalts};
use shared::sign::{HEADER, Signed};

use crate::client;
use crate::error::{Error, Result};
use crate::salts::SaltKeeper;
use crate::serve::App;
use crate::store::{Keeper, Keeping, LEASE_S, Store};

/// The path that edges ask for salts at.
pub const SALTS: &str = "/edge/v1/salts";
/// A question that another server hands on has this header: it is not handed on again.
pub const HANDED_ON: &str = "x-dayfly-handed-on";
/// How long the keeper may take; an edge waits longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What everybody is told of any trouble with the salts: not which servers there are.
pub const NO_SALTS: &str = "this server has no salts to give, and edges go on with those they have: dayfly doctor and the server's log tell why";
/// How often a server that is to start looks whether there is another keeper.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is wrong with the salts as this server sees it. Kept in memory only.
#[derive(Debug, Default)]
pub struct Trouble {
    /// Since an edge asked.
    asked: Mutex<Option<String>>,
    /// Since the database was looked at.
    seen: Mutex<Option<String>>,
}

impl Trouble {
    /// In words, if anything is: for whoever runs the server.
    pub fn text(&self) -> Option<String> {
        let of = |slot: &Mutex<Option<String>>| {
            let held = slot.lock().unwrap_or_else(PoisonError::into_inner);
            held.clone()
        };
        of(&self.asked).or_else(|| of(&self.seen))
    }

    /// Takes what was found; logs what is new.
    fn set(slot: &Mutex<Option<String>>, found: Option<String>) {
        let mut held = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if *held != found {
            match &found {
                Some(problem) => tracing::error!("{problem}"),
                None => tracing::info!("the salts are kept again"),
            }
            *held = found;
        }
    }
}

/// The name of this machine, for people.
fn machine() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// Makes this server the keeper of the salts, before it serves. One that ended without a word is
/// waited for, [`LEASE_S`] seconds.
///
/// # Errors
/// Another server keeps them, or the database failed.
pub async fn claim(store: &Store, salts: &SaltKeeper) -> Result<()> {
    let (instance, name) = (salts.instance()?, machine());
    let mut seen: Option<i64> = None;
    loop {
        let Keeping::There(other) = store.keep_salts(&instance, &name).await? else {
            return Ok(());
        };
        match seen {
            None => {
                tracing::warn!(
                    "another server ({}) was keeping the salts of this database {} s ago; waiting whether it is still there, {LEASE_S} s at most",
                    other.name,
                    other.age_s
                );
                seen = Some(other.renewed_s);
            }
            Some(renewed_s) if renewed_s != other.renewed_s => {
                return Err(Error::Invalid(format!(
                    "another server ({}) keeps the salts of this database: start this one with --salts-from <that server's URL> (DAYFLY_SALTS_FROM)",
                    other.name
                )));
            }
            Some(_) => {}
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn lost(other: &Keeper) -> String {
    format!(
        "another server ({}) has taken over the salts of this database: restart this one with --salts-from <that server's URL>, or stop that one",
        other.name
    )
}

impl App {
    /// Renews that this server keeps the salts. Where another does they are destroyed here.
    ///
    /// # Errors
    /// Another server keeps them, or the database failed.
    pub async fn keep_salts(&self) -> Result<()> {
        let instance = self.salts.instance()?;
        match self.store.keep_salts(&instance, &machine()).await? {
            Keeping::Here => {
                Trouble::set(&self.salts_trouble.seen, None);
                Ok(())
            }
            Keeping::There(other) => {
                self.salts.keep_sites(&[])?;
                Trouble::set(&self.salts_trouble.seen, Some(lost(&other)));
                Err(Error::NoSalts(lost(&other)))
            }
        }
    }

    /// What is done about the salts every ten seconds: the keeper renews its claim, the others look
    /// whether there is one.
    ///
    /// # Errors
    /// The database or the keeper of the salts failed.
    pub async fn look_after_salts(&self) -> Result<()> {
        if self.salts_from.is_none() {
            return match self.keep_salts().await {
                Err(Error::NoSalts(_)) => Ok(()), // Logged, and told in /health.
                result => result,
            };
        }
        let found = match self.store.salt_keeper().await? {
            Some(keeper) if keeper.age_s <= LEASE_S => None,
            Some(keeper) => Some(format!(
                "no server keeps the salts; the last was that on {}: start it, or start another server without --salts-from",
                keeper.name
            )),
            None => Some(
                "no server has ever kept the salts of this database: one is to be started without --salts-from".into(),
            ),
        };
        Trouble::set(&self.salts_trouble.seen, found);
        Ok(())
    }

    /// The salts that may be used now, for every site; destroys the others.
    ///
    /// # Errors
    /// Another server keeps them, or the database or the keeper of the salts failed.
    pub async fn issue_salts(&self) -> Result<Vec<IssuedSalt>> {
        let _turn = self.salts_turn.lock().await;
        self.keep_salts().await?;
        let sites = self.store.sites().await?;
        self.salts.issue(&sites, self.clock.now_ms())
    }

    /// Destroys the salts of days that are over, on the server that keeps them.
    ///
    /// # Errors
    /// As [`App::issue_salts`].
    pub async fn forget_old_salts(&self) -> Result<()> {
        if self.salts_from.is_some() {
            return Ok(());
        }
        match self.issue_salts().await {
            Ok(_) | Err(Error::NoSalts(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Destroys the salts of sites that were removed.
    ///
    /// # Errors
    /// The database or the keeper of the salts failed.
    pub async fn forget_removed_sites(&self) -> Result<()> {
        let _turn = self.salts_turn.lock().await;
        self.salts.keep_sites(&self.store.site_ids().await?)
    }

    /// Says that this server keeps the salts no longer: it ends.
    pub async fn leave_salts(&self) {
        if self.salts_from.is_some() {
            return;
        }
        let left = match self.salts.instance() {
            Ok(instance) => self.store.leave_salts(&instance).await,
            Err(error) => Err(error),
        };
        if let Err(error) = left {
            tracing::warn!("the next keeper of the salts has to wait for {LEASE_S} s: {error}");
        }
    }

    /// What the server that keeps the salts answers to an edge.
    ///
    /// # Errors
    /// It gives none.
    pub async fn salts_of(&self, keeper: &str, to: PublicKey) -> Result<SealedSalts> {
        let asked = self.ask_for_salts(keeper, to).await;
        let problem = asked.as_ref().err().map(ToString::to_string);
        Trouble::set(&self.salts_trouble.asked, problem);
        asked
    }

    async fn ask_for_salts(&self, keeper: &str, to: PublicKey) -> Result<SealedSalts> {
        let failed = |problem: String| {
            Error::NoSalts(format!(
                "the keeper of the salts, {keeper}, gives none: {problem}; edges go on with those they have"
            ))
        };
        let key = self.edge_keys.first();
        let key = key.ok_or_else(|| failed("there is no edge key".into()))?;
        let path = format!("{SALTS}?to={}", to.to_wire());
        let signed = Signed {
            method: "GET",
            path: &path,
            body: b"",
        };
        let signature = signed.sign(key, self.clock.now_ms());
        let headers = [(HEADER, signature.as_str()), (HANDED_ON, "1")];
        let url = format!("{keeper}{path}");
        let answer = client::ask(Method::GET, &url, &headers, Vec::new(), PATIENCE).await;
        let answer = answer.map_err(failed)?;
        match answer.status {
            200 => serde_json::from_slice(&answer.body)
                .map_err(|_| failed("its answer cannot be read".into())),
            status => Err(failed(format!("it answers {status}"))),
        }
    }
}
