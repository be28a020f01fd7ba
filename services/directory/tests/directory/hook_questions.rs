//! What hooks are asked before groups and contacts change, and what their answers lead to (tencent.md 6.1).

use std::time::Duration;

use serde_json::{Value, json};
use tidings_domain::Reason;
use tidings_proto::{
    duration,
    pb::{self, directory_service_server::DirectoryService as _, group_service_server::GroupService as _},
};
use tidings_testkit::{Answer, Receiver};
use tonic::{Response, Status};

use crate::{
    group_suite::{By, by, outcomes, owned},
    suite::{START, Suite, error, in_lobby, ok, on_both_engines},
};

use pb::HookSubject::{ContactAnswer, ContactRequest, GroupApplication, GroupCreation, GroupInvitation, Message};

const ALL: [pb::HookSubject; 5] = [GroupCreation, GroupApplication, GroupInvitation, ContactRequest, ContactAnswer];

fn hook(receiver: &Receiver, subjects: &[pb::HookSubject]) -> pb::AddHookRequest {
    pb::AddHookRequest {
        form: pb::HookForm::Tencent.into(),
        url: receiver.url(),
        timeout: Some(duration(Duration::from_secs(10))),
        allow_private: true,
        subjects: subjects.iter().map(|subject| (*subject).into()).collect(),
        ..Default::default()
    }
}

async fn add(suite: &Suite, new: pb::AddHookRequest) {
    ok(suite.directory.add_hook(in_lobby(new)).await);
}

/// A server that answers everything alike.
fn answering(answer: Value) -> Receiver {
    Receiver::start(move |_| Answer::ok().with_body(answer.to_string()))
}

fn refusing() -> Receiver {
    answering(json!({"ActionStatus": "OK", "ErrorCode": 10_100, "ErrorInfo": "not today"}))
}

/// A server that answers questions about contacts: of their first item.
fn about_contacts(code: i64) -> Receiver {
    Receiver::start(move |received| {
        let asked: Value = serde_json::from_slice(&received.body).unwrap();
        let item = ["FriendItem", "ResponseFriendItem"].into_iter().find_map(|key| asked.get(key)).unwrap();
        let result = json!([{"To_Account": item[0]["To_Account"], "ResultCode": code, "ResultInfo": "no strangers"}]);
        let answer = json!({"ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": "", "ResultItem": result});
        Answer::ok().with_body(answer.to_string())
    })
}

fn questions_of(receiver: &Receiver) -> Vec<Value> {
    receiver.received().iter().map(|received| serde_json::from_slice(&received.body).unwrap()).collect()
}

async fn apply(
    suite: &Suite,
    caller: By,
    group_id: i64,
    user_id: Option<i64>,
) -> Result<Response<pb::ApplyResponse>, Status> {
    let request = pb::ApplyRequest { group_id, user_id, text: "please".to_owned(), ..Default::default() };
    suite.directory.apply(by(caller, request)).await
}

async fn bring(
    suite: &Suite,
    caller: By,
    group_id: i64,
    users: &[i64],
) -> Result<Response<pb::MembersResponse>, Status> {
    let request = pb::AddMembersRequest { group_id, user_ids: users.to_vec() };
    suite.directory.add_members(by(caller, request)).await
}

async fn request(suite: &Suite, caller: i64, contact_id: i64) -> Result<Response<pb::RequestContactResponse>, Status> {
    let request = pb::RequestContactRequest {
        contact_id,
        text: "it is me".to_owned(),
        remark: "neighbour".to_owned(),
        ..Default::default()
    };
    suite.directory.request_contact(by(By::User(caller), request)).await
}

async fn a_creation_is_asked_about_and_a_refused_one_makes_nothing_tencent_6_1(suite: Suite) {
    let [ann, bob, eve] = suite.users().await;
    suite.group(ann, &[]).await;
    let receiver = refusing();
    add(&suite, hook(&receiver, &ALL)).await;
    let new = |owner| pb::CreateGroupRequest { name: "lunch".to_owned(), ..owned(owner, &[bob, eve]) };
    for caller in [By::App, By::User(ann)] {
        let refused = error(suite.directory.create_group(by(caller, new(ann))).await);
        assert_eq!(refused, (Reason::RefusedByHook, "10100 not today".to_owned()));
    }
    let expected = |operator: &str| {
        json!({
            "CallbackCommand": "Group.CallbackBeforeCreateGroup", "Operator_Account": operator, "Owner_Account": "u0",
            "Type": "Public", "Name": "lunch", "CreateGroupNum": 1,
            "MemberList": [{"Member_Account": "u1"}, {"Member_Account": "u2"}], "EventTime": START.0,
        })
    };
    assert_eq!(questions_of(&receiver), [expected("admin"), expected("u0")]);
    assert_eq!(suite.count("chat_group").await, 1);
    let unknown = error(suite.directory.create_group(by(By::App, owned(999_984, &[]))).await);
    assert_eq!((unknown.0, receiver.count()), (Reason::UserNotFound, 2), "nobody is asked about what cannot be");
}

async fn users_who_join_are_asked_about_and_whom_the_app_lets_in_is_not_tencent_6_1(suite: Suite) {
    let [ann, bob, eve] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    let all = pb::ApplyApproval::All.into();
    suite.set_settings(group, pb::GroupSettings { apply_approval: all, ..Default::default() }).await;
    let receiver = answering(json!({"ActionStatus": "FAIL", "ErrorCode": 1}));
    add(&suite, hook(&receiver, &ALL)).await;
    let refused = error(apply(&suite, By::User(bob), group, None).await);
    assert_eq!(refused, (Reason::RefusedByHook, "refused by the callback".to_owned()));
    let expected = json!({
        "CallbackCommand": "Group.CallbackBeforeApplyJoinGroup", "GroupId": group.to_string(), "Type": "Public",
        "Requestor_Account": "u1", "EventTime": START.0,
    });
    assert_eq!(questions_of(&receiver), [expected]);
    assert!(ok(apply(&suite, By::App, group, Some(eve)).await).joined);
    assert_eq!(receiver.count(), 1);
    assert_eq!(suite.count("group_member").await, 2);
}

async fn refused_members_are_left_out_and_the_others_come_in_tencent_6_1(suite: Suite) {
    let [ann, bob, eve, dan] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    let first = answering(json!({"ActionStatus": "OK", "ErrorCode": 0, "RefusedMembers_Account": ["u2", "nobody"]}));
    let second = answering(json!({"ActionStatus": "OK", "ErrorCode": 0, "RefusedMembers_Account": []}));
    add(&suite, hook(&first, &ALL)).await;
    add(&suite, hook(&second, &ALL)).await;
    let reply = ok(bring(&suite, By::App, group, &[bob, 999_984, eve, dan]).await);
    let text = reply.results[2].text.clone();
    let refused = |user: i64, reason: &str| (user, reason.to_owned());
    let expected =
        [refused(bob, ""), refused(999_984, "USER_NOT_FOUND"), refused(eve, "REFUSED_BY_HOOK"), refused(dan, "")];
    assert_eq!((outcomes(reply), text.as_str()), (expected.to_vec(), "refused by the callback"));
    let question = |users: &[&str]| {
        let members: Vec<Value> = users.iter().map(|user| json!({"Member_Account": user})).collect();
        json!({
            "CallbackCommand": "Group.CallbackBeforeInviteJoinGroup", "GroupId": group.to_string(), "Type": "Public",
            "Operator_Account": "admin", "DestinationMembers": members, "EventTime": START.0,
        })
    };
    assert_eq!(questions_of(&first), [question(&["u1", "u2", "u3"])]);
    assert_eq!(questions_of(&second), [question(&["u1", "u3"])], "each sees what the one before let in");
    let alone = ok(bring(&suite, By::User(ann), group, &[eve]).await);
    assert_eq!(outcomes(alone), [refused(eve, "REFUSED_BY_HOOK")]);
    assert_eq!((first.count(), second.count()), (2, 1));
    let outside = error(bring(&suite, By::User(eve), group, &[eve]).await);
    assert_eq!((outside.0, first.count()), (Reason::NotGroupMember, 2), "who may not invite asks nobody");
}

async fn nobody_is_asked_about_members_or_in_disabled_groups(suite: Suite) {
    let [ann, bob, eve] = suite.users().await;
    let group = suite.group(ann, &[bob]).await;
    let receiver = refusing();
    add(&suite, hook(&receiver, &ALL)).await;
    let again = error(apply(&suite, By::User(bob), group, None).await);
    assert_eq!(again.0, Reason::AlreadyGroupMember, "clients enter again after they reconnect");
    let member = (bob, "ALREADY_GROUP_MEMBER".to_owned());
    assert_eq!(outcomes(ok(bring(&suite, By::App, group, &[bob]).await)), [member]);
    suite.set_group_enabled(group, false).await;
    assert_eq!(error(apply(&suite, By::User(eve), group, None).await).0, Reason::GroupDisabled);
    assert_eq!(error(bring(&suite, By::User(ann), group, &[eve]).await).0, Reason::GroupDisabled);
    assert_eq!(receiver.count(), 0);
}

async fn whom_a_hook_refuses_is_not_invited_either_tencent_6_1(suite: Suite) {
    let [ann, bob, eve] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    suite.set_settings(group, pb::GroupSettings { invite_confirm: Some(true), ..Default::default() }).await;
    let receiver = answering(json!({"ActionStatus": "OK", "ErrorCode": 0, "RefusedMembers_Account": ["u1"]}));
    add(&suite, hook(&receiver, &[GroupInvitation])).await;
    let request = pb::InviteMembersRequest { group_id: group, user_ids: vec![bob, eve], text: String::new() };
    let reply = ok(suite.directory.invite_members(by(By::User(ann), request)).await);
    let reasons: Vec<_> = reply.results.into_iter().map(|result| result.reason).collect();
    assert_eq!((reasons, reply.waiting_ids), (vec!["REFUSED_BY_HOOK".to_owned(), String::new()], vec![eve]));
    assert_eq!(suite.count("group_invitation").await, 1);
    let accept = pb::DecideInvitationRequest { group_id: group, user_id: None, accept: true };
    ok(suite.directory.decide_invitation(by(By::User(eve), accept)).await);
    assert_eq!(receiver.count(), 1, "an accepted invitation was asked about when it was made");
}

async fn requests_and_answers_of_users_are_asked_about_tencent_6_1(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let receiver = about_contacts(0);
    add(&suite, hook(&receiver, &ALL)).await;
    ok(request(&suite, ann, bob).await);
    let answer = |accept| pb::DecideContactRequest { user_id: None, from_id: ann, accept };
    ok(suite.directory.decide_contact(by(By::User(bob), answer(true))).await);
    let expected = [
        json!({
            "CallbackCommand": "Sns.CallbackPrevFriendAdd", "Requester_Account": "u0", "From_Account": "u0",
            "FriendItem": [{
                "To_Account": "u1", "Remark": "neighbour", "GroupName": "", "AddSource": "", "AddWording": "it is me",
            }],
            "AddType": "Add_Type_Both", "ForceAddFlags": 0, "EventTime": START.0,
        }),
        json!({
            "CallbackCommand": "Sns.CallbackPrevFriendResponse", "Requester_Account": "u1", "From_Account": "u1",
            "ResponseFriendItem": [{
                "To_Account": "u0", "Remark": "", "TagName": "", "ResponseAction": "Response_Action_AgreeAndAdd",
            }],
            "EventTime": START.0,
        }),
    ];
    assert_eq!(questions_of(&receiver), expected);
    assert_eq!(suite.count("contact").await, 2);
}

async fn a_refused_request_and_a_refused_answer_change_nothing_tencent_6_1(suite: Suite) {
    let [ann, bob] = suite.users().await;
    ok(request(&suite, ann, bob).await);
    let receiver = about_contacts(38_000);
    add(&suite, hook(&receiver, &ALL)).await;
    let expected = (Reason::RefusedByHook, "38000 no strangers".to_owned());
    assert_eq!(error(request(&suite, bob, ann).await), expected);
    for accept in [true, false] {
        let answer = pb::DecideContactRequest { user_id: None, from_id: ann, accept };
        assert_eq!(error(suite.directory.decide_contact(by(By::User(bob), answer)).await), expected);
    }
    assert_eq!((suite.count("contact").await, suite.count("contact_request").await), (0, 1));
    let added = pb::AddContactRequest { user_id: Some(ann), contact_id: bob };
    assert!(ok(suite.directory.add_contact(by(By::App, added)).await).changed);
    assert_eq!(receiver.count(), 3, "what the app does is not asked about");
}

async fn without_a_decision_the_hooks_setting_decides_tencent_2(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let group = suite.group(ann, &[]).await;
    let answers = [
        Answer::status(500),
        Answer::ok().with_body("OK"),
        Answer::ok().with_body(r#"{"ActionStatus":"OK","ErrorCode":"0"}"#),
        Answer::ok().with_body(r#"{"ActionStatus":"OK","ErrorCode":2}"#),
        Answer::ok().after(Duration::from_mins(1)),
    ];
    for answer in answers {
        let receiver = Receiver::start(move |_| answer.clone());
        for refuse_on_failure in [true, false] {
            let hook = pb::AddHookRequest {
                refuse_on_failure,
                timeout: Some(duration(Duration::from_millis(50))),
                ..hook(&receiver, &ALL)
            };
            let id = ok(suite.directory.add_hook(in_lobby(hook)).await).id;
            let request = pb::CreateGroupRequest { name: format!("{id}"), ..owned(ann, &[bob]) };
            let created = suite.directory.create_group(by(By::App, request)).await;
            let brought = bring(&suite, By::App, group, &[bob]).await;
            if refuse_on_failure {
                let expected = (Reason::RefusedByHook, "custom internal error".to_owned());
                assert_eq!((error(created), error(brought)), (expected.clone(), expected));
            } else {
                ok(created);
                assert_eq!(outcomes(ok(brought)), [(bob, String::new())]);
                suite.remove(By::App, group, &[bob]).await.unwrap();
            }
            ok(suite.directory.remove_hook(in_lobby(pb::RemoveHookRequest { id })).await);
        }
    }
}

async fn a_hook_that_never_answers_is_left_alone_for_a_while(suite: Suite) {
    let [ann] = suite.users().await;
    let receiver = Receiver::start(|_| Answer::ok().after(Duration::from_mins(1)));
    add(&suite, pb::AddHookRequest { timeout: Some(duration(Duration::from_millis(50))), ..hook(&receiver, &ALL) })
        .await;
    for _ in 0..7 {
        suite.group(ann, &[]).await;
    }
    receiver.wait_for(5).await;
    assert_eq!(receiver.count(), 5);
    suite.advance(Duration::from_secs(5));
    suite.group(ann, &[]).await;
    receiver.wait_for(6).await;
    suite.group(ann, &[]).await;
    assert_eq!(receiver.count(), 6);
}

async fn only_hooks_about_it_are_asked(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let receiver = refusing();
    let kinds = vec![pb::ConversationKind::Room.into()];
    add(&suite, hook(&receiver, &[])).await;
    add(&suite, hook(&receiver, &[Message, GroupApplication, ContactRequest])).await;
    add(&suite, pb::AddHookRequest { kinds, ..hook(&receiver, &ALL) }).await;
    let group = suite.group(ann, &[]).await;
    ok(bring(&suite, By::App, group, &[bob]).await);
    assert_eq!(receiver.count(), 0);
    let room = pb::CreateGroupRequest { kind: pb::GroupKind::Room.into(), ..owned(ann, &[]) };
    let refused = error(suite.directory.create_group(by(By::App, room)).await);
    assert_eq!((refused.0, &questions_of(&receiver)[0]["Type"]), (Reason::RefusedByHook, &json!("ChatRoom")));
}

on_both_engines!(
    a_creation_is_asked_about_and_a_refused_one_makes_nothing_tencent_6_1,
    users_who_join_are_asked_about_and_whom_the_app_lets_in_is_not_tencent_6_1,
    refused_members_are_left_out_and_the_others_come_in_tencent_6_1,
    nobody_is_asked_about_members_or_in_disabled_groups,
    whom_a_hook_refuses_is_not_invited_either_tencent_6_1,
    requests_and_answers_of_users_are_asked_about_tencent_6_1,
    a_refused_request_and_a_refused_answer_change_nothing_tencent_6_1,
    without_a_decision_the_hooks_setting_decides_tencent_2,
    a_hook_that_never_answers_is_left_alone_for_a_while,
    only_hooks_about_it_are_asked,
);
