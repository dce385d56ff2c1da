//! The edge's settings, read from its bindings once per isolate. What is missing or wrong is an
//! error that names the variable: there is no silent default for a secret or for where data lives.

use std::cell::OnceCell;
use std::rc::Rc;

use shared::sign::{EdgeKey, parse_keys};
use worker::wasm_bindgen::JsValue;
use worker::{Env, Error, Result, js_sys};

/// See the module.
pub struct Settings {
    /// `AGGREGATOR_URL`: where batches go; no slash at the end.
    pub aggregator_url: String,
    /// `EDGE_KEYS`: the first signs.
    pub key: EdgeKey,
    /// `JURISDICTION`: `none` here, or a name that Durable Objects are bound to.
    pub jurisdiction: Option<String>,
    /// `CLIENT_IP_HEADER`: the one header whose address is believed; unset, the socket's.
    pub client_ip_header: Option<String>,
    /// `COUNTRY`: `platform` takes `request.cf.country` where the platform gives one, and looks the
    /// address up where it does not; `table` always looks it up.
    pub country_of_platform: bool,
    /// `ACK`: `fast` answers a beacon before its commit. What was answered in the last moments
    /// before a crash is then lost.
    pub ack_fast: bool,
    /// `EU_ONLY`: with `strict` the Worker passes requests on where it runs outside the EU, unread, to
    /// objects in it (`entry.js`).
    pub eu_only: bool,
    /// `FLUSH_MS`: how long counts may wait before they are sealed into a batch.
    pub flush_ms: i64,
}

thread_local! {
    static SETTINGS: OnceCell<Rc<Settings>> = const { OnceCell::new() };
}

/// The settings.
///
/// # Errors
/// Which variable is missing or wrong.
pub fn settings(env: &Env) -> Result<Rc<Settings>> {
    if let Some(known) = SETTINGS.with(|cell| cell.get().cloned()) {
        return Ok(known);
    }
    let read = Rc::new(Settings::read(env)?);
    Ok(SETTINGS.with(|cell| cell.get_or_init(|| read).clone()))
}

impl Settings {
    fn read(env: &Env) -> Result<Self> {
        let aggregator_url = var(env, "AGGREGATOR_URL").ok_or("AGGREGATOR_URL is not set")?;
        if !aggregator_url.starts_with("http://") && !aggregator_url.starts_with("https://") {
            return Err(Error::from("AGGREGATOR_URL is not an http(s) url"));
        }
        let keys = parse_keys(&var(env, "EDGE_KEYS").unwrap_or_default())
            .map_err(|problem| Error::from(format!("EDGE_KEYS: {problem}")))?;
        let key = keys.into_iter().next().ok_or("EDGE_KEYS is not set")?;
        let jurisdiction = var(env, "JURISDICTION").ok_or(
            "JURISDICTION is not set: \"eu\" on Cloudflare, \"none\" on your own machines",
        )?;
        let flush_ms = match var(env, "FLUSH_MS") {
            None => 5_000,
            Some(text) => text
                .parse()
                .ok()
                .filter(|ms| (100..=3_600_000).contains(ms))
                .ok_or("FLUSH_MS is not a number from 100 to 3600000")?,
        };
        let country_of_platform = match var(env, "COUNTRY").as_deref() {
            None | Some("platform") => true,
            Some("table") => false,
            Some(_) => return Err(Error::from("COUNTRY is neither \"platform\" nor \"table\"")),
        };
        let ack_fast = match var(env, "ACK").as_deref() {
            None | Some("commit") => false,
            Some("fast") => true,
            Some(_) => return Err(Error::from("ACK is neither \"commit\" nor \"fast\"")),
        };
        let eu_only = match var(env, "EU_ONLY").as_deref() {
            None => false,
            Some("strict") => true,
            Some(_) => return Err(Error::from("EU_ONLY is not \"strict\", and not unset")),
        };
        if eu_only && jurisdiction != "eu" {
            return Err(Error::from(
                "EU_ONLY is \"strict\", which needs JURISDICTION = \"eu\": it is for Cloudflare, \
                 where the Worker runs in many places",
            ));
        }
        if eu_only && !has(env, "FRONT") {
            return Err(Error::from(
                "the binding FRONT is missing, which EU_ONLY needs",
            ));
        }
        Ok(Self {
            country_of_platform,
            ack_fast,
            eu_only,
            aggregator_url: aggregator_url.trim_end_matches('/').to_owned(),
            key,
            jurisdiction: Some(jurisdiction).filter(|place| place != "none"),
            client_ip_header: var(env, "CLIENT_IP_HEADER"),
            flush_ms,
        })
    }
}

/// Whether there is a binding of this name.
fn has(env: &Env, name: &str) -> bool {
    js_sys::Reflect::get(env, &JsValue::from_str(name)).is_ok_and(|value| value.is_object())
}

/// A variable or secret; blank is unset. (`Env::var` hangs the request on a binding that is null,
/// as workerd makes of an environment variable that is not set.)
fn var(env: &Env, name: &str) -> Option<String> {
    let value = js_sys::Reflect::get(env, &JsValue::from_str(name)).ok()?;
    let value = value.as_string()?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}
