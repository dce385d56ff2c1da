//! Plausible's Events API: the body of `POST /api/event` (COMPAT.md, section 1).

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::call::HitKind;
use crate::limits::{
    DOMAIN_BYTES_MAX, DOMAINS_MAX, ENGAGED_MS_MAX, EVENT_NAME_CHARS_MAX, URL_BYTES_MAX,
};
use crate::page_url::{PageUrl, host_name};
use crate::referrer::REFERRER_CHARS_MAX;

/// A valid event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: HitKind,
    /// Where.
    pub url: PageUrl,
    /// The sites it goes to: lower case, without `www.`, each once.
    pub domains: Vec<String>,
    /// What it says it came from, cut to 2,000 characters.
    pub referrer: Option<String>,
}

/// Why a body is refused: `400 {"errors":{"<field>":["<problem>"]}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The field as published, or `request` for the body as a whole.
    pub field: &'static str,
    /// What is wrong.
    pub problem: &'static str,
}

impl Invalid {
    /// The body of the answer.
    pub fn to_json(&self) -> String {
        serde_json::json!({ "errors": { self.field: [self.problem] } }).to_string()
    }
}

const fn invalid(field: &'static str, problem: &'static str) -> Invalid {
    Invalid { field, problem }
}

/// The fields, long and short, each left as it is until it is looked at.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    n: Option<&'a RawValue>,
    #[serde(borrow)]
    url: Option<&'a RawValue>,
    #[serde(borrow)]
    u: Option<&'a RawValue>,
    #[serde(borrow)]
    domain: Option<&'a RawValue>,
    #[serde(borrow)]
    d: Option<&'a RawValue>,
    #[serde(borrow, rename = "hashMode")]
    hash_mode: Option<&'a RawValue>,
    #[serde(borrow)]
    h: Option<&'a RawValue>,
    #[serde(borrow)]
    interactive: Option<&'a RawValue>,
    #[serde(borrow)]
    i: Option<&'a RawValue>,
    #[serde(borrow)]
    referrer: Option<&'a RawValue>,
    #[serde(borrow)]
    r: Option<&'a RawValue>,
    #[serde(borrow)]
    sd: Option<&'a RawValue>,
    #[serde(borrow)]
    e: Option<&'a RawValue>,
}

impl Event {
    /// Reads and checks a body.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        let not_object = invalid("request", "the body is not a JSON object");
        let text = std::str::from_utf8(body).map_err(|_| not_object.clone())?;
        if !text.trim_start().starts_with('{') {
            return Err(not_object);
        }
        let body: Body = serde_json::from_str(text).map_err(|_| not_object)?;

        let name = name(body.name.or(body.n))?;
        let url = text_of(body.url.or(body.u), "url")?;
        if url.len() > URL_BYTES_MAX {
            return Err(invalid("url", "is longer than 2,000 bytes"));
        }
        let hash_mode = body
            .hash_mode
            .or(body.h)
            .is_some_and(|raw| matches!(raw.get(), "1" | "true" | "\"1\""));
        let url = PageUrl::parse(&url, hash_mode).map_err(|problem| invalid("url", problem))?;
        let domains = domains(body.domain.or(body.d), &url)?;
        let kind = match name.as_str() {
            "pageview" => HitKind::PageView,
            "engagement" => engagement(body.sd, body.e)?,
            _ => HitKind::Custom {
                name,
                interactive: body
                    .interactive
                    .or(body.i)
                    .is_none_or(|raw| raw.get() != "false"),
            },
        };
        Ok(Self {
            kind,
            url,
            domains,
            referrer: referrer(body.referrer.or(body.r)),
        })
    }
}

fn present(raw: Option<&RawValue>) -> Option<&str> {
    raw.map(RawValue::get).filter(|text| *text != "null")
}

fn text_of(raw: Option<&RawValue>, field: &'static str) -> Result<String, Invalid> {
    let raw = present(raw).ok_or(invalid(field, "is required"))?;
    serde_json::from_str(raw).map_err(|_| invalid(field, "is not a string"))
}

fn name(raw: Option<&RawValue>) -> Result<String, Invalid> {
    let raw = present(raw).ok_or(invalid("name", "is required"))?;
    let name = match serde_json::from_str::<String>(raw) {
        Ok(name) => name,
        Err(_) => serde_json::from_str::<i64>(raw)
            .map_err(|_| invalid("name", "is neither a string nor an integer"))?
            .to_string(),
    };
    if name.trim().is_empty() {
        return Err(invalid("name", "is blank"));
    }
    if name.chars().count() > EVENT_NAME_CHARS_MAX {
        return Err(invalid("name", "is longer than 120 characters"));
    }
    Ok(name.replace(char::is_control, " "))
}

fn domains(raw: Option<&RawValue>, url: &PageUrl) -> Result<Vec<String>, Invalid> {
    let Some(raw) = present(raw) else {
        return Ok(vec![url.host.clone()]);
    };
    let list: String =
        serde_json::from_str(raw).map_err(|_| invalid("domain", "is not a string"))?;
    let mut domains: Vec<String> = Vec::new();
    for domain in list.split(',').map(host_name) {
        if domain.len() > DOMAIN_BYTES_MAX {
            return Err(invalid("domain", "is longer than 253 bytes"));
        }
        if !domain.is_empty() && !domains.contains(&domain) {
            domains.push(domain);
        }
        if domains.len() > DOMAINS_MAX {
            return Err(invalid("domain", "names more than 20 sites"));
        }
    }
    if domains.is_empty() {
        return Err(invalid("domain", "is blank"));
    }
    Ok(domains)
}

/// A referrer; what is not a string is ignored.
fn referrer(raw: Option<&RawValue>) -> Option<String> {
    let text: String = serde_json::from_str(raw?.get()).ok()?;
    Some(text.chars().take(REFERRER_CHARS_MAX).collect())
}

fn engagement(sd: Option<&RawValue>, e: Option<&RawValue>) -> Result<HitKind, Invalid> {
    let number = |raw: Option<&RawValue>| {
        let number: f64 = serde_json::from_str(raw?.get()).ok()?;
        (number.is_finite() && number >= 0.0).then_some(number)
    };
    let scroll_percent = number(sd).map(|percent| percent.min(100.0) as u8);
    let engaged_ms = number(e).map(|ms| ms.min(f64::from(ENGAGED_MS_MAX)) as u32);
    if scroll_percent.is_none() && engaged_ms.is_none() {
        return Err(invalid("engagement", "needs sd or e"));
    }
    Ok(HitKind::Engagement {
        scroll_percent,
        engaged_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parse(body: Value) -> Result<Event, Invalid> {
        Event::parse(body.to_string().as_bytes())
    }

    fn field(body: Value) -> &'static str {
        parse(body).unwrap_err().field
    }

    #[test]
    fn a_page_view_long_and_short() {
        let long = parse(
            json!({"name": "pageview", "url": "https://www.a.example/x?y", "domain": "a.example"}),
        );
        let short =
            parse(json!({"n": "pageview", "u": "https://www.a.example/x?y", "d": "a.example"}));
        assert_eq!(long, short);
        let event = long.unwrap();
        assert_eq!(event.kind, HitKind::PageView);
        assert_eq!(
            (event.url.host.as_str(), event.url.page.as_str()),
            ("a.example", "/x")
        );
        assert_eq!(event.domains, ["a.example"]);
    }

    #[test]
    fn the_body_must_be_an_object() {
        for body in [
            "",
            " ",
            "null",
            "[]",
            "\"x\"",
            "{",
            "{\"n\":}",
            "\u{feff}{}",
        ] {
            assert_eq!(
                Event::parse(body.as_bytes()).unwrap_err().field,
                "request",
                "{body}"
            );
        }
        assert_eq!(Event::parse(&[0xff, 0xfe]).unwrap_err().field, "request");
    }

    #[test]
    fn names() {
        let name = |name: Value| parse(json!({"n": name, "u": "https://a.example"}));
        assert!(name(json!("x".repeat(120))).is_ok());
        let HitKind::Custom { name: number, .. } = name(json!(404)).unwrap().kind else {
            panic!("a number is a name");
        };
        assert_eq!(number, "404");
        for bad in [
            json!(null),
            json!(""),
            json!(" "),
            json!(1.5),
            json!({}),
            json!("x".repeat(121)),
        ] {
            assert_eq!(name(bad).unwrap_err().field, "name");
        }
        assert_eq!(field(json!({"u": "https://a.example"})), "name");
    }

    #[test]
    fn urls() {
        let url = |url: Value| parse(json!({"n": "pageview", "u": url}));
        let long = |n: usize| json!(format!("https://a.example/{}", "x".repeat(n - 18)));
        assert!(url(long(2_000)).is_ok());
        for bad in [
            json!(null),
            json!(7),
            json!(""),
            json!("data:,x"),
            long(2_001),
        ] {
            assert_eq!(url(bad).unwrap_err().field, "url");
        }
        assert_eq!(field(json!({"n": "pageview"})), "url");
    }

    #[test]
    fn domains() {
        let domains = |d: Value| {
            parse(json!({"n": "pageview", "u": "https://www.u.example/", "d": d}))
                .map(|event| event.domains)
        };
        assert_eq!(domains(json!(null)).unwrap(), ["u.example"]);
        assert_eq!(
            domains(json!(" www.B.example, c.example ,b.example")).unwrap(),
            ["b.example", "c.example"]
        );
        let many: Vec<String> = (0..21).map(|n| format!("{n}.example")).collect();
        for bad in [
            json!(""),
            json!(" , "),
            json!(["a"]),
            json!(many.join(",")),
            json!("x".repeat(254)),
        ] {
            assert_eq!(domains(bad).unwrap_err().field, "domain");
        }
    }

    #[test]
    fn engagement_needs_scroll_or_time() {
        let kind = |extra: Value| {
            let mut body = json!({"n": "engagement", "u": "https://a.example"});
            body.as_object_mut()
                .unwrap()
                .extend(extra.as_object().unwrap().clone());
            parse(body).map(|event| event.kind)
        };
        let engagement = |scroll_percent, engaged_ms| HitKind::Engagement {
            scroll_percent,
            engaged_ms,
        };
        assert_eq!(
            kind(json!({"sd": 40, "e": 3000})).unwrap(),
            engagement(Some(40), Some(3000))
        );
        assert_eq!(
            kind(json!({"sd": 400, "e": -1})).unwrap(),
            engagement(Some(100), None)
        );
        assert_eq!(
            kind(json!({"e": 1e12})).unwrap(),
            engagement(None, Some(ENGAGED_MS_MAX))
        );
        for bad in [json!({}), json!({"sd": -1}), json!({"sd": "x", "e": null})] {
            assert_eq!(kind(bad).unwrap_err().field, "engagement");
        }
    }

    #[test]
    fn interactive_and_hash_mode() {
        let event = parse(json!({"n": "Signup", "u": "https://a.example/#/b", "i": false, "h": 1}))
            .unwrap();
        assert_eq!(
            event.kind,
            HitKind::Custom {
                name: "Signup".into(),
                interactive: false
            }
        );
        assert_eq!(event.url.page, "/#/b");
    }

    #[test]
    fn the_error_names_the_field() {
        let error = Event::parse(b"{\"n\":\"pageview\"}").unwrap_err();
        assert_eq!(error.to_json(), r#"{"errors":{"url":["is required"]}}"#);
    }
}
