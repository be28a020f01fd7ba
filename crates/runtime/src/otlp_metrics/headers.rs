//! The headers that the operator has every export carry. The library that exports spans reads the same variables by itself.

use std::str::FromStr as _;

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

/// Of metrics alone; with it the other variable is not read.
const OF_METRICS: &str = "OTEL_EXPORTER_OTLP_METRICS_HEADERS";
/// Of everything that is exported.
const OF_ALL: &str = "OTEL_EXPORTER_OTLP_HEADERS";

/// As the variables say: `name=value` pairs, separated by commas, with values that may be percent-encoded. What is no header
/// is ignored, as it is for spans.
pub(super) fn configured(variable: impl Fn(&str) -> Option<String>) -> HeaderMap {
    let text = variable(OF_METRICS).or_else(|| variable(OF_ALL)).unwrap_or_default();
    text.split(',').filter_map(header).collect()
}

fn header(pair: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = pair.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    let mut value = HeaderValue::from_str(&value).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_str(name.trim()).ok()?, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Vec<(String, String)> {
        let headers =
            configured(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()));
        let pair = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), value.to_str().unwrap_or_default().to_owned())
        };
        headers.iter().map(pair).collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn headers_are_read_as_opentelemetry_has_them() {
        assert_eq!(read(&[]), []);
        let both = [pair("authorization", "Bearer k=1"), pair("x-team", "chat")];
        assert_eq!(read(&[(OF_ALL, "Authorization=Bearer%20k=1, x-team = chat ,")]), both);
        assert_eq!(read(&[(OF_ALL, "no pair,bad name=1,x=a%0Ab,y=2")]), [pair("y", "2")]);
        assert_eq!(read(&[(OF_ALL, "x=1"), (OF_METRICS, "x=2")]), [pair("x", "2")]);
    }
}
