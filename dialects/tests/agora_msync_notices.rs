//! Notices of changes to connected clients: who gets which, with what in it.

use std::fmt::Write as _;

use prost::Message as _;
use tidings_dialects::agora::{
    Names, Reaction,
    msync::{
        Act, Changed, GroupState, Settings, is_named, notices, notices_for,
        pb::{Jid, Meta, MucBody, RosterBody, meta::NameSpace},
        pinned, reacted,
    },
};
use tidings_domain::{Change, ConversationId, GroupChanged, GroupKind, Joining, Leaving, MsgId, UnixMillis, UserId};

const NORA: UserId = UserId(16);
const OMAR: UserId = UserId(32);
const PIA: UserId = UserId(48);
const ALL: [(&str, UserId); 3] = [("nora", NORA), ("omar", OMAR), ("pia", PIA)];

fn names() -> Names {
    Names::new(ALL.map(|(name, user)| (user, name.to_owned())))
}

fn jid(jid: Option<&Jid>) -> String {
    jid.map(|jid| jid.name().to_owned()).unwrap_or_default()
}

fn decoded(meta: &[u8]) -> Meta {
    Meta::decode(meta).expect("a notice")
}

/// One line: what clients look at.
fn shown(meta: &Meta) -> String {
    assert!(meta.from.is_some(), "clients before 4.13 fail at entries without: {meta:?}");
    let payload = meta.payload();
    let mut out = String::new();
    match meta.ns() {
        NameSpace::Muc => {
            let body = MucBody::decode(payload).expect("a body");
            let to: Vec<String> = body.to.iter().map(|jid| jid.name().to_owned()).collect();
            write!(
                out,
                "MUC {:?} {} from {} to {to:?}",
                body.operation(),
                jid(body.muc_id.as_ref()),
                jid(body.from.as_ref())
            )
            .expect("a string takes all text");
            let extras = [
                ("name", body.muc_name.clone()),
                ("reason", body.reason.clone()),
                ("members", Some(body.members.join(" ")).filter(|members| !members.is_empty())),
                ("count", body.muc_member_count.map(|count| count.to_string())),
                ("ext", body.ext.clone()),
                ("event", body.event_info.as_ref().and_then(|info| info.ext.clone())),
                ("room", body.is_chatroom.filter(|is_room| *is_room).map(|_| "yes".to_owned())),
                ("thread of", body.is_thread.map(|_| jid(body.muc_parent_id.as_ref()))),
            ];
            for (key, value) in extras {
                if let Some(value) = value {
                    write!(out, ", {key} {value}").expect("a string takes all text");
                }
            }
        }
        NameSpace::Roster => {
            let body = RosterBody::decode(payload).expect("a body");
            let to: Vec<String> = body.to.iter().map(|jid| jid.name().to_owned()).collect();
            write!(out, "ROSTER {:?} from {} to {to:?} {:?}", body.operation(), jid(body.from.as_ref()), body.reason())
                .expect("a string takes all text");
        }
        _ => out.push_str(std::str::from_utf8(payload).expect("JSON")),
    }
    out
}

/// What a change tells those whom it does not name, and the three users whom it does.
fn told(change: &Change, place: &GroupState) -> String {
    let names = names();
    let at = UnixMillis(1_752_588_123_456);
    let changed = Changed { id: "m0-1", actor: NORA, at, change, names: &names, place, app_key: "acme#lobby" };
    let mut out = format!("{}\n", change.name());
    for meta in notices(&changed) {
        writeln!(out, "  all: {}", shown(&decoded(&meta))).expect("a string takes all text");
    }
    for (name, user) in ALL.iter().filter(|(_, user)| is_named(change, *user)) {
        for meta in notices_for(&changed, *user) {
            writeln!(out, "  {name}: {}", shown(&decoded(&meta))).expect("a string takes all text");
        }
    }
    out
}

fn place() -> GroupState {
    let values = vec![("song".to_owned(), "Blue".to_owned())];
    let settings = Settings { public: Some(true), members_only: Some(false), ..Settings::default() };
    GroupState { name: "tulips".to_owned(), members: 3, of_message: 7, values, settings, ..GroupState::default() }
}

fn updated(group: GroupChanged, fields: &[&str], mute_all_until_ms: Option<i64>) -> Change {
    Change::GroupUpdated {
        group,
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        name: "roses".to_owned(),
        description: fields.contains(&"description").then(|| "red".to_owned()),
        avatar: None,
        custom: None,
        mute_all_until_ms,
        enabled: fields.contains(&"enabled").then_some(false),
    }
}

fn changes_of(group: GroupChanged) -> Vec<Change> {
    let (users, name) = (vec![OMAR, PIA], "tulips".to_owned());
    let joined = |how| Change::MembersJoined { group, users: vec![OMAR], how };
    let left = |how| Change::MembersLeft { group, users: vec![OMAR], how };
    vec![
        Change::GroupCreated { group, owner: NORA, name: name.clone(), members: vec![OMAR] },
        updated(group, &["name", "description", "public"], None),
        updated(group, &["mute_all"], Some(-1)),
        updated(group, &["mute_all", "apply_approval"], Some(0)),
        updated(group, &["enabled"], None),
        Change::OwnerChanged { group, from: NORA, to: OMAR },
        joined(Joining::Added),
        joined(Joining::Joined),
        joined(Joining::Accepted),
        joined(Joining::Invited),
        Change::MembersJoined { group, users: users.clone(), how: Joining::Added },
        left(Leaving::Left),
        left(Leaving::Removed),
        left(Leaving::Blocked),
        left(Leaving::Deleted),
        Change::AdminsChanged { group, users: vec![OMAR], admin: true },
        Change::AdminsChanged { group, users: vec![OMAR], admin: false },
        Change::MembersMuted { group, users: vec![OMAR], until_ms: 1_752_588_200_000 },
        Change::MembersMuted { group, users: vec![OMAR], until_ms: 0 },
        Change::MembersBlocked { group, users: vec![OMAR], is_blocked: true },
        Change::MembersBlocked { group, users: vec![OMAR], is_blocked: false },
        Change::MembersAllowed { group, users: users.clone(), is_allowed: true },
        Change::MembersAllowed { group, users, is_allowed: false },
        Change::Announced { group, text: "at eight".to_owned() },
        Change::Announced { group, text: String::new() },
        Change::FileShared { group, uuid: "u".to_owned(), name: "f".to_owned(), owner: NORA, is_shared: true },
        Change::FileShared { group, uuid: "u".to_owned(), name: "f".to_owned(), owner: NORA, is_shared: false },
        Change::MemberChanged { group, user: OMAR, names: vec!["song".to_owned(), "gone".to_owned()] },
        Change::AttributesChanged { group, names: vec!["song".to_owned()], is_set: true },
        Change::Applied { group, user: OMAR, text: "please".to_owned() },
        Change::ApplicationRejected { group, user: OMAR },
        Change::Invited { group, users: vec![OMAR] },
        Change::InvitationDeclined { group, user: OMAR },
        Change::GroupDestroyed { group, owner: NORA, name, members: vec![OMAR] },
    ]
}

#[test]
fn every_change_of_a_group_room_or_thread_has_its_notices() {
    let kinds = [
        ("group", GroupChanged::new(17, GroupKind::Group)),
        ("room", GroupChanged::new(18, GroupKind::Room)),
        ("thread", GroupChanged { parent: 17, ..GroupChanged::new(33, GroupKind::Group) }),
    ];
    let mut out = String::new();
    for (kind, group) in kinds {
        writeln!(out, "# {kind}").expect("a string takes all text");
        for change in changes_of(group) {
            out.push_str(&told(&change, &place()));
        }
    }
    let group = GroupChanged::new(18, GroupKind::Room);
    let removed = Change::AttributesChanged { group, names: vec!["song".to_owned()], is_set: false };
    out.push_str(&told(&removed, &GroupState::default()));
    insta::assert_snapshot!("msync_group_notices", out);
}

#[test]
fn every_change_between_contacts_has_its_notices() {
    let contact = |accepted| Change::ContactAdded { user: OMAR, contact: NORA, accepted };
    let blocked = |is_blocked| Change::UserBlocked { user: NORA, blocked: OMAR, is_blocked };
    let changes = [
        Change::ContactRequested { user: OMAR, from: NORA, text: "hi".to_owned() },
        Change::ContactDeclined { user: OMAR, from: NORA },
        contact(true),
        contact(false),
        Change::ContactRemoved { user: NORA, contact: OMAR },
        blocked(true),
        blocked(false),
        Change::UserChanged { user: NORA, fields: vec!["nickname".to_owned()] },
    ];
    let out: String = changes.iter().map(|change| told(change, &GroupState::default())).collect();
    insta::assert_snapshot!("msync_contact_notices", out);
}

#[test]
fn a_pinned_message_is_named_with_who_pinned_it() {
    let act = |conversation| Act {
        id: "m0-1",
        actor: OMAR,
        at: UnixMillis(1_752_588_123_456),
        conversation,
        msg_id: MsgId(7),
        sender: Some(NORA),
    };
    let direct = ConversationId::direct(NORA, OMAR);
    let room = ConversationId::Room(tidings_domain::RoomId(18));
    let out = [pinned(&act(direct), true, &names()), pinned(&act(room), false, &names())];
    insta::assert_snapshot!("msync_pin_notices", out.map(|bytes| shown(&decoded(&bytes))).join("\n"));
}

#[test]
fn a_reaction_comes_with_all_others_of_the_message() {
    let of = |text: &str, count, users: &[UserId]| Reaction {
        id: 1,
        text: text.to_owned(),
        count,
        own: false,
        users: users.to_vec(),
    };
    let act = |conversation| Act {
        id: "m0-1",
        actor: OMAR,
        at: UnixMillis(1_752_588_123_456),
        conversation,
        msg_id: MsgId(7),
        sender: Some(NORA),
    };
    let show = |bytes: Vec<u8>| shown(&decoded(&bytes));
    let all = [of("yes", 2, &[OMAR, PIA]), of("no", 1, &[NORA])];
    let direct = act(ConversationId::direct(NORA, OMAR));
    let group = act(ConversationId::Group(tidings_domain::GroupId(17)));
    let out = [
        show(reacted(&direct, ("yes", true), &all, &names())),
        show(reacted(&group, ("no", false), &all, &names())),
        show(reacted(&group, ("gone", false), &[], &names())),
    ];
    insta::assert_snapshot!("msync_reaction_notices", out.join("\n"));
}
