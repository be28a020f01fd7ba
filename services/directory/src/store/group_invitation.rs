//! Invitations to groups that wait for their users.

use std::sync::LazyLock;

use tidings_domain::{AppId, Error, UnixMillis, UserId};
use tidings_store::{Column, Db, Engine, Gather, Kind, ManyRows, Tx, on_tx};

use super::keyed;
use crate::model::sharing::Invitation;

/// Inviting again changes inviter and text, and makes the invitation a new one.
static UPSERT: LazyLock<ManyRows> = LazyLock::new(|| {
    let columns = [
        ("app_id", Kind::Int),
        ("group_id", Kind::Int),
        ("user_id", Kind::Int),
        ("inviter_id", Kind::Int),
        ("made_at", Kind::Int),
        ("text", Kind::Text),
    ];
    ManyRows::new(
        &columns,
        "insert into group_invitation (app_id, group_id, user_id, inviter_id, made_at, text)
        select r.app_id, r.group_id, r.user_id, r.inviter_id, r.made_at, r.text from r where true
        on conflict (app_id, group_id, user_id) do update set
            inviter_id = excluded.inviter_id, made_at = excluded.made_at, text = excluded.text",
    )
});

static LIST: LazyLock<Gather> = LazyLock::new(|| {
    let query = "
    select group_id, inviter_id, text, made_at from group_invitation
    where app_id = $1 and user_id = $2 and (made_at, group_id) > ($3, $4)
    order by made_at, group_id limit $5";
    Gather::new(&["group_id", "inviter_id", "text", "made_at"], query)
});

const TAKE: &str = "delete from group_invitation where app_id = $1 and group_id = $2 and user_id = $3 and made_at > $4";
static DELETE: LazyLock<ManyRows> = LazyLock::new(|| keyed::delete_from("group_invitation"));
const FORGET: &str = "delete from group_invitation where app_id = $1 and user_id = $2";

pub(crate) fn all(engine: Engine) -> Vec<String> {
    let fixed = vec![TAKE.to_owned(), FORGET.to_owned(), LIST.text(engine)];
    [fixed, UPSERT.texts(engine), DELETE.texts(engine)].concat()
}

pub(crate) async fn upsert(tx: &mut Tx, app: AppId, invitation: &Invitation, users: &[UserId]) -> Result<(), Error> {
    let [apps, groups, ids] = keyed::rows(app, invitation.group, users);
    let rows = [
        apps,
        groups,
        ids,
        Column::Int(vec![invitation.inviter.0; users.len()]),
        Column::Int(vec![invitation.made_at.0; users.len()]),
        Column::Text(vec![Some(invitation.text.as_str()); users.len()]),
    ];
    UPSERT.execute(tx, &rows).await
}

/// A user's invitations after the one made then to that group, oldest first.
pub(crate) async fn list(
    db: &Db,
    app: AppId,
    user: UserId,
    (made_at, group): (i64, i64),
    limit: i64,
) -> Result<Vec<Invitation>, Error> {
    let rows: Vec<(i64, i64, String, i64)> = LIST.read(db, &[app.0, user.0, made_at, group, limit]).await?;
    let invitation = |(group, inviter, text, made_at)| Invitation {
        group,
        inviter: UserId(inviter),
        text,
        made_at: UnixMillis(made_at),
    };
    Ok(rows.into_iter().map(invitation).collect())
}

/// Ends a user's invitation that was made after `since`; false when there was none.
pub(crate) async fn take(tx: &mut Tx, app: AppId, group: i64, user: UserId, since: UnixMillis) -> Result<bool, Error> {
    let taken = on_tx!(tx, |c| sqlx::query(TAKE)
        .bind(app.0)
        .bind(group)
        .bind(user.0)
        .bind(since.0)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(taken > 0)
}

/// Ends the invitations of several users, if there are any.
pub(crate) async fn delete(tx: &mut Tx, app: AppId, group: i64, users: &[UserId]) -> Result<(), Error> {
    DELETE.execute(tx, &keyed::rows(app, group, users)).await
}

/// Ends a user's invitations to every group.
pub(crate) async fn forget(tx: &mut Tx, app: AppId, user: UserId) -> Result<(), Error> {
    on_tx!(tx, |c| sqlx::query(FORGET).bind(app.0).bind(user.0).execute(c).await.map(drop))
}
