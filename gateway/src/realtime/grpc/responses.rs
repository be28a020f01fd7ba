//! The responses of a stream on their way to its client, and its final status, which arrives even if the queue is full.

use std::time::Duration;

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tidings_domain::{Error, Reason};
use tidings_proto::{pb::SubscribeResponse, status_from_error};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tonic::Status;

use super::super::session::{Ending, Inbox};

/// How long a response may wait for its client.
const WRITE: Duration = Duration::from_secs(20);

/// The side of the subscription.
pub(super) struct Responses {
    responses: mpsc::Sender<SubscribeResponse>,
    end: oneshot::Sender<Status>,
}

/// Both sides.
pub(super) fn responses() -> (Responses, BoxStream<'static, Result<SubscribeResponse, Status>>) {
    // What the client does not take waits in the inbox, which is bounded.
    let (responses, receiver) = mpsc::channel(1);
    let (end, ended) = oneshot::channel();
    let sent = stream::unfold(receiver, |mut receiver| async move { Some((Ok(receiver.recv().await?), receiver)) });
    let last = stream::once(ended).filter_map(|ended| async move { ended.ok().map(Err) });
    (Responses { responses, end }, sent.chain(last).boxed())
}

impl Responses {
    /// Sends a response, unless the client takes it too slowly or the inbox ends.
    pub async fn send(&self, inbox: &mut Inbox, response: SubscribeResponse) -> Result<(), Status> {
        tokio::select! {
            sent = timeout(WRITE, self.responses.send(response)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(Status::cancelled("the client has gone")),
                Err(_) => Err(ended(&Ending::TooSlow)),
            },
            end = inbox.next(false) => Err(ended(&end.err().unwrap_or(Ending::FeedLost))),
        }
    }

    /// Until the client has disconnected.
    pub async fn closed(&self) {
        self.responses.closed().await;
    }

    /// Ends the stream.
    pub fn end(self, status: Status) {
        // Fails if the client has disconnected.
        let _ = self.end.send(status);
    }
}

/// Why there are no more responses.
pub(super) fn ended(why: &Ending) -> Status {
    status_from_error(if *why == Ending::TooSlow {
        Error::new(Reason::Overloaded, "the responses are read too slowly")
    } else {
        Error::new(Reason::Unavailable, "the feed is interrupted")
    })
}

#[cfg(test)]
mod tests {
    use tidings_domain::UserId;
    use tonic::Code;

    use super::{super::super::session::Session, *};

    #[tokio::test]
    async fn a_client_that_does_not_read_is_ended_and_told_so_after_what_was_sent() {
        let (session, mut inbox) = Session::new(1, UserId(16), None, tidings_domain::UnixMillis(0));
        let (responses, mut stream) = responses();
        let response = |cursor: &str| SubscribeResponse { cursor: cursor.to_owned(), ..Default::default() };
        responses.send(&mut inbox, response("0:1")).await.expect("there is room");
        session.end(Ending::TooSlow);
        let status = responses.send(&mut inbox, response("0:2")).await.expect_err("nobody reads");
        assert_eq!(status.code(), Code::Unavailable);
        responses.end(status);
        let first = stream.next().await.expect("what was sent").expect("a response");
        assert_eq!(first.cursor, "0:1");
        let last = stream.next().await.expect("why it ended").expect_err("a status");
        assert!(last.message().contains("too slowly"), "{last:?}");
        assert!(stream.next().await.is_none());
    }
}
