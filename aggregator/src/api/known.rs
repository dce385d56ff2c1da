//! The keys that there are, as a copy in memory, so that guessing costs whoever guesses and not the
//! database.
//!
//! | a key | is answered from | which costs |
//! |---|---|---|
//! | that does not have the form of one | nothing | nothing |
//! | that is in the copy | the copy, at most a second old | a read of all keys a second |
//! | that is not | a copy made after the request came | the guesser up to a quarter of a second |
//!
//! What always holds: all keys are read four times a second at most, whoever asks how often. A key
//! that was just made opens at once; one that was revoked is refused within a second. Of keys that
//! are not known a bounded number waits at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared::clock::{Clock, UnixMs};
use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore, watch};

use super::Refusal;
use crate::error::{Error, Result};
use crate::serve::App;
use crate::store::{Key, KeyHash, Store};

/// How old the copy may be for a key that is in it, ms.
const FRESH_MS: i64 = 1_000;
/// From the end of one reading to the start of the next.
const PAUSE: Duration = Duration::from_millis(250);
/// Requests that wait at once for a newer copy, since their keys are not in this one: more than
/// programs send with a key that was just made, or with all keys right after a restart.
const UNKNOWN_MAX: usize = 1_024;

/// All keys, as they were read.
#[derive(Debug, Clone, Default)]
struct Copy {
    /// Of the reading; 0 before the first.
    number: u64,
    /// When the reading began.
    began_ms: UnixMs,
    /// `None`: the reading failed.
    keys: Option<Arc<HashMap<KeyHash, Arc<Key>>>>,
}

impl Copy {
    fn find(&self, hash: KeyHash) -> Option<Arc<Key>> {
        self.keys.as_ref()?.get(&hash).cloned()
    }

    fn is_fresh(&self, now_ms: UnixMs) -> bool {
        (0..=FRESH_MS).contains(&now_ms.saturating_sub(self.began_ms))
    }
}

/// See the module.
#[derive(Debug)]
pub struct KnownKeys {
    copy: watch::Sender<Copy>,
    /// The number of the latest reading that has begun.
    begun: AtomicU64,
    /// Held while all keys are read, and for the pause after it.
    turn: Arc<Mutex<()>>,
    unknown: Semaphore,
}

impl Default for KnownKeys {
    fn default() -> Self {
        Self {
            copy: watch::Sender::new(Copy::default()),
            begun: AtomicU64::new(0),
            turn: Arc::default(),
            unknown: Semaphore::new(UNKNOWN_MAX),
        }
    }
}

impl KnownKeys {
    /// The key, if there is one.
    ///
    /// # Errors
    /// Too many that are not known are looked up, or the database failed.
    pub async fn find(
        self: &Arc<Self>,
        app: &App,
        hash: KeyHash,
    ) -> std::result::Result<Option<Arc<Key>>, Refusal> {
        let now = self.copy.borrow().clone();
        let after = match now.find(hash) {
            Some(key) if now.is_fresh(app.clock.now_ms()) => return Ok(Some(key)),
            Some(_) => now.number,
            None => {
                // A reading that has begun before may have missed it.
                let after = self.begun.load(Ordering::SeqCst);
                let Ok(_permit) = self.unknown.try_acquire() else {
                    return Err(Refusal::TooManyGuesses);
                };
                return Ok(self.newer(app, after).await?.find(hash));
            }
        };
        Ok(self.newer(app, after).await?.find(hash))
    }

    /// The key as far as the copy knows.
    pub fn glance(&self, hash: KeyHash) -> Option<Arc<Key>> {
        self.copy.borrow().find(hash)
    }

    /// A copy of a reading with a larger number.
    async fn newer(self: &Arc<Self>, app: &App, after: u64) -> Result<Copy> {
        let mut seen = self.copy.subscribe();
        loop {
            tokio::select! {
                biased;
                copy = seen.wait_for(|copy| copy.number > after) => {
                    let copy = copy.map(|copy| copy.clone()).unwrap_or_default();
                    return match copy.keys {
                        Some(_) => Ok(copy),
                        None => Err(Error::Invalid("the keys could not be read".into())),
                    };
                }
                turn = self.turn.clone().lock_owned() => {
                    // A task of its own: whoever hangs up neither stops it nor spares the pause.
                    let store = app.store.clone();
                    tokio::spawn(self.clone().read(store, app.clock.clone(), turn));
                }
            }
        }
    }

    async fn read(
        self: Arc<Self>,
        store: Store,
        clock: Arc<dyn Clock + Send + Sync>,
        turn: OwnedMutexGuard<()>,
    ) {
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let began_ms = clock.now_ms();
        let keys = match store.keys().await {
            Ok(keys) => {
                let keys = keys.into_iter().map(|key| (key.hash, Arc::new(key)));
                Some(Arc::new(keys.collect()))
            }
            Err(error) => {
                tracing::error!("the keys could not be read: {error}");
                None
            }
        };
        self.copy.send_replace(Copy {
            number,
            began_ms,
            keys,
        });
        tokio::time::sleep(PAUSE).await;
        drop(turn);
    }
}
