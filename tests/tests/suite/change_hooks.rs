//! Hooks that are asked before groups and contacts change (tencent.md 6.1), as their callers see them.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tidings_proto::{duration, pb};
use tidings_testkit::{Answer, Receiver, TestApp, every_shape};
use tonic::Code;

use crate::{
    endpoint::{TOKEN, strict},
    envelope::{agora_error, lanying_data},
    people::people,
};

const ALL: [pb::HookSubject; 5] = [
    pb::HookSubject::GroupCreation,
    pb::HookSubject::GroupApplication,
    pb::HookSubject::GroupInvitation,
    pb::HookSubject::ContactRequest,
    pb::HookSubject::ContactAnswer,
];

/// Before anything else is done: processes cache an app's settings for a while.
async fn ask(app: &TestApp, receiver: &Receiver) {
    let new = pb::AddHookRequest {
        form: pb::HookForm::Tencent.into(),
        url: format!("{}/ask?s=route", receiver.url()),
        token: TOKEN.into(),
        timeout: Some(duration(Duration::from_secs(10))),
        allow_private: true,
        subjects: ALL.map(Into::into).to_vec(),
        ..Default::default()
    };
    app.directory().add_hook(app.request(new)).await.expect("the hook is taken");
}

/// Refuses groups named `no`, keeps `eve` out of groups, and lets nobody be a contact of hers.
fn doorman() -> Receiver {
    Receiver::start(|received| {
        let asked = received.json();
        let mut answer = json!({"ActionStatus": "OK", "ErrorCode": 0, "ErrorInfo": ""});
        match asked["CallbackCommand"].as_str().expect("a command") {
            "Group.CallbackBeforeCreateGroup" if asked["Name"] == "no" => {
                (answer["ErrorCode"], answer["ErrorInfo"]) = (10_101.into(), "no such names".into());
            }
            "Group.CallbackBeforeApplyJoinGroup" if asked["Requestor_Account"] == "eve" => {
                answer["ErrorCode"] = 1.into();
            }
            "Group.CallbackBeforeInviteJoinGroup" => answer["RefusedMembers_Account"] = json!(["eve"]),
            "Sns.CallbackPrevFriendAdd" => answer["ResultItem"] = result(&asked["FriendItem"][0]["To_Account"]),
            "Sns.CallbackPrevFriendResponse" => {
                answer["ResultItem"] = result(&asked["ResponseFriendItem"][0]["To_Account"]);
            }
            _ => {}
        }
        Answer::ok().with_body(answer.to_string())
    })
}

fn result(to: &Value) -> Value {
    let code = if to == "eve" { 38_001 } else { 0 };
    json!([{"To_Account": to, "ResultCode": code, "ResultInfo": "leave her alone"}])
}

every_shape! {
    async fn a_refused_change_is_told_in_each_dialects_words_and_nothing_is_done_tencent_6_1(app: TestApp) {
        let receiver = doorman();
        ask(&app, &receiver).await;
        let [ann, bob, eve] = people(&app, ["ann", "bob", "eve"]).await;
        let (agora, own) = (app.agora(), app.agora().logged_in("ann").await);
        let hers = app.agora().logged_in("eve").await;
        let forbidden = |text: &str| ("forbidden_op".to_owned(), text.to_owned());

        let new = |name: &str| json!({"groupname": name, "owner": "ann", "public": true, "members": ["bob"]});
        for client in [&agora, &own] {
            let refused = client.post("/chatgroups", &new("no")).await;
            assert_eq!(agora_error(&refused, 403), forbidden("10101 no such names"));
        }
        let refused = ann.client.post("/group/create", &json!({"name": "no", "type": 0})).await.json();
        assert_eq!((&refused["code"], &refused["message"]), (&json!(10010), &json!("10101 no such names")));
        let wanted = pb::CreateGroupRequest { name: "no".into(), owner_id: Some(ann.id), ..Default::default() };
        let refused = app.groups().create_group(app.request(wanted)).await.expect_err("refused");
        assert_eq!((refused.code(), refused.message()), (Code::PermissionDenied, "10101 no such names"));
        assert_eq!(agora.get("/users/ann/joined_chatgroups").await.expect(200)["count"], 0);

        let group = agora.post("/chatgroups", &new("yes")).await.expect(200);
        let group = group["data"]["groupid"].as_str().expect("an id").to_owned();
        let id: i64 = group.parse().expect("a number");
        let one = agora.post(&format!("/chatgroups/{group}/users/eve"), &json!({})).await;
        assert_eq!(agora_error(&one, 403), forbidden("refused by the callback"));
        let some = agora.post(&format!("/chatgroups/{group}/users"), &json!({"usernames": ["eve"]})).await;
        assert_eq!(agora_error(&some, 403), forbidden("refused by the callback"));
        let invited = ann.client.post("/group/invite", &json!({"group_id": id, "user_list": [eve.id]})).await;
        let expected = json!([{"user_id": eve.id, "result": "fail", "reason": "refused by the callback"}]);
        assert_eq!(lanying_data(&invited), expected);
        let applied = hers.post(&format!("/chatgroups/{group}/apply"), &json!({"message": "please"})).await;
        assert_eq!(agora_error(&applied, 403), forbidden("refused by the callback"));
        let members = agora.get(&format!("/chatgroups/{group}/users")).await.expect(200);
        assert_eq!(members["data"], json!([{"owner": "ann"}, {"member": "bob"}]));

        let asked = own.request(Method::POST, "/users/ann/contacts/users/eve").json(&json!({}));
        let asked = tidings_testkit::Reply::to(asked).await;
        assert_eq!(agora_error(&asked, 403), forbidden("38001 leave her alone"));
        let asked = bob.client.post("/roster/apply", &json!({"user_id": eve.id})).await.json();
        assert_eq!((&asked["code"], &asked["message"]), (&json!(10010), &json!("38001 leave her alone")));
        lanying_data(&eve.client.post("/roster/apply", &json!({"user_id": ann.id})).await);
        let accepted = ann.client.post(&format!("/roster/accept?user_id={}", eve.id), &json!({})).await.json();
        assert_eq!(accepted["message"], "38001 leave her alone");
        agora.post("/users/ann/contacts/users/eve", &json!({})).await.expect(200);

        let strict = strict(&app);
        let received = receiver.received();
        for received in &received {
            assert_eq!(strict.check(received), Ok(()), "{}", String::from_utf8_lossy(&received.body));
        }
        let commands: Vec<String> = received.iter().map(|received| received.json()["CallbackCommand"].to_string()).collect();
        let count = |name: &str| commands.iter().filter(|command| command.contains(name)).count();
        assert_eq!(["BeforeCreate", "BeforeInvite", "BeforeApply", "PrevFriendAdd", "PrevFriendResponse"].map(count), [5, 3, 1, 3, 1]);
    }
}
