//! How a day object delivers: it sends what waits, asks hourly, and tells how that goes. What each
//! answer changes is `shared::object`'s to say; this sends and waits.

use shared::batch::Source;
use shared::clock::UnixMs;
use shared::object::{Name, Next, PAUSE_MS_MAX, Said, pause_ms};
use shared::report::{Report, TELL_MS};
use worker::{Error, Result};

use super::{DayObject, UNREADABLE};
use crate::delivery::{self, Known};
use crate::settings::Settings;
use crate::{platform, sites};

/// Where it is stored that trouble was told and not yet that it is over: a new life that finds
/// none any more has to say so.
const TOLD_TROUBLE: &str = "told_trouble";

impl DayObject {
    /// Sends what waits, in order, one batch in flight; when nothing waits, asks hourly whether the
    /// aggregator still has what it had, and whether it takes what it refused.
    pub(super) async fn deliver(&self, settings: &Settings) -> Result<()> {
        self.send(settings).await?;
        let now_ms = platform::now_ms();
        if self.stored(|object| Ok(object.is_due_to_check(now_ms)))? == Some(true) {
            self.check(settings).await?;
            self.send(settings).await?;
        }
        let now_ms = platform::now_ms();
        if now_ms < self.send_from_ms.get() {
            return Ok(());
        }
        let dead = self.stored(|object| Ok(object.due_to_try(now_ms)))?;
        if let Some(dead) = dead.filter(|dead| !dead.is_empty()) {
            self.try_again(settings, &dead).await?;
            self.send(settings).await?;
        }
        Ok(())
    }

    async fn send(&self, settings: &Settings) -> Result<()> {
        loop {
            if platform::now_ms() < self.send_from_ms.get() {
                return Ok(());
            }
            let outgoing = self.stored(|object| object.outgoing(&self.store))?;
            let Some((seq, body)) = outgoing.flatten() else {
                return Ok(());
            };
            let (said, status) = delivery::post(settings, &body).await;
            match said {
                Said::Answer(answer) => {
                    let now_ms = platform::now_ms();
                    let next =
                        self.stored(|object| object.answered(&self.store, seq, answer, now_ms))?;
                    match next {
                        Some(Next::Slowly) => {
                            worker::console_error!("day object: batch {seq} is refused, and kept");
                            self.put_off_for(PAUSE_MS_MAX);
                        }
                        _ => self.failures.set(0),
                    }
                }
                Said::Gone => return self.erase().await,
                Said::Later => {
                    // 0 is no answer.
                    worker::console_warn!("day object: batch {seq} is kept, answered {status}");
                    self.put_off();
                }
            }
        }
    }

    /// Asks for the last batch that the aggregator has.
    async fn check(&self, settings: &Settings) -> Result<()> {
        let Some(source) = self.stored(|object| Ok(object.report().source))? else {
            return Ok(());
        };
        match delivery::ask_last(settings, &source).await {
            Known::Last(last) => {
                let now_ms = platform::now_ms();
                self.stored(|object| object.checked(&self.store, last, now_ms))?;
            }
            Known::Gone => self.erase().await?,
            Known::UnknownSite(reason) => {
                self.stored(|object| {
                    object.site_is_unknown(&reason);
                    Ok(())
                })?;
                self.put_off_for(PAUSE_MS_MAX);
            }
            Known::Nothing => self.put_off(),
        }
        Ok(())
    }

    /// Asks whether the aggregator now takes what it refused; what it takes gets in line again.
    async fn try_again(&self, settings: &Settings, dead: &[u64]) -> Result<()> {
        for seq in dead {
            let letter = self.stored(|object| object.dead_letter(&self.store, *seq))?;
            let Some(letter) = letter.flatten() else {
                continue;
            };
            match delivery::would_take(settings, &letter).await {
                Some(true) => {
                    self.stored(|object| object.revive(&self.store, *seq))?;
                }
                Some(false) => {}
                None => {
                    self.put_off();
                    return Ok(());
                }
            }
        }
        self.stored(|object| {
            object.tried(platform::now_ms());
            Ok(())
        })?;
        Ok(())
    }

    /// Tells the roster object how delivery goes: at once when there is trouble or no trouble any
    /// more, else every minute while anything waits.
    pub(super) async fn tell(&self) -> Result<()> {
        let now_ms = platform::now_ms();
        let report = match self.stored(|object| Ok(object.report())) {
            Err(_) if self.unreadable.get() => Some(self.unreadable_report()?),
            report => report?,
        };
        let Some(report) = report else {
            return self.tell_end(now_ms).await;
        };
        let trouble = |report: &Report| {
            let because = (report.unknown_site, report.other_version);
            (report.dead, report.stuck, because, report.is_quiet())
        };
        let told_before = self.told.borrow().clone();
        let is_due = match &told_before {
            None => !report.is_quiet() || self.told_trouble().await?,
            Some((before, told_ms)) => {
                let is_old = now_ms.saturating_sub(*told_ms) >= TELL_MS;
                trouble(before) != trouble(&report) || (is_old && !report.is_quiet())
            }
        };
        match is_due {
            true => {
                let is_trouble = report.is_trouble();
                if told_before.is_none() && !is_trouble && self.told_trouble().await? {
                    self.tell_readable().await?;
                }
                self.tell_now(report, now_ms).await?;
                self.note(is_trouble).await
            }
            false => {
                // Of a new life: nothing was told, and nothing had to be.
                self.told.borrow_mut().get_or_insert((report, now_ms));
                Ok(())
            }
        }
    }

    /// Of a day object that cannot be read only its name is known.
    fn unreadable_report(&self) -> Result<Report> {
        let name = self.state.id().name().ok_or(UNREADABLE)?;
        let name: Name = name.parse().map_err(|problem: &str| Error::from(problem))?;
        Ok(Report {
            source: Source {
                site: name.site,
                date: name.date,
                shard: name.shard,
                incarnation: "0".repeat(32),
            },
            waiting: 0,
            dead: 0,
            stuck: true,
            unknown_site: false,
            other_version: false,
            reason: UNREADABLE.to_owned(),
            hits_total: 0,
            acknowledged: 0,
        })
    }

    /// It may have been an edge that could not read this that told of trouble.
    async fn tell_readable(&self) -> Result<()> {
        match self.unreadable_report() {
            Ok(report) => sites::tell(&self.env, &report.ended()).await,
            Err(_) => Ok(()), // An alarm is not told its name: that report is forgotten in time.
        }
    }

    /// Remembers whether trouble was told last; not of an object that is erased, whose storage would
    /// come back.
    async fn note(&self, is_trouble: bool) -> Result<()> {
        match (self.told_trouble().await?, is_trouble) {
            (false, true) => self.state.storage().put(TOLD_TROUBLE, true).await,
            (true, false) => self.state.storage().delete(TOLD_TROUBLE).await.map(drop),
            _ => Ok(()),
        }
    }

    /// What was told of an object that is erased is not so any more.
    async fn tell_end(&self, now_ms: UnixMs) -> Result<()> {
        let told = self.told.borrow().as_ref().map(|(told, _)| told.clone());
        match told.filter(|told| !told.is_quiet()) {
            None => Ok(()),
            Some(told) => self.tell_now(told.ended(), now_ms).await,
        }
    }

    async fn tell_now(&self, report: Report, now_ms: UnixMs) -> Result<()> {
        sites::tell(&self.env, &report).await?;
        self.told.replace(Some((report, now_ms)));
        Ok(())
    }

    async fn told_trouble(&self) -> Result<bool> {
        Ok(self
            .state
            .storage()
            .get(TOLD_TROUBLE)
            .await?
            .unwrap_or(false))
    }

    /// Nothing more is sent for a while, longer each time.
    pub(super) fn put_off(&self) {
        let failures = self.failures.get().saturating_add(1);
        self.failures.set(failures);
        let mut byte = [128];
        let _ = platform::random(&mut byte); // Without it the jitter is the middle.
        let [byte] = byte;
        self.put_off_for(pause_ms(failures, byte));
    }

    fn put_off_for(&self, ms: i64) {
        self.send_from_ms.set(platform::now_ms().saturating_add(ms));
    }
}
