//! Referrer spam: hosts that were never visited from, but are sent as a referrer so that the
//! owners of sites look them up. An event with such a referrer is dropped.
//!
//! The list is hand-written: names that have been known for this for years and are good for
//! nothing else. A host is on it with all its subdomains. Always holds: the list is sorted (a
//! test looks), and what a well-known source is named for is not on it.

/// Whether a referrer's host (lower case, without `www.`) is known for spam.
pub fn is_spam(host: &str) -> bool {
    // No entry has more labels than this, however many a hostile host has.
    let start = host.rmatch_indices('.').nth(LABELS_MAX - 1);
    let mut domain = start.map_or(host, |(at, _)| host.get(at + 1..).unwrap_or_default());
    loop {
        if SPAM_HOSTS.binary_search(&domain).is_ok() {
            return true;
        }
        match domain.split_once('.') {
            Some((_, parent)) => domain = parent,
            None => return false,
        }
    }
}

const LABELS_MAX: usize = 3;

static SPAM_HOSTS: &[&str] = &[
    "100dollars-seo.com",
    "4webmasters.org",
    "7makemoneyonline.com",
    "adspart.com",
    "amanda-porn.ga",
    "anticrawler.org",
    "baixar-musicas-gratis.com",
    "best-seo-offer.com",
    "best-seo-report.com",
    "best-seo-solution.com",
    "black-friday.ga",
    "blackhatworth.com",
    "burger-imperia.com",
    "buttons-for-website.com",
    "buttons-for-your-website.com",
    "cenoval.ru",
    "chinese-amezon.com",
    "cookie-law-enforcement-aa.xyz",
    "cookie-law-enforcement-bb.xyz",
    "copyrightclaims.org",
    "cyber-monday.ga",
    "dailyrank.net",
    "darodar.com",
    "dbutton.net",
    "depositfiles-porn.ga",
    "descargar-musica-gratis.net",
    "domination.ml",
    "ecommerce-seo.org",
    "econom.co",
    "edakgfvwql.ru",
    "erot.co",
    "eu-cookie-law-enforcement-1.xyz",
    "event-tracking.com",
    "eyes-on-you.ga",
    "fast-wordpress-start.com",
    "fbdownloader.com",
    "fix-website-errors.com",
    "floating-share-buttons.com",
    "for-your.website",
    "forsex.info",
    "free-floating-buttons.com",
    "free-share-buttons.com",
    "free-social-buttons.com",
    "free-traffic.xyz",
    "freewhatsappload.com",
    "generalporn.org",
    "get-free-traffic-now.com",
    "gobongo.info",
    "googlsucks.com",
    "guardlink.org",
    "hongfanji.com",
    "howtostopreferralspam.eu",
    "hulfingtonpost.com",
    "humanorightswatch.org",
    "ilovevitaly.co",
    "ilovevitaly.com",
    "ilovevitaly.ru",
    "interesnie-faktiki.ru",
    "iskalko.ru",
    "justprofit.xyz",
    "kambasoft.com",
    "keywords-monitoring-success.com",
    "keywords-monitoring-your-success.com",
    "kinoix.net",
    "law-enforcement-bot-ff.xyz",
    "law-enforcement-check-three.xyz",
    "lomb.co",
    "lombia.co",
    "lsex.xyz",
    "lumb.co",
    "luxup.ru",
    "meendo-free-traffic.ga",
    "monetizationking.net",
    "o-o-6-o-o.com",
    "o-o-8-o-o.com",
    "openmediasoft.com",
    "pizza-imperia.com",
    "pops.foundation",
    "pornhub-forum.ga",
    "priceg.com",
    "qualitymarketzone.com",
    "quit-smoking.ga",
    "rank-checker.online",
    "rankings-analytics.com",
    "ranksonic.com",
    "ranksonic.info",
    "ranksonic.org",
    "rapidgator-porn.ga",
    "rusexy.xyz",
    "savetubevideo.com",
    "screentoolkit.com",
    "semalt.com",
    "semaltmedia.com",
    "seo-2-0.com",
    "seo-platform.com",
    "seoanalyses.com",
    "seoexperimenty.ru",
    "sexyali.com",
    "share-buttons-for-free.com",
    "share-buttons.xyz",
    "sharebutton.net",
    "sharebutton.to",
    "simple-share-buttons.com",
    "sitevaluation.org",
    "sledstvie-veli.net",
    "slftsdybbg.ru",
    "smailik.org",
    "social-buttons.com",
    "socialseet.ru",
    "softomix.com",
    "softomix.net",
    "softomix.ru",
    "soundfrost.org",
    "spacash.com",
    "srecorder.com",
    "steame.ru",
    "success-seo.com",
    "superiends.org",
    "theguardlan.com",
    "torture.ml",
    "traffic2cash.org",
    "traffic2cash.xyz",
    "traffic2money.com",
    "trafficmonetize.org",
    "trafficmonetizer.org",
    "uptimebot.net",
    "uptimechecker.com",
    "vapmedia.org",
    "video--production.com",
    "videos-for-your-business.com",
    "vodkoved.ru",
    "web-revenue.xyz",
    "webmaster-traffic.com",
    "webmonetizer.net",
    "website-analyzer.info",
    "website-errors-scanner.com",
    "websites-reviews.com",
    "wordpress-crew.net",
    "xn--lifehacer-1rb.com",
    "xn--oogle-wmc.com",
    "xtraffic.plus",
    "youporn-forum.ga",
    "yourserverisdown.com",
    "zastroyka.org",
    "zvetki.ru",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_well_formed() {
        assert!(SPAM_HOSTS.is_sorted_by(|a, b| a < b));
        assert!(SPAM_HOSTS.len() >= 60);
        for host in SPAM_HOSTS {
            let labels = host.split('.').count();
            assert!((2..=LABELS_MAX).contains(&labels), "{host}");
            assert!(
                host.bytes().all(|b| b.is_ascii_lowercase()
                    || b.is_ascii_digit()
                    || matches!(b, b'.' | b'-'))
            );
            assert!(!host.starts_with("www."), "{host}");
        }
    }

    #[test]
    fn a_spam_host_with_its_subdomains() {
        for spam in [
            "semalt.com",
            "semalt.semalt.com",
            "41.semalt.com",
            "forum.topic12345678.darodar.com",
            "buttons-for-website.com",
            "a.b.c.d.e.f.free-social-buttons.com",
        ] {
            assert!(is_spam(spam), "{spam}");
        }
        for host in [
            "",
            ".",
            "com",
            "example.com",
            "notsemalt.com",
            "semalt.com.example",
            "semalt.example",
            "google.com",
        ] {
            assert!(!is_spam(host), "{host}");
        }
        assert!(!is_spam(&"a.".repeat(10_000)));
    }

    #[test]
    fn no_well_known_source_is_spam() {
        for host in SPAM_HOSTS {
            let url = format!("https://{host}/");
            let referrer = crate::referrer::Referrer::parse(&url, "page.example");
            let source = crate::source::of(None, referrer.as_ref()).unwrap();
            assert_eq!(source.kind, None, "{host}");
        }
    }
}
