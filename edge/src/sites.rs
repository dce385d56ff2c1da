//! What a Worker knows of the sites and salts: a copy of the roster object's answer, in isolate
//! memory. Used for a minute, then fetched anew while the old copy still serves.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use shared::clock::UnixMs;
use shared::limits::{ROSTER_FRESH_MS, SALT_GRACE_MS};
use shared::object::Name;
use shared::report::{Report, Sums};
use shared::roster::{Day, Roster, SaltRing, Salts, Site};
use shared::rules::Rules;
use shared::settings::Detail;
use shared::visitor::{DayKey, SiteId, VisitorHasher};
use shared::wire;
use wasm_bindgen::prelude::*;
use worker::web_sys::{Request, RequestInit};
use worker::{Env, Error, Response, Result};

use crate::platform;
use crate::roster_object::Issued;
use crate::settings::settings;

/// The binding and the name of the roster object.
const BINDING: &str = "ROSTER";
const NAME: &str = "roster";
/// A copy older than this is fetched anew before a site is called unknown, ms.
const UNKNOWN_AFTER_MS: i64 = 2_000;
/// However often this isolate's health is asked for, the roster object is asked once in this
/// time, ms.
const DELIVERY_FRESH_MS: i64 = 2_000;

/// How long a question waits for what the aggregator says of the sites, as a beacon does
/// (`entry.js`).
const ASK_MAX: Duration = Duration::from_secs(5);

/// Versions that batches are sealed in. Tests have a second one: the first under another number.
const WRITTEN: &[u8] = if cfg!(feature = "test-clock") {
    &[1, 2]
} else {
    &wire::WRITTEN
};

/// A site, ready for beacons.
pub struct Ready {
    site: Site,
    /// Its settings.
    pub rules: Rules,
}

impl Ready {
    /// Its number.
    pub fn id(&self) -> SiteId {
        self.site.id
    }

    /// Its domain.
    pub fn domain(&self) -> &str {
        &self.site.domain
    }
}

/// The sites, by the domain they have and the one they had before.
pub struct Sites {
    by_domain: FxHashMap<String, Rc<Ready>>,
}

impl Sites {
    /// The site of a domain.
    pub fn get(&self, domain: &str) -> Option<&Ready> {
        self.by_domain.get(domain).map(Rc::as_ref)
    }

    /// All of them, each once.
    pub fn all(&self) -> impl Iterator<Item = &Ready> {
        let own = |(name, site): &(&String, &Rc<Ready>)| *name == site.domain();
        self.by_domain
            .iter()
            .filter(own)
            .map(|(_, site)| site.as_ref())
    }
}

/// The running day of a site, and what only it knows.
pub struct Today {
    /// The local day.
    pub day: Day,
    /// Hashes its visitors.
    pub hasher: VisitorHasher,
    /// [`DayKey::check`] of the key that seals their rows.
    pub key_check: [u8; 8],
    /// The salt is an emergency one.
    pub degraded: bool,
    /// How much of the counts leaves the edge.
    pub detail: Detail,
}

thread_local! {
    static SITES: RefCell<Option<Rc<Sites>>> = const { RefCell::new(None) };
    static SALTS: RefCell<SaltRing> = RefCell::new(SaltRing::default());
    /// Made of the two above when they are asked for, and gone when those change.
    static TODAY: RefCell<FxHashMap<SiteId, Rc<Today>>> = RefCell::default();
    static FETCHED_MS: Cell<UnixMs> = const { Cell::new(0) };
    static DELIVERY: Cell<Option<(Sums, UnixMs)>> = const { Cell::new(None) };
    static TRIED_MS: Cell<UnixMs> = const { Cell::new(0) };
    static SPOKEN: Cell<u8> = Cell::new(wire::spoken(WRITTEN, &[]));
}

/// The version that the aggregator is to be sent batches in, as far as this isolate knows: the oldest
/// that is written, which is always taken, where no beacon has come yet.
pub fn spoken() -> u8 {
    SPOKEN.get()
}

/// The sites; `None` when nothing was ever known.
pub fn known() -> Option<Rc<Sites>> {
    SITES.with(|sites| sites.borrow().clone())
}

/// [`known`], loaded where nothing was.
///
/// # Errors
/// As [`load_sites`], or it takes too long.
pub async fn known_or_loaded(env: &Env) -> Result<Rc<Sites>> {
    match known() {
        Some(sites) => Ok(sites),
        None => platform::within(ASK_MAX, load(env))
            .await
            .unwrap_or_else(|| Err("the aggregator does not say which sites there are".into())),
    }
}

/// The running day of a site; `None` without a salt for it.
pub fn today(site: &Ready, now_ms: UnixMs) -> Option<Rc<Today>> {
    TODAY.with(|cache| {
        let mut cache = cache.borrow_mut();
        let is_now = |today: &Today| (today.day.start_ms..today.day.end_ms).contains(&now_ms);
        if let Some(today) = cache.get(&site.id()).filter(|today| is_now(today)) {
            return Some(today.clone());
        }
        let day = *site.site.day_at(now_ms)?;
        let today = SALTS.with(|salts| {
            let salts = salts.borrow();
            let (salt, degraded) = salts.get(site.id(), day.date)?;
            Some(Rc::new(Today {
                day,
                hasher: VisitorHasher::new(salt, site.id(), day.date),
                key_check: DayKey::new(salt, site.id(), day.date).check(),
                degraded,
                detail: site.site.settings.detail,
            }))
        })?;
        cache.insert(site.id(), today.clone());
        Some(today)
    })
}

/// Whether the copy is old enough to be fetched anew, and nobody has just tried.
pub fn is_stale(now_ms: UnixMs) -> bool {
    let age_ms = now_ms.saturating_sub(FETCHED_MS.get());
    let tried_ms = now_ms.saturating_sub(TRIED_MS.get());
    age_ms > ROSTER_FRESH_MS && tried_ms > UNKNOWN_AFTER_MS
}

/// Whether it is worth asking for what is not known: so that a site that was just added is found,
/// and a flood of unknown names asks for little.
pub fn may_ask_again(now_ms: UnixMs) -> bool {
    let newest_ms = FETCHED_MS.get().max(TRIED_MS.get());
    now_ms.saturating_sub(newest_ms) > UNKNOWN_AFTER_MS
}

/// The key of a day object; `None` without its salt.
pub fn key_of(name: &Name) -> Option<DayKey> {
    SALTS.with(|salts| {
        let salts = salts.borrow();
        let (salt, _) = salts.get(name.site, name.date)?;
        Some(DayKey::new(salt, name.site, name.date))
    })
}

/// Destroys the salts of days that are over, `grace_ms` after their end.
pub fn forget_old_salts(salts: &mut SaltRing, roster: &Roster, now_ms: UnixMs, grace_ms: i64) {
    let today: FxHashMap<SiteId, _> = roster
        .sites
        .iter()
        .filter_map(|site| Some((site.id, site.day_at(now_ms)?)))
        .collect();
    salts.retain(|site, date| {
        today.get(&site).is_some_and(|day| {
            let in_grace = now_ms < day.start_ms.saturating_add(grace_ms);
            date >= day.date || (in_grace && date.tomorrow().is_ok_and(|next| next == day.date))
        })
    });
}

/// Destroys this isolate's copies of the salts of days that are over, and what was made of them.
/// The roster object calls it when a grace ends, so that it happens also while no beacon comes.
pub fn forget(roster: &Roster, now_ms: UnixMs) {
    SALTS.with(|salts| {
        forget_old_salts(&mut salts.borrow_mut(), roster, now_ms, SALT_GRACE_MS);
    });
    TODAY.with(|cache| cache.borrow_mut().clear());
    platform::scrub_stack();
}

/// Fetches sites and salts from the roster object; for `entry.js`, which does so once at a time.
///
/// # Errors
/// It cannot be reached, or knows nothing yet; what was known is kept.
#[wasm_bindgen(
    js_sys = worker::js_sys,
    wasm_bindgen_futures = worker::wasm_bindgen_futures
)]
pub async fn load_sites(env: Env) -> std::result::Result<(), JsError> {
    let loaded = load(&env).await;
    loaded
        .map(drop)
        .map_err(|error| JsError::new(&error.to_string()))
}

/// As [`load_sites`].
///
/// # Errors
/// As there.
async fn load(env: &Env) -> Result<Rc<Sites>> {
    let age_ms = platform::now_ms().saturating_sub(FETCHED_MS.get());
    let max_age_ms = match age_ms > ROSTER_FRESH_MS {
        true => ROSTER_FRESH_MS,
        false => UNKNOWN_AFTER_MS,
    };
    let issued = ask(env, max_age_ms).await;
    let now_ms = platform::now_ms();
    TRIED_MS.set(now_ms);
    let (roster, issued) = issued?;
    SALTS.with(|salts| {
        let mut salts = salts.borrow_mut();
        for salt in &issued.salts {
            salts.insert(salt);
        }
        forget_old_salts(&mut salts, &roster, now_ms, SALT_GRACE_MS);
    });
    TODAY.with(|cache| cache.borrow_mut().clear());
    SPOKEN.set(wire::spoken(WRITTEN, &roster.wire));
    let mut by_domain = FxHashMap::default();
    for site in roster.sites {
        let rules = Rules::new(&site.settings);
        let names = [site.former.clone(), Some(site.domain.clone())];
        let ready = Rc::new(Ready { site, rules });
        for name in names.into_iter().flatten() {
            by_domain.insert(name, ready.clone());
        }
    }
    let sites = Rc::new(Sites { by_domain });
    SITES.set(Some(sites.clone()));
    FETCHED_MS.set(now_ms);
    Ok(sites)
}

/// Tells the roster object how a day object's delivery goes.
///
/// # Errors
/// It cannot be reached.
pub async fn tell(env: &Env, report: &Report) -> Result<()> {
    let settings = settings(env)?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&JsValue::from_str(&serde_json::to_string(report)?));
    let request = Request::new_with_str_and_init("https://roster/report", &init)?;
    let place = settings.jurisdiction.as_deref();
    let response = platform::call(env, BINDING, place, NAME, &request).await?;
    match Response::from(response).status_code() {
        200 => Ok(()),
        status => Err(format!("the roster object answered {status}").into()),
    }
}

/// Asks the roster object how delivery goes, of all day objects together.
///
/// # Errors
/// It cannot be reached.
pub async fn delivery(env: &Env) -> Result<Sums> {
    let now_ms = platform::now_ms();
    if let Some((sums, asked_ms)) = DELIVERY.get()
        && (0..DELIVERY_FRESH_MS).contains(&now_ms.saturating_sub(asked_ms))
    {
        return Ok(sums);
    }
    let settings = settings(env)?;
    let request = Request::new_with_str("https://roster/delivery")?;
    let place = settings.jurisdiction.as_deref();
    let response = platform::call(env, BINDING, place, NAME, &request).await?;
    let sums = shared::json::read(&Response::from(response).bytes().await?)?;
    DELIVERY.set(Some((sums, now_ms)));
    Ok(sums)
}

/// Asks the roster object.
///
/// # Errors
/// It cannot be reached, or knows nothing yet.
pub async fn ask(env: &Env, max_age_ms: i64) -> Result<(Roster, Salts)> {
    let settings = settings(env)?;
    let receiver = platform::receiver()?;
    let to = receiver.public().to_wire();
    let url = format!("https://roster/?max_age_ms={max_age_ms}&to={to}");
    let request = Request::new_with_str(&url)?;
    let place = settings.jurisdiction.as_deref();
    let response = platform::call(env, BINDING, place, NAME, &request).await?;
    if response.status() != 200 {
        return Err(Error::from(Response::from(response).text().await?));
    }
    let issued: Issued = shared::json::read(&Response::from(response).bytes().await?)?;
    let salts = issued.salts.open(&receiver);
    drop(receiver);
    platform::scrub_stack();
    Ok((issued.roster, salts.ok_or("the salts do not open")?))
}
