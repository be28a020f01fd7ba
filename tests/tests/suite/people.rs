//! Users by their own tokens, their groups, and changes that take effect after a moment.

use serde_json::{Value, json};
use tidings_testkit::{Lanying, Reply, TestApp, wait_until};

/// A user with a token of its own.
#[derive(Debug)]
pub struct Person {
    pub id: i64,
    pub client: Lanying,
}

/// Registers users and logs them in.
pub async fn people<const N: usize>(app: &TestApp, names: [&str; N]) -> [Person; N] {
    let mut people = Vec::with_capacity(N);
    for name in names {
        let id = app.lanying().register(name).await;
        people.push(Person { id, client: app.lanying().logged_in(name).await });
    }
    people.try_into().expect("one for each name")
}

/// A group of `owner` with the other users.
pub async fn group_of(owner: &Person, others: &[&Person]) -> i64 {
    let members: Vec<i64> = others.iter().map(|person| person.id).collect();
    owner.client.create_group("lunch", &members).await
}

/// A text for a group.
pub fn to_group(group: i64, text: &str) -> Value {
    json!({"type": 2, "targets": [group], "content_type": 0, "content": text})
}

/// The `code` of an answer with HTTP status 200.
pub fn code(reply: &Reply) -> i64 {
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    reply.json()["code"].as_i64().unwrap_or_else(|| panic!("no code: {}", reply.text))
}

/// Repeats a call until it is answered with that code: rights are cached for up to a second.
pub async fn until_code(expected: i64, mut call: impl AsyncFnMut() -> Reply) {
    let what = format!("code {expected}");
    wait_until(&what, async || code(&call().await) == expected).await;
}

/// A page's values of one key, newest message first.
pub fn column<'a>(page: &'a Value, key: &str) -> Vec<&'a Value> {
    page["messages"].as_array().expect("messages").iter().map(|message| &message[key]).collect()
}

/// A page's message ids, newest first.
pub fn ids(page: &Value) -> Vec<i64> {
    column(page, "msg_id").into_iter().map(|id| id.as_i64().expect("an id")).collect()
}

/// A page's texts, newest first.
pub fn texts(page: &Value) -> Vec<&str> {
    column(page, "content").into_iter().map(|text| text.as_str().expect("a text")).collect()
}

/// The newest hundred messages.
pub async fn all_of(person: &Person, opposite: i64) -> Value {
    person.client.history(opposite, 0, 100).await
}
