//! Who may make which RPC, on whose behalf: one table, enforced at every entry point, in this process and over the
//! network.
//!
//! The service key opens every RPC for an app itself, the key of a service account those of its scopes. On behalf of a user (metadata `tidings-user` or
//! `tidings-username`) only those are open whose row says so, and their service enforces the limit in the row. An RPC
//! without a row is refused, and a test compares the table with the descriptors.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll},
};

use futures_util::future::Either;
use http::HeaderMap;
use pin_project_lite::pin_project;
use tidings_domain::{Error, KeyScope};
use tidings_proto::status_from_error;
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tower::Service;

use crate::{context, metrics};

/// On whose authority an RPC may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Any holder of the service key. The RPC is about apps or about the server, and no user can make it.
    Operator,
    /// Only an app itself.
    App,
    /// An app, or one of its users. Read-only, so an app may inspect a disabled user.
    UserReads,
    /// An app, or one of its enabled users.
    UserActs,
}

/// Whether an RPC may be repeated when its outcome is unknown: our processes do so when a connection breaks, on another
/// address of the peer if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Repeating it has the effect and the answer of a single call, even after other changes; or it has no effect.
    Safe,
    /// Safe if one of these fields of the request is set, its idempotency key.
    Keyed(&'static [u32]),
    /// Not repeated; the caller decides.
    Never,
    /// Not repeated either: its request is a stream, which is not buffered.
    Stream,
}

/// One line of the table.
#[derive(Debug)]
pub struct Right {
    /// `Service/Method`.
    pub rpc: &'static str,
    /// Whether it is in [`INTERNAL_PACKAGE`], for our own services, rather than in [`PACKAGE`].
    pub is_internal: bool,
    /// Who may make it.
    pub access: Access,
    /// The limit for users; empty if none may call.
    pub reach: &'static str,
    /// Whether our processes may repeat it on their own.
    pub repeat: Repeat,
    /// Whether its answer is a stream.
    pub is_streamed: bool,
    /// The scope that a service account needs; `None`: none may call.
    pub scope: Option<KeyScope>,
}

impl Right {
    /// The path of its requests.
    pub fn path(&self) -> String {
        format!("/{}{}", if self.is_internal { INTERNAL_PACKAGE } else { PACKAGE }, self.rpc)
    }

    const fn internal(self) -> Self {
        Self { is_internal: true, scope: None, ..self }
    }

    const fn scope(self, scope: KeyScope) -> Self {
        Self { scope: Some(scope), ..self }
    }

    const fn answered_by_stream(self) -> Self {
        Self { is_streamed: true, ..self }
    }

    const fn safe(self) -> Self {
        Self { repeat: Repeat::Safe, ..self }
    }

    const fn streamed(self) -> Self {
        Self { repeat: Repeat::Stream, ..self }
    }

    const fn keyed(self, fields: &'static [u32]) -> Self {
        Self { repeat: Repeat::Keyed(fields), ..self }
    }
}

/// The package of every public RPC.
pub const PACKAGE: &str = "tidings.v1.";
/// The package of the calls between our services.
pub const INTERNAL_PACKAGE: &str = "tidings.internal.v1.";

const fn row(rpc: &'static str, access: Access, scope: Option<KeyScope>) -> Right {
    Right { rpc, is_internal: false, access, reach: "", repeat: Repeat::Never, is_streamed: false, scope }
}

const fn operator(rpc: &'static str) -> Right {
    row(rpc, Access::Operator, None)
}

/// Needs the scope `admin`, unless the row says otherwise.
const fn app(rpc: &'static str) -> Right {
    row(rpc, Access::App, Some(KeyScope::Admin))
}

/// Needs the scope `read`.
const fn reads(rpc: &'static str, reach: &'static str) -> Right {
    Right { reach, repeat: Repeat::Safe, ..row(rpc, Access::UserReads, Some(KeyScope::Read)) }
}

/// Needs the scope `manage`, unless the row says otherwise.
const fn acts(rpc: &'static str, reach: &'static str) -> Right {
    Right { reach, ..row(rpc, Access::UserActs, Some(KeyScope::Manage)) }
}

/// The table. Listed in docs/rights.md.
#[rustfmt::skip]
pub const RIGHTS: &[Right] = &[
    operator("DirectoryService/CreateApp"),
    operator("DirectoryService/ListApps").safe(),
    operator("DirectoryService/GetApp").safe(),
    operator("DirectoryService/RevealApp").safe(),
    operator("DirectoryService/SetAppEnabled"),
    operator("DirectoryService/DeleteApp"),
    operator("DirectoryService/RotateSecret"),
    operator("DirectoryService/SetPolicy"),
    operator("DirectoryService/CreateAdminToken"),
    operator("DirectoryService/ListAdminTokens").safe(),
    operator("DirectoryService/RevokeAdminToken"),
    operator("DirectoryService/CreateServiceAccount"),
    operator("DirectoryService/ListServiceAccounts").safe(),
    operator("DirectoryService/RevokeServiceAccount"),
    operator("DirectoryService/IssueToken").safe(),
    operator("DirectoryService/Authenticate").safe(),
    app("DirectoryService/RegisterUsers").scope(KeyScope::Manage),
    reads("DirectoryService/GetUser", "name, id and state of any user of the app"),
    app("DirectoryService/ListUsers").safe().scope(KeyScope::Read),
    acts("DirectoryService/DeleteUser", "the user only"),
    reads("DirectoryService/ResolveUsers", "ids of existing users; registers no names"),
    acts("DirectoryService/UpdateUser", "the user only, and never whether they are enabled"),
    reads("DirectoryService/GetProfile", "the user's own; of others what is public"),
    acts("DirectoryService/SetProfile", "the user only"),
    acts("DirectoryService/OpenSession", "the user only").scope(KeyScope::Send),
    reads("DirectoryService/ListSessions", "the user only"),
    acts("DirectoryService/EndSessions", "the user only"),
    acts("DirectoryService/BlockUser", "the user's own block list"),
    reads("DirectoryService/ListBlockedUsers", "the user's own block list"),
    app("DirectoryService/SetWordList"),
    app("DirectoryService/ListWordLists").safe(),
    app("DirectoryService/GetWordList").safe(),
    app("DirectoryService/DeleteWordList"),
    app("DirectoryService/AddHook"),
    app("DirectoryService/ListHooks").safe(),
    app("DirectoryService/RemoveHook"),
    app("DirectoryService/SetUserMutes").scope(KeyScope::Manage),
    reads("DirectoryService/GetUserMutes", "the user only"),
    app("DirectoryService/ListUserMutes").safe().scope(KeyScope::Read),
    acts("DirectoryService/SetUserAttributes", "the user only"),
    reads("DirectoryService/GetUserAttributes", "any user of the app"),
    acts("DirectoryService/DeleteUserAttributes", "the user only").safe(),
    app("DirectoryService/GetUserAttributesSize").safe().scope(KeyScope::Read),
    acts("DirectoryService/SetNotification", "the user only"),
    reads("DirectoryService/GetNotifications", "the user only"),
    reads("DirectoryService/ListNotifications", "the user only"),
    reads("DirectoryService/GetUserStatuses", "any user of the app"),
    acts("DirectoryService/PublishPresence", "the user only").scope(KeyScope::Send),
    acts("DirectoryService/SubscribePresence", "as the user"),
    acts("DirectoryService/UnsubscribePresence", "as the user").safe(),
    reads("DirectoryService/GetPresence", "any user of the app"),
    reads("DirectoryService/ListPresenceSubscriptions", "the user only"),
    app("DirectoryService/AddContact").scope(KeyScope::Manage),
    app("DirectoryService/ImportContacts").scope(KeyScope::Manage),
    acts("DirectoryService/RequestContact", "as the user"),
    acts("DirectoryService/DecideContact", "requests that wait for the user"),
    reads("DirectoryService/ListContactRequests", "requests that wait for the user"),
    acts("DirectoryService/RemoveContact", "the user's own contacts"),
    acts("DirectoryService/UpdateContact", "the user's own contacts"),
    reads("DirectoryService/ListContacts", "the user's own contacts"),
    reads("DirectoryService/GetContacts", "the user's own relations; of others what is public"),
    acts("DirectoryService/BlockUsers", "the user's own block list"),

    acts("GroupService/CreateGroup", "owned by the user"),
    reads("GroupService/GetGroups", "any group or room of the app"),
    reads("GroupService/ListGroups", "any group or room of the app"),
    acts("GroupService/UpdateGroup", "groups that the user may change"),
    acts("GroupService/TransferGroup", "groups that the user owns"),
    acts("GroupService/DestroyGroup", "groups that the user owns"),
    acts("GroupService/AddMembers", "groups that the user may invite to"),
    acts("GroupService/RemoveMembers", "groups that the user is an admin of"),
    acts("GroupService/Apply", "as the user"),
    reads("GroupService/ListApplications", "groups that the user is an admin of"),
    acts("GroupService/DecideApplication", "groups that the user is an admin of"),
    acts("GroupService/Leave", "as the user"),
    reads("GroupService/ListMembers", "groups that the user is in"),
    reads("GroupService/Joined", "the user only"),
    acts("GroupService/SetAdmins", "groups that the user owns"),
    acts("GroupService/Mute", "groups that the user is an admin of"),
    acts("GroupService/BlockMembers", "groups that the user is an admin of"),
    reads("GroupService/ListBlocked", "groups that the user is an admin of"),
    acts("GroupService/AllowMembers", "groups that the user is an admin of"),
    reads("GroupService/ListAllowed", "groups that the user is an admin of; whether they are on it themselves"),
    acts("GroupService/SetAnnouncement", "groups that the user is an admin of"),
    reads("GroupService/GetAnnouncement", "groups that the user is in"),
    acts("GroupService/CreateThread", "groups that the user is in, as the user"),
    reads("GroupService/GetThread", "groups that the user is in"),
    reads("GroupService/ListThreads", "groups that the user is in; what the user is in"),
    acts("GroupService/UpdateThread", "the user's own, and groups that they are an admin of"),
    acts("GroupService/DeleteThread", "groups that the user is an admin of"),
    acts("GroupService/JoinThread", "as the user, groups that the user is in"),

    reads("GroupService/ListAnnouncements", "groups that the user is in"),
    acts("GroupService/DeleteAnnouncement", "groups that the user is an admin of"),
    acts("GroupService/ShareFile", "groups that the user is in"),
    reads("GroupService/ListSharedFiles", "groups that the user is in"),
    reads("GroupService/GetSharedFile", "groups that the user is in"),
    acts("GroupService/RenameSharedFile", "what the user shared, and groups that they are an admin of"),
    acts("GroupService/UnshareFile", "what the user shared, and groups that they are an admin of"),
    acts("GroupService/SetMemberAttributes", "the user's own, and groups that they are an admin of"),
    reads("GroupService/GetMemberAttributes", "groups that the user is in"),
    acts("GroupService/SetDisplayName", "the user's own, and groups that they are an admin of"),
    reads("GroupService/GetMembers", "groups that the user is in"),
    acts("GroupService/SetRoomAttributes", "rooms that the user is in"),
    acts("GroupService/RemoveRoomAttributes", "rooms that the user is in"),
    reads("GroupService/GetRoomAttributes", "rooms that the user is in"),
    acts("GroupService/InviteMembers", "groups that the user may invite to"),
    reads("GroupService/ListInvitations", "the user only"),
    acts("GroupService/DecideInvitation", "the user only"),
    app("GroupService/SetSuperAdmin").scope(KeyScope::Manage),
    app("GroupService/ListSuperAdmins").safe().scope(KeyScope::Read),

    acts("MessageService/Send", "as the user").keyed(&[4, 5]).scope(KeyScope::Send),
    acts("MessageService/Recall", "what the user sent, and what admins of a group may recall").scope(KeyScope::Send),
    acts("MessageService/Edit", "what the user sent").keyed(&[8, 9]).scope(KeyScope::Send),
    app("MessageService/Broadcast").keyed(&[3]).scope(KeyScope::Send),
    app("MessageService/StartBroadcast").keyed(&[4]).scope(KeyScope::Send),
    app("MessageService/Import").keyed(&[6]),
    acts("MessageService/Exclude", "the user's own view"),
    app("MessageService/Purge"),
    app("MessageService/Export").safe().scope(KeyScope::Read),
    app("MessageService/Events").safe().answered_by_stream().scope(KeyScope::Read),
    app("MessageService/ExportConversation").safe().answered_by_stream().scope(KeyScope::Read),
    reads("MessageService/Page", "conversations that the user is in"),
    reads("MessageService/Find", "conversations that the user is in"),
    reads("MessageService/FindMany", "conversations that the user is in"),
    reads("MessageService/Head", "conversations that the user is in"),
    reads("MessageService/ReadHistory", "conversations that the user is in"),
    acts("MessageService/AddReaction", "as the user").scope(KeyScope::Send),
    acts("MessageService/RemoveReaction", "as the user").scope(KeyScope::Send),
    reads("MessageService/ListReactions", "conversations that the user is in"),
    reads("MessageService/ListReactors", "conversations that the user is in"),

    reads("ConversationService/ListConversations", "the user only"),
    reads("ConversationService/View", "the user only"),
    acts("ConversationService/MarkRead", "the user only").safe().scope(KeyScope::Send),
    acts("ConversationService/MarkDelivered", "the user only").safe().scope(KeyScope::Send),
    acts("ConversationService/DeleteConversation", "the user's own view"),
    acts("ConversationService/Clear", "the user's own view"),
    acts("ConversationService/DeleteAll", "the user's own view"),
    acts("ConversationService/Pin", "the user only"),
    reads("ConversationService/ListPinned", "the user only"),
    reads("ConversationService/SelectConversations", "the user only"),
    acts("ConversationService/MarkConversations", "the user only"),
    acts("ConversationService/PinMessage", "conversations that the user is in"),
    reads("ConversationService/ListPinnedMessages", "conversations that the user is in"),
    reads("ConversationService/ListReaders", "groups that the user is in"),

    acts("FileService/Upload", "as the user").streamed().scope(KeyScope::Send),
    app("FileService/Fetch").scope(KeyScope::Send),
    reads("FileService/Download", "files whose id and secret the user knows").answered_by_stream(),
    reads("FileService/Link", "files whose id and secret the user knows"),
    reads("FileService/Stat", "files whose id and secret the user knows"),
    acts("FileService/SetLifetime", "what the user brought, where the policy lets users"),
    app("FileService/DeleteFile").scope(KeyScope::Manage),
    operator("FileService/Sweep").safe(),

    app("CallbackService/AddEndpoint"),
    app("CallbackService/ListEndpoints").safe(),
    app("CallbackService/PauseEndpoint"),
    app("CallbackService/ResumeEndpoint"),
    app("CallbackService/RotateEndpointSecret"),
    app("CallbackService/RemoveEndpoint"),
    app("CallbackService/ListDeliveries").safe(),
    app("CallbackService/Replay"),
    app("CallbackService/PurgeDeliveries"),

    acts("RealtimeService/Subscribe", "the user only").safe().answered_by_stream().scope(KeyScope::Read),

    operator("DirectoryInternalService/TakeChanges").safe().internal(),
    operator("DirectoryInternalService/RemoveChanges").safe().internal(),
    operator("DirectoryInternalService/CheckAccountKey").safe().internal(),
    operator("DirectoryInternalService/ReportSessions").safe().internal(),
    operator("DirectoryInternalService/ListDeletedApps").safe().internal(),
    app("DirectoryInternalService/TakeQuota").safe().internal(),
    reads("DirectoryInternalService/UserNames", "names of any users of the app").internal(),
    reads("DirectoryInternalService/BlockedBy", "whether the user may write to others").internal(),
    reads("DirectoryInternalService/Memberships", "the user only").internal(),
    reads("DirectoryInternalService/UserPlaces", "the user only").internal(),
    app("DirectoryInternalService/GetScreening").safe().internal(),
    app("DirectoryInternalService/ShowsFile").safe().internal(),
    app("MessageInternalService/ReportReads").safe().internal(),
    app("MessageInternalService/ReportDelivered").safe().internal(),
    app("MessageInternalService/ReportPins").safe().internal(),
    reads("MessageInternalService/Locate", "conversations that the user is in").internal(),
    reads("MessageInternalService/Unread", "the user only").internal(),
    reads("MessageInternalService/UserEvents", "the user only").internal().answered_by_stream(),
    reads("ConversationInternalService/UnreadTotals", "the user only").internal(),
    reads("ConversationInternalService/GetDevicePosition", "the user only").internal(),
    acts("ConversationInternalService/SaveDevicePosition", "the user only").safe().internal(),
    app("FileInternalService/Describe").safe().internal(),
    app("FileInternalService/Withdraw").safe().internal(),
    app("FileInternalService/Settle").safe().internal(),
];

static BY_PATH: LazyLock<HashMap<String, &'static Right>> =
    LazyLock::new(|| RIGHTS.iter().map(|right| (right.path(), right)).collect());

/// The row of an RPC, or the refusal of an RPC without a row.
pub(crate) fn check(path: &str, metadata: &HeaderMap) -> Result<&'static Right, Status> {
    let Some(right) = BY_PATH.get(path).copied() else {
        return Err(Status::unimplemented(format!("{path} has no row in the table of rights")));
    };
    match right.access {
        Access::Operator | Access::App if context::is_for_user(metadata) => {
            let (rpc, id, name) = (right.rpc, context::USER, context::USERNAME);
            let text = format!("{rpc} is not made on behalf of a user ({id} and {name} must be absent)");
            Err(status_from_error(Error::not_permitted(text)))
        }
        _ => Ok(right),
    }
}

/// The row of an RPC, if it has one.
pub(crate) fn of_path(path: &str) -> Option<&'static Right> {
    BY_PATH.get(path).copied()
}

/// Whether the call of a path may be repeated, and whether its answer is a stream.
pub(crate) fn calling(path: &str) -> (Repeat, bool) {
    BY_PATH.get(path).map_or((Repeat::Never, true), |right| (right.repeat, right.is_streamed))
}

/// The row under which a request was admitted. A request that passed no check gets the strictest.
pub fn access_of<T>(request: &tonic::Request<T>) -> Access {
    request.extensions().get::<&'static Right>().map_or(Access::UserActs, |right| right.access)
}

/// Wraps a service of this process in the table.
#[derive(Clone)]
pub(crate) struct Held<S>(pub S);

impl<S> Service<http::Request<Body>> for Held<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = Either<Counted<S::Future>, Ready<Result<S::Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        match check(request.uri().path(), request.headers()) {
            Ok(right) => {
                request.extensions_mut().insert(right);
                let began = Instant::now();
                Either::Left(Counted { answer: self.0.call(request), rpc: right.rpc, began })
            }
            Err(refusal) => Either::Right(ready(Ok(refusal.into_http()))),
        }
    }
}

pin_project! {
    /// The answer of a call in this process, which is counted.
    pub(crate) struct Counted<F> {
        #[pin]
        answer: F,
        rpc: &'static str,
        began: Instant,
    }
}

impl<F> Future for Counted<F>
where
    F: Future<Output = Result<http::Response<Body>, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answered = this.answer.poll(cx);
        if let Poll::Ready(Ok(response)) = &answered {
            let status = response.headers().get(Status::GRPC_STATUS);
            let code = status.map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()));
            metrics().rpc.answered(this.rpc, code, this.began.elapsed());
        }
        answered
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use prost_types::{FileDescriptorSet, method_options::IdempotencyLevel};

    use super::*;

    #[test]
    fn every_rpc_has_one_row_and_every_row_an_rpc() {
        let descriptors = FileDescriptorSet::decode(tidings_proto::DESCRIPTORS).expect("the descriptors are ours");
        let rpcs: BTreeSet<String> = descriptors
            .file
            .iter()
            .flat_map(|file| file.service.iter().map(move |service| (file.package(), service)))
            .flat_map(|(package, service)| {
                service.method.iter().map(move |method| format!("/{package}.{}/{}", service.name(), method.name()))
            })
            .collect();
        let rows: BTreeSet<String> = RIGHTS.iter().map(Right::path).collect();
        assert_eq!(rows, rpcs);
        assert_eq!(RIGHTS.len(), rows.len(), "an RPC has two rows");
        for right in RIGHTS {
            let of_users = matches!(right.access, Access::UserReads | Access::UserActs);
            assert_eq!(of_users, !right.reach.is_empty(), "{}", right.rpc);
        }
    }

    #[test]
    fn keys_streams_and_idempotency_are_those_of_the_descriptors() {
        let descriptors = FileDescriptorSet::decode(tidings_proto::DESCRIPTORS).expect("the descriptors are ours");
        let messages: HashMap<String, Vec<u32>> = descriptors
            .file
            .iter()
            .flat_map(|file| &file.message_type)
            .map(|message| {
                let keys = message.field.iter().filter(|it| matches!(it.name(), "idempotency_key" | "transaction_id"));
                (message.name().to_owned(), keys.map(|field| field.number().unsigned_abs()).collect())
            })
            .collect();
        for service in descriptors.file.iter().flat_map(|file| &file.service) {
            for method in &service.method {
                let rpc = format!("{}/{}", service.name(), method.name());
                let right = RIGHTS.iter().find(|right| right.rpc == rpc).expect("a row");
                let keys = method.input_type().rsplit('.').next().and_then(|name| messages.get(name));
                let held = match right.repeat {
                    Repeat::Keyed(fields) => fields,
                    _ => &[],
                };
                assert_eq!(keys.map_or(&[][..], Vec::as_slice), held, "{rpc}");
                let declared = method
                    .options
                    .as_ref()
                    .map_or(IdempotencyLevel::IdempotencyUnknown, prost_types::MethodOptions::idempotency_level);
                let is_declared = declared != IdempotencyLevel::IdempotencyUnknown;
                assert_eq!(is_declared, right.repeat == Repeat::Safe, "{rpc}: idempotency_level in the .proto file");
                assert_eq!(method.client_streaming(), right.repeat == Repeat::Stream, "{rpc}");
                assert_eq!(method.server_streaming(), right.is_streamed, "{rpc}");
            }
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
            let again = match right.repeat {
                Repeat::Safe => "yes",
                Repeat::Keyed(_) => "with a key",
                Repeat::Never | Repeat::Stream => "no",
            };
            let scope = right.scope.map_or("no", KeyScope::name);
            let row = format!("| `{}` | {who} | {reach} | {again} | {scope} |", right.rpc);
            assert!(page.contains(&row), "docs/rights.md lacks this row:\n{row}");
        }
    }

    #[test]
    fn service_accounts_make_every_public_rpc_but_the_operators_and_no_internal_one() {
        for right in RIGHTS {
            let is_closed = right.is_internal || right.access == Access::Operator;
            assert_eq!(right.scope.is_none(), is_closed, "{}", right.rpc);
            let is_read = matches!(right.access, Access::UserReads);
            assert!(!is_read || right.is_internal || right.scope == Some(KeyScope::Read), "{}", right.rpc);
        }
    }

    #[test]
    fn on_behalf_of_a_user_only_what_says_so_is_open() {
        let app = HeaderMap::new();
        let by =
            |key: &'static str| HeaderMap::from_iter([(key.parse().unwrap(), http::HeaderValue::from_static("16"))]);
        for right in RIGHTS {
            let path = right.path();
            assert!(check(&path, &app).is_ok(), "{path}");
            let refused = matches!(right.access, Access::Operator | Access::App);
            for user in [by(context::USER), by(context::USERNAME)] {
                let code = check(&path, &user).err().map(|status| status.code());
                assert_eq!(code, refused.then_some(tonic::Code::PermissionDenied), "{path}");
            }
        }
        let unknown = check("/tidings.v1.DirectoryService/Nothing", &app).err().map(|status| status.code());
        assert_eq!(unknown, Some(tonic::Code::Unimplemented));
    }
}
