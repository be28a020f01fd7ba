//! Threads on the wire.

use tidings_domain::{Error, MsgId, UserId};
use tidings_proto::{malformed_page_token, page_start, pb, timestamp};

use super::size;
use crate::{
    model::group::{Group, NewThread},
    store::thread::{Listed, Range},
};

/// Default page size.
const PAGE: i32 = 50;

impl From<pb::CreateThreadRequest> for NewThread {
    fn from(wire: pb::CreateThreadRequest) -> Self {
        let owner = wire.owner_id.map(UserId);
        let viewers = wire.viewer_ids.into_iter().map(UserId).collect();
        Self { group: wire.group_id, msg: MsgId(wire.msg_id), owner, name: wire.name, viewers }
    }
}

/// The page of a list.
pub(crate) fn range(wire: &pb::ListThreadsRequest) -> Result<Range, Error> {
    let limit = size(wire.page_size, PAGE)?;
    let after = match wire.page_token.as_str() {
        "" => None,
        token => {
            let (place, id) = token.split_once('.').ok_or_else(malformed_page_token)?;
            Some((page_start(place)?, page_start(id)?))
        }
    };
    Ok(Range { oldest_first: wire.oldest_first, after, limit })
}

/// A page of a list, and where the next one starts.
pub(crate) fn page((threads, next): (Vec<Listed>, Option<(i64, i64)>)) -> pb::ListThreadsResponse {
    let next_page_token = next.map(|(place, id)| format!("{place}.{id}")).unwrap_or_default();
    pb::ListThreadsResponse { threads: threads.into_iter().map(Into::into).collect(), next_page_token }
}

impl From<Group> for pb::Thread {
    fn from(thread: Group) -> Self {
        Self {
            id: thread.id,
            group_id: thread.parent_group,
            msg_id: thread.parent_msg.0,
            name: thread.name,
            owner_id: thread.owner.0,
            created_at: Some(timestamp(thread.created_at)),
            member_count: thread.member_count as i32,
        }
    }
}

impl From<Listed> for pb::Thread {
    fn from(thread: Listed) -> Self {
        Self {
            id: thread.id,
            group_id: thread.group,
            msg_id: thread.msg.0,
            name: thread.name,
            owner_id: thread.owner.0,
            created_at: Some(timestamp(thread.created_at)),
            member_count: 0,
        }
    }
}
