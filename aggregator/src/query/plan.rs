//! What of the store answers a metric, exactly.

use shared::cube::{Counter, Cube};
use shared::rollup::{Dim, Place};

use super::{Dimension, Metric};

/// Where the numbers of a metric stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// In the rollup of a dimension, whose texts are told by [`texts_of`].
    Rollup(Dim, Counter),
    /// In the rows of a cube.
    Cube(Cube, Counter),
}

/// Rollups, and what their texts are.
const ROLLUPS: [(Dim, &[Dimension]); 17] = [
    (Dim::Total, &[]),
    (Dim::Page, &[Dimension::Page]),
    (Dim::EntryPage, &[Dimension::EntryPage]),
    (Dim::Source, &[Dimension::Source]),
    (Dim::Referrer, &[Dimension::Referrer]),
    (Dim::Channel, &[Dimension::Channel]),
    (Dim::UtmSource, &[Dimension::UtmSource]),
    (Dim::UtmMedium, &[Dimension::UtmMedium]),
    (Dim::UtmCampaign, &[Dimension::UtmCampaign]),
    (Dim::UtmContent, &[Dimension::UtmContent]),
    (Dim::UtmTerm, &[Dimension::UtmTerm]),
    (Dim::Country, &[Dimension::Country]),
    (Dim::Device, &[Dimension::Device]),
    (Dim::Browser, &[Dimension::Browser]),
    (Dim::Os, &[Dimension::Os]),
    (
        Dim::BrowserVersion,
        &[Dimension::Browser, Dimension::BrowserVersion],
    ),
    (Dim::OsVersion, &[Dimension::Os, Dimension::OsVersion]),
];

/// What the texts of a rollup's key are, in their order.
pub fn texts_of(dim: Dim) -> &'static [Dimension] {
    let found = ROLLUPS.iter().find(|(known, _)| *known == dim);
    found.map_or(&[], |(_, texts)| texts)
}

/// Where a dimension stands in rows of cubes; `None` for the day.
pub fn place_of(dimension: Dimension) -> Option<Place> {
    Some(match dimension {
        Dimension::Day => return None,
        // The first text of every cube that has a page and is asked for one.
        Dimension::Page => Place::Text(0),
        Dimension::EntryPage => Place::Visit(0),
        Dimension::Source => Place::Visit(2),
        Dimension::Referrer => Place::Visit(3),
        Dimension::Channel => Place::Visit(4),
        Dimension::UtmSource => Place::Visit(5),
        Dimension::UtmMedium => Place::Visit(6),
        Dimension::UtmCampaign => Place::Visit(7),
        Dimension::UtmContent => Place::Visit(8),
        Dimension::UtmTerm => Place::Visit(9),
        Dimension::Country => Place::Client(0),
        Dimension::Device => Place::Client(1),
        Dimension::Browser => Place::Client(2),
        Dimension::BrowserVersion => Place::Client(3),
        Dimension::Os => Place::Client(4),
        Dimension::OsVersion => Place::Client(5),
    })
}

/// How a metric is answered under these dimensions: from a rollup where one has all of them, from
/// rows of a cube otherwise; `None` where no mark set fits, so that visitors could only be
/// estimated.
pub fn plan(metric: Metric, dimensions: &[Dimension]) -> Option<Plan> {
    let (cube, counter) = counter(metric, dimensions)?;
    let bound = dimensions.iter().filter(|one| **one != Dimension::Day);
    let bound: Vec<Dimension> = bound.copied().collect();
    let rollup = ROLLUPS
        .iter()
        .find(|(dim, texts)| bound.iter().all(|one| texts.contains(one)) && dim.holds(counter));
    Some(match rollup {
        Some((dim, _)) => Plan::Rollup(*dim, counter),
        None => Plan::Cube(cube, counter),
    })
}

/// The counter whose sum is the metric under these dimensions, and its cube.
fn counter(metric: Metric, dimensions: &[Dimension]) -> Option<(Cube, Counter)> {
    let mut bound: Vec<Dimension> = dimensions.to_vec();
    bound.retain(|dimension| !dimension.is_free());
    if metric == Metric::Pageviews {
        return Some((Cube::Pages, Counter::Views));
    }
    let has = |dimension| bound.contains(&dimension);
    Some(match bound.as_slice() {
        [] => (Cube::Visits, Counter::DayVisitors),
        [Dimension::Page] => (Cube::Pages, Counter::DayPageVisitors),
        [Dimension::EntryPage] => (Cube::Visits, Counter::DayEntryPageVisitors),
        [Dimension::Source] => (Cube::Visits, Counter::DaySourceVisitors),
        [Dimension::Referrer] => (Cube::Visits, Counter::DayReferrerVisitors),
        [Dimension::Channel] => (Cube::Visits, Counter::DayChannelVisitors),
        [Dimension::UtmSource] => (Cube::Visits, Counter::DayUtmSourceVisitors),
        [Dimension::UtmMedium] => (Cube::Visits, Counter::DayUtmMediumVisitors),
        [Dimension::UtmCampaign] => (Cube::Visits, Counter::DayUtmCampaignVisitors),
        [Dimension::UtmContent] => (Cube::Visits, Counter::DayUtmContentVisitors),
        [Dimension::UtmTerm] => (Cube::Visits, Counter::DayUtmTermVisitors),
        [_, _] if has(Dimension::Page) && has(Dimension::Source) => {
            (Cube::Pages, Counter::DayPageSourceVisitors)
        }
        [_, _] if has(Dimension::Page) && has(Dimension::Channel) => {
            (Cube::Pages, Counter::DayPageChannelVisitors)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i10_visitors_are_answered_only_where_a_mark_set_fits() {
        use Dimension::{Browser, Channel, Country, Day, Page, Source};
        let visitors = |dimensions: &[Dimension]| plan(Metric::Visitors, dimensions);
        let by_country = Plan::Rollup(Dim::Country, Counter::DayVisitors);
        assert_eq!(visitors(&[Day, Country]), Some(by_country));
        assert_eq!(
            visitors(&[Country, Browser]),
            Some(Plan::Cube(Cube::Visits, Counter::DayVisitors))
        );
        assert_eq!(
            visitors(&[Source, Page, Browser]),
            visitors(&[Page, Source])
        );
        assert_eq!(visitors(&[Source, Channel]), None);
        assert_eq!(visitors(&[Page, Source, Channel]), None);
        for (_, dimension) in Dimension::ALL {
            assert!(visitors(&[dimension]).is_some(), "{dimension:?}");
            assert!(plan(Metric::Pageviews, &[dimension, Page]).is_some());
        }
    }
}
