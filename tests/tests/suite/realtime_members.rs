//! What members of a group get of messages from before they joined: as much as their history shows (docs/realtime.md).

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Agora, Socket, TestApp, every_shape};

use crate::{
    msync_refusals::Raw,
    realtime::{edit, group, say, until},
    subscribe::{Subscription, message_to_group, people, send, team},
};

async fn set_visible(app: &TestApp, group_id: i64) {
    let settings = Some(pb::GroupSettings { history_visible: Some(true), ..Default::default() });
    let wanted = pb::UpdateGroupRequest { group_id, settings, ..Default::default() };
    app.groups().update_group(app.request(wanted)).await.expect("the settings are taken");
}

async fn join(agora: &Agora, group: &str, user: &str) {
    agora.post(&format!("/chatgroups/{group}/users/{user}"), &json!({})).await.expect(200);
}

/// What comes of [`change`].
const KINDS: [&str; 6] = [
    "message.edited",
    "message.pinned",
    "message.reacted",
    "message.recalled",
    "message.unpinned",
    "message.unreacted",
];

/// An edit, a reaction that comes and goes, a pin that comes and goes, and a recall.
async fn change(agora: &Agora, group: &str, msg_id: &Value) {
    let nora = agora.logged_in("nora").await;
    edit(agora, msg_id, "edited").await;
    let reaction = json!({"msgId": msg_id, "message": "smile"});
    agora.post("/reaction/user/nora", &reaction).await.expect(200);
    let id = msg_id.as_str().expect("an id");
    agora.delete(&format!("/reaction/user/nora?msgId={id}&message=smile")).await.expect(200);
    let pin = json!({"to": group, "type": "groupchat", "pin_msg_id": msg_id});
    let path = "/sdk/user/nora/user_channel/pin";
    nora.post(path, &pin).await.expect(200);
    let unpinned = nora.request(Method::DELETE, path).json(&pin).send().await.expect("an answer");
    assert_eq!(unpinned.status(), 200);
    let recall = json!({"msg_id": msg_id, "from": "nora", "to": group, "chat_type": "groupchat", "force": true});
    agora.post("/messages/msg_recall", &recall).await.expect(200);
}

every_shape! {
    async fn what_happens_to_older_messages_reaches_only_members_whose_history_shows_them(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia", "quinn"]).await;
        for is_visible in [false, true] {
            let team = group(&agora, "nora", &["quinn"]).await;
            let old = say(&agora, &team, "before").await;
            join(&agora, &team, "omar").await;
            if is_visible {
                set_visible(&app, team.parse().expect("a number")).await;
            }
            let mut sockets = Vec::new();
            for user in ["quinn", "omar", "pia"] {
                sockets.push(Socket::open(&app, &agora.logged_in(user).await.token, None).await);
            }
            join(&agora, &team, "pia").await;
            sockets[2].event("group.joined").await;
            change(&agora, &team, &old).await;
            // Pins are reported by another service, so they may come later than what happened after them.
            let (seers, others) = sockets.split_at_mut(if is_visible { 3 } else { 1 });
            for socket in seers {
                let mut seen = BTreeSet::new();
                while seen.len() < KINDS.len() {
                    let events = socket.events().await.into_iter().filter(|event| event["msg_id"] == old);
                    seen.extend(events.filter_map(|event| event["kind"].as_str().map(str::to_owned)));
                }
                assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), KINDS, "{is_visible}");
            }
            let last = say(&agora, &team, "after").await;
            for socket in others {
                let seen = until(socket, &last).await;
                assert!(seen.iter().all(|(_, id)| old != *id), "{seen:?}");
            }
        }
    }
}

every_shape! {
    async fn devices_of_the_sdk_get_nothing_of_messages_from_before_their_user_joined(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "quinn"]).await;
        let team = group(&agora, "nora", &["quinn"]).await;
        let old = say(&agora, &team, "before").await;
        join(&agora, &team, "omar").await;
        let (mut omar, mut quinn) = (Raw::logged_in(&app, "omar").await, Raw::logged_in(&app, "quinn").await);
        change(&agora, &team, &old).await;
        let last = say(&agora, &team, "after").await.as_str().expect("an id").parse().expect("a number");
        let entries = omar.entries_until(&team, last).await;
        assert_eq!(entries.len(), 1, "{entries:?}");
        let entries = quinn.entries_until(&team, last).await;
        assert!(entries.len() > 2, "{entries:?}");
    }
}

every_shape! {
    async fn subscribers_get_what_happens_to_older_messages_for_members_who_see_them(app: TestApp) {
        let ids = people(&app, &["nora", "omar", "quinn"]).await;
        let (nora, omar, quinn) = (ids[0], ids[1], ids[2]);
        let team = team(&app, nora, &[quinn]).await;
        let old = send(&app, message_to_group(nora, team, "before")).await[0];
        let joined = pb::AddMembersRequest { group_id: team, user_ids: vec![omar] };
        app.groups().add_members(app.request(joined)).await.expect("a member");
        let mut both = Subscription::of(&app, &[omar, quinn], "").await;
        both.next().await.expect("the beginning");
        let recall = pb::RecallRequest { msg_id: old, ..Default::default() };
        app.messages().recall(app.request(recall)).await.expect("it is recalled");
        let (event, users) = both.event("message.recalled").await;
        assert_eq!((event.msg_id, users), (old, vec![quinn]));
        let new = send(&app, message_to_group(nora, team, "after")).await[0];
        let recall = pb::RecallRequest { msg_id: new, ..Default::default() };
        app.messages().recall(app.request(recall)).await.expect("it is recalled");
        let (event, users) = both.event("message.recalled").await;
        assert_eq!((event.msg_id, users), (new, vec![omar, quinn]));
    }
}
