//! The cookie of a log-in.
//!
//! Over HTTPS it is `__Host-dayfly`: browsers take it from this very host only, send it over HTTPS
//! only, and show it to no script. On loopback there is no HTTPS, and not every browser takes a
//! `Secure` cookie from there, so it is named `dayfly-loopback` and lacks `Secure`. Neither is read
//! where the other belongs.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::accounts::token::{PlainToken, TokenHash};
use crate::arrival::Arrival;

fn name(arrival: &Arrival) -> &'static str {
    match arrival.is_https() {
        true => "__Host-dayfly",
        false => "dayfly-loopback",
    }
}

/// The token that a browser sent. One that sends several has been tampered with: none counts.
pub fn token(headers: &HeaderMap, arrival: &Arrival) -> Option<TokenHash> {
    let name = name(arrival);
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
    line(arrival, token.as_str(), lasts_ms.div_euclid(1_000))
}

/// `Set-Cookie` that takes the cookie away.
pub fn clear(arrival: &Arrival) -> Option<HeaderValue> {
    line(arrival, "", 0)
}

fn line(arrival: &Arrival, value: &str, lasts_s: i64) -> Option<HeaderValue> {
    let secure = if arrival.is_https() { "; Secure" } else { "" };
    let name = name(arrival);
    let text = format!("{name}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Lax{secure}");
    let mut line = HeaderValue::from_str(&text).ok()?;
    line.set_sensitive(true);
    Some(line)
}
