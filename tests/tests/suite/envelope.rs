//! The format of every answer of a dialect.

use serde_json::Value;
use tidings_testkit::Reply;

/// Keys of an answer, sorted.
pub fn keys(body: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// Checks the error envelope of agora.md 1.6 with that status; returns the code and the description.
pub fn agora_error(reply: &Reply, status: u16) -> (String, String) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
    let body = reply.json();
    assert_eq!(keys(&body), ["duration", "error", "error_description", "exception", "timestamp"], "{body}");
    assert!(body["timestamp"].is_i64() && body["duration"].is_i64(), "{body}");
    assert!(!body["exception"].as_str().expect("a name").is_empty(), "{body}");
    let text = |key: &str| body[key].as_str().unwrap_or_else(|| panic!("{key} is a text in {body}")).to_owned();
    (text("error"), text("error_description"))
}

/// Checks the envelope of lanying.md 2 for a refusal: HTTP 200, a code, a message and nothing else; returns the code.
pub fn lanying_error(reply: &Reply) -> i64 {
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    lanying_code(reply)
}

/// The same with any status.
pub fn lanying_code(reply: &Reply) -> i64 {
    let body = reply.json();
    assert_eq!(keys(&body), ["code", "message"], "{body}");
    assert!(body["message"].is_string(), "{body}");
    let code = body["code"].as_i64().expect("a code");
    assert_ne!(code, 200, "{body}");
    code
}

/// The `data` of a success in the Lanying dialect.
pub fn lanying_data(reply: &Reply) -> Value {
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    let body = reply.json();
    assert_eq!(body["code"], 200, "{body}");
    assert!(body.get("message").is_none(), "{body}");
    body["data"].clone()
}
