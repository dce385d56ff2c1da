//! Who is there now: how many visitors had their last event in which minute. In memory only; an
//! object that was read from storage begins with nobody and is right again five minutes later.

use std::collections::BTreeMap;

use crate::batch::Live;

/// Minutes that count as "now".
const WINDOW: u16 = 5;

/// See the module.
#[derive(Debug, Default)]
pub struct Presence(BTreeMap<u16, u64>);

impl Presence {
    /// A visitor whose event before was in minute `before` has one in `minute`.
    pub fn seen(&mut self, before: Option<u16>, minute: u16) {
        if before == Some(minute) && self.0.contains_key(&minute) {
            return;
        }
        if let Some(count) = before.and_then(|before| self.0.get_mut(&before)) {
            *count = count.saturating_sub(1);
        }
        let count = self.0.entry(minute).or_default();
        *count = count.saturating_add(1);
        let first = self.latest().unwrap_or(0).saturating_sub(WINDOW - 1);
        self.0 = self.0.split_off(&first);
    }

    /// The gauge, up to the latest minute with an event.
    pub fn live(&self) -> Option<Live> {
        Some(Live {
            visitors: self.0.values().sum(),
            minute: self.latest()?,
        })
    }

    fn latest(&self) -> Option<u16> {
        self.0.last_key_value().map(|(minute, _)| *minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_whoever_was_there_in_five_minutes_once() {
        let mut presence = Presence::default();
        assert!(presence.live().is_none());
        let live = |presence: &Presence| presence.live().map(|live| (live.minute, live.visitors));
        presence.seen(None, 10);
        presence.seen(None, 10);
        presence.seen(Some(10), 12);
        assert_eq!(live(&presence), Some((12, 2)));
        presence.seen(Some(12), 12);
        assert_eq!(live(&presence), Some((12, 2)));
        presence.seen(None, 14);
        assert_eq!(live(&presence), Some((14, 3)));
        presence.seen(None, 15);
        assert_eq!(live(&presence), Some((15, 3)), "minute 10 is past");
        presence.seen(Some(3), 30);
        assert_eq!(live(&presence), Some((30, 1)));
    }
}
