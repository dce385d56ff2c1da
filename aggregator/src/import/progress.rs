//! How far an import is: a bar on a terminal, a line every few seconds elsewhere, nothing in tests.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};

use super::now_ms;

/// Between two lines.
const LINE_MS: i64 = 5_000;

/// See the module. Clones tell of the same.
#[derive(Clone)]
pub struct Progress(Option<Arc<Told>>);

struct Told {
    is_terminal: bool,
    bar: Mutex<ProgressBar>,
    what: Mutex<(&'static str, &'static str)>,
    total: AtomicU64,
    done: AtomicU64,
    begun_ms: AtomicI64,
    told_ms: AtomicI64,
}

impl Progress {
    /// Tells nobody.
    pub const fn hidden() -> Self {
        Self(None)
    }

    /// Tells on standard error.
    pub fn stderr(is_terminal: bool) -> Self {
        Self(Some(Arc::new(Told {
            is_terminal,
            bar: Mutex::new(ProgressBar::hidden()),
            what: Mutex::new(("", "")),
            total: AtomicU64::new(0),
            done: AtomicU64::new(0),
            begun_ms: AtomicI64::new(0),
            told_ms: AtomicI64::new(0),
        })))
    }

    /// Something begins; `total` is 0 where it is not known. Units are `B` for bytes, or a word.
    pub fn begin(&self, what: &'static str, total: u64, unit: &'static str) {
        let Some(told) = &self.0 else { return };
        let now_ms = now_ms();
        told.total.store(total, Ordering::Relaxed);
        told.done.store(0, Ordering::Relaxed);
        told.begun_ms.store(now_ms, Ordering::Relaxed);
        told.told_ms.store(now_ms, Ordering::Relaxed);
        *lock(&told.what) = (what, unit);
        if told.is_terminal {
            *lock(&told.bar) = bar(what, total, unit);
        }
    }

    /// So much more is done.
    pub fn add(&self, n: u64) {
        let Some(told) = &self.0 else { return };
        let done = told.done.fetch_add(n, Ordering::Relaxed) + n;
        if told.is_terminal {
            lock(&told.bar).set_position(done);
            return;
        }
        let now_ms = now_ms();
        let before_ms = told.told_ms.load(Ordering::Relaxed);
        let is_due = now_ms - before_ms >= LINE_MS;
        let is_mine = is_due
            && told
                .told_ms
                .compare_exchange(before_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_mine {
            let (what, unit) = *lock(&told.what);
            let total = told.total.load(Ordering::Relaxed);
            let elapsed_ms = now_ms - told.begun_ms.load(Ordering::Relaxed);
            eprintln!("{}", line(what, unit, done, total, elapsed_ms));
        }
    }

    /// It is done.
    pub fn end(&self) {
        if let Some(told) = &self.0 {
            lock(&told.bar).finish_and_clear();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bar(what: &'static str, total: u64, unit: &'static str) -> ProgressBar {
    let template = match (total, unit) {
        (0, "B") => "{msg} {bytes} ({bytes_per_sec})",
        (0, _) => "{msg} {human_pos} ({per_sec})",
        (_, "B") => "{msg} {wide_bar} {bytes} of {total_bytes} ({bytes_per_sec}, {eta} left)",
        _ => "{msg} {wide_bar} {human_pos} of {human_len} ({per_sec}, {eta} left)",
    };
    let bar = match total {
        0 => ProgressBar::new_spinner(),
        _ => ProgressBar::new(total),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.with_message(what)
}

/// A line of plain text: how much, of how much, how fast, how long still.
fn line(what: &str, unit: &str, done: u64, total: u64, elapsed_ms: i64) -> String {
    let elapsed_ms = u64::try_from(elapsed_ms).unwrap_or(0).max(1);
    let per_s = u128::from(done) * 1_000 / u128::from(elapsed_ms);
    if total == 0 {
        return format!("{what}: {done} {unit}, {per_s} {unit}/s");
    }
    let percent = u128::from(done) * 100 / u128::from(total);
    let left = u128::from(total.saturating_sub(done));
    let left_s = left.checked_div(per_s).unwrap_or(0);
    format!("{what}: {percent} % of {total} {unit}, {per_s} {unit}/s, {left_s} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_far_it_is() {
        assert_eq!(
            line("reading", "B", 500, 2_000, 500),
            "reading: 25 % of 2000 B, 1000 B/s, 1 s left"
        );
        assert_eq!(
            line("reading", "B", 500, 0, 0),
            "reading: 500 B, 500000 B/s"
        );
        assert_eq!(line("x", "y", 0, 5, 10), "x: 0 % of 5 y, 0 y/s, 0 s left");
    }

    #[test]
    fn bars_and_lines_are_told_without_a_terminal() {
        for progress in [
            Progress::hidden(),
            Progress::stderr(false),
            Progress::stderr(true),
        ] {
            for total in [0, 10] {
                for unit in ["B", "events"] {
                    progress.begin("testing", total, unit);
                    progress.add(5);
                    progress.end();
                }
            }
        }
    }
}
