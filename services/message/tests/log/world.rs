//! A message service on either engine, with a fake directory and a stopped clock.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tidings_directory_client::DirectoryCache;
use tidings_domain::{
    Actor, AppId, Caller, Clock as _, GroupKind, GroupRole, ManualClock, Mute, Platform, UnixMillis, UserId,
};
use tidings_message::{Deps, SCHEMA, Screens, build};
use tidings_proto::{
    error_from_status,
    internal::{
        self, file_internal_service_client::FileInternalServiceClient,
        message_internal_service_client::MessageInternalServiceClient,
        message_internal_service_server::MessageInternalServiceServer,
    },
    pb::{
        self, content, file_service_client::FileServiceClient, message_service_client::MessageServiceClient,
        message_service_server::MessageServiceServer, target,
    },
};
use tidings_runtime::{LocalBus, Tasks, Wire, config::Appender, context};
use tidings_store::{Db, Engine, Location, on_db, on_tx, open, sqlx};
use tidings_testkit::fresh_database;
use tonic::{Request, Response, Status};

use crate::fake::{Fake, Group, Member};

pub const ANN: i64 = 16;
pub const BOB: i64 = 32;
pub const EVE: i64 = 48;
/// A group of Ann, who owns it, and Bob.
pub const GROUP: i64 = 17;
/// A room of the same.
pub const ROOM: i64 = 18;

const START: UnixMillis = UnixMillis(1_790_000_000_000);

pub struct World {
    pub db: Db,
    pub clock: Arc<ManualClock>,
    pub fake: Fake,
    pub log: MessageServiceClient<Wire>,
    pub log_internal: MessageInternalServiceClient<Wire>,
    _folder: tempfile::TempDir,
}

/// One test on both engines.
macro_rules! both_engines {
    ($(async fn $name:ident($world:ident: World) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn check($world: $crate::world::World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                check($crate::world::World::on(tidings_store::Engine::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                check($crate::world::World::on(tidings_store::Engine::Postgres).await).await;
            }
        }
    )*};
}
pub(crate) use both_engines;

impl World {
    pub async fn on(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = match engine {
            Engine::Sqlite => Location::Folder(folder.path().to_owned()),
            Engine::Postgres => Location::Postgres(fresh_database().await),
        };
        let db = open(&location, &SCHEMA, true).await.unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let fake = Fake::default();
        let files = FileServiceClient::new(fake.wire());
        let directory = DirectoryCache::new(fake.wire(), fake.wire(), Arc::<ManualClock>::clone(&clock));
        let deps = Deps {
            db: db.clone(),
            directory,
            files,
            files_internal: FileInternalServiceClient::new(fake.wire()),
            screens: Arc::new(Screens::new().unwrap()),
            bus: Arc::new(LocalBus::default()),
            clock: Arc::<ManualClock>::clone(&clock),
            appender: Appender::default(),
            tasks: Tasks::default(),
        };
        let service = build(deps).await.unwrap();
        let log = MessageServiceClient::new(Wire::local(MessageServiceServer::new(service.clone())));
        let internal = MessageInternalServiceServer::new(service);
        let log_internal = MessageInternalServiceClient::new(Wire::local(internal));
        let world = Self { db, clock, fake, log, log_internal, _folder: folder };
        world.change(|state| {
            state.users.extend([ANN, BOB, EVE]);
            for (id, kind) in [(GROUP, GroupKind::Group), (ROOM, GroupKind::Room)] {
                let group = Group { kind, enabled: true, history_visible: false, members: BTreeMap::new() };
                state.groups.insert(id, group);
            }
        });
        for group in [GROUP, ROOM] {
            world.join(group, ANN, GroupRole::Owner);
            world.join(group, BOB, GroupRole::Member);
        }
        world
    }

    /// Runs a statement as another process would.
    pub async fn execute(&self, statement: &'static str) {
        let mut tx = self.db.begin().await.unwrap();
        on_tx!(&mut tx, |c| sqlx::query(statement).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
    }

    /// Changes the directory, and advances the time until caches have expired.
    pub fn change(&self, change: impl FnOnce(&mut crate::fake::State)) {
        change(&mut self.fake.state());
        self.clock.advance(Duration::from_secs(5));
    }

    pub fn join(&self, group: i64, user: i64, role: GroupRole) {
        let joined_at = self.clock.now();
        let member = Member { role, joined_at, muted: Mute::No };
        self.change(|state| _ = state.groups.get_mut(&group).unwrap().members.insert(user, member));
    }

    pub fn leave(&self, group: i64, user: i64) {
        self.change(|state| _ = state.groups.get_mut(&group).unwrap().members.remove(&user));
    }

    pub async fn send(&self, request: Request<pb::SendRequest>) -> pb::SendResponse {
        self.log.clone().send(request).await.unwrap().into_inner()
    }

    /// The id of one text of a user to one target.
    pub async fn say(&self, user: i64, target: target::Target, text: &str) -> i64 {
        self.send(by(user, words(&[target], text))).await.sent[0].msg_id
    }

    /// Ids that the caller sees in a conversation, newest first, page by page.
    pub async fn page(&self, caller: Option<i64>, conversation: pb::ConversationId) -> Result<Vec<i64>, Status> {
        let mut ids = Vec::new();
        let mut start_msg_id = 0;
        loop {
            let request = pb::PageRequest { conversation: Some(conversation), start_msg_id, limit: 2, floor_msg_id: 0 };
            let page = self.log.clone().page(call(caller, request)).await?.into_inner();
            ids.extend(page.messages.iter().map(|message| message.msg_id));
            start_msg_id = page.next_msg_id;
            if start_msg_id == 0 {
                return Ok(ids);
            }
        }
    }

    pub async fn find(&self, caller: Option<i64>, msg_id: i64) -> Result<pb::Message, Status> {
        self.log.clone().find(call(caller, pb::FindRequest { msg_id })).await.map(Response::into_inner)
    }

    /// Conversation, newest message, unread.
    pub async fn unread(&self, user: i64, marks: Vec<internal::Mark>) -> Vec<(pb::ConversationId, i64, i64)> {
        let request = internal::UnreadRequest { marks, ..Default::default() };
        let listed = self.log_internal.clone().unread(by(user, request)).await.unwrap().into_inner().conversations;
        listed.iter().map(|entry| (entry.conversation.unwrap(), entry.head_msg_id, entry.unread)).collect()
    }

    /// Rows of a table.
    pub async fn count(&self, table: &str) -> i64 {
        let query = format!("select count(*) from {table}");
        let (count,): (i64,) =
            on_db!(&self.db, |c| sqlx::query_as(sqlx::AssertSqlSafe(query.clone())).fetch_one(c).await).unwrap();
        count
    }

    /// Kind and message of every event that is not a row of the log, oldest first in each lane.
    pub async fn events(&self) -> Vec<(String, i64)> {
        const EVENTS: &str = "select kind, msg_id from event order by lane, event_no";
        on_db!(&self.db, |c| sqlx::query_as(EVENTS).fetch_all(c).await).unwrap()
    }

    /// Body and actor of the only event.
    pub async fn event_body(&self) -> (String, i64) {
        const BODY: &str = "select coalesce(body, ''), actor_id from event";
        on_db!(&self.db, |c| sqlx::query_as(BODY).fetch_one(c).await).unwrap()
    }

    /// Event numbers run from 1 without a gap in each lane, over both tables.
    pub async fn assert_lanes_gap_free(&self) {
        const NUMBERS: &str = "
            select lane, event_no from message union all select lane, event_no from event order by lane, event_no";
        const LAST: &str = "select lane, last_no from event_lane order by lane";
        let numbers: Vec<(i64, i64)> = on_db!(&self.db, |c| sqlx::query_as(NUMBERS).fetch_all(c).await).unwrap();
        let last: Vec<(i64, i64)> = on_db!(&self.db, |c| sqlx::query_as(LAST).fetch_all(c).await).unwrap();
        let expected: Vec<_> = last.into_iter().flat_map(|(lane, last)| (1..=last).map(move |no| (lane, no))).collect();
        assert_eq!(numbers, expected);
    }
}

pub fn user(id: i64) -> target::Target {
    target::Target::UserId(id)
}

pub const TO_GROUP: target::Target = target::Target::GroupId(GROUP);
pub const TO_ROOM: target::Target = target::Target::RoomId(ROOM);

pub fn words(targets: &[target::Target], text: &str) -> pb::SendRequest {
    let targets = targets.iter().map(|target| pb::Target { target: Some(target.clone()) });
    pb::SendRequest { targets: targets.collect(), content: Some(text_of(text)), ..Default::default() }
}

pub fn text_of(text: &str) -> pb::Content {
    pb::Content { body: Some(content::Body::Text(pb::Text { text: text.into() })), ..Default::default() }
}

/// A request of the app itself, or on behalf of a user.
pub fn call<T>(user: Option<i64>, message: T) -> Request<T> {
    let actor = user.map_or(Actor::App, |user| Actor::User(UserId(user)));
    let address = Some(std::net::IpAddr::from([203, 0, 113, 7]));
    context::request(&Caller { app: AppId(1), actor, address, platform: Platform::RestApi }, message)
}

pub fn by<T>(user: i64, message: T) -> Request<T> {
    call(Some(user), message)
}

pub fn by_app<T>(message: T) -> Request<T> {
    call(None, message)
}

pub fn group() -> pb::ConversationId {
    pb::ConversationId { kind: pb::ConversationKind::Group.into(), id: GROUP, higher_user_id: 0 }
}

pub fn room() -> pb::ConversationId {
    pb::ConversationId { kind: pb::ConversationKind::Room.into(), id: ROOM, higher_user_id: 0 }
}

pub fn direct(one: i64, other: i64) -> pb::ConversationId {
    pb::ConversationId { kind: pb::ConversationKind::Direct.into(), id: one.min(other), higher_user_id: one.max(other) }
}

/// The reason of a refusal.
pub fn refusal<T: std::fmt::Debug>(reply: Result<T, Status>) -> tidings_domain::Reason {
    error_from_status(reply.unwrap_err()).reason()
}
