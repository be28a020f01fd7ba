//! The deadline of the caller: passed on with every call as `grpc-timeout`.
//!
//! Work that must complete even if the caller stops waiting (an append, an upload) is a task of its own, and has no
//! deadline.

use std::{future::Future, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
/// The maximum of the header: eight digits, here of milliseconds.
const LONGEST_MS: u128 = 99_999_999;

tokio::task_local! {
    static UNTIL: Instant;
}

/// Runs `work` with this deadline, or the caller's own if that is earlier. Calls made in this task end by then.
pub fn within<F: Future>(until: Instant, work: F) -> impl Future<Output = F::Output> {
    // Not an async function: that would hold the work twice.
    UNTIL.scope(current().map_or(until, |outer| outer.min(until)), work)
}

/// The caller's deadline, if there is one.
pub(crate) fn current() -> Option<Instant> {
    UNTIL.try_with(|until| *until).ok()
}

/// The deadline in the header. Invalid values are ignored.
pub(crate) fn read(headers: &HeaderMap) -> Option<Instant> {
    Instant::now().checked_add(rest(headers)?)
}

fn rest(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

/// Sets the timeout of a call.
pub(crate) fn write(headers: &mut HeaderMap, rest: Duration) {
    let ms = rest.as_millis().clamp(1, LONGEST_MS);
    let value = HeaderValue::try_from(format!("{ms}m")).expect("digits and a letter are visible ASCII");
    headers.insert(TIMEOUT, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<Duration> {
        let headers = HeaderMap::from_iter([(TIMEOUT, HeaderValue::from_str(text).unwrap())]);
        rest(&headers)
    }

    #[test]
    fn the_header_has_eight_digits_and_a_unit() {
        for (text, ms) in [("2H", 7_200_000), ("3M", 180_000), ("30S", 30_000), ("250m", 250), ("7000u", 7)] {
            assert_eq!(said(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for wrong in ["", "m", "5", "5x", "-5m", "123456789m", "1.5S", "5 m"] {
            assert_eq!(said(wrong), None, "{wrong}");
        }
        let mut headers = HeaderMap::new();
        for (rest, text) in
            [(Duration::from_micros(1), "1m"), (Duration::from_secs(2), "2000m"), (Duration::MAX, "99999999m")]
        {
            write(&mut headers, rest);
            assert_eq!(headers[TIMEOUT], text);
        }
    }

    #[tokio::test]
    async fn the_nearest_deadline_holds() {
        assert_eq!(current(), None);
        let (near, far) = (Instant::now() + Duration::from_secs(1), Instant::now() + Duration::from_secs(9));
        assert_eq!(within(far, async { within(near, async { current() }).await }).await, Some(near));
        assert_eq!(within(near, async { within(far, async { current() }).await }).await, Some(near));
        let elsewhere = within(near, async { tokio::spawn(async { current() }).await }).await;
        assert_eq!(elsewhere.unwrap(), None);
    }
}
