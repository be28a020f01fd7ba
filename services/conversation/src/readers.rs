//! Who has read one message, for an operator.

use tidings_domain::{AppId, ConversationId, Error, MsgId, UnixMillis, UserId};
use tidings_store::Db;

use crate::store::{
    marks_of_app,
    reader::{self, OfMessage},
};

/// Readers that are listed at most.
const MOST: i64 = 1000;

/// A reader, and when their mark moved last.
pub type Reader = (UserId, UnixMillis);

/// Who has read a message, at most the first 1000, and how many they are. Rooms have no readers.
pub async fn readers(
    db: &Db,
    app: AppId,
    conversation: ConversationId,
    (msg_id, sender): (MsgId, UserId),
) -> Result<(Vec<Reader>, i64), Error> {
    match conversation {
        ConversationId::Group(group) => {
            let of = OfMessage { app, group, msg_id, sender };
            Ok((reader::page(db, of, UserId(0), MOST).await?, reader::count(db, of).await?))
        }
        ConversationId::Direct(low, high) => {
            let marks = marks_of_app::of_direct(db, app, (low, high)).await?;
            let covers = |(user, read, _, since): &marks_of_app::DirectMark| {
                *user != sender && *read >= msg_id && *since < msg_id
            };
            let readers: Vec<Reader> =
                marks.into_iter().filter(covers).map(|(user, _, at, _)| (user, UnixMillis(at))).collect();
            let count = readers.len() as i64;
            Ok((readers, count))
        }
        ConversationId::Room(_) => Ok((Vec::new(), 0)),
    }
}
