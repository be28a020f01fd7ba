//! Contacts and block lists over this wire, under the rules of the REST calls.

use tidings_dialects::agora::{Refusal, msync::RosterAction};
use tidings_domain::{Error, Reason, UserId, Username};
use tidings_proto::pb;
use tidings_runtime::context;

use crate::{agora, realtime::client::Client, reply::refused};

/// Does it with each of them, until one is refused.
pub(super) async fn carry_out(
    client: &Client,
    action: RosterAction,
    users: &[Username],
    text: &str,
) -> Result<(), Refusal> {
    for name in users {
        let other = agora::user_named(&client.gateway, &client.caller, name).await?;
        with(client, action, other, text).await?;
    }
    Ok(())
}

async fn with(client: &Client, action: RosterAction, UserId(other): UserId, text: &str) -> Result<(), Error> {
    let mut directory = client.gateway.clients().directory.clone();
    let caller = &client.caller;
    match action {
        RosterAction::Ask => {
            let request = pb::RequestContactRequest { contact_id: other, text: text.to_owned(), ..Default::default() };
            match directory.request_contact(context::request(caller, request)).await.map_err(refused) {
                // As over REST.
                Err(error) if error.reason() != Reason::AlreadyContact => return Err(error),
                _ => {}
            }
        }
        RosterAction::Remove => {
            let request = pb::RemoveContactRequest { user_id: None, contact_id: other };
            directory.remove_contact(context::request(caller, request)).await.map_err(refused)?;
        }
        RosterAction::Accept | RosterAction::Decline => {
            let accept = action == RosterAction::Accept;
            let request = pb::DecideContactRequest { user_id: None, from_id: other, accept };
            directory.decide_contact(context::request(caller, request)).await.map_err(refused)?;
        }
        RosterAction::Block | RosterAction::Unblock => {
            let blocked = action == RosterAction::Block;
            let request = pb::BlockUsersRequest { user_id: None, blocked_ids: vec![other], blocked };
            directory.block_users(context::request(caller, request)).await.map_err(refused)?;
        }
    }
    Ok(())
}
