//! Contacts and users' block lists (agora.md 10.2, errors of 8.3).

use tidings_domain::{Error, Reason, Username};

use super::{Call, Refusal, Timing, User, channel::value, dto, refusal::decode};
use crate::json::{Label, OneOrMany, bytes_of};

/// The default size of a page of contacts.
const DEFAULT_PAGE: i32 = 10;
/// The maximum size of a page of contacts or of a block list.
const MAX_PAGE: i32 = 50;
/// How many users of the block list a call without a page gets.
const WHOLE_BLOCK_LIST: i32 = 500;
/// Maximum length of a remark in characters.
const MAX_REMARK: usize = 100;
/// Maximum number of users in one import.
const MAX_IMPORT: usize = 10;
/// Maximum number of users in one request to become contacts.
const MAX_ASKED: usize = 10;
/// Maximum number of users in one change of a block list.
const MAX_BLOCKED: usize = 600;

/// A contact as shown in answers.
#[derive(Debug, Clone, Copy)]
pub struct Contact<'a> {
    /// As registered; shown folded (agora.md 1.2).
    pub username: &'a str,
    /// Empty: none.
    pub remark: &'a str,
}

/// A page of a list of contacts, or of a block list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPage {
    /// From 1.
    pub size: i32,
    /// The cursor of the page before; empty: the first page.
    pub cursor: String,
    /// Whether remarks are shown.
    pub remarks: bool,
}

/// A parameter; the web SDKs write absent ones as `undefined` or `null`.
fn given(query: &str, name: &str) -> Option<String> {
    value(query, name).filter(|value| !matches!(value.as_str(), "" | "undefined" | "null"))
}

fn cursor(query: &str) -> Result<String, Refusal> {
    match given(query, "cursor") {
        Some(cursor) if tidings_domain::decimal_id(&cursor).is_none() => {
            Err(Refusal::illegal_argument("cursor must be that of an answer"))
        }
        cursor => Ok(cursor.unwrap_or_default()),
    }
}

fn size(query: &str, name: &str) -> Result<Option<i32>, Refusal> {
    match given(query, name).map(|text| text.parse()) {
        None => Ok(None),
        Some(Ok(size)) if size >= 1 => Ok(Some(size)),
        Some(_) => Err(Refusal::illegal_argument(format!("{name} must be a number from 1 to {MAX_PAGE}"))),
    }
}

/// Whether the call requests remarks.
pub fn wants_remarks(query: &str) -> bool {
    given(query, "needReturnRemark").is_some_and(|value| tidings_domain::flag(&value) == Some(true))
}

/// Parses `limit`, `cursor` and `needReturnRemark`.
pub fn contact_page(query: &str) -> Result<ContactPage, Refusal> {
    let size = size(query, "limit")?.unwrap_or(DEFAULT_PAGE);
    if size > MAX_PAGE {
        let text = format!("getContacts | page size more than max limit : {MAX_PAGE}");
        return Err(Refusal::illegal_argument(text));
    }
    Ok(ContactPage { size, cursor: cursor(query)?, remarks: wants_remarks(query) })
}

/// Parses `pageSize` and `cursor`; without `pageSize` the page has up to 500 users.
pub fn block_page(query: &str) -> Result<ContactPage, Refusal> {
    let size = size(query, "pageSize")?.map_or(WHOLE_BLOCK_LIST, |size| size.min(MAX_PAGE));
    Ok(ContactPage { size, cursor: cursor(query)?, remarks: false })
}

/// Parses the body of an import.
pub fn import_names(body: &[u8]) -> Result<Vec<Username>, Refusal> {
    let names = names(decode::<dto::Usernames<'_>>(body)?.usernames.as_ref())?;
    if names.len() > MAX_IMPORT {
        return Err(Refusal::illegal_argument(format!("request user over flow limit:{MAX_IMPORT}.")));
    }
    parsed(names)
}

/// Parses the body of a change of a block list.
pub fn block_names(body: &[u8]) -> Result<Vec<Username>, Refusal> {
    let names = names(decode::<dto::Usernames<'_>>(body)?.usernames.as_ref())?;
    if names.len() > MAX_BLOCKED {
        return Err(too_many(MAX_BLOCKED));
    }
    parsed(names)
}

/// Parses the body of a request to become contacts: whom, and what is said.
pub fn contact_request(body: &[u8]) -> Result<(Vec<Username>, String), Refusal> {
    let dto: dto::ContactRequest<'_> = decode(body)?;
    let names = names(dto.usernames.as_ref())?;
    if names.len() > MAX_ASKED {
        return Err(too_many(MAX_ASKED));
    }
    Ok((parsed(names)?, dto.reason.unwrap_or_default()))
}

fn names(given: Option<&OneOrMany<'_>>) -> Result<Vec<String>, Refusal> {
    let names = given.map_or(&[][..], |names| &names.0);
    if names.is_empty() {
        return Err(Refusal::new(400, "invalid_parameter", "usernames must be provided"));
    }
    Ok(names.iter().map(|Label { text, .. }| text.clone().into_owned()).collect())
}

fn parsed(names: Vec<String>) -> Result<Vec<Username>, Refusal> {
    Ok(names.iter().map(|name| Username::parse(name)).collect::<Result<_, _>>()?)
}

fn too_many(most: usize) -> Refusal {
    Refusal::new(400, "invalid_parameter", format!("usernames size is more than max limit : {most}"))
}

/// Parses the body that sets a remark.
pub fn remark(body: &[u8]) -> Result<String, Refusal> {
    let dto: dto::Remark = decode(body)?;
    let remark = dto.remark.ok_or_else(|| Refusal::illegal_argument("remark must be provided"))?;
    if remark.chars().count() > MAX_REMARK {
        return Err(Refusal::illegal_argument(format!("updateRemark | remark length must less than {MAX_REMARK}")));
    }
    Ok(remark)
}

/// Why a remark was not set.
pub fn remark_refusal(error: &Error) -> Refusal {
    match error.reason() {
        Reason::NotAContact => {
            let text = "updateRemark | they are not friends, please add as a friend first.";
            Refusal::illegal_argument(text).because(Reason::NotAContact)
        }
        _ => Refusal::from(error),
    }
}

/// The answer that names the other user: to adding and removing a contact, and to taking a user off a block list.
pub fn related(call: &Call<'_>, timing: Timing, others: &[User<'_>]) -> Vec<u8> {
    let names = others.iter().map(|other| other.username.to_ascii_lowercase()).collect::<Vec<_>>();
    bytes_of(&dto::Envelope {
        entities: Some(dto::Entities::Users(others.iter().map(User::entity).collect())),
        data: Some(names),
        ..call.envelope(timing)
    })
}

/// The names of all contacts, and with `remarks` also what the user calls them.
pub fn all_contacts(call: &Call<'_>, timing: Timing, contacts: &[Contact<'_>], remarks: bool) -> Vec<u8> {
    let entity = |contact: &Contact<'_>| dto::ContactRemark {
        username: contact.username.to_ascii_lowercase(),
        remark: contact.remark.to_owned(),
    };
    let entities =
        if remarks { dto::Entities::Contacts(contacts.iter().map(entity).collect()) } else { dto::Entities::NONE };
    let names = contacts.iter().map(|contact| contact.username.to_ascii_lowercase()).collect::<Vec<_>>();
    bytes_of(&dto::Envelope {
        entities: Some(entities),
        count: Some(names.len()),
        data: Some(names),
        ..call.envelope(timing)
    })
}

/// A page of contacts. `cursor` is that of the next page, `None` on the last.
pub fn some_contacts(
    call: &Call<'_>,
    timing: Timing,
    contacts: &[Contact<'_>],
    remarks: bool,
    cursor: Option<&str>,
) -> Vec<u8> {
    let contact = |contact: &Contact<'_>| dto::PagedContact {
        remark: Some(contact.remark.to_owned()).filter(|remark| remarks && !remark.is_empty()),
        username: contact.username.to_ascii_lowercase(),
    };
    let data = dto::ContactPage { cursor, contacts: contacts.iter().map(contact).collect() };
    bytes_of(&dto::Envelope {
        entities: Some(dto::Entities::NONE),
        data: Some(data),
        cursor,
        count: Some(contacts.len()),
        ..call.envelope(timing)
    })
}

/// What became of the users of an import.
#[derive(Debug, Default)]
pub struct ImportedContacts {
    /// They are contacts now.
    pub added: Vec<String>,
    /// There are no such users.
    pub missing: Vec<String>,
    /// A list of contacts is full.
    pub full: Vec<String>,
    /// They failed for another reason.
    pub failed: Vec<String>,
}

/// The answer to an import.
pub fn contacts_imported(call: &Call<'_>, timing: Timing, outcome: &ImportedContacts) -> Vec<u8> {
    let data = dto::ImportedContacts {
        success: &outcome.added,
        not_exist_failed: &outcome.missing,
        max_limit_failed: &outcome.full,
        unknown_failed: &outcome.failed,
    };
    ok(dto::Envelope { data: Some(data), ..call.envelope(timing) })
}

/// The answer to contact requests: their receivers.
pub fn contacts_requested(call: &Call<'_>, timing: Timing, asked: &[String]) -> Vec<u8> {
    ok(dto::Envelope { data: Some(dto::RequestedContacts { names: asked }), ..call.envelope(timing) })
}

/// The answer to a change that has nothing to show.
pub fn contact_changed(call: &Call<'_>, timing: Timing) -> Vec<u8> {
    ok(call.envelope::<()>(timing))
}

fn ok<D: serde::Serialize>(envelope: dto::Envelope<'_, D>) -> Vec<u8> {
    bytes_of(&dto::WithStatus { envelope, status: "ok" })
}

/// The names on a block list, or those that were put on it.
pub fn blocked_names(call: &Call<'_>, timing: Timing, names: &[String], cursor: Option<&str>) -> Vec<u8> {
    let names: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    bytes_of(&dto::Envelope {
        entities: Some(dto::Entities::NONE),
        count: Some(names.len()),
        data: Some(names),
        cursor,
        ..call.envelope(timing)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_of_contacts_has_up_to_50_agora_10_2() {
        let page = contact_page("limit=50&cursor=16000016&needReturnRemark=true&_v=1").unwrap();
        assert_eq!(page, ContactPage { size: 50, cursor: "16000016".to_owned(), remarks: true });
        let first = ContactPage { size: 10, cursor: String::new(), remarks: false };
        assert_eq!(contact_page("limit=undefined&cursor=&needReturnRemark=null"), Ok(first));
        let refused = |query: &str| contact_page(query).unwrap_err().description.into_owned();
        assert_eq!(refused("limit=51"), "getContacts | page size more than max limit : 50");
        assert_eq!(refused("limit=0"), "limit must be a number from 1 to 50");
        assert_eq!(refused("limit=x"), "limit must be a number from 1 to 50");
        assert_eq!(refused("cursor=x"), "cursor must be that of an answer");
    }

    #[test]
    fn a_block_list_is_whole_or_in_pages_of_up_to_50_agora_10_2() {
        assert_eq!(block_page("").unwrap().size, 500);
        assert_eq!(block_page("pageSize=2").unwrap().size, 2);
        assert_eq!(block_page("pageSize=51").unwrap().size, 50);
        assert_eq!(block_page("pageSize=-1").unwrap_err().description, "pageSize must be a number from 1 to 50");
    }

    #[test]
    fn users_are_named_in_a_list_or_alone_agora_10_2() {
        let names = |body: &str| block_names(body.as_bytes()).map(|names| names.len());
        assert_eq!(names(r#"{"usernames":["omar","mila"]}"#), Ok(2));
        assert_eq!(names(r#"{"usernames":"omar"}"#), Ok(1));
        assert_eq!(names("{}").unwrap_err().description, "usernames must be provided");
        assert_eq!(names(r#"{"usernames":[]}"#).unwrap_err().description, "usernames must be provided");
        assert_eq!(names(r#"{"usernames":{}}"#).unwrap_err().error, "invalid_request_body");
        assert_eq!(names(r#"{"usernames":["a b"]}"#).unwrap_err().description, "username [a b] is not legal");
        let eleven = format!(r#"{{"usernames":{}}}"#, serde_json::to_string(&["omar"; 11]).unwrap());
        assert_eq!(import_names(eleven.as_bytes()).unwrap_err().description, "request user over flow limit:10.");
        let refused = contact_request(eleven.as_bytes()).unwrap_err().description;
        assert_eq!(refused, "usernames size is more than max limit : 10");
        let request = contact_request(br#"{"usernames":["omar"],"reason":"hi"}"#).unwrap();
        assert_eq!((request.0.len(), request.1.as_str()), (1, "hi"));
    }

    fn shown(answer: impl Fn(&Call<'_>, Timing) -> Vec<u8>) -> serde_json::Value {
        let app = tidings_domain::App::example();
        let call = Call { app: &app, action: "get", path: "/users/nora/contacts", uri: "http://x/users/nora/contacts" };
        let mut body: serde_json::Value =
            serde_json::from_slice(&answer(&call, Timing { timestamp: 1, duration: 0 })).unwrap();
        for key in ["path", "uri", "timestamp", "organization", "application", "action", "duration", "applicationName"]
        {
            assert!(body.as_object_mut().unwrap().remove(key).is_some(), "{key}");
        }
        body
    }

    #[test]
    fn lists_have_the_shapes_that_sdks_read_agora_10_2() {
        let contacts = [Contact { username: "Omar", remark: "the cook" }, Contact { username: "pia", remark: "" }];
        let names = json!({"entities": [], "data": ["omar", "pia"], "count": 2});
        assert_eq!(shown(|call, timing| all_contacts(call, timing, &contacts, false)), names);
        let entities = json!([{"username": "omar", "remark": "the cook"}, {"username": "pia", "remark": ""}]);
        let with_remarks = json!({"entities": entities, "data": ["omar", "pia"], "count": 2});
        assert_eq!(shown(|call, timing| all_contacts(call, timing, &contacts, true)), with_remarks);
        let listed = json!([{"remark": "the cook", "username": "omar"}, {"remark": null, "username": "pia"}]);
        let page = json!({"entities": [], "data": {"cursor": "16", "contacts": listed}, "cursor": "16", "count": 2});
        assert_eq!(shown(|call, timing| some_contacts(call, timing, &contacts, true, Some("16"))), page);
        let last = json!({"entities": [], "data": {"contacts": [{"remark": null, "username": "omar"}]}, "count": 1});
        assert_eq!(shown(|call, timing| some_contacts(call, timing, &contacts[..1], false, None)), last);
        let blocked = json!({"entities": [], "data": ["omar"], "count": 1});
        assert_eq!(shown(|call, timing| blocked_names(call, timing, &["Omar".to_owned()], None)), blocked);
    }

    #[test]
    fn changes_say_what_became_of_whom_agora_10_2() {
        assert_eq!(shown(contact_changed), json!({"status": "ok"}));
        let asked = json!({"data": {"applyContacts": ["omar"]}, "status": "ok"});
        assert_eq!(shown(|call, timing| contacts_requested(call, timing, &["omar".to_owned()])), asked);
        let outcome = ImportedContacts {
            added: vec!["omar".to_owned()],
            missing: vec!["nobody".to_owned()],
            full: vec!["pia".to_owned()],
            failed: vec!["nora".to_owned()],
        };
        let data = json!({"UnKnowFailed": ["nora"], "success": ["omar"], "NotExistFailed": ["nobody"], "maxLimitFailed": ["pia"]});
        let imported = json!({"data": data, "status": "ok"});
        assert_eq!(shown(|call, timing| contacts_imported(call, timing, &outcome)), imported);
    }

    #[test]
    fn a_remark_has_up_to_100_characters_agora_10_2() {
        let body = |count: usize| format!(r#"{{"remark":"{}"}}"#, "é".repeat(count));
        assert_eq!(remark(body(100).as_bytes()).unwrap().chars().count(), 100);
        let refused = remark(body(101).as_bytes()).unwrap_err();
        assert_eq!((refused.status, refused.error), (400, "illegal_argument"));
        assert!(refused.description.contains("remark length must less"));
        assert_eq!(remark(b"{}").unwrap_err().description, "remark must be provided");
        assert_eq!(remark(br#"{"remark":7}"#).unwrap_err().error, "invalid_request_body");
    }
}
