//! What a link says about where its visitor comes from: the attribution in the query of a url.
//!
//! Always holds: nothing of the query survives but five values and the *name* of a click id. A
//! click id itself names one click of one person; it is never read further than to see that it
//! is there. Every value is non-blank, at most [`VALUE_CHARS_MAX`] characters, without control
//! characters and without space around it.

use url::form_urlencoded;

/// Longest value kept, characters.
pub const VALUE_CHARS_MAX: usize = 200;

/// The parameters that name the source, the first that is not blank wins.
const SOURCE_PARAMS: [&str; 3] = ["utm_source", "source", "ref"];

/// What was found in a query; `None` is absent or blank.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attribution {
    /// `utm_source`, else `source`, else `ref`, as given.
    pub source: Option<String>,
    /// `utm_medium`, as given.
    pub medium: Option<String>,
    /// `utm_campaign`, as given.
    pub campaign: Option<String>,
    /// `utm_content`, as given.
    pub content: Option<String>,
    /// `utm_term`, as given.
    pub term: Option<String>,
    /// Which click id there was.
    pub click_id: Option<ClickId>,
}

/// The parameters that advertisers add to a link; only which one is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClickId {
    /// Google Ads.
    Gclid,
    /// Google Ads, app to web on iOS.
    Gbraid,
    /// Google Ads, web to app on iOS.
    Wbraid,
    /// Microsoft Advertising.
    Msclkid,
    /// Facebook; on every link that leaves it, advertisement or not.
    Fbclid,
    /// X (Twitter).
    Twclid,
}

impl ClickId {
    /// All of them; of several in one query the first of this order is kept.
    pub const ALL: [ClickId; 6] = [
        ClickId::Gclid,
        ClickId::Gbraid,
        ClickId::Wbraid,
        ClickId::Msclkid,
        ClickId::Fbclid,
        ClickId::Twclid,
    ];

    /// The name of the parameter.
    pub const fn as_str(self) -> &'static str {
        match self {
            ClickId::Gclid => "gclid",
            ClickId::Gbraid => "gbraid",
            ClickId::Wbraid => "wbraid",
            ClickId::Msclkid => "msclkid",
            ClickId::Fbclid => "fbclid",
            ClickId::Twclid => "twclid",
        }
    }
}

impl Attribution {
    /// Reads a raw query: percent-encoded, `+` is a space, with or without the `?` before it.
    /// Parameter names are case-sensitive; of a repeated one the first that is not blank counts.
    pub fn parse(query: &str) -> Self {
        let query = query.strip_prefix('?').unwrap_or(query);
        let mut found = Self::default();
        let mut sources: [Option<String>; SOURCE_PARAMS.len()] = Default::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match &*name {
                "utm_medium" => &mut found.medium,
                "utm_campaign" => &mut found.campaign,
                "utm_content" => &mut found.content,
                "utm_term" => &mut found.term,
                name => {
                    let rank = SOURCE_PARAMS.iter().position(|param| *param == name);
                    match rank.and_then(|rank| sources.get_mut(rank)) {
                        Some(slot) => slot,
                        None => {
                            found.see_click_id(name, &value);
                            continue;
                        }
                    }
                }
            };
            if slot.is_none() {
                *slot = tidy(&value);
            }
        }
        found.source = sources.into_iter().flatten().next();
        found
    }

    fn see_click_id(&mut self, name: &str, value: &str) {
        let seen = ClickId::ALL.into_iter().find(|id| id.as_str() == name);
        if let Some(seen) = seen.filter(|_| !value.trim().is_empty()) {
            self.click_id = Some(self.click_id.map_or(seen, |earlier| earlier.min(seen)));
        }
    }
}

/// A value as it is kept; `None` when nothing is left of it.
fn tidy(value: &str) -> Option<String> {
    let is_plain = |b: u8| b.is_ascii_graphic() || b == b' ';
    if value.len() <= VALUE_CHARS_MAX && value.bytes().all(is_plain) {
        let kept = value.trim_matches(' ');
        return (!kept.is_empty()).then(|| kept.to_owned());
    }
    let visible = value.trim_matches(|c: char| c.is_control() || c.is_whitespace());
    let kept: String = visible
        .chars()
        .take(VALUE_CHARS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let kept = kept.trim_end();
    (!kept.is_empty()).then(|| kept.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn source(query: &str) -> Option<String> {
        Attribution::parse(query).source
    }

    #[test]
    fn all_five_values_are_decoded() {
        let found = Attribution::parse(
            "?utm_source=News%20letter&utm_medium=e-mail&utm_campaign=Spring+sale&\
             utm_content=%C3%BC&utm_term=a%26b&id=4711&email=ada%40example.com",
        );
        assert_eq!(
            found,
            Attribution {
                source: Some("News letter".into()),
                medium: Some("e-mail".into()),
                campaign: Some("Spring sale".into()),
                content: Some("ü".into()),
                term: Some("a&b".into()),
                click_id: None,
            }
        );
    }

    #[test]
    fn the_source_is_the_first_that_is_not_blank() {
        let cases = [
            ("ref=c&source=b&utm_source=a", Some("a")),
            ("ref=c&source=b", Some("b")),
            ("ref=c", Some("c")),
            ("utm_source=&source=+&ref=c", Some("c")),
            ("utm_source=%00%0a&ref=c", Some("c")),
            ("utm_source=&utm_source=a", Some("a")),
            ("utm_source=a&utm_source=b", Some("a")),
            ("UTM_SOURCE=a&sources=b&href=c", None),
            ("utm_source", None),
            ("", None),
            ("?", None),
        ];
        for (query, expected) in cases {
            assert_eq!(source(query).as_deref(), expected, "{query}");
        }
    }

    #[test]
    fn control_characters_become_spaces_and_space_around_goes() {
        assert_eq!(source("ref=%09a%00b%0A").as_deref(), Some("a b"));
        assert_eq!(source("ref=a%C2%85b").as_deref(), Some("a b"));
        assert_eq!(source("ref=%ff").as_deref(), Some("\u{fffd}"));
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        let long = source(&format!("ref={}", "ü".repeat(500))).unwrap();
        assert_eq!(long, "ü".repeat(VALUE_CHARS_MAX));
        let spaced = source(&format!("ref={}+++x", "a".repeat(VALUE_CHARS_MAX - 1))).unwrap();
        assert_eq!(spaced, "a".repeat(VALUE_CHARS_MAX - 1));
    }

    #[test]
    fn of_a_click_id_only_its_name_survives() {
        for id in ClickId::ALL {
            let found = Attribution::parse(&format!("a=b&{}=S3cretClick", id.as_str()));
            assert_eq!(found.click_id, Some(id));
            assert!(!format!("{found:?}").contains("S3cret"));
        }
        let several = Attribution::parse("fbclid=1&msclkid=2&wbraid=3&gclid=4");
        assert_eq!(several.click_id, Some(ClickId::Gclid));
        for none in ["gclid=", "gclid=+", "GCLID=1", "dclid=1"] {
            assert_eq!(Attribution::parse(none).click_id, None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn values_are_bounded_and_clean(query in "(utm_source|ref|utm_term|x)=(?s:.{0,300})(&utm_medium=%0[0-9a-f]{1}.{0,9}){0,3}") {
            let found = Attribution::parse(&query);
            let values = [found.source, found.medium, found.campaign, found.content, found.term];
            for value in values.into_iter().flatten() {
                prop_assert!(!value.is_empty() && value.trim() == value);
                prop_assert!(value.chars().count() <= VALUE_CHARS_MAX);
                prop_assert!(!value.chars().any(char::is_control));
            }
        }
    }
}
