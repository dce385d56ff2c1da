//! Which column answers a metric, exactly.

use super::{Dimension, Metric};

/// The table and column whose sum is the metric under these dimensions; `None` where no mark set
/// fits, so that visitors could only be estimated.
pub fn column(metric: Metric, dimensions: &[Dimension]) -> Option<(&'static str, &'static str)> {
    let mut bound: Vec<Dimension> = dimensions.to_vec();
    bound.retain(|dimension| !dimension.is_free());
    if metric == Metric::Pageviews {
        return Some(("pages", "views"));
    }
    let has = |dimension| bound.contains(&dimension);
    Some(match bound.as_slice() {
        [] => ("visits", "day_visitors"),
        [Dimension::Page] => ("pages", "day_page_visitors"),
        [Dimension::EntryPage] => ("visits", "day_entry_page_visitors"),
        [Dimension::Source] => ("visits", "day_source_visitors"),
        [Dimension::Referrer] => ("visits", "day_referrer_visitors"),
        [Dimension::Channel] => ("visits", "day_channel_visitors"),
        [Dimension::UtmSource] => ("visits", "day_utm_source_visitors"),
        [Dimension::UtmMedium] => ("visits", "day_utm_medium_visitors"),
        [Dimension::UtmCampaign] => ("visits", "day_utm_campaign_visitors"),
        [Dimension::UtmContent] => ("visits", "day_utm_content_visitors"),
        [Dimension::UtmTerm] => ("visits", "day_utm_term_visitors"),
        [_, _] if has(Dimension::Page) && has(Dimension::Source) => {
            ("pages", "day_page_source_visitors")
        }
        [_, _] if has(Dimension::Page) && has(Dimension::Channel) => {
            ("pages", "day_page_channel_visitors")
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
        let visitors = |dimensions: &[Dimension]| column(Metric::Visitors, dimensions);
        assert_eq!(visitors(&[Day, Country]), Some(("visits", "day_visitors")));
        assert_eq!(
            visitors(&[Source, Page, Browser]),
            visitors(&[Page, Source])
        );
        assert_eq!(visitors(&[Source, Channel]), None);
        assert_eq!(visitors(&[Page, Source, Channel]), None);
        for (_, dimension) in Dimension::ALL {
            assert!(visitors(&[dimension]).is_some(), "{dimension:?}");
            assert!(column(Metric::Pageviews, &[dimension, Page]).is_some());
        }
    }
}
