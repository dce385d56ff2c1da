//! What is looked at over the network: the server, the edge, the way in from outside, mail.

use std::time::Duration;

use aggregator::client::{self, Answer};
use aggregator::clock::SystemClock;
use aggregator::data::DataFolder;
use aggregator::edge::{STATE, State};
use axum::http::Method;
use serde_json::Value;
use shared::clock::Clock;
use shared::limits::SIGNATURE_SKEW_S;
use shared::sign::{EdgeKey, HEADER, Signed};

use super::Checks;
use crate::cli::serve::ServeCommand;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The edge speaks every minute.
const SILENT_S: i64 = 180;
/// Seconds that two clocks may differ by without anybody noticing.
const CLOCKS_S: i64 = 30;

/// Everything of this file.
pub async fn all(
    serve: &ServeCommand,
    server: Option<&str>,
    data: &DataFolder,
    checks: &mut Checks,
) {
    let public = serve.url.given().filter(|url| url.starts_with("https://"));
    match place_of(serve, server, public) {
        Some(server) => {
            if answers(&server, checks).await {
                channel(serve, &server, data, checks).await;
            } else {
                checks.skip("delivery", "the server was not to be asked");
            }
        }
        None => checks.warn(
            "server",
            "it speaks TLS, and under which name is not known",
            "name its URL: --server https://… (DAYFLY_SERVER)",
        ),
    }
    edge(&serve.edge_url, checks).await;
    match public {
        Some(public) => outside(public.trim_end_matches('/'), checks).await,
        None => checks.skip(
            "outside",
            "no public URL is given (DAYFLY_DASHBOARD_URL=https://…)",
        ),
    }
    mail(serve, checks).await;
}

/// Where the server answers.
fn place_of(serve: &ServeCommand, server: Option<&str>, public: Option<&str>) -> Option<String> {
    if let Some(server) = server {
        return Some(server.trim_end_matches('/').to_owned());
    }
    if serve.listeners.tls_cert.is_some() {
        return public.map(|url| url.trim_end_matches('/').to_owned());
    }
    let host = match serve.listen {
        any if any.is_unspecified() => "127.0.0.1".to_owned(),
        std::net::IpAddr::V6(v6) => format!("[{v6}]"),
        v4 => v4.to_string(),
    };
    Some(format!("http://{host}:{}", serve.port))
}

async fn get(url: &str) -> Result<Answer, String> {
    client::ask(Method::GET, url, &[], Vec::new(), PATIENCE).await
}

/// What `/health` says beside its status.
fn health(answer: &Answer) -> (String, String) {
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"))
}

/// Whether the server answers.
async fn answers(server: &str, checks: &mut Checks) -> bool {
    const NAME: &str = "server";
    let answer = match get(&format!("{server}/health")).await {
        Ok(answer) => answer,
        Err(problem) => {
            checks.wrong(
                NAME,
                format!("{server}: {problem}"),
                "start it (systemctl start dayfly, or dayfly serve) and look at its log; if it is elsewhere, name it with --server",
            );
            return false;
        }
    };
    match (answer.status, health(&answer)) {
        (200, (status, _)) if status == "ok" => checks.ok(NAME, format!("{server} answers")),
        (200, (_, reason)) => checks.warn(
            NAME,
            format!("{server} warns: {reason}"),
            "dayfly audit tells more",
        ),
        (503, (_, reason)) => checks.wrong(
            NAME,
            format!("{server}: {reason}"),
            "look at the server's log and at the database",
        ),
        (status, _) => {
            let found = format!("{server} answers {status}, which is not Dayfly's");
            checks.wrong(
                NAME,
                found,
                "something else listens there; name the server with --server",
            );
            return false;
        }
    }
    true
}

/// What the server knows of the edge: whether they share a key, their clocks, how delivery goes.
async fn channel(serve: &ServeCommand, server: &str, data: &DataFolder, checks: &mut Checks) {
    const NAME: &str = "edge key";
    let keys = match data.edge_keys(serve.edge_keys.as_deref()) {
        Ok(keys) => keys,
        Err(error) => {
            return checks.wrong(NAME, error.to_string(), "the server does not start without");
        }
    };
    let state = match state(server, &keys).await {
        Ok(state) => state,
        Err(401) => {
            return checks.wrong(
                NAME,
                "the server does not know the key that is given here",
                "give the key that it was started with: edge.key in its data folder, or DAYFLY_EDGE_KEYS",
            );
        }
        Err(status) => {
            let found = format!("the server answers {status} when it is asked about the edge");
            return checks.wrong(NAME, found, "run the doctor of the server's version");
        }
    };
    heard(&state, checks);
    if let Some(problem) = &state.salts_trouble {
        checks.wrong(
            "salts",
            problem.as_str(),
            "one server of a database keeps the salts, and is started without --salts-from; the others with its URL (docs/growing.md)",
        );
    }
    let sums = &state.sums;
    const DELIVERY: &str = "delivery";
    match sums.problem() {
        Some(problem) => checks.wrong(
            DELIVERY,
            problem,
            "dayfly audit tells which days of which sites, and why",
        ),
        None if state.heard_s.is_none_or(|s| s > SILENT_S) => {
            checks.skip(DELIVERY, "nothing is known while the edge is silent");
        }
        None => {
            let last = match state.batch_s {
                Some(s) => format!("the last batch came {s} s ago"),
                None => "none came since the server was started".to_owned(),
            };
            checks.ok(
                DELIVERY,
                format!(
                    "{last}; {} wait at the edge, none was refused",
                    sums.waiting
                ),
            );
        }
    }
}

async fn state(server: &str, keys: &[EdgeKey]) -> Result<State, u16> {
    let key = keys.first().ok_or(401_u16)?;
    let signed = Signed {
        method: "GET",
        path: STATE,
        body: b"",
    };
    let signature = signed.sign(key, SystemClock.now_ms());
    let headers = [(HEADER, signature.as_str())];
    let url = format!("{server}{STATE}");
    let answer = client::ask(Method::GET, &url, &headers, Vec::new(), PATIENCE).await;
    let answer = answer.map_err(|_| 0_u16)?;
    match answer.status {
        200 => serde_json::from_slice(&answer.body).map_err(|_| 0),
        status => Err(status),
    }
}

/// Whether the edge speaks to the server, with its key and at its time.
fn heard(state: &State, checks: &mut Checks) {
    const NAME: &str = "edge key";
    let is_off = |ahead_s: i64| ahead_s.abs() > SIGNATURE_SKEW_S;
    match (state.heard_s, state.refused) {
        (Some(s), _) if s <= SILENT_S => {
            checks.ok(NAME, format!("the edge spoke {s} s ago, signed with a key of this server"));
            let ahead_s = state.ahead_s;
            match ahead_s.abs() > CLOCKS_S {
                true => checks.warn(
                    "clocks",
                    format!("the edge's clock is {ahead_s} s ahead of the server's; from {SIGNATURE_SKEW_S} on nothing is taken"),
                    "have both set by NTP: timedatectl set-ntp true",
                ),
                false => checks.ok("clocks", "edge and server tell the same time"),
            }
        }
        (_, Some((s, ahead_s))) if s <= SILENT_S && is_off(ahead_s) => checks.wrong(
            "clocks",
            format!("somebody's requests are refused whose clock is {ahead_s} s ahead of the server's"),
            "have the machines of edge and server set by NTP: timedatectl set-ntp true",
        ),
        (_, Some((s, _))) if s <= SILENT_S => checks.wrong(
            NAME,
            "somebody speaks to the edge's channel with a key that is none of this server's",
            "give the edge the text of the server's edge.key: EDGE_KEYS (Cloudflare: npx wrangler secret put EDGE_KEYS), DAYFLY_EDGE_KEYS on own machines",
        ),
        (None, _) if state.runs_s < 90 => checks.warn(
            NAME,
            "the edge has not spoken since the server was started, a moment ago",
            "ask again in a minute",
        ),
        (heard_s, _) => {
            let found = match heard_s {
                Some(s) => format!("the edge has been silent for {s} s; it speaks every minute"),
                None => "the edge has not spoken since the server was started".to_owned(),
            };
            checks.wrong(
                NAME,
                found,
                "start the edge; see that it reaches the server (AGGREGATOR_URL, or workerd's --external-addr aggregator=…)",
            );
        }
    }
}

/// Whether the edge answers where browsers look for it.
async fn edge(url: &str, checks: &mut Checks) {
    const NAME: &str = "edge";
    let url = url.trim_end_matches('/');
    let answer = match get(&format!("{url}/health")).await {
        Ok(answer) => answer,
        Err(problem) => {
            return checks.wrong(
                NAME,
                format!("{url}: {problem}"),
                "start it (systemctl start dayfly-edge) and look at its log; if browsers find it elsewhere, say so with DAYFLY_EDGE_URL",
            );
        }
    };
    match (answer.status, health(&answer)) {
        (200, (status, _)) if status == "ok" => {
            let over = match answer.tls {
                Some(version) => format!(", over {version:?}"),
                None => String::new(),
            };
            checks.ok(NAME, format!("{url} counts{over}"));
        }
        (503, (_, reason)) => checks.wrong(
            NAME,
            format!("{url}: {reason}"),
            "it must reach the server, with its key; dayfly audit tells what it holds",
        ),
        (status, _) => checks.wrong(
            NAME,
            format!("{url} answers {status}, which is not Dayfly's"),
            "something else answers there; say where the edge is with DAYFLY_EDGE_URL, and look at the proxy",
        ),
    }
    tracker(url, checks).await;
}

async fn tracker(url: &str, checks: &mut Checks) {
    let script = get(&format!("{url}/js/script.js")).await;
    let is_there = script.is_ok_and(|answer| {
        answer.status == 200 && answer.header("content-type").contains("javascript")
    });
    if !is_there {
        checks.wrong(
            "tracker",
            format!("{url}/js/script.js is not to be had"),
            "a proxy in front of the edge must hand on /js/script.js, /api/event and /me",
        );
    }
}

/// Whether the dashboard can be reached from outside, safely.
async fn outside(url: &str, checks: &mut Checks) {
    const NAME: &str = "outside";
    let answer = match get(&format!("{url}/login")).await {
        Ok(answer) => answer,
        Err(problem) => {
            return checks.wrong(
                NAME,
                format!("{url}: {problem}"),
                "see that the name leads here, that the proxy runs, and that its certificate is valid for the name",
            );
        }
    };
    if (300..400).contains(&answer.status) {
        return checks.wrong(
            NAME,
            format!("{url} sends browsers to {}", answer.header("location")),
            "the proxy must set X-Forwarded-Proto: https and hand on Host, and the server must trust it (DAYFLY_TRUST_PROXY)",
        );
    }
    if answer.status != 200 {
        let found = format!("{url}/login answers {}", answer.status);
        return checks.wrong(
            NAME,
            found,
            "look at the proxy's log: it must hand everything on to the server",
        );
    }
    let lacking: Vec<&str> = [
        "strict-transport-security",
        "content-security-policy",
        "x-content-type-options",
        "referrer-policy",
    ]
    .into_iter()
    .filter(|name| answer.header(name).is_empty())
    .collect();
    match lacking.is_empty() {
        true => {
            let version = answer.tls.map_or(String::new(), |it| format!("{it:?}"));
            checks.ok(NAME, format!("{url} answers over {version}, with all its headers"));
        }
        false => checks.wrong(
            NAME,
            format!("{url} answers without {}", lacking.join(", ")),
            "the server sends them when it knows that a request came over HTTPS: the proxy must set X-Forwarded-Proto: https, and drop no header",
        ),
    }
    let plain = url.replacen("https://", "http://", 1);
    match get(&format!("{plain}/login")).await {
        Ok(answer) if answer.header("location").starts_with("https://") => {
            checks.ok("plain HTTP", "is sent to HTTPS");
        }
        Ok(answer) => checks.wrong(
            "plain HTTP",
            format!("{plain} answers {} and does not lead to HTTPS", answer.status),
            "let the proxy answer port 80 with a redirect",
        ),
        Err(problem) => checks.warn(
            "plain HTTP",
            format!("{plain}: {problem}"),
            "whoever types the name without https:// comes nowhere: let the proxy answer port 80 with a redirect (or --redirect-listen)",
        ),
    }
}

/// Whether the SMTP server can be reached, where one is named.
async fn mail(serve: &ServeCommand, checks: &mut Checks) {
    const NAME: &str = "mail";
    let opened = serve.mail.open(&serve.url).and_then(|_| serve.mail.smtp());
    match opened {
        Ok(None) => checks.skip(NAME, "no SMTP server is named (DAYFLY_SMTP_HOST)"),
        Err(error) => checks.wrong(
            NAME,
            error.to_string(),
            "mend that setting; the server does not start so",
        ),
        Ok(Some(smtp)) => match smtp.reach().await {
            Ok(()) => checks.ok(NAME, format!("{} answers and lets us in", smtp.place())),
            Err(unsent) => checks.wrong(
                NAME,
                unsent.why,
                "dayfly mail test <address> tells what the server says",
            ),
        },
    }
}
