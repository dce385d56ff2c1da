//! What is counted and measured while the server runs: atomics in memory, gone with the process.
//! No label holds an address, a site's visitor or anything that somebody sent.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use shared::clock::UnixMs;

use crate::clock::Stopwatch;

/// Upper bounds of a histogram's buckets, ms.
const BOUNDS_MS: [u64; 11] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/// Numbers of durations up to each bound, and their sum.
#[derive(Debug, Default)]
pub struct Histogram {
    /// Of each bucket by itself; the last is what is longer than every bound.
    buckets: [AtomicU64; BOUNDS_MS.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    /// Takes one more.
    pub fn take(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS_MS.iter().position(|bound| us <= bound * 1_000);
        if let Some(bucket) = self.buckets.get(place.unwrap_or(BOUNDS_MS.len())) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// `(bound in seconds, so many up to it)`, then how many in all, and their sum in seconds.
    pub fn read(&self) -> (Vec<(f64, u64)>, u64, f64) {
        let mut so_far = 0;
        let mut steps = Vec::with_capacity(BOUNDS_MS.len());
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS_MS) {
            so_far += bucket.load(Ordering::Relaxed);
            steps.push((bound as f64 / 1_000.0, so_far));
        }
        let last = self
            .buckets
            .last()
            .map_or(0, |it| it.load(Ordering::Relaxed));
        let sum_s = self.sum_us.load(Ordering::Relaxed) as f64 / 1e6;
        (steps, so_far + last, sum_s)
    }
}

macro_rules! labels {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $label:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant),* }

        impl $name {
            /// Every one, in their order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As a label's value.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }
        }
    };
}

labels! {
    /// What became of a batch of the edge.
    Batch {
        /// Its counts are in.
        Applied = "applied",
        /// They were in before.
        Duplicate = "duplicate",
        /// Some before it are missing.
        Gap = "gap",
        /// Another one of its number is in.
        Conflict = "conflict",
        /// It cannot be read: a dead letter at the edge.
        Malformed = "malformed",
        /// The database does not know its site.
        UnknownSite = "unknown_site",
        /// It is of a version of the wire format that is not taken.
        OtherVersion = "other_version",
        /// Its site was removed.
        Removed = "removed",
        /// Our own failure.
        Failed = "failed",
    }
}

labels! {
    /// What a request is for.
    Kind {
        /// The edge's signed channel.
        Edge = "edge",
        /// A question to the stats APIs.
        Query = "query",
        /// The rest of the API.
        Api = "api",
        /// A page with numbers.
        Page = "page",
        /// Everything else.
        Other = "other",
    }
}

impl Kind {
    /// Of a route's pattern.
    pub fn of(route: Option<&str>) -> Self {
        match route {
            Some(route) if route.starts_with("/edge/v1/") => Self::Edge,
            Some(route) if route == "/api/v2/query" || route.starts_with("/api/v1/stats") => {
                Self::Query
            }
            Some(route) if route.starts_with("/api/") => Self::Api,
            Some("/") => Self::Page,
            Some(route) => {
                let pages = ["/sites/{domain}", "/public/", "/shared/"];
                match pages.iter().any(|start| route.starts_with(start)) {
                    true => Self::Page,
                    false => Self::Other,
                }
            }
            None => Self::Other,
        }
    }
}

labels! {
    /// How a request was answered.
    Code {
        /// 1xx and 2xx.
        Ok = "2xx",
        /// 3xx.
        Elsewhere = "3xx",
        /// 401 and 403.
        NotLetIn = "401",
        /// 429.
        TooMany = "429",
        /// 4xx otherwise.
        Refused = "4xx",
        /// 5xx.
        Failed = "5xx",
    }
}

impl Code {
    fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            401 | 403 => Self::NotLetIn,
            429 => Self::TooMany,
            ..300 => Self::Ok,
            300..400 => Self::Elsewhere,
            400..500 => Self::Refused,
            _ => Self::Failed,
        }
    }
}

labels! {
    /// Why a log-in was refused.
    Login {
        /// Password or code were wrong.
        Wrong = "wrong",
        /// There were too many tries.
        TooMany = "too_many",
    }
}

/// Paths of forms that let somebody in.
const LOGINS: [&str; 3] = ["/login", "/login/code", "/shared/{token}"];

/// See the module.
#[derive(Debug)]
pub struct Metrics {
    /// Since when this process counts.
    pub started: Stopwatch,
    batches: [AtomicU64; Batch::ALL.len()],
    /// Bytes of batches, as they came.
    pub batch_bytes: AtomicU64,
    /// How long it took to apply one.
    pub apply: Histogram,
    /// When the last one was applied; 0 for never.
    last_batch_ms: AtomicI64,
    requests: [Histogram; Kind::ALL.len()],
    codes: [[AtomicU64; Code::ALL.len()]; Kind::ALL.len()],
    logins: [AtomicU64; Login::ALL.len()],
    signatures_refused: AtomicU64,
    /// When a signature was last refused; 0 for never.
    refused_ms: AtomicI64,
    /// By how much the clock of what was refused was ahead of ours, s.
    refused_ahead_s: AtomicI64,
    /// The same of what was last taken.
    edge_ahead_s: AtomicI64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            started: Stopwatch::start(),
            batches: Default::default(),
            batch_bytes: AtomicU64::default(),
            apply: Histogram::default(),
            last_batch_ms: AtomicI64::default(),
            requests: Default::default(),
            codes: Default::default(),
            logins: Default::default(),
            signatures_refused: AtomicU64::default(),
            refused_ms: AtomicI64::default(),
            refused_ahead_s: AtomicI64::default(),
            edge_ahead_s: AtomicI64::default(),
        }
    }
}

fn add(to: Option<&AtomicU64>) {
    if let Some(counter) = to {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

fn read(of: Option<&AtomicU64>) -> u64 {
    of.map_or(0, |counter| counter.load(Ordering::Relaxed))
}

fn moment(of: &AtomicI64) -> Option<UnixMs> {
    Some(of.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
}

impl Metrics {
    /// Notes what became of a batch.
    pub fn batch(&self, became: Batch, bytes: usize, took: Duration, now_ms: UnixMs) {
        add(self.batches.get(became as usize));
        self.batch_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if became == Batch::Applied {
            self.apply.take(took);
            self.last_batch_ms.store(now_ms, Ordering::Relaxed);
        }
    }

    /// How many batches became that.
    pub fn batches(&self, became: Batch) -> u64 {
        read(self.batches.get(became as usize))
    }

    /// When the last batch was applied by this process.
    pub fn last_batch_ms(&self) -> Option<UnixMs> {
        moment(&self.last_batch_ms)
    }

    /// Notes that a request was answered: by its route's pattern, where there is one.
    pub fn answered(
        &self,
        method: &Method,
        route: Option<&str>,
        status: StatusCode,
        took: Duration,
    ) {
        let (kind, code) = (Kind::of(route), Code::of(status));
        if let Some(histogram) = self.requests.get(kind as usize) {
            histogram.take(took);
        }
        let of_kind = self.codes.get(kind as usize);
        add(of_kind.and_then(|codes| codes.get(code as usize)));
        let is_login = route.is_some_and(|route| LOGINS.contains(&route));
        if method == Method::POST && is_login {
            match code {
                Code::NotLetIn => add(self.logins.get(Login::Wrong as usize)),
                Code::TooMany => add(self.logins.get(Login::TooMany as usize)),
                _ => {}
            }
        }
    }

    /// How long requests of a kind took.
    pub fn requests(&self, kind: Kind) -> Option<&Histogram> {
        self.requests.get(kind as usize)
    }

    /// How many requests of a kind were answered so.
    pub fn answers(&self, kind: Kind, code: Code) -> u64 {
        let of_kind = self.codes.get(kind as usize);
        read(of_kind.and_then(|codes| codes.get(code as usize)))
    }

    /// How many log-ins were refused for that: passwords, codes, and passwords of shared links.
    pub fn logins_refused(&self, why: Login) -> u64 {
        read(self.logins.get(why as usize))
    }

    /// Notes that the edge spoke, by a clock so many seconds ahead of ours.
    pub fn signature_taken(&self, ahead_s: i64) {
        self.edge_ahead_s.store(ahead_s, Ordering::Relaxed);
    }

    /// Notes that a signature was refused, of somebody whose clock says to be so far ahead.
    pub fn signature_refused(&self, ahead_s: i64, now_ms: UnixMs) {
        self.signatures_refused.fetch_add(1, Ordering::Relaxed);
        self.refused_ahead_s.store(ahead_s, Ordering::Relaxed);
        self.refused_ms.store(now_ms, Ordering::Relaxed);
    }

    /// How many signatures were refused.
    pub fn signatures_refused(&self) -> u64 {
        self.signatures_refused.load(Ordering::Relaxed)
    }

    /// When one was last refused, and how far ahead its clock was, s.
    pub fn refused(&self) -> Option<(UnixMs, i64)> {
        let ahead_s = self.refused_ahead_s.load(Ordering::Relaxed);
        moment(&self.refused_ms).map(|at_ms| (at_ms, ahead_s))
    }

    /// How far ahead of ours the edge's clock was when it last spoke, s.
    pub fn edge_ahead_s(&self) -> i64 {
        self.edge_ahead_s.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_each_up_to_its_bound() {
        let histogram = Histogram::default();
        for ms in [1, 5, 6, 900, 60_000] {
            histogram.take(Duration::from_millis(ms));
        }
        let (steps, count, sum_s) = histogram.read();
        let of = |bound: f64| steps.iter().find(|step| step.0 == bound).unwrap().1;
        assert_eq!(
            (of(0.005), of(0.01), of(0.5), of(1.0), of(10.0)),
            (2, 3, 3, 4, 4)
        );
        assert_eq!(count, 5);
        assert!((sum_s - 60.912).abs() < 1e-9);
    }

    #[test]
    fn what_is_answered_is_counted_by_kind_and_code() {
        let metrics = Metrics::default();
        let took = Duration::from_millis(1);
        for (method, route, status) in [
            (Method::POST, Some("/api/v2/query"), 200),
            (Method::GET, Some("/api/v1/stats/aggregate"), 401),
            (Method::PUT, Some("/api/v1/sites"), 429),
            (Method::POST, Some("/login"), 401),
            (Method::POST, Some("/login/code"), 429),
            (Method::POST, Some("/shared/{token}"), 401),
            (Method::GET, Some("/login"), 401),
            (Method::GET, Some("/sites/{domain}"), 303),
            (Method::GET, None, 404),
            (Method::POST, Some("/edge/v1/batches"), 500),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            metrics.answered(&method, route, status, took);
        }
        for (kind, code, count) in [
            (Kind::Query, Code::Ok, 1),
            (Kind::Query, Code::NotLetIn, 1),
            (Kind::Api, Code::TooMany, 1),
            (Kind::Page, Code::Elsewhere, 1),
            (Kind::Other, Code::Refused, 1),
            (Kind::Edge, Code::Failed, 1),
        ] {
            assert_eq!(metrics.answers(kind, code), count, "{kind:?} {code:?}");
        }
        assert_eq!(metrics.logins_refused(Login::Wrong), 2);
        assert_eq!(metrics.logins_refused(Login::TooMany), 1);
    }
}
