//! Certificates and handshakes.

use std::fmt;

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};

use super::book::MetricRegistry;
use crate::tls::CertificateEnd;

type Labels = [(&'static str, &'static str); 1];

/// TLS.
#[derive(Debug)]
pub struct TlsMetrics {
    end: Family<Labels, Gauge>,
    failed: Family<Labels, Counter>,
}

/// Why a connection has no TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailedHandshake {
    /// It was not complete in time.
    Late,
    /// Another connection got its slot.
    Evicted,
    /// The client does not speak TLS.
    PlainText,
    /// One side refused the other, as the words say.
    Refused(String),
}

impl FailedHandshake {
    const fn label(&self) -> Labels {
        let reason = match self {
            Self::Late => "late",
            Self::Evicted => "evicted",
            Self::PlainText => "plain_text",
            Self::Refused(_) => "refused",
        };
        [("reason", reason)]
    }
}

impl fmt::Display for FailedHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Late => "it was not complete in time",
            Self::Evicted => "another connection needed its slot",
            Self::PlainText => "the client does not speak TLS",
            Self::Refused(why) => why,
        })
    }
}

impl TlsMetrics {
    pub(super) fn new(book: &mut MetricRegistry) -> Self {
        Self {
            end: book.gauge(
                "tidings_tls_certificate_end_timestamp_seconds",
                "When the certificate shown to clients or peers expires",
                Family::default(),
            ),
            failed: book.counter(
                "tidings_tls_failed_handshakes_total",
                "Connections that did not complete a TLS handshake",
                Family::default(),
            ),
        }
    }

    /// These are in use.
    pub fn certificates_end(&self, ends: &[CertificateEnd]) {
        for end in ends {
            self.end.get_or_create(&[("shown_to", end.shown_to)]).set(end.at.0 / 1000);
        }
    }

    /// A handshake has failed.
    pub fn failed(&self, why: &FailedHandshake) {
        self.failed.get_or_create(&why.label()).inc();
    }
}
