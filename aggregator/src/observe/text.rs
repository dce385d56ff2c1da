//! The text format of Prometheus, version 0.0.4:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::{Display, Write as _};

use super::metrics::Histogram;

/// What its content type is.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A text that grows by one metric after the other.
#[derive(Default)]
pub struct Text(String);

impl Text {
    /// Begins a metric: `kind` is counter, gauge or histogram.
    pub fn begin(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String never fails, here and below.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One value under labels that are ours: nothing in them needs escaping.
    pub fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"{text}\"");
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// A metric with one value.
    pub fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.begin(name, kind, help);
        self.value(name, &[], value);
    }

    /// The lines of a histogram.
    pub fn histogram(&mut self, name: &str, labels: &[(&str, &str)], of: &Histogram) {
        let (steps, count, sum_s) = of.read();
        let bucket = format!("{name}_bucket");
        let steps = steps.into_iter().map(|(bound, n)| (bound.to_string(), n));
        for (bound, so_far) in steps.chain([("+Inf".to_owned(), count)]) {
            let with_bound = [labels, &[("le", &bound)]].concat();
            self.value(&bucket, &with_bound, so_far);
        }
        self.value(&format!("{name}_sum"), labels, sum_s);
        self.value(&format!("{name}_count"), labels, count);
    }

    /// All of it.
    pub fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_histograms_are_written_as_prometheus_reads_them() {
        let mut text = Text::default();
        text.one("a_total", "counter", "How many.", 3);
        let histogram = Histogram::default();
        histogram.take(std::time::Duration::from_millis(30));
        text.begin("b_seconds", "histogram", "How long.");
        text.histogram("b_seconds", &[("kind", "x")], &histogram);
        let text = text.finish();
        assert!(text.starts_with("# HELP a_total How many.\n# TYPE a_total counter\na_total 3\n"));
        for line in [
            "b_seconds_bucket{kind=\"x\",le=\"0.025\"} 0",
            "b_seconds_bucket{kind=\"x\",le=\"0.05\"} 1",
            "b_seconds_bucket{kind=\"x\",le=\"+Inf\"} 1",
            "b_seconds_sum{kind=\"x\"} 0.03",
            "b_seconds_count{kind=\"x\"} 1",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
    }
}
