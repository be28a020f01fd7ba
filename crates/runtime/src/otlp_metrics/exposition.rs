//! Reads the text of `/metrics` back into numbers.
//!
//! It knows what our own text has and no more: HELP and TYPE before the samples of a metric, no times, no exemplars, and of
//! each histogram the buckets, then the sum, then the count. Anything else is an error that shows the line, so that a text
//! that changes is noticed and no number is exported wrongly.

use std::fmt;

/// A metric with all its series.
#[derive(Debug, PartialEq)]
pub(super) struct Family<'a> {
    pub name: &'a str,
    pub help: String,
    pub points: Points<'a>,
}

/// The series of a metric.
#[derive(Debug, PartialEq)]
pub(super) enum Points<'a> {
    Counter(Vec<Point<'a, f64>>),
    Gauge(Vec<Point<'a, f64>>),
    Histogram(Vec<Point<'a, Buckets>>),
}

/// A series and its value.
#[derive(Debug, PartialEq)]
pub(super) struct Point<'a, T> {
    pub labels: Labels<'a>,
    pub value: T,
}

/// Names and values, in the order of the text.
pub(super) type Labels<'a> = Vec<(&'a str, String)>;

/// The value of a histogram.
#[derive(Debug, PartialEq)]
pub(super) struct Buckets {
    /// The upper bounds, without the infinite one.
    pub bounds: Vec<f64>,
    /// How many values each bucket has, without those of smaller ones; the last one has no bound.
    pub counts: Vec<u64>,
    pub sum: f64,
}

/// A line that is not as ours are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    why: &'static str,
    line: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.why, self.line)
    }
}

/// Every metric of a text.
pub(super) fn read(text: &str) -> Result<Vec<Family<'_>>, Malformed> {
    let mut reader = Reader::default();
    for line in text.lines() {
        reader.line(line).map_err(|why| Malformed { why, line: line.to_owned() })?;
    }
    reader.between_series().map_err(|why| Malformed { why, line: "the end".to_owned() })?;
    Ok(reader.families)
}

#[derive(Debug, Default)]
struct Reader<'a> {
    families: Vec<Family<'a>>,
    /// The HELP of the metric whose TYPE is next.
    help: Option<(&'a str, String)>,
    /// The histogram whose count is still to come.
    open: Option<OpenHistogram<'a>>,
}

/// A histogram as far as it was read.
#[derive(Debug, Default)]
struct OpenHistogram<'a> {
    labels: Labels<'a>,
    bounds: Vec<f64>,
    counts: Vec<u64>,
    /// All values so far.
    total: u64,
    /// Whether the bucket without a bound was read.
    has_all: bool,
    sum: Option<f64>,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) -> Result<(), &'static str> {
        if let Some(help) = line.strip_prefix("# HELP ") {
            self.between_series()?;
            let (name, help) = help.split_once(' ').ok_or("a HELP without a text")?;
            self.help = Some((name, unescaped(help)?));
            return Ok(());
        }
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            self.between_series()?;
            return self.begin(kind);
        }
        let (series, value) = line.rsplit_once(' ').ok_or("neither a comment nor a sample")?;
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, read_labels(labels)?),
            None => (series, Labels::new()),
        };
        self.sample(name, labels, value)
    }

    fn between_series(&self) -> Result<(), &'static str> {
        if self.open.is_some() { Err("a histogram has no count") } else { Ok(()) }
    }

    fn begin(&mut self, text: &'a str) -> Result<(), &'static str> {
        let (name, kind) = text.split_once(' ').ok_or("a TYPE without a kind")?;
        let help = self.help.take().filter(|(of, _)| *of == name);
        let (_, help) = help.ok_or("a TYPE without its HELP before it")?;
        let points = match kind {
            "counter" => Points::Counter(Vec::new()),
            "gauge" => Points::Gauge(Vec::new()),
            "histogram" => Points::Histogram(Vec::new()),
            _ => return Err("an unknown kind"),
        };
        self.families.push(Family { name, help, points });
        Ok(())
    }

    fn sample(&mut self, name: &'a str, labels: Labels<'a>, value: &str) -> Result<(), &'static str> {
        let family = self.families.last_mut().filter(|_| self.help.is_none()).ok_or("a sample before its TYPE")?;
        let part = name.strip_prefix(family.name).ok_or("a sample of another metric")?;
        match (&mut family.points, part) {
            (Points::Counter(points) | Points::Gauge(points), "") => {
                points.push(Point { labels, value: number(value)? });
                Ok(())
            }
            (Points::Histogram(_), "_bucket") => self.bucket(labels, whole_number(value)?),
            (Points::Histogram(_), "_sum") => {
                let open = self.open.as_mut().filter(|open| open.has_all && open.sum.is_none());
                let open = open.filter(|open| open.labels == labels).ok_or("a sum that does not follow its buckets")?;
                open.sum = Some(number(value)?);
                Ok(())
            }
            (Points::Histogram(points), "_count") => {
                let open = self.open.take().filter(|open| open.labels == labels);
                let OpenHistogram { bounds, counts, total, sum, .. } = open.ok_or("a count without its buckets")?;
                let sum = sum.ok_or("a count before its sum")?;
                if whole_number(value)? != total {
                    return Err("a count that is not what its buckets have");
                }
                points.push(Point { labels, value: Buckets { bounds, counts, sum } });
                Ok(())
            }
            _ => Err("a sample of another metric"),
        }
    }

    /// `so_far` counts this bucket and all smaller ones.
    fn bucket(&mut self, mut labels: Labels<'a>, so_far: u64) -> Result<(), &'static str> {
        let at = labels.iter().position(|(key, _)| *key == "le").ok_or("a bucket without le")?;
        let bound = number(&labels.remove(at).1)?;
        let open =
            self.open.get_or_insert_with(|| OpenHistogram { labels: labels.clone(), ..OpenHistogram::default() });
        if open.has_all || open.labels != labels {
            return Err("a bucket where a sum is due");
        }
        if bound == f64::INFINITY {
            open.has_all = true;
        } else if bound.is_finite() && open.bounds.last().is_none_or(|before| *before < bound) {
            open.bounds.push(bound);
        } else {
            return Err("a bucket out of order");
        }
        open.counts.push(so_far.checked_sub(open.total).ok_or("a bucket with less than a smaller one")?);
        open.total = so_far;
        Ok(())
    }
}

/// What follows `{`, up to the end of the series.
fn read_labels(mut text: &str) -> Result<Labels<'_>, &'static str> {
    let mut labels = Labels::new();
    loop {
        let (key, rest) = text.split_once("=\"").ok_or("a label without a value")?;
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err("a label with a bad name");
        }
        let (value, rest) = quoted(rest)?;
        labels.push((key, value));
        if rest == "}" {
            return Ok(labels);
        }
        text = rest.strip_prefix(',').ok_or("a label that is followed by neither a comma nor the end")?;
    }
}

/// The text up to the closing quote, and what follows that.
fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let (mut value, mut chars) = (String::new(), text.chars());
    loop {
        match chars.next().ok_or("a label whose value does not end")? {
            '"' => return Ok((value, chars.as_str())),
            '\\' => value.push(escape(chars.next())?),
            char => value.push(char),
        }
    }
}

fn unescaped(text: &str) -> Result<String, &'static str> {
    let (mut value, mut chars) = (String::new(), text.chars());
    while let Some(char) = chars.next() {
        value.push(if char == '\\' { escape(chars.next())? } else { char });
    }
    Ok(value)
}

fn escape(char: Option<char>) -> Result<char, &'static str> {
    match char {
        Some('n') => Ok('\n'),
        Some(char @ ('\\' | '"')) => Ok(char),
        _ => Err("an unknown escape"),
    }
}

/// Also `NaN`, `+Inf` and `-Inf`.
fn number(text: &str) -> Result<f64, &'static str> {
    text.parse().map_err(|_| "a value that is not a number")
}

fn whole_number(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "a count that is not a whole number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label<'a>(key: &'a str, value: &str) -> (&'a str, String) {
        (key, value.to_owned())
    }

    #[test]
    fn counters_and_gauges_have_their_help_labels_and_values() {
        let text = "# HELP a_total What \\\\ and\\nwhy.\n# TYPE a_total counter\n\
                    a_total{x=\"1\",y=\"b \\\"c\\\" \\\\ \\n d}, e=\\\"\"} 2\na_total 0.5\n\
                    # HELP g G.\n# TYPE g gauge\ng -3\n# HELP none N.\n# TYPE none gauge\n";
        let labels = vec![label("x", "1"), label("y", "b \"c\" \\ \n d}, e=\"")];
        let counted = vec![Point { labels, value: 2.0 }, Point { labels: Vec::new(), value: 0.5 }];
        let families = [
            Family { name: "a_total", help: "What \\ and\nwhy.".to_owned(), points: Points::Counter(counted) },
            Family {
                name: "g",
                help: "G.".to_owned(),
                points: Points::Gauge(vec![Point { labels: Vec::new(), value: -3.0 }]),
            },
            Family { name: "none", help: "N.".to_owned(), points: Points::Gauge(Vec::new()) },
        ];
        assert_eq!(read(text).unwrap(), families);
    }

    #[test]
    fn values_may_be_infinite_or_no_number() {
        let text = "# HELP g G.\n# TYPE g gauge\ng{a=\"1\"} +Inf\ng{a=\"2\"} -Inf\ng{a=\"3\"} NaN\ng{a=\"4\"} 1e+21\n";
        let Points::Gauge(points) = read(text).unwrap().remove(0).points else { panic!("a gauge") };
        let values: Vec<f64> = points.iter().map(|point| point.value).collect();
        assert_eq!((values[0], values[1], values[3]), (f64::INFINITY, f64::NEG_INFINITY, 1e21));
        assert!(values[2].is_nan());
    }

    const HISTOGRAM: &str = "# HELP h H.\n# TYPE h histogram\n\
        h_bucket{m=\"A\",le=\"0.5\"} 1\nh_bucket{m=\"A\",le=\"2\"} 1\nh_bucket{m=\"A\",le=\"+Inf\"} 4\n\
        h_sum{m=\"A\"} 12.25\nh_count{m=\"A\"} 4\n\
        h_bucket{m=\"B\",le=\"+Inf\"} 0\nh_sum{m=\"B\"} 0.0\nh_count{m=\"B\"} 0\n";

    #[test]
    fn buckets_of_a_histogram_count_without_the_smaller_ones() {
        let Points::Histogram(points) = read(HISTOGRAM).unwrap().remove(0).points else { panic!("a histogram") };
        let several = Buckets { bounds: vec![0.5, 2.0], counts: vec![1, 0, 3], sum: 12.25 };
        let none = Buckets { bounds: Vec::new(), counts: vec![0], sum: 0.0 };
        let series = |name, value| Point { labels: vec![label("m", name)], value };
        assert_eq!(points, [series("A", several), series("B", none)]);
    }

    #[test]
    fn what_is_not_as_ours_is_an_error_that_shows_the_line() {
        let (counter, histogram) = ("# HELP a A.\n# TYPE a counter\n", "# HELP h H.\n# TYPE h histogram\n");
        for (text, said) in [
            ("a 1\n".to_owned(), "a sample before its TYPE: a 1"),
            ("# TYPE a counter\n".to_owned(), "a TYPE without its HELP before it: # TYPE a counter"),
            ("# HELP a A.\n# TYPE a summary\n".to_owned(), "an unknown kind: # TYPE a summary"),
            ("# EOF\n".to_owned(), "a sample before its TYPE: # EOF"),
            (format!("{counter}\n"), "neither a comment nor a sample: "),
            (format!("{counter}b 1\n"), "a sample of another metric: b 1"),
            (format!("{counter}a_total 1\n"), "a sample of another metric: a_total 1"),
            (format!("{counter}a 1 1700000000\n"), "a sample of another metric: a 1 1700000000"),
            (format!("{counter}a one\n"), "a value that is not a number: a one"),
            (format!("{counter}a{{b=\"\\t\"}} 1\n"), "an unknown escape: a{b=\"\\t\"} 1"),
            (format!("{counter}a{{b=\"c}} 1\n"), "a label whose value does not end: a{b=\"c} 1"),
            (format!("{counter}a{{}} 1\n"), "a label without a value: a{} 1"),
            (
                format!("{histogram}h_bucket{{le=\"1\"}} 1\nh_sum 1\n"),
                "a sum that does not follow its buckets: h_sum 1",
            ),
            (format!("{histogram}h_bucket{{le=\"+Inf\"}} 1\nh_count 1\n"), "a count before its sum: h_count 1"),
            (format!("{histogram}h_bucket{{le=\"+Inf\"}} 1\nh_sum 1\n"), "a histogram has no count: the end"),
            (
                HISTOGRAM.replace("} 4\n", "} 0\n"),
                "a bucket with less than a smaller one: h_bucket{m=\"A\",le=\"+Inf\"} 0",
            ),
            (HISTOGRAM.replace("=\"2\"", "=\"0.1\""), "a bucket out of order: h_bucket{m=\"A\",le=\"0.1\"} 1"),
            (
                HISTOGRAM.replace("h_count{m=\"A\"} 4", "h_count{m=\"A\"} 5"),
                "a count that is not what its buckets have: h_count{m=\"A\"} 5",
            ),
        ] {
            assert_eq!(read(&text).expect_err(said).to_string(), said);
        }
    }

    #[test]
    fn everything_that_this_process_counts_can_be_read() {
        let metrics = crate::metrics();
        metrics.process.runs_as("test");
        metrics.upkeep.ready(true);
        let text = metrics.text();
        let families = read(&text).unwrap();
        let kinds = families.iter().map(|family| {
            let kind = match family.points {
                Points::Counter(_) => "counter",
                Points::Gauge(_) => "gauge",
                Points::Histogram(_) => "histogram",
            };
            (family.name, kind)
        });
        for kind in kinds {
            assert!(metrics.rows().iter().any(|row| (row.name, row.kind) == kind), "{kind:?}");
        }
        assert!(families.iter().any(|family| family.name == "tidings_build_info"), "{text}");
    }
}
