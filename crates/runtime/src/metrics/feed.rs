//! Followers of the event feed: how far behind they are.

use std::time::Duration;

use prometheus_client::metrics::{counter::Counter, family::Family, histogram::Histogram};

use super::book::{MetricRegistry, ages};

type Labels = [(&'static str, &'static str); 1];

/// Followers of the event feed.
#[derive(Debug)]
pub struct FeedMetrics {
    lag: Family<Labels, Histogram, fn() -> Histogram>,
    interruptions: Family<Labels, Counter>,
}

/// What follows the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follower {
    /// The callback service, for an endpoint.
    Callback,
    /// A gateway, for the connected clients of an app.
    Realtime,
}

impl Follower {
    const ALL: [Self; 2] = [Self::Callback, Self::Realtime];

    const fn label(self) -> Labels {
        [(
            "follower",
            match self {
                Self::Callback => "callback",
                Self::Realtime => "realtime",
            },
        )]
    }
}

impl FeedMetrics {
    pub(super) fn new(book: &mut MetricRegistry) -> Self {
        let feed = Self {
            lag: book.histogram(
                "tidings_feed_lag_seconds",
                "How old the newest event of a batch is when a follower of the feed has taken it",
                Family::new_with_constructor(ages),
            ),
            interruptions: book.counter(
                "tidings_feed_interruptions_total",
                "How often a follower reopened the feed after it broke",
                Family::default(),
            ),
        };
        for follower in Follower::ALL {
            drop(feed.lag.get_or_create(&follower.label()));
            drop(feed.interruptions.get_or_create(&follower.label()));
        }
        feed
    }

    /// A follower has taken a batch of events, the newest of which is that old.
    pub fn taken(&self, follower: Follower, age: Duration) {
        self.lag.get_or_create(&follower.label()).observe(age.as_secs_f64());
    }

    /// A follower's feed broke off.
    pub fn interrupted(&self, follower: Follower) {
        self.interruptions.get_or_create(&follower.label()).inc();
    }
}
