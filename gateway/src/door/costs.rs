//! What a call counts for the rates of its app: the same as its counterpart over REST.

use bytes::{Buf as _, Bytes};
use http_body_util::{BodyExt as _, Full, Limited};
use prost::Message as _;
use tidings_dialects::agora::Refusal;
use tidings_domain::{Draft, Error, Rate};
use tidings_proto::{pb, status_from_error};
use tidings_runtime::rights::Right;
use tokio::time::{Duration, timeout};
use tonic::{Status, body::Body};

use crate::{agora, limits::Cost, rate_headers::Standing};

/// The size of a whole request: enough for a call with 600 recipients and the largest content that an app may allow.
const MAX_REQUEST: usize = 8 * 1024 * 1024;
/// How long a whole request may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);
/// What stands before the message of a call.
const FRAME_HEAD: usize = 5;

type Request = http::Request<Body>;

/// The costs of a call. Of a send they are in its message, which is read for them.
pub(super) async fn of(right: &Right, request: Request) -> Result<(Vec<Cost>, Request), Status> {
    let costs = match right.rpc {
        "MessageService/Send" => {
            let (head, body) = request.into_parts();
            let bytes = whole(body).await?;
            let costs = of_send(bytes.clone());
            return Ok((costs, Request::from_parts(head, Body::new(Full::new(bytes)))));
        }
        "MessageService/Broadcast" => vec![Cost::one(Rate::Broadcasts), Cost::one(Rate::BroadcastsDay)],
        "MessageService/Export" => vec![Cost::one(Rate::ExportCalls), Cost::one(Rate::ExportCallsMinute)],
        rpc => vec![of_call(rpc)],
    };
    Ok((costs, request))
}

fn of_call(rpc: &str) -> Cost {
    Cost { rate: Rate::Calls, subject: format!("grpc/{rpc}"), amount: 1 }
}

/// Of a message that cannot be read only the call counts: the service refuses it.
fn of_send(framed: Bytes) -> Vec<Cost> {
    let wire = message(framed).and_then(|message| pb::SendRequest::decode(message).ok());
    let read = wire.and_then(|wire| Draft::try_from(wire).ok());
    let Some(draft) = read else {
        return vec![of_call("MessageService/Send")];
    };
    let mut costs = agora::send::costs(&draft);
    costs.push(match draft.targets.first() {
        Some(tidings_domain::Target::Group(_)) => Cost::one(Rate::GroupCalls),
        Some(tidings_domain::Target::Room(_)) => Cost::one(Rate::RoomCalls),
        Some(tidings_domain::Target::User(_)) | None => of_call("MessageService/Send"),
    });
    costs
}

/// The message of an uncompressed call, which is its first; what follows is read by nobody.
fn message(mut framed: Bytes) -> Option<Bytes> {
    if framed.len() < FRAME_HEAD || framed.get_u8() != 0 {
        return None;
    }
    let length = framed.get_u32() as usize;
    (length <= framed.len()).then(|| framed.split_to(length))
}

/// The whole body of a call, of bounded size.
pub(super) async fn whole(body: Body) -> Result<Bytes, Status> {
    match timeout(ARRIVAL, Limited::new(body, MAX_REQUEST + FRAME_HEAD).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            let rule = format!("must be at most {MAX_REQUEST} bytes");
            Err(status_from_error(Error::invalid("request", rule)))
        }
        Ok(Err(_)) => Err(Status::cancelled("the request broke off")),
        Err(_) => Err(Status::deadline_exceeded("the request did not arrive in time")),
    }
}

/// The refusal of a call beyond a rate.
pub(super) fn refusal(refusal: &Refusal, standing: &Standing) -> Status {
    let reached = standing.rate.refusal();
    // Else the directory could not be asked.
    let is_reached = refusal.reason == reached.reason();
    status_from_error(if is_reached { reached } else { Error::new(refusal.reason, "") })
}

#[cfg(test)]
mod tests {
    use tidings_proto::pb::{Target, target};

    use super::*;

    fn framed(request: &pb::SendRequest) -> Bytes {
        let message = request.encode_to_vec();
        let length = u32::try_from(message.len()).expect("it is small").to_be_bytes();
        [&[0][..], &length, &message].concat().into()
    }

    #[test]
    fn a_send_counts_its_messages_and_the_call_as_over_rest() {
        let content = pb::Content {
            body: Some(pb::content::Body::Text(pb::Text { text: "x".to_owned() })),
            ..Default::default()
        };
        let user = |id| Target { target: Some(target::Target::UserId(id)) };
        let request =
            pb::SendRequest { targets: vec![user(16), user(32)], content: Some(content), ..Default::default() };
        let costs = [Cost::of(Rate::UserMessages, 2), of_call("MessageService/Send")];
        assert_eq!(of_send(framed(&request)), costs);
        let followed = [&framed(&request)[..], &[0; FRAME_HEAD]].concat();
        assert_eq!(of_send(followed.into()), costs, "whatever follows");
        for broken in [Bytes::new(), Bytes::from_static(b"\0\0"), Bytes::from_static(b"\x01\0\0\0\x01\xff")] {
            assert_eq!(of_send(broken), [of_call("MessageService/Send")]);
        }
    }

    #[tokio::test]
    async fn a_request_that_is_too_large_is_refused() {
        let status = whole(Body::new(Full::from(vec![0; MAX_REQUEST + FRAME_HEAD + 1]))).await.expect_err("too large");
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        whole(Body::new(Full::from(vec![0; MAX_REQUEST + FRAME_HEAD]))).await.expect("it may be so large");
    }
}
