//! An app's row as it is stored, with its secrets sealed.

use tidings_domain::{App, AppId, Error, UnixMillis};
use tidings_store::sqlx::{ColumnIndex, Decode, Error as SqlError, FromRow, Row, Type};

use super::policy;
use crate::{
    model::KnownApp,
    seal::DataKey,
    secret::{Rotating, Secret},
};

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
    client_secret: SealedPair,
    app_certificate: SealedPair,
    token_key: SealedPair,
    enabled: bool,
    pub(super) policy: String,
    created_at: i64,
    screening: i64,
}

struct SealedPair {
    current: String,
    previous: Option<String>,
    previous_until: Option<i64>,
}

/// Written out because tuples end at 16 columns.
impl<'r, R: Row> FromRow<'r, R> for AppRow
where
    for<'c> &'c str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    bool: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, SqlError> {
        Ok(Self {
            app_id: row.try_get("app_id")?,
            org: row.try_get("org")?,
            name: row.try_get("name")?,
            uuid: row.try_get("uuid")?,
            lanying_app_id: row.try_get("lanying_app_id")?,
            sdk_appid: row.try_get("sdk_appid")?,
            client_id: row.try_get("client_id")?,
            agora_app_id: row.try_get("agora_app_id")?,
            client_secret: SealedPair {
                current: row.try_get("client_secret")?,
                previous: row.try_get("previous_client_secret")?,
                previous_until: row.try_get("previous_client_secret_until")?,
            },
            app_certificate: SealedPair {
                current: row.try_get("app_certificate")?,
                previous: row.try_get("previous_app_certificate")?,
                previous_until: row.try_get("previous_app_certificate_until")?,
            },
            token_key: SealedPair {
                current: row.try_get("token_key")?,
                previous: row.try_get("previous_token_key")?,
                previous_until: row.try_get("previous_token_key_until")?,
            },
            enabled: row.try_get("enabled")?,
            policy: row.try_get("policy")?,
            created_at: row.try_get("created_at")?,
            screening: row.try_get("screening")?,
        })
    }
}

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
        })
    }

    /// The app with its secrets in the clear.
    pub(crate) fn open(self, key: &DataKey) -> Result<KnownApp, Error> {
        let app = self.app()?;
        let open = |column: &str, pair: SealedPair| pair.open(key, app.id, column);
        Ok(KnownApp {
            client_secret: open("client_secret", self.client_secret)?,
            app_certificate: open("app_certificate", self.app_certificate)?,
            token_key: open("token_key", self.token_key)?,
            client_id: self.client_id,
            agora_app_id: self.agora_app_id,
            app,
        })
    }
}

impl SealedPair {
    fn open(self, key: &DataKey, app: AppId, column: &str) -> Result<Rotating, Error> {
        let current: Secret = key.open(app, column, &self.current)?;
        let previous = match (self.previous, self.previous_until) {
            (Some(sealed), Some(until)) => {
                Some((key.open(app, &format!("previous_{column}"), &sealed)?, UnixMillis(until)))
            }
            _ => None,
        };
        Ok(Rotating { current, previous })
    }
}
