//! The tables against what a person says of real User-Agents, and the bots against others' lists.

use super::{Device, classify, is_bot};

const AGENTS: &str = include_str!("../../../tests/data/agents.tsv");

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

fn labelled() -> impl Iterator<Item = Vec<&'static str>> {
    let lines = AGENTS.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('\t').collect())
}

/// The strings anywhere in a JSON file of an npm package that `key` leads to; all if it is empty.
fn npm(path: &str, key: &str) -> Vec<String> {
    fn gather(value: &serde_json::Value, wanted: bool, key: &str, found: &mut Vec<String>) {
        match value {
            serde_json::Value::String(text) if wanted => found.push(text.clone()),
            serde_json::Value::Array(values) => {
                values
                    .iter()
                    .for_each(|value| gather(value, wanted, key, found));
            }
            serde_json::Value::Object(fields) => {
                fields
                    .iter()
                    .for_each(|(name, value)| gather(value, name == key, key, found));
            }
            _ => {}
        }
    }
    let path = format!("{}/../node_modules/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("run scripts/setup");
    let mut found = Vec::new();
    gather(
        &serde_json::from_str(&text).unwrap(),
        key.is_empty(),
        key,
        &mut found,
    );
    assert!(found.len() > 10);
    found
}

#[test]
fn says_what_a_person_says() {
    let mut wrong = Vec::new();
    let mut lines = 0;
    for line in labelled() {
        let [text, expected @ ..] = &line[..] else {
            panic!("{line:?}")
        };
        let agent = classify(text);
        let said = [
            agent.browser,
            agent.browser_version,
            agent.os,
            &agent.os_version,
            agent.device.as_str(),
        ];
        lines += 1;
        if said != expected {
            wrong.push(format!(
                "{text}\n  expected {expected:?}\n  said     {said:?}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {lines} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(lines >= 300, "{lines}");
}

/// The first number after `token`, wherever it is.
fn number_after(text: &str, token: &str) -> Option<u32> {
    let (_, rest) = text.split_once(token)?;
    let end = rest.find(|c: char| !c.is_ascii_digit());
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

#[test]
fn the_table_is_of_these_years_and_of_every_kind_of_device() {
    // What was new when 2023 began.
    let engines = [
        ("Chrome/", 109),
        ("CriOS/", 109),
        ("Firefox/", 109),
        ("FxiOS/", 109),
        ("Version/", 16),
        ("iPhone OS ", 16),
        ("CPU OS ", 16),
    ];
    let is_recent = |text: &str| {
        let mut engines = engines.iter();
        engines.any(|(token, first)| number_after(text, token).is_some_and(|n| n >= *first))
    };
    let recent = labelled().filter(|line| is_recent(line[0])).count();
    assert!(recent >= 300, "{recent} of 2023 and later");

    let of_device = |device: &str| labelled().filter(|line| line[5] == device).count();
    for (device, least) in [
        ("Desktop", 100),
        ("Mobile", 100),
        ("Tablet", 30),
        ("TV", 15),
        ("Console", 8),
    ] {
        assert!(
            of_device(device) >= least,
            "{device}: {}",
            of_device(device)
        );
    }
    let apps = "Instagram Facebook Messenger TikTok Snapchat Pinterest LinkedIn X Threads Telegram \
        WeChat LINE KakaoTalk NAVER Zalo Alipay Baidu";
    for app in apps.split_whitespace().chain(["Google App"]) {
        assert!(labelled().any(|line| line[1] == app), "{app}");
    }
}

#[test]
fn nobody_in_the_table_is_a_bot() {
    // isbot takes a Roku box and a bare HbbTV for programs: they name no browser.
    let people = labelled()
        .map(|line| line[0])
        .filter(|text| !text.starts_with("Roku") && !text.starts_with("HbbTV"));
    let bots: Vec<&str> = people.filter(|text| is_bot(text)).collect();
    assert!(bots.is_empty(), "{bots:#?}");
}

#[test]
fn nobody_in_lists_of_common_browsers_is_a_bot() {
    for file in ["index", "desktop", "mobile"] {
        for text in npm(&format!("top-user-agents/src/{file}.json"), "") {
            assert!(!is_bot(&text), "{text}");
        }
    }
    for text in npm("user-agents/dist/user-agents.json", "userAgent") {
        assert!(!is_bot(&text), "{text}");
    }
}

#[test]
fn known_crawlers_are_bots() {
    let crawlers = npm("crawler-user-agents/crawler-user-agents.json", "instances");
    let missed: Vec<&String> = crawlers.iter().filter(|text| !is_bot(text)).collect();
    let share = 100.0 - 100.0 * missed.len() as f64 / crawlers.len() as f64;
    println!(
        "{share:.2} % of {} caught, not: {missed:#?}",
        crawlers.len()
    );
    assert!(share >= 98.0);
}

#[test]
fn programs_are_bots() {
    for text in [
        "",
        " ",
        "5.0 (1) -",
        "curl/8.5.0",
        "python-requests/2.32.3",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Puppeteer",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Selenium/4",
    ] {
        assert!(is_bot(text), "{text:?}");
    }
}

/// Each of isbot's constructs that the build compiles, where it holds and where it does not.
#[test]
fn patterns_mean_what_they_mean_in_javascript() {
    let around = |text: &str| is_bot(&format!("Mozilla/5.0 (X11) {text} Gecko"));
    for (bot, person) in [
        ("SomeBot/1", "CUBOT/1 cubot"),  // (?<! cu)bots?(?:\b|_)
        ("bots_x", "botany"),            // \b or _
        ("googled", "google pixel"),     // (?!...)
        ("xGoogle", "a channel/google"), // (?<!...)
        ("news", "gnews newssapphire"),  // (?:^|[^g])news(?!sapphire)
        ("java", "java;"),               // (?!;)
        ("a@b-c.d", "a@bc d."),          // @[a-z][\w-]+\.
        ("abc/1.0;", "/1.0; abc/1.01;"), // \b\w+/1\.0;
        ("é|", "é"),                     // one byte
        ("perl", "perls paperl"),        // \b on both sides
        ("CRAWL", "craw l"),             // flag i
    ] {
        assert!(around(bot), "{bot}");
        assert!(!around(person), "{person}");
    }
    assert!(is_bot("Mozilla/5.0 ; x; abc;") && !is_bot("Mozilla/5.0 ; x; abc; d"));
    assert!(is_bot(&"é".repeat(50)) && !is_bot(&format!("é {}", "é".repeat(48))));
    assert!(is_bot("a/1.2.3.4") && !is_bot("Mozilla/5.0 (a) b/1.2.3.4 c"));
}

#[test]
fn what_is_not_known_is_empty() {
    for text in ["", "x", "é", "Mozilla/5.0", "()[];/"] {
        let agent = classify(text);
        assert_eq!(agent, super::Agent::default(), "{text}");
    }
    assert_eq!(classify("Chrome/12345 Android").browser_version, "");
    assert_eq!(classify("Android é").device, Device::Tablet);
}

/// No input makes either function panic or go over a text again and again.
#[test]
fn hostile_text_takes_a_time_linear_in_its_length() {
    let seeds = [
        ";",
        "; ",
        "a@",
        "@a",
        "news",
        "gnews",
        "bot",
        "cubot",
        "1.",
        "/1.0",
        "(",
        "Mobile ",
        "Chrome/",
        "é",
        "wv)",
        "iPhone OS ",
        "x",
    ];
    for seed in seeds {
        for prefix in ["", "Mozilla/5.0 (", "a/1"] {
            let text = format!("{prefix}{}", seed.repeat(20_000));
            // Quadratic would be minutes in a debug build.
            is_bot(&text);
            classify(&text);
        }
    }
    // Any cut is still valid input.
    for (end, _) in CHROME.char_indices() {
        is_bot(&CHROME[..end]);
        classify(&CHROME[end..]);
    }
}

/// `cargo test --release -p shared agent::tests::speed -- --ignored --nocapture`
#[test]
#[ignore = "prints nanoseconds per call"]
#[allow(clippy::disallowed_methods)] // Measures, and counts nothing.
fn speed() {
    let hostile: Vec<String> = ["Mobile Chrome/", "a@b", "; x", "bota news/1.0", "x"]
        .iter()
        .map(|seed| seed.repeat(1_000 / seed.len()))
        .collect();
    let labelled: Vec<&str> = labelled().map(|line| line[0]).collect();
    // The best of 20 rounds, because other work on the machine only ever adds.
    let measure = |name: &str, texts: &[&str]| {
        let passes = 20_000 / texts.len();
        let round = |run: &dyn Fn(&str) -> bool| {
            let start = std::time::Instant::now();
            for _ in 0..passes {
                for text in texts {
                    std::hint::black_box(run(std::hint::black_box(text)));
                }
            }
            start.elapsed().as_nanos() as usize / (passes * texts.len())
        };
        let best = |run: &dyn Fn(&str) -> bool| (0..20).map(|_| round(run)).min().unwrap_or(0);
        let classify = best(&|text| classify(text).browser.is_empty());
        println!(
            "{name}: classify {classify} ns, is_bot {} ns",
            best(&is_bot)
        );
    };
    measure("Chrome on Windows", &[CHROME]);
    measure("agents.tsv", &labelled);
    for text in &hostile {
        measure(&format!("1,000 bytes of {:?}", &text[..14]), &[text]);
    }
}
