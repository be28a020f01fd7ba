//! Daily upload quotas, in every dialect; and files whose bytes were removed by others.

use std::{fs, sync::Arc, time::Duration};

use image::ImageFormat;
use reqwest::Method;
use tidings_domain::{ManualClock, UnixMillis};
use tidings_proto::pb::{self, upload_request::Part};
use tidings_testkit::{Agora, Bucket, Reply, Shape, Suite, TestApp, files_under};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{
    agora_files::{BOUNDARY, fetch, form, picture, upload},
    envelope::{agora_error, lanying_data, lanying_error},
    lanying_files::{leave, put_file},
    people::people,
    policy::{on_any_shape, set},
};

/// An hour before midnight UTC.
const EVENING: UnixMillis = UnixMillis(1_790_031_600_000);

async fn refused(agora: &Agora, bytes: &[u8]) -> (String, String) {
    let request = agora.request(Method::POST, "/chatfiles").body(form(&[("file", Some(("a", "")), bytes)]));
    let request = request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    agora_error(&Reply::to(request).await, 403)
}

fn limit(name: &str) -> (String, String) {
    ("exceed_limit".to_owned(), format!("{name} limit exceeded"))
}

/// An upload over gRPC.
async fn over_grpc(app: &TestApp, bytes: &'static [u8]) -> Result<pb::FileInfo, Status> {
    let parts = [Part::Header(pb::UploadHeader::default()), Part::Chunk(bytes.into()), Part::Done(pb::UploadDone {})];
    let parts = parts.map(|part| pb::UploadRequest { part: Some(part) });
    app.files().upload(app.request(futures_util::stream::iter(parts))).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_user_and_an_app_upload_as_much_in_a_day_as_the_policy_says() {
    let clock = Arc::new(ManualClock::new(EVENING));
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await;
    let policy = pb::Policy {
        user_upload_files_per_day: Some(2),
        user_upload_bytes_per_day: Some(100),
        app_upload_files_per_day: Some(5),
        app_upload_bytes_per_day: Some(1000),
        ..Default::default()
    };
    set(&app, policy).await;
    let [ann, bob] = people(&app, ["ann", "bob"]).await;
    let (agora, of_ann, of_bob) = (app.agora(), app.agora().logged_in("ann").await, app.agora().logged_in("bob").await);
    // Bytes, then files; refused uploads do not count, and leave nothing.
    assert_eq!(refused(&of_ann, &[0; 101]).await, limit("user_upload_bytes_per_day"));
    upload(&of_ann, &[], "a", "", &[0; 100]).await;
    assert_eq!(refused(&of_ann, &[]).await, limit("user_upload_bytes_per_day"));
    let given = leave(&ann.client, bob.id).await;
    assert_eq!(lanying_error(&put_file(Method::POST, &given, "a", b"x").await), 10429);
    upload(&of_bob, &[], "a", "", b"x").await;
    let given = leave(&bob.client, ann.id).await;
    lanying_data(&put_file(Method::POST, &given, "a", b"x").await);
    assert_eq!(refused(&of_bob, b"x").await, limit("user_upload_files_per_day"));
    assert_eq!(app.suite.files_on_disk().len(), 3);
    // The app's own uploads count only in the app's quota, together with all its users'.
    assert_eq!(refused(&agora, &[0; 899]).await, limit("app_upload_bytes_per_day"));
    upload(&agora, &[], "a", "", &[0; 200]).await;
    over_grpc(&app, b"x").await.expect("the fifth");
    let status = over_grpc(&app, b"x").await.expect_err("refused");
    let reason = status.get_details_error_info().expect("a reason").reason;
    assert_eq!((status.code(), reason.as_str()), (Code::ResourceExhausted, "UPLOAD_QUOTA_REACHED"));
    assert_eq!(refused(&agora, b"x").await, limit("app_upload_files_per_day"));
    assert_eq!(app.suite.files_on_disk().len(), 5);
    clock.advance(Duration::from_hours(1));
    upload(&of_ann, &[], "a", "", &[0; 100]).await;
}

#[tokio::test]
async fn uploads_at_the_same_time_share_one_quota() {
    let app = TestApp::on(Shape::Split).await;
    set(&app, pb::Policy { app_upload_files_per_day: Some(3), ..Default::default() }).await;
    let uploads = futures_util::future::join_all((0..12).map(|_| over_grpc(&app, b"x"))).await;
    assert_eq!(uploads.iter().filter(|outcome| outcome.is_ok()).count(), 3);
}

/// Every call for the file reports that it does not exist, in the dialect's words.
async fn is_lost(app: &TestApp, uuid: &str, thumbnail: bool) {
    let agora = app.agora();
    let headers: &[(&str, &str)] = if thumbnail { &[("thumbnail", "true")] } else { &[] };
    for more in [&[][..], &[("range", "bytes=2-5")], &[("range", "bytes=0-")]] {
        let (status, _, body) = fetch(&agora, uuid, &[headers, more].concat()).await;
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((status.as_u16(), body["error"].as_str()), (404, Some("entity_not_found")), "{more:?}");
    }
    let mut head = agora.request(Method::HEAD, &format!("/chatfiles/{uuid}"));
    for (name, value) in headers {
        head = head.header(*name, *value);
    }
    assert_eq!(head.send().await.expect("an answer").status(), 404);
    let file = Some(pb::FileRef { uuid: uuid.to_owned(), ..Default::default() });
    let download = pb::DownloadRequest { file: file.clone(), thumbnail, ..Default::default() };
    let status = app.files().download(app.request(download)).await.expect_err("lost");
    let reason = status.get_details_error_info().expect("a reason").reason;
    assert_eq!((status.code(), reason.as_str()), (Code::NotFound, "FILE_NOT_FOUND"));
}

#[tokio::test]
async fn what_somebody_else_removed_from_the_folder_is_not_found() {
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, Arc::new(tidings_domain::SystemClock)))).await;
    let [ann, bob] = people(&app, ["ann", "bob"]).await;
    let png = picture(300, 300, ImageFormat::Png);
    let (uuid, _) = upload(&app.agora(), &[], "a.png", "", &png).await;
    let (empty, _) = upload(&app.agora(), &[], "a", "", b"").await;
    let given = leave(&ann.client, bob.id).await;
    lanying_data(&put_file(Method::POST, &given, "a.png", &png).await);
    assert_eq!(fetch(&app.agora(), &empty, &[]).await.0, 200);
    for object in app.suite.files_on_disk() {
        fs::remove_file(object).expect("removed");
    }
    is_lost(&app, &uuid, false).await;
    is_lost(&app, &uuid, true).await;
    assert_eq!(fetch(&app.agora(), &empty, &[]).await.0, 404);
    let url = given["download_url"].as_str().expect("a text");
    assert_eq!(lanying_error(&Reply::to(reqwest::Client::new().get(url)).await), 10002);
}

#[tokio::test]
async fn what_somebody_else_removed_from_the_bucket_is_not_found() {
    let app = TestApp::on(Shape::Split).await;
    set(&app, pb::Policy { files_redirect: Some(true), ..Default::default() }).await;
    let (uuid, _) = upload(&app.agora(), &[], "a.png", "", &picture(300, 300, ImageFormat::Png)).await;
    for object in files_under(&Bucket::shared().folder()).iter().filter(|path| path.contains(&uuid)) {
        fs::remove_file(object).expect("removed");
    }
    is_lost(&app, &uuid, false).await;
    is_lost(&app, &uuid, true).await;
    let answer = app.agora().get(&format!("/chatfiles/{uuid}?em-redirect=true")).await;
    assert_eq!(agora_error(&answer, 404).0, "entity_not_found");
}

#[tokio::test]
async fn files_are_kept_for_ever_where_nothing_else_is_set() {
    let app = on_any_shape().await;
    let (uuid, _) = upload(&app.agora(), &[], "a", "", b"x").await;
    let info = app
        .files()
        .stat(app.request(pb::StatRequest { file: Some(pb::FileRef { uuid, ..Default::default() }) }))
        .await
        .expect("there");
    assert_eq!(info.into_inner().expires_at, None);
}
