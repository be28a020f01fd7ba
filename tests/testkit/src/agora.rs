//! A client of the Agora dialect.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::Reply;

/// Calls under `/{org}/{app}` with a token.
#[derive(Debug, Clone)]
pub struct Agora {
    pub(crate) http: reqwest::Client,
    /// `http://host:port/{org}/{app}`.
    pub base: String,
    /// Sent as `Authorization: Bearer`; empty: not sent.
    pub token: String,
}

impl Agora {
    /// A client without a token.
    pub fn anonymous(base: &str) -> Self {
        Self { http: reqwest::Client::new(), base: base.to_owned(), token: String::new() }
    }

    /// A client with a token for client id and secret.
    ///
    /// # Panics
    /// When they are refused.
    pub async fn with_credentials(base: &str, (client_id, client_secret): (&str, &str)) -> Self {
        let anonymous = Self::anonymous(base);
        let grant = json!({
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        });
        let token = anonymous.post("/token", &grant).await.expect(200);
        anonymous.with_token(token["access_token"].as_str().expect("a token"))
    }

    /// A request with the token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    /// Any method, with a JSON body or none.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let request = self.request(method, path);
        Reply::to(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        Reply::to(self.request(Method::POST, path).json(body)).await
    }

    /// `POST` with any body.
    pub async fn post_text(&self, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        Reply::to(self.request(Method::POST, path).body(body)).await
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Reply {
        Reply::to(self.request(Method::GET, path)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Reply {
        Reply::to(self.request(Method::DELETE, path)).await
    }

    /// Registers users with the password `<name>-password`.
    ///
    /// # Panics
    /// When one cannot be registered.
    pub async fn register(&self, names: &[&str]) {
        let users: Vec<Value> =
            names.iter().map(|name| json!({"username": name, "password": format!("{name}-password")})).collect();
        self.post("/users", &Value::Array(users)).await.expect(200);
    }

    /// Sends a text and returns its message id.
    ///
    /// # Panics
    /// When it is not accepted.
    pub async fn send_text(&self, from: &str, to: &str, text: &str) -> String {
        let body = json!({"from": from, "to": [to], "type": "txt", "body": {"msg": text}});
        let answer = self.post("/messages/users", &body).await.expect(200);
        answer["data"][to].as_str().unwrap_or_else(|| panic!("no message id: {answer}")).to_owned()
    }

    /// The same client with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The same client with a token of one of the registered users.
    ///
    /// # Panics
    /// When the user cannot log in.
    pub async fn logged_in(&self, name: &str) -> Self {
        let body = json!({"grant_type": "password", "username": name, "password": format!("{name}-password")});
        let answer = self.with_token("").post("/token", &body).await.expect(200);
        self.with_token(answer["access_token"].as_str().expect("a token"))
    }
}
