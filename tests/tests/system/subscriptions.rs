//! Subscriptions over gRPC when the process stops (docs/grpc.md).

use tidings_proto::pb::{self, realtime_service_client::RealtimeServiceClient, user_ref};
use tidings_testkit::Installation;
use tonic::{Code, Streaming, transport::Endpoint};
use tonic_types::StatusExt as _;

async fn subscribed(installation: &Installation, user: i64, cursor: &str) -> Streaming<pb::SubscribeResponse> {
    let channel = Endpoint::from_shared(installation.grpc_url()).unwrap().connect_lazy();
    let mut realtime = RealtimeServiceClient::new(channel);
    let request = pb::SubscribeRequest { user_ids: vec![user], cursor: cursor.to_owned() };
    realtime.subscribe(installation.request(request)).await.unwrap().into_inner()
}

/// The text of the next message, and the cursor after it.
async fn next(stream: &mut Streaming<pb::SubscribeResponse>) -> (String, String) {
    loop {
        let response = stream.message().await.unwrap().unwrap();
        let mut messages = response.events.into_iter().filter_map(|it| it.event?.message?.content?.body);
        if let Some(pb::content::Body::Text(text)) = messages.next() {
            return (text.text, response.cursor);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_ends_with_the_process_and_continues_at_the_next_one() {
    let mut installation = Installation::default();
    installation.start().await;
    let agora = installation.agora().await;
    agora.register(&["nora", "omar"]).await;
    let user = Some(pb::UserRef { user: Some(user_ref::User::Username("omar".to_owned())) });
    let omar = installation.directory().get_user(installation.request(pb::GetUserRequest { user })).await;
    let omar = omar.unwrap().into_inner().id;

    let mut stream = subscribed(&installation, omar, "").await;
    agora.send_text("nora", "omar", "before").await;
    let (text, mut cursor) = next(&mut stream).await;
    assert_eq!(text, "before");
    let last = async {
        loop {
            match stream.message().await {
                Ok(response) => cursor = response.unwrap().cursor,
                Err(status) => break status,
            }
        }
    };
    let (code, status) = tokio::join!(installation.stop(), last);
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    assert_eq!((code, status.code(), reason.as_str()), (0, Code::Unavailable, "UNAVAILABLE"), "{status:?}");

    installation.start().await;
    agora.send_text("nora", "omar", "after").await;
    let mut stream = subscribed(&installation, omar, &cursor).await;
    assert_eq!(next(&mut stream).await.0, "after");
}
