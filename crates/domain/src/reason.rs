//! The single list of reasons for errors, and the table of what each protocol returns for them.
//!
//! [`Reason::words`] says how gRPC and each dialect express it; there is no wildcard arm, so a new reason does not compile
//! until every dialect has its words.

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident,)*) => {
        /// What went wrong, from a closed list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $variant,)*
        }

        impl Reason {
            /// Every reason, for tables and for parsing names.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
        }
    };
}

reasons! {
    /// A field is missing, of the wrong type or out of range.
    InvalidArgument,
    /// No app has that name.
    AppNotFound,
    /// The app is disabled.
    AppDisabled,
    /// Another app has that name.
    AppExists,
    /// The call needs a token.
    TokenMissing,
    /// The token is malformed.
    TokenMalformed,
    /// The token has our format, but not our signature.
    TokenForged,
    /// The token has expired.
    TokenExpired,
    /// The token was revoked, or its user changed since.
    TokenRevoked,
    /// The token is another app's.
    TokenForeign,
    /// Over gRPC: the service key is missing or wrong.
    ServiceKeyWrong,
    /// The call needs an app token and got a user's.
    AppTokenRequired,
    /// The caller is not allowed to do this.
    NotPermitted,
    /// The client id is not the app's.
    ClientIdWrong,
    /// The client secret is not the app's.
    ClientSecretWrong,
    /// The password is wrong.
    PasswordWrong,
    /// Too many wrong guesses from this address for this user.
    TooManyGuesses,
    /// Too many registrations without a token from one address.
    TooManyRegistrations,
    /// No such user.
    UserNotFound,
    /// The name is taken.
    UserExists,
    /// The user is disabled.
    UserDisabled,
    /// The name breaks the rules.
    UsernameIllegal,
    /// Registration needs an app token.
    RegistrationClosed,
    /// No such message in the log, or recalled.
    MessageNotFound,
    /// No such group or room.
    GroupNotFound,
    /// The user is not in the group or room.
    NotGroupMember,
    /// Only an admin or the owner of the group may do this.
    GroupAdminRequired,
    /// Only the owner of the group may do this.
    GroupOwnerRequired,
    /// The owner of a group can neither leave nor be removed, muted or blocked.
    GroupOwnerBound,
    /// The user is already in the group.
    AlreadyGroupMember,
    /// The group is full.
    GroupFull,
    /// The user is on the block list of the group.
    OnGroupBlockList,
    /// No such request to join, or it was already decided.
    ApplicationGone,
    /// No such invitation, or it was already answered.
    InvitationGone,
    /// The group has no such announcement.
    AnnouncementNotFound,
    /// The group shares no such file.
    SharedFileNotFound,
    /// Only the user who shared the file, or an admin of the group, may do this.
    SharedFileNotOwn,
    /// A group can only be transferred to one of its members.
    NewOwnerNotMember,
    /// The message has a thread already.
    ThreadExists,
    /// The group is disabled.
    GroupDisabled,
    /// The user is muted in the group.
    Muted,
    /// Everybody is muted in the group, and the user is not on its allow list.
    GroupMuted,
    /// The app has muted the user in all conversations of that kind.
    UserMuted,
    /// The receiver has blocked the sender.
    BlockedByReceiver,
    /// The two users are contacts already.
    AlreadyContact,
    /// The two users are not contacts of each other.
    NotAContact,
    /// No such request to become a contact: it was decided, has expired, or was never made.
    ContactRequestGone,
    /// A user has as many contacts, or requests that wait for them, as the app allows. The subject is `Inviter` or
    /// `Invitee`.
    ContactsFull,
    /// The user's block list has as many users as the app allows.
    BlockListFull,
    /// The user has notification settings for as many conversations as there may be.
    NotificationSettingsFull,
    /// The message is too old to be recalled.
    RecallWindowOver,
    /// The message was not sent to the receiver that the call names.
    NotSentThere,
    /// The message has reached its limit of edits.
    EditsExhausted,
    /// The message has reached its limit of different reactions.
    ReactionsExhausted,
    /// More targets than the app allows.
    TooManyRecipients,
    /// Body and ext are larger than the app allows.
    MessageTooLarge,
    /// No such file.
    FileNotFound,
    /// The file has expired, or it was removed.
    FileExpired,
    /// A user's attributes take more bytes than they may; the subject is that limit.
    AttributesTooLarge,
    /// The attributes of all users of the app do; the subject is that limit.
    AppAttributesFull,
    /// As many users as may are subscribed to the user's presence.
    PresenceSubscribersExceeded,
    /// The file is larger than the app allows.
    FileTooLarge,
    /// More files or bytes in a day than the user or the app may upload.
    UploadQuotaReached,
    /// The file is restricted, and the secret is wrong.
    ShareSecretWrong,
    /// The hour's messages are no longer kept.
    ExportExpired,
    /// No message was sent in the hour.
    ExportEmpty,
    /// The link is not ours, or has expired.
    LinkWrong,
    /// Events after the cursor are no longer kept.
    EventsExpired,
    /// No such callback endpoint.
    EndpointNotFound,
    /// No such word list.
    WordListNotFound,
    /// No such hook.
    HookNotFound,
    /// The text contains a word of a list that refuses.
    TextBlocked,
    /// A hook of the app refused the message.
    RefusedByHook,
    /// The app's rate of calls is exceeded.
    RateReached,
    /// The app's rate of messages is exceeded.
    QuotaReached,
    /// The app's daily limit of broadcasts is exceeded.
    BroadcastsReached,
    /// The idempotency key was used for another request.
    KeyConflict,
    /// No call has that path.
    CallNotFound,
    /// The path has no such method.
    MethodNotAllowed,
    /// The body is compressed, which no call accepts.
    EncodingNotSupported,
    /// The file ends before the requested range.
    RangeNotSatisfiable,
    /// The queue is full; nothing was written.
    Overloaded,
    /// The disk is full; nothing was written.
    StorageFull,
    /// Another process of ours or the database does not respond.
    Unavailable,
    /// Stored data cannot be read: a database file is damaged.
    DataDamaged,
    /// An internal error.
    Internal,
}

/// The gRPC status codes in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grpc {
    /// 3
    InvalidArgument,
    /// 5
    NotFound,
    /// 6
    AlreadyExists,
    /// 7
    PermissionDenied,
    /// 8
    ResourceExhausted,
    /// 9
    FailedPrecondition,
    /// 13
    Internal,
    /// 14
    Unavailable,
    /// 15
    DataLoss,
    /// 16
    Unauthenticated,
}

/// The Agora dialect's error (agora.md 8). `{}` in the description is replaced by the error's subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgoraWords {
    /// HTTP status.
    pub status: u16,
    /// The key `error`.
    pub error: &'static str,
    /// The key `error_description`.
    pub description: &'static str,
}

/// What every protocol returns for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// The name in google.rpc.ErrorInfo.
    pub name: &'static str,
    /// The gRPC status code.
    pub grpc: Grpc,
    /// The Agora dialect.
    pub agora: AgoraWords,
    /// The Lanying dialect's `code` (lanying.md 9).
    pub lanying: i32,
}

const fn words(
    name: &'static str,
    grpc: Grpc,
    (status, error, description): (u16, &'static str, &'static str),
    lanying: i32,
) -> Words {
    Words { name, grpc, agora: AgoraWords { status, error, description }, lanying }
}

impl Reason {
    /// The table.
    #[rustfmt::skip]
    pub const fn words(self) -> Words {
        const EXPIRED: &str = "Unable to authenticate due to expired access token";
        const CORRUPT: &str = "Unable to authenticate due to corrupt access token";
        match self {
            Self::InvalidArgument => words("INVALID_ARGUMENT", Grpc::InvalidArgument, (400, "illegal_argument", "{}"), 10002),
            Self::AppNotFound => words("APP_NOT_FOUND", Grpc::NotFound, (404, "organization_application_not_found", "Could not find application for {} from URI: {}"), 40000),
            Self::AppDisabled => words("APP_DISABLED", Grpc::PermissionDenied, (403, "forbidden_service_operation", "Service operation not allowed"), 10010),
            Self::AppExists => words("APP_EXISTS", Grpc::AlreadyExists, (409, "concurrent_operation_error", "application {} exists already"), 10002),
            Self::TokenMissing => words("TOKEN_MISSING", Grpc::Unauthenticated, (401, "unauthorized", EXPIRED), 10003),
            Self::TokenMalformed => words("TOKEN_MALFORMED", Grpc::Unauthenticated, (401, "auth_bad_access_token", CORRUPT), 10008),
            Self::TokenForged => words("TOKEN_FORGED", Grpc::Unauthenticated, (401, "auth_bad_access_token", "Unable to authenticate"), 10008),
            Self::TokenExpired => words("TOKEN_EXPIRED", Grpc::Unauthenticated, (401, "unauthorized", EXPIRED), 402),
            Self::TokenRevoked => words("TOKEN_REVOKED", Grpc::Unauthenticated, (401, "auth_bad_access_token", "Unable to authenticate"), 10008),
            Self::TokenForeign => words("TOKEN_FOREIGN", Grpc::Unauthenticated, (401, "auth_bad_access_token", CORRUPT), 10008),
            Self::ServiceKeyWrong => words("SERVICE_KEY_WRONG", Grpc::Unauthenticated, (503, "service_unavailable", "the server is not ready, retry later"), 503),
            Self::AppTokenRequired => words("APP_TOKEN_REQUIRED", Grpc::PermissionDenied, (401, "auth_bad_access_token", "Unable to authenticate (OAuth)"), 10010),
            Self::NotPermitted => words("NOT_PERMITTED", Grpc::PermissionDenied, (403, "forbidden_op", "{}"), 10010),
            Self::ClientIdWrong => words("CLIENT_ID_WRONG", Grpc::Unauthenticated, (400, "invalid_grant", "client_id does not match"), 10010),
            Self::ClientSecretWrong => words("CLIENT_SECRET_WRONG", Grpc::Unauthenticated, (400, "invalid_grant", "client_secret does not match"), 10010),
            Self::PasswordWrong => words("PASSWORD_WRONG", Grpc::Unauthenticated, (400, "invalid_grant", "invalid password"), 10000),
            Self::TooManyGuesses => words("TOO_MANY_GUESSES", Grpc::ResourceExhausted, (429, "reach_limit", "This request has reached api limit"), 10010),
            Self::TooManyRegistrations => words("TOO_MANY_REGISTRATIONS", Grpc::ResourceExhausted, (429, "reach_limit", "This request has reached api limit"), 10429),
            Self::UserNotFound => words("USER_NOT_FOUND", Grpc::NotFound, (404, "service_resource_not_found", "Service resource not found"), 10000),
            Self::UserExists => words("USER_EXISTS", Grpc::AlreadyExists, (400, "duplicate_unique_property_exists", "Application null Entity user requires that property named username be unique, value of {} exists"), 10004),
            Self::UserDisabled => words("USER_DISABLED", Grpc::PermissionDenied, (400, "invalid_grant", "user not activated"), 10010),
            Self::UsernameIllegal => words("USERNAME_ILLEGAL", Grpc::InvalidArgument, (400, "illegal_argument", "username [{}] is not legal"), 10002),
            Self::RegistrationClosed => words("REGISTRATION_CLOSED", Grpc::PermissionDenied, (401, "unauthorized", "Open registration doesn't allow, so register user need token"), 10010),
            Self::MessageNotFound => words("MESSAGE_NOT_FOUND", Grpc::NotFound, (404, "service_resource_not_found", "Service resource not found"), 10002),
            Self::GroupNotFound => words("GROUP_NOT_FOUND", Grpc::NotFound, (404, "resource_not_found", "grpID {} does not exist!"), 20001),
            Self::NotGroupMember => words("NOT_GROUP_MEMBER", Grpc::PermissionDenied, (403, "forbidden_op", "users [{}] are not members of this group!"), 20002),
            Self::GroupAdminRequired => words("GROUP_ADMIN_REQUIRED", Grpc::PermissionDenied, (401, "auth_bad_access_token", "Unable to authenticate (OAuth)"), 20012),
            Self::GroupOwnerRequired => words("GROUP_OWNER_REQUIRED", Grpc::PermissionDenied, (401, "auth_bad_access_token", "Unable to authenticate (OAuth)"), 20013),
            Self::GroupOwnerBound => words("GROUP_OWNER_BOUND", Grpc::FailedPrecondition, (403, "forbidden_op", "forbidden operation on group owner!"), 20004),
            Self::AlreadyGroupMember => words("ALREADY_GROUP_MEMBER", Grpc::AlreadyExists, (403, "forbidden_op", "can not join this group, reason:user: {} already in group"), 20017),
            Self::GroupFull => words("GROUP_FULL", Grpc::ResourceExhausted, (403, "exceed_limit", "members size is greater than max user size !"), 20010),
            Self::OnGroupBlockList => words("ON_GROUP_BLOCK_LIST", Grpc::PermissionDenied, (403, "forbidden_op", "user {} is on the block list of this group"), 20018),
            Self::ApplicationGone => words("APPLICATION_GONE", Grpc::NotFound, (404, "resource_not_found", "application of {} does not exist!"), 20014),
            Self::InvitationGone => words("INVITATION_GONE", Grpc::NotFound, (404, "resource_not_found", "invitation of {} does not exist!"), 20015),
            Self::AnnouncementNotFound => words("ANNOUNCEMENT_NOT_FOUND", Grpc::NotFound, (404, "resource_not_found", "announcement {} does not exist!"), 20020),
            Self::SharedFileNotFound => words("SHARED_FILE_NOT_FOUND", Grpc::NotFound, (404, "resource_not_found", "share file {} does not exist!"), 20022),
            Self::SharedFileNotOwn => words("SHARED_FILE_NOT_OWN", Grpc::PermissionDenied, (403, "forbidden_op", "user {} did not share this file and is no admin of this group"), 20023),
            Self::NewOwnerNotMember => words("NEW_OWNER_NOT_MEMBER", Grpc::FailedPrecondition, (403, "forbidden_op", "user: {} doesn't exist in group"), 20005),
            Self::ThreadExists => words("THREAD_EXISTS", Grpc::AlreadyExists, (403, "group_error", "msg already create thread.not allow to create."), 20017),
            Self::GroupDisabled => words("GROUP_DISABLED", Grpc::FailedPrecondition, (403, "forbidden_op", "can not operate this group, reason: group is disabled"), 20006),
            Self::Muted => words("MUTED", Grpc::PermissionDenied, (403, "forbidden_op", "user {} is muted"), 10010),
            Self::GroupMuted => words("GROUP_MUTED", Grpc::PermissionDenied, (403, "forbidden_op", "user {} is muted"), 10010),
            Self::UserMuted => words("USER_MUTED", Grpc::PermissionDenied, (403, "forbidden_op", "user {} is muted"), 10010),
            Self::BlockedByReceiver => words("BLOCKED_BY_RECEIVER", Grpc::PermissionDenied, (403, "forbidden_op", "{} has blocked the sender"), 10006),
            Self::AlreadyContact => words("ALREADY_CONTACT", Grpc::AlreadyExists, (403, "forbidden_op", "user {} is a contact already"), 10005),
            Self::NotAContact => words("NOT_A_CONTACT", Grpc::PermissionDenied, (403, "forbidden_op", "nonroster: user {} is not a contact"), 10010),
            Self::ContactRequestGone => words("CONTACT_REQUEST_GONE", Grpc::NotFound, (404, "resource_not_found", "contact request of {} does not exist!"), 10007),
            Self::ContactsFull => words("CONTACTS_FULL", Grpc::ResourceExhausted, (403, "exceed_limit", "{}'s contact max count"), 10429),
            Self::BlockListFull => words("BLOCK_LIST_FULL", Grpc::ResourceExhausted, (403, "exceed_limit", "block list max count"), 10429),
            Self::NotificationSettingsFull => words("NOTIFICATION_SETTINGS_FULL", Grpc::ResourceExhausted, (403, "exceed_limit", "notification settings max count {}"), 10429),
            Self::RecallWindowOver => words("RECALL_WINDOW_OVER", Grpc::FailedPrecondition, (403, "message_recall_error", "exceed call time limit"), 10013),
            Self::NotSentThere => words("NOT_SENT_THERE", Grpc::FailedPrecondition, (400, "message_recall_error", "can't find msg to"), 10002),
            Self::EditsExhausted => words("EDITS_EXHAUSTED", Grpc::FailedPrecondition, (403, "message_rewrite_error", "The message has reached its edit limit and cannot be modified further."), 10014),
            Self::ReactionsExhausted => words("REACTIONS_EXHAUSTED", Grpc::FailedPrecondition, (400, "Bad Request", "The quantity has exceeded the limit!"), 10002),
            Self::TooManyRecipients => words("TOO_MANY_RECIPIENTS", Grpc::InvalidArgument, (400, "message_send_error", "params to's size can't exceed limit {}"), 10002),
            Self::MessageTooLarge => words("MESSAGE_TOO_LARGE", Grpc::InvalidArgument, (413, "Request Entity Too Large", "Request Entity Too Large."), 10002),
            Self::FileNotFound => words("FILE_NOT_FOUND", Grpc::NotFound, (404, "entity_not_found", "file may not exists"), 10002),
            Self::FileExpired => words("FILE_EXPIRED", Grpc::NotFound, (404, "file_expired", "file {} is expired"), 10002),
            Self::AttributesTooLarge => words("ATTRIBUTES_TOO_LARGE", Grpc::InvalidArgument, (403, "FORBIDDEN", "size of metadata for this single user exceeds the user defined limit, {}Bytes"), 10002),
            Self::AppAttributesFull => words("APP_ATTRIBUTES_FULL", Grpc::ResourceExhausted, (403, "FORBIDDEN", "total size of user metadata for this app exceeds the user defined limit, {}Bytes"), 10429),
            Self::PresenceSubscribersExceeded => words("PRESENCE_SUBSCRIBERS_EXCEEDED", Grpc::ResourceExhausted, (400, "illegal_argument", "too many sub presence"), 10429),
            Self::FileTooLarge => words("FILE_TOO_LARGE", Grpc::ResourceExhausted, (413, "file exceeding maximum limit", "the file size exceeds the maximum limit."), 10002),
            Self::UploadQuotaReached => words("UPLOAD_QUOTA_REACHED", Grpc::ResourceExhausted, (403, "exceed_limit", "{} limit exceeded"), 10429),
            Self::ShareSecretWrong => words("SHARE_SECRET_WRONG", Grpc::Unauthenticated, (401, "unauthorized", "Unable to authenticate due to {} share-secret"), 10010),
            Self::ExportExpired => words("EXPORT_EXPIRED", Grpc::FailedPrecondition, (400, "illegal_argument", "maybe chat message history is expired or unstored"), 10002),
            Self::ExportEmpty => words("EXPORT_EMPTY", Grpc::NotFound, (404, "storage_object_not_found", "Failed to find chat message history download url"), 10002),
            Self::LinkWrong => words("LINK_WRONG", Grpc::PermissionDenied, (403, "forbidden_op", "the link is invalid or has expired"), 10010),
            Self::EventsExpired => words("EVENTS_EXPIRED", Grpc::FailedPrecondition, (410, "events_expired", "events after this cursor are no longer kept; continue at: {}"), 10002),
            Self::EndpointNotFound => words("ENDPOINT_NOT_FOUND", Grpc::NotFound, (404, "resource_not_found", "endpoint {} does not exist"), 10002),
            Self::WordListNotFound => words("WORD_LIST_NOT_FOUND", Grpc::NotFound, (404, "resource_not_found", "word list {} does not exist"), 10002),
            Self::HookNotFound => words("HOOK_NOT_FOUND", Grpc::NotFound, (404, "resource_not_found", "hook {} does not exist"), 10002),
            Self::TextBlocked => words("TEXT_BLOCKED", Grpc::PermissionDenied, (403, "forbidden_op", "the message contains a word that is not allowed"), 10015),
            Self::RefusedByHook => words("REFUSED_BY_HOOK", Grpc::PermissionDenied, (403, "forbidden_op", "{}"), 10010),
            Self::RateReached => words("RATE_REACHED", Grpc::ResourceExhausted, (429, "reach_limit", "This request has reached api limit"), 10429),
            Self::QuotaReached => words("QUOTA_REACHED", Grpc::ResourceExhausted, (403, "message_send_error", "message send reach limit"), 10429),
            Self::BroadcastsReached => words("BROADCASTS_REACHED", Grpc::ResourceExhausted, (403, "exceed_limit", "{} limit exceeded"), 10429),
            Self::KeyConflict => words("KEY_CONFLICT", Grpc::AlreadyExists, (409, "idempotency_key_conflict", "Idempotency-Key was used for another request"), 10409),
            Self::CallNotFound => words("CALL_NOT_FOUND", Grpc::NotFound, (404, "service_resource_not_found", "Service resource not found"), 404),
            Self::MethodNotAllowed => words("METHOD_NOT_ALLOWED", Grpc::FailedPrecondition, (405, "unsupported_service_operation", "Service operation not supported."), 405),
            Self::EncodingNotSupported => words("ENCODING_NOT_SUPPORTED", Grpc::InvalidArgument, (415, "unsupported_media_type", "Content-Encoding {} is not supported, send the body as it is"), 415),
            Self::RangeNotSatisfiable => words("RANGE_NOT_SATISFIABLE", Grpc::InvalidArgument, (416, "range_not_satisfiable", "the file ends before the range"), 416),
            Self::Overloaded => words("OVERLOADED", Grpc::Unavailable, (503, "service_unavailable", "the server is busy, nothing was done, retry later"), 503),
            Self::StorageFull => words("STORAGE_FULL", Grpc::Unavailable, (503, "service_unavailable", "the server's storage is full, nothing was done, retry later"), 503),
            Self::Unavailable => words("UNAVAILABLE", Grpc::Unavailable, (503, "service_unavailable", "the server is not ready, retry later"), 503),
            Self::DataDamaged => words("DATA_DAMAGED", Grpc::DataLoss, (500, "internal_error", "the server's stored data is damaged, its log names the file or the message"), 20000),
            Self::Internal => words("INTERNAL", Grpc::Internal, (500, "internal_error", "internal error"), 20000),
        }
    }

    /// The reason with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.words().name == name)
    }

    /// Whether the fault is the server's own, whatever status the dialect of a call has for it.
    pub const fn is_server_fault(self) -> bool {
        self.words().agora.status >= 500
    }

    /// Whether the same call may succeed later unchanged.
    pub const fn is_transient(self) -> bool {
        matches!(self.words().grpc, Grpc::Unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_name_of_its_own_that_leads_back() {
        for &reason in Reason::ALL {
            assert_eq!(Reason::from_name(reason.words().name), Some(reason));
        }
    }

    #[test]
    fn the_table_in_docs_says_the_same() {
        let page = include_str!("../../../docs/errors.md");
        for &reason in Reason::ALL {
            let Words { name, grpc, agora, lanying } = reason.words();
            let row = format!("| `{name}` | {grpc:?} | {} `{}` | {lanying} |", agora.status, agora.error);
            assert!(page.contains(&row), "docs/errors.md lacks this row:\n{row}");
        }
    }
}
