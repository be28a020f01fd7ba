//! Sets one of a user's marks on conversations, or removes it.

use tidings_domain::{Caller, ConversationId, Error, Reason, UserId};

use crate::{
    Deps,
    store::{mark as store, pin},
};

/// Maximum number of conversations under one mark of a user.
const MOST: i64 = 1_000;
/// Maximum number of conversations per call.
const AT_ONCE: usize = 100;
/// The number of marks.
const MARKS: i32 = 20;

/// Refuses a mark that there is not.
pub fn check_mark(mark: i32) -> Result<(), Error> {
    if (0..MARKS).contains(&mark) { Ok(()) } else { Err(Error::invalid("mark", "must be from 0 to 19")) }
}

/// Marks them, the last one above the others, or removes the mark. Returns those that were ignored: groups that the user
/// is not in, and conversations of others. A mark can be removed from any.
pub async fn mark_conversations(
    deps: &Deps,
    caller: &Caller,
    user: UserId,
    mark: i32,
    places: Vec<ConversationId>,
    marked: bool,
) -> Result<Vec<ConversationId>, Error> {
    check_mark(mark)?;
    if places.is_empty() || places.len() > AT_ONCE {
        return Err(Error::invalid("conversations", "must be 1 to 100"));
    }
    let (mut kept, mut ignored) = (Vec::with_capacity(places.len()), Vec::new());
    for place in places {
        if !marked || is_open(deps, caller, user, place).await? {
            kept.push(place);
        } else {
            ignored.push(place);
        }
    }
    let owner = (caller.app, user);
    let mut tx = deps.db.begin().await?;
    if marked {
        let mut numbered = Vec::with_capacity(kept.len());
        for place in kept {
            numbered.push((place, pin::next(&mut tx, caller.app, user).await?));
        }
        store::add(&mut tx, owner, mark, &numbered).await?;
        if store::count(&mut tx, caller.app, user, mark).await? > MOST {
            return Err(Error::invalid(
                "conversations",
                "cannot be marked: at most 1000 conversations can have a mark",
            ));
        }
    } else {
        store::remove(&mut tx, owner, mark, &kept).await?;
    }
    tx.commit().await?;
    Ok(ignored)
}

/// Whether it is a conversation of the user.
async fn is_open(deps: &Deps, caller: &Caller, user: UserId, place: ConversationId) -> Result<bool, Error> {
    let outcome = match place {
        ConversationId::Direct(..) => place.check_party(user),
        ConversationId::Group(_) | ConversationId::Room(_) => {
            let reader = Caller { actor: tidings_domain::Actor::User(user), ..caller.clone() };
            deps.directory.check_member(&reader, place).await.map(drop)
        }
    };
    match outcome {
        Ok(()) => Ok(true),
        Err(error) => match error.reason() {
            Reason::NotPermitted | Reason::NotGroupMember | Reason::GroupNotFound => Ok(false),
            _ => Err(error),
        },
    }
}
