//! Lists, unread counts, marks and history floors against a naive model: DESIGN 5, decision 5.

use std::{collections::BTreeMap, sync::Arc};

use proptest::{
    prelude::{Just, Strategy, any, prop_oneof},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use tidings_domain::SystemClock;
use tidings_proto::pb::{self, content};
use tidings_testkit::{Suite, TestApp, fresh_database};

use crate::log::{direct, register, text, walk};

/// Users, by place; the last place is the app itself.
const USERS: usize = 3;
const APP: usize = USERS;

/// Something that users do.
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
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let (user, other) = (0..USERS, 0..=APP);
    let send = (0..=APP, 0..USERS, prop_oneof![3 => Just(true), 1 => Just(false)])
        .prop_map(|(from, to, countable)| Step::Send { from, to, countable });
    let newest = (user.clone(), other.clone()).prop_map(|(user, other)| Step::ReadNewest { user, other });
    let up_to = (user.clone(), other.clone(), any::<usize>()).prop_map(|(user, other, pick)| Step::ReadUpTo {
        user,
        other,
        pick,
    });
    let delete = (user, other).prop_map(|(user, other)| Step::Delete { user, other });
    proptest::collection::vec(prop_oneof![6 => send, 1 => newest, 3 => up_to, 1 => delete], 1..most)
}

type Pair = (usize, usize);

const fn pair(one: usize, other: usize) -> Pair {
    if one < other { (one, other) } else { (other, one) }
}

/// Everything as a child would keep it: all messages, and where each user stands.
#[derive(Debug, Default)]
struct Model {
    conversations: BTreeMap<Pair, Vec<Written>>,
    /// Read, cleared, by user and conversation.
    marks: BTreeMap<(usize, Pair), (i64, i64)>,
}

#[derive(Debug)]
struct Written {
    msg_id: i64,
    from: usize,
    countable: bool,
}

impl Model {
    fn written(&self, place: Pair) -> &[Written] {
        self.conversations.get(&place).map_or(&[], Vec::as_slice)
    }

    fn newest(&self, place: Pair) -> i64 {
        self.written(place).last().map_or(0, |message| message.msg_id)
    }

    fn marks(&self, user: usize, place: Pair) -> (i64, i64) {
        self.marks.get(&(user, place)).copied().unwrap_or_default()
    }

    /// Where the mark then stands.
    fn read(&mut self, user: usize, place: Pair, up_to: i64) -> i64 {
        let (read, _) = self.marks.entry((user, place)).or_default();
        *read = up_to.max(*read);
        *read
    }

    fn clear(&mut self, user: usize, place: Pair) {
        let newest = self.newest(place);
        self.marks.entry((user, place)).or_default().1 = newest;
    }

    /// Conversation, newest message, unread: newest activity first.
    fn list(&self, user: usize) -> Vec<(Pair, i64, i64)> {
        let own = self.conversations.keys().filter(|place| place.0 == user || place.1 == user);
        let mut listed: Vec<_> = own.map(|place| (*place, self.newest(*place), self.unread(user, *place))).collect();
        listed.retain(|(place, newest, _)| *newest > self.marks(user, *place).1);
        listed.sort_by_key(|(_, newest, _)| -newest);
        listed
    }

    fn unread(&self, user: usize, place: Pair) -> i64 {
        let (read, cleared) = self.marks(user, place);
        let counts = |message: &&Written| {
            message.countable && message.from != user && message.msg_id > read && message.msg_id > cleared
        };
        self.written(place).iter().filter(counts).count() as i64
    }

    /// What the user still sees, newest first.
    fn visible(&self, user: usize, place: Pair) -> Vec<i64> {
        let (_, cleared) = self.marks(user, place);
        let all = self.written(place).iter().rev().map(|message| message.msg_id);
        all.filter(|msg_id| *msg_id > cleared).collect()
    }
}

/// Fresh users of an app, and what the model says about them.
struct Case<'a> {
    app: &'a TestApp,
    ids: Vec<i64>,
    model: Model,
}

impl Case<'_> {
    async fn take(&mut self, step: &Step) {
        match *step {
            Step::Send { from, to, countable } => self.send(from, to, countable).await,
            Step::ReadNewest { user, other } => self.read(user, pair(user, other), 0).await,
            Step::ReadUpTo { user, other, pick } => {
                let written = self.model.written(pair(user, other));
                if !written.is_empty() {
                    let msg_id = written[pick % written.len()].msg_id;
                    self.read(user, pair(user, other), msg_id).await;
                }
            }
            Step::Delete { user, other } => {
                let place = pair(user, other);
                let wanted = pb::DeleteConversationRequest { user_id: None, conversation: Some(self.place(place)) };
                let request = self.app.request_as(self.ids[user], wanted);
                self.app.conversations().delete(request).await.unwrap();
                if self.model.newest(place) > 0 {
                    self.model.clear(user, place);
                }
            }
        }
    }

    async fn send(&mut self, from: usize, to: usize, countable: bool) {
        let mut request = text(self.ids[from], &[self.ids[to]], "a word");
        if !countable {
            let command = pb::Command { action: "typing".into(), param_json: None };
            request.content = Some(pb::Content { body: Some(content::Body::Command(command)), ..Default::default() });
        }
        let sent = self.app.messages().send(self.app.request(request)).await.unwrap().into_inner().sent.remove(0);
        let written = self.model.conversations.entry(pair(from, to)).or_default();
        written.push(Written { msg_id: sent.msg_id, from, countable });
        assert_eq!(sent.seq, written.len() as i64);
    }

    async fn read(&mut self, user: usize, place: Pair, msg_id: i64) {
        let conversation = Some(self.place(place));
        let request = self.app.request_as(self.ids[user], pb::MarkRequest { user_id: None, conversation, msg_id });
        let reply = self.app.conversations().mark_read(request).await.unwrap().into_inner();
        let (before, _) = self.model.marks(user, place);
        let up_to = if msg_id == 0 { self.model.newest(place) } else { msg_id };
        let stands = self.model.read(user, place, up_to);
        assert_eq!((reply.moved, reply.msg_id), (stands > before, stands));
    }

    fn place(&self, (one, other): Pair) -> pb::ConversationId {
        direct(self.ids[one], self.ids[other])
    }

    /// What every user sees is what the model says.
    async fn check(&self) {
        let mut conversations = self.app.conversations();
        let mut log = self.app.messages();
        for user in 0..USERS {
            let id = self.ids[user];
            let request = self.app.request_as(id, pb::ListConversationsRequest::default());
            let reply = conversations.list(request).await.unwrap().into_inner();
            let listed = reply.conversations.iter().map(|it| (it.conversation.unwrap(), it.head_msg_id, it.unread));
            let expected = self.model.list(user);
            let total: i64 = expected.iter().map(|(_, _, unread)| unread).sum();
            let expected: Vec<_> =
                expected.into_iter().map(|(place, newest, unread)| (self.place(place), newest, unread)).collect();
            assert_eq!(listed.collect::<Vec<_>>(), expected);
            assert_eq!(reply.unread_total, total);
            for other in 0..=APP {
                let (place, conversation) = (pair(user, other), self.place(pair(user, other)));
                let wanted = pb::ViewRequest { user_id: None, conversation: Some(conversation) };
                let view = conversations.view(self.app.request_as(id, wanted)).await.unwrap().into_inner();
                let (own, peer) = (view.own.unwrap(), view.peer.unwrap());
                assert_eq!((own.read_msg_id, own.cleared_msg_id), self.model.marks(user, place));
                if other < USERS && other != user {
                    assert_eq!((peer.read_msg_id, peer.cleared_msg_id), self.model.marks(other, place));
                }
                let dress = |page| self.app.request_as(id, page);
                let seen = walk(dress, &mut log, conversation, own.cleared_msg_id, 5).await;
                let seen: Vec<_> = seen.iter().map(|message| message.msg_id).collect();
                assert_eq!(seen, self.model.visible(user, place));
            }
        }
    }
}

/// Runs cases with a fixed seed, so that a failure comes back.
fn run(database: impl AsyncFnOnce() -> Option<String>, cases: u32, most: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let app = runtime
        .block_on(async { TestApp::of(Arc::new(Suite::all_in_one(database().await, Arc::new(SystemClock)))).await });
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let case = std::cell::Cell::new(0);
    let checked = TestRunner::new_with_rng(config, rng).run(&steps(most), |steps| {
        case.set(case.get() + 1);
        let names: Vec<String> = (0..USERS).map(|user| format!("case{}user{user}", case.get())).collect();
        runtime.block_on(async {
            let mut ids = register(&app, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
            // The app itself.
            ids.push(0);
            let mut case = Case { app: &app, ids, model: Model::default() };
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
