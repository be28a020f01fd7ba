//! Ranges and conditions of downloads (RFC 9110, sections 13 and 14).

use std::{ops::Range, time::Duration};

use http::{
    HeaderMap, Method,
    header::{IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE},
};
use tidings_domain::UnixMillis;

use crate::request::header;

/// The requested range of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Requested {
    Whole,
    Part(Range<u64>),
    /// A range outside of it.
    Nothing,
    /// Nothing: the client has it already.
    Known,
}

/// The range requested by the headers of a file with that tag, time and size. Requests for several ranges get the whole
/// file, and only GET has ranges.
pub(crate) fn requested(method: &Method, headers: &HeaderMap, tag: &str, changed: UnixMillis, size: u64) -> Requested {
    if is_known(headers, tag, changed) {
        return Requested::Known;
    }
    let range = header(headers, RANGE.as_str()).and_then(|range| range.strip_prefix("bytes="));
    match range {
        Some(range) if method == Method::GET && !range.contains(',') && is_still(headers, tag, changed) => {
            part(range, size)
        }
        _ => Requested::Whole,
    }
}

fn is_known(headers: &HeaderMap, tag: &str, changed: UnixMillis) -> bool {
    if let Some(tags) = header(headers, IF_NONE_MATCH.as_str()) {
        let same = |given: &str| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag;
        return tags.split(',').any(|given| same(given.trim()));
    }
    let since = header(headers, IF_MODIFIED_SINCE.as_str()).and_then(|since| httpdate::parse_http_date(since).ok());
    since.is_some_and(|since| second(changed) <= since)
}

/// Whether the client's partial copy is still current.
fn is_still(headers: &HeaderMap, tag: &str, changed: UnixMillis) -> bool {
    match header(headers, IF_RANGE.as_str()) {
        None => true,
        Some(given) if given.starts_with('"') => given == tag,
        Some(given) => httpdate::parse_http_date(given).is_ok_and(|given| given == second(changed)),
    }
}

/// HTTP dates have whole seconds.
fn second(time: UnixMillis) -> std::time::SystemTime {
    std::time::UNIX_EPOCH + Duration::from_secs(time.0.max(0) as u64 / 1000)
}

/// `Last-Modified`.
pub(crate) fn last_modified(time: UnixMillis) -> String {
    httpdate::fmt_http_date(second(time))
}

fn part(range: &str, size: u64) -> Requested {
    let Some((from, to)) = range.split_once('-') else {
        return Requested::Whole;
    };
    let range = match (from.trim().parse::<u64>(), to.trim().parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => from..to.saturating_add(1).min(size),
        (Ok(from), Err(_)) if to.trim().is_empty() => from..size,
        (Err(_), Ok(last)) if from.trim().is_empty() => size.saturating_sub(last)..size,
        _ => return Requested::Whole,
    };
    if range.is_empty() { Requested::Nothing } else { Requested::Part(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"abc\"";
    /// `Tue, 15 Jul 2025 17:20:00 GMT` and a fraction of a second.
    const CHANGED: UnixMillis = UnixMillis(1_752_600_000_123);

    fn given(pairs: &[(&'static str, &str)]) -> Requested {
        let headers = pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_str(value).unwrap()));
        requested(&Method::GET, &headers.collect(), TAG, CHANGED, 100)
    }

    #[test]
    fn one_part_is_given_and_several_are_not() {
        assert_eq!(given(&[]), Requested::Whole);
        assert_eq!(given(&[("range", "bytes=0-9")]), Requested::Part(0..10));
        assert_eq!(given(&[("range", "bytes=90-")]), Requested::Part(90..100));
        assert_eq!(given(&[("range", "bytes=-30")]), Requested::Part(70..100));
        assert_eq!(given(&[("range", "bytes=-300")]), Requested::Part(0..100));
        assert_eq!(given(&[("range", "bytes=50-18446744073709551615")]), Requested::Part(50..100));
        assert_eq!(given(&[("range", "bytes=100-")]), Requested::Nothing);
        assert_eq!(given(&[("range", "bytes=-0")]), Requested::Nothing);
        for odd in ["bytes=0-1,4-5", "bytes=9-1", "bytes=x-y", "bytes=", "lines=1-2"] {
            assert_eq!(given(&[("range", odd)]), Requested::Whole, "{odd}");
        }
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        assert_eq!(given(&[("if-none-match", "\"x\", W/\"abc\"")]), Requested::Known);
        assert_eq!(given(&[("if-none-match", "*")]), Requested::Known);
        assert_eq!(given(&[("if-modified-since", "Tue, 15 Jul 2025 17:20:00 GMT")]), Requested::Known);
        assert_eq!(given(&[("if-modified-since", "Tue, 15 Jul 2025 17:19:59 GMT")]), Requested::Whole);
        // The tag takes precedence if both are given.
        let both = [("if-none-match", "\"x\""), ("if-modified-since", "Tue, 15 Jul 2025 17:20:00 GMT")];
        assert_eq!(given(&both), Requested::Whole);
    }

    #[test]
    fn a_part_of_something_else_is_answered_with_the_whole() {
        assert_eq!(given(&[("range", "bytes=0-9"), ("if-range", "\"abc\"")]), Requested::Part(0..10));
        assert_eq!(given(&[("range", "bytes=0-9"), ("if-range", "\"x\"")]), Requested::Whole);
        assert_eq!(
            given(&[("range", "bytes=0-9"), ("if-range", "Tue, 15 Jul 2025 17:20:00 GMT")]),
            Requested::Part(0..10)
        );
        assert_eq!(given(&[("range", "bytes=0-9"), ("if-range", "Tue, 15 Jul 2025 17:00:00 GMT")]), Requested::Whole);
    }

    #[test]
    fn times_are_written_as_http_does() {
        assert_eq!(last_modified(CHANGED), "Tue, 15 Jul 2025 17:20:00 GMT");
    }
}
