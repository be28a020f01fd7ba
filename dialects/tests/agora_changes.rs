//! What Agora is told of changes (agora.md 11.3).

use insta::assert_snapshot;
use tidings_dialects::agora::{
    ChangeCallback, Presence, StatusCallback,
    msync::{pb::Meta, presence_changed},
    muc_callback, operations, roster_callback, status_callback,
};
use tidings_domain::{App, Change, GroupChanged, GroupKind, Joining, Leaving, SessionEnd, UnixMillis, UserId};

const ANN: UserId = UserId(16);
const BOB: UserId = UserId(32);

fn group() -> GroupChanged {
    GroupChanged::new(17, GroupKind::Group)
}

fn told(app: &App) -> ChangeCallback<'_> {
    let timestamp = UnixMillis(1_752_600_000_123);
    ChangeCallback { app, secret: "s3cr3t", timestamp, from: "ann", to: "bob", id: "m3-7", host: "tidings" }
}

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).expect("bodies are UTF-8")
}

#[test]
fn a_group_is_told_as_muc_agora_11_3() {
    let body = text(muc_callback(&told(&App::example()), group(), "kick", ""));
    assert_snapshot!(body, @r#"{"callId":"acme#lobby_m3-7","eventType":"chat","timestamp":1752600000123,"chat_type":"muc","group_id":"17","from":"ann","to":"bob","msg_id":"m3-7","payload":{"muc_id":"acme#lobby_17@conference.easemob.com","is_chatroom":false,"operation":"kick","reason":"","status":{"description":"","error_code":"ok"}},"securityVersion":"1.0.0","security":"34f6694e6ec8a29fc91edd6722b90a60","appkey":"acme#lobby","host":"tidings"}"#);
}

#[test]
fn contacts_are_told_as_roster_agora_11_3() {
    let body = text(roster_callback(&told(&App::example()), "add", "hi"));
    assert_snapshot!(body, @r#"{"callId":"acme#lobby_m3-7","eventType":"chat","timestamp":1752600000123,"chat_type":"roster","from":"ann","to":"bob","msg_id":"m3-7","payload":{"operation":"add","reason":"hi","roster_ver":"0E600291A1BC93DC6483520AF1F01218"},"securityVersion":"1.0.0","security":"34f6694e6ec8a29fc91edd6722b90a60","appkey":"acme#lobby","host":"tidings"}"#);
}

#[test]
fn a_login_and_a_logout_are_told_without_a_type_agora_11_3() {
    let app = App::example();
    let ChangeCallback { timestamp, .. } = told(&app);
    let told = StatusCallback {
        app: &app,
        secret: "s3cr3t",
        timestamp,
        id: "m3-7",
        host: "tidings",
        user: "ann",
        resource: "phone",
        platform: "ios",
        address: "192.0.2.7",
        ended: None,
    };
    assert_snapshot!(text(status_callback(&told)), @r#"{"callId":"acme#lobby_m3-7","reason":"login","status":"online","user":"acme#lobby_ann@easemob.com/phone","os":"ios","ip":"192.0.2.7","host":"tidings","appkey":"acme#lobby","version":"","timestamp":1752600000123,"security":"34f6694e6ec8a29fc91edd6722b90a60"}"#);
    for (how, reason) in [
        (SessionEnd::LoggedOut, "logout"),
        (SessionEnd::Closed, "logout"),
        (SessionEnd::TimedOut, "logout"),
        (SessionEnd::Kicked, "logout"),
        (SessionEnd::Replaced, "replaced"),
    ] {
        let body = text(status_callback(&StatusCallback { ended: Some(how), ..told }));
        assert!(body.contains(&format!(r#""reason":"{reason}","status":"offline""#)), "{body}");
    }
}

#[test]
fn clients_are_notified_of_presence_as_of_the_call_that_reads_it() {
    let presence = Presence {
        username: "ann".to_owned(),
        last_time: 1_752_600_000_123,
        ext: "lunch".to_owned(),
        statuses: [("phone".to_owned(), "100".to_owned())].into(),
        ..Presence::default()
    };
    let entry = presence_changed("m0-1", UnixMillis(5), &presence);
    assert_eq!(entry, presence_changed("m0-1", UnixMillis(5), &presence));
    let meta = <Meta as prost::Message>::decode(entry.as_slice()).expect("an entry");
    assert_eq!((meta.timestamp, meta.from.expect("a sender").name()), (Some(5), "ann"));
    assert_snapshot!(text(meta.payload.expect("a payload")), @r#"{"type":"presence","data":{"values":[{"uid":"ann","last_time":"1752600000","ext":"lunch","status":{"phone":"100"}}]}}"#);
}

#[test]
fn each_change_has_the_vendors_operations_agora_11_3() {
    let group = group();
    let both = || vec![ANN, BOB];
    let updated = |fields: &[&str], mute_all_until_ms| Change::GroupUpdated {
        group,
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        name: String::new(),
        description: None,
        avatar: None,
        custom: None,
        mute_all_until_ms,
        enabled: None,
    };
    let joined = |how| Change::MembersJoined { group, users: vec![BOB], how };
    let left = |how| Change::MembersLeft { group, users: vec![BOB], how };
    let table = [
        (Change::ContactRequested { user: BOB, from: ANN, text: String::new() }, "add 32"),
        (Change::ContactDeclined { user: BOB, from: ANN }, "decline 16"),
        (Change::ContactAdded { user: BOB, contact: ANN, accepted: true }, "accept 16"),
        (Change::ContactAdded { user: ANN, contact: BOB, accepted: false }, "add 32"),
        (Change::ContactRemoved { user: ANN, contact: BOB }, "remove 32"),
        (Change::UserBlocked { user: ANN, blocked: BOB, is_blocked: true }, "ban 32"),
        (Change::UserBlocked { user: ANN, blocked: BOB, is_blocked: false }, "allow 32"),
        (Change::GroupDestroyed { group, owner: ANN, name: String::new(), members: both() }, "destroy"),
        (updated(&["name"], None), "update"),
        (updated(&["mute_all"], Some(-1)), "ban_group"),
        (updated(&["mute_all"], Some(0)), "remove_ban_group"),
        (updated(&["name", "mute_all"], Some(0)), "remove_ban_group, update"),
        (Change::OwnerChanged { group, from: ANN, to: BOB }, "assing_owner 32"),
        (joined(Joining::Added), "presence 32"),
        (joined(Joining::Joined), "presence 32"),
        (joined(Joining::Accepted), "apply_accept 32"),
        (joined(Joining::Invited), "invite_accept 32"),
        (left(Leaving::Left), "leave 32"),
        (left(Leaving::Deleted), "leave 32"),
        (left(Leaving::Removed), "kick 32"),
        (left(Leaving::Blocked), ""),
        (Change::MembersBlocked { group, users: both(), is_blocked: true }, "ban 16, ban 32"),
        (Change::MembersBlocked { group, users: both(), is_blocked: false }, "allow 16, allow 32"),
        (Change::AdminsChanged { group, users: vec![BOB], admin: true }, "add_admin 32"),
        (Change::AdminsChanged { group, users: vec![BOB], admin: false }, "remove_admin 32"),
        (Change::MembersMuted { group, users: vec![BOB], until_ms: -1 }, "add_mute 32"),
        (Change::MembersMuted { group, users: vec![BOB], until_ms: 0 }, "remove_mute 32"),
        (Change::MembersAllowed { group, users: vec![BOB], is_allowed: true }, "add_user_white_list 32"),
        (Change::MembersAllowed { group, users: vec![BOB], is_allowed: false }, "remove_user_white_list 32"),
        (Change::Announced { group, text: "x".into() }, "update_announcement"),
        (Change::Announced { group, text: String::new() }, "delete_announcement"),
        (Change::MemberChanged { group, user: BOB, names: vec![] }, "group_member_metadata_update 32"),
        (Change::AttributesChanged { group, names: vec![], is_set: true }, "set_metadata"),
        (Change::AttributesChanged { group, names: vec![], is_set: false }, "delete_metadata"),
        (Change::Applied { group, user: BOB, text: String::new() }, "apply 32"),
        (Change::Invited { group, users: vec![BOB] }, "invite 32"),
        (Change::InvitationDeclined { group, user: BOB }, "invite_decline 32"),
        (Change::UserDeleted { user: BOB }, ""),
        (Change::ApplicationRejected { group, user: BOB }, ""),
    ];
    for (change, expected) in table {
        let told = operations(&change).into_iter().map(|told| match told.whom {
            Some(user) => format!("{} {user}", told.name),
            None => told.name.to_owned(),
        });
        assert_eq!(told.collect::<Vec<_>>().join(", "), expected, "{change:?}");
    }
}
