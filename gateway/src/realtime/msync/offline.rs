//! Messages that the user has not received on any device, for an unknown device.

use std::{collections::HashSet, sync::Arc};

use tidings_dialects::agora::{Names, msync::Queue};
use tidings_domain::{Caller, ConversationId, Error, Message, MsgId};
use tidings_proto::{error_from_status, pb};
use tidings_runtime::context;

use super::{
    entries::{entry_of_message, is_sent},
    queues::{Entry, is_room},
};
use crate::{
    agora,
    realtime::{catch_up::CatchUp, client::Client},
    reply::refused,
};

/// Messages of a conversation that are delivered; their histories have the others.
const MOST: i64 = 200;
/// Conversations of a page of the list.
const PAGE: i32 = 200;

/// A message for a device.
pub(super) struct Undelivered {
    pub conversation: ConversationId,
    pub msg_id: MsgId,
    pub queue: Queue,
    pub entry: Entry,
}

/// The user's unread messages that are on no device, as far as there is room: of each conversation the newest, with the most
/// recent conversations first. Those after the cursor are left out: they come with the feed.
pub(super) async fn undelivered(client: &Client, cursor: &str, app_key: &str) -> Result<Vec<Undelivered>, Error> {
    let mut found = in_histories(client, app_key).await?;
    if !found.is_empty() {
        let later = sent_after(client, cursor).await?;
        found.retain(|one| !later.contains(&one.msg_id));
    }
    Ok(found)
}

/// The messages that are in the feed after a cursor. Of a conversation with very many some may be missing.
async fn sent_after(client: &Client, cursor: &str) -> Result<HashSet<MsgId>, Error> {
    let (gateway, app) = (&client.gateway, client.app());
    let newest = pb::EventsRequest { after: "now".to_owned(), kinds: Vec::new(), follow: false, batch: 1 };
    let request = context::request(&Caller::of_app(app.id), newest);
    let mut replies = gateway.clients().message.clone().events(request).await.map_err(refused)?.into_inner();
    let newest = replies.message().await.map_err(error_from_status)?.unwrap_or_default().cursor;
    let mut sent = HashSet::new();
    if newest != cursor {
        let mut past = CatchUp::open(gateway, &client.caller, cursor, &newest).await?;
        while let Some(part) = past.next(gateway, app).await? {
            let events = part.events.iter().filter(|event| is_sent(event));
            sent.extend(events.map(|event| MsgId(event.event.wire.msg_id)));
        }
    }
    Ok(sent)
}

async fn in_histories(client: &Client, app_key: &str) -> Result<Vec<Undelivered>, Error> {
    let mut conversations = client.gateway.clients().conversation.clone();
    let (mut found, mut bytes) = (Vec::new(), 0);
    let request = pb::ListConversationsRequest { user_id: None, page_size: PAGE, page_token: String::new() };
    let listed = conversations.list_conversations(context::request(&client.caller, request)).await;
    for listed in listed.map_err(refused)?.into_inner().conversations {
        if !is_room(found.len(), bytes) {
            break;
        }
        if listed.unread == 0 {
            continue;
        }
        let request = pb::ViewRequest { user_id: None, conversation: listed.conversation };
        let view = conversations.view(context::request(&client.caller, request)).await.map_err(refused)?.into_inner();
        let delivered = view.own.unwrap_or_default().delivered_msg_id;
        if listed.head_msg_id > delivered {
            for (message, names) in newest(client, listed.conversation, delivered).await? {
                let (queue, entry) = entry_of_message(&message, client.user, &names, app_key);
                bytes += entry.meta.len();
                let Message { conversation, msg_id, .. } = message;
                found.push(Undelivered { conversation, msg_id, queue, entry });
            }
        }
    }
    Ok(found)
}

/// In order.
async fn newest(
    client: &Client,
    conversation: Option<pb::ConversationId>,
    delivered: i64,
) -> Result<Vec<(Message, Arc<Names>)>, Error> {
    let request = pb::PageRequest { conversation, start_msg_id: 0, limit: MOST as i32, floor_msg_id: delivered };
    let page = client.gateway.clients().message.clone().page(context::request(&client.caller, request)).await;
    let page = page.map_err(refused)?.into_inner();
    let messages = page.messages.into_iter().map(TryInto::try_into).collect::<Result<Vec<Message>, Error>>()?;
    let mut users = Vec::with_capacity(messages.len() + 1);
    for message in &messages {
        users.push(message.sender);
        users.extend(message.conversation.peer_of(message.sender));
    }
    let names = Arc::new(agora::names_of(&client.gateway, &client.caller, users).await?);
    let of_others = messages.into_iter().rev().filter(|message| message.sender != client.user);
    Ok(of_others.map(|message| (message, Arc::clone(&names))).collect())
}
