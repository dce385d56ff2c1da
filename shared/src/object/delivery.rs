//! What becomes of sealed batches (I7, I8): sent in order, kept until they are acknowledged and
//! 48 h beyond, resent where an aggregator that was restored lacks them.
//!
//! A batch that is refused as malformed would be so for ever, and the aggregator takes none behind
//! it: numbers have no gaps. So it becomes a *dead letter*: its bytes are kept aside, and a *blank*
//! takes its place in the line, a batch of the same number that counts nothing. The aggregator
//! applies one of the two at most, for there is one marker for a number; so once it has
//! acknowledged the blank, the dead letter can be counted under a new number, surely for the first
//! time. Before that, it cannot ([`Object::revive`]). Should the aggregator have another batch of
//! the blank's number, that can only be the dead letter itself, taken by another replica: it is
//! put back into its place, and is answered as a duplicate.

use super::answer::Answer;
use super::store::{Store, Write};
use super::{Object, Phase};
use crate::batch::Batch;
use crate::clock::UnixMs;
use crate::limits;
use crate::report::{Report, bounded_reason};

/// Why a source cannot go on that is given other numbers than it has.
const LACKING: &str = "batches that the aggregator lacks are not here";

/// Why the batch to be sent next is not taken.
pub(super) struct Stuck {
    reason: String,
    because: Because,
}

/// What somebody can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Because {
    /// The aggregator's database does not know the site.
    UnknownSite,
    /// The aggregator takes no batches of this version.
    OtherVersion,
    /// The reason says it.
    Other,
}

impl From<&str> for Stuck {
    fn from(reason: &str) -> Self {
        Self {
            reason: reason.to_owned(),
            because: Because::Other,
        }
    }
}

/// How delivery goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// With the next batch, at once.
    AtOnce,
    /// After the longest pause: nothing changes until somebody does something.
    Slowly,
}

impl Object {
    /// The batch to send next, if any waits.
    ///
    /// # Errors
    /// Storage failed.
    pub fn outgoing<S: Store>(&self, store: &S) -> Result<Option<(u64, Vec<u8>)>, S::Error> {
        if self.waiting == 0 {
            return Ok(None);
        }
        store.first_waiting()
    }

    /// Takes the aggregator's answer to the batch `seq`.
    ///
    /// # Errors
    /// Storage failed; `self` must be dropped.
    pub fn answered<S: Store>(
        &mut self,
        store: &S,
        seq: u64,
        answer: Answer,
        now_ms: UnixMs,
    ) -> Result<Next, S::Error> {
        match answer {
            Answer::Taken => {
                self.meta.acknowledged_ms = now_ms;
                self.stuck = None;
                store.write(&[Write::Acknowledged { seq }, Write::Meta(self.encode_meta())])?;
                self.waiting = store.waiting()?;
                Ok(Next::AtOnce)
            }
            Answer::Gap { last } => {
                if last.saturating_add(1) < seq && self.resend_after(store, last, seq)? {
                    return Ok(Next::AtOnce);
                }
                self.stuck = Some(LACKING.into());
                Ok(Next::Slowly)
            }
            Answer::Malformed { reason } => self.malformed(store, seq, &reason, now_ms),
            Answer::UnknownSite { reason } => {
                self.site_is_unknown(&reason);
                Ok(Next::Slowly)
            }
            Answer::OtherVersion { reason } => {
                self.stuck = Some(Stuck {
                    reason: bounded_reason(&reason),
                    because: Because::OtherVersion,
                });
                Ok(Next::Slowly)
            }
            Answer::Conflict => {
                self.stuck = Some("another batch of this number was applied".into());
                if self.dead.contains_key(&seq) {
                    store.write(&[Write::PutBack { seq }])?;
                    self.dead.remove(&seq);
                }
                Ok(Next::Slowly)
            }
        }
    }

    /// Makes the batches after `last` wait again; true when that are any before `seq`.
    fn resend_after<S: Store>(&mut self, store: &S, last: u64, seq: u64) -> Result<bool, S::Error> {
        let first = last.saturating_add(1);
        store.write(&[Write::Resend { seq: first }])?;
        self.waiting = store.waiting()?;
        // One that is not the first lacking would be refused again, and this again be done.
        let next = store.first_waiting()?;
        Ok(next.is_some_and(|(next, _)| next == first && next < seq))
    }

    fn malformed<S: Store>(
        &mut self,
        store: &S,
        seq: u64,
        reason: &str,
        now_ms: UnixMs,
    ) -> Result<Next, S::Error> {
        let reason = bounded_reason(reason);
        if self.dead.contains_key(&seq) || self.dead.len() >= limits::DEAD_MAX {
            // Not even a blank is taken, or there is no room: wait as in an outage.
            self.stuck = Some(reason.as_str().into());
            return Ok(Next::Slowly);
        }
        let blank = self.blank(store, seq)?.encode().unwrap_or_default();
        store.write(&[Write::Bury {
            seq,
            reason: reason.clone(),
            blank,
        }])?;
        self.dead.insert(seq, reason);
        self.tried_ms = now_ms;
        Ok(Next::AtOnce)
    }

    /// What is sent in the place of the batch `seq`: it counts nothing, and says of the source what
    /// that said.
    fn blank<S: Store>(&self, store: &S, seq: u64) -> Result<Batch, S::Error> {
        let refused = match store.outbox_body(seq)? {
            Some(body) => Batch::decode_unchecked(&body).ok(),
            None => None,
        };
        let mut blank = Batch::empty(self.source(), seq);
        blank.v = self.wire;
        let is_last = seq.saturating_add(1) == self.meta.next_seq;
        blank.closed = self.meta.phase == Phase::Sealed && is_last;
        blank.degraded = self.meta.degraded;
        match refused {
            Some(refused) => {
                blank.hits_total = refused.hits_total;
                blank.set_aside = self.hits_since(store, &refused)?;
            }
            None => blank.hits_total = self.hits_before(store, seq)?,
        }
        Ok(blank)
    }

    /// Hits that were accepted since the batch before this one: it counts them, but for what it sets
    /// aside.
    fn hits_since<S: Store>(&self, store: &S, batch: &Batch) -> Result<i64, S::Error> {
        let before = self.hits_before(store, batch.seq)?;
        Ok(batch.hits_total.saturating_sub(before).cast_signed())
    }

    /// What the batch before this number says of all hits until then.
    fn hits_before<S: Store>(&self, store: &S, seq: u64) -> Result<u64, S::Error> {
        let body = store.outbox_body(seq.saturating_sub(1))?;
        let before = body.and_then(|body| Batch::decode_unchecked(&body).ok());
        Ok(before.map_or(0, |before| before.hits_total))
    }

    /// The aggregator's database does not know the site, and it was not removed there: everything
    /// is kept, whatever is sent, and somebody has to look into it.
    pub fn site_is_unknown(&mut self, reason: &str) {
        self.stuck = Some(Stuck {
            reason: bounded_reason(reason),
            because: Because::UnknownSite,
        });
    }

    /// Whether it is time to ask the aggregator for the last batch it has: hourly while nothing
    /// waits and what was acknowledged is kept.
    pub fn is_due_to_check(&self, now_ms: UnixMs) -> bool {
        self.check_ms(now_ms).is_some_and(|at_ms| at_ms <= now_ms)
    }

    /// When that is: never while something waits, for to send it tells the same.
    fn check_ms(&self, now_ms: UnixMs) -> Option<UnixMs> {
        let known_ms = self.checked_ms.max(self.meta.acknowledged_ms);
        let at_ms = known_ms.saturating_add(limits::ASK_AGAIN_MS);
        let is_kept = self.meta.phase != Phase::Sealed || now_ms < self.done_ms();
        (self.waiting == 0 && self.meta.next_seq > 1 && is_kept).then_some(at_ms)
    }

    /// Takes the number of the last batch that the aggregator has: what it lacks waits again.
    ///
    /// # Errors
    /// Storage failed; `self` must be dropped.
    pub fn checked<S: Store>(
        &mut self,
        store: &S,
        last: u64,
        now_ms: UnixMs,
    ) -> Result<(), S::Error> {
        self.checked_ms = now_ms;
        let sealed = self.meta.next_seq.saturating_sub(1);
        self.stuck = None;
        if last < sealed && !self.resend_after(store, last, self.meta.next_seq)? {
            self.stuck = Some(LACKING.into());
        } else if last > sealed {
            self.stuck = Some("the aggregator has batches that were not sent from here".into());
        }
        Ok(())
    }

    /// The dead letters, when it is time to ask whether the aggregator takes them now: hourly, and
    /// at first in a life of the object.
    pub fn due_to_try(&self, now_ms: UnixMs) -> Vec<u64> {
        match self.try_ms().is_some_and(|at_ms| at_ms <= now_ms) {
            true => self.dead.keys().copied().collect(),
            false => Vec::new(),
        }
    }

    fn try_ms(&self) -> Option<UnixMs> {
        let at_ms = self.tried_ms.saturating_add(limits::ASK_AGAIN_MS);
        (!self.dead.is_empty() && self.waiting == 0).then_some(at_ms)
    }

    /// Notes that all the dead letters were tried.
    pub fn tried(&mut self, now_ms: UnixMs) {
        self.tried_ms = now_ms;
    }

    /// A dead letter as it was sent.
    ///
    /// # Errors
    /// Storage failed.
    pub fn dead_letter<S: Store>(&self, store: &S, seq: u64) -> Result<Option<Vec<u8>>, S::Error> {
        store.dead_body(seq)
    }

    /// Gives a dead letter a new number at the end of the line. Nothing happens while its blank is
    /// not acknowledged, for the aggregator might have the letter itself; nor while too much waits,
    /// nor with one that not even its writer can read.
    ///
    /// # Errors
    /// Storage failed; `self` must be dropped.
    pub fn revive<S: Store>(&mut self, store: &S, dead: u64) -> Result<(), S::Error> {
        let first = store.first_waiting()?;
        let blank_waits = first.is_some_and(|(first, _)| first <= dead);
        if blank_waits
            || self.waiting >= limits::OUTBOX_WAITING_MAX
            || !self.dead.contains_key(&dead)
        {
            return Ok(());
        }
        let body = store.dead_body(dead)?.unwrap_or_default();
        let Ok(mut batch) = Batch::decode_unchecked(&body) else {
            return Ok(());
        };
        let seq = self.meta.next_seq;
        let since = self.hits_since(store, &batch)?;
        // It may itself be a blank that was refused, and count none.
        let counted = since.saturating_sub(batch.set_aside);
        batch.v = self.wire;
        batch.source = self.source();
        batch.seq = seq;
        batch.closed = self.meta.phase == Phase::Sealed;
        batch.degraded |= self.meta.degraded;
        batch.hits_total = self.hits_before(store, seq)?;
        batch.set_aside = counted.saturating_neg();
        batch.live = None; // Of then.
        let Ok(body) = batch.encode() else {
            return Ok(());
        };
        self.meta.next_seq = seq.saturating_add(1);
        store.write(&[
            Write::Outbox { seq, body },
            Write::ForgetDead { seq: dead },
            Write::Meta(self.encode_meta()),
        ])?;
        self.dead.remove(&dead);
        self.waiting = self.waiting.saturating_add(1);
        Ok(())
    }

    /// How delivery goes.
    pub fn report(&self) -> Report {
        let sealed = self.meta.next_seq.saturating_sub(1);
        let stuck = self.stuck.as_ref();
        let is_because = |because| stuck.is_some_and(|stuck| stuck.because == because);
        let reason = stuck.map(|stuck| &stuck.reason);
        let reason = reason.or(self.dead.values().next_back());
        Report {
            source: self.source(),
            waiting: self.waiting,
            dead: self.dead.len() as u64,
            stuck: stuck.is_some(),
            unknown_site: is_because(Because::UnknownSite),
            other_version: is_because(Because::OtherVersion),
            reason: reason.cloned().unwrap_or_default(),
            hits_total: self.day.hits_total(),
            acknowledged: sealed.saturating_sub(self.waiting),
        }
    }

    /// Whether everything is sealed and acknowledged, and was so for 48 h: all storage can go.
    /// Never while there is a dead letter.
    pub fn is_done(&self, now_ms: UnixMs) -> bool {
        self.meta.phase == Phase::Sealed
            && self.waiting == 0
            && self.dead.is_empty()
            && now_ms >= self.done_ms()
    }

    /// When something is to be done for what is sealed; `None` for never.
    pub(super) fn delivery_ms(&self, now_ms: UnixMs, send_from_ms: UnixMs) -> Option<UnixMs> {
        let may_send_ms = send_from_ms.max(now_ms);
        if self.waiting > 0 {
            return Some(may_send_ms);
        }
        let asks = [self.check_ms(now_ms), self.try_ms()].into_iter().flatten();
        let asks = asks.map(|at_ms| at_ms.max(may_send_ms));
        let is_over = self.meta.phase == Phase::Sealed && self.dead.is_empty();
        let done_ms = is_over.then(|| self.done_ms());
        asks.chain(done_ms).min()
    }

    fn done_ms(&self) -> UnixMs {
        self.meta
            .acknowledged_ms
            .saturating_add(limits::ACKED_KEPT_MS)
    }
}
