//! Calls an app's server about a message, for each of its conversations.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use futures_util::{StreamExt as _, stream};
use tidings_dialects::{
    agora::{Event, pre_send_callback},
    tencent::{
        self, Authentication, Callback, Direct, GroupMessage, MsgKey, Parameters, before_send, group_before_send,
    },
};
use tidings_domain::{
    App, Caller, Content, ConversationId, GroupKind, Hook, HookForm, HookSubject, MsgId, UnixMillis, UserId,
};
use tidings_outbound::{HookQuestion, Outbound};
use tokio::time::{Instant, timeout_at};

use super::{ScreeningRequest, answer::Answer};
use crate::{appender::AppendTarget, origin::Origin};

/// Concurrent requests per call.
const AT_ONCE: usize = 64;
/// The total timeout of one hook for one call: well below the deadline of the call itself.
const TOGETHER: Duration = Duration::from_secs(12);

/// The data common to all requests.
#[derive(Debug, Clone, Copy)]
pub struct HookContext<'a> {
    pub app: &'a App,
    pub caller: &'a Caller,
    pub wanted: &'a ScreeningRequest<'a>,
    /// Of all users that have one.
    pub names: &'a HashMap<UserId, String>,
    /// The id shown to the hooks; no message has it.
    pub id: MsgId,
    pub now: UnixMillis,
}

/// The hook's decision for each target, by its index; `but` are left out.
pub async fn ask(
    outbound: &Outbound,
    hook: &Hook,
    asked: &HookContext<'_>,
    content: &Content,
    but: &[usize],
) -> Vec<(usize, Answer)> {
    // The vendor's format cannot express messages for some members only (agora.md 11.2).
    if hook.form == HookForm::Agora && asked.wanted.targeted {
        return Vec::new();
    }
    let until = Instant::now() + TOGETHER.max(hook.timeout);
    let places = asked.wanted.places.iter().enumerate();
    let is_asked = |place: &AppendTarget| hook.is_asked_about(HookSubject::Message, place.conversation.kind());
    let places = places.filter(|(number, place)| is_asked(place) && !but.contains(number));
    let questions: Vec<_> = places
        .map(|(number, place)| Question { hook, asked, place, content }.ask_until(outbound, number, until))
        .collect();
    stream::iter(questions).buffered(AT_ONCE).collect().await
}

/// One request.
struct Question<'a> {
    hook: &'a Hook,
    asked: &'a HookContext<'a>,
    place: &'a AppendTarget,
    content: &'a Content,
}

impl Question<'_> {
    async fn ask_until(self, outbound: &Outbound, number: usize, until: Instant) -> (usize, Answer) {
        (number, timeout_at(until, self.ask(outbound)).await.unwrap_or(Answer::None))
    }

    async fn ask(&self, outbound: &Outbound) -> Answer {
        match self.post(outbound).await {
            Ok((status, answer)) => Answer::read(self.hook.form, status, &answer, self.content),
            Err(error) => {
                tracing::warn!(app = %self.asked.app.id, hook = self.hook.id, error, "a hook did not answer");
                Answer::None
            }
        }
    }

    async fn post(&self, outbound: &Outbound) -> Result<(u16, Vec<u8>), String> {
        let (url, body) = match self.hook.form {
            HookForm::Tencent => self.in_tencents_form(),
            HookForm::Agora => (self.hook.url.clone(), self.in_agoras_form()),
        };
        let Hook { timeout, allow_private, .. } = *self.hook;
        let trace = Origin::of(self.asked.caller).trace;
        HookQuestion { url, body, timeout, allow_private, trace }.ask(outbound).await
    }

    fn in_tencents_form(&self) -> (String, Vec<u8>) {
        let HookContext { app, caller, wanted, id, now, .. } = *self.asked;
        let from = self.account(wanted.sender);
        let (callback, body) = match (self.place.conversation, self.place.conversation.peer_of(wanted.sender)) {
            (ConversationId::Direct(..), peer) => {
                // It has no number yet: those of its key are of the request.
                let key = MsgKey::of(0, id, now);
                let to = self.account(peer.unwrap_or(wanted.sender));
                let (online_only, content) = (wanted.online_only, self.content);
                let direct = Direct { from: &from, to: &to, key, online_only, content, event_time: Some(now) };
                (Callback::C2cBeforeSend, before_send(&direct))
            }
            (ConversationId::Group(_) | ConversationId::Room(_), _) => {
                let is_room = matches!(self.place.conversation, ConversationId::Room(_));
                let said = GroupMessage {
                    group: self.place.receiver,
                    kind: if is_room { GroupKind::Room } else { GroupKind::Group },
                    from: &from,
                    operator: &self.account(caller.actor.user()),
                    msg_id: id,
                    online_only: wanted.online_only,
                    content: self.content,
                    event_time: now,
                };
                (Callback::GroupBeforeSend, group_before_send(&said))
            }
        };
        let parameters = Parameters {
            sdk_appid: app.sdk_appid,
            command: callback.command(),
            client_ip: caller.address,
            platform: Origin::of(caller).platform,
            authentication: self
                .hook
                .token
                .as_deref()
                .map(|token| Authentication { token, request_time: now.0 / 1000 }),
        };
        (tencent::query(&self.hook.url, &parameters), body)
    }

    fn in_agoras_form(&self) -> Vec<u8> {
        let HookContext { app, wanted, id, now, .. } = *self.asked;
        let name = |user: UserId| {
            if user == UserId::ADMIN {
                return "admin".to_owned();
            }
            self.name(user).map_or_else(|| user.to_string(), str::to_ascii_lowercase)
        };
        let to = match self.place.conversation.peer_of(wanted.sender) {
            Some(peer) => name(peer),
            None => self.place.receiver.to_string(),
        };
        let event = Event {
            app,
            secret: self.hook.token.as_deref().unwrap_or_default(),
            timestamp: now,
            kind: self.place.conversation.kind(),
            from: &name(wanted.sender),
            to: &to,
            id: &id.to_string(),
            host: "",
        };
        pre_send_callback(&event, &format!("{}-{}-{}", id, self.hook.id, self.place.receiver), self.content)
    }

    fn name(&self, user: UserId) -> Option<&str> {
        self.asked.names.get(&user).map(String::as_str).filter(|name| !name.is_empty())
    }

    fn account(&self, user: UserId) -> Cow<'_, str> {
        tencent::account(self.name(user), user)
    }
}
