//! What a Worker knows of the sites and salts: a copy of the roster object's answer, in isolate
//! memory. Used for a minute, then fetched anew while the old copy still serves.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rustc_hash::FxHashMap;
use shared::clock::UnixMs;
use shared::jiff::civil::Date;
use shared::limits::{ROSTER_FRESH_MS, SALT_GRACE_MS};
use shared::roster::{Roster, SaltRing, Site};
use shared::visitor::{Salt, SiteId};
use worker::js_sys::{Function, Promise};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::Request;
use worker::{Context, Env, Error, Response, Result};

use crate::platform;
use crate::roster_object::Issued;
use crate::settings::settings;

/// The binding and the name of the roster object.
const BINDING: &str = "ROSTER";
const NAME: &str = "roster";
/// A copy older than this is fetched anew before a site is called unknown, ms.
const UNKNOWN_AFTER_MS: i64 = 2_000;

/// The sites by domain.
pub struct Sites {
    by_domain: FxHashMap<String, Site>,
}

impl Sites {
    /// The site of a domain.
    pub fn get(&self, domain: &str) -> Option<&Site> {
        self.by_domain.get(domain)
    }
}

thread_local! {
    static SITES: RefCell<Option<Rc<Sites>>> = const { RefCell::new(None) };
    static SALTS: RefCell<SaltRing> = RefCell::new(SaltRing::default());
    static FETCHED_MS: Cell<UnixMs> = const { Cell::new(0) };
    static LOADING: RefCell<Option<(Promise, UnixMs)>> = const { RefCell::new(None) };
    /// Why the last load failed.
    static PROBLEM: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The sites; a minute old at most, or older while the roster cannot be reached.
///
/// # Errors
/// Nothing was ever known.
pub async fn current(env: &Env, ctx: &Context) -> Result<Rc<Sites>> {
    let known = SITES.with(|sites| sites.borrow().clone());
    let age_ms = platform::now_ms().saturating_sub(FETCHED_MS.get());
    match known {
        Some(sites) => {
            if age_ms > ROSTER_FRESH_MS && !is_loading() {
                // The old copy serves meanwhile.
                let _ = start(env, ctx, ROSTER_FRESH_MS); // Nobody waits for it.
            }
            Ok(sites)
        }
        None => {
            load(env, ctx, ROSTER_FRESH_MS).await?;
            SITES
                .with(|sites| sites.borrow().clone())
                .ok_or_else(|| Error::from("the roster is not known yet"))
        }
    }
}

/// The sites once more, after one was missing: newer by two seconds at least, so that a site that
/// was just added is found, and a flood of unknown names asks for little.
///
/// # Errors
/// Nothing was ever known.
pub async fn refreshed(env: &Env, ctx: &Context) -> Result<Rc<Sites>> {
    let age_ms = platform::now_ms().saturating_sub(FETCHED_MS.get());
    if age_ms > UNKNOWN_AFTER_MS {
        // When this fails, what is known still serves.
        let _ = load(env, ctx, UNKNOWN_AFTER_MS).await;
    }
    current(env, ctx).await
}

/// The salt of a site's day, and whether it is an emergency one.
pub fn salt(site: SiteId, date: Date) -> Option<(Salt, bool)> {
    SALTS.with(|salts| {
        let salts = salts.borrow();
        salts
            .get(site, date)
            .map(|(salt, emergency)| (salt.clone(), emergency))
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

fn is_loading() -> bool {
    // A load that has not ended after half a minute was cut off with its request.
    let now_ms = platform::now_ms();
    LOADING.with(|loading| {
        loading
            .borrow()
            .as_ref()
            .is_some_and(|(_, since_ms)| now_ms.saturating_sub(*since_ms) < 30_000)
    })
}

/// Fetches from the roster object and waits until that has ended.
async fn load(env: &Env, ctx: &Context, max_age_ms: i64) -> Result<()> {
    JsFuture::from(start(env, ctx, max_age_ms)).await?;
    match PROBLEM.with(|problem| problem.borrow().clone()) {
        Some(problem) => Err(Error::from(problem)),
        None => Ok(()),
    }
}

/// Begins to fetch from the roster object; whoever comes while that lasts gets the same promise.
/// The work is `wait_until`'s, so that it ends even when the visitor who caused it has gone.
fn start(env: &Env, ctx: &Context, max_age_ms: i64) -> Promise {
    let running = LOADING.with(|loading| loading.borrow().clone());
    if let Some((promise, _)) = running.filter(|_| is_loading()) {
        return promise;
    }
    let mut done: Option<Function> = None;
    let promise = Promise::new(&mut |resolve, _| done = Some(resolve));
    LOADING.set(Some((promise.clone(), platform::now_ms())));
    let env = env.clone();
    ctx.wait_until(async move {
        let problem = fetch(&env, max_age_ms).await.err();
        if let Some(error) = &problem {
            worker::console_warn!("sites: keeping what is known: {error}");
        }
        PROBLEM.set(problem.map(|error| error.to_string()));
        LOADING.set(None);
        if let Some(done) = done {
            let _ = done.call0(&JsValue::NULL); // Resolving a promise does not throw.
        }
    });
    promise
}

async fn fetch(env: &Env, max_age_ms: i64) -> Result<()> {
    let issued = ask(env, max_age_ms).await?;
    let now_ms = platform::now_ms();
    SALTS.with(|salts| {
        let mut salts = salts.borrow_mut();
        for salt in &issued.salts {
            salts.insert(salt);
        }
        forget_old_salts(&mut salts, &issued.roster, now_ms, SALT_GRACE_MS);
    });
    let sites = issued.roster.sites.into_iter();
    let by_domain = sites.map(|site| (site.domain.clone(), site)).collect();
    SITES.set(Some(Rc::new(Sites { by_domain })));
    FETCHED_MS.set(now_ms);
    Ok(())
}

/// Asks the roster object.
///
/// # Errors
/// It cannot be reached, or knows nothing yet.
pub async fn ask(env: &Env, max_age_ms: i64) -> Result<Issued> {
    let settings = settings(env)?;
    let url = format!("https://roster/?max_age_ms={max_age_ms}");
    let request = Request::new_with_str(&url)?;
    let place = settings.jurisdiction.as_deref();
    let response = platform::call(env, BINDING, place, NAME, &request).await?;
    let mut response = Response::from(response);
    match response.status_code() {
        200 => Ok(serde_json::from_slice(&response.bytes().await?)?),
        _ => Err(Error::from(response.text().await?)),
    }
}
