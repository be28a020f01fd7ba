//! The results of a run in numbers.

use std::time::Duration;

/// Latencies of one connection or of all.
#[derive(Debug, Default)]
pub struct Tally {
    /// Microseconds of every call that was acknowledged.
    pub micros: Vec<u32>,
    /// Calls that were answered with an error, by its text.
    pub refused: Vec<String>,
    /// Calls that got no answer.
    pub broken: usize,
}

impl Tally {
    /// Adds another connection's numbers.
    pub fn add(&mut self, mut other: Self) {
        self.micros.append(&mut other.micros);
        self.refused.append(&mut other.refused);
        self.broken += other.broken;
    }

    /// Prints the report; `each` is the number of `what` per call.
    #[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "the report is what the program is for")]
    pub fn print(mut self, what: &str, each: usize, took: Duration) {
        self.micros.sort_unstable();
        let count = self.micros.len();
        let at = |share: f64| {
            let index = ((count as f64 * share) as usize).min(count.saturating_sub(1));
            f64::from(self.micros.get(index).copied().unwrap_or_default()) / 1000.0
        };
        let rate = (count * each) as f64 / took.as_secs_f64();
        println!("{what}: {rate:.0}/s ({count} calls of {each} in {:.2} s)", took.as_secs_f64());
        println!(
            "latency: p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, max {:.2} ms",
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0)
        );
        println!("errors: {} refused, {} without an answer", self.refused.len(), self.broken);
        self.refused.sort_unstable();
        self.refused.dedup();
        for text in self.refused.iter().take(5) {
            println!("  refused: {text}");
        }
    }
}
