//! Events from before a subscription began, user by user.

use tidings_domain::{Actor, Caller, Error, Reason, UserId};
use tidings_proto::{pb, status_from_error};
use tonic::Status;

use super::follow::{Subscription, event};
use crate::realtime::{
    catch_up::{CatchUp, MissedEvents},
    event::Joined,
    session::Inbox,
};

impl Subscription {
    /// Between two cursors. Until all of it was sent, the first is the one to continue from.
    pub async fn catch_up(&self, inbox: &mut Inbox, (after, upto): (&str, &str)) -> Result<(), Status> {
        for user in &self.users {
            let past = CatchUp::open(&self.gateway, &self.as_user(*user), after, upto).await;
            let past = past.map_err(|error| {
                let is_cursor = error.reason() == Reason::InvalidArgument;
                status_from_error(if is_cursor {
                    Error::invalid("cursor", "is not a cursor of this app")
                } else {
                    error
                })
            })?;
            self.send_past(inbox, (*user, after), past).await?;
        }
        Ok(())
    }

    /// What happened in a group or room since a user entered it, while the feed had not said so yet.
    pub async fn read_joined(&self, inbox: &mut Inbox, cursor: &str, joined: &Joined) -> Result<(), Status> {
        let past = CatchUp::of_joined(&self.gateway, &self.as_user(joined.user), joined).await;
        self.send_past(inbox, (joined.user, cursor), past.map_err(status_from_error)?).await
    }

    fn as_user(&self, user: UserId) -> Caller {
        Caller { actor: Actor::User(user), ..self.caller.clone() }
    }

    async fn send_past(
        &self,
        inbox: &mut Inbox,
        (user, cursor): (UserId, &str),
        mut past: CatchUp,
    ) -> Result<(), Status> {
        let next = async |past: &mut CatchUp| past.next(&self.gateway, &self.app).await.map_err(status_from_error);
        while let Some(MissedEvents { events, incomplete }) = next(&mut past).await? {
            let missed = incomplete.into_iter().map(|conversation| pb::MissedConversation {
                user_id: user.0,
                conversation: Some(conversation.into()),
            });
            let response = pb::SubscribeResponse {
                events: events.iter().map(|it| event(it, vec![user.0])).collect(),
                cursor: cursor.to_owned(),
                missed: missed.collect(),
            };
            self.responses.send(inbox, response).await?;
        }
        Ok(())
    }
}
