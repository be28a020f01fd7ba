//! Moments and lengths of time: `google.protobuf.Timestamp` and `Duration` on the wire, milliseconds in the domain.
//!
//! Times are truncated to milliseconds, so a time from the wire is never later than the one given.

use std::time;

use prost_types::{Duration, Timestamp};
use tidings_domain::{Error, Mute, UnixMillis};

use super::required;

/// The seconds of 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, between which a Timestamp must be.
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;
/// The most seconds that a Duration may have: about 10,000 years.
const LONGEST: i64 = 315_576_000_000;
const NANOS_PER_MILLI: i32 = 1_000_000;
/// The end of a mute without end, in milliseconds.
const FOREVER: i64 = LAST * 1000;

/// The time on the wire; the nearest that a Timestamp can express if its year is not from 1 to 9999.
pub fn timestamp(at: UnixMillis) -> Timestamp {
    let millis = at.0.clamp(FIRST * 1000, LAST * 1000 + 999);
    Timestamp { seconds: millis.div_euclid(1000), nanos: millis.rem_euclid(1000) as i32 * NANOS_PER_MILLI }
}

/// The same of a number of milliseconds of which 0 means none.
pub fn timestamp_unless_zero(millis: i64) -> Option<Timestamp> {
    (millis != 0).then(|| timestamp(UnixMillis(millis)))
}

/// A required time from the wire.
///
/// # Errors
///
/// `InvalidArgument` of `field` where it is absent or not of the years 1 to 9999, or has other nanos than 0 to 999999999.
pub fn moment(field: &str, wire: Option<Timestamp>) -> Result<UnixMillis, Error> {
    let Timestamp { seconds, nanos } = required(field, wire)?;
    if !(FIRST..=LAST).contains(&seconds) {
        return Err(Error::invalid(field, "must have a year from 1 to 9999"));
    }
    if !(0..1_000_000_000).contains(&nanos) {
        return Err(Error::invalid(field, "must have nanos from 0 to 999999999"));
    }
    Ok(UnixMillis(seconds * 1000 + i64::from(nanos / NANOS_PER_MILLI)))
}

/// The same where it may be absent.
///
/// # Errors
///
/// As [`moment`], except that it is required.
pub fn moment_if_set(field: &str, wire: Option<Timestamp>) -> Result<Option<UnixMillis>, Error> {
    wire.map(|wire| moment(field, Some(wire))).transpose()
}

/// A time in an answer of one of our services: 0 if it is absent. Nothing is checked.
pub fn moment_or_zero(wire: Option<Timestamp>) -> UnixMillis {
    let Timestamp { seconds, nanos } = wire.unwrap_or_default();
    UnixMillis(seconds.saturating_mul(1000).saturating_add(i64::from(nanos / NANOS_PER_MILLI)))
}

/// The length of time on the wire.
pub fn duration(span: time::Duration) -> Duration {
    let seconds = i64::try_from(span.as_secs()).unwrap_or(i64::MAX).min(LONGEST);
    Duration { seconds, nanos: span.subsec_millis() as i32 * NANOS_PER_MILLI }
}

/// A length of time from the wire; `None` where it is absent.
///
/// # Errors
///
/// `InvalidArgument` of `field` where it is negative, longer than 10,000 years, or has nanos beyond 999999999.
pub fn span(field: &str, wire: Option<Duration>) -> Result<Option<time::Duration>, Error> {
    let Some(Duration { seconds, nanos }) = wire else {
        return Ok(None);
    };
    if seconds < 0 || nanos < 0 {
        return Err(Error::invalid(field, "must not be negative"));
    }
    if seconds > LONGEST {
        return Err(Error::invalid(field, "must be at most 315576000000 seconds"));
    }
    if nanos >= 1_000_000_000 {
        return Err(Error::invalid(field, "must have nanos from 0 to 999999999"));
    }
    let millis = seconds * 1000 + i64::from(nanos / NANOS_PER_MILLI);
    Ok(Some(time::Duration::from_millis(millis.unsigned_abs())))
}

/// A length of time in what one of our services answered: 0 where it is absent. Nothing is checked.
pub fn span_or_zero(wire: Option<Duration>) -> time::Duration {
    let Duration { seconds, nanos } = wire.unwrap_or_default();
    time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
        + time::Duration::from_nanos(nanos.max(0).unsigned_abs().into())
}

/// Until when a mute holds: absent for none, 9999-12-31T23:59:59Z for one without end.
pub fn mute_to_wire(mute: Mute) -> Option<Timestamp> {
    (mute != Mute::No).then(|| mute_end(mute))
}

/// The same in a field whose absence means that nothing changes: 1970 for none.
pub fn mute_end(mute: Mute) -> Timestamp {
    timestamp(UnixMillis(match mute {
        Mute::No => 0,
        Mute::Until(until) => until.0.min(FOREVER),
        Mute::Forever => FOREVER,
    }))
}

/// The inverse of [`mute_to_wire`]. A past time mutes no one; one up to 1970 means no mute.
///
/// # Errors
///
/// As [`moment_if_set`].
pub fn mute_from_wire(field: &str, wire: Option<Timestamp>) -> Result<Mute, Error> {
    moment_if_set(field, wire)?;
    Ok(mute_or_none(wire))
}

/// A mute in what one of our services answered. Nothing is checked.
pub fn mute_or_none(wire: Option<Timestamp>) -> Mute {
    match moment_or_zero(wire) {
        UnixMillis(..=0) => Mute::No,
        UnixMillis(FOREVER..) => Mute::Forever,
        until => Mute::Until(until),
    }
}

#[cfg(test)]
mod tests {
    use tidings_domain::Reason;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as fields have it")]
    fn at(seconds: i64, nanos: i32) -> Option<Timestamp> {
        Some(Timestamp { seconds, nanos })
    }

    #[expect(clippy::unnecessary_wraps, reason = "as fields have it")]
    fn lasting(seconds: i64, nanos: i32) -> Option<Duration> {
        Some(Duration { seconds, nanos })
    }

    fn refused<T: std::fmt::Debug>(read: Result<T, Error>) -> String {
        let error = read.expect_err("malformed");
        assert_eq!((error.reason(), error.field()), (Reason::InvalidArgument, Some("sent_at")));
        error.subject().to_owned()
    }

    #[test]
    fn a_moment_survives_the_wire() {
        for millis in [0, 1, 999, 1000, -1, -1001, 1_795_336_383_948, FIRST * 1000, LAST * 1000 + 999] {
            let wire = timestamp(UnixMillis(millis));
            assert!((0..1_000_000_000).contains(&wire.nanos), "{millis}");
            assert_eq!(moment("sent_at", Some(wire)).unwrap(), UnixMillis(millis));
            assert_eq!(moment_or_zero(Some(wire)), UnixMillis(millis));
        }
        assert_eq!(Some(timestamp(UnixMillis(-1))), at(-1, 999_000_000));
        assert_eq!((timestamp_unless_zero(0), timestamp_unless_zero(1)), (None, at(0, 1_000_000)));
        assert_eq!((moment_if_set("sent_at", None).unwrap(), moment_or_zero(None)), (None, UnixMillis(0)));
    }

    #[test]
    fn a_moment_that_no_timestamp_can_express_becomes_the_nearest() {
        assert_eq!(Some(timestamp(UnixMillis(i64::MAX))), at(LAST, 999_000_000));
        assert_eq!(Some(timestamp(UnixMillis(i64::MIN))), at(FIRST, 0));
    }

    #[test]
    fn what_is_finer_than_a_millisecond_is_cut_off() {
        assert_eq!(moment("sent_at", at(1, 1_999_999)).unwrap(), UnixMillis(1001));
        assert_eq!(moment("sent_at", at(-1, 999_999_999)).unwrap(), UnixMillis(-1));
        assert_eq!(span("sent_at", lasting(1, 1_999_999)).unwrap(), Some(time::Duration::from_millis(1001)));
        assert_eq!(duration(time::Duration::from_nanos(1_999_999)), Duration { seconds: 0, nanos: 1_000_000 });
    }

    #[test]
    fn a_malformed_moment_is_refused_by_its_field() {
        assert_eq!(refused(moment("sent_at", None)), "sent_at is required");
        for seconds in [FIRST - 1, LAST + 1, i64::MIN, i64::MAX] {
            assert_eq!(refused(moment("sent_at", at(seconds, 0))), "sent_at must have a year from 1 to 9999");
        }
        for nanos in [-1, 1_000_000_000, i32::MIN, i32::MAX] {
            assert_eq!(refused(moment_if_set("sent_at", at(0, nanos))), "sent_at must have nanos from 0 to 999999999");
        }
    }

    #[test]
    fn a_malformed_length_of_time_is_refused_by_its_field() {
        for (seconds, nanos) in [(-1, 0), (0, -1), (i64::MIN, i32::MIN), (1, -1)] {
            assert_eq!(refused(span("sent_at", lasting(seconds, nanos))), "sent_at must not be negative");
        }
        assert_eq!(refused(span("sent_at", lasting(LONGEST + 1, 0))), "sent_at must be at most 315576000000 seconds");
        assert_eq!(refused(span("sent_at", lasting(0, i32::MAX))), "sent_at must have nanos from 0 to 999999999");
        let longest = duration(time::Duration::MAX);
        assert_eq!(longest.seconds, LONGEST);
        assert!(span("sent_at", Some(longest)).unwrap().is_some());
        assert_eq!(span("sent_at", None).unwrap(), None);
    }

    #[test]
    fn a_mute_survives_the_wire() {
        for mute in [Mute::No, Mute::Until(UnixMillis(1)), Mute::Until(UnixMillis(FOREVER - 1)), Mute::Forever] {
            assert_eq!(mute_from_wire("sent_at", mute_to_wire(mute)).unwrap(), mute);
        }
        assert_eq!(mute_to_wire(Mute::Forever), at(LAST, 0));
        assert_eq!(mute_to_wire(Mute::Until(UnixMillis(i64::MAX))), at(LAST, 0));
        assert_eq!((Some(mute_end(Mute::No)), Some(mute_end(Mute::Forever))), (at(0, 0), at(LAST, 0)));
        for past in [at(0, 0), at(-1, 0), None] {
            assert_eq!(mute_from_wire("sent_at", past).unwrap(), Mute::No);
        }
        assert_eq!(mute_from_wire("sent_at", at(LAST, 999_999_999)).unwrap(), Mute::Forever);
    }
}
