//! What a user has not got on any device: for a device that is not known.

use std::sync::Arc;

use tidings_dialects::agora::Names;
use tidings_domain::{ConversationId, Error, Message, MsgId};
use tidings_proto::pb;
use tidings_runtime::context;

use super::{entries::entry_of_message, queues::Queues};
use crate::{agora, realtime::client::Client, reply::refused};

/// Messages of a conversation that are delivered; their histories have the others.
const MOST: i64 = 200;
/// Conversations of a page of the list.
const PAGE: i32 = 200;

/// Adds the user's unread messages that are on no device, as far as there is room: of each conversation the newest, with
/// the most recent conversations first. Returns them: those that were sent just now come with the feed as well.
pub(super) async fn add_undelivered(
    client: &Client,
    queues: &mut Queues,
    app_key: &str,
) -> Result<Vec<(ConversationId, MsgId)>, Error> {
    let mut conversations = client.gateway.clients().conversation.clone();
    let mut added = Vec::new();
    let request = pb::ListConversationsRequest { user_id: None, page_size: PAGE, page_token: String::new() };
    let listed = conversations.list_conversations(context::request(&client.caller, request)).await;
    for listed in listed.map_err(refused)?.into_inner().conversations {
        if !queues.has_room() {
            break;
        }
        if listed.unread == 0 {
            continue;
        }
        let request = pb::ViewRequest { user_id: None, conversation: listed.conversation };
        let view = conversations.view(context::request(&client.caller, request)).await.map_err(refused)?.into_inner();
        let delivered = view.own.unwrap_or_default().delivered_msg_id;
        if listed.head_msg_id > delivered {
            for (message, names) in undelivered(client, listed.conversation, delivered).await? {
                let (queue, entry) = entry_of_message(&message, client.user, &names, app_key);
                queues.push(queue, entry);
                added.push((message.conversation, message.msg_id));
            }
        }
    }
    Ok(added)
}

/// In order.
async fn undelivered(
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
