//! The metrics in the format of OTLP.

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    metrics::v1::{
        AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
        ScopeMetrics, Sum, metric::Data, number_data_point,
    },
    resource::v1::Resource,
};
use tidings_domain::UnixMillis;

use super::exposition::{Buckets, Family, Labels, Point, Points};

/// Between when and when the numbers grew.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    /// When the process began to count.
    pub started: UnixMillis,
    pub now: UnixMillis,
}

/// Metrics without a series are left out. Values are floating point, as Prometheus has them: a series that is a whole number
/// now and none later would change its type.
pub(super) fn request(families: Vec<Family<'_>>, period: Period, resource: Resource) -> ExportMetricsServiceRequest {
    let metrics = families.into_iter().filter_map(|family| metric(family, period)).collect();
    let scope = InstrumentationScope { name: "tidings".to_owned(), ..InstrumentationScope::default() };
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, schema_url: String::new() }];
    let of_process = ResourceMetrics { resource: Some(resource), scope_metrics, schema_url: String::new() };
    ExportMetricsServiceRequest { resource_metrics: vec![of_process] }
}

fn metric(family: Family<'_>, period: Period) -> Option<Metric> {
    let aggregation_temporality = AggregationTemporality::Cumulative.into();
    let data = match family.points {
        Points::Counter(points) => {
            let data_points = all(points, |point| number(point, period))?;
            Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic: true })
        }
        Points::Gauge(points) => {
            let without_start = |point| NumberDataPoint { start_time_unix_nano: 0, ..number(point, period) };
            Data::Gauge(Gauge { data_points: all(points, without_start)? })
        }
        Points::Histogram(points) => {
            let data_points = all(points, |point| histogram(point, period))?;
            Data::Histogram(Histogram { data_points, aggregation_temporality })
        }
    };
    let name = family.name.to_owned();
    Some(Metric { name, description: family.help, data: Some(data), ..Metric::default() })
}

fn all<T, U>(points: Vec<T>, convert: impl Fn(T) -> U) -> Option<Vec<U>> {
    let converted: Vec<U> = points.into_iter().map(convert).collect();
    (!converted.is_empty()).then_some(converted)
}

fn number(Point { labels, value }: Point<'_, f64>, period: Period) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(labels),
        start_time_unix_nano: nanoseconds(period.started),
        time_unix_nano: nanoseconds(period.now),
        value: Some(number_data_point::Value::AsDouble(value)),
        ..NumberDataPoint::default()
    }
}

fn histogram(Point { labels, value }: Point<'_, Buckets>, period: Period) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(labels),
        start_time_unix_nano: nanoseconds(period.started),
        time_unix_nano: nanoseconds(period.now),
        count: value.counts.iter().sum(),
        sum: Some(value.sum),
        bucket_counts: value.counts,
        explicit_bounds: value.bounds,
        ..HistogramDataPoint::default()
    }
}

fn attributes(labels: Labels<'_>) -> Vec<KeyValue> {
    let attribute = |(key, value): (&str, String)| {
        let value = AnyValue { value: Some(any_value::Value::StringValue(value)) };
        KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
    };
    labels.into_iter().map(attribute).collect()
}

fn nanoseconds(time: UnixMillis) -> u64 {
    u64::try_from(time.0).unwrap_or(0).saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_is_cumulative_since_the_start_and_what_has_no_series_is_left_out() {
        let series = |value| vec![Point { labels: vec![("m", "A".to_owned())], value }];
        let family = |name, points| Family { name, help: "H.".to_owned(), points };
        let buckets = Buckets { bounds: vec![1.0], counts: vec![2, 3], sum: 9.5 };
        let histogram = vec![Point { labels: Vec::new(), value: buckets }];
        let families = vec![
            family("c_total", Points::Counter(series(2.0))),
            family("g", Points::Gauge(series(-1.0))),
            family("h", Points::Histogram(histogram)),
            family("none", Points::Gauge(Vec::new())),
        ];
        let period = Period { started: UnixMillis(1), now: UnixMillis(3) };
        let mut sent = request(families, period, Resource::default()).resource_metrics;
        let metrics = sent.remove(0).scope_metrics.remove(0).metrics;
        let names: Vec<_> = metrics.iter().map(|metric| (metric.name.as_str(), metric.description.as_str())).collect();
        assert_eq!(names, [("c_total", "H."), ("g", "H."), ("h", "H.")]);
        let number = |start_time_unix_nano, value| NumberDataPoint {
            attributes: attributes(vec![("m", "A".to_owned())]),
            start_time_unix_nano,
            time_unix_nano: 3_000_000,
            value: Some(number_data_point::Value::AsDouble(value)),
            ..NumberDataPoint::default()
        };
        let cumulative = AggregationTemporality::Cumulative.into();
        let sum =
            Sum { data_points: vec![number(1_000_000, 2.0)], aggregation_temporality: cumulative, is_monotonic: true };
        assert_eq!(metrics[0].data, Some(Data::Sum(sum)));
        assert_eq!(metrics[1].data, Some(Data::Gauge(Gauge { data_points: vec![number(0, -1.0)] })));
        let Some(Data::Histogram(histogram)) = &metrics[2].data else { panic!("a histogram") };
        let point = &histogram.data_points[0];
        assert_eq!((point.count, point.sum, histogram.aggregation_temporality), (5, Some(9.5), cumulative));
        assert_eq!((&point.explicit_bounds, &point.bucket_counts), (&vec![1.0], &vec![2, 3]));
    }
}
