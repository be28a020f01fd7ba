//! Sends one content to one or many users, groups and rooms.

use super::{
    once::{self, Once},
    places::{self, Found},
};
use crate::{
    Deps,
    appender::{Appender, Call, Disposition, Refused, Reply},
    content::StoredContent,
    origin::Origin,
    row_options::{self, Flags},
    screening::{ModerationScope, ScreeningRequest, Verdict},
    store::key::NewKey,
};
use tidings_directory_client::DirectoryCache;
use tidings_domain::{App, Caller, Content, Draft, Error, Reason, UserId};

/// Sends the draft, or returns the first answer of the same call. `request` is the canonical request without its keys.
pub async fn send(
    deps: &Deps,
    appender: &Appender,
    (caller, app): (&Caller, &App),
    draft: Draft,
    scope: ModerationScope,
    request: &[u8],
) -> Result<Reply, Error> {
    send_or_report(deps, appender, (caller, app), draft, (scope, Ok(())), request).await
}

/// The same for a caller with this state: refused with its error, if it is one.
///
/// A refusal is an event for each conversation that the reason applies to (decision 37), written as a message would be:
/// through the queue, in one transaction with the answer under the call's key, and at no more than the cost of a
/// message. Rates count it as a send. Parts of a broadcast, which have no particular receiver, are not reported.
pub async fn send_or_report(
    deps: &Deps,
    appender: &Appender,
    (caller, app): (&Caller, &App),
    draft: Draft,
    (scope, standing): (ModerationScope, Result<(), Error>),
    request: &[u8],
) -> Result<Reply, Error> {
    let Deps { db, directory, .. } = deps;
    let now = deps.clock.now();
    let (idempotency_key, transaction_id) = (draft.idempotency_key.as_deref(), draft.transaction_id);
    let once = Once { call: &draft.call, idempotency_key, transaction_id };
    // A repetition that overtakes its first call is detected in the appender.
    let (key, earlier) = once::find_answer(db, (caller, app), once, request, now).await?;
    if let Some((new, answered)) = key.as_ref().zip(earlier.as_ref()) {
        return Reply::repeated(new, answered);
    }
    let most = app.policy.max_recipients;
    if draft.targets.len() > most {
        return Err(Error::new(Reason::TooManyRecipients, most.to_string()));
    }
    let content = within_limits(app, &draft.content, draft.targets.len())?;
    // A call that is refused anyway registers no names.
    let accept_unknown_names = draft.accept_unknown_names && standing.is_ok();
    let draft = Draft { accept_unknown_names, ..draft };
    let Found { sender, mut places, refused } = places::places(directory, (caller, app), &draft, now).await?;
    let mut refused = match (standing, refused) {
        (Err(error), _) => Some(Refused::of(error)?),
        (Ok(()), Some(verdict)) => {
            places.retain(|place| verdict.of.contains(&place.conversation));
            Some(verdict.why)
        }
        (Ok(()), None) => None,
    };
    let mut named = [Vec::new(), Vec::new()];
    if refused.is_none() {
        match others(directory, (caller, app), &draft).await {
            Ok(others) => named = others,
            Err(error) => refused = Some(Refused::of(error)?),
        }
    }
    let [audience, hidden_from] = named;
    let flags =
        Flags { system: draft.system, targeted: !audience.is_empty(), imported: false, by_app: caller.is_app() };
    let delivery = row_options::write(&audience, draft.delivery)?;
    let disposition = if draft.online_only {
        Disposition::Online { body: content.to_json_with(flags, delivery.as_deref()) }
    } else {
        Disposition::Kept
    };
    let mut call = Call {
        app: caller.app,
        sender,
        by_app: caller.is_app(),
        places,
        countable: draft.content.countable() && !flags.targeted,
        flags,
        delivery,
        hidden_from,
        origin: Origin::of(caller),
        disposition,
        sent_at: None,
        key,
        content,
        accepted_at: now,
    };
    if let Some(refused) = refused {
        if scope != ModerationScope::All {
            return Err(refused.into());
        }
        refuse(&mut call, refused, true);
        return appender.append(call).await;
    }
    let scope = if draft.system { ModerationScope::Nothing } else { scope };
    let params = ScreeningRequest {
        sender,
        places: &call.places,
        content: &draft.content,
        online_only: draft.online_only,
        targeted: flags.targeted,
    };
    let verdict = deps.screens.judge(directory, (caller, app), scope, params, (appender, now)).await?;
    apply_verdict(&mut call, app, scope, verdict)?;
    appender.append(call).await
}

/// Applies the verdict to the call.
fn apply_verdict(call: &mut Call, app: &App, scope: ModerationScope, verdict: Verdict) -> Result<(), Error> {
    match verdict {
        Verdict::Pass => {}
        Verdict::Changed { content, discarded } => {
            if let Some(content) = content {
                call.content = within_limits(app, &content, call.places.len())?;
                call.countable = content.countable() && !call.flags.targeted;
                if let Disposition::Online { body } = &mut call.disposition {
                    *body = call.content.to_json_with(call.flags, call.delivery.as_deref());
                }
            }
            for place in discarded {
                call.places[place].discarded = true;
            }
        }
        Verdict::Refused { refused, for_good } => {
            let is_reported = match refused.reason {
                Reason::RefusedByHook => app.policy.fire_on_refusal,
                _ => scope == ModerationScope::All,
            };
            if !for_good {
                if !is_reported {
                    return Err(refused.into());
                }
                call.key = call.key.take().map(until_it_is_back);
            }
            refuse(call, refused, is_reported);
        }
    }
    Ok(())
}

/// The call is sent nowhere; if it is reported, each of its targets gets an event.
fn refuse(call: &mut Call, error: Refused, is_reported: bool) {
    let body = is_reported.then(|| call.content.to_json(call.flags));
    call.disposition = Disposition::Refused { error, body };
}

/// A key in addition to the call's own. An unavailable server may recover, so the call's key stays free, but there is
/// only one event.
fn until_it_is_back(key: NewKey) -> NewKey {
    let mut key = key;
    key.key.key.insert_str(0, "away:");
    key
}

/// Users that the draft names in addition to its targets: its receivers, and those it is hidden from.
async fn others(
    directory: &DirectoryCache,
    (caller, app): (&Caller, &App),
    draft: &Draft,
) -> Result<[Vec<UserId>; 2], Error> {
    let audience = places::named(directory, (caller, app), draft, &draft.audience).await?;
    Ok([audience, places::named(directory, (caller, app), draft, &draft.hidden_from).await?])
}

/// Bytes of one stored message that every app may send; an app with a higher policy value may send more.
const MAX_CONTENT: usize = 128 * 1024;
/// Bytes of all messages of one call, with escapes decoded as for one message: what one transaction takes without
/// delaying the others for long.
pub const MAX_CALL: usize = 16 * 1024 * 1024;

/// The content as stored, within the limits of every protocol.
pub fn within_limits(app: &App, content: &Content, targets: usize) -> Result<StoredContent, Error> {
    let content = StoredContent::write(content)?;
    // Neutral fields in addition to the sender's own text: twice what the policy counts.
    let most = MAX_CONTENT.max(app.policy.max_content_bytes * 2 + app.policy.max_ext_bytes);
    let size = content.decoded_size();
    if size > most || size * targets > MAX_CALL {
        return Err(Error::new(Reason::MessageTooLarge, format!("{size} bytes for {targets}")));
    }
    Ok(content)
}
