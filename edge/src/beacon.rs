//! `POST /api/event`: everything about a beacon, decided in the request.
//!
//! Order of work: read and check the body → site → country → device, browser, system →
//! source, channel → path clean-up → visitor hash → day object → answer
//! after its commit (I6).

use shared::address::ClientAddress;
use shared::attrs;
use shared::call::{Drop, Hit};
use shared::country;
use shared::event::Event;
use shared::limits::EVENT_BODY_BYTES_MAX;
use shared::object::Name;
use shared::path;
use shared::roster::Site;
use shared::visitor::{DayKey, VisitorHash};
use worker::js_sys::{ArrayBuffer, Uint8Array};
use worker::wasm_bindgen::JsCast;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{ReadableStreamDefaultReader, Request, Response};
use worker::{Context, Env, Result, js_sys};

use crate::settings::{Settings, settings};
use crate::{answer, gather, platform, sites};

/// Who sends, as far as this request needs to know. Never stored, never logged.
struct Client {
    address: ClientAddress,
    user_agent: String,
    attrs: attrs::Client,
    /// Global Privacy Control.
    wants_no_referrer: bool,
}

/// See the module.
pub async fn post(request: Request, env: Env, ctx: Context) -> Result<Response> {
    let settings = settings(&env)?;
    let Some(body) = read_body(&request).await? else {
        return answer::refused(413, "the body is larger than 64 KiB");
    };
    let event = match Event::parse(&body) {
        Ok(event) => event,
        Err(invalid) => return answer::invalid(&invalid),
    };
    let client = client(&request, &settings)?;
    let mut known = match sites::current(&env, &ctx).await {
        Ok(known) => known,
        Err(_) => return answer::refused(503, "the edge does not know its sites yet"),
    };
    if event
        .domains
        .iter()
        .any(|domain| known.get(domain).is_none())
    {
        known = sites::refreshed(&env, &ctx).await?;
    }
    let mut dropped = Vec::new();
    for domain in &event.domains {
        let counted = match known.get(domain) {
            Some(site) => count(&env, &ctx, site, &client, &event).await,
            None => Ok(Some(Drop::UnknownSite)),
        };
        match counted {
            Ok(reason) => dropped.extend(reason),
            Err(error) => {
                worker::console_error!("beacon: {error}");
                return answer::refused(503, "the event could not be stored; send it again");
            }
        }
    }
    answer::accepted(&dropped)
}

async fn count(
    env: &Env,
    ctx: &Context,
    site: &Site,
    client: &Client,
    event: &Event,
) -> Result<Option<Drop>> {
    let now_ms = platform::now_ms();
    let day = site.day_at(now_ms).ok_or("the roster is too old")?;
    let (salt, degraded) = match sites::salt(site.id, day.date) {
        Some(found) => found,
        None => {
            sites::refreshed(env, ctx).await?;
            sites::salt(site.id, day.date).ok_or("there is no salt for the day")?
        }
    };
    let visitor = VisitorHash::new(&salt, site.id, day.date, client.address, &client.user_agent);
    let at_ms = now_ms.saturating_sub(day.start_ms);
    let hit = Hit {
        visitor,
        at_s: u32::try_from(at_ms / 1_000).unwrap_or(0),
        kind: event.kind.clone(),
        page: path::clean(&event.url.page).into_owned(),
        host: event.url.host.clone(),
        client: client.attrs.clone(),
        traffic: match client.wants_no_referrer {
            true => attrs::traffic(None, None, &event.url.host),
            false => attrs::traffic(
                event.url.query.as_deref(),
                event.referrer.as_deref(),
                &event.url.host,
            ),
        },
    };
    let name = Name {
        site: site.id,
        date: day.date,
        shard: visitor.shard(day.shards),
    };
    let key = DayKey::new(&salt, site.id, day.date);
    let answer = gather::count(env, ctx, name, day, key, degraded, hit).await?;
    Ok(Drop::from_number(answer))
}

fn client(request: &Request, settings: &Settings) -> Result<Client> {
    let headers = request.headers();
    let (country, socket) = platform::country_and_socket(request);
    let address = match &settings.client_ip_header {
        // Proxies that append leave what the client sent before their own entry.
        Some(name) => headers
            .get(name)?
            .and_then(|list| list.rsplit(',').next().map(str::to_owned)),
        None => socket,
    };
    let address = address.as_deref().and_then(ClientAddress::parse);
    let country = match (&country, &address) {
        (Some(code), _) => country::of_platform(code),
        (None, Some(address)) => country::of_address(*address, None).to_owned(),
        (None, None) => String::new(),
    };
    let user_agent = headers.get("user-agent")?.unwrap_or_default();
    Ok(Client {
        address: address.unwrap_or(ClientAddress::UNKNOWN),
        attrs: attrs::client(country, &user_agent),
        user_agent,
        wants_no_referrer: headers.get("sec-gpc")?.as_deref() == Some("1"),
    })
}

/// The body, or `None` when it is too large. A body that does not say its length is read only as
/// far as it may go.
async fn read_body(request: &Request) -> Result<Option<Vec<u8>>> {
    let length = request.headers().get("content-length")?;
    if let Some(length) = length.and_then(|text| text.parse::<u64>().ok()) {
        if length > EVENT_BODY_BYTES_MAX as u64 {
            return Ok(None);
        }
        let buffer: ArrayBuffer = JsFuture::from(request.array_buffer()?)
            .await?
            .unchecked_into();
        let bytes = Uint8Array::new(&buffer).to_vec();
        return Ok((bytes.len() <= EVENT_BODY_BYTES_MAX).then_some(bytes));
    }
    let Some(stream) = request.body() else {
        return Ok(Some(Vec::new()));
    };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut body = Vec::new();
    loop {
        let chunk = JsFuture::from(reader.read()).await?;
        if js_sys::Reflect::get(&chunk, &"done".into())?.is_truthy() {
            return Ok(Some(body));
        }
        let value = js_sys::Reflect::get(&chunk, &"value".into())?;
        body.extend(Uint8Array::new(&value).to_vec());
        if body.len() > EVENT_BODY_BYTES_MAX {
            // Nobody waits for the rest.
            let _ = reader.cancel();
            return Ok(None);
        }
    }
}
