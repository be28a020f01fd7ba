//! Messages in exports and histories (agora.md 4).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One message as in exports and histories (agora.md 4).
#[derive(Serialize)]
pub struct Record<'a> {
    pub msg_id: String,
    pub timestamp: i64,
    pub direction: &'a str,
    pub from: &'a str,
    pub to: &'a str,
    pub chat_type: &'a str,
    pub payload: Payload<'a>,
    /// From here on only in histories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited: Option<i64>,
}

#[derive(Serialize)]
pub struct Payload<'a> {
    pub bodies: [&'a RawValue; 1],
    pub ext: &'a RawValue,
    pub from: &'a str,
    pub to: &'a str,
}

/// agora.md 4, which has no `path`.
#[derive(Serialize)]
pub struct Exported<'a> {
    pub action: &'a str,
    pub application: &'a str,
    pub uri: &'a str,
    pub data: Vec<ExportLink<'a>>,
    pub timestamp: i64,
    pub duration: i64,
    pub organization: &'a str,
    #[serde(rename = "applicationName")]
    pub application_name: &'a str,
}

#[derive(Serialize)]
pub struct ExportLink<'a> {
    pub url: &'a str,
}

/// Ours; also what is verified offline.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub time: String,
    pub hour_start: i64,
    pub parts: Vec<ManifestPart>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ManifestPart {
    pub part: i32,
    pub file: String,
    pub seq: i64,
    pub messages: i64,
    pub bytes: i64,
    pub first_msg_id: String,
    pub last_msg_id: String,
    pub sha256: String,
    pub previous: String,
    pub digest: String,
    pub sealed_at: i64,
}

/// The part of a manifest's envelope that is verified.
#[derive(Deserialize)]
pub struct ManifestEnvelope {
    pub application: String,
    pub data: Manifest,
}
