//! Dates and times as text: the Gregorian calendar, and RFC 3339 in UTC.

use crate::UnixMillis;

const DAY: i64 = 86_400_000;
const MINUTE: i64 = 60_000;

/// The year, month and day that many days after 1970-01-01 (proleptic Gregorian).
pub const fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    // Eras of 400 years, each beginning with a March.
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (year + era * 400, month, day)
}

/// The days from 1970-01-01 to a date of the years 0 to 9999; `None` if the calendar has no such day.
pub fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(0..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    // Counts from March, so that the leap day is the last of its year.
    let (from, past) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = from.div_euclid(4) - from.div_euclid(100) + from.div_euclid(400);
    let days = from * 365 + leap_days + (past * 153 + 2) / 5 + day - 1 - 719_468;
    (date_of(days) == (year, month, day)).then_some(days)
}

impl UnixMillis {
    /// As RFC 3339 in UTC with milliseconds: `2026-11-30T03:47:02.123Z`.
    pub fn rfc3339(self) -> String {
        let (year, month, day) = date_of(self.0.div_euclid(DAY));
        let ms = self.0.rem_euclid(DAY);
        let (hour, minute, second) = (ms / (60 * MINUTE), ms / MINUTE % 60, ms / 1_000 % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1_000)
    }

    /// Reads RFC 3339 with any UTC offset. What is finer than a millisecond is cut off.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let (date, rest) = text.split_once(['T', 't', ' '])?;
        let (time, offset) = rest.split_at(rest.find(['Z', 'z', '+', '-'])?);
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let ms = number(fraction, fraction.len().max(1)).and_then(|_| number(&format!("{fraction:0<3}")[..3], 3))?;
        let minutes = hour * 60 + minute - offset_minutes(offset)?;
        Some(Self(days_since_1970(year, month, day)? * DAY + minutes * MINUTE + second * 1_000 + ms))
    }
}

fn offset_minutes(offset: &str) -> Option<i64> {
    let sign = match offset.as_bytes().first()? {
        b'Z' | b'z' => return (offset.len() == 1).then_some(0),
        b'-' => -1,
        _ => 1,
    };
    let [hours, minutes] = numbers(&offset[1..], ':', [2, 2])?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// The numbers between separators, each with that many digits.
fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut found = [0; N];
    for (found, width) in found.iter_mut().zip(widths) {
        *found = number(parts.next()?, width)?;
    }
    parts.next().is_none().then_some(found)
}

fn number(text: &str, width: usize) -> Option<i64> {
    let is_number = text.len() == width && text.bytes().all(|c| c.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_rfc_3339_and_read_back() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_790_000_000_123, "2026-09-21T14:13:20.123Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(UnixMillis(ms).rfc3339(), text);
            assert_eq!(UnixMillis::from_rfc3339(text), Some(UnixMillis(ms)), "{text}");
        }
    }

    #[test]
    fn other_forms_of_rfc_3339_are_read() {
        for text in [
            "2026-09-21T14:13:20.123Z",
            "2026-09-21t14:13:20.1239999z",
            "2026-09-21 16:13:20.123+02:00",
            "2026-09-21T08:43:20.123-05:30",
        ] {
            assert_eq!(UnixMillis::from_rfc3339(text), Some(UnixMillis(1_790_000_000_123)), "{text}");
        }
        assert_eq!(UnixMillis::from_rfc3339("2026-09-21T14:13:20Z"), Some(UnixMillis(1_790_000_000_000)));
    }

    #[test]
    fn what_no_calendar_and_no_clock_has_is_refused() {
        for text in [
            "",
            "2026-09-21",
            "2026-09-21T14:13:20",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.ü1Z",
            "2026-01-01T00:00:00+2:00",
            "2026-01-01T00:00:00Z+00:00",
            "26-01-01T00:00:00Z",
            "+026-01-01T00:00:00Z",
        ] {
            assert_eq!(UnixMillis::from_rfc3339(text), None, "{text}");
        }
    }
}
