//! Plausible's Events API: the body of `POST /api/event` (COMPAT.md, section 1).

mod props;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::limits::{
    DOMAIN_BYTES_MAX, DOMAINS_MAX, ENGAGED_MS_MAX, EVENT_NAME_CHARS_MAX, PROPS_MAX, URL_BYTES_MAX,
};
use crate::page_url::{PageUrl, host_name};
use crate::referrer::REFERRER_CHARS_MAX;
pub use props::{Props, Revenue};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A page was seen.
    PageView,
    /// The page was in use.
    Engagement {
        /// Deepest point reached, percent.
        scroll_percent: Option<u8>,
        /// Time visible and in use, milliseconds.
        engaged_ms: Option<u32>,
    },
    /// A named event.
    Custom {
        /// Its name.
        name: String,
        /// Whether it shows that the visitor did something (ends a bounce).
        interactive: bool,
    },
}

/// A valid event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: Kind,
    /// Where.
    pub url: PageUrl,
    /// The sites it goes to: lower case, without `www.`, each once.
    pub domains: Vec<String>,
    /// What it says it came from, cut to 2,000 characters.
    pub referrer: Option<String>,
    /// Properties.
    pub props: Props,
    /// Revenue.
    pub revenue: Option<Revenue>,
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
    m: Option<&'a RawValue>,
    #[serde(borrow)]
    meta: Option<&'a RawValue>,
    #[serde(borrow)]
    p: Option<&'a RawValue>,
    #[serde(borrow)]
    props: Option<&'a RawValue>,
    #[serde(borrow)]
    revenue: Option<&'a RawValue>,
    #[serde(borrow, rename = "$")]
    revenue_short: Option<&'a RawValue>,
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
            "pageview" => Kind::PageView,
            "engagement" => engagement(body.sd, body.e)?,
            _ => Kind::Custom {
                name,
                interactive: body
                    .interactive
                    .or(body.i)
                    .is_none_or(|raw| raw.get() != "false"),
            },
        };
        let mut props = match kind {
            Kind::Engagement { .. } => Props::default(),
            _ => props::props(body.m.or(body.meta).or(body.p).or(body.props))?,
        };
        if let Kind::Custom { name, .. } = &kind {
            builtin_props(name, &url, &mut props);
        }
        Ok(Self {
            kind,
            url,
            domains,
            referrer: referrer(body.referrer.or(body.r)),
            props,
            revenue: props::revenue(body.revenue_short.or(body.revenue)),
        })
    }
}

/// Events of the browser's script whose properties have a meaning. Addresses lose their query:
/// what a link leads to may name a person there.
fn builtin_props(name: &str, url: &PageUrl, props: &mut Props) {
    if matches!(
        name,
        "Outbound Link: Click" | "Cloaked Link: Click" | "File Download"
    ) {
        for (key, value) in &mut props.list {
            if key == "url"
                && let Some(at) = value.find(['?', '#'])
            {
                value.truncate(at);
            }
        }
        props.list.retain(|(_, value)| !value.is_empty());
    }
    let wants_path = matches!(name, "404" | "Form: Submission" | "WP Form Completions");
    if wants_path && props.get("path").is_none() && props.list.len() < PROPS_MAX {
        props.list.push(("path".to_owned(), url.page.clone()));
    }
}

fn present(raw: Option<&RawValue>) -> Option<&str> {
    raw.map(RawValue::get).filter(|text| *text != "null")
}

fn text_of<'a>(raw: Option<&'a RawValue>, field: &'static str) -> Result<Cow<'a, str>, Invalid> {
    let raw = present(raw).ok_or(invalid(field, "is required"))?;
    string(raw).ok_or(invalid(field, "is not a string"))
}

/// What a valid JSON value says, if it is a string; nearly none has escapes, and needs no copy.
fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    match inner.contains('\\') {
        false => Some(Cow::Borrowed(inner)),
        true => serde_json::from_str(raw).ok().map(Cow::Owned),
    }
}

fn name(raw: Option<&RawValue>) -> Result<String, Invalid> {
    let raw = present(raw).ok_or(invalid("name", "is required"))?;
    let name = match string(raw) {
        Some(name) => name,
        None => serde_json::from_str::<i64>(raw)
            .map_err(|_| invalid("name", "is neither a string nor an integer"))?
            .to_string()
            .into(),
    };
    let is_invisible = |c: char| c.is_control() || c.is_whitespace();
    if name.chars().all(is_invisible) {
        return Err(invalid("name", "is blank"));
    }
    if name.chars().count() > EVENT_NAME_CHARS_MAX {
        return Err(invalid("name", "is longer than 120 characters"));
    }
    Ok(match name.contains(char::is_control) {
        true => name.replace(char::is_control, " "),
        false => name.into_owned(),
    })
}

fn domains(raw: Option<&RawValue>, url: &PageUrl) -> Result<Vec<String>, Invalid> {
    let Some(raw) = present(raw) else {
        return Ok(vec![url.host.clone()]);
    };
    let list = string(raw).ok_or(invalid("domain", "is not a string"))?;
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
    let text = string(raw?.get())?;
    Some(match text.len() <= REFERRER_CHARS_MAX {
        true => text.into_owned(),
        false => text.chars().take(REFERRER_CHARS_MAX).collect(),
    })
}

fn engagement(sd: Option<&RawValue>, e: Option<&RawValue>) -> Result<Kind, Invalid> {
    let number = |raw: Option<&RawValue>| {
        let number: f64 = serde_json::from_str(raw?.get()).ok()?;
        (number.is_finite() && number >= 0.0).then_some(number)
    };
    let scroll_percent = number(sd).map(|percent| percent.min(100.0) as u8);
    let engaged_ms = number(e).map(|ms| ms.min(f64::from(ENGAGED_MS_MAX)) as u32);
    if scroll_percent.is_none() && engaged_ms.is_none() {
        return Err(invalid("engagement", "needs sd or e"));
    }
    Ok(Kind::Engagement {
        scroll_percent,
        engaged_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const REVENUE_MAX: u64 = crate::limits::REVENUE_MILLI_MAX;

    fn parse(body: Value) -> Result<Event, Invalid> {
        Event::parse(body.to_string().as_bytes())
    }

    fn field(body: Value) -> &'static str {
        parse(body).unwrap_err().field
    }

    /// Found by fuzzing: what is replaced by blanks is blank.
    #[test]
    fn names_of_nothing_but_control_characters_are_blank() {
        let name = |name: &str| json!({"n": name, "u": "https://a.example/"});
        for blank in ["\u{89}", " \u{7f}\t", "\u{1}\u{85}"] {
            assert_eq!(field(name(blank)), "name");
        }
        let Kind::Custom { name, .. } = parse(name("a\u{89}b")).unwrap().kind else {
            panic!("an event of one's own");
        };
        assert_eq!(name, "a b");
        let props = json!({"n": "x", "u": "https://a.example/",
            "p": {"\u{89}": "1", "k": "\u{89} ", "\u{89}l ": "\u{7f}2"}});
        let known = parse(props).unwrap().props.list;
        assert_eq!(known, [("l".to_owned(), "2".to_owned())]);
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
        assert_eq!(event.kind, Kind::PageView);
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
        let Kind::Custom { name: number, .. } = name(json!(404)).unwrap().kind else {
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
        let engagement = |scroll_percent, engaged_ms| Kind::Engagement {
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
            Kind::Custom {
                name: "Signup".into(),
                interactive: false
            }
        );
        assert_eq!(event.url.page, "/#/b");
    }

    fn props_of(extra: Value) -> Result<Props, Invalid> {
        let mut body = json!({"n": "Signup", "u": "https://a.example/x"});
        let fields = body.as_object_mut().unwrap();
        fields.extend(extra.as_object().unwrap().clone());
        parse(body).map(|event| event.props)
    }

    #[test]
    fn properties_are_scalars_in_an_object_or_a_string_of_one() {
        let expected = [("plan", "pro"), ("seats", "3"), ("trial", "false")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let object = json!({"plan": " pro ", "seats": 3, "trial": false, "none": null, "list": [1],
            "map": {"a": 1}, "blank": " "});
        for extra in [
            json!({"props": object}),
            json!({"p": object.to_string()}),
            json!({"m": object, "meta": {"x": 1}, "p": {"y": 1}, "props": {"z": 1}}),
        ] {
            let mut props = props_of(extra).unwrap().list;
            props.sort();
            assert_eq!(props, expected);
        }
        for malformed in [json!("{"), json!([1]), json!(7), json!(null), json!("[]")] {
            assert_eq!(props_of(json!({"p": malformed})).unwrap().list, []);
        }
    }

    #[test]
    fn properties_have_bounds() {
        let of = |key: String, value: String| props_of(json!({"p": {key: value}}));
        assert_eq!(
            of("k".repeat(300), "v".repeat(2_000)).unwrap().list.len(),
            1
        );
        assert_eq!(of("k".repeat(301), "v".into()).unwrap_err().field, "props");
        assert_eq!(
            of("k".into(), "v".repeat(2_001)).unwrap_err().field,
            "props"
        );
        let body: Vec<String> = (0..33).map(|n| format!("\"k{n}\":{n}")).collect();
        let body = format!(
            r#"{{"n":"x","u":"https://a.example","p":{{{}}}}}"#,
            body.join(",")
        );
        let props = Event::parse(body.as_bytes()).unwrap().props;
        assert_eq!((props.list.len(), props.left_out), (30, 3));
        assert_eq!(props.list[29].0, "k29", "the first are kept");
    }

    #[test]
    fn built_in_events_fill_in_path_and_cut_queries() {
        let props = |name: &str, p: Value| {
            let event = parse(json!({"n": name, "u": "https://a.example/x?y", "p": p})).unwrap();
            event.props.list
        };
        let one = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
        assert_eq!(props("404", json!({})), one("path", "/x"));
        assert_eq!(props("404", json!({"path": "/z"})), one("path", "/z"));
        assert_eq!(props("Form: Submission", json!(null)), one("path", "/x"));
        let link = json!({"url": "https://b.example/c?user=ada#d"});
        assert_eq!(
            props("Outbound Link: Click", link.clone()),
            one("url", "https://b.example/c")
        );
        assert_eq!(props("Other", link)[0].1, "https://b.example/c?user=ada#d");
    }

    #[test]
    fn revenue_is_a_currency_and_an_amount_or_none() {
        let revenue = |value: Value| {
            let event = parse(json!({"n": "Buy", "u": "https://a.example", "$": value})).unwrap();
            event
                .revenue
                .map(|revenue| (revenue.currency, revenue.milli))
        };
        let eur = |milli| Some(("EUR".to_owned(), milli));
        assert_eq!(
            revenue(json!({"currency": "eur", "amount": 12.5})),
            eur(12_500)
        );
        assert_eq!(
            revenue(json!({"currency": "EUR", "amount": "19.99"})),
            eur(19_990)
        );
        assert_eq!(revenue(json!({"currency": "EUR", "amount": 0})), eur(0));
        assert_eq!(
            revenue(json!({"currency": "EUR", "amount": 1e9})),
            eur(REVENUE_MAX)
        );
        for bad in [
            json!({"currency": "EUR", "amount": 1.1e9}),
            json!({"currency": "EUR", "amount": -1}),
            json!({"currency": "EURO", "amount": 1}),
            json!({"currency": "€", "amount": 1}),
            json!({"currency": "EUR", "amount": "NaN"}),
            json!({"currency": "EUR", "amount": "12,5"}),
            json!({"currency": "EUR"}),
            json!({"amount": 1}),
            json!(7),
        ] {
            assert_eq!(revenue(bad), None);
        }
    }

    #[test]
    fn the_error_names_the_field() {
        let error = Event::parse(b"{\"n\":\"pageview\"}").unwrap_err();
        assert_eq!(error.to_json(), r#"{"errors":{"url":["is required"]}}"#);
    }
}
