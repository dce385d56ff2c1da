//! Gatherings: calls to day objects that are being put together. `entry.js` sends them and waits;
//! here they are only bytes.

use std::cell::{Cell, RefCell};

use rustc_hash::FxHashMap;
use shared::call::{CALL_VERSION, CallBuilder, Entry, Header, SealedKey, resealed};
use shared::clock::UnixMs;
use shared::handover::PublicKey;
use shared::limits::GATHER_HITS_MAX;
use shared::object::Name;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::sites::Today;
use crate::{platform, sites};

/// Places of one gathering in a ticket.
const PLACES: u32 = 1_024;
const _: () = assert!(GATHER_HITS_MAX <= PLACES as usize);
/// Numbers of gatherings begin anew after this many: a ticket is a `u32`.
const NUMBERS: u32 = 1 << 20;
/// Nobody joins a gathering that was not sent after this long: the request that led it may have
/// been cut off, ms.
const LOST_AFTER_MS: i64 = 20_000;
/// After this long it has been, ms.
const GONE_AFTER_MS: i64 = 120_000;

/// Day objects whose public key is remembered; beyond that all are forgotten.
const SEALED_MAX: usize = 10_000;

/// Entries that will be one commit.
struct Gathering {
    number: u32,
    call: CallBuilder,
    key_check: [u8; 8],
    opened_ms: UnixMs,
}

thread_local! {
    /// The one of each day object that takes entries.
    static OPEN: RefCell<FxHashMap<Name, Gathering>> = RefCell::default();
    /// Those that wait to be sent but take no more.
    static FULL: RefCell<FxHashMap<u32, (Name, Gathering)>> = RefCell::default();
    /// The key of a day as it was last sealed for its object.
    static SEALED: RefCell<FxHashMap<Name, SealedKey>> = RefCell::default();
    static NEXT: Cell<u32> = const { Cell::new(0) };
}

/// Puts an entry into the gathering of its day object, a new one if need be, and gives its ticket:
/// the gathering's number times 1,024, and its place there. `None`: there is no random source.
pub fn join(name: Name, today: &Today, entry: &Entry, now_ms: UnixMs) -> Option<u32> {
    OPEN.with(|open| {
        let mut open = open.borrow_mut();
        if let Some(gathering) = open.get_mut(&name) {
            let lost = now_ms.saturating_sub(gathering.opened_ms) > LOST_AFTER_MS;
            if !lost && gathering.key_check == today.key_check && gathering.call.has_room() {
                return gathering.ticket(entry);
            }
            let full = open.remove(&name)?;
            FULL.with(|all| {
                let mut all = all.borrow_mut();
                all.retain(|_, (_, full)| now_ms.saturating_sub(full.opened_ms) <= GONE_AFTER_MS);
                all.insert(full.number, (name, full));
            });
        }
        let mut gathering = Gathering::open(&name, today, now_ms)?;
        let ticket = gathering.ticket(entry);
        open.insert(name, gathering);
        ticket
    })
}

/// A day's key, sealed for its object as far as its public key is known.
pub fn sealed_key(name: &Name, key_check: [u8; 8]) -> SealedKey {
    SEALED.with(|sealed| {
        let sealed = sealed.borrow();
        let known = sealed.get(name).filter(|key| key.check == key_check);
        known.copied().unwrap_or(SealedKey::unknown(key_check))
    })
}

/// The same call or question with its key sealed for the day object that answered 421 with this public
/// key; `None` when it has another key than this isolate.
pub fn seal_again(bytes: &[u8], name: &Name, public: &[u8]) -> Option<Vec<u8>> {
    let to = PublicKey::from_slice(public)?;
    let mut random = Zeroizing::new([0; 32]);
    platform::random(&mut *random).ok()?;
    let key = SealedKey::new(&sites::key_of(name)?, to, &random);
    platform::scrub_stack();
    let key = key?;
    SEALED.with(|sealed| {
        let mut sealed = sealed.borrow_mut();
        if sealed.len() >= SEALED_MAX {
            sealed.clear();
        }
        sealed.insert(*name, key);
    });
    resealed(bytes, key)
}

/// [`seal_again`] for `entry.js`.
#[wasm_bindgen]
pub fn sealed_for(call: Vec<u8>, name: &str, public: &[u8]) -> Option<Vec<u8>> {
    seal_again(&call, &name.parse().ok()?, public)
}

impl Gathering {
    fn open(name: &Name, today: &Today, now_ms: UnixMs) -> Option<Self> {
        let mut id = [0; 16];
        platform::random(&mut id).ok()?;
        let call = CallBuilder::new(&Header {
            version: CALL_VERSION,
            id,
            day_start_ms: today.day.start_ms,
            day_end_ms: today.day.end_ms,
            key: sealed_key(name, today.key_check),
            degraded: today.degraded,
            detail: today.detail,
        })?;
        let number = NEXT.get();
        NEXT.set(number.wrapping_add(1) % NUMBERS);
        Some(Self {
            number,
            call,
            key_check: today.key_check,
            opened_ms: now_ms,
        })
    }

    fn ticket(&mut self, entry: &Entry) -> Option<u32> {
        let place = u32::try_from(self.call.push(entry)?).ok()?;
        self.number.checked_mul(PLACES)?.checked_add(place)
    }
}

/// The name of the day object a gathering is for; empty when there is no such gathering.
#[wasm_bindgen]
pub fn day_of(number: u32) -> String {
    let in_open = OPEN.with(|open| {
        let open = open.borrow();
        let found = open
            .iter()
            .find(|(_, gathering)| gathering.number == number);
        found.map(|(name, _)| name.to_string())
    });
    in_open
        .or_else(|| FULL.with(|full| full.borrow().get(&number).map(|(name, _)| name.to_string())))
        .unwrap_or_default()
}

/// Closes a gathering and gives the call to send.
#[wasm_bindgen]
pub fn call_of(number: u32) -> Option<Vec<u8>> {
    let in_open = OPEN.with(|open| {
        let mut open = open.borrow_mut();
        let found = open
            .iter()
            .find(|(_, gathering)| gathering.number == number);
        let name = found.map(|(name, _)| *name)?;
        open.remove(&name).map(|gathering| gathering.call)
    });
    in_open
        .or_else(|| FULL.with(|full| full.borrow_mut().remove(&number).map(|(_, full)| full.call)))
        .map(CallBuilder::into_bytes)
}
