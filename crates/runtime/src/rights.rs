//! Who may make which RPC, as whom: one table, held to at every door, in this process and over the network.
//!
//! The service key opens every RPC for an app itself. On behalf of a user (metadata `tidings-user`) only those are open
//! that say so here, and their service sees to it that the user reaches no further than the last column says. An RPC
//! without a row is refused, and a test holds the table against the descriptors.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::{Ready, ready},
    sync::LazyLock,
    task::{Context, Poll},
};

use futures_util::future::Either;
use http::HeaderMap;
use tidings_domain::Error;
use tidings_proto::status_from_error;
use tonic::{Status, body::Body};
use tower::Service;

use crate::context;

/// On whose authority an RPC may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever has the service key. It is about apps or about the server, and no user can make it.
    Operator,
    /// An app itself, and no user.
    App,
    /// An app, or one of its users. Changes nothing, so that an app may look after a user whom it disabled.
    UserReads,
    /// An app, or one of its users while enabled.
    UserActs,
}

/// One line of the table.
#[derive(Debug)]
pub struct Right {
    /// `Service/Method`, in the package `tidings.v1`.
    pub rpc: &'static str,
    /// Who may make it.
    pub access: Access,
    /// How far a user reaches; empty where none may call.
    pub reach: &'static str,
}

/// The package of every RPC.
pub const PACKAGE: &str = "tidings.v1.";

const fn operator(rpc: &'static str) -> Right {
    Right { rpc, access: Access::Operator, reach: "" }
}

const fn app(rpc: &'static str) -> Right {
    Right { rpc, access: Access::App, reach: "" }
}

const fn reads(rpc: &'static str, reach: &'static str) -> Right {
    Right { rpc, access: Access::UserReads, reach }
}

const fn acts(rpc: &'static str, reach: &'static str) -> Right {
    Right { rpc, access: Access::UserActs, reach }
}

/// The table. docs/rights.md shows it.
#[rustfmt::skip]
pub const RIGHTS: &[Right] = &[
    operator("DirectoryService/CreateApp"),
    operator("DirectoryService/ListApps"),
    operator("DirectoryService/ListDeletedApps"),
    operator("DirectoryService/GetApp"),
    operator("DirectoryService/RevealApp"),
    operator("DirectoryService/SetAppEnabled"),
    operator("DirectoryService/DeleteApp"),
    operator("DirectoryService/RotateSecret"),
    operator("DirectoryService/SetPolicy"),
    operator("DirectoryService/CreateAdminToken"),
    operator("DirectoryService/ListAdminTokens"),
    operator("DirectoryService/RevokeAdminToken"),
    operator("DirectoryService/IssueToken"),
    operator("DirectoryService/Authenticate"),
    app("DirectoryService/TakeQuota"),
    app("DirectoryService/RegisterUsers"),
    reads("DirectoryService/GetUser", "name, id and state of any user of the app"),
    app("DirectoryService/ListUsers"),
    acts("DirectoryService/DeleteUser", "the user alone"),
    reads("DirectoryService/ResolveUsers", "ids of users who are there; takes no names down"),
    reads("DirectoryService/UserNames", "names of any users of the app"),
    acts("DirectoryService/UpdateUser", "the user alone, and never whether they are enabled"),
    reads("DirectoryService/GetProfile", "the user's own; of others what is public"),
    acts("DirectoryService/SetProfile", "the user alone"),
    acts("DirectoryService/OpenSession", "the user alone"),
    reads("DirectoryService/ListSessions", "the user alone"),
    acts("DirectoryService/EndSessions", "the user alone"),
    acts("DirectoryService/BlockUser", "the user's own block list"),
    reads("DirectoryService/ListBlockedUsers", "the user's own block list"),
    reads("DirectoryService/BlockedBy", "whether the user may write to others"),
    app("DirectoryService/SetWordList"),
    app("DirectoryService/ListWordLists"),
    app("DirectoryService/GetWordList"),
    app("DirectoryService/DeleteWordList"),
    app("DirectoryService/AddHook"),
    app("DirectoryService/ListHooks"),
    app("DirectoryService/RemoveHook"),
    app("DirectoryService/GetScreening"),
    app("DirectoryService/ShowsFile"),

    acts("GroupService/Create", "owned by the user"),
    reads("GroupService/Get", "any group or room of the app"),
    reads("GroupService/List", "any group or room of the app"),
    acts("GroupService/Update", "groups that the user may change"),
    acts("GroupService/Transfer", "groups that the user owns"),
    acts("GroupService/Destroy", "groups that the user owns"),
    acts("GroupService/AddMembers", "groups that the user may invite to"),
    acts("GroupService/RemoveMembers", "groups that the user is an admin of"),
    acts("GroupService/Apply", "as the user"),
    reads("GroupService/ListApplications", "groups that the user is an admin of"),
    acts("GroupService/DecideApplication", "groups that the user is an admin of"),
    acts("GroupService/Leave", "as the user"),
    reads("GroupService/ListMembers", "groups that the user is in"),
    reads("GroupService/Joined", "the user alone"),
    acts("GroupService/SetAdmins", "groups that the user owns"),
    acts("GroupService/Mute", "groups that the user is an admin of"),
    acts("GroupService/Block", "groups that the user is an admin of"),
    reads("GroupService/ListBlocked", "groups that the user is an admin of"),
    reads("GroupService/Memberships", "the user alone"),

    acts("MessageService/Send", "as the user"),
    acts("MessageService/Recall", "what the user sent, and what admins of a group may recall"),
    acts("MessageService/Edit", "what the user sent"),
    app("MessageService/Broadcast"),
    app("MessageService/StartBroadcast"),
    app("MessageService/Import"),
    acts("MessageService/Exclude", "the user's own view"),
    app("MessageService/Purge"),
    app("MessageService/Export"),
    app("MessageService/Events"),
    app("MessageService/ReportReads"),
    app("MessageService/ExportConversation"),
    reads("MessageService/Page", "conversations that the user is in"),
    reads("MessageService/Find", "conversations that the user is in"),
    reads("MessageService/FindMany", "conversations that the user is in"),
    reads("MessageService/Head", "conversations that the user is in"),
    reads("MessageService/Unread", "the user alone"),

    reads("ConversationService/List", "the user alone"),
    reads("ConversationService/View", "the user alone"),
    reads("ConversationService/UnreadTotals", "the user alone"),
    acts("ConversationService/MarkRead", "the user alone"),
    acts("ConversationService/MarkDelivered", "the user alone"),
    acts("ConversationService/Delete", "the user's own view"),
    acts("ConversationService/Clear", "the user's own view"),
    acts("ConversationService/DeleteAll", "the user's own view"),
    acts("ConversationService/Pin", "the user alone"),
    reads("ConversationService/ListPinned", "the user alone"),

    acts("FileService/Upload", "as the user"),
    app("FileService/Fetch"),
    reads("FileService/Download", "files whose id and secret the user knows"),
    reads("FileService/Link", "files whose id and secret the user knows"),
    reads("FileService/Stat", "files whose id and secret the user knows"),
    app("FileService/Describe"),
    acts("FileService/SetLifetime", "what the user brought, where the policy lets users"),
    app("FileService/Delete"),
    app("FileService/Withdraw"),
    app("FileService/Settle"),
    app("FileService/Sweep"),

    app("CallbackService/AddEndpoint"),
    app("CallbackService/ListEndpoints"),
    app("CallbackService/PauseEndpoint"),
    app("CallbackService/ResumeEndpoint"),
    app("CallbackService/RotateSecret"),
    app("CallbackService/RemoveEndpoint"),
    app("CallbackService/ListDeliveries"),
    app("CallbackService/Replay"),
    app("CallbackService/PurgeDeliveries"),
];

static BY_PATH: LazyLock<HashMap<String, &'static Right>> =
    LazyLock::new(|| RIGHTS.iter().map(|right| (format!("/{PACKAGE}{}", right.rpc), right)).collect());

/// The row of an RPC, or the refusal. An RPC without a row is none.
pub(crate) fn check(path: &str, metadata: &HeaderMap) -> Result<&'static Right, Status> {
    let Some(right) = BY_PATH.get(path).copied() else {
        return Err(Status::unimplemented(format!("{path} has no row in the table of rights")));
    };
    match right.access {
        Access::Operator | Access::App if metadata.contains_key(context::USER) => {
            let text = format!("{} is not made on behalf of a user ({} must be absent)", right.rpc, context::USER);
            Err(status_from_error(Error::not_permitted(text)))
        }
        _ => Ok(right),
    }
}

/// The row under which a request was let through. A request that passed no door is held to the strictest.
pub fn access_of<T>(request: &tonic::Request<T>) -> Access {
    request.extensions().get::<&'static Right>().map_or(Access::UserActs, |right| right.access)
}

/// A service of this process behind the table.
#[derive(Clone)]
pub(crate) struct Held<S>(pub S);

impl<S> Service<http::Request<Body>> for Held<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<S::Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        match check(request.uri().path(), request.headers()) {
            Ok(right) => {
                request.extensions_mut().insert(right);
                Either::Left(self.0.call(request))
            }
            Err(refusal) => Either::Right(ready(Ok(refusal.into_http()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn every_rpc_has_one_row_and_every_row_an_rpc() {
        let descriptors = FileDescriptorSet::decode(tidings_proto::DESCRIPTORS).expect("the descriptors are ours");
        let rpcs: BTreeSet<String> = descriptors
            .file
            .iter()
            .flat_map(|file| &file.service)
            .flat_map(|service| service.method.iter().map(|method| format!("{}/{}", service.name(), method.name())))
            .collect();
        let rows: BTreeSet<String> = RIGHTS.iter().map(|right| right.rpc.to_owned()).collect();
        assert_eq!(rows, rpcs);
        assert_eq!(RIGHTS.len(), rows.len(), "an RPC has two rows");
        for right in RIGHTS {
            let of_users = matches!(right.access, Access::UserReads | Access::UserActs);
            assert_eq!(of_users, !right.reach.is_empty(), "{}", right.rpc);
        }
    }

    #[test]
    fn the_table_in_docs_says_the_same() {
        let page = include_str!("../../../docs/rights.md");
        for right in RIGHTS {
            let (who, reach) = match right.access {
                Access::Operator => ("service key", "no"),
                Access::App => ("app", "no"),
                Access::UserReads => ("app, user", right.reach),
                Access::UserActs => ("app, enabled user", right.reach),
            };
            let row = format!("| `{}` | {who} | {reach} |", right.rpc);
            assert!(page.contains(&row), "docs/rights.md lacks this row:\n{row}");
        }
    }

    #[test]
    fn on_behalf_of_a_user_only_what_says_so_is_open() {
        let (app, mut user) = (HeaderMap::new(), HeaderMap::new());
        user.insert(context::USER, http::HeaderValue::from_static("16"));
        for right in RIGHTS {
            let path = format!("/{PACKAGE}{}", right.rpc);
            assert!(check(&path, &app).is_ok(), "{path}");
            let code = check(&path, &user).err().map(|status| status.code());
            let refused = matches!(right.access, Access::Operator | Access::App);
            assert_eq!(code, refused.then_some(tonic::Code::PermissionDenied), "{path}");
        }
        let unknown = check("/tidings.v1.DirectoryService/Nothing", &app).err().map(|status| status.code());
        assert_eq!(unknown, Some(tonic::Code::Unimplemented));
    }
}
