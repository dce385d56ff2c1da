//! What is sent by the clock: reports that are due, and alerts.
//!
//! Looked at once a minute; few visitors every ten. A mail is taken in the store before it is sent
//! (`store/mail.rs`), so several servers may look at once. A report that cannot be sent is tried again
//! for a day; an alert that cannot be sent is old by then, and is tried for some minutes only.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use shared::clock::UnixMs;
use shared::visitor::SiteId;

use super::alert::Alert;
use super::report::Report;
use super::{Due, Kind, Letter, Mail, due};
use crate::clock::day_number;
use crate::error::{Error, Result};
use crate::serve::App;
use crate::store::{ALERT_EVERY_MS, LastMail, MailOf, Recipient};

/// When a report is tried again that the server may take later, and one that it has refused.
const AGAIN_MS: i64 = 10 * 60_000;
/// See [`AGAIN_MS`].
const REFUSED_AGAIN_MS: i64 = 6 * 3_600_000;
/// How often few visitors are looked for, ms.
const FEW_EVERY_MS: i64 = 10 * 60_000;
const MINUTE_MS: i64 = 60_000;

/// Runs until the task is aborted; does nothing where there is no mail. What fails is logged, and
/// looked at again a minute later.
pub async fn run(app: &App) {
    let Some(mail) = &app.mail else { return };
    let mut every = tokio::time::interval(Duration::from_secs(1));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut minute = None;
    loop {
        every.tick().await;
        let now_ms = app.clock.now_ms();
        if minute.replace(now_ms.div_euclid(MINUTE_MS)) == Some(now_ms.div_euclid(MINUTE_MS)) {
            continue;
        }
        if app.moving.get().is_some() {
            continue; // That a mail was sent could not be noted.
        }
        if let Err(error) = look(app, mail, now_ms).await {
            tracing::error!("mail by the clock: {error}");
        }
    }
}

/// Looks at everything once; waits until what is due was sent, or could not be.
///
/// # Errors
/// The database failed.
pub async fn look(app: &App, mail: &Arc<Mail>, now_ms: UnixMs) -> Result<()> {
    for given_up in app.store.give_up_mails(now_ms).await? {
        let kind = given_up.kind.as_str();
        let why = match given_up.may_be_sent {
            true => "may not have been sent: a server ended while it was sending it",
            false => "is given up after a day",
        };
        tracing::error!("mail: a {kind} report of {} {why}", given_up.domain);
    }
    let recipients = app.store.mail_recipients().await?;
    if recipients.is_empty() {
        return Ok(());
    }
    let last = app.store.last_mails().await?;
    let mut round = Round {
        app,
        mail,
        now_ms,
        last,
        counted: HashMap::new(),
        is_away: false,
    };
    let looks_for_few = now_ms.div_euclid(MINUTE_MS) % (FEW_EVERY_MS / MINUTE_MS) == 0;
    for to in &recipients {
        for kind in Kind::ALL {
            let Some(since_ms) = to.wish.since_ms(kind) else {
                continue;
            };
            let done = match kind {
                Kind::Weekly | Kind::Monthly => round.report(to, kind, since_ms).await,
                Kind::Drop if !looks_for_few => Ok(()),
                Kind::Spike | Kind::Drop => round.alert(to, kind).await,
            };
            if let Err(error) = done {
                // One site's trouble keeps no other from its mail.
                tracing::error!("mail: {} of {}: {error}", kind.as_str(), to.site.domain);
            }
        }
    }
    Ok(())
}

struct Round<'a> {
    app: &'a App,
    mail: &'a Arc<Mail>,
    now_ms: UnixMs,
    last: HashMap<MailOf, LastMail>,
    /// A report is the same for everybody who wants it.
    counted: HashMap<(SiteId, Kind), Arc<Report>>,
    /// The mail server took no report in this round: the others wait for the next.
    is_away: bool,
}

impl Round<'_> {
    async fn report(&mut self, to: &Recipient, kind: Kind, since_ms: UnixMs) -> Result<()> {
        // Who switches it on gets the next one.
        let due = due(kind, &to.site, self.now_ms).filter(|due| due.since_ms >= since_ms);
        let Some(due) = due else { return Ok(()) };
        let of = (to.site.id, to.account, kind);
        let period = day_number(due.range.from);
        let may_be_taken = self.last.get(&of).is_none_or(|last| {
            let again = last.next_ms.is_some_and(|next_ms| next_ms <= self.now_ms);
            last.period < period || (last.period == period && again)
        });
        if !may_be_taken || self.is_away {
            return Ok(());
        }
        let report = match self.counted.get(&(to.site.id, kind)) {
            Some(report) => Arc::clone(report),
            None => {
                let credit = &self.app.country_attribution;
                let store = &self.app.store;
                let report = Report::count(store, &to.site, kind, &due, credit).await?;
                let report = Arc::new(report);
                self.counted.insert((to.site.id, kind), Arc::clone(&report));
                report
            }
        };
        let key = self.mail.key(&self.app.store).await?;
        let letter = report.letter(self.mail, key, to)?;
        if !self.app.store.take_report(of, period, self.now_ms).await? {
            return Ok(());
        }
        let letter = Letter {
            id: Some(id_of(key, of, &due)),
            ..letter
        };
        // In a task of its own: a server that is to stop ends this one, and lets that one be.
        let (mail, store) = (Arc::clone(self.mail), self.app.store.clone());
        let (domain, now_ms) = (to.site.domain.clone(), self.now_ms);
        let sent = tokio::spawn(async move {
            let _turn = mail.turn().await;
            let (again_ms, is_away) = match mail.send(&letter, now_ms).await {
                Ok(()) => (None, false),
                Err(unsent) => {
                    let kind = kind.as_str();
                    let why = &unsent.why;
                    tracing::warn!("mail: a {kind} report of {domain} is to be tried again: {why}");
                    let wait_ms = if unsent.is_final {
                        REFUSED_AGAIN_MS
                    } else {
                        AGAIN_MS
                    };
                    (Some(now_ms.saturating_add(wait_ms)), !unsent.is_final)
                }
            };
            store.report_is(of, period, again_ms).await?;
            Ok::<_, Error>(is_away)
        });
        match sent.await {
            Ok(done) => {
                self.is_away = done?;
                Ok(())
            }
            Err(_) => Err(Error::Invalid("a mail's task ended before its time".into())),
        }
    }

    async fn alert(&self, to: &Recipient, kind: Kind) -> Result<()> {
        let of = (to.site.id, to.account, kind);
        let is_early = self.last.get(&of).is_some_and(|last| {
            (0..ALERT_EVERY_MS).contains(&self.now_ms.saturating_sub(last.period))
        });
        if is_early {
            return Ok(());
        }
        let store = &self.app.store;
        let alert = match kind {
            Kind::Spike => Alert::spike(store, to, self.now_ms).await?,
            _ => Alert::few(store, to, self.now_ms).await?,
        };
        let Some(alert) = alert else { return Ok(()) };
        let key = self.mail.key(store).await?;
        let letter = alert.letter(self.mail, key, to)?;
        if store.take_alert(of, self.now_ms).await? {
            // That it could not be queued is in the log.
            let _ = self.mail.post("an alert", letter, self.now_ms);
        }
        Ok(())
    }
}

/// What a report is known by, however often it is sent: a mail server that has it may drop another.
/// It tells nobody whose it is.
fn id_of(key: &[u8], (site, account, kind): MailOf, due: &Due) -> String {
    let mut hash = Sha256::new();
    hash.update(key);
    hash.update(format!(
        "{site} {account} {} {}",
        kind.as_str(),
        due.range.from
    ));
    hex::encode(hash.finalize()).chars().take(40).collect()
}
