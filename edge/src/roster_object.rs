//! The roster object: one per deployment. It knows the sites and the salts, and asks the
//! aggregator for both.
//!
//! What is stored: the site list, as JSON (it is not secret), so that an edge that restarts while
//! the aggregator is away still knows its sites. The salts are in memory only (I3). When neither
//! memory nor the aggregator has today's salt of a site, an emergency salt is drawn in memory;
//! its counts say `degraded`.
//!
//! It also gathers how delivery goes (`reports.rs`).
//!
//! When it dies: never; it holds nothing about anybody.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::clock::UnixMs;
use shared::handover::PublicKey;
use shared::limits::{ROSTER_FRESH_MS, SALT_GRACE_MS};
use shared::roster::{IssuedSalt, Roster, SaltRing, Salts, SealedSalts};
use shared::visitor::Salt;
use worker::{Delay, DurableObject, Env, Request, Response, Result, State, durable_object};
use zeroize::Zeroizing;

use crate::platform;
use crate::reports::Gathered;
use crate::settings::{Settings, settings};
use crate::{aggregator, sites};

/// However often it is asked for news, the aggregator is asked once in this time at most, ms.
const ASK_MS_MIN: i64 = 1_000;
/// Who asks while the aggregator is being asked waits for that, but not longer than this, ms: a
/// request that was cut off asks for ever.
const ASKING_MS_MAX: i64 = 45_000;
const ASKING_POLL: Duration = Duration::from_millis(20);
const KEY: &str = "roster";

/// What the roster object answers, and what the Workers keep in memory.
#[derive(Serialize, Deserialize)]
pub struct Issued {
    /// The sites.
    pub roster: Roster,
    /// The salts that may be used now and tomorrow, for whoever asked.
    pub salts: SealedSalts,
}

/// See the module.
#[durable_object(alarm)]
pub struct RosterObject {
    state: State,
    env: Env,
    roster: RefCell<Option<Roster>>,
    salts: RefCell<SaltRing>,
    fetched_ms: Cell<UnixMs>,
    asked_ms: Cell<UnixMs>,
    /// The aggregator is being asked.
    asking: Cell<bool>,
    /// When the alarm is set to, as far as this life knows.
    armed_ms: Cell<Option<UnixMs>>,
    reports: Gathered,
}

impl DurableObject for RosterObject {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            roster: RefCell::new(None),
            salts: RefCell::new(SaltRing::default()),
            fetched_ms: Cell::new(0),
            asked_ms: Cell::new(0),
            asking: Cell::new(false),
            armed_ms: Cell::new(None),
            reports: Gathered::default(),
        }
    }

    /// `POST /report`: how a day object's delivery goes ([`shared::report::Report`]).
    /// `GET /delivery`: that of all ([`shared::report::Sums`]).
    /// `GET /?max_age_ms=<n>&to=<public key>`: the roster, and the salts sealed for who asks, at most so
    /// old if that can be had.
    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let url = request.url()?;
        let storage = self.state.storage();
        self.reports.read(&storage, platform::now_ms()).await?;
        match url.path() {
            "/report" => return self.report(&request.bytes().await?).await,
            "/delivery" => return Response::from_json(&self.reports.sums(platform::now_ms())),
            _ => {}
        }
        let (mut max_age_ms, mut to) = (ROSTER_FRESH_MS, None);
        for (name, value) in url.query_pairs() {
            match &*name {
                "max_age_ms" => max_age_ms = value.parse().unwrap_or(ROSTER_FRESH_MS),
                "to" => to = PublicKey::from_wire(&value),
                _ => {}
            }
        }
        let Some(to) = to else {
            return Response::error("to: the public key that the salts are sealed for", 400);
        };
        let settings = settings(&self.env)?;
        let now_ms = platform::now_ms();
        let old = now_ms.saturating_sub(self.fetched_ms.get()) > max_age_ms;
        let may_ask = now_ms.saturating_sub(self.asked_ms.get()) >= ASK_MS_MIN;
        if self.is_asking(now_ms) {
            // Whoever went on now would be given an emergency salt for want of the real one.
            while self.is_asking(platform::now_ms()) {
                Delay::from(ASKING_POLL).await;
            }
        } else if old && may_ask {
            self.asked_ms.set(now_ms);
            self.asking.set(true);
            let refreshed = self.refresh(&settings).await;
            self.asking.set(false);
            if let Err(error) = refreshed {
                worker::console_warn!("roster: keeping what is known: {error}");
            }
        }
        if self.roster.borrow().is_none() {
            let stored: Option<String> = self.state.storage().get(KEY).await?;
            let stored = stored.and_then(|text| serde_json::from_str(&text).ok());
            if let Some(roster) = stored {
                self.roster.borrow_mut().get_or_insert(roster);
            }
        }
        let now_ms = platform::now_ms();
        let answer = self.answer(now_ms, to)?;
        self.arm(now_ms).await?;
        Ok(answer)
    }

    /// Destroys the salts of days that are over, when their grace ends; tells the aggregator how
    /// delivery goes.
    async fn alarm(&self) -> Result<Response> {
        self.armed_ms.set(None);
        self.forget_salts();
        if let Err(error) = self.tell().await {
            worker::console_warn!("roster: how delivery goes could not be told: {error}");
        }
        self.forget_salts();
        if let Err(error) = self.arm(platform::now_ms()).await {
            worker::console_error!("roster: {error}");
        }
        Response::empty()
    }
}

impl RosterObject {
    fn forget_salts(&self) {
        let now_ms = platform::now_ms();
        if let Some(roster) = self.roster.borrow().as_ref() {
            let mut salts = self.salts.borrow_mut();
            sites::forget_old_salts(&mut salts, roster, now_ms, SALT_GRACE_MS);
            // Where Workers run in this isolate too, as on machines of one's own.
            sites::forget(roster, now_ms);
        }
    }

    async fn report(&self, body: &[u8]) -> Result<Response> {
        let Ok(report) = shared::json::read(body) else {
            return Response::error("not a report of this version", 400);
        };
        let now_ms = platform::now_ms();
        let storage = self.state.storage();
        self.reports.take(&storage, report, now_ms).await?;
        self.arm(now_ms).await?;
        Response::empty()
    }

    /// Not just before salts must be destroyed: the aggregator may take its time to answer.
    fn may_tell(&self, at_ms: UnixMs) -> bool {
        let salts_end_ms = self.salts_end_ms(at_ms).unwrap_or(UnixMs::MAX);
        salts_end_ms.saturating_sub(at_ms) > aggregator::TIMEOUT_MS.into()
    }

    async fn tell(&self) -> Result<()> {
        if !self.may_tell(platform::now_ms()) {
            return Ok(());
        }
        let settings = settings(&self.env)?;
        self.reports.tell(&settings, &self.state.storage()).await
    }

    fn is_asking(&self, now_ms: UnixMs) -> bool {
        self.asking.get() && now_ms.saturating_sub(self.asked_ms.get()) < ASKING_MS_MAX
    }

    async fn refresh(&self, settings: &Settings) -> Result<()> {
        let roster: Roster = aggregator::get(settings, "/edge/v1/roster").await?;
        // Where several servers are, the one that keeps the salts may be away. The sites and their
        // settings are of now all the same; what was last fetched is then told to be old.
        let fetched = self.fetch_salts(settings).await;
        let changed = self.roster.borrow().as_ref() != Some(&roster);
        if changed {
            let text = serde_json::to_string(&roster)?;
            self.state.storage().put(KEY, text).await?;
        }
        self.roster.replace(Some(roster));
        fetched?;
        self.fetched_ms.set(platform::now_ms());
        Ok(())
    }

    async fn fetch_salts(&self, settings: &Settings) -> Result<()> {
        let receiver = platform::receiver()?;
        let path = format!("/edge/v1/salts?to={}", receiver.public().to_wire());
        let sealed: SealedSalts = aggregator::get(settings, &path).await?;
        let issued = sealed.open(&receiver).ok_or("the salts do not open")?;
        drop(receiver);
        platform::scrub_stack();
        for salt in &issued.salts {
            self.salts.borrow_mut().insert(salt);
        }
        Ok(())
    }

    /// Sets the alarm to when the next salt must be destroyed or the next report be sent, unless it
    /// is set to that already.
    async fn arm(&self, now_ms: UnixMs) -> Result<()> {
        let tell_ms = self.reports.tell_ms().map(|at_ms| at_ms.max(now_ms));
        let tell_ms = tell_ms.filter(|at_ms| self.may_tell(*at_ms));
        let next_ms = self.salts_end_ms(now_ms).into_iter().chain(tell_ms).min();
        let Some(next_ms) = next_ms.filter(|next_ms| self.armed_ms.get() != Some(*next_ms)) else {
            return Ok(());
        };
        self.armed_ms.set(Some(next_ms));
        platform::set_alarm(&self.state.storage(), next_ms.saturating_sub(now_ms)).await
    }

    /// When the next salt must be destroyed.
    fn salts_end_ms(&self, now_ms: UnixMs) -> Option<UnixMs> {
        self.roster.borrow().as_ref().and_then(|roster| {
            let days = roster.sites.iter().flat_map(|site| &site.days);
            let ends = days.map(|day| day.end_ms.saturating_add(SALT_GRACE_MS));
            // A roster of today tells no day that is over, but its grace may not be.
            let starts = roster.sites.iter().filter_map(|site| site.days.first());
            let graces = starts.map(|day| day.start_ms.saturating_add(SALT_GRACE_MS));
            ends.chain(graces).filter(|at_ms| *at_ms > now_ms).min()
        })
    }

    fn answer(&self, now_ms: UnixMs, to: PublicKey) -> Result<Response> {
        let roster = self.roster.borrow();
        let Some(roster) = roster.as_ref() else {
            return Response::error("the aggregator has not been reached yet", 503);
        };
        let mut salts = self.salts.borrow_mut();
        sites::forget_old_salts(&mut salts, roster, now_ms, SALT_GRACE_MS);
        for site in &roster.sites {
            let Some(today) = site.day_at(now_ms) else {
                continue;
            };
            if salts.get(site.id, today.date).is_none() {
                let mut bytes = Zeroizing::new([0; 32]);
                platform::random(&mut *bytes)?;
                salts.insert(&IssuedSalt {
                    site: site.id,
                    date: today.date,
                    salt: Salt::from_random(*bytes).to_wire(),
                    emergency: true,
                });
            }
        }
        let mut random = Zeroizing::new([0; 32]);
        platform::random(&mut *random)?;
        let issued = Salts {
            salts: salts.issued(),
        };
        let sealed = SealedSalts::new(&issued, to, &random).ok_or("no such public key")?;
        drop(issued);
        platform::scrub_stack();
        Response::from_json(&Issued {
            roster: roster.clone(),
            salts: sealed,
        })
    }
}
