//! Files (agora.md 3).

use serde::{Deserialize, Serialize};

/// agora.md 3.1
#[derive(Default, Serialize)]
pub struct ChatFile<'a> {
    pub uuid: &'a str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(rename = "share-secret")]
    pub share_secret: &'a str,
}

/// agora.md 3.4.
#[derive(Deserialize)]
pub struct SetLifetime {
    pub lifetime: Option<String>,
    pub chatfile_ids: Option<Vec<String>>,
}

#[derive(Serialize)]
pub struct LifetimesSet<'a> {
    pub success: &'a [&'a str],
    pub failed: &'a [&'a str],
}
