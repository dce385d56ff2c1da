//! The mark sets as DESIGN.md, section 4, lists them, in the test's own words.

use rustc_hash::FxHashMap;
use shared::cube::{Counter, Cube};

use crate::sums::{Cell, Id, Names};

/// A part of a key that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Hour,
    /// A text of the cube's key.
    Text(usize),
    /// The first segments of the path that is the first text.
    Prefix(usize),
    /// A visit attribute.
    T(usize),
}

pub const ENTRY_PAGE: By = By::T(0);
pub const ENTRY_HOST: By = By::T(1);
pub const SOURCE: By = By::T(2);
pub const REFERRER: By = By::T(3);
pub const CHANNEL: By = By::T(4);
pub const UTM_SOURCE: By = By::T(5);
pub const UTM_MEDIUM: By = By::T(6);
pub const CAMPAIGN: By = By::T(7);
pub const UTM_CONTENT: By = By::T(8);
pub const UTM_TERM: By = By::T(9);
/// Of pages and exits.
pub const PAGE: By = By::Text(0);
pub const HOST: By = By::Text(1);
/// Of events and properties.
pub const NAME: By = By::Text(0);
pub const KEY: By = By::Text(1);
pub const VALUE: By = By::Text(2);
pub const GOAL: By = By::Text(0);
/// Of events and goals.
pub const ON_PAGE: By = By::Text(1);

/// A mark set.
pub type Set = (Counter, Cube, &'static [By]);

#[rustfmt::skip]
pub const SETS: [Set; 37] = [
    // "The site; page; host; path prefixes of depth 1 to 3; entry page; exit page; source; channel;
    // referrer; each UTM; event; goal; (event, property, value)".
    (Counter::DayVisitors, Cube::Visits, &[]),
    (Counter::DayViewVisitors, Cube::Pages, &[]),
    (Counter::DayPageVisitors, Cube::Pages, &[PAGE]),
    (Counter::DayHostVisitors, Cube::Pages, &[HOST]),
    (Counter::DayPrefix1Visitors, Cube::Pages, &[By::Prefix(1)]),
    (Counter::DayPrefix2Visitors, Cube::Pages, &[By::Prefix(2)]),
    (Counter::DayPrefix3Visitors, Cube::Pages, &[By::Prefix(3)]),
    (Counter::DayEntryPageVisitors, Cube::Visits, &[ENTRY_PAGE]),
    (Counter::DayExitPageVisitors, Cube::Exits, &[PAGE]),
    (Counter::DaySourceVisitors, Cube::Visits, &[SOURCE]),
    (Counter::DayChannelVisitors, Cube::Visits, &[CHANNEL]),
    (Counter::DayReferrerVisitors, Cube::Visits, &[REFERRER]),
    (Counter::DayUtmSourceVisitors, Cube::Visits, &[UTM_SOURCE]),
    (Counter::DayUtmMediumVisitors, Cube::Visits, &[UTM_MEDIUM]),
    (Counter::DayUtmCampaignVisitors, Cube::Visits, &[CAMPAIGN]),
    (Counter::DayUtmContentVisitors, Cube::Visits, &[UTM_CONTENT]),
    (Counter::DayUtmTermVisitors, Cube::Visits, &[UTM_TERM]),
    (Counter::DayEventVisitors, Cube::Events, &[NAME]),
    (Counter::DayGoalVisitors, Cube::Goals, &[GOAL]),
    (Counter::DayPropVisitors, Cube::Props, &[NAME, KEY, VALUE]),
    // "And the pairs that people ask for: page × source, page × channel, host × page, host ×
    // source, event × page, event × source, event × channel, goal × page, goal × source, goal ×
    // channel, goal × campaign".
    (Counter::DayPageSourceVisitors, Cube::Pages, &[PAGE, SOURCE]),
    (Counter::DayPageChannelVisitors, Cube::Pages, &[PAGE, CHANNEL]),
    (Counter::DayHostPageVisitors, Cube::Pages, &[HOST, PAGE]),
    (Counter::DayHostSourceVisitors, Cube::Pages, &[HOST, SOURCE]),
    (Counter::DayEventPageVisitors, Cube::Events, &[NAME, ON_PAGE]),
    (Counter::DayEventSourceVisitors, Cube::Events, &[NAME, SOURCE]),
    (Counter::DayEventChannelVisitors, Cube::Events, &[NAME, CHANNEL]),
    (Counter::DayGoalPageVisitors, Cube::Goals, &[GOAL, ON_PAGE]),
    (Counter::DayGoalSourceVisitors, Cube::Goals, &[GOAL, SOURCE]),
    (Counter::DayGoalChannelVisitors, Cube::Goals, &[GOAL, CHANNEL]),
    (Counter::DayGoalCampaignVisitors, Cube::Goals, &[GOAL, CAMPAIGN]),
    // "Per hour as well: the site; page; source; channel; event; goal".
    (Counter::HourVisitors, Cube::Visits, &[By::Hour]),
    (Counter::HourPageVisitors, Cube::Pages, &[By::Hour, PAGE]),
    (Counter::HourSourceVisitors, Cube::Visits, &[By::Hour, SOURCE]),
    (Counter::HourChannelVisitors, Cube::Visits, &[By::Hour, CHANNEL]),
    (Counter::HourEventVisitors, Cube::Events, &[By::Hour, NAME]),
    (Counter::HourGoalVisitors, Cube::Goals, &[By::Hour, GOAL]),
];

/// First segments of paths, by the path's number.
pub struct Prefixes(FxHashMap<Id, [Id; 3]>);

impl Prefixes {
    /// Of all pages among these cells.
    pub fn of<'a>(cells: impl Iterator<Item = &'a Cell>, names: &mut Names) -> Self {
        let mut prefixes = FxHashMap::default();
        for cell in cells.filter(|cell| cell.cube == Cube::Pages) {
            prefixes.entry(cell.texts[0]).or_insert_with(|| {
                let path = names.text(cell.texts[0]).to_owned();
                [1, 2, 3].map(|depth| {
                    let segments: Vec<&str> = path.split('/').take(depth + 1).collect();
                    names.id(&segments.join("/"))
                })
            });
        }
        Self(prefixes)
    }
}

/// What a key is by one of its parts.
pub fn value(cell: &Cell, by: By, prefixes: &Prefixes) -> Id {
    match by {
        By::Hour => cell.hour.into(),
        By::Text(place) => cell.texts[place],
        By::Prefix(depth) => prefixes.0[&cell.texts[0]][depth - 1],
        By::T(place) => cell.t[place],
    }
}
