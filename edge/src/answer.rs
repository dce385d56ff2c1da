//! Answers of everything but beacons, which `entry.js` answers.

use worker::Result;
use worker::web_sys::{Headers, Response, ResponseInit};

/// An error about the request as a whole, in the shape of the Events API.
fn refused(status: u16, problem: &str) -> Result<Response> {
    json(
        status,
        &format!(r#"{{"errors":{{"request":["{problem}"]}}}}"#),
    )
}

/// `405` with what is allowed.
pub fn method_not_allowed(allow: &str) -> Result<Response> {
    let headers = cors()?;
    headers.set("allow", allow)?;
    headers.set("content-type", "application/json")?;
    let body = format!(r#"{{"errors":{{"request":["method not allowed; use {allow}"]}}}}"#);
    build(405, Some(&body), &headers)
}

/// `404`.
pub fn not_found() -> Result<Response> {
    refused(404, "there is nothing here")
}

/// The answer to a CORS preflight.
pub fn preflight() -> Result<Response> {
    let headers = cors()?;
    headers.set("access-control-allow-methods", "GET, HEAD, POST, OPTIONS")?;
    headers.set("access-control-allow-headers", "*")?;
    headers.set("access-control-max-age", "86400")?;
    build(204, None, &headers)
}

/// The tracker script.
pub fn script(text: &str) -> Result<Response> {
    let headers = cors()?;
    headers.set("content-type", "text/javascript; charset=utf-8")?;
    headers.set("cache-control", "public, max-age=3600")?;
    headers.set("cross-origin-resource-policy", "cross-origin")?;
    build(200, Some(text), &headers)
}

/// JSON.
pub fn json(status: u16, body: &str) -> Result<Response> {
    let headers = cors()?;
    headers.set("content-type", "application/json")?;
    headers.set("cache-control", "no-store")?;
    build(status, Some(body), &headers)
}

fn cors() -> Result<Headers> {
    let headers = Headers::new()?;
    headers.set("access-control-allow-origin", "*")?;
    headers.set("x-content-type-options", "nosniff")?;
    Ok(headers)
}

fn build(status: u16, body: Option<&str>, headers: &Headers) -> Result<Response> {
    Ok(Response::new_with_opt_str_and_init(
        body,
        &init(status, headers),
    )?)
}

fn init(status: u16, headers: &Headers) -> ResponseInit {
    let init = ResponseInit::new();
    init.set_status(status);
    init.set_headers(headers);
    init
}
