//! What the aggregator's answer to a batch means, and how long is waited for another.

use serde::Deserialize;

/// Longest pause between two tries to deliver, ms.
pub const PAUSE_MS_MAX: i64 = 60_000;
/// Half of the first pause, ms.
const PAUSE_MS: i64 = 500;

/// What the aggregator said to a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It has the batch (now, or had it before).
    Taken,
    /// It lacks batches before this one; the last it has is given.
    Gap {
        /// Number of the last batch it has.
        last: u64,
    },
    /// It cannot read it.
    Malformed {
        /// Why, in its words.
        reason: String,
    },
    /// It has another batch of this number.
    Conflict,
    /// It takes no batches of this version of the wire format: it is to be upgraded.
    OtherVersion {
        /// That, in its words.
        reason: String,
    },
    /// Its database has no such site, and none of that number was removed from it: it is empty, or
    /// older than the site.
    UnknownSite {
        /// That, in its words.
        reason: String,
    },
}

/// What became of a batch that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It was answered.
    Answer(Answer),
    /// The site was removed (I12).
    Gone,
    /// Nothing that tells: it is sent again after a pause, for ever.
    Later,
}

impl Said {
    /// Reads an answer. A refusal counts only in the aggregator's own words: what stands between
    /// may refuse, too, and knows nothing of batches. That a site was removed must be said in so
    /// many words, for it is the one answer after which counts are dropped.
    pub fn read(status: u16, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
            last: Option<u64>,
            #[serde(default)]
            removed: bool,
            takes: Option<Vec<u8>>,
        }
        let refusal = || crate::json::read::<Refusal>(body).ok();
        match status {
            200 => Self::Answer(Answer::Taken),
            409 => refusal().map_or(Self::Later, |refusal| {
                let gap = refusal.last.map(|last| Answer::Gap { last });
                Self::Answer(gap.unwrap_or(Answer::Conflict))
            }),
            404 => refusal().map_or(Self::Later, |Refusal { error: reason, .. }| {
                Self::Answer(Answer::UnknownSite { reason })
            }),
            410 if refusal().is_some_and(|refusal| refusal.removed) => Self::Gone,
            415 => refusal()
                .filter(|refusal| refusal.takes.is_some())
                .map_or(Self::Later, |Refusal { error: reason, .. }| {
                    Self::Answer(Answer::OtherVersion { reason })
                }),
            422 => refusal().map_or(Self::Later, |Refusal { error: reason, .. }| {
                Self::Answer(Answer::Malformed { reason })
            }),
            _ => Self::Later,
        }
    }
}

/// How long to wait after so many tries in vain: exponential with jitter, up to a minute.
pub fn pause_ms(failures: u32, random: u8) -> i64 {
    let most = PAUSE_MS
        .saturating_mul(1_i64.checked_shl(failures.min(16)).unwrap_or(i64::MAX))
        .min(PAUSE_MS_MAX);
    let jitter = most / 2 * i64::from(random) / 255;
    most.saturating_sub(jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_of_the_table_is_told_from_the_others() {
        let gap = br#"{"error":"batches before this one are missing","last":3}"#;
        let error = br#"{"error":"pages: why"}"#;
        let reason = "pages: why".to_owned();
        let removed = br#"{"error":"the site was removed","removed":true}"#;
        let answer = Said::Answer;
        for (status, body, said) in [
            (200, &b"{}"[..], answer(Answer::Taken)),
            (409, gap, answer(Answer::Gap { last: 3 })),
            (409, error, answer(Answer::Conflict)),
            (
                404,
                error,
                answer(Answer::UnknownSite {
                    reason: reason.clone(),
                }),
            ),
            (410, removed, Said::Gone),
            (
                415,
                br#"{"error":"pages: why","takes":[1]}"#,
                answer(Answer::OtherVersion {
                    reason: reason.clone(),
                }),
            ),
            (422, error, answer(Answer::Malformed { reason })),
        ] {
            assert_eq!(Said::read(status, body), said, "{status}");
        }
        // A clock that is off, a proxy, an outage: it is sent again.
        for status in [
            0, 301, 400, 401, 403, 408, 410, 413, 415, 429, 500, 502, 503, 504,
        ] {
            assert_eq!(Said::read(status, error), Said::Later, "{status}");
        }
        for status in [404, 409, 410, 415, 422] {
            assert_eq!(Said::read(status, b"<html>blocked</html>"), Said::Later);
        }
    }

    #[test]
    fn pauses_grow_to_a_minute_and_differ() {
        assert_eq!((pause_ms(1, 0), pause_ms(1, 255)), (1_000, 500));
        assert_eq!((pause_ms(3, 0), pause_ms(3, 255)), (4_000, 2_000));
        for failures in [7, 16, u32::MAX] {
            assert_eq!(pause_ms(failures, 0), PAUSE_MS_MAX);
            assert_eq!(pause_ms(failures, 255), PAUSE_MS_MAX / 2);
        }
    }
}
