//! The query engine: a typed [`Query`] in, [`Answer`] out. No HTTP in it.
//!
//! What is answered: `visitors` and `pageviews`, in total and by page, day, visit attributes (source,
//! channel, …) and client attributes (country, device, …). Visitors by several of page and visit
//! attributes at once are answered only where there is a mark set for them; otherwise refused.
//! All of it is exact: `pageviews` are sums; `visitors` are sums of visitor marks whose set fits
//! the dimensions (see `shared::marks`), so each visitor counts once per day.

mod parse;
mod plan;
mod range;
mod run;
mod scan;

use jiff::civil::Date;

pub use parse::{Invalid, parse};
pub use range::{Range, parse_range};
pub use run::run;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Visitors per day, summed over the days.
    Visitors,
    /// Page views.
    Pageviews,
}

impl Metric {
    /// All, with their names in the API.
    pub const ALL: [(&str, Metric); 2] = [
        ("visitors", Metric::Visitors),
        ("pageviews", Metric::Pageviews),
    ];

    /// The name in the API.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, metric)| *metric == self);
        found.map_or("", |(name, _)| name)
    }
}

/// By what it is broken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// The path.
    Page,
    /// ISO 3166 code.
    Country,
    /// Local date.
    Day,
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
    /// First page of the visit.
    EntryPage,
}

impl Dimension {
    /// All, with their names in the API.
    pub const ALL: [(&str, Dimension); 17] = [
        ("event:page", Dimension::Page),
        ("visit:country", Dimension::Country),
        ("time:day", Dimension::Day),
        ("visit:device", Dimension::Device),
        ("visit:browser", Dimension::Browser),
        ("visit:browser_version", Dimension::BrowserVersion),
        ("visit:os", Dimension::Os),
        ("visit:os_version", Dimension::OsVersion),
        ("visit:source", Dimension::Source),
        ("visit:referrer", Dimension::Referrer),
        ("visit:channel", Dimension::Channel),
        ("visit:utm_source", Dimension::UtmSource),
        ("visit:utm_medium", Dimension::UtmMedium),
        ("visit:utm_campaign", Dimension::UtmCampaign),
        ("visit:utm_content", Dimension::UtmContent),
        ("visit:utm_term", Dimension::UtmTerm),
        ("visit:entry_page", Dimension::EntryPage),
    ];

    /// Whether it is constant for a visitor, or the day: then any mark set stays exact under it.
    pub fn is_free(self) -> bool {
        matches!(
            self,
            Self::Day
                | Self::Country
                | Self::Device
                | Self::Browser
                | Self::BrowserVersion
                | Self::Os
                | Self::OsVersion
        )
    }

    /// The name in the API.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, dimension)| *dimension == self);
        found.map_or("", |(name, _)| name)
    }
}

/// What rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKey {
    /// A place in [`Query::metrics`].
    Metric(usize),
    /// A place in [`Query::dimensions`].
    Dimension(usize),
}

/// A checked query; dates are local to the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What is counted; not empty, no doubles.
    pub metrics: Vec<Metric>,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// By what; no doubles.
    pub dimensions: Vec<Dimension>,
    /// In which order; true is descending.
    pub order: Vec<(OrderKey, bool)>,
    /// Most rows.
    pub limit: usize,
    /// Rows left out before the first.
    pub offset: usize,
}

/// One row: a value per dimension, a number per metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// In the order of [`Query::dimensions`].
    pub dimensions: Vec<String>,
    /// In the order of [`Query::metrics`].
    pub metrics: Vec<u64>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The rows, ordered and paged. Without dimensions there is exactly one.
    pub rows: Vec<Row>,
    /// A salt was lost on one of the days: visitors may have been counted again.
    pub degraded: bool,
    /// Metrics that leave out what one of the days has by one dimension each only: places in
    /// [`Query::metrics`].
    pub partial: Vec<usize>,
}
