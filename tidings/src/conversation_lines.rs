//! A conversation in a row.

use serde_json::{Value, json};
use tidings_proto::pb;

use crate::lines::{Row, word};

const KINDS: [(&str, pb::ConversationKind); 3] = [
    ("direct", pb::ConversationKind::Direct),
    ("group", pb::ConversationKind::Group),
    ("room", pb::ConversationKind::Room),
];

/// Adds the conversation to a row: its kind and id, for a direct one both users.
pub fn conversation(row: Row, id: Option<&pb::ConversationId>) -> Row {
    let Some(id) = id else {
        return row.cell("conversation", Value::Null, "no conversation");
    };
    let kind = word(&KINDS, &id.kind());
    let (text, value) = match id.kind() {
        pb::ConversationKind::Direct => (
            format!("{kind} {} {}", id.id, id.higher_user_id),
            json!({"kind": kind, "id": id.id, "higher_user_id": id.higher_user_id}),
        ),
        _ => (format!("{kind} {}", id.id), json!({"kind": kind, "id": id.id})),
    };
    row.cell("conversation", value, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::Output;

    #[test]
    fn a_conversation_is_its_kind_and_its_ids() {
        let written =
            |id: Option<pb::ConversationId>, output| conversation(Row::default(), id.as_ref()).written(output).concat();
        let direct = pb::ConversationId { kind: pb::ConversationKind::Direct.into(), id: 1, higher_user_id: 2 };
        assert_eq!(written(Some(direct), Output::Text), "direct 1 2");
        let json = r#"{"conversation":{"higher_user_id":2,"id":1,"kind":"direct"}}"#;
        assert_eq!(written(Some(direct), Output::Json), json);
        let room = pb::ConversationId { kind: pb::ConversationKind::Room.into(), id: 7, higher_user_id: 0 };
        assert_eq!(written(Some(room), Output::Text), "room 7");
        assert_eq!(written(Some(room), Output::Json), r#"{"conversation":{"id":7,"kind":"room"}}"#);
        assert_eq!(written(None, Output::Text), "no conversation");
        assert_eq!(written(None, Output::Json), r#"{"conversation":null}"#);
    }
}
