//! Lanying's file calls (lanying.md 10).

use image::ImageFormat;
use reqwest::{Method, StatusCode, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::{Lanying, Reply, every_shape};

use crate::{
    agora_files::{BOUNDARY, FormPart, form, picture, size_of},
    envelope::{lanying_data, lanying_error},
    people::{group_of, people},
    policy::{neighbour, set},
};

/// The upload URL for a file to that user.
pub(crate) async fn leave(client: &Lanying, to: i64) -> Value {
    lanying_data(&client.get(&format!("/file/upload/chat?file_type=102&to_type=1&to_id={to}")).await)
}

fn text<'a>(data: &'a Value, key: &str) -> &'a str {
    data[key].as_str().expect("a text")
}

/// Uploads a file as the vendor's clients do: the form's fields, then the file.
pub(crate) async fn put_file(method: Method, leave: &Value, name: &str, bytes: &[u8]) -> Reply {
    let fields = leave["oss_body_param"].as_object().expect("an object");
    let mut parts: Vec<FormPart<'_>> =
        fields.iter().map(|(key, value)| (key.as_str(), None, value.as_str().expect("a text").as_bytes())).collect();
    parts.push(("file", Some((name, "application/octet-stream")), bytes));
    let request = reqwest::Client::new().request(method, text(leave, "upload_url")).body(form(&parts));
    Reply::to(request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))).await
}

/// One step of a download: its redirect, or the content.
async fn step(url: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    let client = reqwest::Client::builder().redirect(Policy::none()).build().expect("a client");
    let response = client.get(url).send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, response.bytes().await.expect("a body").to_vec())
}

async fn download(url: &str) -> (HeaderMap, Vec<u8>) {
    let (status, headers, _) = step(url).await;
    assert_eq!(status, 302);
    let (status, headers, bytes) = step(headers["location"].to_str().expect("text")).await;
    assert_eq!(status, 200);
    (headers, bytes)
}

async fn refused(url: &str) -> i64 {
    lanying_error(&Reply::to(reqwest::Client::new().get(url)).await)
}

every_shape! {
    async fn a_file_is_put_where_the_leave_says_and_got_by_its_address_lanying_10(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let leave = leave(&ann.client, bob.id).await;
        assert_eq!(text(&leave, "upload_method"), "POST");
        let mut keys: Vec<&String> = leave["oss_body_param"].as_object().expect("an object").keys().collect();
        keys.sort_unstable();
        assert_eq!(keys, ["OSSAccessKeyId", "callback", "key", "policy", "signature"]);
        let url = text(&leave, "download_url").to_owned();
        assert_eq!(refused(&url).await, 10002);

        let png = picture(400, 200, ImageFormat::Png);
        let reply = put_file(Method::POST, &leave, "cat.png", &png).await;
        assert_eq!(lanying_data(&reply), true);
        let (headers, bytes) = download(&url).await;
        assert!(bytes == png && headers["content-type"] == "image/png" && headers["content-disposition"] == "inline; filename=\"cat.png\"");
        assert_eq!(size_of(&download(&format!("{url}&image_type=2")).await.1), (170, 85));
        // The permission is for one file.
        assert_eq!(lanying_error(&put_file(Method::POST, &leave, "dog.png", b"x").await), 10002);
        assert!(download(&url).await.1 == png);

        // The URL works in a message, whatever dialect reads it.
        let attachment = json!({"url": url, "dName": "cat.png"}).to_string();
        let message = json!({"type": 1, "targets": [bob.id], "content_type": 1, "attachment": attachment});
        lanying_data(&ann.client.post("/message/send", &message).await);
        let page = bob.client.history(ann.id, 0, 1).await;
        let shown: Value = serde_json::from_str(page["messages"][0]["attachment"].as_str().expect("a text")).expect("JSON");
        assert!(download(shown["url"].as_str().expect("a text")).await.1 == png);
    }
}

every_shape! {
    async fn an_address_is_handed_on_lanying_10(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let group = group_of(&ann, &[&bob]).await;
        let given = leave(&ann.client, bob.id).await;
        lanying_data(&put_file(Method::PUT, &given, "a.txt", b"hello").await);
        let sign = text(&given, "download_url").split_once("sign=").expect("a sign").1;
        let path = format!("/file/upload/forward?to_type=2&to_id={group}&file_sign={sign}");
        let url = lanying_data(&bob.client.get(&path).await);
        let (headers, bytes) = download(url.as_str().expect("a text")).await;
        assert_eq!((bytes.as_slice(), &headers["content-disposition"]), (b"hello".as_slice(), &"attachment; filename=\"a.txt\"".parse().expect("a value")));

        let forward = async |query: &str| lanying_error(&bob.client.get(&format!("/file/upload/forward?{query}")).await);
        assert_eq!(forward(&format!("to_type=1&to_id=16&file_sign={sign}x")).await, 10010);
        assert_eq!(forward("to_type=1&to_id=16&file_sign=nothing").await, 10010);
        assert_eq!(forward("to_type=1&to_id=16").await, 10002);
        assert_eq!(forward(&format!("to_type=2&to_id=999985&file_sign={sign}")).await, 20001);
        // Another app's URL does not exist here.
        let other = neighbour(&app).await;
        assert_eq!(lanying_error(&other.lanying().get(&format!("/file/upload/forward?to_type=1&to_id=16&file_sign={sign}")).await), 10010);
    }
}

every_shape! {
    async fn what_was_not_signed_by_us_is_refused_lanying_10(app: TestApp) {
        let [ann, bob] = people(&app, ["ann", "bob"]).await;
        let given = leave(&ann.client, bob.id).await;
        for (from, to) in [("signature=", "signature=x"), ("policy=", "policy=e30")] {
            let mut forged = given.clone();
            forged["upload_url"] = text(&given, "upload_url").replacen(from, to, 1).into();
            assert_eq!(lanying_error(&put_file(Method::POST, &forged, "a", b"x").await), 10010, "{from}");
        }
        lanying_data(&put_file(Method::POST, &given, "a", b"x").await);
        let url = text(&given, "download_url");
        assert_eq!(refused(&url.replacen("sign=", "sign=x", 1)).await, 10010);
        assert_eq!(refused(url.split_once('?').expect("a query").0).await, 40000);
        assert_eq!(refused(&format!("{url}&image_type=9")).await, 10002);
        let (_, headers, _) = step(url).await;
        let object = headers["location"].to_str().expect("text");
        assert_eq!(refused(&object.replacen("expires=", "expires=1", 1)).await, 10010);
        assert_eq!(refused(&object.replacen("part=file", "part=thumbnail", 1)).await, 10010);

        let asked = async |query: &str| lanying_error(&ann.client.get(&format!("/file/upload/chat?{query}")).await);
        assert_eq!(asked("file_type=99&to_type=1&to_id=16").await, 10002);
        assert_eq!(asked("file_type=102&to_type=1").await, 10002);
        assert_eq!(asked("file_type=102&to_type=2&to_id=999985").await, 20001);
        let nobody = app.lanying().with_token("");
        assert_eq!(lanying_error(&nobody.get("/file/upload/chat?file_type=102&to_type=1&to_id=16").await), 10003);
    }
}

every_shape! {
    async fn a_file_that_is_too_large_or_none_is_refused_and_a_token_is_asked_for_where_the_app_does_decision_19(app: TestApp) {
        let other = neighbour(&app).await;
        set(&other, pb::Policy { max_file_bytes: Some(1000), files_require_token: Some(true), ..Default::default() }).await;
        let [ann, bob] = people(&other, ["ann", "bob"]).await;
        let given = leave(&ann.client, bob.id).await;
        assert_eq!(lanying_error(&put_file(Method::POST, &given, "a", &[1; 1001]).await), 10002);
        let request = reqwest::Client::new().post(text(&given, "upload_url")).body("no form");
        assert_eq!(lanying_error(&Reply::to(request).await), 10002);
        lanying_data(&put_file(Method::POST, &given, "a", &[1; 1000]).await);
        let url = text(&given, "download_url");
        assert_eq!(refused(url).await, 10003);
        let path = url.strip_prefix(&bob.client.base).expect("ours");
        let response = bob.client.request(Method::GET, path).send().await.expect("an answer");
        assert_eq!(response.bytes().await.expect("a body").as_ref(), [1; 1000]);
    }
}
