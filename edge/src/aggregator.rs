//! The one place the edge talks to: signed requests to the aggregator.

use serde::de::DeserializeOwned;
use shared::sign::{HEADER, Signed};
use worker::js_sys::Uint8Array;
use worker::web_sys::{AbortSignal, Headers, Request, RequestInit};
use worker::{Fetch, Result};

use crate::platform;
use crate::settings::Settings;

/// How long an answer is waited for, ms.
pub const TIMEOUT_MS: u32 = 20_000;
/// What gzip begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Signs and sends; gives the status and the body.
///
/// # Errors
/// No answer came.
pub async fn request(
    settings: &Settings,
    method: &str,
    path: &str,
    body: Option<&[u8]>,
) -> Result<(u16, Vec<u8>)> {
    let signed = Signed {
        method,
        path,
        body: body.unwrap_or_default(),
    };
    let headers = Headers::new()?;
    headers.set(HEADER, &signed.sign(&settings.key, platform::now_ms()))?;
    let init = RequestInit::new();
    init.set_method(method);
    init.set_headers(&headers);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT_MS)));
    if let Some(body) = body {
        headers.set("content-type", "application/json")?;
        if body.starts_with(&GZIP) {
            headers.set("content-encoding", "gzip")?;
        }
        init.set_body(&Uint8Array::from(body));
    }
    let url = format!("{}{path}", settings.aggregator_url);
    let request = Request::new_with_str_and_init(&url, &init)?;
    let mut response = Fetch::Request(request.into()).send().await?;
    Ok((response.status_code(), response.bytes().await?))
}

/// Signs, asks, and reads JSON; anything but 200 is an error.
///
/// # Errors
/// No answer, another status, another format.
pub async fn get<T: DeserializeOwned>(settings: &Settings, path: &str) -> Result<T> {
    match request(settings, "GET", path, None).await? {
        (200, body) => Ok(shared::json::read(&body)?),
        (status, _) => Err(worker::Error::from(format!(
            "the aggregator answered {status} to {path}"
        ))),
    }
}
