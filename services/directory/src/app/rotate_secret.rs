//! Creates a new secret; the old one stays valid until the app's overlap ends (decision 4).

use tidings_domain::Error;

use super::{
    Core,
    create_app::{new_client_secret, new_token_key},
};
use crate::{
    model::{AppKey, KnownApp, SecretKind},
    secret::{Rotating, Secret, hex_32},
    store::{self, app::Rotation},
};

impl Core {
    pub(crate) async fn rotate_secret(&self, key: &AppKey, kind: SecretKind) -> Result<KnownApp, Error> {
        let mut tx = self.db.begin().await?;
        let (app, row) = self.locked_app(&mut tx, key).await?;
        let mut known = row.open(&self.data_key)?;
        let column = kind.column();
        let until = self.clock.now() + app.policy.rotation_overlap;
        let fresh = self.fresh_secret(kind);
        let rotating = kind.of(&mut known);
        let previous = std::mem::replace(&mut rotating.current, fresh);
        let rotation = Rotation {
            current: self.data_key.seal(app.id, column, &rotating.current, &*self.entropy),
            previous: self.data_key.seal(app.id, &format!("previous_{column}"), &previous, &*self.entropy),
            previous_until: until,
        };
        rotating.previous = Some((previous, until));
        store::app::rotate(&mut tx, app.id, kind, rotation).await?;
        self.commit_change(tx, &app).await?;
        Ok(known)
    }

    fn fresh_secret(&self, kind: SecretKind) -> Secret {
        Secret::new(match kind {
            SecretKind::Client => new_client_secret(&*self.entropy),
            SecretKind::TokenKey => new_token_key(&*self.entropy),
            SecretKind::AppCertificate => hex_32(&*self.entropy),
        })
    }
}

impl SecretKind {
    const fn column(self) -> &'static str {
        match self {
            Self::Client => "client_secret",
            Self::TokenKey => "token_key",
            Self::AppCertificate => "app_certificate",
        }
    }

    const fn of(self, known: &mut KnownApp) -> &mut Rotating {
        match self {
            Self::Client => &mut known.client_secret,
            Self::TokenKey => &mut known.token_key,
            Self::AppCertificate => &mut known.app_certificate,
        }
    }
}
