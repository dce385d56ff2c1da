//! Gathers the hits that arrive while a call to a day object is in flight and sends them as the
//! next call: idle adds no delay, load makes larger commits.
//!
//! Whoever opens a gathering sends it, from its own `wait_until`, after the one before has ended;
//! everybody in it waits for the same promise. A call whose answer was lost is repeated with the
//! same id, which the day object knows.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rustc_hash::FxHashMap;
use shared::call::{CALL_VERSION, Call, Hit};
use shared::clock::UnixMs;
use shared::limits::{GATHER_HITS_MAX, GATHER_WAITING_MAX};
use shared::object::Name;
use shared::roster::Day;
use shared::visitor::DayKey;
use worker::js_sys::{Function, Promise, Uint8Array};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{Request, RequestInit};
use worker::{Context, Env, Error, Response, Result};

use crate::platform;
use crate::settings::settings;

/// How often a call is tried.
const TRIES: u32 = 3;
/// A gathering that has not ended after this long was cut off with the request that led it, ms.
const LOST_AFTER_MS: i64 = 30_000;
/// Idle day objects remembered before they are forgotten.
const NAMES_MAX: usize = 10_000;

thread_local! {
    /// The last gathering of each day object.
    static LAST: RefCell<FxHashMap<Name, Rc<Gathering>>> = RefCell::new(FxHashMap::default());
    static WAITING: Cell<usize> = const { Cell::new(0) };
}

/// Hits that will be one commit.
struct Gathering {
    call: RefCell<Option<Call>>,
    opened_ms: UnixMs,
    /// Ends when the answers are there.
    done: Promise,
    resolve: Function,
    /// A byte per hit, `None` when the call failed.
    answers: RefCell<Option<Option<Vec<u8>>>>,
}

impl Gathering {
    fn open(day: &Day, key: &DayKey, degraded: bool) -> Result<Self> {
        let mut id = [0; 16];
        platform::random(&mut id)?;
        let mut resolve = None;
        let done = Promise::new(&mut |f, _| resolve = Some(f));
        Ok(Self {
            call: RefCell::new(Some(Call {
                version: CALL_VERSION,
                id,
                day_start_ms: day.start_ms,
                day_end_ms: day.end_ms,
                key: key.clone(),
                degraded,
                hits: Vec::new(),
            })),
            opened_ms: platform::now_ms(),
            done,
            resolve: resolve.ok_or("no promise")?,
            answers: RefCell::new(None),
        })
    }

    /// Takes the hit, if this gathering is still open and under the same key; gives its place.
    fn join(&self, key: &DayKey, hit: &mut Option<Hit>) -> Option<usize> {
        let mut call = self.call.borrow_mut();
        let call = call
            .as_mut()
            .filter(|call| call.hits.len() < GATHER_HITS_MAX && call.key == *key)?;
        call.hits.push(hit.take()?);
        Some(call.hits.len().saturating_sub(1))
    }

    fn has_ended(&self) -> bool {
        self.answers.borrow().is_some()
    }
}

/// Counts a hit in its day object and returns after the commit: 0, or the number of the reason
/// why it was dropped.
///
/// # Errors
/// It could not be committed; nothing may be acknowledged.
pub async fn count(
    env: &Env,
    ctx: &Context,
    name: Name,
    day: &Day,
    key: DayKey,
    degraded: bool,
    hit: Hit,
) -> Result<u8> {
    if WAITING.get() >= GATHER_WAITING_MAX {
        return Err(Error::from("too many beacons are waiting"));
    }
    let last = LAST.with(|all| all.borrow().get(&name).cloned());
    let mut hit = Some(hit);
    let joined = last
        .as_ref()
        .and_then(|last| Some((last.clone(), last.join(&key, &mut hit)?)));
    let (gathering, place) = match joined {
        Some(joined) => joined,
        None => {
            let gathering = Rc::new(Gathering::open(day, &key, degraded)?);
            let place = gathering.join(&key, &mut hit).ok_or("no gathering")?;
            remember(name, &gathering);
            let before = last.filter(|before| {
                let age_ms = platform::now_ms().saturating_sub(before.opened_ms);
                !before.has_ended() && age_ms < LOST_AFTER_MS
            });
            ctx.wait_until(lead(env.clone(), name, gathering.clone(), before));
            (gathering, place)
        }
    };
    WAITING.set(WAITING.get().saturating_add(1));
    let waited = JsFuture::from(gathering.done.clone()).await;
    WAITING.set(WAITING.get().saturating_sub(1));
    waited?;
    let answers = gathering.answers.borrow();
    match answers.as_ref() {
        Some(Some(answers)) => answers.get(place).copied(),
        _ => None,
    }
    .ok_or_else(|| Error::from("the day object did not commit"))
}

fn remember(name: Name, gathering: &Rc<Gathering>) {
    LAST.with(|all| {
        let mut all = all.borrow_mut();
        if all.len() >= NAMES_MAX {
            all.retain(|_, gathering| !gathering.has_ended());
        }
        all.insert(name, gathering.clone());
    });
}

/// Waits for the gathering before, closes this one, sends it and tells everybody in it.
async fn lead(env: Env, name: Name, gathering: Rc<Gathering>, before: Option<Rc<Gathering>>) {
    if let Some(before) = before {
        // It never rejects; if it did, sending now would still be right.
        let _ = JsFuture::from(before.done.clone()).await;
    }
    let call = gathering.call.borrow_mut().take();
    let answers = match call {
        Some(call) => match send(&env, name, &call).await {
            Ok(answers) => Some(answers),
            Err(error) => {
                worker::console_error!("gather: {error}");
                None
            }
        },
        None => None,
    };
    gathering.answers.replace(Some(answers));
    let _ = gathering.resolve.call0(&JsValue::NULL);
}

async fn send(env: &Env, name: Name, call: &Call) -> Result<Vec<u8>> {
    let settings = settings(env)?;
    let bytes = call.encode().ok_or("a call could not be encoded")?;
    let place = settings.jurisdiction.as_deref();
    let object = name.to_string();
    let mut last = Error::from("not tried");
    for _ in 0..TRIES {
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_body(&Uint8Array::from(bytes.as_slice()));
        let request = Request::new_with_str_and_init("https://day/hits", &init)?;
        match platform::call(env, "DAY", place, &object, &request).await {
            Ok(response) => {
                let mut response = Response::from(response);
                match response.status_code() {
                    200 => return response.bytes().await,
                    status => last = Error::from(format!("the day object answered {status}")),
                }
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
