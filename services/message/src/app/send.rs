//! Sends one content to one or many users, groups and rooms.

use super::{
    once::{self, Once},
    places,
};
use crate::{
    Deps,
    appender::{Appender, Call, Fate, Reply},
    content::StoredContent,
    delivery::{self, Flags},
    origin::Origin,
    screening::{Look, Verdict, Wanted},
    store::key,
};
use tidings_domain::{App, Caller, Content, Draft, Error, Reason};

/// Sends the draft, or gives the first answer of the same call. `request` is the canonical request without its keys.
pub async fn send(
    deps: &Deps,
    appender: &Appender,
    (caller, app): (&Caller, &App),
    draft: Draft,
    look: Look,
    request: &[u8],
) -> Result<Reply, Error> {
    let Deps { db, directory, .. } = deps;
    let now = deps.clock.now();
    let (idempotency_key, transaction_id) = (draft.idempotency_key.as_deref(), draft.transaction_id);
    let key = once::key(caller, app, Once { call: &draft.call, idempotency_key, transaction_id }, request, now);
    // Before anything else, so that a repetition is answered alike whatever changed since: a user who is gone, a
    // policy. A repetition that overtakes its first call meets it in the appender.
    if let Some(new) = &key
        && let Some(answered) = key::find(db, &new.key, now).await?
    {
        return Reply::repeated(new, &answered);
    }
    let most = app.policy.max_recipients;
    if draft.targets.len() > most {
        return Err(Error::new(Reason::TooManyRecipients, most.to_string()));
    }
    let content = bounded(app, &draft.content, draft.targets.len())?;
    let (sender, places) = places::places(directory, (caller, app), &draft, now).await?;
    let audience = places::named(directory, (caller, app), &draft, &draft.audience).await?;
    let flags =
        Flags { system: draft.system, targeted: !audience.is_empty(), imported: false, by_app: caller.is_app() };
    let fate = if draft.online_only { Fate::Online { body: content.to_json(draft.system) } } else { Fate::Kept };
    let mut call = Call {
        app: caller.app,
        sender,
        by_app: caller.is_app(),
        places,
        countable: draft.content.countable() && !flags.targeted,
        flags,
        delivery: delivery::write(&audience, draft.delivery)?,
        hidden_from: places::named(directory, (caller, app), &draft, &draft.hidden_from).await?,
        origin: Origin::of(caller),
        fate,
        sent_at: None,
        key,
        content,
        accepted_at: now,
    };
    let look = if draft.system { Look::Nothing } else { look };
    let wanted = Wanted {
        sender,
        places: &call.places,
        content: &draft.content,
        online_only: draft.online_only,
        targeted: flags.targeted,
    };
    let verdict = deps.screens.judge(directory, (caller, app), look, wanted, (appender, now)).await?;
    heed(&mut call, app, look, verdict)?;
    appender.append(call).await
}

/// Does with the call what was decided.
fn heed(call: &mut Call, app: &App, look: Look, verdict: Verdict) -> Result<(), Error> {
    match verdict {
        Verdict::Pass => {}
        Verdict::Changed { content, discarded } => {
            if let Some(content) = content {
                call.content = bounded(app, &content, call.places.len())?;
                call.countable = content.countable() && !call.flags.targeted;
                if let Fate::Online { body } = &mut call.fate {
                    *body = call.content.to_json(call.flags.system);
                }
            }
            for place in discarded {
                call.places[place].discarded = true;
            }
        }
        Verdict::Refused { refused, for_good: false } => return Err(refused.into()),
        Verdict::Refused { refused, for_good: true } => {
            let is_told = match refused.reason {
                Reason::RefusedByHook => app.policy.fire_on_refusal,
                _ => look == Look::All,
            };
            let body = is_told.then(|| call.content.to_json(call.flags.system));
            call.fate = Fate::Refused { error: refused, body };
        }
    }
    Ok(())
}

/// Bytes of one message as it is kept that every app may send; an app that allows more by policy may send more.
const MAX_CONTENT: usize = 128 * 1024;
/// Bytes of all messages of one call, with escapes decoded like those of one message: what one transaction takes without holding up the others for long.
pub const MAX_CALL: usize = 16 * 1024 * 1024;

/// The content as it is kept, within the bounds that hold for every door.
pub fn bounded(app: &App, content: &Content, targets: usize) -> Result<StoredContent, Error> {
    let content = StoredContent::write(content)?;
    // Neutral fields beside the sender's own text: twice what the policy counts.
    let most = MAX_CONTENT.max(app.policy.max_content_bytes * 2 + app.policy.max_ext_bytes);
    let size = content.decoded_size();
    if size > most || size * targets > MAX_CALL {
        return Err(Error::new(Reason::MessageTooLarge, format!("{size} bytes for {targets}")));
    }
    Ok(content)
}
