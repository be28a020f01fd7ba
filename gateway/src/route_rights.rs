//! Who may call which route, on whose behalf: the table of routes, for docs and for tests.
//!
//! Handlers check their row first: Agora's with `RequestContext::app_caller` or `identity`, Lanying's with `admin`, `user` or
//! `caller`. Tests call every route with every kind of token and compare, and check the table against the
//! router: a route without a row fails them.

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteAccess {
    /// Everybody who knows the app's name: tokens are issued here.
    Open,
    /// The same if the app's policy allows open registration, otherwise an app or admin token.
    OpenByPolicy,
    /// Everybody who has the URL: it is signed, or names a file by an id that cannot be guessed. The policy may require
    /// a token as well.
    Address,
    /// An app or admin token, for any user; or a user token, for its own user's data.
    User,
    /// An app or admin token; or a user token, as its own user, if the policy value `user_tokens_may_send` allows it.
    AppOrUserByPolicy,
    /// Only an app or admin token.
    App,
}

/// One line of the table.
#[derive(Debug)]
pub struct RouteRight {
    /// The methods that the route takes.
    pub methods: &'static [&'static str],
    /// The path as in the router.
    pub path: &'static str,
    /// Who may call.
    pub access: RouteAccess,
}

const fn row(methods: &'static [&'static str], path: &'static str, access: RouteAccess) -> RouteRight {
    RouteRight { methods, path, access }
}

use RouteAccess::{Address, App, AppOrUserByPolicy, Open, OpenByPolicy, User};

/// The table. Listed in docs/rights.md.
#[rustfmt::skip]
pub const ROUTE_RIGHTS: &[RouteRight] = &[
    row(&["GET"], "/livez", Open),
    row(&["GET"], "/readyz", Open),
    row(&["POST"], "/{org}/{app}/token", Open),
    row(&["POST"], "/{org}/{app}/users", OpenByPolicy),
    row(&["GET", "DELETE"], "/{org}/{app}/users", App),
    row(&["GET", "PUT"], "/{org}/{app}/users/{username}", User),
    row(&["DELETE"], "/{org}/{app}/users/{username}", App),
    row(&["PUT"], "/{org}/{app}/users/{username}/password", User),
    row(&["POST"], "/{org}/{app}/users/{username}/deactivate", App),
    row(&["POST"], "/{org}/{app}/users/{username}/activate", App),
    row(&["GET", "POST", "DELETE"], "/{org}/{app}/users/{username}/disconnect", User),
    row(&["GET", "POST", "DELETE"], "/{org}/{app}/users/{username}/disconnect/{resource}", User),
    row(&["GET"], "/{org}/{app}/users/{username}/resources", User),
    row(&["GET"], "/{org}/{app}/users/{username}/status", User),
    row(&["POST"], "/{org}/{app}/users/batch/status", App),
    row(&["GET"], "/{org}/{app}/users/batch/status", User),
    row(&["GET"], "/{org}/{app}/users/{username}/offline_msg_count", User),
    row(&["GET"], "/{org}/{app}/users/{username}/offline_msg_status/{msg_id}", User),
    row(&["GET"], "/{org}/{app}/sdk/users/{username}/token/expires", User),
    row(&["POST", "GET"], "/{org}/{app}/mutes", App),
    row(&["GET"], "/{org}/{app}/mutes/{username}", User),
    row(&["PUT", "GET", "DELETE"], "/{org}/{app}/metadata/user/{username}", User),
    row(&["POST"], "/{org}/{app}/metadata/user/get", User),
    row(&["GET"], "/{org}/{app}/metadata/user/capacity", App),
    row(&["POST", "DELETE"], "/{org}/{app}/users/{username}/presence", User),
    row(&["POST"], "/{org}/{app}/users/{username}/presence/{expiry}", User),
    row(&["GET"], "/{org}/{app}/users/{username}/presence/sublist", User),
    row(&["POST"], "/{org}/{app}/users/{username}/presence/{resource}/{status}", User),
    row(&["DELETE"], "/{org}/{app}/users/{username}/user_channel", User),
    row(&["POST"], "/{org}/{app}/chatfiles", User),
    row(&["GET"], "/{org}/{app}/chatfiles/{uuid}", Address),
    row(&["PUT", "POST"], "/{org}/{app}/users/{username}/chatfiles/lifetime", User),
    row(&["GET"], "/{org}/{app}/chatmessages/{time}", App),
    row(&["POST"], "/{org}/{app}/messages", AppOrUserByPolicy),
    row(&["POST"], "/{org}/{app}/messages/users", AppOrUserByPolicy),
    row(&["POST"], "/{org}/{app}/messages/chatgroups", AppOrUserByPolicy),
    row(&["POST"], "/{org}/{app}/messages/chatgroups/users", AppOrUserByPolicy),
    row(&["POST"], "/{org}/{app}/messages/chatrooms", AppOrUserByPolicy),
    row(&["POST"], "/{org}/{app}/messages/chatrooms/users", AppOrUserByPolicy),
    row(&["POST"], "/{org}/{app}/messages/broadcast", App),
    row(&["POST"], "/{org}/{app}/messages/users/broadcast", App),
    row(&["POST"], "/{org}/{app}/messages/chatrooms/broadcast", App),
    row(&["POST"], "/{org}/{app}/messages/users/import", App),
    row(&["POST"], "/{org}/{app}/messages/chatgroups/import", App),
    row(&["POST"], "/{org}/{app}/messages/msg_recall", App),
    row(&["POST"], "/{org}/{app}/messages/recall", App),
    row(&["POST"], "/{org}/{app}/messages/batch_recall", App),
    row(&["PUT"], "/{org}/{app}/messages/rewrite/{msg_id}", App),
    row(&["DELETE"], "/{org}/{app}/rest/message/roaming/chat/user/{username}", User),
    row(&["DELETE", "POST"], "/{org}/{app}/rest/message/roaming/chat/user/{username}/time", User),
    row(&["DELETE"], "/{org}/{app}/rest/message/roaming/group/user/{username}", User),
    row(&["DELETE", "POST"], "/{org}/{app}/rest/message/roaming/group/user/{username}/time", User),
    row(&["POST"], "/{org}/{app}/rest/message/roaming/user/{username}/delete/all", User),
    row(&["GET"], "/{org}/{app}/tidings/events", App),
    row(&["GET"], "/{org}/{app}/tidings/exports/{time}/manifest", App),
    row(&["GET"], "/{org}/{app}/tidings/users/{username}/export", App),
    row(&["GET"], "/{org}/{app}/tidings/chatgroups/{id}/export", App),
    row(&["GET"], "/{org}/{app}/tidings/chatrooms/{id}/export", App),
    row(&["GET"], "/{org}/{app}/tidings/users/{username}/conversations", User),
    row(&["GET"], "/{org}/{app}/tidings/users/{username}/messages", User),
    row(&["POST"], "/{org}/{app}/tidings/users/{username}/read_ack", User),
    row(&["GET"], "/{org}/{app}/tidings/chatgroups/{id}/messages", User),
    row(&["GET"], "/{org}/{app}/tidings/chatrooms/{id}/messages", User),

    row(&["POST"], "/{org}/{app}/users/{username}/messageroaming", User),
    row(&["GET"], "/{org}/{app}/users/{username}/user_channels", User),
    row(&["GET"], "/{org}/{app}/users/{username}/user_channels/page", User),
    row(&["DELETE"], "/{org}/{app}/user/{username}/user_channel", User),
    row(&["GET"], "/{org}/{app}/sdk/user/{username}/user_channels/list", User),
    row(&["POST", "DELETE"], "/{org}/{app}/sdk/user/{username}/user_channels/mark", User),
    row(&["GET"], "/{org}/{app}/sdk/user/{username}/user_channels/mark/search", User),
    row(&["POST", "DELETE"], "/{org}/{app}/sdk/user/{username}/user_channel/top", User),
    row(&["POST", "DELETE", "GET"], "/{org}/{app}/sdk/user/{username}/user_channel/pin", User),
    row(&["GET"], "/{org}/{app}/chatgroups/{id}/acks/{msg_id}", User),
    row(&["DELETE"], "/{org}/{app}/sdk/message/roaming/chat/user/{username}", User),
    row(&["DELETE", "POST"], "/{org}/{app}/sdk/message/roaming/chat/user/{username}/time", User),
    row(&["DELETE"], "/{org}/{app}/sdk/message/roaming/group/user/{username}", User),
    row(&["DELETE", "POST"], "/{org}/{app}/sdk/message/roaming/group/user/{username}/time", User),
    row(&["POST"], "/{org}/{app}/sdk/message/roaming/user/{username}/delete/all", User),

    row(&["GET"], "/{org}/{app}/publicchatgroups", User),
    row(&["GET"], "/{org}/{app}/chatgroups/user/{username}", User),
    row(&["GET"], "/{org}/{app}/chatgroups/user/{username}/joined_count", User),
    row(&["GET"], "/{org}/{app}/users/{username}/joined_chatgroups", User),
    row(&["GET"], "/{org}/{app}/users/{username}/joined_chatrooms", User),
    row(&["POST", "GET"], "/{org}/{app}/chatgroups", User),
    row(&["GET", "PUT", "DELETE"], "/{org}/{app}/chatgroups/{id}", User),
    row(&["POST"], "/{org}/{app}/chatgroups/{id}/disable", App),
    row(&["POST"], "/{org}/{app}/chatgroups/{id}/enable", App),
    row(&["GET", "POST"], "/{org}/{app}/chatgroups/{id}/users", User),
    row(&["POST", "DELETE"], "/{org}/{app}/chatgroups/{id}/users/{username}", User),
    row(&["DELETE"], "/{org}/{app}/chatgroups/{id}/quit", User),
    row(&["POST"], "/{org}/{app}/chatgroups/{id}/apply", User),
    row(&["GET"], "/{org}/{app}/chatgroups/{id}/user/{username}/is_joined", User),
    row(&["GET", "POST"], "/{org}/{app}/chatgroups/{id}/admin", User),
    row(&["DELETE"], "/{org}/{app}/chatgroups/{id}/admin/{username}", User),
    row(&["GET", "POST"], "/{org}/{app}/chatgroups/{id}/mute", User),
    row(&["DELETE"], "/{org}/{app}/chatgroups/{id}/mute/{username}", User),
    row(&["GET"], "/{org}/{app}/sdk/chatgroups/{id}/mute/{username}", User),
    row(&["POST", "DELETE"], "/{org}/{app}/chatgroups/{id}/ban", User),
    row(&["GET", "POST"], "/{org}/{app}/chatgroups/{id}/blocks/users", User),
    row(&["POST", "DELETE"], "/{org}/{app}/chatgroups/{id}/blocks/users/{username}", User),
    row(&["GET", "POST"], "/{org}/{app}/chatgroups/{id}/white/users", User),
    row(&["GET", "POST", "DELETE"], "/{org}/{app}/chatgroups/{id}/white/users/{username}", User),
    row(&["GET", "POST"], "/{org}/{app}/chatgroups/{id}/announcement", User),
    row(&["POST", "GET"], "/{org}/{app}/chatrooms", User),
    row(&["GET", "PUT", "DELETE"], "/{org}/{app}/chatrooms/{id}", User),
    row(&["POST"], "/{org}/{app}/chatrooms/{id}/disable", App),
    row(&["POST"], "/{org}/{app}/chatrooms/{id}/enable", App),
    row(&["GET", "POST"], "/{org}/{app}/chatrooms/{id}/users", User),
    row(&["POST", "DELETE"], "/{org}/{app}/chatrooms/{id}/users/{username}", User),
    row(&["DELETE"], "/{org}/{app}/chatrooms/{id}/quit", User),
    row(&["GET"], "/{org}/{app}/chatrooms/{id}/user/{username}/is_joined", User),
    row(&["GET", "POST"], "/{org}/{app}/chatrooms/{id}/admin", User),
    row(&["DELETE"], "/{org}/{app}/chatrooms/{id}/admin/{username}", User),
    row(&["GET", "POST"], "/{org}/{app}/chatrooms/{id}/mute", User),
    row(&["DELETE"], "/{org}/{app}/chatrooms/{id}/mute/{username}", User),
    row(&["GET"], "/{org}/{app}/sdk/chatrooms/{id}/mute/{username}", User),
    row(&["POST", "DELETE"], "/{org}/{app}/chatrooms/{id}/ban", User),
    row(&["GET", "POST"], "/{org}/{app}/chatrooms/{id}/blocks/users", User),
    row(&["POST", "DELETE"], "/{org}/{app}/chatrooms/{id}/blocks/users/{username}", User),
    row(&["GET", "POST"], "/{org}/{app}/chatrooms/{id}/white/users", User),
    row(&["GET", "POST", "DELETE"], "/{org}/{app}/chatrooms/{id}/white/users/{username}", User),
    row(&["GET", "POST"], "/{org}/{app}/chatrooms/{id}/announcement", User),
    row(&["GET"], "/{org}/{app}/users/{username}/contacts", User),
    row(&["GET"], "/{org}/{app}/users/{username}/contacts/users", User),
    row(&["POST", "DELETE", "PUT"], "/{org}/{app}/users/{username}/contacts/users/{contact}", User),
    row(&["POST"], "/{org}/{app}/users/{username}/contacts/import", App),
    row(&["POST"], "/{org}/{app}/users/{username}/contacts/apply", User),
    row(&["POST"], "/{org}/{app}/users/{username}/contacts/accept/users/{contact}", User),
    row(&["POST"], "/{org}/{app}/users/{username}/contacts/decline/users/{contact}", User),
    row(&["GET"], "/{org}/{app}/user/{username}/contacts", User),
    row(&["PUT"], "/{org}/{app}/user/{username}/contacts/users/{contact}", User),
    row(&["GET", "POST", "DELETE"], "/{org}/{app}/users/{username}/blocks/users", User),
    row(&["DELETE"], "/{org}/{app}/users/{username}/blocks/users/{blocked}", User),
    row(&["POST", "DELETE"], "/{org}/{app}/sdk/user/{username}/blocks", User),
    row(&["DELETE"], "/{org}/{app}/sdk/user/{username}/blocks/{blocked}", User),
    row(&["GET"], "/message/ack", User),
    row(&["GET", "DELETE"], "/message/conversation", User),
    row(&["POST", "PUT"], "/message/notify", App),
    row(&["POST", "PUT"], "/message/recall", User),
    row(&["POST", "PUT"], "/message/send", User),
    row(&["GET"], "/message/unread", User),
    row(&["POST"], "/message/broadcast", App),
    row(&["POST", "PUT"], "/user/conversation/pin", User),
    row(&["POST", "PUT"], "/user/conversation/unpin", User),
    row(&["GET"], "/user/conversation/pin_list", User),
    row(&["POST"], "/token/id", Open),
    row(&["POST"], "/token/user", Open),
    row(&["POST"], "/token/login", Open),
    row(&["POST"], "/user/register/v2", OpenByPolicy),
    row(&["POST"], "/user/register/batch", OpenByPolicy),
    row(&["GET", "POST", "PUT"], "/user/profile", User),
    row(&["POST", "PUT"], "/user/nickname", User),
    row(&["POST", "PUT"], "/user/avatar", User),
    row(&["GET"], "/user/list", App),
    row(&["GET"], "/user/online_status", User),
    row(&["GET"], "/user/device/list", User),
    row(&["POST", "PUT"], "/user/kick", User),
    row(&["POST", "PUT"], "/user/disable", App),
    row(&["POST", "PUT"], "/user/enable", App),
    row(&["POST", "DELETE"], "/user/delete", User),
    row(&["POST", "PUT"], "/user/change_password", User),
    row(&["POST", "PUT"], "/roster/block", User),
    row(&["POST", "DELETE"], "/roster/unblock", User),
    row(&["GET"], "/roster/blocked_list", User),
    row(&["GET"], "/roster/may_message", User),
    row(&["POST"], "/roster/apply", User),
    row(&["POST"], "/roster/apply/batch", User),
    row(&["GET"], "/roster/apply/list", User),
    row(&["POST", "PUT"], "/roster/accept", User),
    row(&["POST", "PUT"], "/roster/decline", User),
    row(&["GET", "POST"], "/roster/list", User),
    row(&["GET"], "/roster/id", User),
    row(&["GET"], "/roster/name", User),
    row(&["POST", "DELETE"], "/roster/delete", User),
    row(&["POST", "PUT"], "/roster/ext", User),
    row(&["GET"], "/file/upload/chat", User),
    row(&["GET"], "/file/upload/forward", User),
    row(&["POST", "PUT"], "/file/upload/object", Address),
    row(&["GET"], "/file/download/{uuid}", Address),
    row(&["GET"], "/file/object/{uuid}", Address),
    row(&["POST"], "/group/create", User),
    row(&["GET"], "/group/info", User),
    row(&["POST"], "/group/info/batch", User),
    row(&["POST", "PUT"], "/group/info/name", User),
    row(&["POST", "PUT"], "/group/info/description", User),
    row(&["POST", "PUT"], "/group/info/avatar", User),
    row(&["POST", "PUT"], "/group/info/ext", User),
    row(&["POST", "DELETE"], "/group/destroy", User),
    row(&["POST", "PUT"], "/group/transfer", User),
    row(&["POST", "PUT"], "/group/settings/allow_member_invitation", User),
    row(&["POST", "PUT"], "/group/settings/allow_member_modify", User),
    row(&["POST", "PUT"], "/group/settings/enable_read_ack", User),
    row(&["POST", "PUT"], "/group/settings/history_visible", User),
    row(&["POST", "PUT"], "/group/settings/require_admin_approval", User),
    row(&["POST", "PUT"], "/group/settings/ban_all", User),
    row(&["POST", "PUT"], "/group/settings/unban_all", User),
    row(&["POST"], "/group/invite", User),
    row(&["POST", "DELETE"], "/group/kick", User),
    row(&["POST"], "/group/apply", User),
    row(&["POST", "PUT"], "/group/apply/handle", User),
    row(&["POST"], "/group/application_list", User),
    row(&["POST", "DELETE"], "/group/leave", User),
    row(&["GET"], "/group/user_joined", User),
    row(&["GET"], "/group/member_list", User),
    row(&["POST"], "/group/admin/add", User),
    row(&["POST", "DELETE"], "/group/admin/remove", User),
    row(&["GET"], "/group/admin_list", User),
    row(&["POST"], "/group/ban", User),
    row(&["POST"], "/group/unban", User),
    row(&["GET"], "/group/banned_list", User),
    row(&["POST"], "/group/block", User),
    row(&["POST", "DELETE"], "/group/unblock", User),
    row(&["GET"], "/group/blocked_list", User),
];

impl RouteAccess {
    /// The text in docs/rights.md.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Open => "no token required",
            Self::OpenByPolicy => "app, or everybody by policy",
            Self::Address => "anyone with the URL",
            Self::User => "app, or a user for what is their own",
            Self::AppOrUserByPolicy => "app, or a user by policy",
            Self::App => "app",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_in_docs_says_the_same() {
        let page = include_str!("../../docs/rights.md");
        for right in ROUTE_RIGHTS {
            let row = format!("| `{}` | `{}` | {} |", right.methods.join(" "), right.path, right.access.words());
            assert!(page.contains(&row), "docs/rights.md lacks this row:\n{row}");
        }
    }
}
