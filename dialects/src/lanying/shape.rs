//! The two editions of the answers (decision 24).
//!
//! The older documents list the vendor's internals among the fields: for each field `x` a flag `set_x`, and for a list
//! its size and an iterator. They are added around the newer answer.

use serde::Serialize;
use serde_json::{Map, Value, json};
use tidings_domain::LanyingShape;

use super::envelope::answer;

/// The older documents' fields of an object that have a flag.
struct Fields(&'static [&'static str]);

const XID: Fields = Fields(&["device_sn", "uid"]);
const HISTORY: Fields = Fields(&["is_last", "messages", "next_msg_id"]);
const MESSAGE: Fields =
    Fields(&["attachment", "config", "content", "ctype", "ext", "from_xid", "msg_id", "status", "timestamp", "to_xid"]);
const UNREAD: Fields = Fields(&["conversation_id", "num"]);

/// The answer of `GET /message/conversation`.
pub(super) fn history<D: Serialize>(data: D, shape: LanyingShape) -> Vec<u8> {
    match shape {
        LanyingShape::Of2026 => answer(data),
        LanyingShape::Of2021 => answer(older(data, |value| {
            let size = value["messages"].as_array().map_or(0, Vec::len);
            for message in value["messages"].as_array_mut().into_iter().flatten() {
                XID.flag(&mut message["from_xid"]);
                XID.flag(&mut message["to_xid"]);
                MESSAGE.flag(message);
            }
            HISTORY.flag(value);
            value["messages_size"] = json!(size);
            value["messages_iterator"] = json!({});
        })),
    }
}

/// The answer of `GET /message/unread`.
pub(super) fn unread<D: Serialize>(data: D, shape: LanyingShape) -> Vec<u8> {
    match shape {
        LanyingShape::Of2026 => answer(data),
        LanyingShape::Of2021 => answer(older(data, |value| {
            for listed in value.as_array_mut().into_iter().flatten() {
                listed["conversation_id"]["device_sn"] = json!(0);
                XID.flag(&mut listed["conversation_id"]);
                UNREAD.flag(listed);
            }
        })),
    }
}

fn older<D: Serialize>(data: D, add: impl FnOnce(&mut Value)) -> Value {
    let mut value = serde_json::to_value(data).expect("our own shapes have string keys and finite numbers");
    add(&mut value);
    value
}

impl Fields {
    /// A flag is true if its field is present.
    fn flag(&self, value: &mut Value) {
        let Some(object) = value.as_object_mut() else {
            return;
        };
        let flags: Map<String, Value> =
            self.0.iter().map(|name| (format!("set_{name}"), json!(object.contains_key(*name)))).collect();
        object.extend(flags);
    }
}
