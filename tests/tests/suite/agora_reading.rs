//! What client SDKs read of their conversations (agora.md 12): histories as protobuf, lists with pins and marks, pinned
//! messages, readers; each with the user's own token.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prost::Message as _;
use reqwest::Method;
use serde_json::{Value, json};
use tidings_dialects::agora::msync::{
    self,
    pb::{MessageBody, Meta, message_body},
};
use tidings_testkit::{Agora, Reply, TestApp, every_shape, wait_until};

use crate::envelope::agora_error;

/// Clients of users with their own tokens, and a group of all three.
struct Scene {
    app: Agora,
    nora: Agora,
    omar: Agora,
    pia: Agora,
    group: String,
}

async fn scene(app: &TestApp) -> Scene {
    let agora = app.agora();
    agora.register(&["nora", "omar", "pia"]).await;
    let group = json!({"groupname": "crew", "owner": "nora", "members": ["omar", "pia"]});
    let group = agora.post("/chatgroups", &group).await.expect(200);
    let group = group["data"]["groupid"].as_str().expect("an id").to_owned();
    let (nora, omar, pia) =
        (agora.logged_in("nora").await, agora.logged_in("omar").await, agora.logged_in("pia").await);
    Scene { app: agora, nora, omar, pia, group }
}

async fn to_group(agora: &Agora, from: &str, group: &str, text: &str) -> String {
    let said = json!({"from": from, "to": [group], "type": "txt", "body": {"msg": text}});
    let answer = agora.post("/messages/chatgroups", &said).await.expect(200);
    answer["data"][group].as_str().expect("an id").to_owned()
}

async fn with_body(agora: &Agora, method: Method, path: &str, body: &Value) -> Reply {
    Reply::to(agora.request(method, path).json(body)).await
}

/// The texts of a page of a history with their sender, and `next_key` and `is_last`.
fn pulled(page: &Value) -> (Vec<String>, String, bool) {
    let data = &page["data"];
    let texts = bodies(page).into_iter().map(|(meta, body)| {
        let from = meta.from.as_ref().and_then(|jid| jid.name.clone()).expect("a sender");
        format!("{from}: {}", body.contents[0].text.as_deref().unwrap_or_default())
    });
    let next = data["next_key"].as_str().expect("a key").to_owned();
    (texts.collect(), next, data["is_last"].as_bool().expect("a flag"))
}

fn bodies(page: &Value) -> Vec<(Meta, MessageBody)> {
    let msgs = page["data"]["msgs"].as_array().expect("messages").iter();
    let decode = |msg: &Value| {
        let bytes = STANDARD.decode(msg["msg"].as_str().expect("base64")).expect("base64");
        let meta = Meta::decode(&bytes[..]).expect("a Meta");
        let body = MessageBody::decode(meta.payload.as_deref().expect("a payload")).expect("a MessageBody");
        (meta, body)
    };
    msgs.map(decode).collect()
}

fn listed(page: &Value) -> Vec<&str> {
    let infos = page["data"]["channel_infos"].as_array().expect("a list").iter();
    infos.map(|info| info["session_to"].as_str().expect("a name")).collect()
}

every_shape! {
    async fn a_history_is_pulled_in_both_directions_agora_12(app: TestApp) {
        let Scene { app: agora, nora, omar, .. } = scene(&app).await;
        let mut ids = Vec::new();
        for n in 0..5 {
            ids.push(agora.send_text("nora", "omar", &n.to_string()).await);
        }
        let pull = async |asked: Value| {
            let mut body = json!({"queue": "nora@easemob.com", "start": -1, "end": -1, "pull_number": 2});
            body.as_object_mut().expect("an object").extend(asked.as_object().expect("an object").clone());
            pulled(&omar.post("/users/omar/messageroaming", &body).await.expect(200))
        };
        let said = |texts: &[&str]| texts.iter().map(|text| format!("nora: {text}")).collect::<Vec<_>>();
        let (page, next, is_last) = pull(json!({})).await;
        assert_eq!((page, is_last), (said(&["4", "3"]), false));
        // What comes meanwhile does not shift the pages.
        agora.send_text("nora", "omar", "5").await;
        let (page, next, _) = pull(json!({"start": next})).await;
        assert_eq!(page, said(&["2", "1"]));
        assert_eq!(pull(json!({"start": next})).await, (said(&["0"]), String::new(), true));
        let (page, next, is_last) = pull(json!({"is_positive": true, "start": ""})).await;
        assert_eq!((page, is_last), (said(&["0", "1"]), false));
        assert_eq!(pull(json!({"is_positive": true, "start": next, "pull_number": 9})).await.0, said(&["2", "3", "4", "5"]));
        // A message id is a start like any other.
        assert_eq!(pull(json!({"start": ids[1]})).await, (said(&["0"]), String::new(), true));
        let times = async |id: &str| tidings_domain::MsgId(id.parse().expect("digits")).moment().0;
        let (from, until) = (times(&ids[0]).await, times(&ids[4]).await);
        assert_eq!(pull(json!({"startTime": until + 60_000})).await, (vec![], String::new(), true));
        assert_eq!(pull(json!({"endTime": from - 1})).await, (vec![], String::new(), true));
        assert_eq!(pull(json!({"startTime": from, "endTime": until + 60_000, "pull_number": 50})).await.0.len(), 6);
        // Deleted for one of the two only, with the own token.
        let one = format!("/sdk/message/roaming/chat/user/omar?userId=nora&msgIdList={}&resource=web", ids[4]);
        assert_eq!(omar.delete(&one).await.expect(200)["requestStatusCode"], "ok");
        assert_eq!(pull(json!({})).await.0, said(&["5", "3"]));
        let time = format!("/sdk/message/roaming/chat/user/omar/time?userId=nora&delTime={}&&resource=web", until + 60_000);
        omar.delete(&time).await.expect(200);
        assert_eq!(pull(json!({})).await, (vec![], String::new(), true));
        let own = nora.post("/users/nora/messageroaming", &json!({"queue": "omar@easemob.com"})).await.expect(200);
        assert_eq!(pulled(&own).0.len(), 6);
        nora.post("/sdk/message/roaming/user/nora/delete/all", &json!({})).await.expect(200);
        let own = nora.post("/users/nora/messageroaming", &json!({"queue": "omar@easemob.com"})).await.expect(200);
        assert_eq!(pulled(&own).0.len(), 0);
    }
}

every_shape! {
    async fn a_history_is_filtered_by_type_and_sender_agora_12(app: TestApp) {
        use message_body::content::Type::{Custom, Image, Text, Video};

        let Scene { app: agora, nora, group, .. } = scene(&app).await;
        let send = async |from: &str, kind: &str, body: Value, ext: Value| {
            let said = json!({"from": from, "to": [group], "type": kind, "body": body, "ext": ext});
            agora.post("/messages/chatgroups", &said).await.expect(200);
        };
        let none = || json!({});
        send("nora", "txt", json!({"msg": "text"}), json!({"k": "v", "n": 7, "yes": true, "o": {"a": [1]}})).await;
        send("omar", "txt", json!({"msg": "older", "subType": "sub_combine", "title": "T", "summary": "S",
            "combineLevel": 1, "url": "https://files.test/c", "filename": "c", "secret": "s", "file_length": 9}), none()).await;
        send("omar", "img", json!({"url": "https://files.test/i", "filename": "i.png", "secret": "s",
            "size": {"width": 480, "height": 720}}), none()).await;
        send("nora", "audio", json!({"url": "https://files.test/a", "filename": "a.amr", "length": 10}), none()).await;
        send("nora", "video", json!({"url": "https://files.test/v", "filename": "v.mp4", "thumb": "https://files.test/t",
            "length": 3, "file_length": 58103, "thumb_secret": "ts"}), none()).await;
        send("nora", "file", json!({"url": "https://files.test/f", "filename": "f.zip"}), none()).await;
        send("nora", "loc", json!({"lat": "52.5", "lng": "13.25", "addr": "Berlin", "buildingName": "B"}), none()).await;
        send("nora", "cmd", json!({"action": "wave", "param": {"p": 1}}), none()).await;
        send("pia", "custom", json!({"customEvent": "gift", "customExts": {"kind": "rose"}}), none()).await;
        let queue = format!("{group}@conference.easemob.com");
        let pull = async |asked: Value| {
            let mut body = json!({"queue": queue, "start": -1, "is_positive": true});
            body.as_object_mut().expect("an object").extend(asked.as_object().expect("an object").clone());
            bodies(&nora.post("/users/nora/messageroaming", &body).await.expect(200))
        };
        let all = pull(json!({})).await;
        assert_eq!(all.len(), 9);
        let content = |n: usize| all[n].1.contents[0].clone();
        let (meta, body) = &all[0];
        assert_eq!((meta.ns(), body.kind()), (msync::pb::meta::NameSpace::Chat, message_body::Type::Groupchat));
        let to = meta.to.as_ref().expect("a receiver");
        assert_eq!((to.name(), to.domain(), to.app_key()), (&*group, "conference.easemob.com", &*msync::app_key(&own(&app))));
        let ext: Value = serde_json::from_str(&msync::ext_object(&body.ext)).expect("JSON");
        assert_eq!(ext, json!({"k": "v", "n": 7, "yes": true, "o": {"a": [1]}}));
        assert_eq!((content(1).sub_type, content(1).title(), content(1).remote_path()), (Some(0), "T", "https://files.test/c"));
        assert_eq!((content(2).secret_key(), content(2).size.expect("a size").height()), ("s", 720.0));
        assert_eq!((content(3).duration(), content(4).thumbnail_secret_key(), content(4).file_length()), (10, "ts", 58103));
        assert_eq!((content(5).display_name(), content(6).latitude(), content(6).building_name()), ("f.zip", 52.5, "B"));
        assert_eq!((content(7).action(), msync::ext_object(&content(7).params)), ("wave", r#"{"p":1}"#.to_owned()));
        assert_eq!((content(8).custom_event(), msync::ext_object(&content(8).custom_exts)), ("gift", r#"{"kind":"rose"}"#.to_owned()));
        let kinds = |found: Vec<(Meta, MessageBody)>| found.iter().map(|(_, body)| body.contents[0].kind()).collect::<Vec<_>>();
        assert_eq!(kinds(pull(json!({"msgType": "img,video"})).await), [Image, Video]);
        assert_eq!(kinds(pull(json!({"msgType": "txt"})).await), [Text]);
        assert_eq!(pull(json!({"msgType": "combine"})).await[0].1.contents[0].title(), "T");
        assert_eq!(kinds(pull(json!({"userId": "pia"})).await), [Custom]);
        assert_eq!(kinds(pull(json!({"userIds": ["omar", "pia"], "msgType": "img,custom"})).await), [Image, Custom]);
        let wrong = nora.post("/users/nora/messageroaming", &json!({"queue": queue, "msgType": "poem"})).await;
        assert!(agora_error(&wrong, 400).1.contains("msgType"), "{}", wrong.text);
    }
}

fn own(app: &TestApp) -> tidings_domain::App {
    tidings_domain::App::try_from(app.app().clone()).expect("an app")
}

every_shape! {
    async fn another_users_conversations_are_closed_to_a_user_token_agora_12(app: TestApp) {
        let Scene { app: agora, nora, omar, pia, group } = scene(&app).await;
        let msg = to_group(&agora, "nora", &group, "hi").await;
        let queue = json!({"queue": "nora@easemob.com"});
        let top = json!({"type": "chat", "to": "nora"});
        let mark = json!({"mark": "mark_1", "targets": [{"to": "nora", "type": "chat"}]});
        let pin = json!({"to": group, "type": "groupchat", "pin_msg_id": msg});
        let deletion = json!({"channel": "nora", "type": "chat", "delete_roam": true});
        let calls = [
            (Method::POST, "/users/omar/messageroaming".to_owned(), Some(&queue)),
            (Method::GET, "/users/omar/user_channels".to_owned(), None),
            (Method::GET, "/users/omar/user_channels/page?pageNum=1&pageSize=2".to_owned(), None),
            (Method::GET, "/sdk/user/omar/user_channels/list".to_owned(), None),
            (Method::GET, "/sdk/user/omar/user_channels/mark/search?mark=mark_1".to_owned(), None),
            (Method::POST, "/sdk/user/omar/user_channels/mark?resource=web".to_owned(), Some(&mark)),
            (Method::DELETE, "/sdk/user/omar/user_channels/mark?resource=web".to_owned(), Some(&mark)),
            (Method::POST, "/sdk/user/omar/user_channel/top?resource=web".to_owned(), Some(&top)),
            (Method::DELETE, "/sdk/user/omar/user_channel/top?type=chat&to=nora&resource=web".to_owned(), None),
            (Method::POST, "/sdk/user/omar/user_channel/pin?resource=web".to_owned(), Some(&pin)),
            (Method::GET, format!("/sdk/user/omar/user_channel/pin?to={group}&type=groupchat"), None),
            (Method::DELETE, "/sdk/user/omar/user_channel/pin?resource=web".to_owned(), Some(&pin)),
            (Method::DELETE, "/users/omar/user_channel".to_owned(), Some(&deletion)),
            (Method::DELETE, "/user/omar/user_channel?resource=web".to_owned(), Some(&deletion)),
            (Method::DELETE, "/rest/message/roaming/chat/user/omar?userId=nora&msgIdList=1".to_owned(), None),
            (Method::DELETE, format!("/sdk/message/roaming/group/user/omar?groupId={group}&msgIdList=1"), None),
            (Method::POST, "/rest/message/roaming/user/omar/delete/all".to_owned(), None),
            (Method::GET, "/tidings/users/omar/conversations".to_owned(), None),
            (Method::GET, format!("/tidings/users/omar/messages?channel={group}&type=groupchat"), None),
        ];
        for (method, path, body) in calls {
            let call = async |client: &Agora| {
                let request = client.request(method.clone(), &path);
                Reply::to(match body {
                    Some(body) => request.json(body),
                    None => request,
                })
                .await
            };
            let none = agora_error(&call(&agora.with_token("")).await, 401);
            assert_eq!(none.0, "unauthorized", "{method} {path}");
            let foreign = agora_error(&call(&pia).await, 401);
            assert_eq!(foreign.1, "Unable to authenticate (OAuth)", "{method} {path}");
            call(&omar).await.expect(200);
        }
        // A group's history opens for its members.
        let path = format!("/tidings/chatgroups/{group}/messages");
        assert_eq!(nora.get(&path).await.expect(200)["count"], 1);
        agora.delete(&format!("/chatgroups/{group}/users/pia")).await.expect(200);
        assert_eq!(agora_error(&pia.get(&path).await, 403).0, "forbidden_op");
    }
}

every_shape! {
    async fn conversations_are_listed_pinned_and_marked_agora_12(app: TestApp) {
        let Scene { app: agora, omar, group, .. } = scene(&app).await;
        agora.send_text("nora", "omar", "one").await;
        agora.send_text("pia", "omar", "two").await;
        to_group(&agora, "nora", &group, "all").await;
        let list = "/sdk/user/omar/user_channels/list?need_mark=true&needEmptySession=false&limit=2&cursor=";
        let first = omar.get(list).await.expect(200);
        assert_eq!(listed(&first), [&*group, "pia"]);
        let info = &first["data"]["channel_infos"][1];
        assert_eq!((&info["session_type"], &info["unread_num"], &info["is_top"]), (&json!("chat"), &json!(1), &json!(false)));
        assert_eq!((&first["data"]["channel_infos"][0]["session_type"], &info["marks"]), (&json!("groupchat"), &json!([])));
        let payload: Value = serde_json::from_str(info["meta"]["payload"].as_str().expect("JSON in a string")).expect("JSON");
        assert_eq!(payload, json!({"from": "pia", "to": "omar", "type": "chat", "bodies": [{"msg": "two", "type": "txt"}], "ext": {}}));
        let cursor = first["data"]["cursor"].as_str().expect("a cursor");
        // A conversation that moves to the front meanwhile hides no other.
        agora.send_text("pia", "omar", "three").await;
        let second = omar.get(&format!("{list}{cursor}")).await.expect(200);
        assert_eq!((listed(&second), second["data"]["cursor"].as_str()), (vec!["nora"], Some("")));

        let old = omar.get("/users/omar/user_channels").await.expect(200);
        let (org, name) = (&app.app().org, &app.app().name);
        let ids: Vec<&str> =
            old["data"]["channel_infos"].as_array().expect("a list").iter().map(|info| info["channel_id"].as_str().expect("an id")).collect();
        assert_eq!(ids, [format!("{org}#{name}_pia@easemob.com"), format!("{org}#{name}_{group}@conference.easemob.com"), format!("{org}#{name}_nora@easemob.com")]);
        let page = omar.get("/users/omar/user_channels/page?pageNum=2&pageSize=2").await.expect(200);
        assert_eq!(page["data"]["channel_infos"].as_array().expect("a list").len(), 1);

        for (kind, to) in [("chat", "nora"), ("groupChat", &*group)] {
            let top = omar.post("/sdk/user/omar/user_channel/top?resource=web", &json!({"type": kind, "to": to})).await.expect(200);
            assert!(top["data"]["is_top"] == true && top["data"]["update_top_status_time"].as_i64() > Some(0), "{top}");
        }
        let pinned = "/sdk/user/omar/user_channels/list?is_top=true&limit=1&cursor=";
        let first = omar.get(pinned).await.expect(200);
        assert_eq!((listed(&first), &first["data"]["channel_infos"][0]["is_top"]), (vec![&*group], &json!(true)));
        let second = omar.get(&format!("{pinned}{}", first["data"]["cursor"].as_str().expect("a cursor"))).await.expect(200);
        assert_eq!((listed(&second), second["data"]["cursor"].as_str()), (vec!["nora"], Some("")));
        let untop = omar.delete(&format!("/sdk/user/omar/user_channel/top?type=groupChat&to={group}&resource=web")).await.expect(200);
        assert_eq!(untop["data"]["is_top"], false);
        assert_eq!(listed(&omar.get("/sdk/user/omar/user_channels/list?is_top=true").await.expect(200)), ["nora"]);

        let targets = json!([{"to": "nora", "type": "chat"}, {"to": group, "type": "groupchat"}, {"to": "4711", "type": "groupchat"}]);
        let marked = omar.post("/sdk/user/omar/user_channels/mark?resource=web", &json!({"mark": "mark_3", "targets": targets})).await.expect(200);
        assert_eq!(marked["data"]["ignore"], json!([{"to": "4711", "type": "groupchat"}]));
        let found = omar.get("/sdk/user/omar/user_channels/mark/search?mark=mark_3&need_mark=true").await.expect(200);
        assert_eq!((listed(&found), &found["data"]["channel_infos"][0]["marks"]), (vec![&*group, "nora"], &json!(["mark_3"])));
        with_body(&omar, Method::DELETE, "/sdk/user/omar/user_channels/mark", &json!({"mark": "mark_3", "targets": [{"to": group, "type": "groupchat"}]})).await.expect(200);
        assert_eq!(listed(&omar.get("/sdk/user/omar/user_channels/mark/search?mark=mark_3").await.expect(200)), ["nora"]);
        let told = |reply: &Reply| agora_error(reply, 400).1;
        let search = "/sdk/user/omar/user_channels/mark/search";
        assert_eq!(told(&omar.get(search).await), "param mark must be not empty, please check!");
        assert_eq!(told(&omar.get(&format!("{search}?mark=mark_20")).await), "param mark illegal, please check it!");
        // A deleted conversation is empty: it stays pinned and marked, and is listed only on demand.
        with_body(&omar, Method::DELETE, "/user/omar/user_channel", &json!({"channel": "nora", "type": "chat", "delete_roam": true})).await.expect(200);
        assert!(listed(&omar.get("/sdk/user/omar/user_channels/list?is_top=true").await.expect(200)).is_empty());
        let empty = omar.get("/sdk/user/omar/user_channels/list?is_top=true&needEmptySession=true").await.expect(200);
        assert_eq!((listed(&empty), &empty["data"]["channel_infos"][0]["meta"]), (vec!["nora"], &json!({})));
    }
}

every_shape! {
    async fn messages_are_pinned_for_everybody_in_a_group_agora_12(app: TestApp) {
        let Scene { app: agora, nora, omar, pia, group } = scene(&app).await;
        let one = to_group(&agora, "nora", &group, "one").await;
        let two = to_group(&agora, "nora", &group, "two").await;
        let pin = |id: &Value| json!({"to": group, "type": "groupchat", "pin_msg_id": id});
        nora.post("/sdk/user/nora/user_channel/pin?resource=web", &pin(&json!(one))).await.expect(200);
        omar.post("/sdk/user/omar/user_channel/pin?resource=web", &pin(&json!([two]))).await.expect(200);
        let list = format!("/sdk/user/pia/user_channel/pin?to={group}&type=groupchat&limit=1&cursor=");
        let first = pia.get(&list).await.expect(200);
        let info = &first["data"]["msg_infos"][0];
        assert_eq!((&info["message"]["id"], &info["pin_operator"]), (&json!(two), &json!("omar")));
        let payload: Value = serde_json::from_str(info["message"]["payload"].as_str().expect("JSON in a string")).expect("JSON");
        assert_eq!((&payload["bodies"][0]["msg"], &payload["type"]), (&json!("two"), &json!("groupchat")));
        let second = pia.get(&format!("{list}{}", first["data"]["cursor"].as_str().expect("a cursor"))).await.expect(200);
        assert_eq!((&second["data"]["msg_infos"][0]["message"]["id"], &second["data"]["cursor"]), (&json!(one), &json!("")));
        // A recalled message is not shown.
        agora.post("/messages/msg_recall", &json!({"msg_id": two, "to": group, "chat_type": "groupchat", "force": true})).await.expect(200);
        let whole = format!("/sdk/user/pia/user_channel/pin?to={group}&type=groupchat");
        let ids = |page: &Value| page["data"]["msg_infos"].as_array().expect("a list").iter().map(|info| info["message"]["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(&pia.get(&whole).await.expect(200)), [json!(one)]);
        // At most 20; the recalled one gives its place away.
        for n in 0..19 {
            let id = to_group(&agora, "nora", &group, &n.to_string()).await;
            nora.post("/sdk/user/nora/user_channel/pin", &pin(&json!(id))).await.expect(200);
        }
        let more = to_group(&agora, "nora", &group, "more").await;
        let refused = nora.post("/sdk/user/nora/user_channel/pin", &pin(&json!(more))).await;
        assert_eq!(agora_error(&refused, 400).1, "The quantity has exceeded the limit!");
        // Only a message of the conversation, and only by who is in it.
        let private = agora.send_text("nora", "omar", "private").await;
        let illegal = agora_error(&nora.post("/sdk/user/nora/user_channel/pin", &pin(&json!(private))).await, 400);
        assert_eq!(illegal.1, "param pin_msg_id illegal, please check it!");
        agora.delete(&format!("/chatgroups/{group}/users/pia")).await.expect(200);
        // A membership is believed for up to a second.
        wait_until("the end of the membership", async || pia.get(&whole).await.status == 403).await;
        assert_eq!(agora_error(&pia.get(&whole).await, 403).0, "forbidden_op");
        let path = "/sdk/user/omar/user_channel/pin";
        with_body(&omar, Method::DELETE, path, &pin(&json!(one))).await.expect(200);
        let again = agora_error(&with_body(&omar, Method::DELETE, path, &pin(&json!(one))).await, 404);
        assert_eq!(again.1, "user session pin message not exist");
    }
}

every_shape! {
    async fn readers_of_a_group_message_are_counted_and_paged_agora_12(app: TestApp) {
        let Scene { app: agora, nora, omar, pia, group } = scene(&app).await;
        let one = to_group(&agora, "nora", &group, "one").await;
        let acks = format!("/chatgroups/{group}/acks/{one}?limit=500&key=undefined");
        let none = nora.get(&acks).await.expect(200);
        assert_eq!((&none["data"]["userlist"], &none["data"]["total"], &none["data"]["is_last"]), (&json!([]), &json!(0), &json!(true)));
        for (client, name) in [(&omar, "omar"), (&pia, "pia"), (&nora, "nora")] {
            client.post(&format!("/tidings/users/{name}/read_ack"), &json!({"channel": group, "type": "groupchat", "msg_id": one})).await.expect(200);
        }
        let all = nora.get(&acks).await.expect(200);
        assert_eq!((&all["data"]["userlist"], &all["data"]["total"]), (&json!(["omar", "pia"]), &json!(2)));
        let entry = &all["data"]["group_ack"]["userlist"][0];
        assert!(entry["username"] == "omar" && entry["timestamp"].as_i64() > Some(0), "{all}");
        let first = nora.get(&format!("/chatgroups/{group}/acks/{one}?limit=1")).await.expect(200);
        let key = first["data"]["next_key"].as_str().expect("a key");
        assert_eq!((&first["data"]["userlist"], &first["data"]["is_last"], &first["data"]["total"]), (&json!(["omar"]), &json!(false), &json!(2)));
        let second = nora.get(&format!("/chatgroups/{group}/acks/{one}?limit=1&key={key}")).await.expect(200);
        assert_eq!((&second["data"]["userlist"], &second["data"]["next_key"]), (&json!(["pia"]), &json!("")));
        // A newer message has no readers yet, and who joins later has not read what was before.
        let two = to_group(&agora, "nora", &group, "two").await;
        agora.register(&["quinn"]).await;
        agora.post(&format!("/chatgroups/{group}/users/quinn"), &json!({})).await.expect(200);
        let three = to_group(&agora, "nora", &group, "three").await;
        let quinn = agora.logged_in("quinn").await;
        quinn.post("/tidings/users/quinn/read_ack", &json!({"channel": group, "type": "groupchat", "msg_id": three})).await.expect(200);
        let readers = async |id: &str| nora.get(&format!("/chatgroups/{group}/acks/{id}")).await.expect(200)["data"]["userlist"].clone();
        assert_eq!((readers(&two).await, readers(&three).await), (json!([]), json!(["quinn"])));
        // Only members ask, and only for a message of the group.
        agora.register(&["ruth"]).await;
        assert_eq!(agora_error(&agora.logged_in("ruth").await.get(&acks).await, 403).0, "forbidden_op");
        let private = agora.send_text("nora", "omar", "private").await;
        agora_error(&nora.get(&format!("/chatgroups/{group}/acks/{private}")).await, 404);
    }
}
