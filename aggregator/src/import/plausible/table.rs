//! The published tables: their columns, and which counters these are.

use shared::cube::Counter;
use shared::rollup::Dim;

/// A table of a zip of daily counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its published name")]
pub enum Table {
    Visitors,
    Sources,
    Pages,
    EntryPages,
    ExitPages,
    CustomEvents,
    Locations,
    Devices,
    Browsers,
    OperatingSystems,
}

/// A table, its name, its columns.
type Spec = (Table, &'static str, &'static [&'static str]);

/// All of them with their columns after the date, in the order in which they are written.
pub const TABLES: [Spec; 10] = [
    (
        Table::Visitors,
        "visitors",
        &[
            "visitors",
            "pageviews",
            "bounces",
            "visits",
            "visit_duration",
        ],
    ),
    (
        Table::Sources,
        "sources",
        &[
            "source",
            "referrer",
            "utm_source",
            "utm_medium",
            "utm_campaign",
            "utm_content",
            "utm_term",
            "pageviews",
            "visitors",
            "visits",
            "visit_duration",
            "bounces",
        ],
    ),
    (
        Table::Pages,
        "pages",
        &[
            "hostname",
            "page",
            "visits",
            "visitors",
            "pageviews",
            "total_scroll_depth",
            "total_scroll_depth_visits",
            "total_time_on_page",
            "total_time_on_page_visits",
        ],
    ),
    (
        Table::EntryPages,
        "entry_pages",
        &[
            "entry_page",
            "visitors",
            "entrances",
            "visit_duration",
            "bounces",
            "pageviews",
        ],
    ),
    (
        Table::ExitPages,
        "exit_pages",
        &[
            "exit_page",
            "visitors",
            "visits",
            "pageviews",
            "bounces",
            "visit_duration",
            "exits",
        ],
    ),
    (
        Table::CustomEvents,
        "custom_events",
        &["name", "link_url", "path", "visitors", "events"],
    ),
    (
        Table::Locations,
        "locations",
        &[
            "country",
            "region",
            "city",
            "visitors",
            "visits",
            "visit_duration",
            "bounces",
            "pageviews",
        ],
    ),
    (
        Table::Devices,
        "devices",
        &[
            "device",
            "visitors",
            "visits",
            "visit_duration",
            "bounces",
            "pageviews",
        ],
    ),
    (
        Table::Browsers,
        "browsers",
        &[
            "browser",
            "browser_version",
            "visitors",
            "visits",
            "visit_duration",
            "bounces",
            "pageviews",
        ],
    ),
    (
        Table::OperatingSystems,
        "operating_systems",
        &[
            "operating_system",
            "operating_system_version",
            "visitors",
            "visits",
            "visit_duration",
            "bounces",
            "pageviews",
        ],
    ),
];

/// Columns of counts, in whatever table.
const COUNTS: [&str; 12] = [
    "visitors",
    "pageviews",
    "bounces",
    "visits",
    "visit_duration",
    "entrances",
    "exits",
    "events",
    "total_scroll_depth",
    "total_scroll_depth_visits",
    "total_time_on_page",
    "total_time_on_page_visits",
];

/// Whether a column counts; the others are texts.
pub fn is_count(column: &str) -> bool {
    COUNTS.contains(&column)
}

impl Table {
    /// Its columns after the date.
    pub fn columns(self) -> &'static [&'static str] {
        let found = TABLES.iter().find(|(table, ..)| *table == self);
        found.map_or(&[], |(_, _, columns)| columns)
    }

    /// The table of a file's name, `imported_<table>_<from>_<to>.csv`, in whatever folder.
    pub fn of_file(name: &str) -> Option<Self> {
        let name = name.rsplit(['/', '\\']).next()?;
        let name = name.strip_prefix("imported_")?.strip_suffix(".csv")?;
        let (name, to) = name.rsplit_once('_')?;
        let (name, from) = name.rsplit_once('_')?;
        let is_date = |text: &str| text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
        if !is_date(from) || !is_date(to) {
            return None;
        }
        let found = TABLES.iter().find(|(_, known, _)| *known == name);
        found.map(|(table, ..)| *table)
    }

    /// The columns that a file of it must have beside the date.
    pub fn required(self) -> &'static [&'static str] {
        match self {
            Table::Visitors => &["visitors"],
            Table::Sources => &["source", "visitors"],
            Table::Pages => &["page", "visitors"],
            Table::EntryPages => &["entry_page", "visitors", "entrances"],
            Table::ExitPages => &["exit_page", "visitors", "exits"],
            Table::CustomEvents => &["name", "visitors", "events"],
            Table::Locations => &["country", "visitors"],
            Table::Devices => &["device", "visitors"],
            Table::Browsers => &["browser", "visitors"],
            Table::OperatingSystems => &["operating_system", "visitors"],
        }
    }

    /// The rollup it is written from, and the columns of that one's texts.
    pub const fn written_from(self) -> (Dim, &'static [&'static str]) {
        match self {
            Table::Visitors => (Dim::Total, &[]),
            Table::Sources => (Dim::Source, &["source"]),
            Table::Pages => (Dim::Page, &["page"]),
            Table::EntryPages => (Dim::EntryPage, &["entry_page"]),
            Table::ExitPages => (Dim::ExitPage, &["exit_page"]),
            Table::CustomEvents => (Dim::Event, &["name"]),
            Table::Locations => (Dim::Country, &["country"]),
            Table::Devices => (Dim::Device, &["device"]),
            Table::Browsers => (Dim::BrowserVersion, &["browser", "browser_version"]),
            Table::OperatingSystems => (
                Dim::OsVersion,
                &["operating_system", "operating_system_version"],
            ),
        }
    }
}

/// What a column of counts is in a rollup: counters, each with what one of the column is of it.
/// The first is the one that is written.
pub fn counters(dim: Dim, column: &str) -> Vec<(Counter, u64)> {
    let of_visits = dim != Dim::Page;
    let all: &[(Counter, u64)] = match column {
        "visitors" => &[(visitors(dim), 1)],
        "pageviews" => &[(Counter::Views, 1), (Counter::EndedViews, 1)],
        // Whatever is told of a day that is over is of visits that are over.
        "visits" | "entrances" if of_visits => &[(Counter::Visits, 1), (Counter::EndedVisits, 1)],
        "visits" => &[(Counter::PageVisits, 1)],
        "visit_duration" => &[(Counter::DurationS, 1)],
        "bounces" => &[(Counter::Bounces, 1)],
        "exits" => &[(Counter::Exits, 1)],
        "events" if dim == Dim::Prop => &[(Counter::PropEvents, 1)],
        "events" => &[(Counter::Events, 1)],
        "total_scroll_depth" => &[(Counter::ScrollSum, 1)],
        "total_scroll_depth_visits" => &[(Counter::ScrollCount, 1)],
        "total_time_on_page" => &[(Counter::EngagedMs, 1_000)],
        "total_time_on_page_visits" => &[(Counter::EngagedCount, 1)],
        _ => &[],
    };
    let held = all.iter().filter(|(counter, _)| dim.holds(*counter));
    held.copied().collect()
}

/// The counter of a dimension's own visitors.
const fn visitors(dim: Dim) -> Counter {
    match dim {
        Dim::Page => Counter::DayPageVisitors,
        Dim::Host => Counter::DayHostVisitors,
        Dim::EntryPage => Counter::DayEntryPageVisitors,
        Dim::ExitPage => Counter::DayExitPageVisitors,
        Dim::Source => Counter::DaySourceVisitors,
        Dim::Referrer => Counter::DayReferrerVisitors,
        Dim::Channel => Counter::DayChannelVisitors,
        Dim::UtmSource => Counter::DayUtmSourceVisitors,
        Dim::UtmMedium => Counter::DayUtmMediumVisitors,
        Dim::UtmCampaign => Counter::DayUtmCampaignVisitors,
        Dim::UtmContent => Counter::DayUtmContentVisitors,
        Dim::UtmTerm => Counter::DayUtmTermVisitors,
        Dim::Event => Counter::DayEventVisitors,
        Dim::Prop => Counter::DayPropVisitors,
        Dim::Prefix1 => Counter::DayPrefix1Visitors,
        Dim::Prefix2 => Counter::DayPrefix2Visitors,
        Dim::Prefix3 => Counter::DayPrefix3Visitors,
        Dim::Goal => Counter::DayGoalVisitors,
        Dim::Funnel => Counter::FunnelVisitors,
        _ => Counter::DayVisitors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_names() {
        for (name, table) in [
            (
                "imported_visitors_20260101_20260131.csv",
                Some(Table::Visitors),
            ),
            (
                "x/imported_operating_systems_20260101_20260131.csv",
                Some(Table::OperatingSystems),
            ),
            (
                "imported_exit_pages_20260101_20260131.csv",
                Some(Table::ExitPages),
            ),
            ("imported_visitors_2026_20260131.csv", None),
            ("imported_cats_20260101_20260131.csv", None),
            ("visitors_20260101_20260131.csv", None),
            ("imported_visitors_20260101_20260131.txt", None),
            ("", None),
        ] {
            assert_eq!(Table::of_file(name), table, "{name}");
        }
    }

    #[test]
    fn every_table_says_who_visited_and_every_column_is_a_count_or_a_text() {
        for (table, name, columns) in TABLES {
            let (dim, texts) = table.written_from();
            assert_eq!(dim.texts(), texts.len(), "{name}");
            assert!(
                texts
                    .iter()
                    .all(|text| columns.contains(text) && !is_count(text))
            );
            assert!(
                table
                    .required()
                    .iter()
                    .all(|column| columns.contains(column))
            );
            assert_eq!(counters(dim, "visitors").len(), 1, "{name}");
        }
        assert_eq!(counters(Dim::Page, "visits"), [(Counter::PageVisits, 1)]);
        assert_eq!(counters(Dim::ExitPage, "visits"), []);
        assert_eq!(
            counters(Dim::Country, "pageviews"),
            [(Counter::Views, 1), (Counter::EndedViews, 1)]
        );
    }
}
