//! The directory's SQL. The caller owns the transaction.
//!
//! Locks are taken in one order: the app's row, users, groups by ascending id, totals of contacts by ascending user, the
//! version of the app's users.

pub(crate) mod admin_token;
pub(crate) mod app;
pub(crate) mod app_row;
pub(crate) mod change;
pub(crate) mod connected_session;
pub(crate) mod contact;
pub(crate) mod contact_request;
pub(crate) mod contact_total;
pub(crate) mod gateway_lease;
pub(crate) mod group;
pub(crate) mod group_announcement;
pub(crate) mod group_application;
pub(crate) mod group_file;
pub(crate) mod group_invitation;
pub(crate) mod group_list;
pub(crate) mod group_member;
mod group_row;
pub(crate) mod hook;
mod keyed;
pub(crate) mod member_attribute;
pub(crate) mod membership;
pub(crate) mod notification_setting;
mod policy;
pub(crate) mod presence;
pub(crate) mod presence_due;
pub(crate) mod presence_subscription;
pub(crate) mod profile;
pub(crate) mod room_attribute;
pub(crate) mod service_account;
pub(crate) mod session;
pub(crate) mod shown_file;
pub(crate) mod super_admin;
pub(crate) mod thread;
pub(crate) mod user;
pub(crate) mod user_attribute;
pub(crate) mod user_block;
pub(crate) mod user_mute;
pub(crate) mod user_push;
pub(crate) mod users;
pub(crate) mod users_version;
pub(crate) mod word_list;

use tidings_store::{AppRows, Engine, Kind};

/// Every statement sent to `engine`.
pub(crate) fn statements(engine: Engine) -> Vec<String> {
    let fixed = [
        app::ALL,
        admin_token::ALL,
        service_account::ALL,
        user::ALL,
        profile::ALL,
        session::ALL,
        gateway_lease::ALL,
        word_list::ALL,
        hook::ALL,
        users_version::ALL,
    ]
    .concat();
    let built = [
        users::all(engine),
        group::all(engine),
        group_member::all(engine),
        group_application::all(engine),
        group_list::all(engine),
        group_announcement::all(engine),
        membership::all(engine),
        user_block::all(engine),
        shown_file::all(engine),
        thread::all(engine),
        change::all(engine),
        session::all(engine),
        connected_session::all(engine),
        user_push::all(engine),
        notification_setting::all(engine),
        user_mute::all(engine),
        user_attribute::all(engine),
        gateway_lease::all(engine),
        presence::all(engine),
        presence_due::all(engine),
        presence_subscription::all(engine),
        contact::all(engine),
        contact_request::all(engine),
        contact_total::all(engine),
        group_file::all(engine),
        group_invitation::all(engine),
        member_attribute::all(engine),
        room_attribute::all(engine),
        super_admin::all(engine),
    ];
    fixed.into_iter().map(str::to_owned).chain(built.concat()).chain(app_rows().texts()).collect()
}

/// What this service stores for each app.
pub(crate) fn app_rows() -> AppRows {
    AppRows::new(&[
        ("change", "change_id", Kind::Int),
        ("shown_file", "kind, id, uuid", Kind::Int),
        ("group_invitation", "group_id, user_id", Kind::Int),
        ("room_attribute", "group_id, name", Kind::Int),
        ("member_attribute", "group_id, user_id, name", Kind::Int),
        ("group_file", "group_id, file_no", Kind::Int),
        ("group_announcement", "group_id, announcement_id", Kind::Int),
        ("group_allow", "group_id, user_id", Kind::Int),
        ("group_application", "group_id, user_id", Kind::Int),
        ("group_block", "group_id, user_id", Kind::Int),
        ("group_member", "group_id, user_id", Kind::Int),
        ("chat_group", "group_id", Kind::Int),
        ("user_block", "user_id, blocked_id", Kind::Int),
        ("contact_request", "user_id, from_id", Kind::Int),
        ("contact", "user_id, contact_id", Kind::Int),
        ("contact_total", "user_id", Kind::Int),
        ("presence_subscription", "user_id, target_id", Kind::Int),
        ("presence", "user_id, resource", Kind::Int),
        ("presence_due", "user_id", Kind::Int),
        ("super_admin", "user_id", Kind::Int),
        ("user_attribute", "user_id, name", Kind::Int),
        ("user_attribute_total", "bytes", Kind::Int),
        ("user_mute", "user_id", Kind::Int),
        ("user_push", "user_id", Kind::Int),
        ("notification_setting", "user_id, target_id, kind", Kind::Int),
        ("user_profile", "user_id", Kind::Int),
        ("user_session", "user_id, device_sn", Kind::Int),
        ("connected_session", "user_id, gateway_id, session_id", Kind::Int),
        ("admin_token", "admin_token_id", Kind::Int),
        ("service_account", "service_account_id", Kind::Int),
        ("users_version", "version", Kind::Int),
        ("app_user", "user_id", Kind::Int),
    ])
}
