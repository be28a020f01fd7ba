//! Pages, counts and list entries against a naive model, over sends, imports, recalls, edits,
//! exclusions and purges in any order, of the newest message more often than of others.

use std::{collections::BTreeSet, time::Duration};

use tidings_domain::{Clock as _, MsgId, Policy, UnixMillis};
use tidings_proto::{internal, pb, timestamp_unless_zero};
use tidings_store::Engine;

use crate::world::{ANN, BOB, TO_GROUP, World, by, by_app, direct, group, text_of, user};

/// A small generator, so that a failure is reproducible by its seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

#[derive(Debug, Clone)]
struct Written {
    id: i64,
    sender: i64,
    countable: bool,
    recalled: bool,
    hidden_from: BTreeSet<i64>,
}

const RETENTION: Duration = Duration::from_hours(48);

struct Run {
    world: World,
    chance: Chance,
    written: Vec<Written>,
    place: pb::ConversationId,
}

impl Run {
    async fn step(&mut self) {
        let sender = [ANN, BOB][self.chance.below(2) as usize];
        let other = if sender == ANN { BOB } else { ANN };
        let to = if self.place == group() { TO_GROUP } else { user(other) };
        self.world.clock.advance(Duration::from_mins(self.chance.below(30)));
        match self.chance.below(12) {
            0..=3 => {
                let id = self.world.say(sender, to, "live").await;
                self.wrote(id, sender, true);
            }
            4..=6 => {
                let back = self.chance.below(47 * 3_600_000) as i64;
                let countable = self.chance.below(2) == 0;
                let request = pb::ImportRequest {
                    sender: Some(pb::UserRef { user: Some(pb::user_ref::User::UserId(sender)) }),
                    target: Some(pb::Target { target: Some(to) }),
                    content: Some(text_of("import")),
                    sent_at: timestamp_unless_zero(self.world.clock.now().0 - back - 1),
                    countable,
                    ..Default::default()
                };
                let reply = self.world.log.clone().import(by_app(request)).await.unwrap().into_inner();
                self.wrote(reply.sent.unwrap().msg_id, sender, countable);
            }
            7 | 8 => {
                if let Some(at) = self.some() {
                    let request = pb::RecallRequest { msg_id: self.written[at].id, ..Default::default() };
                    self.world.log.clone().recall(by_app(request)).await.unwrap();
                    self.written[at].recalled = true;
                }
            }
            9 => {
                if let Some(at) = self.some().filter(|at| !self.written[*at].recalled) {
                    let msg_ids = vec![self.written[at].id];
                    let request = pb::ExcludeRequest { user_id: Some(other), conversation: Some(self.place), msg_ids };
                    self.world.log.clone().exclude(by_app(request)).await.unwrap();
                    self.written[at].hidden_from.insert(other);
                }
            }
            10 => {
                if let Some(at) = self.some().filter(|at| !self.written[*at].recalled) {
                    let change = Some(pb::edit_request::Change::Replace(text_of("edited")));
                    let request = pb::EditRequest { msg_id: self.written[at].id, change, ..Default::default() };
                    self.world.log.clone().edit(by_app(request)).await.unwrap();
                }
            }
            _ => {
                let kept_from = MsgId::before(UnixMillis(self.world.clock.now().0 - RETENTION.as_millis() as i64)).0;
                let gone = self.written.iter().filter(|it| it.id <= kept_from).count() as i64;
                let purged = self.world.log.clone().purge(by_app(pb::PurgeRequest {})).await.unwrap().into_inner();
                assert_eq!(purged.removed, gone);
                self.written.retain(|it| it.id > kept_from);
            }
        }
    }

    fn wrote(&mut self, id: i64, sender: i64, countable: bool) {
        self.written.push(Written { id, sender, countable, recalled: false, hidden_from: BTreeSet::new() });
    }

    fn any(&mut self) -> Option<usize> {
        (!self.written.is_empty()).then(|| self.chance.below(self.written.len() as u64) as usize)
    }

    /// The newest in two of three cases.
    fn some(&mut self) -> Option<usize> {
        if self.chance.below(3) == 0 {
            return self.any();
        }
        let newest = self.written.iter().enumerate().filter(|(_, it)| !it.recalled).max_by_key(|(_, it)| it.id);
        newest.map(|(at, _)| at)
    }

    async fn check(&mut self) {
        let at = self.any();
        let mark = at.filter(|_| self.chance.below(4) > 0).map_or(0, |at| self.written[at].id);
        for reader in [ANN, BOB] {
            let seen = |it: &&Written| !it.recalled && !it.hidden_from.contains(&reader);
            let mut page: Vec<i64> = self.written.iter().filter(seen).map(|it| it.id).collect();
            page.sort_unstable_by(|one, other| other.cmp(one));
            assert_eq!(self.world.page(Some(reader), self.place).await.unwrap(), page);
            let counts = |it: &&Written| it.countable && it.sender != reader && it.id > mark;
            let expected = self.written.iter().filter(seen).filter(counts).count() as i64;
            let marks = vec![internal::Mark { conversation: Some(self.place), read_msg_id: mark, unlisted_msg_id: 0 }];
            let request = internal::UnreadRequest { marks, ..Default::default() };
            let listed =
                self.world.log_internal.clone().unread(by(reader, request)).await.unwrap().into_inner().conversations;
            let head = listed.iter().find(|it| it.conversation == Some(self.place)).map(|it| it.head_msg_id);
            assert!(page.is_empty() || head == page.first().copied(), "{head:?} for {reader}: {page:?}");
            let unread = listed.iter().find(|it| it.conversation == Some(self.place)).map_or(0, |it| it.unread);
            assert_eq!(unread, expected, "above {mark} for {reader}");
        }
    }
}

async fn run(engine: Engine) {
    for (seed, is_group) in [(1, false), (2, true), (3, false), (4, true)] {
        let world = World::on(engine).await;
        // Members see what was imported from before they joined.
        world.change(|state| {
            state.policy = Policy { message_retention: RETENTION, ..Policy::default() };
            for group in state.groups.values_mut() {
                group.history_visible = true;
                group.members.values_mut().for_each(|member| member.joined_at = UnixMillis(0));
            }
        });
        let place = if is_group { group() } else { direct(ANN, BOB) };
        let mut run = Run { world, chance: Chance(seed), written: Vec::new(), place };
        for _ in 0..120 {
            run.step().await;
            run.check().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_and_counts_are_those_of_a_naive_model_on_sqlite() {
    run(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_and_counts_are_those_of_a_naive_model_on_postgres() {
    run(Engine::Postgres).await;
}
