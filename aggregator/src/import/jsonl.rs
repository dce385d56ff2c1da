//! A line of `jsonl`: an event of the Events API, with its time, who did it, and what is known
//! about them.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use shared::address::ClientAddress;
use shared::event::Event;
use shared::page_url::host_name;

use super::told::{Bad, Known, Told};

/// Longest text of an attribute that is given outright, bytes.
const TEXT_BYTES_MAX: usize = 500;

/// Every key a line may have. Those of the Events API are read by its own parser.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    time: Option<&'a RawValue>,
    #[serde(borrow)]
    visitor: Option<&'a RawValue>,
    #[serde(borrow)]
    ip: Option<&'a RawValue>,
    #[serde(borrow)]
    user_agent: Option<&'a RawValue>,
    #[serde(borrow)]
    country: Option<&'a RawValue>,
    #[serde(borrow)]
    device: Option<&'a RawValue>,
    #[serde(borrow)]
    browser: Option<&'a RawValue>,
    #[serde(borrow)]
    browser_version: Option<&'a RawValue>,
    #[serde(borrow)]
    os: Option<&'a RawValue>,
    #[serde(borrow)]
    os_version: Option<&'a RawValue>,
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    channel: Option<&'a RawValue>,
    #[serde(borrow)]
    utm_source: Option<&'a RawValue>,
    #[serde(borrow)]
    utm_medium: Option<&'a RawValue>,
    #[serde(borrow)]
    utm_campaign: Option<&'a RawValue>,
    #[serde(borrow)]
    utm_content: Option<&'a RawValue>,
    #[serde(borrow)]
    utm_term: Option<&'a RawValue>,
    #[serde(borrow)]
    domain: Option<&'a RawValue>,
    #[serde(borrow)]
    d: Option<&'a RawValue>,
    #[serde(rename = "name")]
    _name: Option<IgnoredAny>,
    #[serde(rename = "n")]
    _n: Option<IgnoredAny>,
    #[serde(rename = "url")]
    _url: Option<IgnoredAny>,
    #[serde(rename = "u")]
    _u: Option<IgnoredAny>,
    #[serde(rename = "hashMode")]
    _hash_mode: Option<IgnoredAny>,
    #[serde(rename = "h")]
    _h: Option<IgnoredAny>,
    #[serde(rename = "interactive")]
    _interactive: Option<IgnoredAny>,
    #[serde(rename = "i")]
    _i: Option<IgnoredAny>,
    #[serde(rename = "referrer")]
    _referrer: Option<IgnoredAny>,
    #[serde(rename = "r")]
    _r: Option<IgnoredAny>,
    #[serde(rename = "m")]
    _m: Option<IgnoredAny>,
    #[serde(rename = "meta")]
    _meta: Option<IgnoredAny>,
    #[serde(rename = "p")]
    _p: Option<IgnoredAny>,
    #[serde(rename = "props")]
    _props: Option<IgnoredAny>,
    #[serde(rename = "revenue")]
    _revenue: Option<IgnoredAny>,
    #[serde(rename = "$")]
    _revenue_short: Option<IgnoredAny>,
    #[serde(rename = "sd")]
    _sd: Option<IgnoredAny>,
    #[serde(rename = "e")]
    _e: Option<IgnoredAny>,
    #[serde(rename = "v")]
    _v: Option<IgnoredAny>,
}

/// Reads a line; `domain` is the site that is imported to.
///
/// # Errors
/// Which field is wrong.
pub fn read(line: &[u8], domain: &str) -> Result<Told, Bad> {
    let text = std::str::from_utf8(line).map_err(|_| Bad::new("", "is not UTF-8"))?;
    let raw: Line = serde_json::from_str(text).map_err(|error| not_a_line(&error))?;
    let time = text_of(raw.time, "time")?.ok_or(Bad::new("time", "is required"))?;
    let at: Timestamp = time.parse().map_err(|_| {
        Bad::new(
            "time",
            "is not a time with its zone, such as 2026-11-23T12:00:00Z",
        )
    })?;
    let given = raw
        .domain
        .map(|raw| (raw, "domain"))
        .or(raw.d.map(|raw| (raw, "d")));
    if let Some((raw, field)) = given
        && let Some(list) = text_of(Some(raw), field)?
        && !list.split(',').any(|one| host_name(one) == domain)
    {
        return Err(Bad::new(field, "names another site"));
    }
    let event = Event::parse(line).map_err(|invalid| Bad::new(invalid.field, invalid.problem))?;

    let visitor = text_of(raw.visitor, "visitor")?.map(Cow::into_owned);
    if visitor.as_ref().is_some_and(String::is_empty) {
        return Err(Bad::new("visitor", "is empty"));
    }
    let address = match text_of(raw.ip, "ip")? {
        None => None,
        Some(text) => {
            let address = ClientAddress::parse(&text);
            Some(address.ok_or(Bad::new("ip", "is not an IP address"))?)
        }
    };
    let user_agent = text_of(raw.user_agent, "user_agent")?.map(Cow::into_owned);
    if visitor.is_none() {
        match (&address, &user_agent) {
            (Some(_), Some(_)) => {}
            (None, None) => {
                let problem = "is required, or ip and user_agent are";
                return Err(Bad::new("visitor", problem));
            }
            (None, _) => return Err(Bad::new("ip", "is required without visitor")),
            (_, None) => return Err(Bad::new("user_agent", "is required without visitor")),
        }
    }
    let known = Known {
        client: [
            country(raw.country)?,
            attribute(raw.device, "device")?,
            attribute(raw.browser, "browser")?,
            attribute(raw.browser_version, "browser_version")?,
            attribute(raw.os, "os")?,
            attribute(raw.os_version, "os_version")?,
        ],
        source: attribute(raw.source, "source")?,
        channel: attribute(raw.channel, "channel")?,
        utm: [
            attribute(raw.utm_source, "utm_source")?,
            attribute(raw.utm_medium, "utm_medium")?,
            attribute(raw.utm_campaign, "utm_campaign")?,
            attribute(raw.utm_content, "utm_content")?,
            attribute(raw.utm_term, "utm_term")?,
        ],
    };
    Ok(Told {
        at_ms: at.as_millisecond(),
        event,
        visitor,
        address,
        user_agent,
        known,
    })
}

/// What is wrong with a line that has not the form of one. The parser's message may repeat what
/// stands in the line; of it only the name of a key is taken.
fn not_a_line(error: &serde_json::Error) -> Bad {
    let message = error.to_string();
    for (begins, problem) in [
        ("unknown field `", "is no key that an import knows"),
        ("duplicate field `", "is there twice"),
    ] {
        let key = message
            .strip_prefix(begins)
            .and_then(|rest| rest.split('`').next());
        if let Some(key) = key {
            let shown: String = key.chars().filter(|c| !c.is_control()).take(100).collect();
            return Bad {
                field: Cow::Owned(shown),
                problem: Cow::Borrowed(problem),
            };
        }
    }
    Bad::new("", "is not a JSON object")
}

/// A text; `null` is as if the key were not there.
fn text_of<'a>(
    raw: Option<&'a RawValue>,
    field: &'static str,
) -> Result<Option<Cow<'a, str>>, Bad> {
    let Some(raw) = raw.map(RawValue::get).filter(|raw| *raw != "null") else {
        return Ok(None);
    };
    let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
    let text = match inner {
        Some(inner) if !inner.contains('\\') => Some(Cow::Borrowed(inner)),
        _ => serde_json::from_str(raw).ok().map(Cow::Owned),
    };
    text.map(Some).ok_or(Bad::new(field, "is not a string"))
}

fn attribute(raw: Option<&RawValue>, field: &'static str) -> Result<Option<String>, Bad> {
    let Some(text) = text_of(raw, field)? else {
        return Ok(None);
    };
    let text = text.trim();
    if text.len() > TEXT_BYTES_MAX {
        return Err(Bad::new(field, "is longer than 500 bytes"));
    }
    if text.contains(char::is_control) {
        return Err(Bad::new(field, "has control characters"));
    }
    Ok(Some(text.to_owned()))
}

fn country(raw: Option<&RawValue>) -> Result<Option<String>, Bad> {
    let Some(text) = text_of(raw, "country")? else {
        return Ok(None);
    };
    let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    match is_code || text.is_empty() {
        true => Ok(Some(shared::country::of_platform(&text))),
        false => Err(Bad::new("country", "is not a code of two letters")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn line() -> Value {
        json!({"time": "2026-03-01T12:00:00+01:00", "visitor": "u1", "n": "pageview",
               "u": "https://a.example/x"})
    }

    fn with(key: &str, value: Value) -> String {
        let mut line = line();
        line[key] = value;
        line.to_string()
    }

    fn problem(line: &str) -> String {
        let bad = read(line.as_bytes(), "a.example").err();
        bad.map_or_else(|| "no problem".into(), |bad| bad.to_string())
    }

    #[test]
    fn a_line_with_everything_is_read() {
        let mut all = line();
        for (key, value) in [
            ("domain", "www.A.example"),
            ("ip", "192.0.2.1"),
            ("user_agent", "Mozilla/5.0"),
            ("country", "de"),
            ("device", "Tablet"),
            ("browser", "Firefox"),
            ("browser_version", "140"),
            ("os", "Linux"),
            ("os_version", "6"),
            ("source", " Google "),
            ("channel", "Paid Search"),
            ("utm_source", "google"),
            ("utm_term", "a\"b"),
        ] {
            all[key] = json!(value);
        }
        let told = read(all.to_string().as_bytes(), "a.example").ok().unwrap();
        assert_eq!(told.at_ms, 1_772_362_800_000);
        assert!(told.address.is_some() && told.user_agent.is_some());
        assert_eq!(told.known.client[0].as_deref(), Some("DE"));
        assert_eq!(told.known.client[5].as_deref(), Some("6"));
        assert_eq!(told.known.source.as_deref(), Some("Google"));
        assert_eq!(told.known.utm[0].as_deref(), Some("google"));
        assert_eq!(told.known.utm[4].as_deref(), Some("a\"b"));
        assert_eq!(told.known.utm[1], None);
    }

    #[test]
    fn what_is_wrong_names_the_field_and_not_what_stands_in_it() {
        let long = "x".repeat(501);
        for (line, told) in [
            (
                with("colour", json!(1)),
                "colour: is no key that an import knows",
            ),
            (with("time", Value::Null), "time: is required"),
            (
                with("time", json!("2026-03-01 12:00")),
                "time: is not a time with its zone",
            ),
            (with("time", json!(5)), "time: is not a string"),
            (with("visitor", json!("")), "visitor: is empty"),
            (
                with("visitor", Value::Null),
                "visitor: is required, or ip and user_agent are",
            ),
            (with("ip", json!("192.0.2.999")), "ip: is not an IP address"),
            (
                with("country", json!("DEU")),
                "country: is not a code of two letters",
            ),
            (with("os", json!(long)), "os: is longer than 500 bytes"),
            (
                with("utm_term", json!("a\u{0}")),
                "utm_term: has control characters",
            ),
            (with("u", json!("data:x")), "url: has the scheme data"),
            (with("n", json!("")), "name: is blank"),
            (
                with("d", json!("b.example,c.example")),
                "d: names another site",
            ),
            ("{\"n\":1,\"n\":2}".into(), "n: is there twice"),
            ("[]".into(), "is not a JSON object"),
            ("{\"n\"".into(), "is not a JSON object"),
        ] {
            let found = problem(&line);
            assert!(found.starts_with(told), "{line}: {found}");
            assert!(!found.contains("999"), "{found}");
        }
        let mut half = line();
        half["visitor"] = Value::Null;
        half["ip"] = json!("192.0.2.1");
        assert_eq!(
            problem(&half.to_string()),
            "user_agent: is required without visitor"
        );
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_line_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, "a.example");
        }

        #[test]
        fn whatever_stands_in_a_key_is_read_or_refused(
            key in prop::sample::select(vec!["time", "visitor", "ip", "country", "os", "u", "n", "sd", "p", "$", "d"]),
            value in prop_oneof![
                any::<f64>().prop_map(|n| json!(n)), any::<String>().prop_map(|s| json!(s)),
                Just(json!([1])), Just(json!({"a": "b"})), Just(Value::Null),
            ],
        ) {
            let _ = read(with(key, value).as_bytes(), "a.example");
        }
    }
}
