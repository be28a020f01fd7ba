//! What is around every answer (agora.md 1.5, 1.6).

use serde::Serialize;

use super::{ChatFile, ContactRemark, JoinedEntity, Thread, ThreadMember, ThreadMessage, User};

#[derive(Serialize)]
pub struct Done {
    pub result: &'static str,
}

/// agora.md 1.5.
#[derive(Serialize)]
pub struct Envelope<'a, D: Serialize> {
    pub path: &'a str,
    pub uri: &'a str,
    pub timestamp: i64,
    pub organization: &'a str,
    pub application: &'a str,
    pub action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<Params<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entities: Option<Entities<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<D>,
    pub duration: i64,
    #[serde(rename = "applicationName")]
    pub application_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<Properties<'a>>,
}

/// Of lists of threads (agora.md 10.5).
#[derive(Serialize)]
pub struct Properties<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<&'a str>,
}

impl<'a> Properties<'a> {
    /// Where the next page starts; empty: there is none.
    pub fn of(cursor: &'a str) -> Self {
        Self { cursor: Some(cursor).filter(|cursor| !cursor.is_empty()) }
    }
}

/// agora.md 1.5: an array of the objects of the call.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Entities<'a> {
    Users(Vec<User<'a>>),
    Files([ChatFile<'a>; 1]),
    Groups(Vec<JoinedEntity<'a>>),
    Contacts(Vec<ContactRemark>),
    Threads(Vec<Thread<'a>>),
    ThreadMembers(Vec<ThreadMember<'a>>),
    ThreadMessages(Vec<ThreadMessage>),
}

impl Entities<'_> {
    /// An empty array.
    pub const NONE: Self = Self::Users(Vec::new());
}

/// The query of a list, each value as an array of texts.
#[derive(Serialize, Default)]
pub struct Params<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagenum: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagesize: Option<[&'a str; 1]>,
}

/// agora.md 1.6.
#[derive(Serialize)]
pub struct ErrorEnvelope<'a> {
    pub error: &'a str,
    pub exception: &'a str,
    pub timestamp: i64,
    pub duration: i64,
    pub error_description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<i32>,
}
