//! Agora Chat and Easemob routes.

pub(crate) mod announcement;
pub(crate) mod attributes;
pub(crate) mod block;
pub(crate) mod broadcast;
pub(crate) mod channel;
pub(crate) mod contact;
mod context;
pub(crate) mod export;
pub(crate) mod feed;
pub(crate) mod file;
pub(crate) mod group;
mod group_call;
pub(crate) mod group_list;
pub(crate) mod group_role;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod inbox;
pub(crate) mod invitation;
pub(crate) mod lifetime;
pub(crate) mod member;
mod member_change;
pub(crate) mod notification;
mod page;
mod people;
pub(crate) mod pinned;
pub(crate) mod presence;
pub(crate) mod reaction;
pub(crate) mod readers;
pub(crate) mod recall;
pub(crate) mod rewrite;
pub(crate) mod roaming;
pub(crate) mod send;
pub(crate) mod shared_file;
pub(crate) mod super_admin;
pub(crate) mod thread;
pub(crate) mod thread_member;
pub(crate) mod token;
pub(crate) mod user_attributes;
pub(crate) mod user_list;
pub(crate) mod user_mute;
pub(crate) mod user_state;
pub(crate) mod user_update;
pub(crate) mod users;

use axum::response::Response;
use http::StatusCode;
use tidings_dialects::agora::{self as codec, Names, Refusal, Timing};
use tidings_domain::{Caller, Error, UserId, Username};

use crate::{Gateway, reply};

/// The error envelope as HTTP.
fn refusal(refusal: &Refusal, timing: Timing) -> Response {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let timing = refusal.timing.unwrap_or(timing);
    let response = reply::json_retry(status, codec::error(refusal, timing), refusal.retry_after);
    reply::with_reason(response, refusal.reason, refusal.error)
}

fn at_once(gateway: &Gateway, why: &Refusal) -> Response {
    refusal(why, Timing { timestamp: gateway.now().0, duration: 0 })
}

/// A refusal of a request that is not a call of an app.
pub(crate) fn refused_at_once(gateway: &Gateway, why: &Refusal) -> Response {
    at_once(gateway, why)
}

/// The names of users.
pub(crate) async fn names_of(
    gateway: &Gateway,
    caller: &Caller,
    users: impl IntoIterator<Item = UserId>,
) -> Result<Names, Error> {
    people::names(gateway, caller, [], users).await
}

/// The id of a user.
pub(crate) async fn user_named(gateway: &Gateway, caller: &Caller, name: &Username) -> Result<UserId, Error> {
    people::id(gateway, caller, name).await
}

/// An error before routing, or an internal error.
pub(crate) fn fault(gateway: &Gateway, error: &Error) -> Response {
    at_once(gateway, &Refusal::from(error))
}
