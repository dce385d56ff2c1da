//! A line of a web server's log in the combined format, with or without the host before the
//! address: `[host] address - user [time] "request" status bytes "referrer" "user agent"`.
//!
//! A page view is a `GET` that was answered 200 to 299 or 304 and is not for a file that a page is
//! made of. Whatever else a server logs is left out.

use std::borrow::Cow;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use shared::address::ClientAddress;
use shared::event::{Event, Kind, Props};
use shared::limits::URL_BYTES_MAX;
use shared::page_url::PageUrl;

use super::told::{Bad, Known, Told};

/// Ends of paths that pages are made of, and what feeds and programs read.
const PARTS_OF_PAGES: [&str; 42] = [
    "css",
    "js",
    "mjs",
    "map",
    "json",
    "xml",
    "txt",
    "rss",
    "atom",
    "ico",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "webp",
    "avif",
    "bmp",
    "woff",
    "woff2",
    "ttf",
    "otf",
    "eot",
    "mp3",
    "mp4",
    "webm",
    "ogg",
    "wav",
    "m4a",
    "mov",
    "wasm",
    "webmanifest",
    "zip",
    "gz",
    "bz2",
    "xz",
    "tar",
    "pdf",
    "doc",
    "docx",
    "exe",
    "dmg",
];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Reads a line; `None` where it is of something that is no page view. `domain` is the host where
/// the line has none.
///
/// # Errors
/// Which field is wrong.
pub fn read(line: &[u8], domain: &str) -> Result<Option<Told>, Bad> {
    let line = String::from_utf8_lossy(line);
    let (before, rest) = line.split_once(" [").ok_or(Bad::new(
        "time",
        "is missing: this is no line of the combined format",
    ))?;
    let (time, rest) = rest
        .split_once(']')
        .ok_or(Bad::new("time", "does not end"))?;
    let (host, address) = who(before)?;
    let at_ms = moment(time).ok_or(Bad::new(
        "time",
        "is not of the form 23/Nov/2026:12:00:00 +0100",
    ))?;
    let (request, rest) = quoted(rest).ok_or(Bad::new("request", "is not in quotes"))?;
    let mut numbers = rest.split_ascii_whitespace();
    let status = numbers.next().and_then(|text| text.parse::<u16>().ok());
    let status = status.ok_or(Bad::new("status", "is not a number"))?;
    let after = rest
        .find('"')
        .and_then(|at| rest.get(at..))
        .unwrap_or_default();
    let (referrer, rest) = quoted(after).ok_or(Bad::new(
        "referrer",
        "is missing: the common format has no User-Agent, and visitors cannot be told by it",
    ))?;
    let (user_agent, _) = quoted(rest).ok_or(Bad::new("user agent", "is missing"))?;

    let mut words = request.split(' ');
    let (method, target) = (words.next(), words.next().unwrap_or_default());
    let answered = matches!(status, 200..=299 | 304);
    if method != Some("GET") || !answered || !is_page(target) {
        return Ok(None);
    }
    let url = match target.starts_with('/') {
        true => format!("https://{}{target}", host.unwrap_or(domain)),
        false => target.to_owned(),
    };
    if url.len() > URL_BYTES_MAX {
        return Err(Bad::new("request", "is of an url longer than 2,000 bytes"));
    }
    let url = PageUrl::parse(&url, false).map_err(|problem| Bad::new("request", problem))?;
    let given = |text: Cow<str>| (text != "-" && !text.is_empty()).then(|| text.into_owned());
    Ok(Some(Told {
        at_ms,
        event: Event {
            kind: Kind::PageView,
            url,
            domains: Vec::new(),
            referrer: given(referrer),
            props: Props::default(),
            revenue: None,
        },
        visitor: None,
        address: Some(address),
        // One that is missing is a program's, as at the edge.
        user_agent: Some(given(user_agent).unwrap_or_default()),
        known: Known::default(),
    }))
}

/// The host, if there is one, and the address.
fn who(before: &str) -> Result<(Option<&str>, ClientAddress), Bad> {
    let mut words = before.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    if let Some(address) = ClientAddress::parse(second) {
        let host = match first.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => first,
        };
        return Ok((Some(host), address));
    }
    let address = ClientAddress::parse(first);
    let address = address.ok_or(Bad::new("address", "is not an IP address"))?;
    Ok((None, address))
}

fn is_page(target: &str) -> bool {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    if !target.starts_with('/') && !target.starts_with("http://") && !target.starts_with("https://")
    {
        return false;
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    !PARTS_OF_PAGES
        .iter()
        .any(|part| part.eq_ignore_ascii_case(end))
}

/// `23/Nov/2026:12:00:00 +0100` in milliseconds.
fn moment(text: &str) -> Option<i64> {
    let (moment, zone) = text.trim().split_once(' ')?;
    let mut parts = moment.split(['/', ':']);
    let mut next = || parts.next();
    let number = |text: Option<&str>| text.filter(|text| text.len() <= 4)?.parse::<i16>().ok();
    let small = |text: Option<&str>| number(text).and_then(|n| i8::try_from(n).ok());
    let day = small(next())?;
    let month = next()?;
    let month = MONTHS.iter().position(|name| *name == month)?;
    let month = i8::try_from(month + 1).ok()?;
    let year = number(next())?;
    let (hour, minute) = (small(next())?, small(next())?);
    // A leap second is the one before it.
    let second = small(next())?.min(59);
    let at = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;

    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits: i32 = digits.parse().ok().filter(|_| digits.len() == 4)?;
    let seconds = sign * (digits / 100 * 3_600 + digits % 100 * 60);
    let offset = Offset::from_seconds(seconds).ok()?;
    Some(offset.to_timestamp(at).ok()?.as_millisecond())
}

/// The next text in quotes, unescaped as Apache and nginx escape, and what is after it.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let text = text.trim_start().strip_prefix('"')?;
    let mut escaped = false;
    let mut has_escapes = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        has_escapes |= escaped;
        ends
    })?;
    let (inner, rest) = (text.get(..end)?, text.get(end + 1..)?);
    let inner = match has_escapes {
        true => Cow::Owned(unescaped(inner)),
        false => Cow::Borrowed(inner),
    };
    Some((inner, rest))
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        match rest {
            [b'x', high, low, after @ ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                if let (Some(high), Some(low)) = (digit(*high), digit(*low)) {
                    bytes.push((high * 16 + low) as u8);
                    rest = after;
                }
            }
            [byte, after @ ..] => {
                bytes.push(match byte {
                    b't' | b'n' | b'r' => b' ',
                    byte => *byte,
                });
                rest = after;
            }
            [] => {}
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TIME: &str = "[29/Feb/2024:23:30:00 -0700]";

    fn line(request: &str, status: &str) -> String {
        format!(
            r#"192.0.2.7 - frank {TIME} "{request}" {status} 2326 "https://www.google.com/" "Mozilla/5.0 \"x\"""#
        )
    }

    fn view(line: &str) -> Option<(String, String, i64)> {
        let told = read(line.as_bytes(), "a.example").unwrap()?;
        Some((told.event.url.host, told.event.url.page, told.at_ms))
    }

    fn seen(page: &str) -> Option<(String, String, i64)> {
        Some(("a.example".into(), page.into(), 1_709_274_600_000))
    }

    #[test]
    fn page_views_are_told_from_all_else() {
        for (request, status, page) in [
            ("GET / HTTP/1.1", "200", Some("/")),
            ("GET /a%20b?utm_source=x HTTP/2.0", "304", Some("/a b")),
            ("GET /v1.2/notes HTTP/1.1", "206", Some("/v1.2/notes")),
            ("GET /index.html HTTP/1.1", "200", Some("/index.html")),
            ("GET https://a.example/x HTTP/1.1", "200", Some("/x")),
            ("GET /app.JS?v=1 HTTP/1.1", "200", None),
            ("GET /favicon.ico HTTP/1.1", "200", None),
            ("POST / HTTP/1.1", "200", None),
            ("HEAD / HTTP/1.1", "200", None),
            ("GET / HTTP/1.1", "404", None),
            ("GET / HTTP/1.1", "301", None),
            ("-", "400", None),
            ("\\x16\\x03", "400", None),
        ] {
            let wanted = page.and_then(seen);
            assert_eq!(view(&line(request, status)), wanted, "{request}");
        }
        let told = read(line("GET / HTTP/1.1", "200").as_bytes(), "a.example");
        let told = told.ok().flatten().unwrap();
        assert_eq!(told.user_agent.as_deref(), Some("Mozilla/5.0 \"x\""));
        assert_eq!(
            told.event.referrer.as_deref(),
            Some("https://www.google.com/")
        );
    }

    #[test]
    fn the_host_may_stand_first() {
        for (before, host) in [
            ("b.example:443 2001:db8::1 -", "b.example"),
            ("b.example 192.0.2.1 -", "b.example"),
            ("192.0.2.9:80 192.0.2.1 -", "192.0.2.9"),
            ("192.0.2.1 - -", "a.example"),
            ("2001:db8::1 - john doe", "a.example"),
        ] {
            let line = format!(r#"{before} {TIME} "GET /x HTTP/1.1" 200 5 "-" "-""#);
            let told = read(line.as_bytes(), "a.example").ok().flatten().unwrap();
            assert_eq!(told.event.url.host, host, "{before}");
            assert_eq!(
                (told.event.referrer, told.user_agent),
                (None, Some(String::new()))
            );
        }
    }

    #[test]
    fn what_is_wrong_names_the_field() {
        for (line, told) in [
            ("".to_owned(), "time: is missing"),
            (
                format!("nobody - - {TIME} \"GET / HTTP/1.1\" 200 1 \"-\" \"-\""),
                "address: ",
            ),
            (line("GET / HTTP/1.1", "ok"), "status: "),
            (
                format!("192.0.2.1 - - {TIME} \"GET / HTTP/1.1\" 200 1"),
                "referrer: is missing",
            ),
            (format!("192.0.2.1 - - {TIME} GET"), "request: "),
            (
                line("GET / HTTP/1.1", "200").replace("Feb", "Fev"),
                "time: is not of the form",
            ),
            (
                line("GET / HTTP/1.1", "200").replace("29/", "30/"),
                "time: is not of the form",
            ),
        ] {
            let bad = read(line.as_bytes(), "a.example")
                .err()
                .unwrap()
                .to_string();
            assert!(bad.starts_with(told), "{line}: {bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_server_writes_is_read_or_refused(
            line in "([a-z.:0-9\" \\\\]{0,30} )?(192.0.2.1|-) - - \\[[^\\]]{0,30}\\]? ?(\"[^\"]{0,40}\"? ?){0,4}(?s:.{0,20})",
            bytes in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let _ = read(line.as_bytes(), "a.example");
            let _ = read(&bytes, "a.example");
        }
    }
}
