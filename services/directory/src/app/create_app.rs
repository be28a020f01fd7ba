//! Creates an app with random names and secrets.

use tidings_domain::{App, AppId, Entropy, Error, Policy, Reason, is_reserved_org, new_uuid};
use tidings_store::Tx;

use super::Core;
use crate::{
    model::{AppKey, KnownApp, NewApp, is_legal_name},
    secret::{Rotating, Secret, hex_32, random, url_safe},
    store::{self, app::InsertApp},
};

/// `SdkAppid` fits a signed 32-bit integer, which Tencent's clients use.
const MAX_SDK_APPID: i64 = i32::MAX as i64;
/// The smallest number of ten digits, as the vendor's have, and how many there are from there on.
const RANDOM_SDK_APPIDS: (i64, i64) = (1_000_000_000, MAX_SDK_APPID - 1_000_000_000 + 1);

impl Core {
    pub(crate) async fn create_app(&self, new: NewApp) -> Result<KnownApp, Error> {
        check(&new)?;
        let mut tx = self.db.begin().await?;
        let id = store::app::take_app_id(&mut tx).await?;
        let app = App {
            id,
            lanying_app_id: self.lanying_app_id(&mut tx, new.lanying_app_id).await?,
            sdk_appid: self.sdk_appid(&mut tx, new.sdk_appid).await?,
            uuid: new_uuid(&*self.entropy),
            enabled: true,
            created_at: self.clock.now(),
            policy: Policy::default(),
            screening: 0,
            users_version: 0,
            org: new.org,
            name: new.name,
        };
        refuse_taken(&mut tx, AppKey::Name(app.org.clone(), app.name.clone())).await?;
        let known = self.with_secrets(app);
        store::app::insert(&mut tx, self.row(&known)).await?;
        self.commit_change(tx, &known.app).await?;
        Ok(known)
    }

    async fn lanying_app_id(&self, tx: &mut Tx, requested: Option<String>) -> Result<String, Error> {
        if let Some(requested) = requested {
            refuse_taken(tx, AppKey::Lanying(requested.clone())).await?;
            return Ok(requested);
        }
        loop {
            let drawn = letters_12(&*self.entropy);
            if store::app::find_in(tx, &AppKey::Lanying(drawn.clone())).await?.is_none() {
                return Ok(drawn);
            }
        }
    }

    async fn sdk_appid(&self, tx: &mut Tx, requested: Option<i64>) -> Result<i64, Error> {
        if let Some(requested) = requested {
            refuse_taken(tx, AppKey::Sdk(requested)).await?;
            return Ok(requested);
        }
        loop {
            let (least, count) = RANDOM_SDK_APPIDS;
            let drawn = least + i64::from(u32::from_le_bytes(random(&*self.entropy))) % count;
            if store::app::find_in(tx, &AppKey::Sdk(drawn)).await?.is_none() {
                return Ok(drawn);
            }
        }
    }

    fn with_secrets(&self, app: App) -> KnownApp {
        let entropy = &*self.entropy;
        let fresh = |text: String| Rotating { current: Secret::new(text), previous: None };
        KnownApp {
            client_id: format!("YXA6{}", url_safe::<16>(entropy)),
            agora_app_id: hex_32(entropy),
            client_secret: fresh(new_client_secret(entropy)),
            app_certificate: fresh(hex_32(entropy)),
            token_key: fresh(new_token_key(entropy)),
            app,
        }
    }

    fn row<'a>(&self, known: &'a KnownApp) -> InsertApp<'a> {
        let app: AppId = known.app.id;
        let seal = |column: &str, secret: &Rotating| self.data_key.seal(app, column, &secret.current, &*self.entropy);
        InsertApp {
            app: &known.app,
            client_id: &known.client_id,
            agora_app_id: &known.agora_app_id,
            client_secret: seal("client_secret", &known.client_secret),
            app_certificate: seal("app_certificate", &known.app_certificate),
            token_key: seal("token_key", &known.token_key),
        }
    }
}

/// An unguessable client secret.
pub(super) fn new_client_secret(entropy: &dyn Entropy) -> String {
    format!("YXA6{}", url_safe::<32>(entropy))
}

/// A key as long as the hash's output.
pub(super) fn new_token_key(entropy: &dyn Entropy) -> String {
    url_safe::<64>(entropy)
}

fn check(new: &NewApp) -> Result<(), Error> {
    const RULE: &str = "must be 1 to 64 characters of a-z A-Z 0-9 _ - .";
    if !is_legal_name(&new.org) {
        return Err(Error::invalid("org", RULE));
    }
    if is_reserved_org(&new.org.to_ascii_lowercase()) {
        return Err(Error::invalid("org", "must not be a reserved word"));
    }
    if !is_legal_name(&new.name) {
        return Err(Error::invalid("name", RULE));
    }
    if new.lanying_app_id.as_deref().is_some_and(|id| !is_legal_name(id)) {
        return Err(Error::invalid("lanying_app_id", RULE));
    }
    if new.sdk_appid.is_some_and(|id| !(1..=MAX_SDK_APPID).contains(&id)) {
        return Err(Error::invalid("sdk_appid", format!("must be from 1 to {MAX_SDK_APPID}")));
    }
    Ok(())
}

/// Apps are created one after another, so a name that is free now stays free until the commit.
async fn refuse_taken(tx: &mut Tx, key: AppKey) -> Result<(), Error> {
    if store::app::find_in(tx, &key).await?.is_none() {
        return Ok(());
    }
    Err(Error::new(
        Reason::AppExists,
        match key {
            AppKey::Id(id) => id.to_string(),
            AppKey::Name(org, name) => format!("{org}#{name}"),
            AppKey::Lanying(app_id) | AppKey::AgoraId(app_id) => app_id,
            AppKey::Sdk(sdk_appid) => sdk_appid.to_string(),
        },
    ))
}

/// 12 random lower-case letters. 26 does not divide 256; for a name that does not matter.
fn letters_12(entropy: &dyn Entropy) -> String {
    random::<12>(entropy).iter().map(|byte| char::from(b'a' + byte % 26)).collect()
}
