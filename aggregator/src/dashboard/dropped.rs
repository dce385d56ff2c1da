//! The panel "Not counted": what was filtered, in plain words.

use shared::drops::Drop;

use super::view::number;

/// A line of the panel.
pub struct DroppedLine {
    /// Why.
    pub label: String,
    /// Share of the longest line, 0 to 100.
    pub width: u64,
    /// How many events.
    pub events: String,
}

/// The lines of the panel for numbers by reason, the largest first.
pub fn lines(dropped: &[(String, u64)]) -> Vec<DroppedLine> {
    let longest = dropped.first().map_or(1, |(_, n)| *n).max(1);
    let line = |(reason, n): &(String, u64)| DroppedLine {
        label: label(reason),
        width: n * 100 / longest,
        events: number(*n),
    };
    dropped.iter().map(line).collect()
}

/// A reason in plain words; one that only another version knows is shown as it is.
fn label(name: &str) -> String {
    let found = Drop::ALL.iter().find(|(_, known)| *known == name);
    let words = found.map(|(reason, _)| match reason {
        Drop::UnknownSite => "Sites not known",
        Drop::EngagementWithoutVisit => "Engagement after a visit was over",
        Drop::Throttled => "Too many from one place",
        Drop::Bot => "Programs (bots)",
        Drop::SpamReferrer => "Referrer spam",
        Drop::ShieldHost => "Hosts not on your list",
        Drop::ShieldPage => "Pages you shield",
        Drop::ShieldCountry => "Countries you shield",
        Drop::ShieldNetwork => "Addresses you shield",
        Drop::Gpc => "Global Privacy Control",
        Drop::Dnt => "Do Not Track",
        Drop::OptedOut => "Visitors who asked not to be counted",
    });
    words.unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_words() {
        let all: Vec<(String, u64)> = Drop::ALL
            .iter()
            .map(|(_, name)| ((*name).to_owned(), 5))
            .collect();
        for line in lines(&all) {
            assert!(line.label.starts_with(char::is_uppercase), "{}", line.label);
            assert_eq!((line.width, line.events.as_str()), (100, "5"));
        }
        assert_eq!(label("bot"), "Programs (bots)");
        assert_eq!(label("of_tomorrow"), "of_tomorrow");
        assert!(lines(&[]).is_empty());
    }
}
