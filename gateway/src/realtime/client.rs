//! The client of a session, and the commands of every wire format.

use std::sync::Arc;

use tidings_dialects::agora::Refusal;
use tidings_domain::{
    Actor, App, Caller, ConversationId, Draft, Error, MsgId, Platform, Reason, Sent, StoredFile, UnixMillis, UserId,
};
use tidings_proto::{
    moment_or_zero,
    pb::{self, app_ref},
};
use tidings_runtime::context;

use super::{
    device::Device,
    peer::Peer,
    tokens::{Checked, Tokens},
};
use crate::{
    Gateway, agora,
    identity::{Identity, Who},
    limits::of_messages,
    reply::refused,
};

/// The client of a session.
#[derive(Clone)]
pub(crate) struct Client {
    pub gateway: Gateway,
    pub identity: Arc<Identity>,
    pub caller: Caller,
    pub user: UserId,
    pub username: Arc<str>,
    /// The name of a device of which only one session is open; empty: there may be several.
    pub device: Arc<str>,
    /// The device as others see it.
    pub shown: Device,
    /// The app's base URL, for files that a message names by their uuid.
    pub base: Arc<str>,
    /// Checked again while the client is connected.
    pub tokens: Arc<Tokens>,
}

impl Client {
    /// The client with that user's token.
    pub async fn of(gateway: &Gateway, peer: &Peer, app_key: &str, token: &str, shown: Device) -> Result<Self, Error> {
        let identity = gateway.identities().of(app_ref::App::AppKey(app_key.to_owned()), token).await?;
        let Who::User { id, username } = &identity.who else {
            return Err(Error::invalid("token", "must be a user's token"));
        };
        let (user, username) = (*id, Arc::from(username.as_str()));
        let actor = Actor::User(user);
        let caller = Caller { app: identity.app.id, actor, address: peer.address, platform: Platform::RestApi };
        let base = Arc::from(format!("{}/{}/{}", peer.base, identity.app.org, identity.app.name));
        let tokens = Arc::new(Tokens::new(Checked::new(token, identity.expires_at())));
        let (gateway, device) = (gateway.clone(), Arc::clone(&shown.replaces));
        Ok(Self { gateway, identity, caller, user, username, device, shown, base, tokens })
    }

    /// The client has a new token of its user: the session goes on with it. Returns when that ends.
    pub async fn renew(&self, token: &str) -> Result<Option<UnixMillis>, Error> {
        let current = self.tokens.current(self.gateway.now());
        if current.token.expose() == token {
            return Ok(current.ends_at);
        }
        let identity = self.gateway.identities().of(app_ref::App::Id(self.caller.app.0), token).await?;
        match identity.who {
            Who::User { id, .. } if id == self.user => {
                self.tokens.replace(Checked::new(token, identity.expires_at()));
                Ok(identity.expires_at())
            }
            _ => Err(Error::new(Reason::TokenForeign, "")),
        }
    }

    pub fn app(&self) -> &App {
        &self.identity.app
    }

    /// The same rules as for the REST call, as the user themselves. Returns the messages, and when they were committed.
    pub async fn append(&self, mut draft: Draft) -> Result<(Vec<Sent>, i64), Refusal> {
        agora::send::check_from(&self.identity, &draft)?;
        // Only the app writes to names that nobody has yet: a user could make any number of them.
        draft.accept_unknown_names = false;
        if let Some(media) = draft.content.body.media_mut().filter(|media| StoredFile::is_path(&media.url)) {
            media.url = format!("{}{}", self.base, media.url);
        }
        // The rates are those of now, not of when the client connected.
        let anybody = self.gateway.identities().of(app_ref::App::Id(self.caller.app.0), "").await?;
        self.gateway.limits().take(&anybody.app, &of_messages(&draft)).await.map_err(|(error, _)| error)?;
        let request = context::request(&self.caller, draft.into());
        let reply = self.gateway.clients().message.clone().send(request).await.map_err(refused)?.into_inner();
        let sent = reply.sent.into_iter().map(TryInto::try_into).collect::<Result<Vec<Sent>, Error>>()?;
        Ok((sent, moment_or_zero(reply.committed_at).0))
    }

    /// The user has read everything up to a message; 0 is the newest of the conversation.
    pub async fn mark_read(&self, conversation: Option<ConversationId>, msg_id: MsgId) -> Result<Marked, Error> {
        let (conversation, msg_id) = (conversation.map(Into::into), msg_id.0);
        let request = pb::MarkReadRequest { user_id: None, conversation, msg_id };
        let mut conversations = self.gateway.clients().conversation.clone();
        let reply =
            conversations.mark_read(context::request(&self.caller, request)).await.map_err(refused)?.into_inner();
        let conversation = reply.conversation.map(TryInto::try_into).transpose()?;
        Ok(Marked { moved: reply.moved, conversation, msg_id: MsgId(reply.msg_id) })
    }

    /// A device of the user has everything up to a message.
    pub async fn mark_delivered(&self, conversation: Option<ConversationId>, msg_id: MsgId) -> Result<Marked, Error> {
        let (conversation, msg_id) = (conversation.map(Into::into), msg_id.0);
        let request = pb::MarkDeliveredRequest { user_id: None, conversation, msg_id };
        let mut conversations = self.gateway.clients().conversation.clone();
        let reply = conversations.mark_delivered(context::request(&self.caller, request)).await;
        let reply = reply.map_err(refused)?.into_inner();
        let conversation = reply.conversation.map(TryInto::try_into).transpose()?;
        Ok(Marked { moved: reply.moved, conversation, msg_id: MsgId(reply.msg_id) })
    }
}

/// The outcome of moving a mark.
pub(crate) struct Marked {
    /// False: it was already there or further.
    pub moved: bool,
    /// Of the message, if it is known.
    pub conversation: Option<ConversationId>,
    /// The mark after the call.
    pub msg_id: MsgId,
}
