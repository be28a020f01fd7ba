//! What a call counts for the rates of its app: the same as its counterpart over REST.

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::Full;
use prost::Message as _;
use tidings_domain::{App, Caller, Draft, Error, Rate, Username};
use tidings_proto::{
    pb::{self, BroadcastScope},
    status_from_error,
};
use tidings_runtime::{
    context,
    rights::{Repeat, Right},
};
use tonic::{Status, body::Body};

use super::body::{ReadBody, message, whole};
use crate::{
    Gateway, agora,
    limits::{Cost, of_broadcast, of_calls, of_messages},
};

const SEND: &str = "MessageService/Send";
const BROADCAST: &str = "MessageService/Broadcast";
const START_BROADCAST: &str = "MessageService/StartBroadcast";
const EXPORT: &str = "MessageService/Export";
const DELETE_CONVERSATION: &str = "ConversationService/DeleteConversation";

type Request = http::Request<Body>;

/// The costs of a call. Some are in its message, so it is read here, unless it is a stream; then it is counted as held,
/// whoever serves it.
pub(super) async fn of(
    gateway: &Gateway,
    app: &App,
    right: &Right,
    request: Request,
) -> Result<(Vec<Cost>, Request), Status> {
    if right.repeat == Repeat::Stream {
        return Ok((counted(right.rpc, Bytes::new(), ""), request));
    }
    let (mut head, body) = request.into_parts();
    let bytes = whole(body, &gateway.budgets().bodies).await?;
    // A message that cannot be read is refused by the service.
    let message = message(bytes.clone()).unwrap_or_default();
    let subject = if right.rpc == DELETE_CONVERSATION && app.policy.rates.quota(Rate::DeleteConversation).is_some() {
        subject(gateway, app, &head.headers, message.clone()).await.map_err(status_from_error)?
    } else {
        String::new()
    };
    let costs = counted(right.rpc, message, &subject);
    head.extensions.insert(ReadBody(bytes.clone()));
    Ok((costs, Request::from_parts(head, Body::new(Full::new(bytes)))))
}

/// The id of the user whom the message names, else of the one on whose behalf the call is made.
async fn subject(gateway: &Gateway, app: &App, metadata: &HeaderMap, message: Bytes) -> Result<String, Error> {
    let text = |name| metadata.get(name).and_then(|value| value.to_str().ok());
    let named = pb::DeleteConversationRequest::decode(message).ok().and_then(|wire| wire.user_id);
    let id = named.or_else(|| text(context::USER)?.parse().ok());
    match (id, text(context::USERNAME)) {
        (None, Some(name)) => {
            let name = Username::parse(name).map_err(|error| error.of_field(context::USERNAME))?;
            Ok(agora::user_named(gateway, &Caller::of_app(app.id), &name).await?.to_string())
        }
        (id, _) => Ok(id.unwrap_or_default().to_string()),
    }
}

/// The costs of an RPC with that message; `subject` is the user whose conversation it deletes.
fn counted(rpc: &'static str, message: Bytes, subject: &str) -> Vec<Cost> {
    let call = Cost { rate: Rate::Calls, subject: format!("grpc/{rpc}"), amount: 1 };
    match rpc {
        SEND => of_send(message, call),
        BROADCAST => of_broadcast(BroadcastScope::Users).into_iter().chain([call]).collect(),
        START_BROADCAST => of_broadcast(scope(message)).into_iter().chain([call]).collect(),
        EXPORT => vec![Cost::one(Rate::ExportCalls), Cost::one(Rate::ExportCallsMinute)],
        DELETE_CONVERSATION => {
            vec![Cost { rate: Rate::DeleteConversation, subject: subject.to_owned(), amount: 1 }, call]
        }
        _ => vec![call],
    }
}

fn of_send(message: Bytes, call: Cost) -> Vec<Cost> {
    let Some(draft) = pb::SendRequest::decode(message).ok().and_then(|wire| Draft::try_from(wire).ok()) else {
        return vec![call];
    };
    let calls = of_calls(&draft);
    // Sends to groups and rooms have rates of their own.
    let calls = if calls.is_empty() { vec![call] } else { calls };
    of_messages(&draft).into_iter().chain(calls).collect()
}

fn scope(message: Bytes) -> BroadcastScope {
    pb::StartBroadcastRequest::decode(message).map_or(BroadcastScope::Unspecified, |wire| wire.scope())
}

#[cfg(test)]
mod tests {
    use tidings_proto::pb::{Target, UserRef, target, user_ref};

    use super::*;

    fn call(rpc: &str) -> Cost {
        Cost { rate: Rate::Calls, subject: format!("grpc/{rpc}"), amount: 1 }
    }

    fn send(targets: &[target::Target], audience: &[i64]) -> Bytes {
        let content = pb::Content {
            body: Some(pb::content::Body::Text(pb::Text { text: "x".to_owned() })),
            ..Default::default()
        };
        let request = pb::SendRequest {
            targets: targets.iter().map(|target| Target { target: Some(target.clone()) }).collect(),
            content: Some(content),
            audience: audience.iter().map(|id| UserRef { user: Some(user_ref::User::UserId(*id)) }).collect(),
            ..Default::default()
        };
        request.encode_to_vec().into()
    }

    fn broadcast(scope: BroadcastScope) -> Bytes {
        pb::StartBroadcastRequest { scope: scope.into(), ..Default::default() }.encode_to_vec().into()
    }

    #[test]
    fn a_send_counts_its_messages_and_the_call_as_over_rest() {
        let users = [target::Target::UserId(16), target::Target::UserId(32)];
        assert_eq!(counted(SEND, send(&users, &[]), ""), [Cost::of(Rate::UserMessages, 2), call(SEND)]);
        assert_eq!(counted(SEND, Bytes::from_static(b"\xff"), ""), [call(SEND)], "what cannot be read is refused");
    }

    /// A call that counts for the rate, and its message. `None`: accounts make no such call.
    fn counts_for(rate: Rate) -> Option<(&'static str, Bytes)> {
        let (group, room) = ([target::Target::GroupId(17)], [target::Target::RoomId(33)]);
        Some(match rate {
            Rate::Calls => ("DirectoryService/GetUser", Bytes::new()),
            // Tokens are issued with the service key.
            Rate::TokenCalls => return None,
            Rate::UserMessages => (SEND, send(&[target::Target::UserId(16)], &[])),
            Rate::GroupCalls | Rate::GroupMessages | Rate::OneGroupMessages => (SEND, send(&group, &[])),
            Rate::RoomCalls | Rate::RoomMessages => (SEND, send(&room, &[])),
            Rate::TargetedMessages => (SEND, send(&group, &[16])),
            Rate::ExportCalls | Rate::ExportCallsMinute => (EXPORT, Bytes::new()),
            Rate::DeleteConversation => (DELETE_CONVERSATION, Bytes::new()),
            Rate::RoomBroadcasts | Rate::RoomBroadcastsDay => (START_BROADCAST, broadcast(BroadcastScope::Rooms)),
            Rate::OnlineBroadcasts | Rate::OnlineBroadcastsDay => (START_BROADCAST, broadcast(BroadcastScope::Online)),
            Rate::Broadcasts | Rate::BroadcastsDay => (START_BROADCAST, broadcast(BroadcastScope::Users)),
        })
    }

    #[test]
    fn every_rate_that_calls_over_rest_count_for_is_counted_here() {
        for rate in Rate::ALL {
            if let Some((rpc, message)) = counts_for(rate) {
                let costs = counted(rpc, message, "16");
                assert!(costs.iter().any(|cost| cost.rate == rate), "{}: {costs:?}", rate.name());
            }
        }
        for rate in [Rate::Broadcasts, Rate::BroadcastsDay] {
            assert!(counted(BROADCAST, Bytes::new(), "").contains(&Cost::one(rate)));
        }
        let of_user = Cost { rate: Rate::DeleteConversation, subject: "16".to_owned(), amount: 1 };
        assert_eq!(counted(DELETE_CONVERSATION, Bytes::new(), "16"), [of_user, call(DELETE_CONVERSATION)]);
    }
}
