//! Shared files, invitations that wait, and display names of groups (lanying.md 9 and 10).

use reqwest::Method;
use serde_json::{Value, json};
use tidings_testkit::every_shape;

use crate::{
    agora_files::{BOUNDARY, form},
    envelope::{lanying_data, lanying_error},
    people::{Person, group_of, people},
};

/// Uploads a file to a group and returns its download URL.
async fn uploaded(person: &Person, group: i64, bytes: &[u8]) -> String {
    let ticket = format!("/file/upload/chat?file_type=200&to_type=2&to_id={group}");
    let ticket = lanying_data(&person.client.get(&ticket).await);
    let text = |key: &str| ticket[key].as_str().expect("a text").to_owned();
    let body = form(&[("file", Some(("plan.txt", "text/plain")), bytes)]);
    let request = reqwest::Client::new().post(text("upload_url")).body(body);
    let request = request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    text("download_url")
}

/// Shares an uploaded file and returns its id.
async fn shared(person: &Person, group: i64, url: &str, name: &str) -> i64 {
    let body = json!({"group_id": group, "name": name, "size": 1, "url": url, "type": "txt"});
    let file = lanying_data(&person.client.post("/group/file/upload", &body).await);
    assert_eq!((&file["name"], &file["size"], &file["uploader"]), (&json!(name), &json!(8), &json!(person.id)));
    file["file_id"].as_i64().expect("an id")
}

async fn names(person: &Person, group: i64) -> Vec<Value> {
    let files = lanying_data(&person.client.get(&format!("/group/file/list?group_id={group}")).await);
    files.as_array().expect("files").iter().map(|file| file["name"].clone()).collect()
}

every_shape! {
    async fn members_share_files_with_their_group_lanying_10(app: TestApp) {
        let [ann, bob, eve, max] = people(&app, ["ann", "bob", "eve", "max"]).await;
        let group = group_of(&ann, &[&bob, &eve]).await;
        let url = uploaded(&bob, group, b"the plan").await;
        let plan = shared(&bob, group, &url, "plan").await;
        assert_eq!(names(&eve, group).await, ["plan"]);
        let listed = lanying_data(&eve.client.get(&format!("/group/file/list?group_id={group}")).await);
        let bytes = reqwest::get(listed[0]["url"].as_str().expect("a URL")).await.expect("an answer");
        assert_eq!(bytes.text().await.expect("a text"), "the plan");

        let rename = |file: i64, name: &str| json!({"group_id": group, "file_id": file, "name": name});
        let path = "/group/file/update_name";
        assert_eq!(lanying_error(&eve.client.post(path, &rename(plan, "x")).await), 20023);
        assert_eq!(lanying_error(&bob.client.post(path, &rename(1, "x")).await), 20022);
        assert_eq!(lanying_error(&max.client.post(path, &rename(plan, "x")).await), 20002);
        assert_eq!(lanying_data(&bob.client.post(path, &rename(plan, "the plan")).await), true);
        assert_eq!(names(&ann, group).await, ["the plan"]);

        let delete = json!({"group_id": group, "file_list": [plan, 1]});
        let results = |reply: &Value| -> Vec<Value> {
            reply.as_array().expect("results").iter().map(|one| one["result"].clone()).collect()
        };
        let refused = lanying_data(&eve.client.post("/group/file/delete", &delete).await);
        assert_eq!(results(&refused), ["fail", "fail"]);
        let deleted = lanying_data(&ann.client.call(Method::DELETE, "/group/file/delete", Some(&delete)).await);
        assert_eq!(results(&deleted), ["success", "fail"]);
        assert!(names(&ann, group).await.is_empty());
        assert_eq!(lanying_error(&max.client.post("/group/file/delete", &delete).await), 20002);
        assert_eq!(lanying_error(&max.client.get(&format!("/group/file/list?group_id={group}")).await), 20002);
    }
}

every_shape! {
    async fn only_the_url_of_an_uploaded_file_can_be_shared_lanying_10(app: TestApp) {
        let [ann] = people(&app, ["ann"]).await;
        let group = group_of(&ann, &[]).await;
        let url = uploaded(&ann, group, b"the plan").await;
        let forged = url.replace("&sign=", "&sign=0");
        for url in ["http://example.com/plan", &forged, ""] {
            let body = json!({"group_id": group, "name": "plan", "size": 1, "url": url});
            assert_eq!(lanying_error(&ann.client.post("/group/file/upload", &body).await), 10002, "{url}");
        }
        let nameless = json!({"group_id": group, "name": "", "size": 1, "url": url});
        assert_eq!(lanying_error(&ann.client.post("/group/file/upload", &nameless).await), 10002);
        assert!(names(&ann, group).await.is_empty());
    }
}

every_shape! {
    async fn an_invitation_waits_where_the_group_says_so_lanying_10(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let group = group_of(&ann, &[]).await;
        let asks = json!({"invite_need_confirm": true});
        app.agora().request(Method::PUT, &format!("/chatgroups/{group}")).json(&asks).send().await.expect("an answer");
        let invite = json!({"group_id": group, "user_list": [bob.id], "reason": "come"});
        let invited = lanying_data(&ann.client.post("/group/invite", &invite).await);
        assert_eq!(invited, json!([{"user_id": bob.id, "result": "success", "reason": "waits for the user"}]));
        let open = lanying_data(&bob.client.get("/group/invitation_list").await);
        let expected = json!([{"group_id": group, "inviter_id": ann.id, "invitee_id": bob.id, "reason": "come", "status": 0}]);
        assert_eq!(open, expected);
        let answer = |approval: bool| json!({"group_id": group, "user_id": ann.id, "approval": approval});
        lanying_data(&bob.client.post("/group/invite/handle", &answer(false)).await);
        assert_eq!(lanying_error(&bob.client.post("/group/invite/handle", &answer(true)).await), 20015);
        lanying_data(&ann.client.post("/group/invite", &invite).await);
        let joined = lanying_data(&bob.client.post("/group/invite/handle", &answer(true)).await);
        assert_eq!(joined, json!({"user_id": bob.id, "result": "success"}));
        assert_eq!(lanying_data(&bob.client.get("/group/user_joined").await), json!([group]));
        assert_eq!(lanying_data(&bob.client.get("/group/invitation_list").await), json!([]));
    }
}

every_shape! {
    async fn a_member_is_shown_under_the_name_they_set_lanying_10(app: TestApp) {
        let [ann, bob, max] = people(&app, ["ann", "bob", "max"]).await;
        let group = group_of(&ann, &[&bob]).await;
        let set = json!({"group_id": group, "value": "Captain"});
        assert_eq!(lanying_data(&bob.client.post("/group/display_name", &set).await), true);
        assert_eq!(lanying_error(&max.client.post("/group/display_name", &set).await), 20002);
        let long = json!({"group_id": group, "value": "x".repeat(257)});
        assert_eq!(lanying_error(&bob.client.post("/group/display_name", &long).await), 10002);
        let shown = |list: &Value| -> Vec<Value> {
            list.as_array().expect("members").iter().map(|member| member["display_name"].clone()).collect()
        };
        let members = lanying_data(&ann.client.get(&format!("/group/member_list?group_id={group}")).await);
        assert!(shown(&members).contains(&json!("Captain")), "{members}");
        let asked = json!({"group_id": group, "user_list": [bob.id, max.id]});
        let some = lanying_data(&ann.client.post("/group/members/display_name", &asked).await);
        assert_eq!(shown(&some), ["Captain"]);
        assert_eq!(lanying_error(&max.client.post("/group/members/display_name", &asked).await), 20002);
    }
}

every_shape! {
    async fn announcements_are_made_listed_and_removed_by_admins_lanying_10(app: TestApp) {
        let [ann, bob, max] = people(&app, ["ann", "bob", "max"]).await;
        let group = group_of(&ann, &[&bob]).await;
        let edit = |title: &str| json!({"group_id": group, "title": title, "content": "at noon"});
        let first = lanying_data(&ann.client.post("/group/announcement/edit", &edit("lunch")).await);
        assert_eq!((&first["title"], &first["author"], &first["group_id"]), (&json!("lunch"), &json!(ann.id), &json!(group)));
        let second = lanying_data(&ann.client.post("/group/announcement/edit", &edit("tea")).await);
        assert_eq!(lanying_error(&bob.client.post("/group/announcement/edit", &edit("x")).await), 20012);
        let list = format!("/group/announcement/list?group_id={group}");
        assert_eq!(lanying_data(&bob.client.get(&list).await), json!([second, first]));
        assert_eq!(lanying_error(&max.client.get(&list).await), 20002);
        let one = format!("group_id={group}&announcement_id={}", first["id"]);
        assert_eq!(lanying_data(&bob.client.get(&format!("/group/announcement?{one}")).await), first);
        let delete = format!("/group/announcement/delete?{one}");
        assert_eq!(lanying_error(&bob.client.post(&delete, &json!({})).await), 20012);
        assert_eq!(lanying_data(&ann.client.post(&delete, &json!({})).await), true);
        assert_eq!(lanying_error(&ann.client.post(&delete, &json!({})).await), 20020);
        assert_eq!(lanying_error(&bob.client.get(&format!("/group/announcement?{one}")).await), 20020);
        assert_eq!(lanying_data(&bob.client.get(&list).await), json!([second]));
    }
}

every_shape! {
    async fn public_groups_are_listed_to_everybody_lanying_10(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        group_of(&ann, &[]).await;
        let public = json!({"name": "open", "type": 1});
        let public = lanying_data(&ann.client.post("/group/create", &public).await)["group_id"].clone();
        let listed = lanying_data(&bob.client.get("/group/public_list").await);
        let ids: Vec<&Value> = listed.as_array().expect("groups").iter().map(|group| &group["group_id"]).collect();
        assert_eq!(ids, [&public]);
    }
}
