//! The roster object: one per deployment. It knows the sites and the salts, and asks the
//! aggregator for both.
//!
//! What is stored: the site list, as JSON (it is not secret), so that an edge that restarts while
//! the aggregator is away still knows its sites. The salts are in memory only (I3). When neither
//! memory nor the aggregator has today's salt of a site, an emergency salt is drawn in memory;
//! its counts say `degraded`.
//!
//! When it dies: never; it holds nothing about anybody.

use std::cell::{Cell, RefCell};

use serde::{Deserialize, Serialize};
use shared::clock::UnixMs;
use shared::limits::{ROSTER_FRESH_MS, SALT_GRACE_MS};
use shared::roster::{IssuedSalt, Roster, SaltRing, Salts};
use shared::visitor::Salt;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use crate::platform;
use crate::settings::{Settings, settings};
use crate::{aggregator, sites};

/// However often it is asked for news, the aggregator is asked once in this time at most, ms.
const ASK_MS_MIN: i64 = 1_000;
const KEY: &str = "roster";

/// What the roster object answers, and what the Workers keep in memory.
#[derive(Serialize, Deserialize)]
pub struct Issued {
    /// The sites.
    pub roster: Roster,
    /// The salts that may be used now and tomorrow.
    pub salts: Vec<IssuedSalt>,
}

/// See the module.
#[durable_object(fetch)]
pub struct RosterObject {
    state: State,
    env: Env,
    roster: RefCell<Option<Roster>>,
    salts: RefCell<SaltRing>,
    fetched_ms: Cell<UnixMs>,
    asked_ms: Cell<UnixMs>,
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
        }
    }

    /// `GET /?max_age_ms=<n>`: the roster and salts, at most so old if that can be had.
    async fn fetch(&self, request: Request) -> Result<Response> {
        let url = request.url()?;
        let max_age_ms = url
            .query()
            .and_then(|query| query.strip_prefix("max_age_ms="))
            .and_then(|text| text.parse().ok())
            .unwrap_or(ROSTER_FRESH_MS);
        let settings = settings(&self.env)?;
        let now_ms = platform::now_ms();
        let old = now_ms.saturating_sub(self.fetched_ms.get()) > max_age_ms;
        let may_ask = now_ms.saturating_sub(self.asked_ms.get()) >= ASK_MS_MIN;
        if old && may_ask {
            self.asked_ms.set(now_ms);
            if let Err(error) = self.refresh(&settings).await {
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
        self.answer(platform::now_ms())
    }
}

impl RosterObject {
    async fn refresh(&self, settings: &Settings) -> Result<()> {
        let roster: Roster = aggregator::get(settings, "/edge/v1/roster").await?;
        let issued: Salts = aggregator::get(settings, "/edge/v1/salts").await?;
        for salt in &issued.salts {
            self.salts.borrow_mut().insert(salt);
        }
        let changed = self.roster.borrow().as_ref() != Some(&roster);
        if changed {
            let text = serde_json::to_string(&roster)?;
            self.state.storage().put(KEY, text).await?;
        }
        self.roster.replace(Some(roster));
        self.fetched_ms.set(platform::now_ms());
        Ok(())
    }

    fn answer(&self, now_ms: UnixMs) -> Result<Response> {
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
                let mut bytes = [0; 32];
                platform::random(&mut bytes)?;
                salts.insert(&IssuedSalt {
                    site: site.id,
                    date: today.date,
                    salt: Salt::from_random(bytes).to_wire(),
                    emergency: true,
                });
            }
        }
        Response::from_json(&Issued {
            roster: roster.clone(),
            salts: salts.issued(),
        })
    }
}
