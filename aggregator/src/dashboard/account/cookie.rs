//! The cookies of log-ins, and of shared links whose password was given.
//!
//! Over HTTPS it is `__Host-dayfly`: browsers take it from this very host only, send it over HTTPS
//! only, and show it to no script. On loopback there is no HTTPS, and not every browser takes a
//! `Secure` cookie from there, so it is named `dayfly-loopback` and lacks `Secure`. Neither is read
//! where the other belongs.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::accounts::token::{PlainToken, TokenHash};
use crate::arrival::Arrival;

/// What the cookie of a log-in is called, without its prefix.
const LOGIN: &str = "dayfly";

fn full_name(name: &str, arrival: &Arrival) -> String {
    match arrival.is_https() {
        true => format!("__Host-{name}"),
        false => format!("{name}-loopback"),
    }
}

/// The token that a browser sent. One that sends several has been tampered with: none counts.
pub fn token(headers: &HeaderMap, arrival: &Arrival) -> Option<TokenHash> {
    token_named(LOGIN, headers, arrival)
}

/// The same of another cookie.
pub fn token_named(name: &str, headers: &HeaderMap, arrival: &Arrival) -> Option<TokenHash> {
    let name = full_name(name, arrival);
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    let token = found.next()?;
    match found.next() {
        Some(_) => None,
        None => TokenHash::of(token),
    }
}

/// `Set-Cookie` for a log-in that lasts so long.
pub fn set(arrival: &Arrival, token: &PlainToken, lasts_ms: i64) -> Option<HeaderValue> {
    set_named(LOGIN, arrival, token, lasts_ms)
}

/// The same for another cookie.
pub fn set_named(
    name: &str,
    arrival: &Arrival,
    token: &PlainToken,
    lasts_ms: i64,
) -> Option<HeaderValue> {
    line(name, arrival, token.as_str(), lasts_ms.div_euclid(1_000))
}

/// `Set-Cookie` that takes the cookie away.
pub fn clear(arrival: &Arrival) -> Option<HeaderValue> {
    line(LOGIN, arrival, "", 0)
}

fn line(name: &str, arrival: &Arrival, value: &str, lasts_s: i64) -> Option<HeaderValue> {
    let secure = if arrival.is_https() { "; Secure" } else { "" };
    let name = full_name(name, arrival);
    let text = format!("{name}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Lax{secure}");
    let mut line = HeaderValue::from_str(&text).ok()?;
    line.set_sensitive(true);
    Some(line)
}
