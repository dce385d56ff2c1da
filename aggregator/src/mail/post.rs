//! Sending: what is asked for by somebody who waits (a reset, an invitation, an alert) is tried a few
//! times within minutes, in memory only; whoever gets nothing asks again. What is sent by the clock is
//! tried by `schedule.rs`, which keeps it in the store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use shared::clock::UnixMs;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use super::{Letter, PublicUrl, Smtp, Unsent};
use crate::dashboard::view::count;
use crate::error::Result;
use crate::store::Store;

/// Mails sent at once.
const SENDING_MAX: usize = 2;
/// Mails that are sent or wait.
const PLACES: usize = 100;
/// How long is waited before each further try.
const AGAIN: [Duration; 4] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(300),
];

/// How mails leave.
enum Outbox {
    Smtp(Box<Smtp>),
    /// They stay here.
    #[cfg(test)]
    Kept(super::tests::Kept),
}

/// Mail, where a server has it.
pub struct Mail {
    outbox: Outbox,
    url: PublicUrl,
    again: [Duration; 4],
    places: Arc<Semaphore>,
    sending: Semaphore,
    /// Whose turn it is of what is sent by the clock.
    turn: Arc<Semaphore>,
    key: OnceCell<Vec<u8>>,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mail(…)")
    }
}

impl Mail {
    /// Mail by an SMTP server; links in it begin with this URL.
    pub fn new(smtp: Smtp, url: PublicUrl) -> Self {
        Self::by(Outbox::Smtp(Box::new(smtp)), url, AGAIN)
    }

    fn by(outbox: Outbox, url: PublicUrl, again: [Duration; 4]) -> Self {
        Self {
            outbox,
            url,
            again,
            places: Arc::new(Semaphore::new(PLACES)),
            sending: Semaphore::new(SENDING_MAX),
            turn: Arc::new(Semaphore::new(1)),
            key: OnceCell::new(),
        }
    }

    /// Mail that is kept.
    #[cfg(test)]
    pub(crate) fn kept(kept: super::tests::Kept, url: &str) -> Self {
        let again = [Duration::from_millis(1); 4];
        let url = PublicUrl::parse(url).unwrap();
        Self::by(Outbox::Kept(kept), url, again)
    }

    /// What a mail links to, by a path that begins with a slash.
    pub fn link(&self, path: &str) -> String {
        self.url.to(path)
    }

    /// What links that switch mails off are signed with.
    ///
    /// # Errors
    /// The database failed.
    pub async fn key(&self, store: &Store) -> Result<&[u8]> {
        let key = self.key.get_or_try_init(|| store.mail_key()).await?;
        Ok(key)
    }

    /// A place among those that are sent or wait; `None` when there are too many.
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Sends a mail in a task of its own, and again a few times when that fails. `what` says in the
    /// log what it was; false when too many wait already.
    #[must_use]
    pub fn post(self: &Arc<Self>, what: &'static str, letter: Letter, now_ms: UnixMs) -> bool {
        let Some(place) = self.place() else {
            tracing::error!("mail: {what} is not sent: {PLACES} mails wait already");
            return false;
        };
        let mail = Arc::clone(self);
        tokio::spawn(async move {
            mail.post_in(what, &letter, now_ms).await;
            drop(place);
        });
        true
    }

    /// The same, in the caller's task and place.
    pub async fn post_in(&self, what: &'static str, letter: &Letter, now_ms: UnixMs) {
        for (tries, wait) in (1..).zip(self.again.iter().map(Some).chain([None])) {
            let unsent = match self.send(letter, now_ms).await {
                Ok(()) => return,
                Err(unsent) => unsent,
            };
            match wait {
                Some(wait) if !unsent.is_final => tokio::time::sleep(*wait).await,
                _ => {
                    let times = count(tries, "time");
                    tracing::error!("mail: {what} is not sent, tried {times}: {}", unsent.why);
                    return;
                }
            }
        }
    }

    /// Sends a mail once.
    ///
    /// # Errors
    /// Why it was not sent.
    pub async fn send(&self, letter: &Letter, now_ms: UnixMs) -> std::result::Result<(), Unsent> {
        let _sending = self.sending.acquire().await;
        match &self.outbox {
            Outbox::Smtp(smtp) => {
                let message = letter.message(smtp.from(), now_ms)?;
                smtp.send(message).await
            }
            #[cfg(test)]
            Outbox::Kept(kept) => kept.take(letter, now_ms),
        }
    }

    /// Held from before a mail is sent until what came of it is stored.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turn).acquire_owned().await.ok()
    }

    /// Waits until nothing is being sent, so that a server that is to stop cuts none off.
    pub async fn settled(&self, at_most: Duration) {
        let all = u32::try_from(SENDING_MAX).unwrap_or(u32::MAX);
        let settled = async {
            let _turn = self.turn.acquire().await;
            let _sending = self.sending.acquire_many(all).await;
        };
        let _ = tokio::time::timeout(at_most, settled).await;
    }
}
