//! The history export: its hour, the links to its files, and their manifest (agora.md 4).

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tidings_domain::{App, Error, MsgId, Reason, UnixMillis, date_of, days_since_1970, hex};

use super::{Call, Refusal, Timing, dto};
use crate::json::bytes_of;

const HOUR: i64 = 3_600_000;
const MINUTE: i64 = 60_000;

/// The first millisecond of the hour `yyyyMMddHH`, with this UTC offset in minutes.
pub fn export_hour(app: &App, time: &str) -> Result<UnixMillis, Refusal> {
    let hour = parse(time).ok_or_else(|| {
        Refusal::illegal_argument(format!("illegal arguments: appkey: {}#{}, time: {time}", app.org, app.name))
    })?;
    Ok(UnixMillis(hour - app.policy.export_utc_offset_minutes * MINUTE))
}

/// `yyyyMMddHH` of a time, with this UTC offset in minutes.
pub fn export_time(moment: UnixMillis, offset_minutes: i64) -> String {
    let hours = (moment.0 + offset_minutes * MINUTE).div_euclid(HOUR);
    let (year, month, day) = date_of(hours.div_euclid(24));
    let hour = hours.rem_euclid(24);
    format!("{year:04}{month:02}{day:02}{hour:02}")
}

fn parse(time: &str) -> Option<i64> {
    if time.len() != 10 || !time.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| time[range].parse::<i64>().ok();
    let (year, month, day, hour) = (number(0..4)?, number(4..6)?, number(6..8)?, number(8..10)?);
    if hour > 23 {
        return None;
    }
    Some((days_since_1970(year, month, day)? * 24 + hour) * HOUR)
}

/// Why there are no files (agora.md 8.3): what is not kept, or does not exist yet, is 400; an hour in which nothing was
/// sent is 404.
pub fn export_refusal(error: &Error, app: &App, time: &str) -> Refusal {
    let appkey = format!("appkey: {}#{}, time: {time}", app.org, app.name);
    let refusal = Refusal::from(error);
    let description = match error.reason() {
        Reason::ExportExpired => format!("illegal arguments: {appkey}, {}", refusal.description),
        Reason::ExportEmpty => format!("{} for {appkey}", refusal.description),
        _ => return refusal,
    };
    Refusal { description: description.into(), ..refusal }
}

/// The hour has not closed, or its files are being made: the vendor returns the same as for one that is not kept.
pub fn export_later(app: &App, time: &str, wait: Duration) -> Refusal {
    let refusal = export_refusal(&Error::new(Reason::ExportExpired, ""), app, time);
    Refusal { retry_after: Some(wait), ..refusal }
}

/// The answer: the URLs of the files, each with a temporary link.
pub fn exported(call: &Call<'_>, timing: Timing, urls: &[String]) -> Vec<u8> {
    bytes_of(&dto::Exported {
        action: call.action,
        application: &call.app.uuid,
        uri: call.uri,
        data: urls.iter().map(|url| dto::ExportLink { url }).collect(),
        timestamp: timing.timestamp,
        duration: timing.duration,
        organization: &call.app.org,
        application_name: &call.app.name,
    })
}

/// The manifest entry of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// From 1 inside its hour.
    pub part: i32,
    /// Position in the app's chain.
    pub seq: i64,
    /// Lines.
    pub messages: i64,
    /// Of the file.
    pub bytes: i64,
    /// The first line's.
    pub first: MsgId,
    /// The last line's.
    pub last: MsgId,
    /// Of the file, as hex digits.
    pub sha256: String,
    /// The digest of the previous link; empty for the first.
    pub previous: String,
    /// The digest of this link: see `ExportPart` in message.proto.
    pub digest: String,
    /// When it was made.
    pub sealed_at: UnixMillis,
}

impl Manifest {
    /// The expected digest: SHA-256 of the app's uuid, seq, the first millisecond of the hour, part, messages, first
    /// and last id, the file's SHA-256 and the previous digest, each followed by a line feed.
    pub fn chained(&self, app_uuid: &str, hour: UnixMillis) -> String {
        let Self { part, seq, messages, first, last, sha256, previous, .. } = self;
        let line = format!(
            "{app_uuid}\n{seq}\n{hour}\n{part}\n{messages}\n{first}\n{last}\n{sha256}\n{previous}\n",
            hour = hour.0
        );
        hex(&Sha256::digest(line))
    }
}

/// The manifest of an hour, as returned.
#[derive(Debug)]
pub struct HourManifest {
    /// The app.
    pub app_uuid: String,
    /// Its first millisecond.
    pub hour: UnixMillis,
    /// Each file's name and entry.
    pub files: Vec<(String, Manifest)>,
}

/// Parses a manifest.
pub fn read_manifest(text: &str) -> Option<HourManifest> {
    let envelope: dto::ManifestEnvelope = serde_json::from_str(text).ok()?;
    let part = |part: dto::ManifestPart| {
        let id = |text: &str| text.parse().map(MsgId).ok();
        let manifest = Manifest {
            part: part.part,
            seq: part.seq,
            messages: part.messages,
            bytes: part.bytes,
            first: id(&part.first_msg_id)?,
            last: id(&part.last_msg_id)?,
            sha256: part.sha256,
            previous: part.previous,
            digest: part.digest,
            sealed_at: UnixMillis(part.sealed_at),
        };
        Some((part.file, manifest))
    };
    let files: Option<Vec<_>> = envelope.data.parts.into_iter().map(part).collect();
    Some(HourManifest { app_uuid: envelope.application, hour: UnixMillis(envelope.data.hour_start), files: files? })
}

/// The manifest of an hour.
pub fn manifest(call: &Call<'_>, timing: Timing, (time, hour): (&str, UnixMillis), parts: &[Manifest]) -> Vec<u8> {
    let part = |part: &Manifest| dto::ManifestPart {
        part: part.part,
        file: if part.part == 1 { format!("{time}.gz") } else { format!("{time}.{}.gz", part.part) },
        seq: part.seq,
        messages: part.messages,
        bytes: part.bytes,
        first_msg_id: part.first.to_string(),
        last_msg_id: part.last.to_string(),
        sha256: part.sha256.clone(),
        previous: part.previous.clone(),
        digest: part.digest.clone(),
        sealed_at: part.sealed_at.0,
    };
    let data = dto::Manifest { time: time.to_owned(), hour_start: hour.0, parts: parts.iter().map(part).collect() };
    bytes_of(&dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_written_as_it_is_read() {
        let hours =
            (0..2_000).map(|n| n * 7_919 * HOUR / 31).chain([951_782_400_000, 951_868_800_000, 4_107_542_400_000]);
        for moment in hours {
            let time = export_time(UnixMillis(moment), 0);
            assert_eq!(parse(&time), Some(moment / HOUR * HOUR), "{time}");
        }
        assert_eq!(export_time(UnixMillis(1_752_588_000_000), 480), "2025071522");
        assert_eq!(export_time(UnixMillis(1_752_588_000_000), -840), "2025071500");
    }

    #[test]
    fn an_hour_has_ten_digits_agora_4() {
        assert_eq!(parse("2025071514"), Some(1_752_588_000_000));
        assert_eq!(parse("1970010100"), Some(0));
        assert_eq!(parse("2024022923"), Some(1_709_247_600_000));
        assert_eq!(parse("2000123123"), Some(978_303_600_000));
        let odd = ["2025071", "20250715140", "2025071524", "2025023000", "2023022900", "2025130100", "2025001500"];
        for odd in odd.into_iter().chain(["2025073200", "202507151x", "+025071514", "", "２０２５"]) {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }
}
