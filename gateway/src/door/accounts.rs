//! Authenticates service accounts: keys are looked up in the directory and cached for [`KEEP`].

use std::{net::IpAddr, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use http::HeaderValue;
use tidings_domain::{App, Error, KeyScope, Reason};
use tidings_proto::{error_from_status, internal, required, status_from_error};
use tidings_runtime::{AccountId, Door, Refused, TtlCache, context, rights::Right};
use tonic::{Status, body::Body};

use super::{costs, key::Key};
use crate::{Gateway, client_address::is_trusted};

/// How long an answer is used: a revoked key, and an app that was disabled, are refused within that time.
const KEEP: Duration = Duration::from_secs(1);
/// Maximum number of cached answers.
const ACCOUNTS: usize = 10_000;

type Request = http::Request<Body>;

/// What a key opens.
#[derive(Debug)]
struct Account {
    id: i64,
    app: App,
    scopes: Vec<KeyScope>,
}

/// The service accounts of every app.
pub struct Accounts {
    gateway: Gateway,
    kept: TtlCache<Key, Arc<Account>>,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accounts")
    }
}

impl Accounts {
    /// Calls count for the rates of their apps as those over REST do.
    pub fn new(gateway: Gateway) -> Arc<Self> {
        Arc::new(Self { gateway, kept: TtlCache::new(ACCOUNTS, |_, _| KEEP) })
    }

    async fn account(&self, key: &str) -> Result<Arc<Account>, Error> {
        let key = Key::read(key)?;
        let now = self.gateway.now();
        self.kept.load(&key, now, self.ask(&key)).await
    }

    async fn ask(&self, key: &Key) -> Result<Arc<Account>, Error> {
        let request =
            internal::CheckAccountKeyRequest { app_id: key.app, account_id: key.account, hash: key.hash.to_vec() };
        let answer = self.gateway.clients().directory_internal.clone().check_account_key(request).await;
        let answer = answer.map_err(error_from_status)?.into_inner();
        let scopes = KeyScope::of_names(answer.scopes.iter().map(String::as_str))?;
        Ok(Arc::new(Account { id: key.account, app: App::try_from(required("account.app", answer.app)?)?, scopes }))
    }

    async fn admitted(&self, key: &str, right: &Right, request: Request) -> Result<Request, Refused> {
        let account = self.account(key).await.map_err(|error| Refused {
            // Only whoever has a key learns that it was revoked.
            by: (error.reason() == Reason::TokenRevoked).then(|| Key::read(key).ok()).flatten().map(|key| key.named()),
            status: status_from_error(error),
        })?;
        let by = Some(AccountId { app: account.app.id.0, account: account.id });
        self.counted(&account, right, request).await.map_err(|status| Refused { status, by })
    }

    /// The call as its app's, once it has counted for the rates.
    async fn counted(&self, account: &Account, right: &Right, request: Request) -> Result<Request, Status> {
        account.check_scope(right)?;
        let mut request = account.as_its_app(request).map_err(status_from_error)?;
        // Only our own gateways say on whose behalf they call.
        request.headers_mut().remove(context::PEER);
        let (costs, request) = costs::of(&self.gateway, &account.app, right, request).await?;
        let taken = self.gateway.limits().take(&account.app, &costs).await;
        taken.map_err(|(error, _)| status_from_error(error))?;
        Ok(request)
    }
}

impl Account {
    fn check_scope(&self, right: &Right) -> Result<(), Status> {
        match right.scope {
            Some(scope) if self.scopes.contains(&scope) => Ok(()),
            Some(scope) => {
                let text = format!("{} needs a service account with the scope {}", right.rpc, scope.name());
                Err(status_from_error(Error::not_permitted(text)))
            }
            None if right.is_internal => Err(Status::unimplemented(format!("{} is not public", right.rpc))),
            None => {
                let text = format!("{} needs the service key", right.rpc);
                Err(status_from_error(Error::not_permitted(text)))
            }
        }
    }

    /// The call with its app, which it need not name, and with the account.
    fn as_its_app(&self, mut request: Request) -> Result<Request, Error> {
        let named = request.headers().get_all(context::APP).iter().all(|name| self.is_named(name));
        if !named {
            let text = format!("{} must be the app of the service account, or absent", context::APP);
            return Err(Error::not_permitted(text));
        }
        request.headers_mut().insert(context::APP, HeaderValue::from(self.app.id.0));
        request.headers_mut().insert(context::ACCOUNT, HeaderValue::from(self.id));
        Ok(request)
    }

    fn is_named(&self, name: &HeaderValue) -> bool {
        let name = name.to_str().unwrap_or_default();
        name == self.app.id.0.to_string() || name.split_once('#') == Some((&self.app.org, &self.app.name))
    }
}

impl Door for Accounts {
    fn admit(
        self: Arc<Self>,
        key: String,
        right: &'static Right,
        request: Request,
    ) -> BoxFuture<'static, Result<Request, Refused>> {
        Box::pin(async move { self.admitted(&key, right, request).await })
    }

    fn new_request_id(&self) -> String {
        self.gateway.next_request_id()
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        is_trusted(address.to_canonical(), self.gateway.trusted_proxies())
    }

    fn check(self: Arc<Self>, key: String) -> BoxFuture<'static, Result<(), Status>> {
        Box::pin(async move {
            match self.account(&key).await {
                // Whether the key is one is not known.
                Err(error) if error.reason().is_transient() => Ok(()),
                outcome => outcome.map(drop).map_err(status_from_error),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use tidings_runtime::rights::RIGHTS;
    use tonic::Code;

    use super::*;

    fn account() -> Account {
        Account { id: 3, app: App::example(), scopes: vec![KeyScope::Send] }
    }

    fn code(rpc: &str) -> Option<Code> {
        let right = RIGHTS.iter().find(|right| right.rpc == rpc).expect("a row");
        account().check_scope(right).err().map(|status| status.code())
    }

    #[test]
    fn a_key_opens_what_its_scopes_say_and_never_what_is_the_operators_or_internal() {
        assert_eq!(code("MessageService/Send"), None);
        assert_eq!(code("MessageService/Page"), Some(Code::PermissionDenied));
        assert_eq!(code("DirectoryService/CreateApp"), Some(Code::PermissionDenied));
        assert_eq!(code("DirectoryInternalService/UserNames"), Some(Code::Unimplemented));
    }

    #[test]
    fn the_app_is_that_of_the_key_whatever_the_call_says() {
        let app = App::example();
        let named = |names: &[&str]| {
            let mut request = Request::new(Body::empty());
            for name in names {
                request.headers_mut().append(context::APP, name.parse().expect("a value"));
            }
            request.headers_mut().append(context::ACCOUNT, HeaderValue::from(9));
            let request = account().as_its_app(request)?;
            assert_eq!(request.headers().get_all(context::ACCOUNT).iter().collect::<Vec<_>>(), ["3"]);
            Ok::<_, Error>(request.headers()[context::APP].clone())
        };
        let id = HeaderValue::from(app.id.0);
        let key = format!("{}#{}", app.org, app.name);
        for good in [&[][..], &[key.as_str()], &[app.id.0.to_string().as_str()]] {
            assert_eq!(named(good).expect("its own"), id);
        }
        for wrong in [&["other#app"][..], &["0"], &[key.as_str(), "other#app"], &[""]] {
            assert!(named(wrong).is_err(), "{wrong:?}");
        }
    }
}
