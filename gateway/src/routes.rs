//! The routing table.

use axum::{
    Router,
    extract::{Request, State},
    middleware,
    response::Response,
    routing::{MethodRouter, delete, get, post, put},
};
use tidings_domain::{Error, Reason};

use crate::{
    Gateway, agora, health, lanying, layers,
    paths::{fault, unknown},
    realtime,
};

/// All routes, with their layers. Every path may end with a slash.
pub fn router(gateway: Gateway) -> Router {
    let routes = [("/livez", get(health::livez)), ("/readyz", get(health::readyz))];
    routes
        .into_iter()
        .chain(realtime::routes())
        .chain(agora_routes())
        .chain(agora_group_routes())
        .chain(agora_user_routes())
        .chain(agora_contact_routes())
        .chain(agora_reaction_routes())
        .chain(agora_thread_routes())
        .chain(agora_sharing_routes())
        .chain(agora_reading_routes())
        .chain(lanying_routes())
        .fold(Router::new(), with_route)
        .fallback(no_such_url)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(gateway.clone(), layers::surround))
        .with_state(gateway)
}

fn agora_routes() -> Vec<(&'static str, MethodRouter<Gateway>)> {
    use agora::{
        broadcast, channel, export, feed, file, history, import, lifetime, recall, rewrite, send, token, user_update,
        users,
    };
    use tidings_dialects::agora::{Addressing, Everybody, Peer};
    use tidings_domain::ConversationKind::{Direct, Group};
    vec![
        ("/{org}/{app}/token", post(token::token)),
        ("/{org}/{app}/users", post(users::register).get(users::list).delete(users::delete_page)),
        ("/{org}/{app}/users/{username}", get(users::get).put(user_update::update).delete(users::delete)),
        ("/{org}/{app}/users/{username}/user_channel", delete(channel::delete)),
        ("/{org}/{app}/chatfiles", post(file::upload)),
        ("/{org}/{app}/chatfiles/{uuid}", get(file::download)),
        ("/{org}/{app}/users/{username}/chatfiles/lifetime", put(lifetime::set).post(lifetime::set)),
        ("/{org}/{app}/chatmessages/{time}", get(export::export)),
        ("/{org}/{app}/messages", post(send::legacy)),
        ("/{org}/{app}/messages/users", send::to(Addressing::Users)),
        ("/{org}/{app}/messages/chatgroups", send::to(Addressing::Groups)),
        ("/{org}/{app}/messages/chatgroups/users", send::to(Addressing::GroupMembers)),
        ("/{org}/{app}/messages/chatrooms", send::to(Addressing::Rooms)),
        ("/{org}/{app}/messages/chatrooms/users", send::to(Addressing::RoomMembers)),
        ("/{org}/{app}/messages/broadcast", broadcast::to(Everybody::Users)),
        ("/{org}/{app}/messages/users/broadcast", broadcast::to(Everybody::Online)),
        ("/{org}/{app}/messages/chatrooms/broadcast", broadcast::to(Everybody::Rooms)),
        ("/{org}/{app}/messages/users/import", import::to(Addressing::Users)),
        ("/{org}/{app}/messages/chatgroups/import", import::to(Addressing::Groups)),
        ("/{org}/{app}/messages/msg_recall", post(recall::recall)),
        ("/{org}/{app}/messages/recall", post(recall::several)),
        ("/{org}/{app}/messages/batch_recall", post(recall::batch)),
        ("/{org}/{app}/messages/rewrite/{msg_id}", put(rewrite::rewrite)),
        ("/{org}/{app}/rest/message/roaming/chat/user/{username}", channel::roaming(Direct, false)),
        ("/{org}/{app}/rest/message/roaming/chat/user/{username}/time", channel::roaming(Direct, true)),
        ("/{org}/{app}/rest/message/roaming/group/user/{username}", channel::roaming(Group, false)),
        ("/{org}/{app}/rest/message/roaming/group/user/{username}/time", channel::roaming(Group, true)),
        ("/{org}/{app}/rest/message/roaming/user/{username}/delete/all", post(channel::delete_all)),
        ("/{org}/{app}/tidings/events", get(feed::events)),
        ("/{org}/{app}/tidings/exports/{time}/manifest", get(export::manifest)),
        ("/{org}/{app}/tidings/users/{username}/export", get(export::of_user)),
        ("/{org}/{app}/tidings/chatgroups/{id}/export", export::of_group(Peer::Group)),
        ("/{org}/{app}/tidings/chatrooms/{id}/export", export::of_group(Peer::Room)),
        ("/{org}/{app}/tidings/users/{username}/conversations", get(history::conversations)),
        ("/{org}/{app}/tidings/users/{username}/messages", get(history::of_user)),
        ("/{org}/{app}/tidings/users/{username}/read_ack", post(history::read_ack)),
        ("/{org}/{app}/tidings/chatgroups/{id}/messages", history::of_group(Peer::Group)),
        ("/{org}/{app}/tidings/chatrooms/{id}/messages", history::of_group(Peer::Room)),
    ]
}

fn agora_group_routes() -> Vec<(&'static str, MethodRouter<Gateway>)> {
    use agora::{announcement, group, group_list, group_role, member, user_list};
    use tidings_domain::GroupKind::{Group, Room};
    vec![
        ("/{org}/{app}/publicchatgroups", get(group_list::public)),
        ("/{org}/{app}/chatgroups/user/{username}", group_list::joined_entities(Group)),
        ("/{org}/{app}/chatgroups/user/{username}/joined_count", group_list::joined_count(Group)),
        ("/{org}/{app}/users/{username}/joined_chatgroups", group_list::joined(Group)),
        ("/{org}/{app}/users/{username}/joined_chatrooms", group_list::joined(Room)),
        ("/{org}/{app}/chatgroups", group_list::all(Group)),
        ("/{org}/{app}/chatgroups/{id}", group::one(Group)),
        ("/{org}/{app}/chatgroups/{id}/disable", group::disable(Group)),
        ("/{org}/{app}/chatgroups/{id}/enable", group::enable(Group)),
        ("/{org}/{app}/chatgroups/{id}/users", member::all(Group)),
        ("/{org}/{app}/chatgroups/{id}/users/{username}", member::one(Group)),
        ("/{org}/{app}/chatgroups/{id}/quit", member::quit(Group)),
        ("/{org}/{app}/chatgroups/{id}/apply", member::apply(Group)),
        ("/{org}/{app}/chatgroups/{id}/user/{username}/is_joined", member::joined(Group)),
        ("/{org}/{app}/chatgroups/{id}/admin", group_role::admins(Group)),
        ("/{org}/{app}/chatgroups/{id}/admin/{username}", group_role::admin(Group)),
        ("/{org}/{app}/chatgroups/{id}/mute", group_role::mutes(Group)),
        ("/{org}/{app}/chatgroups/{id}/mute/{username}", group_role::unmute(Group)),
        ("/{org}/{app}/sdk/chatgroups/{id}/mute/{username}", group_role::is_muted(Group)),
        ("/{org}/{app}/sdk/group/{id}/mute/{username}", group_role::is_muted(Group)),
        ("/{org}/{app}/chatgroups/{id}/ban", group_role::ban(Group)),
        ("/{org}/{app}/chatgroups/{id}/blocks/users", user_list::blocks(Group)),
        ("/{org}/{app}/chatgroups/{id}/blocks/users/{username}", user_list::blocked(Group)),
        ("/{org}/{app}/chatgroups/{id}/white/users", user_list::white(Group)),
        ("/{org}/{app}/chatgroups/{id}/white/users/{username}", user_list::allowed(Group)),
        ("/{org}/{app}/chatgroups/{id}/announcement", announcement::announcement(Group)),
        ("/{org}/{app}/chatrooms", group_list::all(Room)),
        ("/{org}/{app}/chatrooms/{id}", group::one(Room)),
        ("/{org}/{app}/chatrooms/{id}/disable", group::disable(Room)),
        ("/{org}/{app}/chatrooms/{id}/enable", group::enable(Room)),
        ("/{org}/{app}/chatrooms/{id}/users", member::all(Room)),
        ("/{org}/{app}/chatrooms/{id}/users/{username}", member::one(Room)),
        ("/{org}/{app}/chatrooms/{id}/quit", member::quit(Room)),
        ("/{org}/{app}/chatrooms/{id}/apply", member::apply(Room)),
        ("/{org}/{app}/chatrooms/{id}/user/{username}/is_joined", member::joined(Room)),
        ("/{org}/{app}/chatrooms/{id}/admin", group_role::admins(Room)),
        ("/{org}/{app}/chatrooms/{id}/admin/{username}", group_role::admin(Room)),
        ("/{org}/{app}/chatrooms/{id}/mute", group_role::mutes(Room)),
        ("/{org}/{app}/chatrooms/{id}/mute/{username}", group_role::unmute(Room)),
        ("/{org}/{app}/sdk/chatrooms/{id}/mute/{username}", group_role::is_muted(Room)),
        ("/{org}/{app}/chatrooms/{id}/ban", group_role::ban(Room)),
        ("/{org}/{app}/chatrooms/{id}/blocks/users", user_list::blocks(Room)),
        ("/{org}/{app}/chatrooms/{id}/blocks/users/{username}", user_list::blocked(Room)),
        ("/{org}/{app}/chatrooms/{id}/white/users", user_list::white(Room)),
        ("/{org}/{app}/chatrooms/{id}/white/users/{username}", user_list::allowed(Room)),
        ("/{org}/{app}/chatrooms/{id}/announcement", announcement::announcement(Room)),
    ]
}

fn agora_user_routes() -> Vec<(&'static str, MethodRouter<Gateway>)> {
    use agora::{notification, presence, user_attributes, user_mute, user_state, user_update};
    vec![
        ("/{org}/{app}/users/{username}/password", put(user_update::password)),
        ("/{org}/{app}/users/{username}/deactivate", post(user_update::deactivate)),
        ("/{org}/{app}/users/{username}/activate", post(user_update::activate)),
        ("/{org}/{app}/users/{username}/disconnect", user_state::disconnects()),
        ("/{org}/{app}/users/{username}/disconnect/{resource}", user_state::disconnects_one()),
        ("/{org}/{app}/users/{username}/resources", get(user_state::resources)),
        ("/{org}/{app}/users/{username}/status", get(user_state::status)),
        ("/{org}/{app}/users/batch/status", post(user_state::statuses).get(user_state::status_of_batch)),
        ("/{org}/{app}/users/{username}/offline_msg_count", get(user_state::offline_count)),
        ("/{org}/{app}/users/{username}/offline_msg_status/{msg_id}", get(user_state::offline_status)),
        ("/{org}/{app}/sdk/users/{username}/token/expires", get(user_state::token_expiry)),
        ("/{org}/{app}/mutes", post(user_mute::set).get(user_mute::list)),
        ("/{org}/{app}/mutes/{username}", get(user_mute::get)),
        (
            "/{org}/{app}/metadata/user/{username}",
            put(user_attributes::set).get(user_attributes::get).delete(user_attributes::delete),
        ),
        ("/{org}/{app}/metadata/user/get", post(user_attributes::get_many)),
        ("/{org}/{app}/metadata/user/capacity", get(user_attributes::capacity)),
        ("/{org}/{app}/users/{username}/notification", get(notification::several)),
        (
            "/{org}/{app}/users/{username}/notification/language",
            put(notification::set_language).get(notification::language),
        ),
        ("/{org}/{app}/users/{username}/notification/mute/type", get(notification::modes)),
        ("/{org}/{app}/users/{username}/notification/user/{peer}", notification::of_user()),
        ("/{org}/{app}/users/{username}/notification/chatgroup/{id}", notification::of_group()),
        ("/{org}/{app}/users/{username}/presence", post(presence::get).delete(presence::unsubscribe)),
        ("/{org}/{app}/users/{username}/presence/{expiry}", post(presence::subscribe)),
        ("/{org}/{app}/users/{username}/presence/sublist", get(presence::subscriptions)),
        ("/{org}/{app}/users/{username}/presence/{resource}/{status}", post(presence::publish)),
    ]
}

fn agora_contact_routes() -> Vec<(&'static str, MethodRouter<Gateway>)> {
    use agora::{block, contact};
    vec![
        ("/{org}/{app}/users/{username}/contacts", get(contact::page)),
        ("/{org}/{app}/users/{username}/contacts/users", get(contact::all)),
        (
            "/{org}/{app}/users/{username}/contacts/users/{contact}",
            post(contact::add).delete(contact::remove).put(contact::set_remark),
        ),
        ("/{org}/{app}/users/{username}/contacts/import", post(contact::import)),
        ("/{org}/{app}/users/{username}/contacts/apply", post(contact::apply)),
        ("/{org}/{app}/users/{username}/contacts/accept/users/{contact}", post(contact::accept)),
        ("/{org}/{app}/users/{username}/contacts/decline/users/{contact}", post(contact::decline)),
        ("/{org}/{app}/user/{username}/contacts", get(contact::page)),
        ("/{org}/{app}/user/{username}/contacts/users/{contact}", put(contact::set_remark)),
        ("/{org}/{app}/users/{username}/blocks/users", get(block::list).post(block::add).delete(block::remove)),
        ("/{org}/{app}/users/{username}/blocks/users/{blocked}", delete(block::remove_named)),
        ("/{org}/{app}/sdk/user/{username}/blocks", post(block::add).delete(block::remove)),
        ("/{org}/{app}/sdk/user/{username}/blocks/{blocked}", delete(block::remove_named)),
    ]
}

fn agora_reaction_routes() -> Vec<(&'static str, MethodRouter<Gateway>)> {
    use agora::reaction;
    let on_messages = post(reaction::add).get(reaction::list).delete(reaction::remove);
    vec![
        ("/{org}/{app}/reaction/user/{username}", on_messages),
        ("/{org}/{app}/reaction/user/{username}/detail", get(reaction::detail)),
    ]
}

/// Clients spell the first segment in both ways.
fn agora_thread_routes() -> Vec<(&'static str, MethodRouter<Gateway>)> {
    use agora::{thread, thread_member};
    let one = || get(thread::find).put(thread::rename).delete(thread::end);
    let members = || get(thread_member::list).post(thread_member::add).delete(thread_member::remove);
    vec![
        ("/{org}/{app}/thread", post(thread::create).get(thread::of_app)),
        ("/{org}/{app}/thread/message", post(thread::last_messages)),
        ("/{org}/{app}/thread/{id}", one()),
        ("/{org}/{app}/thread/{id}/users", members()),
        ("/{org}/{app}/thread/{id}/users/{username}", delete(thread_member::remove_one)),
        ("/{org}/{app}/thread/{id}/user/{username}/join", post(thread_member::join)),
        ("/{org}/{app}/thread/{id}/user/{username}/quit", delete(thread_member::quit)),
        ("/{org}/{app}/thread/chatgroups/{id}/threads", get(thread::of_group)),
        ("/{org}/{app}/thread/chatgroups/{id}/user/{username}/joined", get(thread::of_user_in_group)),
        ("/{org}/{app}/threads", post(thread::create).get(thread::of_app)),
        ("/{org}/{app}/threads/message", post(thread::last_messages)),
        ("/{org}/{app}/threads/{id}", one()),
        ("/{org}/{app}/threads/{id}/users", members()),
        ("/{org}/{app}/threads/{id}/users/{username}", delete(thread_member::remove_one)),
        ("/{org}/{app}/threads/{id}/user/{username}/join", post(thread_member::join)),
        ("/{org}/{app}/threads/{id}/user/{username}/quit", delete(thread_member::quit)),
        ("/{org}/{app}/threads/user/{username}", get(thread::of_user)),
        ("/{org}/{app}/threads/chatgroups/{id}", get(thread::of_group)),
        ("/{org}/{app}/threads/chatgroups/{id}/user/{username}", get(thread::of_user_in_group)),
    ]
}

/// Shared files, attributes, super admins, invitations and applications.
fn agora_sharing_routes() -> Vec<(&'static str, MethodRouter<Gateway>)> {
    use agora::{attributes, invitation, shared_file, super_admin};
    use tidings_domain::GroupKind::{Group, Room};
    vec![
        ("/{org}/{app}/chatgroups/{id}/share_files", shared_file::all(Group)),
        ("/{org}/{app}/chatgroups/{id}/share_files/{file}", shared_file::one(Group)),
        ("/{org}/{app}/chatrooms/{id}/share_files", shared_file::all(Room)),
        ("/{org}/{app}/chatrooms/{id}/share_files/{file}", shared_file::one(Room)),
        ("/{org}/{app}/metadata/chatgroup/{id}/user/{username}", attributes::of_member()),
        ("/{org}/{app}/metadata/chatgroup/{id}/get", attributes::of_members()),
        ("/{org}/{app}/sdk/metadata/chatgroup/{id}/user/{username}", attributes::of_member()),
        ("/{org}/{app}/sdk/metadata/chatgroup/{id}/get", attributes::of_members()),
        ("/{org}/{app}/metadata/chatroom/{id}", attributes::of_room()),
        ("/{org}/{app}/metadata/chatroom/{id}/user/{username}", attributes::of_room_as(false)),
        ("/{org}/{app}/metadata/chatroom/{id}/user/{username}/forced", attributes::of_room_as(true)),
        ("/{org}/{app}/chatrooms/super_admin", post(super_admin::add).get(super_admin::list)),
        ("/{org}/{app}/chatrooms/super_admin/{username}", delete(super_admin::remove)),
        ("/{org}/{app}/chatgroups/{id}/invite", invitation::invite()),
        ("/{org}/{app}/chatgroups/{id}/invite_verify", invitation::invite_verify()),
        ("/{org}/{app}/chatgroups/{id}/apply_verify", invitation::apply_verify()),
    ]
}

/// What client SDKs read of their conversations.
fn agora_reading_routes() -> Vec<(&'static str, MethodRouter<Gateway>)> {
    use agora::{channel, inbox, pinned, readers, roaming};
    use tidings_domain::ConversationKind::{Direct, Group};
    vec![
        ("/{org}/{app}/users/{username}/messageroaming", post(roaming::pull)),
        ("/{org}/{app}/users/{username}/user_channels", get(inbox::old_channels)),
        ("/{org}/{app}/users/{username}/user_channels/page", get(inbox::old_channel_page)),
        ("/{org}/{app}/user/{username}/user_channel", delete(channel::delete)),
        ("/{org}/{app}/sdk/user/{username}/user_channels/list", get(inbox::channels)),
        ("/{org}/{app}/sdk/user/{username}/user_channels/mark", post(inbox::mark).delete(inbox::unmark)),
        ("/{org}/{app}/sdk/user/{username}/user_channels/mark/search", get(inbox::marked)),
        ("/{org}/{app}/sdk/user/{username}/user_channel/top", post(inbox::pin).delete(inbox::unpin)),
        (
            "/{org}/{app}/sdk/user/{username}/user_channel/pin",
            post(pinned::pin).delete(pinned::unpin).get(pinned::list),
        ),
        ("/{org}/{app}/chatgroups/{id}/acks/{msg_id}", get(readers::of_message)),
        ("/{org}/{app}/sdk/message/roaming/chat/user/{username}", channel::roaming(Direct, false)),
        ("/{org}/{app}/sdk/message/roaming/chat/user/{username}/time", channel::roaming(Direct, true)),
        ("/{org}/{app}/sdk/message/roaming/group/user/{username}", channel::roaming(Group, false)),
        ("/{org}/{app}/sdk/message/roaming/group/user/{username}/time", channel::roaming(Group, true)),
        ("/{org}/{app}/sdk/message/roaming/user/{username}/delete/all", post(channel::delete_all)),
    ]
}

fn lanying_routes() -> Vec<(&'static str, MethodRouter<Gateway>)> {
    use lanying::member::MemberAction;
    use lanying::{
        ack, conversation, file, group, group_announcement, group_file, group_invitation, history, member, recall,
        register, roster, send, token, user,
    };
    vec![
        ("/message/ack", get(ack::ack)),
        ("/message/conversation", get(history::history).delete(conversation::delete)),
        ("/message/notify", post(send::notify).put(send::notify)),
        ("/message/recall", post(recall::recall).put(recall::recall)),
        ("/message/send", post(send::send).put(send::send)),
        ("/message/unread", get(conversation::unread)),
        ("/message/broadcast", post(send::broadcast)),
        ("/user/conversation/pin", post(conversation::pin).put(conversation::pin)),
        ("/user/conversation/unpin", post(conversation::unpin).put(conversation::unpin)),
        ("/user/conversation/pin_list", get(conversation::pinned)),
        ("/token/id", post(token::by_id)),
        ("/token/user", post(token::by_name)),
        ("/token/login", post(token::by_login)),
        ("/user/register/v2", post(register::register)),
        ("/user/register/batch", post(register::batch)),
        ("/user/profile", get(user::profile).post(user::set_profile).put(user::set_profile)),
        ("/user/nickname", post(user::set_profile).put(user::set_profile)),
        ("/user/avatar", post(user::set_profile).put(user::set_profile)),
        ("/user/list", get(user::list)),
        ("/user/online_status", get(user::online_status)),
        ("/user/device/list", get(user::devices)),
        ("/user/kick", post(user::kick).put(user::kick)),
        ("/user/disable", post(user::disable).put(user::disable)),
        ("/user/enable", post(user::enable).put(user::enable)),
        ("/user/delete", post(user::delete).delete(user::delete)),
        ("/user/change_password", post(user::change_password).put(user::change_password)),
        ("/roster/block", post(roster::block).put(roster::block)),
        ("/roster/unblock", post(roster::unblock).delete(roster::unblock)),
        ("/roster/blocked_list", get(roster::blocked_list)),
        ("/roster/may_message", get(roster::may_message)),
        ("/roster/apply", post(roster::apply)),
        ("/roster/apply/batch", post(roster::apply_batch)),
        ("/roster/apply/list", get(roster::applications)),
        ("/roster/accept", post(roster::accept).put(roster::accept)),
        ("/roster/decline", post(roster::decline).put(roster::decline)),
        ("/roster/list", get(roster::list).post(roster::details)),
        ("/roster/id", get(roster::by_id)),
        ("/roster/name", get(roster::by_name)),
        ("/roster/delete", post(roster::delete).delete(roster::delete)),
        ("/roster/ext", post(roster::set_ext).put(roster::set_ext)),
        ("/file/upload/chat", get(file::new)),
        ("/file/upload/forward", get(file::forward)),
        ("/file/upload/object", post(file::put).put(file::put)),
        ("/file/download/{uuid}", get(file::download)),
        ("/file/object/{uuid}", get(file::object)),
        ("/group/create", post(group::create)),
        ("/group/info", get(group::info)),
        ("/group/info/batch", post(group::info_batch)),
        ("/group/info/name", group::changes(group::NAME)),
        ("/group/info/description", group::changes(group::DESCRIPTION)),
        ("/group/info/avatar", group::changes(group::AVATAR)),
        ("/group/info/ext", group::changes(group::EXT)),
        ("/group/destroy", post(group::destroy).delete(group::destroy)),
        ("/group/transfer", post(group::transfer).put(group::transfer)),
        ("/group/settings/allow_member_invitation", group::changes(group::MEMBER_INVITE)),
        ("/group/settings/allow_member_modify", group::changes(group::MEMBER_MODIFY)),
        ("/group/settings/enable_read_ack", group::changes(group::READ_ACK)),
        ("/group/settings/history_visible", group::changes(group::HISTORY_VISIBLE)),
        ("/group/settings/require_admin_approval", group::changes(group::APPLY_APPROVAL)),
        ("/group/settings/ban_all", group::changes(group::BAN_ALL)),
        ("/group/settings/unban_all", group::changes(group::UNBAN_ALL)),
        ("/group/invite", member::does(MemberAction::Invite)),
        ("/group/kick", member::does(MemberAction::Kick)),
        ("/group/apply", post(member::apply)),
        ("/group/apply/handle", post(member::handle_application).put(member::handle_application)),
        ("/group/application_list", post(member::applications)),
        ("/group/leave", post(member::leave).delete(member::leave)),
        ("/group/user_joined", get(member::joined)),
        ("/group/member_list", get(member::members)),
        ("/group/admin/add", member::does(MemberAction::SetAdmin(true))),
        ("/group/admin/remove", member::does(MemberAction::SetAdmin(false))),
        ("/group/admin_list", get(member::admins)),
        ("/group/ban", member::does(MemberAction::Ban)),
        ("/group/unban", member::does(MemberAction::Unban)),
        ("/group/banned_list", get(member::banned)),
        ("/group/block", member::does(MemberAction::Block(true))),
        ("/group/unblock", member::does(MemberAction::Block(false))),
        ("/group/blocked_list", get(member::blocked)),
        ("/group/settings", get(group::info)),
        ("/group/announcement", get(group_announcement::get)),
        ("/group/announcement/list", get(group_announcement::list)),
        ("/group/announcement/edit", post(group_announcement::edit).put(group_announcement::edit)),
        ("/group/announcement/delete", post(group_announcement::delete).delete(group_announcement::delete)),
        ("/group/public_list", get(group::public_list)),
        ("/group/file/list", get(group_file::list)),
        ("/group/file/upload", post(group_file::share)),
        ("/group/file/update_name", post(group_file::rename).put(group_file::rename)),
        ("/group/file/delete", post(group_file::delete).delete(group_file::delete)),
        ("/group/invitation_list", get(group_invitation::list)),
        ("/group/invite/handle", post(group_invitation::handle).put(group_invitation::handle)),
        ("/group/display_name", post(group_invitation::set_display_name).put(group_invitation::set_display_name)),
        ("/group/members/display_name", post(group_invitation::display_names)),
    ]
}

fn with_route(router: Router<Gateway>, (path, methods): (&str, MethodRouter<Gateway>)) -> Router<Gateway> {
    router.route(path, methods.clone()).route(&format!("{path}/"), methods)
}

async fn no_such_url(State(gateway): State<Gateway>, request: Request) -> Response {
    unknown(&gateway, request.uri().path())
}

async fn wrong_method(State(gateway): State<Gateway>, request: Request) -> Response {
    fault(&gateway, request.uri().path(), &Error::new(Reason::MethodNotAllowed, ""))
}

#[cfg(test)]
mod tests {
    use tidings_domain::{OWN_SEGMENTS, is_reserved_org};

    use super::*;
    use crate::paths::may_take_long;

    fn agora_and_lanying() -> Vec<(&'static str, MethodRouter<Gateway>)> {
        let groups = [agora_group_routes(), agora_thread_routes(), agora_sharing_routes()];
        let users = [agora_user_routes(), agora_contact_routes(), agora_reaction_routes(), agora_reading_routes()];
        [[agora_routes(), lanying_routes()].concat(), groups.concat(), users.concat()].concat()
    }

    #[test]
    fn every_route_has_a_row_in_the_table_of_rights_and_every_row_a_route() {
        let routes = agora_and_lanying();
        let routes: std::collections::BTreeSet<&str> = routes.iter().map(|(path, _)| *path).collect();
        let is_ours = |path: &&str| path.split('/').nth(1).is_some_and(|first| OWN_SEGMENTS.contains(&first));
        let rows = crate::ROUTE_RIGHTS.iter().map(|right| right.path).filter(|path| !is_ours(path));
        assert_eq!(rows.collect::<std::collections::BTreeSet<_>>(), routes);
    }

    #[test]
    fn no_organization_may_have_a_name_that_another_route_begins_with_decision_10() {
        for path in lanying_routes().iter().map(|(path, _)| *path).chain([
            "/livez",
            "/readyz",
            "/metrics",
            "/websocket",
            "/ws/info",
            "/easemob/server.json",
        ]) {
            assert!(is_reserved_org(path.split('/').nth(1).unwrap()), "{path}");
        }
        assert!(!is_reserved_org("acme"));
    }

    #[test]
    fn files_and_events_may_take_longer_than_other_calls() {
        let routes = agora_and_lanying();
        let long = routes.iter().map(|(path, _)| *path).filter(|path| may_take_long(path)).collect::<Vec<_>>();
        let expected = [
            "/{org}/{app}/chatfiles",
            "/{org}/{app}/chatfiles/{uuid}",
            "/{org}/{app}/users/{username}/chatfiles/lifetime",
            "/{org}/{app}/tidings/events",
            "/file/upload/chat",
            "/file/upload/forward",
            "/file/upload/object",
            "/file/download/{uuid}",
            "/file/object/{uuid}",
            "/{org}/{app}/chatgroups/{id}/share_files",
            "/{org}/{app}/chatgroups/{id}/share_files/{file}",
            "/{org}/{app}/chatrooms/{id}/share_files",
            "/{org}/{app}/chatrooms/{id}/share_files/{file}",
        ];
        assert_eq!(long, expected);
    }
}
