//! A client of the Lanying dialect.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::Reply;

/// Calls with `app_id`, `access-token` and, for admins who act for a user or a group, `user_id` and `group_id`.
#[derive(Debug, Clone)]
pub struct Lanying {
    pub(crate) http: reqwest::Client,
    /// `http://host:port`.
    pub base: String,
    /// The header `app_id`.
    pub app_id: String,
    /// The header `access-token`; empty: not sent.
    pub token: String,
    /// The header `user_id`.
    pub user_id: Option<i64>,
    /// The header `group_id`.
    pub group_id: Option<i64>,
}

impl Lanying {
    /// A request with the headers.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).header("app_id", &self.app_id);
        if !self.token.is_empty() {
            request = request.header("access-token", &self.token);
        }
        for (name, id) in [("user_id", self.user_id), ("group_id", self.group_id)] {
            if let Some(id) = id {
                request = request.header(name, id.to_string());
            }
        }
        request
    }

    /// A call with or without a JSON body.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let request = self.request(method, path);
        Reply::to(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Reply {
        Reply::to(self.request(Method::GET, path)).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        Reply::to(self.request(Method::POST, path).json(body)).await
    }

    /// Registers a user and returns its id.
    ///
    /// # Panics
    /// When it cannot be registered.
    pub async fn register(&self, name: &str) -> i64 {
        let body = json!({"username": name, "password": format!("{name}-password")});
        let answer = self.post("/user/register/v2", &body).await.expect(200);
        answer["data"]["user_id"].as_i64().unwrap_or_else(|| panic!("no user_id: {answer}"))
    }

    /// The same admin, acting as a user.
    #[must_use]
    pub fn acting_as(&self, user: i64) -> Self {
        Self { user_id: Some(user), ..self.clone() }
    }

    /// The same admin, acting as the owner of a group.
    #[must_use]
    pub fn for_group(&self, group: i64) -> Self {
        Self { group_id: Some(group), ..self.clone() }
    }

    /// The same client naming another app.
    #[must_use]
    pub fn with_app_id(&self, app_id: &str) -> Self {
        Self { app_id: app_id.to_owned(), ..self.clone() }
    }

    /// The same client with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), user_id: None, group_id: None, ..self.clone() }
    }

    /// The same client with a token of the user `name`, with the password `<name>-password`.
    ///
    /// # Panics
    /// When the user cannot log in.
    pub async fn logged_in(&self, name: &str) -> Self {
        let body = json!({"name": name, "password": format!("{name}-password")});
        let answer = self.with_token("").post("/token/user", &body).await.expect(200);
        self.with_token(answer["data"]["token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")))
    }

    /// Sends a text to a user and returns its message id.
    ///
    /// # Panics
    /// When it is not accepted.
    pub async fn send_text(&self, to: i64, text: &str) -> i64 {
        self.send(&json!({"type": 1, "targets": [to], "content_type": 0, "content": text})).await
    }

    /// Sends a text to a group and returns its message id.
    ///
    /// # Panics
    /// When it is not accepted.
    pub async fn send_to_group(&self, group: i64, text: &str) -> i64 {
        self.send(&json!({"type": 2, "targets": [group], "content_type": 0, "content": text})).await
    }

    async fn send(&self, body: &Value) -> i64 {
        let answer = self.post("/message/send", body).await.expect(200);
        answer["msg_ids"][0].as_i64().unwrap_or_else(|| panic!("no msg_ids: {answer}"))
    }

    /// Creates a group and returns its id.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn create_group(&self, name: &str, members: &[i64]) -> i64 {
        let answer = self.post("/group/create", &json!({"name": name, "user_list": members})).await.expect(200);
        answer["data"]["group_id"].as_i64().unwrap_or_else(|| panic!("no group_id: {answer}"))
    }

    /// A page of the conversation with `opposite`.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn history(&self, opposite: i64, start: i64, limit: i64) -> Value {
        let path = format!("/message/conversation?opposite_id={opposite}&msg_id_start={start}&limit={limit}");
        let answer = self.get(&path).await.expect(200);
        assert_eq!(answer["code"], 200, "{answer}");
        answer["data"].clone()
    }

    /// Unread counts by conversation, in the order of the list.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn unread(&self) -> Vec<(i64, i64)> {
        let answer = self.get("/message/unread").await.expect(200);
        let list = answer["data"].as_array().unwrap_or_else(|| panic!("no list: {answer}"));
        let pairs = list.iter().map(|entry| (entry["conversation_id"]["uid"].as_i64(), entry["num"].as_i64()));
        pairs.map(|(uid, num)| (uid.expect("uid"), num.expect("num"))).collect()
    }
}
