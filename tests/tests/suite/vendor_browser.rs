//! The vendor's web SDK, unmodified, in a browser: a page of an origin that `cors_origins` allows.

use std::{fs, sync::Arc};

use serde_json::json;
use tidings_domain::SystemClock;
use tidings_testkit::{Answer, Browser, Receiver, Suite, TestApp};

use crate::{
    sdk_device::{Device, NEWEST, packages, text},
    vendor_types::every_type_arrives,
};

const DEVICE: &str = include_str!("../../npm/websdk-device.js");
const PAGE: &str = "<!doctype html><meta charset=utf-8><title>SDK</title>
    <script src=/sdk.js></script><script src=/device.js></script><script>var receive</script>";

/// An app whose server allows pages of a site that has the SDK.
struct Site {
    app: TestApp,
    pages: Receiver,
    browser: Browser,
}

impl Site {
    async fn start() -> Self {
        Self::start_with(NEWEST).await
    }

    /// With a version of the SDK.
    async fn start_with(version: &str) -> Self {
        let sdk = fs::read_to_string(packages().join(version).join("Easemob-chat.js")).expect("the package");
        let pages = Receiver::start(move |request| match request.path.as_str() {
            "/sdk.js" => Answer::status(200).with_body(sdk.clone()).with_header("content-type", "text/javascript"),
            "/device.js" => Answer::status(200).with_body(DEVICE).with_header("content-type", "text/javascript"),
            _ => Answer::status(200).with_body(PAGE).with_header("content-type", "text/html"),
        });
        let origin = pages.url();
        let suite = Suite::all_in_one_with(None, Arc::new(SystemClock), |config| config.cors_origins = vec![origin]);
        let app = TestApp::of(Arc::new(suite)).await;
        app.agora().register(&["nora", "omar"]).await;
        Self { app, pages, browser: Browser::start().await }
    }

    async fn device(&self, user: &str) -> Device {
        Device::in_page(self.browser.open(&self.pages.url()).await, &self.app, user).await
    }

    async fn logged_in(&self, user: &str) -> Device {
        let mut device = self.device(user).await;
        let token = self.app.agora().logged_in(user).await.token;
        device.does("open", json!({"accessToken": token})).await;
        device
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_logs_in_in_a_browser_and_messages_go_both_ways() {
    let site = Site::start().await;
    let agora = site.app.agora();
    let team = json!({"groupname": "tulips", "desc": "", "public": true, "owner": "nora", "members": ["omar"]});
    let team = agora.post("/chatgroups", &team).await.expect(200)["data"]["groupid"].clone();
    let room = json!({"name": "roses", "description": "", "owner": "nora", "members": []});
    let room = agora.post("/chatrooms", &room).await.expect(200)["data"]["id"].clone();

    // By password, which is a REST call of another origin, and by token.
    let mut nora = site.device("nora").await;
    nora.does("open", json!({"pwd": "nora-password"})).await;
    nora.hears("onConnected", |_| true).await;
    let mut omar = site.logged_in("omar").await;
    let fault = site.device("omar").await.call("open", json!({"accessToken": "wrong"})).await.expect_err("a refusal");
    assert_eq!(fault["message"], "INVALID_TOKEN");
    let fault = site.device("omar").await.call("open", json!({"pwd": "wrong"})).await.expect_err("a refusal");
    assert_eq!(fault["type"], 1, "the answer of another origin can be read: {fault}");

    omar.does("join", json!({"roomId": room})).await;
    for (place, kind) in [(None, "singleChat"), (team.as_str(), "groupChat"), (room.as_str(), "chatRoom")] {
        let id = nora.send(text(place.unwrap_or("omar"), kind, &format!("{kind} there"))).await;
        assert_eq!(omar.hears_text(&format!("{kind} there")).await["id"], id);
        let id = omar.send(text(place.unwrap_or("nora"), kind, &format!("{kind} back"))).await;
        assert_eq!(nora.hears_text(&format!("{kind} back")).await["id"], id);
    }
    let id = agora.send_text("nora", "omar", "by REST").await;
    assert_eq!(omar.hears_text("by REST").await["id"], id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recalls_edits_and_receipts_arrive_in_a_browser() {
    let site = Site::start().await;
    let (mut nora, mut omar) = (site.logged_in("nora").await, site.logged_in("omar").await);
    let id = nora.send(text("omar", "singleChat", "hi")).await;
    omar.hears_text("hi").await;
    nora.hears("onDeliveredMessage", |ack| ack["mid"] == id).await;
    omar.does("send", json!({"type": "read", "chatType": "singleChat", "to": "nora", "id": id})).await;
    assert_eq!(nora.hears("onReadMessage", |ack| ack["mid"] == id).await["from"], "omar");
    let edit = json!({"messageId": id, "message": text("omar", "singleChat", "hello")});
    assert_eq!(nora.does("edit", edit).await["msg"], "hello");
    assert_eq!(omar.hears("onModifiedMessage", |message| message["id"] == id).await["msg"], "hello");
    nora.does("recall", json!({"mid": id, "to": "omar", "chatType": "singleChat"})).await;
    assert_eq!(omar.hears("onRecallMessage", |recall| recall["mid"] == id).await["from"], "nora");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_of_message_arrives_in_a_browser() {
    let site = Site::start().await;
    let (mut nora, mut omar) = (site.logged_in("nora").await, site.logged_in("omar").await);
    every_type_arrives(&mut nora, &mut omar, ("omar", "singleChat")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_contacts_presence_and_history_reach_a_browser() {
    let site = Site::start().await;
    let (mut nora, mut omar) = (site.logged_in("nora").await, site.logged_in("omar").await);

    let group = json!({"data": {"groupname": "tulips", "desc": "", "members": ["omar"], "public": true, "approval": false,
        "allowinvites": true, "inviteNeedConfirm": false, "maxusers": 100}});
    let made = nora.sdk("createGroup", json!([group])).await;
    let tulips = made["data"]["groupid"].as_str().expect("an id").to_owned();
    assert_eq!(omar.hears_of("onGroupEvent", "directJoined").await["id"], tulips);
    nora.sdk("setGroupAdmin", json!([{"groupId": tulips, "username": "omar"}])).await;
    assert_eq!(omar.hears_of("onGroupEvent", "setAdmin").await["userId"], "omar");
    omar.sdk("updateGroupAnnouncement", json!([{"groupId": tulips, "announcement": "at eight"}])).await;
    assert_eq!(nora.hears_of("onGroupEvent", "updateAnnouncement").await["announcement"], "at eight");

    nora.sdk("addContact", json!(["omar", "hello"])).await;
    assert_eq!(omar.hears("onContactInvited", |_| true).await["status"], "hello");
    omar.sdk("acceptContactInvite", json!(["nora"])).await;
    nora.hears("onContactAgreed", |_| true).await;
    let contacts = nora.sdk("getContacts", json!([])).await;
    assert_eq!(contacts["data"], json!(["omar"]));

    nora.does("subscribe", json!({"usernames": ["omar"], "expiry": 1000})).await;
    omar.does("publish", json!({"description": "lunch"})).await;
    nora.hears("onPresenceStatusChange", |user| user["ext"] == "lunch").await;

    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(nora.send(text("omar", "singleChat", &number.to_string())).await);
        omar.hears_text(&number.to_string()).await;
    }
    let page = json!([{"targetId": "nora", "chatType": "singleChat", "pageSize": 2, "searchDirection": "up"}]);
    let history = omar.sdk("getHistoryMessages", page).await;
    let seen: Vec<_> = history["messages"].as_array().expect("messages").iter().map(|message| &message["id"]).collect();
    assert_eq!(seen, [&ids[2], &ids[1]], "{history}");
    assert_eq!(history["isLast"], false);
    let page = json!([{"targetId": "nora", "chatType": "singleChat", "pageSize": 2, "cursor": history["cursor"]}]);
    let rest = omar.sdk("getHistoryMessages", page).await;
    assert_eq!((&rest["messages"][0]["id"], &rest["isLast"]), (&json!(ids[0]), &json!(true)), "{rest}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_sdk_that_wraps_its_packets_in_sockjs_connects_from_another_origin() {
    let site = Site::start_with("easemob-websdk-4-1").await;
    let (mut nora, mut omar) = (site.logged_in("nora").await, site.logged_in("omar").await);
    nora.hears("onConnected", |_| true).await;
    omar.hears("onConnected", |_| true).await;
    let id = nora.send(text("omar", "singleChat", "hi")).await;
    assert_eq!(omar.hears_text("hi").await["id"], id);
    let mut wrong = site.device("omar").await;
    let _ = wrong.call("open", json!({"accessToken": "wrong"})).await;
    wrong.hears("onDisconnected", |_| true).await;
}
