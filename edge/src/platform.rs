//! What the platform gives and the worker crate does not: the time, random bytes, an atomic
//! block of SQL, a jurisdiction, and what `request.cf` says.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use shared::clock::{Clock, UnixMs};
use shared::handover::Receiver;
use wasm_bindgen::prelude::*;
use worker::Delay;
use worker::js_sys;
use worker::wasm_bindgen_futures::JsFuture;
use zeroize::Zeroizing;

/// The platform's clock: it stands still while no I/O happens.
pub struct EdgeClock;

impl Clock for EdgeClock {
    #[allow(clippy::disallowed_methods)] // This is the one real clock of the edge.
    fn now_ms(&self) -> UnixMs {
        let now_ms = js_sys::Date::now() as UnixMs;
        #[cfg(feature = "test-clock")]
        let now_ms = now_ms.saturating_add(test_clock::offset_ms());
        now_ms
    }
}

/// A clock that tests can put forward: only in builds with the feature.
#[cfg(feature = "test-clock")]
pub mod test_clock {
    use std::cell::Cell;

    thread_local! {
        static OFFSET_MS: Cell<i64> = const { Cell::new(0) };
    }

    pub(super) fn offset_ms() -> i64 {
        OFFSET_MS.get()
    }

    /// How far ahead of the platform's clock it is from now on.
    pub fn set(offset_ms: i64) {
        OFFSET_MS.set(offset_ms);
    }
}

/// The present moment.
pub fn now_ms() -> UnixMs {
    EdgeClock.now_ms()
}

/// Fills with random bytes of `crypto.getRandomValues`.
///
/// # Errors
/// The platform has none; nothing may go on without.
pub fn random(bytes: &mut [u8]) -> worker::Result<()> {
    getrandom::fill(bytes).map_err(|_| worker::Error::from("no random source"))
}

#[wasm_bindgen(
    js_sys = worker::js_sys,
    wasm_bindgen_futures = worker::wasm_bindgen_futures
)]
extern "C" {
    /// A Durable Object's storage, for what worker 0.8 does not expose.
    #[wasm_bindgen(extends = js_sys::Object)]
    #[derive(Clone)]
    pub type RawStorage;

    /// Runs `block` and commits all its writes, or none when it throws.
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &RawStorage,
        block: &mut dyn FnMut() -> Result<(), JsValue>,
    ) -> Result<(), JsValue>;

    /// A namespace, for its `jurisdiction`.
    #[wasm_bindgen(extends = js_sys::Object)]
    pub type RawNamespace;

    #[wasm_bindgen(method, catch)]
    fn jurisdiction(this: &RawNamespace, name: &str) -> Result<RawNamespace, JsValue>;

    #[wasm_bindgen(method, catch, js_name = getByName)]
    fn get_by_name(this: &RawNamespace, name: &str) -> Result<RawStub, JsValue>;

    /// A way to call one Durable Object.
    #[wasm_bindgen(extends = js_sys::Object)]
    #[derive(Clone)]
    pub type RawStub;

    #[wasm_bindgen(method, catch)]
    async fn fetch(
        this: &RawStub,
        request: &worker::web_sys::Request,
    ) -> Result<worker::web_sys::Response, JsValue>;

    /// A request, for its `cf`.
    #[wasm_bindgen(extends = worker::web_sys::Request)]
    type RequestWithCf;

    #[wasm_bindgen(method, getter)]
    fn cf(this: &RequestWithCf) -> Option<Cf>;

    /// `request.cf`.
    type Cf;

    #[wasm_bindgen(method, getter, js_name = clientIp)]
    fn client_ip(this: &Cf) -> Option<String>;
}

/// A key pair that nobody has had before: who a secret is handed over to.
///
/// # Errors
/// As [`random`].
pub fn receiver() -> worker::Result<Receiver> {
    let mut bytes = Zeroizing::new([0; 32]);
    random(&mut *bytes)?;
    Ok(Receiver::from_random(*bytes))
}

/// The bytes of a body. What the platform made of it is overwritten: somebody's hash may be in it.
///
/// # Errors
/// It broke off.
pub async fn take_body(body: Result<js_sys::Promise, JsValue>) -> worker::Result<Vec<u8>> {
    let view = js_sys::Uint8Array::new(&JsFuture::from(body?).await?);
    let bytes = view.to_vec();
    view.fill(0, 0, view.length());
    Ok(bytes)
}

/// What a future gives within this time; `None`: it took longer, and is dropped.
pub async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut over) = (pin!(future), pin!(Delay::from(limit)));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(given) => Poll::Ready(Some(given)),
        Poll::Pending => over.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Overwrites what calls before this one have left of the stack.
#[inline(never)]
pub fn scrub_stack() {
    /// Deeper than any call goes; the whole stack has 1 MiB.
    const BYTES: usize = 256 * 1024;
    let mut below = [0_u8; BYTES];
    std::hint::black_box(&mut below);
}

/// Makes all the writes of `block` or none.
///
/// # Errors
/// What `block` threw, or the commit.
pub fn atomically(
    storage: &RawStorage,
    mut block: impl FnMut() -> worker::Result<()>,
) -> worker::Result<()> {
    let mut block = || block().map_err(JsValue::from);
    storage
        .transaction_sync(&mut block)
        .map_err(worker::Error::from)
}

/// Sets a Durable Object's alarm.
///
/// # Errors
/// Storage failed.
pub async fn set_alarm(storage: &worker::Storage, after_ms: i64) -> worker::Result<()> {
    let after_ms = after_ms.max(0);
    // The tests' clock jumps; the platform's does not, and alarms are the platform's.
    #[cfg(feature = "test-clock")]
    let after_ms = after_ms.min(300);
    storage
        .set_alarm(worker::ScheduledTime::from(after_ms))
        .await
}

/// Calls a Durable Object by name.
///
/// # Errors
/// The binding is missing, the jurisdiction is not to be had (there is no fall-back), the call
/// failed.
pub async fn call(
    env: &worker::Env,
    binding: &str,
    jurisdiction: Option<&str>,
    name: &str,
    request: &worker::web_sys::Request,
) -> worker::Result<worker::web_sys::Response> {
    let namespace = js_sys::Reflect::get(env, &JsValue::from_str(binding))?;
    if namespace.is_undefined() {
        return Err(format!("the binding {binding} is missing").into());
    }
    let namespace: RawNamespace = namespace.unchecked_into();
    let namespace = match jurisdiction {
        Some(place) => namespace.jurisdiction(place)?,
        None => namespace,
    };
    Ok(namespace.get_by_name(name)?.fetch(request).await?)
}

/// `request.cf.clientIp`: the socket's address, under workerd.
pub fn client_ip(request: &worker::web_sys::Request) -> Option<String> {
    let request: &RequestWithCf = request.unchecked_ref();
    request.cf()?.client_ip()
}
