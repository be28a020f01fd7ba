//! The identity of a token, as verified by the directory.
//!
//! An answer is used for [`KEEP`] at most, so a revoked token or a changed policy takes effect within that time, and one
//! about a user for [`KEEP_USER`]. Refusals are never cached.

use std::{sync::Arc, time::Duration};

use sha2::{Digest as _, Sha256};
use tidings_domain::{Actor, App, AppId, Clock, Error, Reason, UnixMillis, UserId, Username};
use tidings_proto::{
    error_from_status, moment_if_set,
    pb::{self, app_ref, directory_service_client::DirectoryServiceClient},
    required,
};
use tidings_runtime::{TtlCache, Wire};

/// How long an answer is used.
const KEEP: Duration = Duration::from_secs(5);
/// How long an answer about a user is used, who may be deleted, disabled or kicked meanwhile.
const KEEP_USER: Duration = Duration::from_secs(1);
/// How long an app is known to be enabled, for those who are connected.
const KEEP_APP: Duration = Duration::from_secs(1);
/// Maximum number of cached answers, and of apps.
const TOKENS: usize = 100_000;
const APPS: usize = 10_000;

/// The identity of a token.
#[derive(Debug)]
pub(crate) enum Who {
    /// No token was given.
    Anonymous,
    /// The app itself.
    App,
    /// One user.
    User { id: UserId, username: String },
}

/// A token's identity in one app.
#[derive(Debug)]
pub(crate) struct Identity {
    pub who: Who,
    /// The same for all tokens of the app, while it stays as it is: every connected client has one.
    pub app: Arc<App>,
    /// `None`: never.
    pub expires_at: Option<UnixMillis>,
}

impl Identity {
    /// When the token ends; `None`: never.
    pub const fn expires_at(&self) -> Option<UnixMillis> {
        self.expires_at
    }

    /// Refuses a call without a token.
    pub fn check_known(&self) -> Result<(), Error> {
        match self.who {
            Who::Anonymous => Err(Error::new(Reason::TokenMissing, "")),
            Who::App | Who::User { .. } => Ok(()),
        }
    }

    /// Refuses everybody except the app itself.
    pub fn check_app(&self) -> Result<(), Error> {
        match self.who {
            Who::App => Ok(()),
            Who::Anonymous => Err(Error::new(Reason::TokenMissing, "")),
            Who::User { .. } => Err(Error::new(Reason::AppTokenRequired, "")),
        }
    }

    /// The authority of a call that app and user tokens may make.
    pub fn actor(&self) -> Result<Actor, Error> {
        match self.who {
            Who::Anonymous => Err(Error::new(Reason::TokenMissing, "")),
            Who::App => Ok(Actor::App),
            Who::User { id, .. } => Ok(Actor::User(id)),
        }
    }

    /// Refuses a user's token for another user (decision 42).
    pub fn check_may_name(&self, user: &Username) -> Result<(), Error> {
        match &self.who {
            Who::User { username, .. } if !user.folded().eq_ignore_ascii_case(username) => {
                Err(Error::new(Reason::AppTokenRequired, ""))
            }
            _ => Ok(()),
        }
    }
}

/// SHA-256 over the app's name and the token: the cache holds no tokens.
type Key = [u8; 32];

/// Queries the directory, and caches the answer for a second.
pub(crate) struct Identities {
    directory: DirectoryServiceClient<Wire>,
    clock: Arc<dyn Clock>,
    kept: TtlCache<Key, Arc<Identity>>,
    /// The apps as they were last, for their identities.
    apps: TtlCache<AppId, Arc<App>>,
    /// The enabled apps.
    enabled: TtlCache<AppId, ()>,
}

impl Identities {
    pub fn new(directory: DirectoryServiceClient<Wire>, clock: Arc<dyn Clock>) -> Self {
        let (apps, enabled) = (TtlCache::new(APPS, |_, _| Duration::MAX), TtlCache::new(APPS, |(), _| KEEP_APP));
        Self { directory, clock, kept: TtlCache::new(TOKENS, lasts), apps, enabled }
    }

    /// The identity of `token` in that app; an empty token is anonymous. The app must be enabled.
    pub async fn of(&self, app: app_ref::App, token: &str) -> Result<Arc<Identity>, Error> {
        let key = key(&app, token);
        let now = self.clock.now();
        if let Some(identity) = self.kept.get(&key, now) {
            return Ok(identity);
        }
        self.kept.load(&key, now, async { self.ask(app, token).await.map(Arc::new) }).await
    }

    /// Refused unless the app exists and is enabled: one query a second, regardless of the number of callers.
    pub async fn check_app(&self, app: AppId) -> Result<(), Error> {
        let ask = async { self.ask(app_ref::App::Id(app.0), "").await.map(drop) };
        self.enabled.load(&app, self.clock.now(), ask).await
    }

    /// Why the token is no longer valid, without the cache; `None` if it is valid, or not a user's. For a call that
    /// failed as it would if the user of its token had been deleted since.
    pub async fn fault(&self, app: app_ref::App, token: &str) -> Option<Error> {
        let key = key(&app, token);
        // Of a call that took longer than an answer is used, too.
        if !matches!(self.kept.last(&key)?.who, Who::User { .. }) {
            return None;
        }
        let fault = self.ask(app, token).await.err().filter(|error| !error.reason().is_transient())?;
        self.kept.remove(&key);
        Some(fault)
    }

    /// Whether the token is still valid, without the cache: something has happened that may have revoked it.
    pub async fn check_again(&self, app: app_ref::App, token: &str) -> Result<(), Error> {
        let key = key(&app, token);
        let asked = self.ask(app, token).await;
        asked.map(drop).inspect_err(|_| self.kept.remove(&key))
    }

    /// Removes a token from the cache: the call that was made with it has revoked it.
    pub fn forget(&self, app: &app_ref::App, token: &str) {
        self.kept.remove(&key(app, token));
    }

    async fn ask(&self, app: app_ref::App, token: &str) -> Result<Identity, Error> {
        let request = pb::AuthenticateRequest { app: Some(pb::AppRef { app: Some(app) }), token: token.to_owned() };
        let answer = self.directory.clone().authenticate(request).await.map_err(error_from_status)?.into_inner();
        let who = match answer.kind() {
            pb::IdentityKind::App => Who::App,
            pb::IdentityKind::User => Who::User { id: UserId(answer.user_id), username: answer.username },
            pb::IdentityKind::Anonymous | pb::IdentityKind::Unspecified => Who::Anonymous,
        };
        let app = App::try_from(required("identity.app", answer.app)?)?;
        if !app.enabled {
            return Err(Error::new(Reason::AppDisabled, ""));
        }
        let expires_at = moment_if_set("identity.expires_at", answer.expires_at)?;
        Ok(Identity { who, app: self.shared(app), expires_at })
    }

    /// The same app as before, unless something of it changed.
    fn shared(&self, app: App) -> Arc<App> {
        if let Some(known) = self.apps.last(&app.id).filter(|known| **known == app) {
            return known;
        }
        let app = Arc::new(app);
        self.apps.insert(app.id, Arc::clone(&app), self.clock.now());
        app
    }
}

/// How long an answer from that time is used: never past the token's expiry.
fn lasts(identity: &Arc<Identity>, asked_at: UnixMillis) -> Duration {
    let keep = if matches!(identity.who, Who::User { .. }) { KEEP_USER } else { KEEP };
    identity.expires_at.map_or(keep, |end| keep.min(end - asked_at))
}

fn key(app: &app_ref::App, token: &str) -> Key {
    let (kind, name) = match app {
        app_ref::App::AppKey(name) => (1, name.as_bytes()),
        app_ref::App::LanyingAppId(name) => (2, name.as_bytes()),
        app_ref::App::Id(id) => (3, &id.to_be_bytes()[..]),
        app_ref::App::SdkAppid(id) => (4, &id.to_be_bytes()[..]),
        app_ref::App::AgoraAppId(id) => (5, id.as_bytes()),
    };
    let hash = Sha256::new().chain_update([kind]).chain_update(name.len().to_be_bytes());
    hash.chain_update(name).chain_update(token).finalize().into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http_body_util::{BodyExt as _, Full};
    use tidings_domain::ManualClock;

    use super::*;

    fn identity(expires_at: Option<i64>) -> Arc<Identity> {
        Arc::new(Identity { who: Who::App, app: Arc::new(App::example()), expires_at: expires_at.map(UnixMillis) })
    }

    #[test]
    fn an_answer_is_used_for_five_seconds_and_never_past_the_tokens_end() {
        let lasts = |expires_at| lasts(&identity(expires_at), UnixMillis(10_000));
        assert_eq!(lasts(None), Duration::from_secs(5));
        assert_eq!(lasts(Some(20_000)), Duration::from_secs(5));
        assert_eq!(lasts(Some(11_000)), Duration::from_secs(1));
        assert_eq!(lasts(Some(9_000)), Duration::ZERO);
    }

    #[test]
    fn an_answer_about_a_user_is_used_for_one_second() {
        let who = Who::User { id: UserId(32), username: "ann".to_owned() };
        let ann = Arc::new(Identity { who, app: Arc::new(App::example()), expires_at: None });
        assert_eq!(lasts(&ann, UnixMillis(10_000)), Duration::from_secs(1));
    }

    fn grpc_answer(message: &impl prost::Message) -> http::Response<tonic::body::Body> {
        let encoded = message.encode_to_vec();
        let length = (encoded.len() as u32).to_be_bytes();
        let bytes = [&[0], &length[..], &encoded].concat();
        let ok = (http::HeaderName::from_static("grpc-status"), http::HeaderValue::from_static("0"));
        let trailers = http::HeaderMap::from_iter([ok]);
        let body = Full::new(bytes::Bytes::from(bytes)).with_trailers(std::future::ready(Some(Ok(trailers))));
        let mut answer = http::Response::new(tonic::body::Body::new(body));
        answer.headers_mut().insert("content-type", http::HeaderValue::from_static("application/grpc"));
        answer
    }

    #[tokio::test]
    async fn connected_clients_of_an_app_share_its_record_and_one_question_a_second() {
        let (asked, enabled) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(1)));
        let (count, is_enabled) = (Arc::clone(&asked), Arc::clone(&enabled));
        let wire = Wire::local(tower::service_fn(move |_: http::Request<tonic::body::Body>| {
            count.fetch_add(1, Ordering::Relaxed);
            let app = App { enabled: is_enabled.load(Ordering::Relaxed) > 0, ..App::example() };
            let answer = pb::Identity { app: Some(app.into()), ..pb::Identity::default() };
            async move { Ok::<_, std::convert::Infallible>(grpc_answer(&answer)) }
        }));
        let clock = Arc::new(ManualClock::new(UnixMillis(10_000)));
        let identities = Identities::new(DirectoryServiceClient::new(wire), Arc::<ManualClock>::clone(&clock));
        let of = async |token| identities.of(app_ref::App::Id(1), token).await.expect("an identity");
        assert!(Arc::ptr_eq(&of("one").await.app, &of("two").await.app));
        let app = App::example().id;
        for _ in 0..1_000 {
            identities.check_app(app).await.expect("it is enabled");
        }
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        enabled.store(0, Ordering::Relaxed);
        clock.advance(KEEP_APP);
        let refused = identities.check_app(app).await.map_err(|error| error.reason());
        assert_eq!(refused, Err(Reason::AppDisabled));
    }

    #[test]
    fn names_and_tokens_do_not_run_into_each_other() {
        let named = |name: &str, token| key(&app_ref::App::AppKey(name.to_owned()), token);
        assert_ne!(named("ab", "c"), named("a", "bc"));
        assert_ne!(named("a", "c"), key(&app_ref::App::LanyingAppId("a".to_owned()), "c"));
    }
}
