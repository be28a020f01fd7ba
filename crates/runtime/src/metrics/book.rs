//! Registers metrics under their names.

use prometheus_client::{
    metrics::{family::MetricConstructor, histogram::Histogram},
    registry::{Metric, Registry},
};

/// Seconds of calls: from half a millisecond to half a minute.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// The name, the kind and the meaning of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// As it is exported.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// What it says.
    pub help: &'static str,
}

/// The metrics registered so far.
#[derive(Debug, Default)]
pub(super) struct MetricRegistry {
    registry: Registry,
    rows: Vec<Row>,
}

impl MetricRegistry {
    /// A number that only grows. Its name ends with `_total`, which the text format adds.
    pub fn counter<M: Metric + Clone>(&mut self, name: &'static str, help: &'static str, metric: M) -> M {
        let base = name.strip_suffix("_total").expect("a counter's name ends with _total");
        self.add(base, Row { name, kind: "counter", help }, metric)
    }

    /// A number that is as it is now.
    pub fn gauge<M: Metric + Clone>(&mut self, name: &'static str, help: &'static str, metric: M) -> M {
        self.add(name, Row { name, kind: "gauge", help }, metric)
    }

    /// How often a number was within which bounds.
    pub fn histogram<M: Metric + Clone>(&mut self, name: &'static str, help: &'static str, metric: M) -> M {
        self.add(name, Row { name, kind: "histogram", help }, metric)
    }

    fn add<M: Metric + Clone>(&mut self, name: &str, row: Row, metric: M) -> M {
        // The registry ends the text with a full stop.
        self.registry.register(name, row.help, metric.clone());
        self.rows.push(row);
        metric
    }

    pub fn finish(self) -> (Registry, Vec<Row>) {
        (self.registry, self.rows)
    }
}

/// Makes the histogram of each label set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seconds;

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        seconds()
    }
}

/// A histogram of the durations of calls.
pub(super) fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

/// A histogram of ages: from a hundredth of a second to a day.
pub(super) fn ages() -> Histogram {
    Histogram::new([0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0, 86_400.0])
}

/// A histogram of how many there were.
pub(super) fn counts() -> Histogram {
    Histogram::new([1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0])
}
