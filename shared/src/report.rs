//! How delivery goes, as the edge tells it: what of each day object waits, and what the aggregator
//! refuses. Numbers only (I2).
//!
//! A day object tells the roster object ([`Report`]), that tells the aggregator of all of them
//! ([`Told`]), and both keep what they heard in a table ([`Reports`]) in which nothing stays that
//! is not told again: whoever tells may be gone without notice. A day object that has nothing to
//! tell any more says so once.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::batch::{BatchError, COUNT_MAX, Source, field, is_text};
use crate::clock::UnixMs;
use crate::limits::{self, ASK_AGAIN_MS, REASON_BYTES_MAX, REPORTS_MAX};

/// How often a day object tells that something waits, ms.
pub const TELL_MS: i64 = 60_000;
/// What waits is told every minute, and tried as often.
const KEPT_MS: i64 = 3 * TELL_MS;
/// A dead letter is tried, and told, every hour.
const DEAD_KEPT_MS: i64 = 3 * ASK_AGAIN_MS;

/// How the delivery of one source goes. What an edge of a later version tells besides is not looked
/// at: this must still get through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Which.
    pub source: Source,
    /// Batches that wait for an acknowledgement.
    pub waiting: u64,
    /// Dead letters: batches that were refused as malformed, and are kept aside.
    pub dead: u64,
    /// The first batch that waits is refused: those behind it wait with it.
    pub stuck: bool,
    /// The aggregator's database does not know the site, nor that one of its number was removed.
    pub unknown_site: bool,
    /// The aggregator takes no batches of this version of the wire format.
    #[serde(default, skip_serializing_if = "is_false")]
    pub other_version: bool,
    /// Why, of the last refusal; empty where there is none.
    pub reason: String,
    /// Hits accepted so far.
    pub hits_total: u64,
    /// Number of the last batch that was acknowledged; 0 for none.
    pub acknowledged: u64,
}

impl Report {
    /// Whether somebody has to look into it.
    pub fn is_trouble(&self) -> bool {
        self.dead > 0 || self.stuck
    }

    /// Whether there is nothing to tell.
    pub fn is_quiet(&self) -> bool {
        self.waiting == 0 && !self.is_trouble()
    }

    /// The same of a day object that is no more.
    #[must_use]
    pub fn ended(self) -> Self {
        Self {
            waiting: 0,
            dead: 0,
            stuck: false,
            unknown_site: false,
            other_version: false,
            reason: String::new(),
            ..self
        }
    }

    fn check(&self) -> Result<(), BatchError> {
        self.source.check()?;
        let numbers = [
            ("waiting", self.waiting),
            ("dead", self.dead),
            ("hits_total", self.hits_total),
            ("acknowledged", self.acknowledged),
        ];
        for (name, n) in numbers {
            if n > COUNT_MAX {
                return Err(field(name, "too large"));
            }
        }
        if self.reason.len() > REASON_BYTES_MAX || !is_text(&self.reason) {
            return Err(field("reason", "too long, or a control character"));
        }
        Ok(())
    }

    fn kept_ms(&self) -> i64 {
        match self.dead {
            0 => KEPT_MS,
            _ => DEAD_KEPT_MS,
        }
    }
}

/// A reason within bounds: without control characters, cut to [`REASON_BYTES_MAX`].
pub fn bounded_reason(text: &str) -> String {
    let mut kept = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        if kept.len().saturating_add(c.len_utf8()) > REASON_BYTES_MAX {
            break;
        }
        kept.push(c);
    }
    kept
}

/// Everything an edge has to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// One for each day object with something to tell, or that had a moment ago.
    pub sources: Vec<Report>,
    /// How many there was no room for.
    pub left_out: u64,
}

impl Told {
    /// Reads and checks what an edge has sent as JSON.
    ///
    /// # Errors
    /// Which field is wrong.
    pub fn decode(json: &[u8]) -> Result<Self, BatchError> {
        let told: Self =
            crate::json::read(json).map_err(|error| BatchError::Json(error.to_string()))?;
        if told.sources.len() > REPORTS_MAX {
            return Err(field("sources", "too many"));
        }
        if told.left_out > COUNT_MAX {
            return Err(field("left_out", "too large"));
        }
        told.sources.iter().try_for_each(Report::check)?;
        Ok(told)
    }
}

/// What several reports say together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Day objects with something to tell.
    pub sources: u64,
    /// Batches that wait.
    pub waiting: u64,
    /// Dead letters.
    pub dead: u64,
    /// Day objects that cannot go on.
    pub stuck: u64,
    /// Those of them whose site the aggregator's database does not know.
    pub unknown_site: u64,
    /// Those of them whose batches are of a version that the aggregator does not take.
    #[serde(default)]
    pub other_version: u64,
}

impl Sums {
    /// What somebody has to look into, in words; `None` where there is nothing.
    pub fn problem(&self) -> Option<String> {
        let Self {
            dead,
            stuck,
            unknown_site,
            other_version,
            ..
        } = self;
        let unknown = match unknown_site {
            0 => String::new(),
            n => format!(
                " ({n} of them count sites that its database does not know: restore the backup \
                 that does, see dayfly audit)"
            ),
        };
        let other = match other_version {
            0 => String::new(),
            n => format!(
                " ({n} of them send batches of a version that it does not take: upgrade it)"
            ),
        };
        (*dead > 0 || *stuck > 0).then(|| {
            format!(
                "the aggregator cannot take what was counted: {dead} refused batches are kept \
                 aside, {stuck} day objects cannot go on{unknown}{other}; nothing is lost"
            )
        })
    }
}

/// What was heard last of each source, and when. At most [`limits::REPORTS_MAX`]; trouble is kept
/// before what only waits.
#[derive(Debug, Default)]
pub struct Reports {
    by_source: FxHashMap<Source, (Report, UnixMs)>,
    left_out: u64,
}

impl Reports {
    /// Takes a report; true when it changes what trouble is known.
    pub fn take(&mut self, report: Report, now_ms: UnixMs) -> bool {
        let before = self.by_source.get(&report.source).map(|(before, _)| before);
        if before.is_none() && report.is_quiet() {
            return false; // It was never told that there was anything.
        }
        let trouble = |report: &Report| {
            let because = (report.unknown_site, report.other_version);
            (report.dead, report.stuck, because)
        };
        let changed = before.map_or((0, false, (false, false)), trouble) != trouble(&report);
        if before.is_none() && !self.has_room(&report, now_ms) {
            self.left_out = self.left_out.saturating_add(1);
            return false;
        }
        self.by_source
            .insert(report.source.clone(), (report, now_ms));
        changed
    }

    /// Forgets what was not told again in time.
    pub fn forget_old(&mut self, now_ms: UnixMs) {
        self.by_source
            .retain(|_, (report, heard_ms)| now_ms.saturating_sub(*heard_ms) < report.kept_ms());
        if self.by_source.len() < limits::REPORTS_MAX {
            self.left_out = 0;
        }
    }

    fn has_room(&mut self, report: &Report, now_ms: UnixMs) -> bool {
        if self.by_source.len() < limits::REPORTS_MAX {
            return true;
        }
        self.forget_old(now_ms);
        if self.by_source.len() >= limits::REPORTS_MAX && report.is_trouble() {
            let lesser = self.all().find(|(other, _)| !other.is_trouble());
            if let Some(source) = lesser.map(|(other, _)| other.source.clone()) {
                self.by_source.remove(&source);
                self.left_out = self.left_out.saturating_add(1);
            }
        }
        self.by_source.len() < limits::REPORTS_MAX
    }

    /// Every report with when it was heard, in no order.
    pub fn all(&self) -> impl Iterator<Item = (&Report, UnixMs)> {
        self.by_source.values().map(|(report, ms)| (report, *ms))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_source.is_empty()
    }

    /// All of them, to be told on.
    pub fn told(&self) -> Told {
        Told {
            sources: self.all().map(|(report, _)| report.clone()).collect(),
            left_out: self.left_out,
        }
    }

    /// How many there was no room for.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// What they say together.
    pub fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for (report, _) in self.all().filter(|(report, _)| !report.is_quiet()) {
            sums.sources = sums.sources.saturating_add(1);
            sums.waiting = sums.waiting.saturating_add(report.waiting);
            sums.dead = sums.dead.saturating_add(report.dead);
            sums.stuck = sums.stuck.saturating_add(report.stuck.into());
            let unknown_site = report.unknown_site.into();
            sums.unknown_site = sums.unknown_site.saturating_add(unknown_site);
            let other_version = report.other_version.into();
            sums.other_version = sums.other_version.saturating_add(other_version);
        }
        sums
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde wants it.
fn is_false(is: &bool) -> bool {
    !is
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn report(site: u32, waiting: u64, dead: u64, stuck: bool) -> Report {
        Report {
            source: Source {
                site,
                date: jiff::civil::date(2026, 11, 23),
                shard: 0,
                incarnation: "0".repeat(32),
            },
            waiting,
            dead,
            stuck,
            unknown_site: false,
            other_version: false,
            reason: String::new(),
            hits_total: 9,
            acknowledged: 1,
        }
    }

    #[test]
    fn what_is_not_told_again_is_forgotten_and_what_is_over_is_told_once() {
        let mut reports = Reports::default();
        assert!(!reports.take(report(1, 0, 0, false), 0), "nothing to tell");
        assert!(reports.is_empty());
        assert!(!reports.take(report(1, 3, 0, false), 0), "it only waits");
        assert!(reports.take(report(2, 0, 1, false), 0));
        assert!(reports.take(report(3, 1, 0, true), 0));
        assert!(!reports.take(report(3, 2, 0, true), 0), "as before");
        let sums = |reports: &Reports| {
            let sums = reports.sums();
            [sums.sources, sums.waiting, sums.dead, sums.stuck]
        };
        assert_eq!(sums(&reports), [3, 5, 1, 1]);
        assert!(reports.take(report(3, 0, 0, false), TELL_MS));
        assert_eq!(sums(&reports), [2, 3, 1, 0]);
        assert_eq!(
            reports.told().sources.len(),
            3,
            "that it is over is told too"
        );
        reports.forget_old(KEPT_MS);
        assert_eq!(sums(&reports), [1, 0, 1, 0]);
        reports.forget_old(DEAD_KEPT_MS);
        assert!(reports.is_empty());
    }

    #[test]
    fn the_table_is_bounded_and_trouble_comes_first() {
        let mut reports = Reports::default();
        let full = REPORTS_MAX as u32;
        for site in 0..full {
            reports.take(report(site, 1, 0, false), 0);
        }
        assert!(!reports.take(report(full, 1, 0, false), 0));
        assert_eq!(reports.left_out(), 1);
        assert!(reports.take(report(full + 1, 0, 1, false), 0));
        assert_eq!(reports.told().sources.len(), REPORTS_MAX);
        assert_eq!((reports.sums().dead, reports.left_out()), (1, 2));
        assert!(reports.take(report(full + 2, 0, 1, false), KEPT_MS));
        assert_eq!(reports.sums().sources, 2, "who was not heard made room");
        let json = serde_json::to_vec(&reports.told()).unwrap();
        assert_eq!(Told::decode(&json).unwrap(), reports.told());
    }

    #[test]
    fn every_field_out_of_bounds_is_named() {
        let good = Told {
            sources: vec![report(1, 1, 1, true)],
            left_out: 0,
        };
        let good = serde_json::to_value(&good).unwrap();
        let decode = |value: &Value| Told::decode(value.to_string().as_bytes());
        decode(&good).unwrap();
        for (pointer, value, starts) in [
            ("/left_out", json!(u64::MAX), "left_out: "),
            ("/sources/0/waiting", json!(u64::MAX), "waiting: "),
            ("/sources/0/dead", json!(-1), "body: "),
            ("/sources/0/stuck", json!(1), "body: "),
            ("/sources/0/reason", json!("x".repeat(201)), "reason: "),
            ("/sources/0/reason", json!("a\nb"), "reason: "),
            ("/sources/0/hits_total", json!(u64::MAX), "hits_total: "),
            ("/sources/0/acknowledged", json!(u64::MAX), "acknowledged: "),
            ("/sources/0/source/shard", json!(256), "source.shard: "),
            (
                "/sources/0/source/incarnation",
                json!("x"),
                "source.incarnation: ",
            ),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).unwrap() = value.clone();
            let error = decode(&bad).unwrap_err().to_string();
            assert!(error.starts_with(starts), "{pointer} {value}: {error}");
        }
        let mut many = good.clone();
        many["sources"] = json!(vec![good["sources"][0].clone(); REPORTS_MAX + 1]);
        assert_eq!(decode(&many).unwrap_err().to_string(), "sources: too many");
    }

    #[test]
    fn a_reason_is_cut_where_a_character_ends() {
        assert_eq!(bounded_reason("a\u{0}b\n"), "ab");
        let long = bounded_reason(&"é".repeat(300));
        assert_eq!(long.len(), REASON_BYTES_MAX);
    }
}
