//! MSync packets as no SDK of today sends them: contacts over the socket, refusals in the vendor's words, and bytes that
//! are no packets.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use prost::Message as _;
use serde_json::json;
use tidings_dialects::agora::msync::pb::{
    CommSyncDl, CommSyncUl, Jid, MSync, MessageBody, Meta, MucBody, Provision, RosterBody,
    message_body::{Content, Type, content},
    meta::NameSpace,
    msync::Command,
    muc_body, roster_body,
};
use tidings_proto::{duration, pb};
use tidings_testkit::{Answer, PacketSocket, Receiver, TestApp, every_shape, wait_until};

use crate::policy::{neighbour, set};

/// A device that speaks the protocol itself.
pub struct Raw {
    socket: PacketSocket,
    next_id: u64,
}

fn packet(command: Command, payload: Vec<u8>) -> Vec<u8> {
    MSync { version: Some(1), command: Some(command.into()), payload: Some(payload), ..MSync::default() }
        .encode_to_vec()
}

fn jid(name: &str, is_group: bool) -> Jid {
    let domain = if is_group { "conference.easemob.com" } else { "easemob.com" };
    Jid { name: Some(name.to_owned()), domain: Some(domain.to_owned()), ..Jid::default() }
}

impl Raw {
    pub async fn logged_in(app: &TestApp, user: &str) -> Self {
        let token = app.agora().logged_in(user).await.token;
        Self::logged_in_with(app, user, &token).await
    }

    /// With that token.
    pub async fn logged_in_with(app: &TestApp, user: &str, token: &str) -> Self {
        let mut device = Self { socket: PacketSocket::connect(&app.suite.url()).await, next_id: 1 };
        device.log_in(app, user, token).await;
        device
    }

    /// Logs in, for the first time or again.
    pub async fn log_in(&mut self, app: &TestApp, user: &str, token: &str) {
        let key = format!("{}#{}", app.app().org, app.app().name);
        let provision = Provision { resource: Some(format!("raw_{user}")), ..Provision::default() };
        let login = MSync {
            version: Some(1),
            guid: Some(Jid { app_key: Some(key), ..jid(user, false) }),
            auth: Some(format!("$t${token}")),
            command: Some(Command::Provision.into()),
            payload: Some(provision.encode_to_vec()),
            ..MSync::default()
        };
        self.socket.send(login.encode_to_vec()).await;
        let answer = loop {
            let answer = MSync::decode(&*self.socket.next().await.expect("an answer")).expect("a packet");
            if answer.command() == Command::Provision {
                break answer;
            }
        };
        let status = Provision::decode(answer.payload()).expect("a provision").status.expect("a status");
        assert_eq!(status.error_code(), tidings_dialects::agora::msync::pb::status::ErrorCode::Ok);
    }

    /// The code with which the server closes the connection.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.socket.next().await {
                return code;
            }
        }
    }

    /// Code and reason of the answer to an operation; its id last.
    async fn does(&mut self, meta: Meta) -> (i32, String, u64) {
        self.next_id += 1;
        let id = self.next_id;
        let meta = Meta { id: Some(id), ..meta };
        let sync = CommSyncUl { meta: Some(meta), ..CommSyncUl::default() };
        self.socket.send(packet(Command::Sync, sync.encode_to_vec())).await;
        loop {
            let answer = MSync::decode(&*self.socket.next().await.expect("an answer")).expect("a packet");
            if answer.command() != Command::Sync {
                continue;
            }
            let answer = CommSyncDl::decode(answer.payload()).expect("an answer");
            if answer.meta_id == Some(id) {
                let (server_id, status) = (answer.server_id(), answer.status.unwrap_or_default());
                return (status.error_code.unwrap_or_default(), status.reason().to_owned(), server_id);
            }
        }
    }

    /// Why it is refused.
    async fn refused(&mut self, meta: Meta) -> (i32, String) {
        let (code, reason, _) = self.does(meta).await;
        (code, reason)
    }

    /// Sends a text to a user; code and reason of the answer.
    pub async fn says(&mut self, to: &str, words: &str) -> (i32, String) {
        self.refused(text(Type::Chat, to, words)).await
    }

    /// Asks for the page of a user's queue after `key`.
    async fn send_pull(&mut self, queue: &str, key: Option<u64>) {
        let sync = CommSyncUl { key, queue: Some(jid(queue, false)), ..CommSyncUl::default() };
        self.socket.send(packet(Command::Sync, sync.encode_to_vec())).await;
    }

    /// Of a user's queue: how many entries there are after `key`, and the key of the page.
    async fn pull(&mut self, queue: &str, key: Option<u64>) -> (usize, Option<u64>) {
        self.send_pull(queue, key).await;
        loop {
            let answer = MSync::decode(&*self.socket.next().await.expect("an answer")).expect("a packet");
            if answer.command() == Command::Sync {
                let page = CommSyncDl::decode(answer.payload()).expect("a page");
                return (page.metas.len(), page.next_key);
            }
        }
    }

    /// The entries of a group's queue up to that message, which may be yet to come; all are acknowledged.
    pub async fn entries_until(&mut self, group: &str, last: u64) -> Vec<Meta> {
        let (mut entries, mut key) = (Vec::new(), None);
        wait_until("the last message", async || {
            let sync = CommSyncUl { key, queue: Some(jid(group, true)), ..CommSyncUl::default() };
            self.socket.send(packet(Command::Sync, sync.encode_to_vec())).await;
            let page = loop {
                let answer = MSync::decode(&*self.socket.next().await.expect("an answer")).expect("a packet");
                if answer.command() == Command::Sync {
                    break CommSyncDl::decode(answer.payload()).expect("a page");
                }
            };
            key = page.next_key.or(key);
            let is_there = page.metas.iter().any(|meta| meta.id == Some(last));
            entries.extend(page.metas);
            is_there
        })
        .await;
        entries
    }

    /// Fetches and acknowledges what is in a user's queue; how many entries there were.
    async fn drain(&mut self, queue: &str) -> usize {
        let (mut entries, mut key) = self.pull(queue, None).await;
        let mut all = entries;
        while entries > 0 {
            (entries, key) = self.pull(queue, key).await;
            all += entries;
        }
        all
    }

    async fn roster(&mut self, operation: roster_body::Operation, to: &str) -> (i32, String) {
        let body = RosterBody {
            operation: Some(operation.into()),
            to: vec![jid(to, false)],
            reason: Some("hello".to_owned()),
            ..RosterBody::default()
        };
        self.refused(meta(NameSpace::Roster, None, body.encode_to_vec())).await
    }
}

fn meta(ns: NameSpace, to: Option<Jid>, payload: Vec<u8>) -> Meta {
    Meta { to, ns: Some(ns.into()), payload: Some(payload), ..Meta::default() }
}

fn body(kind: Type, text: &str) -> MessageBody {
    let content = Content { kind: Some(content::Type::Text.into()), text: Some(text.to_owned()), ..Content::default() };
    MessageBody { kind: Some(kind.into()), contents: vec![content], ..MessageBody::default() }
}

fn text(kind: Type, to: &str, text: &str) -> Meta {
    meta(NameSpace::Chat, Some(jid(to, kind != Type::Chat)), body(kind, text).encode_to_vec())
}

fn of_message(kind: Type, to: &str, msg_id: u64) -> Meta {
    let body = MessageBody { ack_message_id: Some(msg_id), edit_message_id: Some(msg_id), ..body(kind, "changed") };
    meta(NameSpace::Chat, Some(jid(to, false)), body.encode_to_vec())
}

/// Only the rates that are set.
const OPEN: i32 = 1;

fn join(room: &str) -> Meta {
    let operation = Some(muc_body::Operation::Join.into());
    let body = MucBody { muc_id: Some(jid(room, true)), operation, ..MucBody::default() };
    meta(NameSpace::Muc, None, body.encode_to_vec())
}

fn leave(room: &str) -> Meta {
    let operation = Some(muc_body::Operation::Leave.into());
    let body = MucBody { muc_id: Some(jid(room, true)), operation, ..MucBody::default() };
    meta(NameSpace::Muc, None, body.encode_to_vec())
}

fn why(code: i32, reason: &str) -> (i32, String) {
    (code, reason.to_owned())
}

every_shape! {
    async fn older_clients_manage_contacts_and_block_lists_over_the_socket(app: TestApp) {
        use roster_body::Operation::{Accept, Add, Allow, Ban, Decline, Remove};
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        let (mut nora, mut omar) = (Raw::logged_in(&app, "nora").await, Raw::logged_in(&app, "omar").await);
        let contacts = async |user: &str| agora.get(&format!("/users/{user}/contacts/users")).await.expect(200)["data"].clone();
        let ok = why(0, "");
        assert_eq!(nora.roster(Add, "omar").await, ok);
        assert_eq!(omar.roster(Decline, "nora").await, ok);
        assert_eq!(contacts("nora").await, json!([]));
        assert_eq!(nora.roster(Add, "omar").await, ok);
        assert_eq!(omar.roster(Accept, "nora").await, ok);
        assert_eq!(contacts("nora").await, json!(["omar"]));
        assert_eq!(nora.roster(Remove, "omar").await, ok);
        assert_eq!(contacts("omar").await, json!([]));
        assert_eq!(nora.roster(Ban, "pia").await, ok);
        let blocked = async || agora.get("/users/nora/blocks/users").await.expect(200)["data"].clone();
        assert_eq!(blocked().await, json!(["pia"]));
        assert_eq!(nora.roster(Allow, "pia").await, ok);
        assert_eq!(blocked().await, json!([]));
        assert_ne!(nora.roster(Accept, "pia").await, ok, "she has not asked");
        assert_ne!(nora.roster(Add, "nobody").await, ok);
    }
}

every_shape! {
    async fn refusals_have_the_words_that_clients_switch_on_msync_6(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        let (action, words) = (pb::WordAction::Refuse.into(), vec!["forbidden".to_owned()]);
        let list = pb::WordList { name: "refused".to_owned(), action, words };
        app.directory().set_word_list(app.request(pb::SetWordListRequest { list: Some(list) })).await.expect("the list");
        let group = json!({"groupname": "tulips", "public": true, "owner": "nora", "members": ["omar"]});
        let group = agora.post("/chatgroups", &group).await.expect(200)["data"]["groupid"].as_str().expect("an id").to_owned();
        let mut omar = Raw::logged_in(&app, "omar").await;
        let mut pia = Raw::logged_in(&app, "pia").await;
        let in_group = |msg: &str| text(Type::Groupchat, &group, msg);

        let full = json!({"name": "stage", "description": "", "owner": "nora", "maxusers": 1});
        let full = agora.post("/chatrooms", &full).await.expect(200)["data"]["id"].as_str().expect("an id").to_owned();
        assert_eq!(pia.refused(join(&full)).await, why(1, "group member list is full!"));
        assert_eq!(pia.refused(join("4711")).await, why(1, "grpID 4711 does not exist!"));
        let forbidden = text(Type::Chat, "omar", "forbidden");
        assert_eq!(pia.refused(forbidden).await, why(1, "blocked by content moderation"));
        assert_eq!(pia.refused(in_group("hi")).await, why(1, "not in group or chatroom"));
        assert_eq!(pia.refused(text(Type::Groupchat, "4711", "hi")).await, why(1, "group not found"));
        let many = Meta { directed_users: vec!["nora".to_owned(); 21], ..in_group("hi") };
        assert_eq!(omar.refused(many).await, why(1, "limit directed users"));
        assert_eq!(omar.refused(text(Type::Chat, "nora", &"x".repeat(6_000))).await, why(7, "Sorry, data is too large"));
        agora.post("/users/nora/blocks/users", &json!({"usernames": ["pia"]})).await.expect(200);
        let blocked = loop {
            // A block list is believed for up to a second.
            let answer = pia.refused(text(Type::Chat, "nora", "hi")).await;
            if answer.0 != 0 {
                break answer;
            }
        };
        assert_eq!(blocked, why(1, "blocked"));
        let gone = why(1, "Sorry, message does not exist");
        assert_eq!(omar.refused(of_message(Type::Recall, "nora", 4711)).await, gone);
        assert_eq!(omar.refused(of_message(Type::Edit, "nora", 4711)).await, gone);
        let (_, _, of_omar) = omar.does(text(Type::Chat, "nora", "mine")).await;
        let foreign = pia.refused(of_message(Type::Edit, "omar", of_omar)).await;
        assert!([gone, why(1, "Sorry, You do not have permission")].contains(&foreign), "{foreign:?}");
        let ban = format!("/chatgroups/{group}/ban");
        agora.post(&ban, &json!({})).await.expect(200);
        let with_all = loop {
            let answer = omar.refused(in_group("hi")).await;
            if answer.0 != 0 {
                break answer;
            }
        };
        assert_eq!(with_all, why(1, "not in group or chatroom white list"));
        agora.delete(&ban).await.expect(200);
        wait_until("the end of the ban", async || omar.refused(in_group("hi")).await.0 == 0).await;
        agora.post("/mutes", &json!({"username": "omar", "groupchat": -1})).await.expect(200);
        let by_the_app = loop {
            let answer = omar.refused(in_group("hi")).await;
            if answer.0 != 0 {
                break answer;
            }
        };
        assert_eq!(by_the_app, why(7, "user is mute"));
        agora.post("/mutes", &json!({"username": "omar", "groupchat": 0})).await.expect(200);
        wait_until("the end of the mute", async || omar.refused(in_group("hi")).await.0 == 0).await;
        agora.post(&format!("/chatgroups/{group}/mute"), &json!({"usernames": ["omar"], "mute_duration": -1})).await.expect(200);
        let muted = loop {
            let answer = omar.refused(in_group("hi")).await;
            if answer.0 != 0 {
                break answer;
            }
        };
        assert_eq!(muted, why(15, "you were muted"));
        agora.post(&format!("/chatgroups/{group}/disable"), &json!({})).await.expect(200);
        let disabled = loop {
            let answer = omar.refused(in_group("hi")).await;
            if answer.0 != 15 {
                break answer;
            }
        };
        assert_eq!(disabled, why(1, "group is disabled"));
    }
}

every_shape! {
    async fn refusals_that_an_apps_policy_brings_have_the_words_that_clients_switch_on_msync_6(app: TestApp) {
        let strict = neighbour(&app).await;
        let policy = pb::Policy {
            friends_only: Some(true),
            agora_max_edits: Some(1),
            agora_recall_window_ms: Some(1),
            ..Default::default()
        };
        set(&strict, policy).await;
        let agora = strict.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        agora.post("/users/nora/contacts/users/omar", &json!({})).await.expect(200);
        let mut omar = Raw::logged_in(&strict, "omar").await;
        assert_eq!(omar.refused(text(Type::Chat, "pia", "hi")).await, why(1, "nonroster"));
        let (_, _, msg_id) = omar.does(text(Type::Chat, "nora", "hi")).await;
        // Far more than a millisecond later.
        agora.get("/users").await.expect(200);
        assert_eq!(omar.refused(of_message(Type::Recall, "nora", msg_id)).await, why(1, "exceed recall time limit"));
        assert_eq!(omar.refused(of_message(Type::Edit, "nora", msg_id)).await, why(0, ""));
        assert_eq!(omar.refused(of_message(Type::Edit, "nora", msg_id)).await, why(1, "Sorry, edit limit reached"));
    }
}

every_shape! {
    async fn hooks_and_limits_refuse_with_the_codes_that_clients_know_msync_6(app: TestApp) {
        let limited = neighbour(&app).await;
        let rates = [("rate_user_messages".to_owned(), 1)].into();
        set(&limited, pb::Policy { limits: Some(OPEN), rates, ..Default::default() }).await;
        limited.agora().register(&["nora", "omar"]).await;
        let mut omar = Raw::logged_in(&limited, "omar").await;
        let refused = loop {
            let answer = omar.refused(text(Type::Chat, "nora", "hi")).await;
            if answer.0 != 0 {
                break answer;
            }
        };
        assert_eq!(refused, why(7, "traffic limit"));

        let receiver = Receiver::start(|_| Answer::status(200).with_body(json!({"valid": false, "code": "HX:1"}).to_string()));
        let hook = pb::AddHookRequest {
            form: pb::HookForm::Agora.into(),
            url: receiver.url(),
            timeout: Some(duration(Duration::from_secs(10))),
            allow_private: true,
            ..Default::default()
        };
        app.directory().add_hook(app.request(hook)).await.expect("the hook");
        app.agora().register(&["nora", "omar"]).await;
        let mut omar = Raw::logged_in(&app, "omar").await;
        assert_eq!(omar.refused(text(Type::Chat, "nora", "hi")).await, why(19, "HX:1"));
    }
}

every_shape! {
    async fn only_keys_that_this_session_gave_acknowledge_what_waits(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        agora.send_text("nora", "omar", "one").await;
        agora.send_text("nora", "omar", "two").await;
        let mut omar = Raw::logged_in(&app, "omar").await;
        // One of a gateway whose clock is ahead, or of nobody's.
        let (entries, key) = omar.pull("nora", Some(u64::MAX)).await;
        assert_eq!(entries, 2, "they were not handed out before");
        let key = key.expect("the page's key");
        assert_eq!(omar.pull("nora", Some(key + 1)).await, (0, None), "the page waits for its key");
        drop(omar);
        // Nothing was acknowledged.
        let mut omar = Raw::logged_in(&app, "omar").await;
        let (entries, again) = omar.pull("nora", Some(key)).await;
        assert_eq!(entries, 2);
        assert_eq!(omar.pull("nora", again).await, (0, None));
        drop(omar);
        // A device whose last acknowledgement was not recorded gets the messages again, and acknowledges them again.
        wait_until("the acknowledgement to be recorded", async || {
            Raw::logged_in(&app, "omar").await.drain("nora").await == 0
        })
        .await;
    }
}

every_shape! {
    async fn a_device_that_missed_more_than_waits_for_it_at_once_gets_all_of_it(app: TestApp) {
        const SENDERS: usize = 12;
        const EACH: usize = 150;
        let agora = app.agora();
        let senders: Vec<String> = (0..SENDERS).map(|number| format!("sender{number}")).collect();
        let names: Vec<&str> = senders.iter().map(String::as_str).chain(["omar"]).collect();
        agora.register(&names).await;
        // The device has a position from here on.
        agora.send_text("sender0", "omar", "before").await;
        let mut omar = Raw::logged_in(&app, "omar").await;
        assert_eq!(omar.drain("sender0").await, 1);
        drop(omar);
        // A device whose last acknowledgement was not recorded gets the message again, and acknowledges it again.
        wait_until("the acknowledgement to be recorded", async || {
            Raw::logged_in(&app, "omar").await.drain("sender0").await == 0
        })
        .await;
        let sends = (0..SENDERS * EACH).map(|number| &senders[number % SENDERS]);
        stream::iter(sends).for_each_concurrent(8, |sender| async { drop(agora.send_text(sender, "omar", "missed").await) }).await;

        let mut omar = Raw::logged_in(&app, "omar").await;
        let mut got = vec![0; SENDERS];
        // A queue is empty while what came for it is not read yet: again as long as anything comes.
        loop {
            let mut came = 0;
            for (sender, got) in senders.iter().zip(&mut got) {
                let entries = omar.drain(sender).await;
                (came, *got) = (came + entries, *got + entries);
            }
            if came == 0 {
                break;
            }
        }
        assert_eq!(got, [EACH; SENDERS]);
        agora.send_text("sender0", "omar", "after").await;
        let mut later = 0;
        while later == 0 {
            later = omar.drain("sender0").await;
        }
        assert_eq!(later, 1);
    }
}

every_shape! {
    async fn what_a_device_acknowledges_counts_as_delivered_even_if_it_connects_anew_at_once(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let mut omar = Raw::logged_in(&app, "omar").await;
        for round in 0..10 {
            let msg_id = agora.send_text("nora", "omar", &round.to_string()).await;
            let (mut entries, mut key) = omar.pull("nora", None).await;
            while entries == 0 {
                (entries, key) = omar.pull("nora", None).await;
            }
            omar.send_pull("nora", key).await;
            // It replaces the session that has yet to record the acknowledgement, or has not read it.
            omar = Raw::logged_in(&app, "omar").await;
            wait_until("the message to count as delivered", async || {
                omar.drain("nora").await;
                let status = agora.get(&format!("/users/omar/offline_msg_status/{msg_id}")).await.expect(200);
                status["data"][&msg_id] == json!("delivered")
            })
            .await;
        }
    }
}

every_shape! {
    async fn a_new_device_gets_what_was_sent_just_before_once_also_when_it_comes_back(app: TestApp) {
        let agora = app.agora();
        let names: Vec<String> = (0..10).map(|round| format!("omar{round}")).collect();
        agora.register(&names.iter().map(String::as_str).chain(["nora"]).collect::<Vec<_>>()).await;
        // The feed is followed, and has the messages a moment after their answers.
        let _nora = Raw::logged_in(&app, "nora").await;
        for omar in &names {
            let msg_id = agora.send_text("nora", omar, "just before").await;
            let mut device = Raw::logged_in(&app, omar).await;
            let mut entries = 0;
            while entries == 0 {
                entries = device.drain("nora").await;
            }
            assert_eq!(entries, 1, "{omar}");
            drop(device);
            wait_until("the message to count as delivered", async || {
                let status = agora.get(&format!("/users/{omar}/offline_msg_status/{msg_id}")).await.expect(200);
                status["data"][&msg_id] == json!("delivered")
            })
            .await;
            let mut device = Raw::logged_in(&app, omar).await;
            agora.send_text("nora", omar, "after").await;
            let mut entries = 0;
            while entries == 0 {
                entries = device.drain("nora").await;
            }
            assert_eq!(entries, 1, "{omar}");
        }
    }
}

every_shape! {
    async fn what_is_no_operation_is_refused_with_a_status_and_what_is_no_packet_ends_only_its_connection(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let mut nora = Raw::logged_in(&app, "nora").await;
        for ns in [NameSpace::Conference, NameSpace::Notify, NameSpace::Query] {
            assert_eq!(nora.refused(meta(ns, None, Vec::new())).await.0, 9, "{ns:?}");
        }
        let create = MucBody { operation: Some(muc_body::Operation::Create.into()), ..MucBody::default() };
        assert_eq!(nora.refused(meta(NameSpace::Muc, None, create.encode_to_vec())).await.0, 9);
        for ns in [NameSpace::Chat, NameSpace::Muc, NameSpace::Roster] {
            assert_eq!(nora.refused(meta(ns, None, b"\xff\xff".to_vec())).await.0, 10, "{ns:?}");
        }
        assert_eq!(nora.refused(meta(NameSpace::Statistic, None, b"\xff".to_vec())).await.0, 0);
        let mut other = Raw::logged_in(&app, "omar").await;
        other.socket.send(b"\xff\xff\xff".to_vec()).await;
        assert_eq!(other.socket.next().await, Err(1007));
        let mut early = PacketSocket::connect(&app.suite.url()).await;
        early.send(packet(Command::Unread, Vec::new())).await;
        assert_eq!(early.next().await, Err(1008));
        assert_eq!(nora.refused(text(Type::Chat, "omar", "still here")).await.0, 0);
    }
}

every_shape! {
    async fn whoever_enters_and_leaves_a_room_again_and_again_has_to_wait(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let room = json!({"name": "r", "description": "d", "owner": "nora"});
        let room = agora.post("/chatrooms", &room).await.expect(200)["data"]["id"].as_str().expect("an id").to_owned();
        let mut omar = Raw::logged_in(&app, "omar").await;
        let mut refused = None;
        for round in 0..200 {
            let answer = omar.refused(if round % 2 == 0 { join(&room) } else { leave(&room) }).await;
            if answer != why(0, "") {
                refused = Some(answer);
                break;
            }
        }
        assert_eq!(refused, Some(why(7, "traffic limit")));
        let (code, ..) = omar.does(text(Type::Chat, "nora", "he may still write")).await;
        assert_eq!(code, 0);
    }
}

every_shape! {
    async fn a_user_writes_to_nobody_who_has_not_registered_and_so_fills_no_table_with_names(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let mut nora = Raw::logged_in(&app, "nora").await;
        let refused = why(1, "the username doesn't exist!");
        assert_eq!(nora.refused(text(Type::Chat, "ghost", "hello?")).await, refused);
        // It is no refusal of the name that is kept: the app may write to it, and whoever registers it has that.
        agora.send_text("nora", "ghost", "from the app").await;
        agora.register(&["ghost"]).await;
        assert_eq!(nora.refused(text(Type::Chat, "ghost", "hello")).await, why(0, ""));
    }
}
