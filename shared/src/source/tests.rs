use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::table::KNOWN;
use super::*;

fn of_url(url: &str) -> (String, Option<Kind>) {
    let referrer = Referrer::parse(url, "page.example").expect(url);
    let source = of(None, Some(&referrer)).expect(url);
    assert!(!source.paid);
    (source.name.into_owned(), source.kind)
}

fn of_given(given: &str) -> (String, Option<Kind>, bool) {
    let source = of(Some(given), None).expect(given);
    (source.name.into_owned(), source.kind, source.paid)
}

#[test]
fn no_key_stands_for_two_rows_or_is_there_twice() {
    for index in [&index::HOSTS[..], &index::NATIONAL, &index::ALIASES] {
        let mut seen = BTreeMap::new();
        for entry in index {
            let key = entry.key.to_ascii_lowercase().replace([' ', '_'], "-");
            let earlier = seen.insert(key, entry.known.name);
            assert_eq!(earlier, None, "{} of {}", entry.key, entry.known.name);
        }
    }
}

#[test]
fn every_row_is_well_formed_and_found_by_its_name() {
    let names: BTreeSet<_> = KNOWN.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), KNOWN.len(), "a name is there twice");
    for row in KNOWN {
        let source = (row.name.to_owned(), Some(row.kind), false);
        assert_eq!(of_given(row.name), source, "by its name");
        assert!(row.name.len() <= ALIAS_BYTES_MAX);
        for alias in row.aliases.split_ascii_whitespace() {
            assert!(alias.len() <= ALIAS_BYTES_MAX);
            assert_eq!(of_given(alias), source, "by {alias}");
            assert_eq!(
                of_given(&alias.to_uppercase()),
                source,
                "by {alias} in capitals"
            );
        }
        assert!(!row.hosts.is_empty(), "{}", row.name);
        for list in [row.hosts, row.aliases] {
            assert!(!list.contains("  ") && list.trim() == list, "{list}");
        }
        for word in row.hosts.split(' ') {
            let host = word.strip_prefix('=').unwrap_or(word).replace(".*", ".com");
            let url = format!("https://{host}/x");
            assert_eq!(of_url(&url), (source.0.clone(), source.1), "by {word}");
            assert!(!host.starts_with("www."), "{word}: a referrer has no www.");
            assert!(host.split('.').count() <= LABELS_MAX, "{word}");
        }
    }
}

#[test]
fn the_table_is_large() {
    assert!(index::HOSTS.len() >= 800, "{}", index::HOSTS.len());
    assert!(KNOWN.len() >= 700, "{}", KNOWN.len());
}

#[test]
fn every_kind_that_makes_a_channel_is_well_filled() {
    let of_kind = |kind| {
        let hosts = index::HOSTS.iter().chain(&index::NATIONAL);
        hosts.filter(|entry| entry.known.kind == kind).count()
    };
    let least = [
        (Kind::Search, 50),
        (Kind::Social, 100),
        (Kind::Messenger, 20),
        (Kind::Video, 25),
        (Kind::Shopping, 40),
        (Kind::Email, 40),
        (Kind::AiAssistant, 25),
    ];
    let counts = least.map(|(kind, least)| (kind, of_kind(kind), least));
    assert!(counts.iter().all(|(_, n, least)| n >= least), "{counts:?}");
    let all: usize = counts.iter().map(|(_, n, _)| n).sum();
    assert!(all >= 250, "{all}");
    println!("{counts:?}, together {all}");
}

#[test]
fn hosts_and_their_subdomains() {
    let cases = [
        ("https://l.facebook.com/l.php", "Facebook", Kind::Social),
        ("https://lm.facebook.com/", "Facebook", Kind::Social),
        ("https://www.facebook.com/", "Facebook", Kind::Social),
        ("https://out.reddit.com/", "Reddit", Kind::Social),
        ("https://t.co/abc", "X (Twitter)", Kind::Social),
        ("https://x.com/", "X (Twitter)", Kind::Social),
        ("https://lnkd.in/x", "LinkedIn", Kind::Social),
        ("https://www.pinterest.de/", "Pinterest", Kind::Social),
        ("https://staff.tumblr.com/", "Tumblr", Kind::Social),
        (
            "https://news.ycombinator.com/item",
            "Hacker News",
            Kind::Social,
        ),
        ("https://web.telegram.org/", "Telegram", Kind::Messenger),
        ("https://youtu.be/x", "YouTube", Kind::Video),
        ("https://music.youtube.com/", "YouTube Music", Kind::Audio),
        ("https://m.youtube.com/", "YouTube", Kind::Video),
        ("https://www.tiktok.com/", "TikTok", Kind::Social),
        ("https://smile.amazon.co.uk/x", "Amazon", Kind::Shopping),
        ("https://music.amazon.de/", "Amazon Music", Kind::Audio),
        (
            "https://us-east-1.console.aws.amazon.com/",
            "AWS",
            Kind::Developer,
        ),
        ("https://www.ebay.com.au/", "eBay", Kind::Shopping),
        ("https://mail.google.com/", "Gmail", Kind::Email),
        ("https://outlook.live.com/", "Outlook", Kind::Email),
        (
            "https://eur01.safelinks.protection.outlook.com/",
            "Outlook",
            Kind::Email,
        ),
        ("https://mail.yahoo.co.jp/", "Yahoo! Mail", Kind::Email),
        ("https://gemini.google.com/app", "Gemini", Kind::AiAssistant),
        ("https://chat.openai.com/", "ChatGPT", Kind::AiAssistant),
        (
            "https://www.perplexity.ai/",
            "Perplexity",
            Kind::AiAssistant,
        ),
        (
            "https://copilot.microsoft.com/",
            "Copilot",
            Kind::AiAssistant,
        ),
        ("https://news.google.com/", "Google News", Kind::News),
        ("https://gist.github.com/x", "GitHub", Kind::Developer),
        ("https://de.wikipedia.org/", "Wikipedia", Kind::Reference),
        ("https://docs.google.com/d", "Google Docs", Kind::Reference),
        ("android-app://com.google.android.gm/", "Gmail", Kind::Email),
        (
            "android-app://com.reddit.frontpage/",
            "Reddit",
            Kind::Social,
        ),
        ("android-app://com.slack/", "Slack", Kind::Messenger),
        (
            "android-app://com.amazon.mShop.android.shopping/",
            "Amazon",
            Kind::Shopping,
        ),
    ];
    for (url, name, kind) in cases {
        assert_eq!(of_url(url), (name.to_owned(), Some(kind)), "{url}");
    }
}

#[test]
fn national_search_engines_are_one() {
    let cases = [
        ("google", "Google"),
        ("images.google", "Google"),
        ("yandex", "Yandex"),
        ("search.yahoo", "Yahoo!"),
        ("fr.search.yahoo", "Yahoo!"),
    ];
    for (brand, name) in cases {
        for ending in [
            "com", "de", "fr", "co.uk", "com.br", "co.jp", "com.tr", "ru", "it",
        ] {
            let url = format!("https://www.{brand}.{ending}/");
            assert_eq!(of_url(&url), (name.to_owned(), Some(Kind::Search)), "{url}");
        }
    }
}

#[test]
fn look_alikes_keep_their_host() {
    for host in [
        "support.google.com",
        "translate.yandex.ru",
        "developer.yahoo.com",
        "google.evil.example",
        "google.com.evil.example",
        "notgoogle.com",
        "google.org",
        "facebook.com.example",
        "myfacebook.com",
        "xx.com",
        "someone.github.io",
        "blog.example",
        "com",
        "co.uk",
        "192.0.2.1",
        "com.example.app",
    ] {
        let url = format!("https://{host}/");
        assert_eq!(of_url(&url), (host.to_owned(), None), "{url}");
    }
}

#[test]
fn utm_sources() {
    let cases = [
        ("google", "Google", Some(Kind::Search)),
        (" GOOGLE ", "Google", Some(Kind::Search)),
        ("fb", "Facebook", Some(Kind::Social)),
        ("IG", "Instagram", Some(Kind::Social)),
        ("twitter", "X (Twitter)", Some(Kind::Social)),
        ("hacker_news", "Hacker News", Some(Kind::Social)),
        ("Hacker News", "Hacker News", Some(Kind::Social)),
        ("chatgpt.com", "ChatGPT", Some(Kind::AiAssistant)),
        ("www.google.de", "Google", Some(Kind::Search)),
        ("l.facebook.com", "Facebook", Some(Kind::Social)),
        ("threads", "Threads", Some(Kind::Social)),
        ("Autumn Poster", "Autumn Poster", None),
        ("www.Unknown.example", "www.Unknown.example", None),
        ("newsletter", "newsletter", None),
        ("ads", "ads", None),
        ("uploads", "uploads", None),
    ];
    for (given, name, kind) in cases {
        assert_eq!(of_given(given), (name.to_owned(), kind, false), "{given}");
    }
    let long = "google".repeat(20);
    assert_eq!(of_given(&long), (long.clone(), None, false));
}

#[test]
fn paid_sources() {
    let cases = [
        ("adwords", "Google", Kind::Search),
        ("AdWords", "Google", Kind::Search),
        ("google-ads", "Google", Kind::Search),
        ("googleads", "Google", Kind::Search),
        ("google_ads", "Google", Kind::Search),
        ("bing ads", "Bing", Kind::Search),
        ("google-cpc", "Google", Kind::Search),
        ("facebook ads", "Facebook", Kind::Social),
        ("FB-Ads", "Facebook", Kind::Social),
        ("fbads", "Facebook", Kind::Social),
        ("ig-ads", "Instagram", Kind::Social),
        ("meta_ads", "Facebook", Kind::Social),
        ("facebook_ad", "Facebook", Kind::Social),
        ("tiktok-paid", "TikTok", Kind::Social),
        ("youtube_ads", "YouTube", Kind::Video),
        ("amazon-ads", "Amazon", Kind::Shopping),
    ];
    for (given, name, kind) in cases {
        assert_eq!(
            of_given(given),
            (name.to_owned(), Some(kind), true),
            "{given}"
        );
    }
    for (_, seller) in PAID_NAMES {
        assert!(alias(seller).is_some(), "{seller}");
    }
}

#[test]
fn utm_source_wins_and_without_either_it_is_direct() {
    let referrer = Referrer::parse("https://www.google.com/", "page.example").unwrap();
    let name = |utm, referrer| of(utm, referrer).map(|source| source.name.into_owned());
    assert_eq!(
        name(Some("poster"), Some(&referrer)).as_deref(),
        Some("poster")
    );
    assert_eq!(name(Some("  "), Some(&referrer)).as_deref(), Some("Google"));
    assert_eq!(name(None, Some(&referrer)).as_deref(), Some("Google"));
    assert_eq!(name(Some(""), None), None);
    assert_eq!(name(None, None), None);
}

proptest! {
    #[test]
    fn naming_twice_changes_nothing(given in "[ -~ü]{1,70}") {
        if let Some(once) = of(Some(&given), None) {
            let twice = of(Some(&once.name), None).unwrap();
            prop_assert_eq!(&once.name, &twice.name);
            prop_assert_eq!(once.kind, twice.kind);
        }
    }

    #[test]
    fn no_input_panics(given in any::<String>(), host in "[a-z.]{0,300}") {
        let _ = of(Some(&given), None);
        let _ = of_host(&given);
        let _ = of_host(&host);
    }
}

/// `cargo test -p shared --release look_ups_are_quick -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn look_ups_are_quick() {
    let hosts = [
        "google.com",
        "google.com.br",
        "l.facebook.com",
        "t.co",
        "com.google.android.googlequicksearchbox",
        "us-east-1.console.aws.amazon.com",
        "some.blog.of.no.one.example.com",
        "unknown.example",
    ];
    let hostile = "a.".repeat(120) + "b";
    for host in hosts.into_iter().chain([hostile.as_str()]) {
        let referrer = Referrer::parse(&format!("https://{host}/"), "page.example").unwrap();
        let start = std::time::Instant::now();
        for _ in 0..1_000_000 {
            std::hint::black_box(of(None, Some(std::hint::black_box(&referrer))));
        }
        let each_ns = start.elapsed().as_nanos() / 1_000_000;
        println!("{each_ns:>5} ns  referrer {}", &host[..host.len().min(50)]);
    }
    for given in ["google", "fb-ads", "chatgpt.com", "Autumn Poster"] {
        let start = std::time::Instant::now();
        for _ in 0..1_000_000 {
            std::hint::black_box(of(Some(std::hint::black_box(given)), None));
        }
        let each_ns = start.elapsed().as_nanos() / 1_000_000;
        println!("{each_ns:>5} ns  utm_source {given}");
    }
}
