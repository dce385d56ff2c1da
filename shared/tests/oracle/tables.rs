//! What the streams are made of: senders, hosts, pages, referrers, events, each with what a
//! person says of it by COMPAT.md and DESIGN.md. The labels are written by hand, not by the code
//! under test.

use shared::settings::{Funnel, Goal, GoalKind, Settings, Shields, Signal};

/// Year, month, day.
type Ymd = (i16, i8, i8);

/// Zones with whole, half and quarter hours, and dates that streams play around: days whose clocks
/// change and a few others.
pub const ZONES: [(&str, [Ymd; 3]); 6] = [
    (
        "Europe/Berlin",
        [(2026, 3, 29), (2026, 10, 25), (2026, 6, 1)],
    ),
    // Half an hour's daylight saving: days of 23.5 and 24.5 hours.
    (
        "Australia/Lord_Howe",
        [(2026, 4, 5), (2026, 10, 4), (2026, 10, 3)],
    ),
    (
        "America/St_Johns",
        [(2026, 3, 8), (2026, 11, 1), (2026, 3, 7)],
    ),
    (
        "Asia/Kolkata",
        [(2026, 2, 28), (2026, 12, 31), (2026, 7, 4)],
    ),
    (
        "Asia/Kathmandu",
        [(2026, 2, 28), (2026, 12, 31), (2026, 7, 4)],
    ),
    ("UTC", [(2026, 2, 28), (2026, 12, 31), (2026, 11, 23)]),
];

/// Somebody who sends, and what they are.
pub struct Sender {
    pub address: &'static str,
    pub user_agent: &'static str,
    pub country: &'static str,
    /// Who it is: address (IPv6 by /64) and User-Agent.
    pub who: u32,
    pub client: [&'static str; 6],
    pub is_bot: bool,
}

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36";
const EDGE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0 Safari/537.36 Edg/153.0.0.0";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1";
const BOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

const fn sender(
    address: &'static str,
    user_agent: &'static str,
    country: &'static str,
    who: u32,
    [device, browser, version, os, os_version]: [&'static str; 5],
) -> Sender {
    Sender {
        address,
        user_agent,
        country,
        who,
        client: [country, device, browser, version, os, os_version],
        is_bot: false,
    }
}

const IS_CHROME: [&str; 5] = ["Desktop", "Chrome", "124", "Windows", "10+"];
const IS_EDGE: [&str; 5] = ["Desktop", "Edge", "153", "Windows", "10+"];
const IS_IPHONE: [&str; 5] = ["Mobile", "Safari", "18", "iOS", "18.6"];

pub const SENDERS: [Sender; 11] = [
    sender("203.0.113.9", CHROME, "DE", 0, IS_CHROME),
    sender("203.0.113.9", EDGE, "DE", 1, IS_EDGE),
    sender("198.51.100.7", CHROME, "FR", 2, IS_CHROME),
    sender("2001:db8:1:2::1", IPHONE, "IN", 3, IS_IPHONE),
    sender("2001:db8:1:2:ffff::9", IPHONE, "IN", 3, IS_IPHONE),
    sender("2001:db8:1:3::1", IPHONE, "IN", 4, IS_IPHONE),
    sender("198.51.100.9", EDGE, "", 5, IS_EDGE),
    // Somebody whom the platform places elsewhere for a while.
    sender("203.0.113.9", CHROME, "AT", 0, IS_CHROME),
    sender(SHIELDED_ADDRESS, CHROME, "CA", 6, IS_CHROME),
    sender("198.51.100.8", CHROME, SHIELDED_COUNTRY, 7, IS_CHROME),
    Sender {
        address: "198.51.100.10",
        user_agent: BOT,
        country: "DE",
        who: 8,
        client: [""; 6],
        is_bot: true,
    },
];
pub const SHIELDED_ADDRESS: &str = "192.0.2.7";
pub const SHIELDED_COUNTRY: &str = "US";

/// Scheme and host as sent, host as counted, whether it is on the list of [`settings`].
pub const HOSTS: [(&str, &str, bool); 4] = [
    ("https://www.A.example", "a.example", true),
    ("https://shop.a.example:8443", "shop.a.example", true),
    ("https://c.other.example", "c.other.example", false),
    ("app://", "(none)", false),
];

/// A page as sent, and what it is.
pub struct Page {
    pub raw: &'static str,
    pub hash_mode: bool,
    /// As counted where paths are cleaned, and where they are not.
    pub cleaned: &'static str,
    pub kept: &'static str,
    /// Page goals of [`settings`] that a view of it completes.
    pub goals: &'static [u32],
    /// Scroll goals, and from how many percent.
    pub scrolls: &'static [(u32, u32)],
    pub is_shielded: bool,
}

const fn page(raw: &'static str, page: &'static str, goals: &'static [u32]) -> Page {
    Page {
        raw,
        hash_mode: false,
        cleaned: page,
        kept: page,
        goals,
        scrolls: &[],
        is_shielded: false,
    }
}

pub const PAGES: [Page; 11] = [
    page("/", "/", &[]),
    Page {
        scrolls: &[(3, 50)],
        ..page("/a", "/a", &[])
    },
    page("/a/b", "/a/b", &[2, 6]),
    page("/a/b/c/d?x=1#y", "/a/b/c/d", &[2]),
    Page {
        scrolls: &[(7, 100)],
        ..page("/thanks", "/thanks", &[4])
    },
    page("", "/", &[]),
    page("/a/", "/a/", &[2]),
    page("/%C3%BC", "/ü", &[]),
    Page {
        kept: "/user/ada@example.com",
        ..page("/user/ada@example.com", "/user/:email", &[])
    },
    Page {
        is_shielded: true,
        ..page("/admin/x/y", "/admin/x/y", &[])
    },
    Page {
        hash_mode: true,
        ..page("/#/h", "/#/h", &[])
    },
];

/// Where a visit comes from: query, referrer (`{host}` is the page's own), and the eight
/// attributes that gives.
pub const TRAFFIC: [(&str, &str, [&str; 8]); 8] = [
    ("", "", ["", "", "Direct", "", "", "", "", ""]),
    (
        "",
        "https://www.google.com/search?q=who",
        [
            "Google",
            "google.com/search",
            "Organic Search",
            "",
            "",
            "",
            "",
            "",
        ],
    ),
    (
        "utm_source=newsletter&utm_medium=email&utm_campaign=May",
        "",
        [
            "newsletter",
            "",
            "Email",
            "newsletter",
            "email",
            "May",
            "",
            "",
        ],
    ),
    (
        "utm_source=google&utm_medium=cpc&utm_campaign=May&utm_content=red&utm_term=shoes",
        "",
        [
            "Google",
            "",
            "Paid Search",
            "google",
            "cpc",
            "May",
            "red",
            "shoes",
        ],
    ),
    (
        "ref=friend",
        "https://blog.other.example/post?user=ada",
        [
            "friend",
            "blog.other.example/post",
            "Referral",
            "friend",
            "",
            "",
            "",
            "",
        ],
    ),
    (
        "gclid=Cj0",
        "https://www.google.com/",
        ["Google", "google.com", "Paid Search", "", "", "", "", ""],
    ),
    ("", "{host}/self", ["", "", "Direct", "", "", "", "", ""]),
    ("", SPAM_REFERRER, [""; 8]),
];
pub const SPAM_REFERRER: &str = "https://www.4webmasters.org/x";

/// Custom events, and the event goals of [`settings`] they complete.
pub const NAMES: [(&str, &[u32]); 5] = [
    ("Signup", &[1]),
    ("Buy", &[5]),
    ("404", &[]),
    (LINK, &[]),
    ("Ping", &[]),
];

/// Properties as sent, and as counted.
pub const PROPS: [(&str, &[(&str, &str)]); 7] = [
    ("", &[]),
    (r#"{"plan":"pro"}"#, &[("plan", "pro")]),
    (
        r#"{"plan":" free ","seats":3,"list":[1],"blank":" "}"#,
        &[("plan", "free"), ("seats", "3")],
    ),
    (
        r#""{\"plan\":\"pro\",\"trial\":true}""#,
        &[("plan", "pro"), ("trial", "true")],
    ),
    (r#"{"path":"/z"}"#, &[("path", "/z")]),
    ("7", &[]),
    // Where a link leads loses what is after the path; see `LINK`.
    (
        r#"{"url":"https://b.example/c?user=ada#d"}"#,
        &[("url", "https://b.example/c?user=ada#d")],
    ),
];
/// The event whose `url` is where a link leads.
pub const LINK: &str = "Outbound Link: Click";

/// Revenue as sent, and as counted: currency, thousandths.
pub const REVENUES: [(&str, Option<(&str, u64)>); 5] = [
    ("", None),
    (r#"{"currency":"EUR","amount":12.5}"#, Some(("EUR", 12_500))),
    (
        r#"{"currency":"usd","amount":"19.99"}"#,
        Some(("USD", 19_990)),
    ),
    (r#"{"currency":"EUR","amount":0}"#, Some(("EUR", 0))),
    (r#"{"currency":"EUR","amount":-1}"#, None),
];

/// Domains as sent, and the sites they are; `None` is a body without a domain.
pub const TO: [(Option<&str>, &[usize]); 5] = [
    (Some("a.example"), &[0]),
    (Some(" www.A.example , b.example"), &[0, 1]),
    (Some("b.example,unknown.example"), &[1]),
    (Some("unknown.example"), &[]),
    // The url's host, by hand below: only one of them is a site.
    (None, &[0]),
];
/// The host that is a site's domain.
pub const HOST_OF_SITE: &str = "a.example";
pub const DOMAINS: [&str; 2] = ["a.example", "b.example"];

/// Goals in order; see [`PAGES`] and [`NAMES`] for what completes them.
pub const FUNNELS: [(u32, &[u32]); 5] = [
    (10, &[2, 1]),
    (11, &[1, 1, 1]),
    (12, &[6, 2, 4]),
    (13, &[3, 1]),
    (14, &[4, 7, 5]),
];

/// Which shields stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shielded {
    pub hosts: bool,
    pub pages: bool,
    pub countries: bool,
    pub networks: bool,
}

/// The settings of site 0; site 1 has no goals, no shields, keeps paths as they are, and takes
/// the two signals the other way round.
pub fn settings(site: usize, gpc: Signal, dnt: Signal, shielded: Shielded) -> Settings {
    if site == 1 {
        return Settings {
            gpc: dnt,
            dnt: gpc,
            clean_paths: false,
            ..Settings::default()
        };
    }
    let list = |on: bool, entries: &[&str]| match on {
        true => entries.iter().map(|entry| (*entry).to_owned()).collect(),
        false => Vec::new(),
    };
    let page = |path: &str| GoalKind::Page { path: path.into() };
    let event = |name: &str| GoalKind::Event { name: name.into() };
    let scroll = |path: &str, percent| GoalKind::Scroll {
        path: path.into(),
        percent,
    };
    let goals = [
        (1, event("Signup")),
        (2, page("/a/**")),
        (3, scroll("/a*", 50)),
        (4, page("/thanks")),
        (5, event("Buy")),
        (6, page("/*/b")),
        (7, scroll("/thanks", 100)),
    ];
    let settings = Settings {
        detail: shared::settings::Detail::Cross,
        gpc,
        dnt,
        clean_paths: true,
        shields: Shields {
            hosts: list(shielded.hosts, &["a.example", "*.a.example"]),
            pages: list(shielded.pages, &["/admin/**"]),
            countries: list(shielded.countries, &[SHIELDED_COUNTRY]),
            networks: list(shielded.networks, &["192.0.2.0/24"]),
        },
        goals: goals.map(|(id, kind)| Goal { id, kind }).into(),
        funnels: FUNNELS
            .map(|(id, steps)| Funnel {
                id,
                steps: steps.to_vec(),
            })
            .into(),
    };
    settings.check().unwrap();
    settings
}
