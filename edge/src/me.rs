//! `/me`: what the edge holds about whoever asks, today, and how to have it deleted (DESIGN.md,
//! section 9). The asker is recognised as a visitor is: by a hash made from this very request.
//!
//! `GET` shows, `DELETE` erases and ignores for the rest of the day, `POST` does the same for the
//! page's form; `?site=<domain>,…` names the sites, without it all are asked that are not too
//! many. HTML for browsers, JSON for everybody else. No other origin may read or send this: there
//! are no CORS headers, and a form of another site is refused.

use shared::address::ClientAddress;
use shared::call::{About, CALL_VERSION, Header};
use shared::clock::UnixMs;
use shared::limits::DOMAINS_MAX;
use shared::object::{Name, Shown};
use worker::js_sys::Uint8Array;
use worker::web_sys::{Headers, Request, RequestInit, Response, ResponseInit};
use worker::{Env, Error, Result};

use crate::day_object::MISDIRECTED;
use crate::settings::{Settings, settings};
use crate::sites::{self, Ready};
use crate::{beacon, gather, platform};

/// How often a day object is asked: at first it may not have the key.
const TRIES: usize = 3;

/// What one site holds.
struct Held {
    domain: String,
    shown: Option<Shown>,
}

/// See the module.
pub async fn answer(request: &Request, method: &str, env: &Env) -> Result<Response> {
    let forget = match method {
        "GET" | "HEAD" => false,
        "DELETE" | "POST" => true,
        _ => return say(405, "application/json", r#"{"error":"use GET or DELETE"}"#),
    };
    if forget && !is_of_this_origin(request)? {
        return say(
            403,
            "application/json",
            r#"{"error":"not from another site"}"#,
        );
    }
    let settings = settings(env)?;
    let headers = request.headers();
    let address = match &settings.client_ip_header {
        Some(name) => headers.get(name)?,
        None => platform::client_ip(request),
    };
    let address = address.as_deref().and_then(|list| list.rsplit(',').next());
    let Some(address) = address.and_then(ClientAddress::parse) else {
        // Everybody with the same browser would be one: nobody is shown what another did.
        let problem =
            r#"{"error":"your address is not known here, so nothing can be said about you"}"#;
        return say(400, "application/json", problem);
    };
    let user_agent = headers.get("user-agent")?.unwrap_or_default();
    let now_ms = platform::now_ms();
    if !beacon::allows(address, now_ms) {
        return say(
            429,
            "application/json",
            r#"{"error":"too many requests; wait a minute"}"#,
        );
    }

    let known = match sites::known_or_loaded(env).await {
        Ok(known) => known,
        Err(error) => {
            worker::console_warn!("me: {error}");
            let problem = r#"{"error":"the edge does not know its sites yet; ask again"}"#;
            return say(503, "application/json", problem);
        }
    };
    let wanted = query_of(&request.url());
    let mut asked: Vec<&Ready> = match &wanted {
        Some(list) => list.iter().filter_map(|domain| known.get(domain)).collect(),
        None => known.all().collect(),
    };
    if asked.len() > DOMAINS_MAX || wanted.as_ref().is_some_and(|list| list.len() > DOMAINS_MAX) {
        return say(
            400,
            "application/json",
            r#"{"error":"site: name at most 20, separated by commas"}"#,
        );
    }
    // By the domain it has and the one it had, a site may be named twice.
    asked.sort_by_key(|site| site.id());
    asked.dedup_by_key(|site| site.id());
    let mut held = Vec::with_capacity(asked.len());
    for site in asked {
        let shown = ask(env, &settings, site, address, &user_agent, forget, now_ms).await?;
        held.push(Held {
            domain: site.domain().to_owned(),
            shown,
        });
    }
    held.sort_by(|a, b| a.domain.cmp(&b.domain));
    let accept = headers.get("accept")?.unwrap_or_default();
    match accept.contains("text/html") {
        true => say(200, "text/html; charset=utf-8", &page(&held)),
        false => say(200, "application/json", &json(&held)),
    }
}

/// Asks the day object that would count this visitor.
async fn ask(
    env: &Env,
    settings: &Settings,
    site: &Ready,
    address: ClientAddress,
    user_agent: &str,
    forget: bool,
    now_ms: UnixMs,
) -> Result<Option<Shown>> {
    let Some(today) = sites::today(site, now_ms) else {
        return Ok(None); // Without a salt nobody was counted.
    };
    let visitor = today.hasher.hash(address, user_agent);
    let name = Name {
        site: site.id(),
        date: today.day.date,
        shard: visitor.shard(today.day.shards),
    };
    let about = About {
        header: Header {
            version: CALL_VERSION,
            id: [0; 16],
            day_start_ms: today.day.start_ms,
            day_end_ms: today.day.end_ms,
            key: gather::sealed_key(&name, today.key_check),
            degraded: today.degraded,
            detail: today.detail,
        },
        visitor,
        forget,
    };
    let mut bytes = about.encode().ok_or("a question could not be encoded")?;
    let place = settings.jurisdiction.as_deref();
    for _ in 0..TRIES {
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_body(&Uint8Array::from(bytes.as_slice()));
        let request = Request::new_with_str_and_init("https://day/me", &init)?;
        let answer = platform::call(env, "DAY", place, &name.to_string(), &request).await?;
        let mut answer = worker::Response::from(answer);
        match answer.status_code() {
            200 => return Ok(shared::json::read(&answer.bytes().await?)?),
            MISDIRECTED => {
                let public = answer.bytes().await?;
                let sealed = gather::seal_again(&bytes, &name, &public);
                bytes = sealed.ok_or("the day has another key by now")?;
            }
            status => return Err(Error::from(format!("the day object answered {status}"))),
        }
    }
    Err(Error::from(
        "the day object forgets its key again and again",
    ))
}

/// The sites the url names.
fn query_of(url: &str) -> Option<Vec<String>> {
    let url = worker::Url::parse(url).ok()?;
    let (_, list) = url.query_pairs().find(|(name, _)| name == "site")?;
    let list = list.split(',').map(shared::page_url::host_name);
    Some(list.filter(|domain| !domain.is_empty()).collect())
}

/// Whether no other site sent this: a browser says where a request comes from, a program need not.
fn is_of_this_origin(request: &Request) -> Result<bool> {
    let headers = request.headers();
    if let Some(site) = headers.get("sec-fetch-site")? {
        return Ok(matches!(site.as_str(), "same-origin" | "none"));
    }
    let Some(origin) = headers.get("origin")? else {
        return Ok(true);
    };
    // Without the scheme: a proxy may have ended TLS.
    let host = headers.get("host")?.unwrap_or_default();
    let from = origin.split_once("://").map(|(_, host)| host);
    Ok(!host.is_empty() && from == Some(host.as_str()))
}

fn json(held: &[Held]) -> String {
    let sites = held.iter().map(|held| {
        let shown = held.shown.as_ref().map(|shown| {
            let client = shown.client.iter();
            let client: serde_json::Map<_, _> = client
                .map(|(name, value)| (name.clone(), value.as_str().into()))
                .collect();
            let more = shown.more.iter();
            let more: serde_json::Map<_, _> = more
                .map(|(name, list)| (name.clone(), list.clone().into()))
                .collect();
            serde_json::json!({
                "more": more, "events": shown.events, "pages": shown.pages, "event_names": shown.names,
                "client": client, "visit_going_on": shown.visit, "ignored_today": shown.opted_out,
            })
        });
        serde_json::json!({ "site": held.domain, "held": shown })
    });
    serde_json::json!({ "sites": sites.collect::<Vec<_>>() }).to_string()
}

fn page(held: &[Held]) -> String {
    let mut out = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
        <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\">\
        <title>What is held about you</title>\
        <style>body{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}\
        code{overflow-wrap:anywhere}button{font:inherit;padding:.4rem .8rem}</style></head><body><main>\
        <h1>What is held about you today</h1>\
        <p>You are recognised by your address and your browser's name, and only until the day of the site \
        ends: then what recognises you is destroyed. Behind another address or in another browser you are \
        somebody else.</p>",
    );
    if held.is_empty() {
        out.push_str("<p>No such site is counted here.</p>");
    }
    for Held { domain, shown } in held {
        out.push_str(&format!("<section><h2>{}</h2>", escaped(domain)));
        match shown {
            None => out.push_str("<p>Nothing.</p>"),
            Some(shown) if shown.opted_out => {
                out.push_str("<p>Nothing, and you are not counted for the rest of the day.</p>");
            }
            Some(shown) => {
                out.push_str(&format!(
                    "<p>{} events{}.</p>",
                    shown.events,
                    if shown.visit {
                        ", in a visit that is going on"
                    } else {
                        ""
                    }
                ));
                let client = shown.client.iter().filter(|(_, value)| !value.is_empty());
                let client: Vec<String> = client
                    .map(|(name, value)| format!("{}: {value}", name.replace('_', " ")))
                    .collect();
                list(&mut out, "You were counted under", &client);
                list(&mut out, "Pages", &shown.pages);
                list(&mut out, "Events", &shown.names);
                for (name, lines) in &shown.more {
                    list(&mut out, &name.replace('_', " "), lines);
                }
            }
        }
        out.push_str("</section>");
    }
    out.push_str(
        "<form method=\"post\"><p><button>Delete it, and do not count me for the rest of the day</button></p></form>\
        <p>A browser that sends Global Privacy Control is not recognised at all where a site honours it: \
        its page views are counted without anybody, and nothing is held.</p>\
        <p>Counts that were made of it stay: they say nothing about anybody.</p></main></body></html>",
    );
    out
}

fn list(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    out.push_str(&format!("<h3>{title}</h3><ul>"));
    for line in lines {
        out.push_str(&format!("<li><code>{}</code></li>", escaped(line)));
    }
    out.push_str("</ul>");
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}

/// No other origin reads this, nobody keeps it, and the page loads and runs nothing.
fn say(status: u16, content_type: &str, body: &str) -> Result<Response> {
    let headers = Headers::new()?;
    let fields = [
        ("content-type", content_type),
        ("cache-control", "no-store"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        // With "no-referrer" browsers would not say where the page's own form comes from.
        ("referrer-policy", "same-origin"),
        ("vary", "accept"),
        ("x-content-type-options", "nosniff"),
    ];
    for (name, value) in fields {
        headers.set(name, value)?;
    }
    if status == 405 {
        headers.set("allow", "GET, HEAD, DELETE, POST")?;
    }
    if status == 429 {
        headers.set("retry-after", "60")?;
    }
    let init = ResponseInit::new();
    init.set_status(status);
    init.set_headers(&headers);
    Ok(Response::new_with_opt_str_and_init(Some(body), &init)?)
}
