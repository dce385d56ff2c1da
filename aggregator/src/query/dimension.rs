//! By what a question is broken down or filtered, and where that stands in what is stored.

use std::borrow::Cow;

use shared::cube::Cube;
use shared::rollup::{Dim, Place};

use crate::country;

/// A dimension.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// The path.
    Page,
    /// The page's host.
    Hostname,
    /// `pageview`, or a custom event's name.
    EventName,
    /// A goal, by its name.
    Goal,
    /// The values of one property.
    Prop(String),
    /// First page of the visit.
    EntryPage,
    /// Its host.
    EntryHost,
    /// Last page of the visit.
    ExitPage,
    /// Source of the visit.
    Source,
    /// Referrer: host and path.
    Referrer,
    /// Channel.
    Channel,
    /// `utm_source`.
    UtmSource,
    /// `utm_medium`.
    UtmMedium,
    /// `utm_campaign`.
    UtmCampaign,
    /// `utm_content`.
    UtmContent,
    /// `utm_term`.
    UtmTerm,
    /// Kind of device.
    Device,
    /// Browser.
    Browser,
    /// Browser's major version.
    BrowserVersion,
    /// Operating system.
    Os,
    /// Operating system's version.
    OsVersion,
    /// ISO 3166 code.
    Country,
    /// The country's English name.
    CountryName,
    /// Hour of the site's day.
    Hour,
    /// Date in the site's zone.
    Day,
    /// Week, by its Monday or the range's first day.
    Week,
    /// Month, by its first day or the range's.
    Month,
}

use Dimension as D;

/// All but properties, with their names in the API; the first name of each is the one that is told.
const NAMES: [(&str, Dimension); 27] = [
    ("event:page", D::Page),
    ("event:hostname", D::Hostname),
    ("event:name", D::EventName),
    ("event:goal", D::Goal),
    ("visit:entry_page", D::EntryPage),
    ("visit:entry_page_hostname", D::EntryHost),
    ("visit:exit_page", D::ExitPage),
    ("visit:source", D::Source),
    ("visit:referrer", D::Referrer),
    ("visit:channel", D::Channel),
    ("visit:utm_source", D::UtmSource),
    ("visit:utm_medium", D::UtmMedium),
    ("visit:utm_campaign", D::UtmCampaign),
    ("visit:utm_content", D::UtmContent),
    ("visit:utm_term", D::UtmTerm),
    ("visit:device", D::Device),
    ("visit:screen", D::Device),
    ("visit:browser", D::Browser),
    ("visit:browser_version", D::BrowserVersion),
    ("visit:os", D::Os),
    ("visit:os_version", D::OsVersion),
    ("visit:country", D::Country),
    ("visit:country_name", D::CountryName),
    ("time:hour", D::Hour),
    ("time:day", D::Day),
    ("time:week", D::Week),
    ("time:month", D::Month),
];
/// Before the key of a property.
const PROPS: &str = "event:props:";
/// Longest key of a property that is asked for, characters: as long as one can be.
const PROP_KEY_CHARS_MAX: usize = 300;

/// What every empty value is called by one dimension or another.
pub const EMPTY: [&str; 3] = ["(none)", "(not set)", "Direct / None"];

impl Dimension {
    /// All but properties, each once, with their names.
    pub fn all() -> impl Iterator<Item = (&'static str, Dimension)> {
        NAMES
            .into_iter()
            .filter(|(name, _)| *name != "visit:screen")
    }

    /// The dimension of a name.
    ///
    /// # Errors
    /// There is none; the text says which there are, or why there is not this one.
    pub fn parse(name: &str) -> Result<Self, String> {
        if let Some((_, dimension)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Ok(dimension.clone());
        }
        if let Some(key) = name.strip_prefix(PROPS) {
            if key.is_empty() || key.chars().count() > PROP_KEY_CHARS_MAX {
                return Err(format!(
                    "the key of a property has 1 to {PROP_KEY_CHARS_MAX} characters"
                ));
            }
            return Ok(D::Prop(key.to_owned()));
        }
        Err(match name {
            "visit:region" | "visit:city" | "visit:region_name" | "visit:city_name" => {
                format!("{name} does not exist: the country is the finest place that is ever known")
            }
            "visit:exit_page_hostname" => {
                "visit:exit_page_hostname is not counted; ask for visit:exit_page".into()
            }
            _ => {
                let all: Vec<&str> = Self::all().map(|(name, _)| name).collect();
                let shown: String = name.chars().take(80).collect();
                format!(
                    "unknown dimension {shown:?}; known are {}, {PROPS}<key>",
                    all.join(", ")
                )
            }
        })
    }

    /// The name in the API.
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            D::Prop(key) => format!("{PROPS}{key}").into(),
            _ => {
                let found = NAMES.iter().find(|(_, dimension)| dimension == self);
                found.map_or("", |(name, _)| name).into()
            }
        }
    }

    /// The name without its prefix, as the first API and CSV have it.
    pub fn short_name(&self) -> String {
        let name = self.name();
        let short = name.rsplit_once(':').map_or(&*name, |(_, short)| short);
        match self {
            D::Hour | D::Day | D::Week | D::Month => "date".to_owned(),
            D::Prop(key) => key.clone(),
            _ => short.to_owned(),
        }
    }

    /// Whether it is a span of time.
    pub fn is_time(&self) -> bool {
        matches!(self, D::Hour | D::Day | D::Week | D::Month)
    }

    /// Whether it is constant for a visitor and a day: any mark set stays exact under it.
    pub fn is_free(&self) -> bool {
        matches!(self.place(Cube::Visits), Some(Place::Client(_)))
    }

    /// Whether it is of an event, so that a visit has several of it.
    pub fn is_of_events(&self) -> bool {
        matches!(
            self,
            D::Page | D::Hostname | D::EventName | D::Goal | D::Prop(_)
        )
    }

    /// Where it stands in the rows of a cube; `None` where it does not, and for spans of time.
    pub fn place(&self, cube: Cube) -> Option<Place> {
        Some(match self {
            D::EntryPage => Place::Visit(0),
            D::EntryHost => Place::Visit(1),
            D::Source => Place::Visit(2),
            D::Referrer => Place::Visit(3),
            D::Channel => Place::Visit(4),
            D::UtmSource => Place::Visit(5),
            D::UtmMedium => Place::Visit(6),
            D::UtmCampaign => Place::Visit(7),
            D::UtmContent => Place::Visit(8),
            D::UtmTerm => Place::Visit(9),
            D::Country | D::CountryName => Place::Client(0),
            D::Device => Place::Client(1),
            D::Browser => Place::Client(2),
            D::BrowserVersion => Place::Client(3),
            D::Os => Place::Client(4),
            D::OsVersion => Place::Client(5),
            _ => Place::Text(match (cube, self) {
                (Cube::Pages, D::Page) | (Cube::Exits, D::ExitPage) | (Cube::Goals, D::Goal) => 0,
                (Cube::Events | Cube::Props | Cube::Revenue, D::EventName) => 0,
                (Cube::Pages, D::Hostname) => 1,
                (Cube::Events | Cube::Goals, D::Page) => 1,
                (Cube::Props, D::Prop(_)) => 2,
                _ => return None,
            }),
        })
    }

    /// Where it stands in the key of a rollup; `None` where it does not, and for spans of time.
    pub fn text_of(&self, dim: Dim) -> Option<usize> {
        let is = |known: &Dimension| {
            known == self || matches!((known, self), (D::Country, D::CountryName))
        };
        let texts: &[Dimension] = match dim {
            Dim::Page => &[D::Page],
            Dim::Host => &[D::Hostname],
            Dim::EntryPage => &[D::EntryPage],
            Dim::EntryHost => &[D::EntryHost],
            Dim::ExitPage => &[D::ExitPage],
            Dim::Source => &[D::Source],
            Dim::Referrer => &[D::Referrer],
            Dim::Channel => &[D::Channel],
            Dim::UtmSource => &[D::UtmSource],
            Dim::UtmMedium => &[D::UtmMedium],
            Dim::UtmCampaign => &[D::UtmCampaign],
            Dim::UtmContent => &[D::UtmContent],
            Dim::UtmTerm => &[D::UtmTerm],
            Dim::Country => &[D::Country],
            Dim::Device => &[D::Device],
            Dim::Browser => &[D::Browser],
            Dim::BrowserVersion => &[D::Browser, D::BrowserVersion],
            Dim::Os => &[D::Os],
            Dim::OsVersion => &[D::Os, D::OsVersion],
            Dim::Event | Dim::Revenue => &[D::EventName],
            Dim::Goal => &[D::Goal],
            Dim::Prop => {
                return match self {
                    D::EventName => Some(0),
                    D::Prop(_) => Some(2),
                    _ => None,
                };
            }
            Dim::Total | Dim::Funnel | Dim::Prefix1 | Dim::Prefix2 | Dim::Prefix3 => &[],
        };
        texts.iter().position(is)
    }

    /// How an empty value is shown (COMPAT.md, section 1).
    pub fn empty(&self) -> &'static str {
        match self {
            D::Source | D::Referrer => EMPTY[2],
            D::UtmSource
            | D::UtmMedium
            | D::UtmCampaign
            | D::UtmContent
            | D::UtmTerm
            | D::BrowserVersion
            | D::OsVersion => EMPTY[1],
            _ => EMPTY[0],
        }
    }

    /// A stored value as it is shown. Goals are shown by their names elsewhere.
    pub fn shown<'a>(&self, stored: &'a str) -> Cow<'a, str> {
        match self {
            _ if stored.is_empty() => self.empty().into(),
            D::CountryName => country::name(stored).into(),
            _ => stored.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::cube::CUBES;
    use shared::rollup::DIMS;

    #[test]
    fn names_are_read_as_they_are_told() {
        for (name, dimension) in Dimension::all() {
            assert_eq!(dimension.name(), name);
            assert_eq!(Dimension::parse(name), Ok(dimension));
        }
        let prop = Dimension::parse("event:props:plan:a").unwrap();
        assert_eq!(prop, Dimension::Prop("plan:a".into()));
        assert_eq!(prop.name(), "event:props:plan:a");
        assert_eq!(prop.short_name(), "plan:a");
        assert_eq!(Dimension::parse("visit:screen"), Ok(Dimension::Device));
        for bad in ["", "page", "event:props:", "visit:city", "time:year", "ü"] {
            assert!(Dimension::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rollups_texts_are_what_the_cubes_have_there() {
        for (name, dimension) in Dimension::all() {
            for (dim, ..) in DIMS {
                let Some(text) = dimension.text_of(dim) else {
                    continue;
                };
                let mut keys = CUBES
                    .into_iter()
                    .flat_map(shared::rollup::parts)
                    .filter(|part| part.dim == dim);
                let same = keys.any(|part| dimension.place(part.cube) == Some(part.key[text]));
                assert!(same, "{name} {dim:?}");
            }
        }
    }
}
