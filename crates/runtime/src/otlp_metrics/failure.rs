//! Why an export failed, and what an operator can do about it.

use std::{error::Error as _, fmt::Write as _};

use tonic::{Code, Status};

/// An export that did not arrive, or not whole.
#[derive(Debug)]
pub(super) struct Failure {
    why: String,
    help: &'static str,
}

const REPORT: &str = "this is a bug of Tidings: please report it; /metrics has the numbers";
const NO_PIPELINE: &str = "the collector takes no metrics: give it a metrics pipeline with an otlp receiver, or set \
                           telemetry.otlp_metrics_seconds to 0";
const NOT_REACHED: &str = "check that a collector runs at telemetry.otlp_endpoint and keeps up; counters and histograms lose \
                           nothing, since every export has all of them";
const ANSWERED: &str = "the collector's log says more";

impl Failure {
    /// The numbers themselves could not be made.
    pub fn of_numbers(why: impl ToString) -> Self {
        Self { why: why.to_string(), help: REPORT }
    }

    /// There was no answer in time.
    pub fn late() -> Self {
        Self { why: "no answer in time".to_owned(), help: NOT_REACHED }
    }

    /// The collector took the rest.
    pub fn rejected(points: i64, why: &str) -> Self {
        Self { why: format!("{points} data points were rejected: {why}"), help: ANSWERED }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let help = match status.code() {
            Code::Unimplemented => NO_PIPELINE,
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown => NOT_REACHED,
            _ => ANSWERED,
        };
        let mut why = format!("{:?}: {}", status.code(), status.message());
        let mut cause = status.source();
        while let Some(error) = cause {
            // A string takes all that is written to it.
            let _ = write!(why, ": {error}");
            cause = error.source();
        }
        Self { why, help }
    }
}

/// Exports that failed since the last one that arrived.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// The advice that was given since then.
    given: Vec<&'static str>,
}

impl Outage {
    /// Logs a failure once until an export arrives, again if it needs other advice.
    pub fn note(&mut self, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) if self.is_over() => tracing::info!("metrics are exported over OTLP again"),
            Ok(()) => {}
            Err(Failure { why, help }) if self.is_news(help) => {
                tracing::warn!(
                    why,
                    help,
                    "metrics could not be exported over OTLP; logged once until they can be exported"
                );
            }
            Err(Failure { why, .. }) => tracing::debug!(why, "metrics could still not be exported over OTLP"),
        }
    }

    fn is_over(&mut self) -> bool {
        !std::mem::take(&mut self.given).is_empty()
    }

    fn is_news(&mut self, help: &'static str) -> bool {
        let is_news = !self.given.contains(&help);
        if is_news {
            self.given.push(help);
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_news_once_in_an_outage() {
        let mut outage = Outage::default();
        assert!(!outage.is_over());
        assert!(outage.is_news(NOT_REACHED) && outage.is_news(NO_PIPELINE));
        assert!(!outage.is_news(NO_PIPELINE) && !outage.is_news(NOT_REACHED));
        assert!(outage.is_over() && !outage.is_over());
        assert!(outage.is_news(NOT_REACHED));
    }

    #[test]
    fn a_collector_without_a_pipeline_is_told_from_one_that_is_not_there() {
        let failure = Failure::from(Status::unimplemented("unknown service MetricsService"));
        assert_eq!(
            (failure.why.as_str(), failure.help),
            ("Unimplemented: unknown service MetricsService", NO_PIPELINE)
        );
        assert_eq!(Failure::from(Status::unavailable("tcp connect error")).help, NOT_REACHED);
        assert_eq!(Failure::from(Status::resource_exhausted("too large")).help, ANSWERED);
    }
}
