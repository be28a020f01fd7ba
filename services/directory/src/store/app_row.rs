//! An app's row as stored, with its secrets sealed.

use tidings_domain::{App, AppId, Error, UnixMillis};
use tidings_store::row;

use super::policy;
use crate::{
    model::KnownApp,
    seal::DataKey,
    secret::{Rotating, Secret},
};

row! {
    /// A row of `app`.
    pub(crate) struct AppRow {
        app_id: i64,
        org: String,
        name: String,
        uuid: String,
        lanying_app_id: String,
        sdk_appid: i64,
        client_id: String,
        agora_app_id: String,
        client_secret: String,
        previous_client_secret: Option<String>,
        previous_client_secret_until: Option<i64>,
        app_certificate: String,
        previous_app_certificate: Option<String>,
        previous_app_certificate_until: Option<i64>,
        token_key: String,
        previous_token_key: Option<String>,
        previous_token_key_until: Option<i64>,
        enabled: bool,
        pub(super) policy: String,
        created_at: i64,
        screening: i64,
        users_version: i64,
    }
}

/// A stored secret: the current one, the former one, and until when the former one is valid.
type SealedPair = (String, Option<String>, Option<i64>);

impl AppRow {
    /// The app without its secrets.
    pub(crate) fn app(&self) -> Result<App, Error> {
        Ok(App {
            id: AppId(self.app_id),
            org: self.org.clone(),
            name: self.name.clone(),
            uuid: self.uuid.clone(),
            lanying_app_id: self.lanying_app_id.clone(),
            sdk_appid: self.sdk_appid,
            enabled: self.enabled,
            created_at: UnixMillis(self.created_at),
            policy: policy::effective(&self.policy)?,
            screening: self.screening,
            users_version: self.users_version,
        })
    }

    /// The app with its secrets in plain text.
    pub(crate) fn open(self, key: &DataKey) -> Result<KnownApp, Error> {
        let app = self.app()?;
        let open = |column: &str, pair: SealedPair| open(key, app.id, column, pair);
        let client_secret = (self.client_secret, self.previous_client_secret, self.previous_client_secret_until);
        let app_certificate =
            (self.app_certificate, self.previous_app_certificate, self.previous_app_certificate_until);
        let token_key = (self.token_key, self.previous_token_key, self.previous_token_key_until);
        Ok(KnownApp {
            client_secret: open("client_secret", client_secret)?,
            app_certificate: open("app_certificate", app_certificate)?,
            token_key: open("token_key", token_key)?,
            client_id: self.client_id,
            agora_app_id: self.agora_app_id,
            app,
        })
    }
}

fn open(key: &DataKey, app: AppId, column: &str, (current, previous, until): SealedPair) -> Result<Rotating, Error> {
    let current: Secret = key.open(app, column, &current)?;
    let previous = match (previous, until) {
        (Some(sealed), Some(until)) => {
            Some((key.open(app, &format!("previous_{column}"), &sealed)?, UnixMillis(until)))
        }
        _ => None,
    };
    Ok(Rotating { current, previous })
}
