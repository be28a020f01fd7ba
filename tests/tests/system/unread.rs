//! Lists, unread counts, marks and history floors against a naive model (docs/internals/unread.md,
//! decision 5).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proptest::{
    prelude::{Just, Strategy, any, prop_oneof},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use tidings_domain::{ManualClock, UnixMillis};
use tidings_proto::pb::{self, content};
use tidings_testkit::{Suite, TestApp, fresh_database};
use tonic::Code;

use crate::{
    groups::{create_group, group_place, groups, text_to_group},
    log::{direct, refusal, refused, register, text, walk},
};

/// Users, by index; the last index is the app itself.
const USERS: usize = 3;
const APP: usize = USERS;
/// Groups follow. The second shows new members earlier messages.
const GROUPS: usize = 2;
const FIRST_GROUP: usize = APP + 1;
const OTHERS: usize = FIRST_GROUP + GROUPS;

/// A user's action. The other party of a user is a user, the app, or a group.
#[derive(Debug, Clone)]
enum Step {
    Send {
        from: usize,
        to: usize,
        countable: bool,
    },
    ReadNewest {
        user: usize,
        other: usize,
    },
    /// The message is picked among those of the conversation.
    ReadUpTo {
        user: usize,
        other: usize,
        pick: usize,
    },
    Delete {
        user: usize,
        other: usize,
    },
    /// Picked as above.
    Recall {
        user: usize,
        other: usize,
        pick: usize,
    },
    Join {
        user: usize,
        group: usize,
    },
    Leave {
        user: usize,
        group: usize,
    },
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let pair = || (0..USERS, 0..OTHERS);
    let member = || (0..USERS, 0..GROUPS);
    let receiver = prop_oneof![2 => 0..USERS, 3 => FIRST_GROUP..OTHERS];
    let send = (0..=APP, receiver, prop_oneof![3 => Just(true), 1 => Just(false)])
        .prop_map(|(from, to, countable)| Step::Send { from, to, countable });
    let newest = pair().prop_map(|(user, other)| Step::ReadNewest { user, other });
    let up_to = (pair(), any::<usize>()).prop_map(|((user, other), pick)| Step::ReadUpTo { user, other, pick });
    let delete = pair().prop_map(|(user, other)| Step::Delete { user, other });
    let recall = (pair(), any::<usize>()).prop_map(|((user, other), pick)| Step::Recall { user, other, pick });
    let join = member().prop_map(|(user, group)| Step::Join { user, group });
    let leave = member().prop_map(|(user, group)| Step::Leave { user, group });
    let step = prop_oneof![8 => send, 1 => newest, 3 => up_to, 1 => delete, 2 => recall, 3 => join, 1 => leave];
    proptest::collection::vec(step, 1..most)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Pair(usize, usize),
    Group(usize),
}

const fn place(one: usize, other: usize) -> Place {
    if other >= FIRST_GROUP {
        Place::Group(other - FIRST_GROUP)
    } else if one < other {
        Place::Pair(one, other)
    } else {
        Place::Pair(other, one)
    }
}

/// A naive model of everything: all messages, group members, and each user's cursors.
#[derive(Debug, Default)]
struct Model {
    conversations: BTreeMap<Place, Vec<Written>>,
    /// The newest message of the group when the user joined, by user and group.
    joined: BTreeMap<(usize, usize), i64>,
    /// Read, cleared, by user and conversation.
    marks: BTreeMap<(usize, Place), (i64, i64)>,
}

#[derive(Debug)]
struct Written {
    msg_id: i64,
    from: usize,
    countable: bool,
    recalled: bool,
}

impl Model {
    fn written(&self, place: Place) -> &[Written] {
        self.conversations.get(&place).map_or(&[], Vec::as_slice)
    }

    fn newest(&self, place: Place) -> i64 {
        self.written(place).last().map_or(0, |message| message.msg_id)
    }

    /// Messages up to here count for nothing with the user; `None` when they have no part in the conversation.
    fn counts_above(&self, user: usize, place: Place) -> Option<i64> {
        match place {
            Place::Pair(one, other) => (one == user || other == user).then_some(0),
            Place::Group(group) => self.joined.get(&(user, group)).copied(),
        }
    }

    /// Messages up to here are hidden from the user.
    fn hidden_up_to(&self, user: usize, place: Place) -> Option<i64> {
        let floor = self.counts_above(user, place)?;
        Some(if place == Place::Group(1) { 0 } else { floor })
    }

    /// The conversation in a list: the newest message that was not recalled, unless all were.
    fn listed(&self, place: Place) -> i64 {
        let left = self.written(place).iter().rev().find(|message| !message.recalled);
        left.map_or_else(|| self.newest(place), |message| message.msg_id)
    }

    /// The newest message as the user sees it.
    fn newest_seen(&self, user: usize, place: Place) -> Option<i64> {
        let hidden = self.hidden_up_to(user, place)?;
        Some(Some(self.newest(place)).filter(|newest| *newest > hidden).unwrap_or(0))
    }

    fn marks(&self, user: usize, place: Place) -> (i64, i64) {
        self.marks.get(&(user, place)).copied().unwrap_or_default()
    }

    /// The mark after it.
    fn read(&mut self, user: usize, place: Place, up_to: i64) -> i64 {
        let (read, _) = self.marks.entry((user, place)).or_default();
        *read = up_to.max(*read);
        *read
    }

    fn clear(&mut self, user: usize, place: Place, up_to: i64) {
        let (_, cleared) = self.marks.entry((user, place)).or_default();
        *cleared = up_to.max(*cleared);
    }

    /// Conversation, newest message, unread: newest activity first.
    fn list(&self, user: usize) -> Vec<(Place, i64, i64)> {
        let mut listed = Vec::new();
        for place in self.conversations.keys() {
            let newest = self.listed(*place);
            let (_, cleared) = self.marks(user, *place);
            if self.counts_above(user, *place).is_some_and(|floor| newest > floor.max(cleared)) {
                listed.push((*place, newest, self.unread(user, *place)));
            }
        }
        listed.sort_by_key(|(_, newest, _)| -newest);
        listed
    }

    fn unread(&self, user: usize, place: Place) -> i64 {
        let (read, cleared) = self.marks(user, place);
        let floor = read.max(cleared).max(self.counts_above(user, place).unwrap_or(i64::MAX));
        let counts = |message: &&Written| {
            message.countable && !message.recalled && message.from != user && message.msg_id > floor
        };
        self.written(place).iter().filter(counts).count() as i64
    }

    /// What the user still sees, newest first; `None` when they may not read it.
    fn visible(&self, user: usize, place: Place) -> Option<Vec<i64>> {
        let (_, cleared) = self.marks(user, place);
        let floor = self.hidden_up_to(user, place)?.max(cleared);
        let seen = self.written(place).iter().rev().filter(|message| !message.recalled && message.msg_id > floor);
        Some(seen.map(|message| message.msg_id).collect())
    }
}

/// Fresh users and groups of an app, and the model of them.
struct Case<'a> {
    app: &'a TestApp,
    clock: &'a ManualClock,
    ids: Vec<i64>,
    groups: Vec<i64>,
    model: Model,
}

impl Case<'_> {
    async fn take(&mut self, step: &Step) {
        match *step {
            Step::Send { from, to, countable } => self.send(from, to, countable).await,
            Step::ReadNewest { user, other } => self.read(user, place(user, other), 0).await,
            Step::ReadUpTo { user, other, pick } => {
                let written = self.model.written(place(user, other));
                if !written.is_empty() {
                    let msg_id = written[pick % written.len()].msg_id;
                    self.read(user, place(user, other), msg_id).await;
                }
            }
            Step::Delete { user, other } => self.delete(user, place(user, other)).await,
            Step::Recall { user, other, pick } => self.recall(place(user, other), pick).await,
            Step::Join { user, group } => self.join(user, group).await,
            Step::Leave { user, group } => self.leave(user, group).await,
        }
    }

    async fn send(&mut self, from: usize, to: usize, countable: bool) {
        let mut request = match place(from, to) {
            Place::Pair(..) => text(self.ids[from], &[self.ids[to]], "a word"),
            Place::Group(group) => text_to_group(self.ids[from], self.groups[group], "a word"),
        };
        if !countable {
            let command = pb::Command { action: "typing".into(), param_json: None };
            request.content = Some(pb::Content { body: Some(content::Body::Command(command)), ..Default::default() });
        }
        let sent = self.app.messages().send(self.app.request(request)).await.unwrap().into_inner().sent.remove(0);
        let written = self.model.conversations.entry(place(from, to)).or_default();
        written.push(Written { msg_id: sent.msg_id, from, countable, recalled: false });
        assert_eq!(sent.seq, written.len() as i64);
    }

    /// 0 is the newest message.
    async fn read(&mut self, user: usize, place: Place, msg_id: i64) {
        let conversation = Some(self.place(place));
        let request = self.app.request_as(self.ids[user], pb::MarkReadRequest { user_id: None, conversation, msg_id });
        let reply = self.app.conversations().mark_read(request).await;
        let up_to = match self.model.newest_seen(user, place) {
            None if msg_id == 0 => return assert_eq!(refusal(reply), not_member()),
            Some(newest) if msg_id == 0 => newest,
            _ if self.is_hidden(user, place, msg_id) => return assert_eq!(refusal(reply), not_found()),
            _ => msg_id,
        };
        let reply = reply.unwrap().into_inner();
        let (before, _) = self.model.marks(user, place);
        let stands = self.model.read(user, place, up_to);
        assert_eq!((reply.moved, reply.msg_id), (stands > before, stands));
    }

    fn is_hidden(&self, user: usize, place: Place, msg_id: i64) -> bool {
        self.model.hidden_up_to(user, place).is_none_or(|floor| msg_id <= floor)
    }

    async fn delete(&mut self, user: usize, place: Place) {
        let wanted = pb::DeleteConversationRequest {
            user_id: None,
            conversation: Some(self.place(place)),
            ..Default::default()
        };
        let reply = self.app.conversations().delete_conversation(self.app.request_as(self.ids[user], wanted)).await;
        let Some(newest) = self.model.newest_seen(user, place) else {
            return assert_eq!(refusal(reply), not_member());
        };
        reply.unwrap();
        if newest > 0 {
            self.model.clear(user, place, newest);
        }
    }

    async fn recall(&mut self, place: Place, pick: usize) {
        let conversation = Some(self.place(place));
        let Some(written) = self.model.conversations.get_mut(&place) else { return };
        let pick = pick % written.len();
        let written = &mut written[pick];
        let wanted = pb::RecallRequest { msg_id: written.msg_id, conversation, ..Default::default() };
        let reply = self.app.messages().recall(self.app.request(wanted)).await.unwrap().into_inner();
        let sender_id = self.ids[written.from];
        let expected = pb::RecallResponse { recalled: !written.recalled, conversation, sender_id, ..reply };
        assert_eq!(reply, expected);
        written.recalled = true;
    }

    async fn join(&mut self, user: usize, group: usize) {
        let newest = self.model.newest(Place::Group(group));
        self.model.joined.entry((user, group)).or_insert(newest);
        let wanted = pb::AddMembersRequest { group_id: self.groups[group], user_ids: vec![self.ids[user]] };
        self.clock.advance(MOMENT);
        groups(self.app).add_members(self.app.request(wanted)).await.unwrap();
        self.clock.advance(MOMENT);
    }

    async fn leave(&mut self, user: usize, group: usize) {
        self.model.joined.remove(&(user, group));
        let wanted = pb::RemoveMembersRequest { group_id: self.groups[group], user_ids: vec![self.ids[user]] };
        groups(self.app).remove_members(self.app.request(wanted)).await.unwrap();
        self.clock.advance(MOMENT);
    }

    fn place(&self, place: Place) -> pb::ConversationId {
        match place {
            Place::Pair(one, other) => direct(self.ids[one], self.ids[other]),
            Place::Group(group) => group_place(self.groups[group]),
        }
    }

    /// What every user sees matches the model.
    async fn check(&self) {
        for user in 0..USERS {
            self.check_list(user).await;
            for other in 0..OTHERS {
                self.check_conversation(user, other).await;
            }
        }
    }

    async fn check_list(&self, user: usize) {
        let request = self.app.request_as(self.ids[user], pb::ListConversationsRequest::default());
        let reply = self.app.conversations().list_conversations(request).await.unwrap().into_inner();
        let listed = reply.conversations.iter().map(|it| (it.conversation.unwrap(), it.head_msg_id, it.unread));
        let expected = self.model.list(user);
        let total: i64 = expected.iter().map(|(_, _, unread)| unread).sum();
        let expected: Vec<_> =
            expected.into_iter().map(|(place, newest, unread)| (self.place(place), newest, unread)).collect();
        assert_eq!(listed.collect::<Vec<_>>(), expected);
        assert_eq!(reply.unread_total, total);
    }

    async fn check_conversation(&self, user: usize, other: usize) {
        let (id, place) = (self.ids[user], place(user, other));
        let conversation = self.place(place);
        let wanted = pb::ViewRequest { user_id: None, conversation: Some(conversation) };
        let view = self.app.conversations().view(self.app.request_as(id, wanted)).await;
        let Some(visible) = self.model.visible(user, place) else {
            assert_eq!(refusal(view), not_member());
            let page = pb::PageRequest { conversation: Some(conversation), limit: 1, ..Default::default() };
            assert_eq!(refusal(self.app.messages().page(self.app.request_as(id, page)).await), not_member());
            return;
        };
        let view = view.unwrap().into_inner();
        let (own, peer) = (view.own.unwrap(), view.peer.unwrap());
        assert_eq!((own.read_msg_id, own.cleared_msg_id), self.model.marks(user, place));
        if other < USERS && other != user {
            assert_eq!((peer.read_msg_id, peer.cleared_msg_id), self.model.marks(other, place));
        }
        let dress = |page| self.app.request_as(id, page);
        let seen = walk(dress, &mut self.app.messages(), conversation, own.cleared_msg_id, 5).await;
        assert_eq!(seen.iter().map(|message| message.msg_id).collect::<Vec<_>>(), visible);
    }
}

fn not_member() -> (Code, String) {
    refused(Code::PermissionDenied, "NOT_GROUP_MEMBER")
}

fn not_found() -> (Code, String) {
    refused(Code::NotFound, "MESSAGE_NOT_FOUND")
}

/// After it every cache knows the group members.
const MOMENT: Duration = Duration::from_secs(1);

/// Runs cases with a fixed seed, so that a failure is reproducible.
fn run(database: impl AsyncFnOnce() -> Option<String>, cases: u32, most: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let clock = Arc::new(ManualClock::new(UnixMillis(1_790_000_000_000)));
    let shared: Arc<ManualClock> = Arc::clone(&clock);
    let app = runtime.block_on(async { TestApp::of(Arc::new(Suite::all_in_one(database().await, shared))).await });
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let case = std::cell::Cell::new(0);
    let checked = TestRunner::new_with_rng(config, rng).run(&steps(most), |steps| {
        case.set(case.get() + 1);
        let names: Vec<String> = (0..=USERS).map(|user| format!("case{}user{user}", case.get())).collect();
        runtime.block_on(async {
            let mut ids = register(&app, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
            let owner = ids[USERS];
            let shown = pb::GroupSettings { history_visible: Some(true), ..Default::default() };
            let groups = vec![
                create_group(&app, owner, pb::GroupSettings::default()).await,
                create_group(&app, owner, shown).await,
            ];
            ids[APP] = 0;
            let mut case = Case { app: &app, clock: &clock, ids, groups, model: Model::default() };
            for step in &steps {
                case.take(step).await;
                case.check().await;
            }
        });
        Ok(())
    });
    checked.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn every_user_sees_what_a_naive_model_says_on_sqlite() {
    run(async || None, 32, 24);
}

#[test]
fn every_user_sees_what_a_naive_model_says_on_postgres() {
    run(async || Some(fresh_database().await), 8, 24);
}
