//! One subscription, from its beginning to its end.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tidings_domain::{App, Caller, ConversationId, Error, Reason, UserId};
use tidings_proto::{pb, status_from_error};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};
use tonic::Status;

use super::{
    allowed::Allowed,
    responses::{Responses, ended},
};
use crate::{
    Gateway,
    realtime::{
        SPREAD,
        event::{Batch, Event},
        hub::Entered,
        serve::share,
        session::{Ending, Item},
    },
};

/// A response is sent at least so often.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How often it is checked whether the app and the users may still do so.
const CHECK: Duration = Duration::from_secs(3);

/// A subscription.
pub(super) struct Subscription {
    pub gateway: Gateway,
    pub allowed: Allowed,
    pub app: Arc<App>,
    pub caller: Caller,
    pub users: Vec<UserId>,
    pub responses: Responses,
}

/// The client's position.
struct Position {
    /// Where it continues.
    cursor: Arc<str>,
    /// When the last response was sent.
    sent_at: Instant,
}

impl Subscription {
    /// Until it ends or its client has disconnected.
    pub async fn run(self, mut entered: Entered, since: Option<String>) {
        let end = tokio::select! {
            () = self.responses.closed() => None,
            end = self.serve(&mut entered, since) => end.err(),
        };
        // Events queued for the client are dropped with it.
        drop(entered);
        if let Some(status) = end {
            self.responses.end(status);
        }
    }

    async fn serve(&self, entered: &mut Entered, since: Option<String>) -> Result<Infallible, Status> {
        let stopping = self.gateway.stopping().clone();
        // Also while the past is sent, however long that takes.
        let end = tokio::select! {
            end = self.follow(entered, since) => end,
            error = self.refused() => Err(status_from_error(error)),
            () = stopping.draining() => Err(status_from_error(Error::new(Reason::Unavailable, "the server restarts"))),
        };
        if stopping.is_draining() || stopping.is_triggered() {
            let within = SPREAD.min(self.gateway.sockets().longest_drain());
            sleep(within.mul_f64(share(self.users.first().copied().unwrap_or(UserId::ADMIN)))).await;
        }
        end
    }

    /// Until the app or one of the users may do so no longer.
    async fn refused(&self) -> Error {
        let mut check = interval(CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            check.tick().await;
            match self.allowed.check(&self.caller, &self.users).await {
                Err(error) if !error.reason().is_transient() => return error,
                Ok(()) | Err(_) => {}
            }
        }
    }

    async fn follow(&self, entered: &mut Entered, since: Option<String>) -> Result<Infallible, Status> {
        entered.inbox.skip_to_entered().await.map_err(|why| ended(&why))?;
        if let Some(since) = &since {
            self.catch_up(&mut entered.inbox, (since, &entered.cursor)).await?;
        }
        let mut position = Position { cursor: Arc::clone(&entered.cursor), sent_at: Instant::now() };
        self.send(entered, &mut position, Vec::new()).await?;
        loop {
            tokio::select! {
                item = entered.inbox.next(true) => self.take(entered, &mut position, item).await?,
                () = sleep_until(position.sent_at + HEARTBEAT) => {
                    self.send(entered, &mut position, Vec::new()).await?;
                }
            }
        }
    }

    async fn take(
        &self,
        entered: &mut Entered,
        position: &mut Position,
        item: Result<Item, Ending>,
    ) -> Result<(), Status> {
        let Item::Batch(batch) = item.map_err(|why| ended(&why))? else { return Ok(()) };
        if !batch.missed.is_empty() {
            self.send_missed(entered, position, &batch).await?;
        }
        if !batch.joined.is_empty() {
            // A client that continues from its last cursor gets again what it has of them.
            self.send(entered, position, events(&batch)).await?;
            for joined in &batch.joined {
                self.read_joined(&mut entered.inbox, &position.cursor, joined).await?;
            }
            position.cursor = batch.cursor;
            return self.send(entered, position, Vec::new()).await;
        }
        position.cursor = Arc::clone(&batch.cursor);
        self.send(entered, position, events(&batch)).await
    }

    /// Rooms of which messages were dropped, since the client takes its events slowly.
    async fn send_missed(&self, entered: &mut Entered, position: &Position, batch: &Batch) -> Result<(), Status> {
        let missed = |(conversation, user): &(ConversationId, UserId)| pb::MissedConversation {
            user_id: user.0,
            conversation: Some((*conversation).into()),
        };
        let missed = batch.missed.iter().map(missed).collect();
        let response = pb::SubscribeResponse { events: Vec::new(), cursor: position.cursor.to_string(), missed };
        self.responses.send(&mut entered.inbox, response).await
    }

    async fn send(
        &self,
        entered: &mut Entered,
        position: &mut Position,
        events: Vec<pb::SubscribedEvent>,
    ) -> Result<(), Status> {
        let response = pb::SubscribeResponse { events, cursor: position.cursor.to_string(), missed: Vec::new() };
        self.responses.send(&mut entered.inbox, response).await?;
        position.sent_at = Instant::now();
        Ok(())
    }
}

fn events(batch: &Batch) -> Vec<pb::SubscribedEvent> {
    let mut users: Vec<Vec<i64>> = vec![Vec::new(); batch.events.len()];
    for (place, user) in &batch.users {
        users[*place].push(user.0);
    }
    batch.events.iter().zip(users).map(|(it, users)| event(it, users)).collect()
}

/// An event for these users.
pub(super) fn event(event: &Event, mut user_ids: Vec<i64>) -> pb::SubscribedEvent {
    user_ids.sort_unstable();
    pb::SubscribedEvent { event: Some(event.event.wire_for_users()), user_ids }
}
