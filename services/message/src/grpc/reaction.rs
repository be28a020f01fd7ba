//! Reactions in the gRPC API.

use tidings_domain::{Caller, Error, MsgId};
use tidings_proto::{page_size, page_start, page_token, pb, timestamp};
use tidings_runtime::context;

use crate::{
    app::{
        list_reactions::{OfMessage, ReactorQuery, Reactors},
        react::{Added, ReactCommand},
    },
    reacted::Reacted,
    store::reaction::{Listed, Reaction},
};

/// Default and maximum number of users on a page.
const MOST_USERS: i32 = 100;

/// What a call adds or removes.
pub(super) fn command(
    caller: &Caller,
    user_id: Option<i64>,
    msg_id: i64,
    reaction: String,
) -> Result<ReactCommand, Error> {
    let user = context::subject(caller, user_id)?;
    Ok(ReactCommand { msg_id: MsgId(msg_id), user, text: reaction })
}

/// A request for users of a reaction.
pub(super) fn query(caller: &Caller, wire: pb::ListReactorsRequest) -> Result<ReactorQuery, Error> {
    let pb::ListReactorsRequest { user_id, msg_id, reaction, page_size: asked, page_token } = wire;
    let user = context::subject(caller, user_id)?;
    let (limit, after) = (page_size(asked, MOST_USERS, MOST_USERS)?, page_start(&page_token)?);
    Ok(ReactorQuery { msg_id: MsgId(msg_id), user, text: reaction, limit, after })
}

/// The reaction of an event.
pub(super) fn event(reacted: Reacted) -> pb::Reaction {
    let Reacted { id, text, users, by_app: _ } = reacted;
    pb::Reaction { reaction_id: id, reaction: text, count: users, ..pb::Reaction::default() }
}

impl From<Reaction> for pb::Reaction {
    fn from(reaction: Reaction) -> Self {
        Self {
            reaction_id: reaction.id,
            reaction: reaction.text,
            count: reaction.users,
            created_at: Some(timestamp(reaction.made_at)),
            changed_at: Some(timestamp(reaction.changed_at)),
            ..Self::default()
        }
    }
}

impl From<Listed> for pb::Reaction {
    fn from(listed: Listed) -> Self {
        let Listed { msg_id: _, reaction, first, own } = listed;
        Self { own, user_ids: first.into_iter().map(|user| user.0).collect(), ..reaction.into() }
    }
}

impl From<Added> for pb::AddReactionResponse {
    fn from(added: Added) -> Self {
        let Added { conversation, reaction, added } = added;
        let reaction = pb::Reaction { own: true, ..reaction.into() };
        Self { reaction: Some(reaction), conversation: Some(conversation.into()), added }
    }
}

impl From<OfMessage> for pb::MessageReactions {
    fn from(of: OfMessage) -> Self {
        let OfMessage { msg_id, conversation, reactions } = of;
        let reactions = reactions.into_iter().map(Into::into).collect();
        Self { msg_id: msg_id.0, conversation: Some(conversation.into()), reactions }
    }
}

/// A page of the users of the reaction `text`.
pub(super) fn page(text: String, reactors: Reactors) -> pb::ListReactorsResponse {
    let Reactors { id, reaction, own, users, next } = reactors;
    let nobody = pb::Reaction { reaction_id: id, reaction: text, ..pb::Reaction::default() };
    let reaction = reaction.map_or(nobody, pb::Reaction::from);
    let reactors = users.iter().map(|it| pb::Reactor { user_id: it.user.0, added_at: Some(timestamp(it.made_at)) });
    pb::ListReactorsResponse {
        reaction: Some(pb::Reaction { own, ..reaction }),
        reactors: reactors.collect(),
        next_page_token: page_token(next),
    }
}
