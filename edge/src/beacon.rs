//! `POST /api/event`, the part that is decided: `entry.js` reads the request and waits, this says
//! what becomes of the event. Nothing here awaits.
//!
//! What `take` leaves for [`taken`] is overwritten by the next beacon: whoever called one calls
//! the other before anything is awaited.

use std::cell::RefCell;

use shared::address::ClientAddress;
use shared::beacon::{Sender, decide};
use shared::call::Entry;
use shared::country;
use shared::drops::Drop;
use shared::event::Event;
use shared::geo::Table;
use shared::location;
use shared::object::Name;
use shared::throttle::Throttle;
use wasm_bindgen::prelude::*;
use worker::Env;
use worker::js_sys::{Array, Object, Reflect, Set, Uint32Array};

use crate::settings::settings;
use crate::sites::{self, Today};
use crate::{gather, platform};

/// The body is not an event; `taken().text` is the answer's body.
const INVALID: f64 = 0.0;
/// The sites or their salts must be loaded before this can be decided.
const ASK_FIRST: f64 = 1.0;
/// They are to be loaded anew, but nobody need wait.
const ASK_MEANWHILE: f64 = 2.0;
/// `taken()` has tickets, reasons, what was left out.
const SEVERAL: f64 = 3.0;
/// One ticket, and nothing to tell; the ticket is what is above this.
const TICKET: f64 = 16.0;

#[derive(Default)]
struct Taken {
    text: String,
    tickets: Vec<u32>,
    reasons: Vec<&'static str>,
    left_out: usize,
}

thread_local! {
    static TAKEN: RefCell<Taken> = RefCell::default();
    static COUNTRIES: RefCell<Option<Table<'static>>> = const { RefCell::new(None) };
    static THROTTLE: RefCell<Option<Throttle>> = const { RefCell::new(None) };
}

/// Reads the settings and gives what the entry needs of them.
///
/// # Errors
/// Which variable is missing or wrong.
#[wasm_bindgen]
pub fn configure(env: &Env) -> Result<Object, JsError> {
    let settings = settings(env).map_err(|error| JsError::new(&error.to_string()))?;
    let text = |text: Option<&str>| text.map_or(JsValue::UNDEFINED, JsValue::from_str);
    let reasons = Array::new();
    for (reason, name) in Drop::ALL {
        reasons.set(reason as u32, JsValue::from_str(name));
    }
    let in_eu = settings.eu_only.then(|| {
        let colos: Array = location::in_eu().map(JsValue::from_str).collect();
        Set::new(&colos).into()
    });
    let needs_cf = settings.country_of_platform || settings.client_ip_header.is_none();
    let config = Object::new();
    let fields = [
        (
            "client_ip_header",
            text(settings.client_ip_header.as_deref()),
        ),
        ("country_of_platform", settings.country_of_platform.into()),
        ("needs_cf", needs_cf.into()),
        ("ack_fast", settings.ack_fast.into()),
        ("in_eu", in_eu.unwrap_or(JsValue::UNDEFINED)),
        ("jurisdiction", text(settings.jurisdiction.as_deref())),
        ("reasons", reasons.into()),
    ];
    for (name, value) in fields {
        // Setting a property of a plain object does not fail.
        let _ = Reflect::set(&config, &JsValue::from_str(name), &value);
    }
    Ok(config)
}

/// Takes an event: checks it, decides, and puts what is to be counted into gatherings.
///
/// `again`: the sites have just been asked for; what is not known now is not there.
#[wasm_bindgen]
pub fn take(
    body: &[u8],
    user_agent: &str,
    address: &str,
    platform_country: &str,
    gpc: bool,
    dnt: bool,
    again: bool,
) -> f64 {
    let event = match Event::parse(body) {
        Ok(event) => event,
        Err(invalid) => {
            let text = invalid.to_json();
            TAKEN.set(Taken {
                text,
                ..Taken::default()
            });
            return INVALID;
        }
    };
    let now_ms = platform::now_ms();
    let Some(known) = sites::known() else {
        return ASK_FIRST;
    };
    if !again {
        let ready = |domain: &String| {
            known
                .get(domain)
                .is_some_and(|site| sites::today(site, now_ms).is_some())
        };
        if !event.domains.iter().all(ready) && sites::may_ask_again(now_ms) {
            return ASK_FIRST;
        }
        if sites::is_stale(now_ms) {
            return ASK_MEANWHILE;
        }
    }

    // Proxies that append leave what the client sent before their own entry.
    let address = address.rsplit(',').next().and_then(ClientAddress::parse);
    let country = match (platform_country, address) {
        ("", Some(address)) => of_table(address),
        ("", None) => String::new(),
        (given, _) => country::of_platform(given),
    };
    let address = address.unwrap_or(ClientAddress::UNKNOWN);
    let sender = Sender::new(address, user_agent, &country, gpc, dnt);
    let throttled = !allows(address, now_ms);

    // All of them before anything is taken: what is in a gathering must be waited for.
    let mut wanted = Vec::with_capacity(event.domains.len());
    let mut seen = Vec::with_capacity(event.domains.len());
    for site in event.domains.iter().map(|domain| known.get(domain)) {
        if let Some(site) = site {
            if seen.contains(&site.id()) {
                continue; // By the domain it has and the one it had: one site, counted once.
            }
            seen.push(site.id());
        }
        let today = site.map(|site| sites::today(site, now_ms));
        match (site, today) {
            (Some(site), Some(Some(today))) => wanted.push(Some((site, today))),
            (None, _) => wanted.push(None),
            _ => return ASK_FIRST, // There is no salt for the day.
        }
    }
    let mut taken = Taken {
        left_out: event.props.left_out,
        ..Taken::default()
    };
    for wanted in wanted {
        let Some((site, today)) = wanted else {
            taken.reasons.push(Drop::UnknownSite.as_str());
            continue;
        };
        let decided = match throttled {
            true => Err(Drop::Throttled),
            false => decide(&event, &sender, &site.rules),
        };
        let ticket = match decided {
            Ok(counted) => {
                let visitor = (!counted.anonymous).then(|| today.hasher.hash(address, user_agent));
                let at_ms = now_ms.saturating_sub(today.day.start_ms);
                let at_s = u32::try_from(at_ms / 1_000).unwrap_or(0);
                let shard = visitor.map_or(0, |visitor| visitor.shard(today.day.shards));
                join(
                    site.id(),
                    &today,
                    shard,
                    &counted.entry(visitor, at_s),
                    now_ms,
                )
            }
            Err(reason) => {
                taken.reasons.push(reason.as_str());
                join(site.id(), &today, 0, &Entry::Dropped(reason), now_ms)
            }
        };
        match ticket {
            Some(ticket) => taken.tickets.push(ticket),
            None => return ASK_FIRST, // Without a random source nothing may be acknowledged.
        }
    }
    match taken.tickets.as_slice() {
        [ticket] if taken.reasons.is_empty() && taken.left_out == 0 => TICKET + f64::from(*ticket),
        _ => {
            TAKEN.set(taken);
            SEVERAL
        }
    }
}

/// Takes an operator's table of countries (`dayfly geo build`), in the place of the built-in one.
///
/// # Errors
/// It is no such table.
#[wasm_bindgen]
pub fn use_countries(bytes: Vec<u8>) -> Result<(), JsError> {
    let table = Table::open(bytes);
    COUNTRIES.set(Some(
        table.map_err(|error| JsError::new(&error.to_string()))?,
    ));
    Ok(())
}

fn of_table(address: ClientAddress) -> String {
    COUNTRIES.with(|table| country::of_address(address, table.borrow().as_ref()).to_owned())
}

/// What the last [`take`] left: `{text, tickets, reasons, left_out}`.
#[wasm_bindgen]
pub fn taken() -> Object {
    let taken = TAKEN.take();
    let reasons: Array = taken.reasons.into_iter().map(JsValue::from_str).collect();
    let object = Object::new();
    let fields: [(&str, JsValue); 4] = [
        ("text", JsValue::from_str(&taken.text)),
        (
            "tickets",
            Uint32Array::from(taken.tickets.as_slice()).into(),
        ),
        ("reasons", reasons.into()),
        ("left_out", JsValue::from_f64(taken.left_out as f64)),
    ];
    for (name, value) in fields {
        let _ = Reflect::set(&object, &JsValue::from_str(name), &value);
    }
    object
}

fn join(site: u32, today: &Today, shard: u16, entry: &Entry, now_ms: i64) -> Option<u32> {
    let name = Name {
        site,
        date: today.day.date,
        shard,
    };
    gather::join(name, today, entry, now_ms)
}

/// Whether the address may send one more in this minute.
pub fn allows(address: ClientAddress, now_ms: i64) -> bool {
    // Where no address is to be had everybody has the same one.
    if address == ClientAddress::UNKNOWN {
        return true;
    }
    THROTTLE.with(|throttle| {
        let mut throttle = throttle.borrow_mut();
        let throttle = throttle.get_or_insert_with(|| {
            let mut seed = [0; 8];
            let _ = platform::random(&mut seed); // Without it the keys are only better known.
            Throttle::new(u64::from_be_bytes(seed))
        });
        throttle.allows(address, now_ms)
    })
}
