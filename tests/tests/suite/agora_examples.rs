//! The examples of agora.md, replayed from a data file: requests, and complete answers.
//!
//! In the file `{name}` stands for a known value: `{base}`, `{org}`, `{app}`, `{uuid}`, `{group}`, `{room}`, or a name
//! defined by an earlier answer. In an answer `<time>`, `<ms>`, `<number>`, `<msg>`, `<uuid>`, `<secret>` and `<link>`
//! stand for any value of that form, and `<msg:name>` defines a name for it. `form` is the text of a form's file; an
//! answer that is not JSON is compared as text.

use std::collections::HashMap;

use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::{Value, json};
use tidings_testkit::{Reply, every_shape};

#[derive(Deserialize)]
struct Example {
    section: String,
    what: String,
    method: String,
    path: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    form: Option<String>,
    status: u16,
    answer: Value,
}

/// The values of the placeholders.
struct Known(HashMap<String, String>);

impl Known {
    fn filled(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// Compares an answer with the expected one, and records the ids that it names.
    fn check(&mut self, wanted: &Value, given: &Value) -> Result<(), String> {
        let differs = || Err(format!("wanted {wanted}\n given {given}"));
        match (wanted, given) {
            (Value::Object(wanted_keys), Value::Object(given_keys)) => {
                let filled: Vec<(String, &Value)> =
                    wanted_keys.iter().map(|(key, value)| (self.filled(key), value)).collect();
                if filled.len() != given_keys.len() {
                    return differs();
                }
                for (key, value) in filled {
                    let Some(given) = given_keys.get(&key) else { return differs() };
                    self.check(value, given)?;
                }
                Ok(())
            }
            (Value::Array(wanted_items), Value::Array(given_items)) if wanted_items.len() == given_items.len() => {
                wanted_items.iter().zip(given_items).try_for_each(|(wanted, given)| self.check(wanted, given))
            }
            (Value::String(text), _) if text.starts_with('<') => {
                if self.is_form(text, given) {
                    Ok(())
                } else {
                    differs()
                }
            }
            (Value::String(text), Value::String(given)) if self.filled(text) == *given => Ok(()),
            _ if wanted == given => Ok(()),
            _ => differs(),
        }
    }

    fn is_form(&mut self, form: &str, given: &Value) -> bool {
        let digits = |text: &str| text.len() >= 15 && text.bytes().all(|c| c.is_ascii_digit());
        match form {
            "<time>" => given.as_i64().is_some_and(|millis| millis > 1_500_000_000_000),
            "<ms>" => given.as_i64().is_some_and(|millis| millis >= 0),
            "<number>" => given.as_i64().is_some_and(|number| number > 0),
            _ => {
                let (kind, name) = form[1..form.len() - 1].split_once(':').unwrap_or((&form[1..form.len() - 1], ""));
                let is_right = |text: &str| match kind {
                    "msg" => digits(text),
                    "uuid" => text.len() == 36 && text.bytes().filter(|c| *c == b'-').count() == 4,
                    "link" => text.starts_with(&self.filled("{base}/chatmessages/")) && text.contains(".gz?Expires="),
                    "secret" => (16..=48).contains(&text.len()),
                    _ => false,
                };
                let Some(value) = given.as_str().filter(|text| is_right(text)) else { return false };
                if !name.is_empty() {
                    self.0.insert(name.to_owned(), value.to_owned());
                }
                true
            }
        }
    }
}

/// A form whose file has these bytes.
fn with_form(request: RequestBuilder, text: &str) -> RequestBuilder {
    let part = "Content-Disposition: form-data; name=\"file\"; filename=\"cat.png\"\r\nContent-Type: image/png";
    let kind = "multipart/form-data; boundary=b";
    request.header("content-type", kind).body(format!("--b\r\n{part}\r\n\r\n{text}\r\n--b--\r\n"))
}

fn filled(known: &Known, value: &Value) -> Value {
    serde_json::from_str(&known.filled(&value.to_string())).expect("filling in ids leaves JSON")
}

every_shape! {
    async fn every_example_is_answered_as_the_contract_says_agora_2_to_7(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        let members = json!({"groupname": "g", "public": true, "owner": "nora", "members": ["omar", "pia"]});
        let group = agora.post("/chatgroups", &members).await.expect(200)["data"]["groupid"].clone();
        let room = agora.post("/chatrooms", &json!({"name": "r", "owner": "nora"})).await.expect(200)["data"]["id"].clone();
        let (made, named) = (app.app(), |value: &Value| value.as_str().expect("an id as text").to_owned());
        let mut known = Known(HashMap::from([
            ("base".to_owned(), agora.base.clone()),
            ("org".to_owned(), made.org.clone()),
            ("app".to_owned(), made.name.clone()),
            ("uuid".to_owned(), made.uuid.clone()),
            ("group".to_owned(), named(&group)),
            ("room".to_owned(), named(&room)),
        ]));
        let examples: Vec<Example> = serde_json::from_str(include_str!("data/agora_examples.json")).expect("the data file");
        assert!(examples.len() > 90);
        for Example { section, what, method, path, headers, body, form, status, answer } in examples {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let request = agora.request(method, &known.filled(&path));
            let request = match (&body, &form) {
                (Some(body), _) => request.body(filled(&known, body).to_string()),
                (None, Some(text)) => with_form(request, text),
                (None, None) => request,
            };
            let request = headers.iter().fold(request, |request, (name, value)| request.header(name, known.filled(value)));
            let reply = Reply::to(request).await;
            assert_eq!(reply.status, status, "{section} {what}: {}", reply.text);
            let given = serde_json::from_str(&reply.text).unwrap_or_else(|_| Value::from(reply.text.clone()));
            if let Err(difference) = known.check(&answer, &given) {
                panic!("{section} {what}:\n{difference}\n{}", reply.text);
            }
        }
    }
}
