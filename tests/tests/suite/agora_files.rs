//! Files and thumbnails (agora.md 3, errors of 8.3, decisions 19 and 20).

use std::{io::Cursor, sync::Arc, time::Duration};

use image::{
    DynamicImage, ImageDecoder as _, ImageEncoder as _, ImageFormat, RgbImage,
    codecs::jpeg::{JpegDecoder, JpegEncoder},
};
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderValue},
};
use serde_json::{Value, json};
use tidings_domain::{Clock as _, ManualClock, SystemClock};
use tidings_proto::pb::{self, upload_request::Part};
use tidings_proto::{internal, moment_or_zero};
use tidings_testkit::{Agora, Bucket, Reply, Shape, Suite, TestApp, every_shape, files_under};

use crate::{
    envelope::agora_error,
    policy::{on_any_shape, set},
};

const WEEK: i64 = 7 * 24 * 3_600_000;

pub(crate) const BOUNDARY: &str = "----tidings-test";

/// A part of a form: its name, a file's name and type, and the bytes.
pub(crate) type FormPart<'a> = (&'a str, Option<(&'a str, &'a str)>, &'a [u8]);

pub(crate) fn form(parts: &[FormPart<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"").bytes());
        if let Some((file_name, content_type)) = file {
            body.extend(format!("; filename=\"{file_name}\"\r\nContent-Type: {content_type}").bytes());
        }
        body.extend(b"\r\n\r\n");
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

async fn post(agora: &Agora, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
    let mut request = agora.request(Method::POST, "/chatfiles").body(body);
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Reply::to(request).await
}

/// Uploads a file and returns its uuid and secret.
pub(crate) async fn upload(
    agora: &Agora,
    headers: &[(&str, &str)],
    name: &str,
    kind: &str,
    bytes: &[u8],
) -> (String, String) {
    let answer = post(agora, headers, form(&[("file", Some((name, kind)), bytes)])).await.expect(200);
    let text = |key: &str| answer["entities"][0][key].as_str().expect("a text").to_owned();
    (text("uuid"), text("share-secret"))
}

/// A download with its bytes, by a client without a token.
pub(crate) async fn fetch(agora: &Agora, uuid: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = agora.with_token("").request(Method::GET, &format!("/chatfiles/{uuid}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, response.bytes().await.expect("a body").to_vec())
}

async fn refusal(agora: &Agora, path: &str, status: u16) -> (String, String) {
    agora_error(&agora.with_token("").get(&format!("/chatfiles/{path}")).await, status)
}

fn owned((error, text): (&str, &str)) -> (String, String) {
    (error.to_owned(), text.to_owned())
}

const NOT_FOUND: (&str, &str) = ("entity_not_found", "file may not exists");
const NO_SECRET: (&str, &str) = ("unauthorized", "Unable to authenticate due to missing share-secret");
const WRONG_SECRET: (&str, &str) = ("unauthorized", "Unable to authenticate due to wrong share-secret");
const UNAUTHORIZED: (&str, &str) = ("unauthorized", "Unable to authenticate due to expired access token");

/// A picture that does not compress well.
pub(crate) fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut seed = 1_u32;
    let pixels = RgbImage::from_fn(width, height, |_, _| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Rgb([(seed >> 24) as u8, (seed >> 16) as u8, (seed >> 8) as u8])
    });
    let mut bytes = Vec::new();
    DynamicImage::ImageRgb8(pixels).write_to(&mut Cursor::new(&mut bytes), format).expect("it is written");
    bytes
}

pub(crate) fn size_of(bytes: &[u8]) -> (u32, u32) {
    let picture = image::load_from_memory(bytes).expect("a picture");
    (picture.width(), picture.height())
}

every_shape! {
    async fn a_file_comes_back_as_it_was_sent_agora_3_1_and_3_3(app: TestApp) {
        let agora = app.agora();
        let reply = post(&agora, &[], form(&[("file", Some(("plan.pdf", "application/pdf")), b"%PDF-1.7 plan")])).await;
        let mut answer = reply.expect(200);
        let uuid = answer["entities"][0]["uuid"].as_str().expect("a uuid").to_owned();
        let secret = answer["entities"][0]["share-secret"].as_str().expect("a secret").to_owned();
        assert_eq!(uuid.len(), 36);
        assert!((16..=48).contains(&secret.len()) && secret.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
        for (key, value) in [("uuid", "<uuid>"), ("share-secret", "<secret>")] {
            answer["entities"][0][key] = Value::from(value);
        }
        for key in ["timestamp", "duration", "organization", "application", "applicationName", "uri"] {
            assert!(!answer[key].is_null(), "{key}");
            answer[key] = Value::from("<>");
        }
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer, @r#"{"action":"post","application":"<>","applicationName":"<>","duration":"<>","entities":[{"share-secret":"<secret>","type":"chatfile","uuid":"<uuid>"}],"organization":"<>","path":"/chatfiles","timestamp":"<>","uri":"<>"}"#);
        }

        let (status, headers, bytes) = fetch(&agora, &uuid, &[]).await;
        assert_eq!((status.as_u16(), bytes.as_slice()), (200, b"%PDF-1.7 plan".as_slice()));
        assert_eq!(headers["content-type"], "application/pdf");
        assert_eq!(headers["content-length"], "13");
        assert_eq!(headers["content-disposition"], "attachment; filename=\"plan.pdf\"");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["accept-ranges"], "bytes");
        let path = format!("/chatfiles/{uuid}");
        let head = agora.with_token("").request(Method::HEAD, &path).send().await.expect("an answer");
        assert_eq!((head.status().as_u16(), &head.headers()["content-length"]), (200, &headers["content-length"]));
        // A uuid in upper case is the same; unknown parameters do not matter.
        let path = format!("{}?em-redirect=true&vframe=true", uuid.to_uppercase());
        assert_eq!(fetch(&agora, &path, &[]).await.0, 200);
    }
}

every_shape! {
    async fn a_restricted_file_needs_its_secret_agora_3_3_decision_19(app: TestApp) {
        let agora = app.agora();
        let (uuid, secret) = upload(&agora, &[("restrict-access", "true")], "a.txt", "text/plain", b"secret").await;
        let (open, _) = upload(&agora, &[("restrict-access", "false")], "a.txt", "text/plain", b"open").await;
        assert_eq!(refusal(&agora, &uuid, 401).await, owned(NO_SECRET));
        assert_eq!(refusal(&agora, &format!("{uuid}?share-secret={}", secret.chars().rev().collect::<String>() + "x"), 401).await, owned(WRONG_SECRET));
        // Whatever the token.
        assert_eq!(agora_error(&agora.get(&format!("/chatfiles/{uuid}")).await, 401), owned(NO_SECRET));
        assert_eq!(fetch(&agora, &format!("{uuid}?share-secret={secret}"), &[]).await.2, b"secret");
        let (_, headers, bytes) = fetch(&agora, &uuid, &[("share-secret", &secret)]).await;
        assert_eq!(bytes, b"secret");
        assert_eq!(headers["cache-control"], "private, no-cache");
        assert_eq!(headers["vary"], "thumbnail, share-secret, authorization");
        assert_eq!(fetch(&agora, &open, &[("authorization", "Bearer nonsense")]).await.2, b"open");
    }
}

/// A profile of a display whose red is blue: white, and the three colours, with a gamma of 1.
fn profile() -> Vec<u8> {
    let number = |value: f64| ((value * 65536.0).round() as i32).to_be_bytes();
    let colour = |[x, y, z]: [f64; 3]| [&b"XYZ \0\0\0\0"[..], &number(x), &number(y), &number(z)].concat();
    let (red, green, blue) = ([0.1431, 0.0606, 0.7141], [0.3851, 0.7169, 0.0971], [0.4361, 0.2225, 0.0139]);
    let line = b"curv\0\0\0\0\0\0\0\0".to_vec();
    let tags = [
        (b"wtpt", colour([0.9642, 1.0, 0.8249])),
        (b"rXYZ", colour(red)),
        (b"gXYZ", colour(green)),
        (b"bXYZ", colour(blue)),
        (b"rTRC", line.clone()),
        (b"gTRC", line.clone()),
        (b"bTRC", line),
    ];
    let mut bytes = vec![0; 128];
    bytes[8..40].copy_from_slice(b"\x04\x20\0\0mntrRGB XYZ \x07\xEA\0\x01\0\x01\0\0\0\0\0\0acsp");
    bytes.extend((tags.len() as u32).to_be_bytes());
    let mut at = 132 + tags.len() * 12;
    for (name, data) in &tags {
        bytes.extend([&name[..], &(at as u32).to_be_bytes(), &(data.len() as u32).to_be_bytes()].concat());
        at += data.len();
    }
    for (_, data) in &tags {
        bytes.extend(data);
    }
    let size = (bytes.len() as u32).to_be_bytes();
    bytes[..4].copy_from_slice(&size);
    bytes
}

every_shape! {
    async fn thumbnails_fit_the_box_agora_3_2_decision_20(app: TestApp) {
        let agora = app.agora();
        let thumbnail = async |uuid: &str| {
            let (status, headers, bytes) = fetch(&agora, uuid, &[("thumbnail", "true")]).await;
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
            (size_of(&bytes), headers["content-type"].to_str().expect("a type").to_owned())
        };
        let large = picture(400, 200, ImageFormat::Jpeg);
        assert!(large.len() > 10 * 1024);
        let (uuid, _) = upload(&agora, &[], "a.jpg", "image/jpeg", &large).await;
        assert_eq!(thumbnail(&uuid).await, ((170, 85), "image/jpeg".to_owned()));
        assert_eq!(fetch(&agora, &uuid, &[]).await.2, large);
        let query = format!("{uuid}?thumbnail=true");
        assert_eq!(size_of(&fetch(&agora, &query, &[]).await.2), (170, 85));

        for format in [ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
            let (uuid, _) = upload(&agora, &[], "a", "", &picture(200, 400, format)).await;
            assert_eq!(thumbnail(&uuid).await.0, (85, 170), "{format:?}");
        }
        // In the image's colour values, which have no meaning without its profile.
        let colours = profile();
        let mut tagged = Vec::new();
        let mut encoder = JpegEncoder::new(&mut tagged);
        encoder.set_icc_profile(colours.clone()).expect("JPEG has profiles");
        image::load_from_memory(&large).expect("a picture").write_with_encoder(encoder).expect("it is written");
        let (tagged, _) = upload(&agora, &[], "p3.jpg", "image/jpeg", &tagged).await;
        let small = fetch(&agora, &tagged, &[("thumbnail", "true")]).await.2;
        let mut small = JpegDecoder::new(Cursor::new(small)).expect("a JPEG");
        assert_eq!((small.dimensions(), small.icc_profile().expect("read")), ((170, 85), Some(colours)));

        // Sizes as headers, as form fields, and as both: the header takes precedence.
        let sizes = [("thumbnail-width", "40"), ("thumbnail-height", "40")];
        let (uuid, _) = upload(&agora, &sizes, "a.jpg", "image/jpeg", &large).await;
        assert_eq!(thumbnail(&uuid).await.0, (40, 20));
        let file: FormPart<'_> = ("file", Some(("a.jpg", "image/jpeg")), &large);
        let (width, height): (FormPart<'_>, FormPart<'_>) =
            (("thumbnail-width", None, b"60"), ("thumbnail-height", None, b"60"));
        for (headers, body, wanted) in [
            (vec![], form(&[width, file, height]), (60, 30)),
            (vec![], form(&[file, width]), (60, 30)),
            (vec![("thumbnail-width", "20")], form(&[width, height, file]), (20, 10)),
        ] {
            let answer = post(&agora, &headers, body).await.expect(200);
            let uuid = answer["entities"][0]["uuid"].as_str().expect("a uuid");
            assert_eq!(thumbnail(uuid).await.0, wanted);
        }
        // A small picture is its own thumbnail; other files have none.
        let small = picture(50, 30, ImageFormat::Png);
        assert!(small.len() <= 10 * 1024);
        let (uuid, _) = upload(&agora, &[], "a.png", "image/png", &small).await;
        assert_eq!(fetch(&agora, &uuid, &[("thumbnail", "true")]).await.2, small);
        let (uuid, _) = upload(&agora, &[], "a.mp4", "video/mp4", &[b"....ftypisom".as_slice(), &vec![0; 20_000]].concat()).await;
        assert_eq!(refusal(&agora, &format!("{uuid}?thumbnail=true"), 404).await, owned(NOT_FOUND));
        assert_eq!(fetch(&agora, &uuid, &[("thumbnail", "false")]).await.0, 200);
    }
}

every_shape! {
    async fn parts_and_conditions_follow_rfc_9110(app: TestApp) {
        let agora = app.agora();
        let bytes: Vec<u8> = (0..700_000_u32).flat_map(u32::to_le_bytes).collect();
        let (uuid, _) = upload(&agora, &[], "numbers.bin", "", &bytes).await;
        let (status, headers, body) = fetch(&agora, &uuid, &[]).await;
        assert!(status == 200 && body == bytes);
        let tag = headers["etag"].to_str().expect("a tag").to_owned();
        let (status, headers, body) = fetch(&agora, &uuid, &[("range", "bytes=300000-900000")]).await;
        assert_eq!(status, 206);
        assert_eq!(headers["content-range"], format!("bytes 300000-900000/{}", bytes.len()).as_str());
        assert!(body == bytes[300_000..=900_000]);
        let (status, _, body) = fetch(&agora, &uuid, &[("range", "bytes=-5"), ("if-range", &tag)]).await;
        assert_eq!((status.as_u16(), body.as_slice()), (206, &bytes[bytes.len() - 5..]));
        let (status, headers, _) = fetch(&agora, &uuid, &[("range", "bytes=99999999-")]).await;
        assert_eq!((status.as_u16(), &headers["content-range"]), (416, &HeaderValue::from_static("bytes */2800000")));
        // Only GET has ranges.
        let path = format!("/chatfiles/{uuid}");
        let head = agora.request(Method::HEAD, &path).header("range", "bytes=0-0").send().await.expect("an answer");
        assert_eq!((head.status().as_u16(), &head.headers()["content-length"]), (200, &HeaderValue::from_static("2800000")));
        let (status, headers, body) = fetch(&agora, &uuid, &[("if-none-match", &tag)]).await;
        assert_eq!((status.as_u16(), body.len()), (304, 0));
        assert_eq!(headers["etag"], tag.as_str());
    }
}

every_shape! {
    async fn a_form_without_a_file_is_refused_agora_8_3(app: TestApp) {
        let agora = app.agora();
        let no_file = owned(("illegal_argument", "file must be provided."));
        assert_eq!(agora_error(&post(&agora, &[], form(&[])).await, 400), no_file);
        assert_eq!(agora_error(&post(&agora, &[], form(&[("picture", Some(("a", "")), b"x")])).await, 400), no_file);
        for kind in ["application/json", "multipart/form-data", "text/plain"] {
            assert_eq!(agora_error(&post(&agora, &[("content-type", kind)], b"{}".to_vec()).await, 400), no_file);
        }
        assert_eq!(agora_error(&agora.with_token("").post_text("/chatfiles", "").await, 401), owned(UNAUTHORIZED));
        // A truncated form.
        let whole = form(&[("file", Some(("a", "")), &[7; 5000])]);
        let (error, _) = agora_error(&post(&agora, &[], whole[..4000].to_vec()).await, 400);
        assert_eq!(error, "illegal_argument");
    }
}

every_shape! {
    async fn unknown_files_are_told_so_agora_8_3(app: TestApp) {
        let agora = app.agora();
        for unknown in ["7c0e9a10-4d5b-11ef-9b7a-5f0e6a2d9c31", "x", "%00", "..%2f..%2fetc%2fpasswd"] {
            assert_eq!(refusal(&agora, unknown, 404).await, owned(NOT_FOUND), "{unknown}");
        }
        // Another app's file does not exist in this one.
        let (uuid, _) = upload(&agora, &[], "a", "", b"x").await;
        let other = crate::policy::neighbour(&app).await;
        assert_eq!(refusal(&other.agora(), &uuid, 404).await, owned(NOT_FOUND));
    }
}

every_shape! {
    async fn a_browser_runs_no_file_of_ours(app: TestApp) {
        let agora = app.agora();
        for (name, kind, bytes) in [
            ("a.html", "text/html", b"<script>alert(1)</script>".as_slice()),
            ("a.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
            ("a.png", "image/png", b"<html>"),
        ] {
            let (uuid, _) = upload(&agora, &[], name, kind, bytes).await;
            let (_, headers, _) = fetch(&agora, &uuid, &[]).await;
            assert!(headers["content-disposition"].to_str().expect("text").starts_with("attachment"), "{name}");
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert_eq!(headers["content-security-policy"], "default-src 'none'; sandbox");
        }
        let (uuid, _) = upload(&agora, &[], "Grüße.jpg", "text/html", &picture(20, 20, ImageFormat::Jpeg)).await;
        let (_, headers, _) = fetch(&agora, &uuid, &[]).await;
        assert_eq!(headers["content-type"], "image/jpeg");
        let named = "inline; filename=\"Gr__e.jpg\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.jpg";
        assert_eq!(headers["content-disposition"], named);
    }
}

every_shape! {
    async fn a_file_over_the_limit_is_cut_early_agora_3_1(app: TestApp) {
        set(&app, pb::Policy { max_file_bytes: Some(100_000), ..Default::default() }).await;
        let agora = app.agora();
        let too_large = owned(("file exceeding maximum limit", "the file size exceeds the maximum limit."));
        let (uuid, _) = upload(&agora, &[], "a", "", &vec![1; 100_000]).await;
        assert_eq!(fetch(&agora, &uuid, &[]).await.2.len(), 100_000);
        let reply = post(&agora, &[], form(&[("file", Some(("a", "")), &vec![1; 100_001])])).await;
        assert_eq!(agora_error(&reply, 413), too_large);
        let reply = post(&agora, &[], form(&[("file", Some(("a", "")), &vec![1; 5_000_000])])).await;
        assert_eq!(agora_error(&reply, 413), too_large);
    }
}

every_shape! {
    async fn users_upload_and_an_app_may_ask_for_tokens_decision_19(app: TestApp) {
        set(&app, pb::Policy { files_require_token: Some(true), ..Default::default() }).await;
        let agora = app.agora();
        agora.register(&["nora"]).await;
        let nora = agora.logged_in("nora").await;
        let (uuid, _) = upload(&nora, &[], "a", "", b"x").await;
        assert_eq!(refusal(&agora, &uuid, 401).await, owned(UNAUTHORIZED));
        assert_eq!(nora.get(&format!("/chatfiles/{uuid}")).await.text, "x");
        let (restricted, _) = upload(&nora, &[("restrict-access", "true")], "a", "", b"x").await;
        assert_eq!(agora_error(&nora.get(&format!("/chatfiles/{restricted}")).await, 401), owned(NO_SECRET));
    }
}

#[tokio::test]
async fn files_expire_after_a_week_where_the_app_says_so_and_are_swept_up_agora_3_3() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await;
    set(&app, pb::Policy { file_lifetime_ms: Some(WEEK), ..Default::default() }).await;
    let agora = app.agora();
    let (uuid, _) = upload(&agora, &[], "a.jpg", "", &picture(200, 200, ImageFormat::Jpeg)).await;
    let kept = || app.suite.files_on_disk();
    assert_eq!(kept().len(), 2);
    clock.advance(Duration::from_hours(7 * 24) - Duration::from_secs(1));
    assert_eq!(fetch(&agora, &uuid, &[]).await.0, 200);
    assert_eq!(sweep(&app).await, 0);
    clock.advance(Duration::from_secs(2));
    let expired = ("file_expired".to_owned(), format!("file {uuid} is expired"));
    assert_eq!(refusal(&agora, &uuid, 404).await, expired);
    assert_eq!(sweep(&app).await, 1);
    assert_eq!(kept(), Vec::<String>::new());
    assert_eq!(refusal(&agora, &uuid, 404).await, expired);
}

async fn sweep(app: &TestApp) -> i64 {
    app.files().sweep(app.request(pb::SweepRequest {})).await.expect("it sweeps").into_inner().removed
}

#[tokio::test]
async fn an_app_keeps_files_for_ever() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await;
    let (uuid, _) = upload(&app.agora(), &[], "a", "", b"x").await;
    clock.advance(Duration::from_hours(24 * 365));
    assert_eq!(sweep(&app).await, 0);
    assert_eq!(fetch(&app.agora(), &uuid, &[]).await.0, 200);
}

#[tokio::test]
async fn whoever_leaves_in_the_middle_leaves_nothing_behind() {
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, Arc::new(SystemClock)))).await;
    set(&app, pb::Policy { max_file_bytes: Some(100_000), ..Default::default() }).await;
    let agora = app.agora();
    let whole = form(&[("file", Some(("a", "")), &vec![1; 50_000])]);
    let broken = post(&agora, &[], whole[..30_000].to_vec()).await;
    assert_eq!(broken.status, 400);
    let too_large = post(&agora, &[], form(&[("file", Some(("a", "")), &vec![1; 200_000])])).await;
    assert_eq!(too_large.status, 413);
    assert_eq!(app.suite.files_on_disk(), Vec::<String>::new());
    // Over gRPC: a stream that ends without `done`.
    let header = Part::Header(pb::UploadHeader { name: "a".into(), ..Default::default() });
    let parts = [header, Part::Chunk(vec![1; 1000].into())].map(|part| pb::UploadRequest { part: Some(part) });
    let status = app.files().upload(app.request(futures_util::stream::iter(parts))).await.expect_err("refused");
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert_eq!(app.suite.files_on_disk(), Vec::<String>::new());
}

#[tokio::test]
async fn a_deleted_file_is_told_as_expired() {
    let app = on_any_shape().await;
    let agora = app.agora();
    agora.register(&["nora"]).await;
    let (uuid, _) = upload(&agora, &[("restrict-access", "true")], "a", "", b"x").await;
    let file = pb::FileRef { uuid: uuid.clone(), trusted: true, ..Default::default() };
    let by_app = pb::DeleteFileRequest { file: Some(file) };
    let nora = agora.get("/users/nora").await.expect(200);
    assert!(nora["entities"][0]["uuid"].is_string());
    let status = app.files().delete_file(app.request_as(16, by_app.clone())).await.expect_err("a user may not");
    assert_eq!(status.code(), tonic::Code::PermissionDenied);
    assert_eq!(app.files().delete_file(app.request(by_app.clone())).await.expect("deleted").into_inner().size, 1);
    let (error, _) = refusal(&agora, &uuid, 404).await;
    assert_eq!(error, "file_expired");
    assert_eq!(app.files().delete_file(app.request(by_app)).await.expect_err("gone").code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn bombs_and_broken_pictures_are_kept_without_a_thumbnail() {
    let app = on_any_shape().await;
    let agora = app.agora();
    // A header that promises ten thousand million pixels.
    let mut bomb = b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR\0\x01\x86\xA0\0\x01\x86\xA0\x08\x02\0\0\0".to_vec();
    bomb.extend(vec![0; 20_000]);
    let mut cut = picture(300, 300, ImageFormat::Jpeg);
    cut.truncate(300);
    cut.extend(vec![0; 20_000]);
    for bytes in [bomb, cut] {
        let (uuid, _) = upload(&agora, &[], "a", "", &bytes).await;
        assert_eq!(fetch(&agora, &uuid, &[]).await.2, bytes);
    }
}

#[tokio::test]
async fn files_lie_in_s3_and_clients_are_sent_there_where_an_app_wants_it_agora_3_3() {
    let app = TestApp::on(Shape::Split).await;
    set(&app, pb::Policy { files_redirect: Some(true), ..Default::default() }).await;
    let agora = app.agora();
    // More than one range.
    let bytes: Vec<u8> = (0..9_300_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (uuid, secret) = upload(&agora, &[("restrict-access", "true")], "big.html", "text/html", &bytes).await;
    let objects = files_under(&Bucket::shared().folder());
    assert_eq!(objects.iter().filter(|path| path.ends_with(&uuid)).count(), 1, "{objects:?}");
    assert!(fetch(&agora, &uuid, &[("share-secret", &secret)]).await.2 == bytes);
    let (status, _, part) =
        fetch(&agora, &uuid, &[("share-secret", &secret), ("range", "bytes=9000000-9000009")]).await;
    assert_eq!((status.as_u16(), part.as_slice()), (206, &bytes[9_000_000..9_000_010]));

    let patient = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let url = format!("{}/chatfiles/{uuid}?em-redirect=true", agora.base);
    assert_eq!(patient.get(&url).send().await.expect("an answer").status(), 401);
    let sent = patient.get(format!("{url}&share-secret={secret}")).send().await.expect("an answer");
    assert_eq!(sent.status(), 302);
    let to = sent.headers()["location"].to_str().expect("text").to_owned();
    assert!(
        to.starts_with(&Bucket::shared().endpoint) && to.contains("response-content-disposition=attachment"),
        "{to}"
    );
    let direct = patient.get(&to).send().await.expect("an answer");
    assert!(direct.status() == 200 && direct.bytes().await.expect("a body") == bytes);
}

#[tokio::test]
async fn what_a_browser_may_read_of_a_download_is_allowed_to_it() {
    let change = |config: &mut tidings_runtime::Config| config.cors_origins = vec!["https://a.test".into()];
    let app = TestApp::of(Arc::new(Suite::all_in_one_with(None, Arc::new(SystemClock), change))).await;
    let preflight = app.agora().request(Method::OPTIONS, "/chatfiles").header("origin", "https://a.test");
    let answer = preflight.header("access-control-request-method", "POST").send().await.expect("an answer");
    let allowed = answer.headers()["access-control-allow-headers"].to_str().expect("text").to_owned();
    for header in ["restrict-access", "share-secret", "thumbnail-width", "range"] {
        assert!(allowed.contains(header), "{allowed}");
    }
}

/// A message with the file; returns its id.
async fn send_file(agora: &Agora, to: &str, uuid: &str) -> String {
    let body = json!({"filename": "a", "url": format!("{}/chatfiles/{uuid}", agora.base)});
    let message = json!({"from": "nora", "to": [to], "type": "img", "body": body});
    let answer = agora.post("/messages/users", &message).await.expect(200);
    answer["data"][to].as_str().expect("an id").to_owned()
}

pub(crate) async fn recall(agora: &Agora, to: &str, msg_id: &str) {
    let body = json!({"msg_id": msg_id, "to": to, "chat_type": "chat", "force": true});
    agora.post("/messages/msg_recall", &body).await.expect(200);
}

/// How many files of recalled messages are deleted now.
pub(crate) async fn purge(app: &TestApp) -> i64 {
    app.messages().purge(app.request(pb::PurgeRequest {})).await.expect("purged").into_inner().files
}

every_shape! {
    async fn a_recall_deletes_the_file_that_no_other_message_brings_agora_3_3(app: TestApp) {
        set(&app, pb::Policy { recalled_file_grace_ms: Some(0), ..Default::default() }).await;
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        let (uuid, _) = upload(&agora, &[], "a", "", b"x").await;
        let (first, second) = (send_file(&agora, "omar", &uuid).await, send_file(&agora, "pia", &uuid).await);
        recall(&agora, "omar", &first).await;
        assert_eq!((purge(&app).await, fetch(&agora, &uuid, &[]).await.0.as_u16()), (0, 200));
        recall(&agora, "pia", &second).await;
        assert_eq!(fetch(&agora, &uuid, &[]).await.0, 200);
        assert_eq!((purge(&app).await, fetch(&agora, &uuid, &[]).await.0.as_u16()), (1, 404));
        assert_eq!(purge(&app).await, 0);

        // A video includes its thumbnail.
        let (video, _) = upload(&agora, &[], "a.mp4", "video/mp4", b"film").await;
        let (cover, _) = upload(&agora, &[], "a.png", "image/png", b"cover").await;
        let url = |uuid: &str| format!("{}/chatfiles/{uuid}", agora.base);
        let body = json!({"filename": "a", "url": url(&video), "thumb": url(&cover), "length": 1, "file_length": 4});
        let message = json!({"from": "nora", "to": ["omar"], "type": "video", "body": body});
        let sent = agora.post("/messages/users", &message).await.expect(200);
        recall(&agora, "omar", sent["data"]["omar"].as_str().expect("an id")).await;
        assert_eq!(purge(&app).await, 2);
        assert_eq!((fetch(&agora, &video, &[]).await.0.as_u16(), fetch(&agora, &cover, &[]).await.0.as_u16()), (404, 404));
    }
}

#[tokio::test]
async fn the_file_of_a_recalled_message_stays_for_the_grace_time_and_where_the_policy_says_so() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let (uuid, _) = upload(&agora, &[], "a", "", b"x").await;
    recall(&agora, "omar", &send_file(&agora, "omar", &uuid).await).await;
    clock.advance(Duration::from_secs(599));
    assert_eq!(purge(&app).await, 0);
    // Another message references it again.
    let again = send_file(&agora, "omar", &uuid).await;
    clock.advance(Duration::from_secs(2));
    assert_eq!((purge(&app).await, fetch(&agora, &uuid, &[]).await.0.as_u16()), (0, 200));
    set(&app, pb::Policy { recall_deletes_files: Some(false), ..Default::default() }).await;
    clock.advance(Duration::from_secs(10));
    recall(&agora, "omar", &again).await;
    clock.advance(Duration::from_hours(1));
    assert_eq!((purge(&app).await, fetch(&agora, &uuid, &[]).await.0.as_u16()), (0, 200));
}

#[tokio::test]
async fn lifetimes_are_set_by_the_app_and_by_users_where_it_lets_them_agora_3_4() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let app = TestApp::of(Arc::new(Suite::all_in_one(None, clock.clone()))).await;
    set(&app, pb::Policy { file_lifetime_ms: Some(WEEK), ..Default::default() }).await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let nora = agora.logged_in("nora").await;
    let (kept, _) = upload(&nora, &[("restrict-access", "true")], "a", "", b"x").await;
    let (other, _) = upload(&agora, &[], "b", "", b"x").await;
    let body = json!({"lifetime": "permanent", "chatfile_ids": [kept, "00000000-0000-4000-8000-000000000000"]});
    let path = "/users/nora/chatfiles/lifetime";
    let put = |agora: Agora, body: Value| async move { Reply::to(agora.request(Method::PUT, path).json(&body)).await };

    assert_eq!(agora_error(&put(nora.clone(), body.clone()).await, 403).0, "forbidden_op");
    set(&app, pb::Policy { users_set_file_lifetime: Some(true), ..Default::default() }).await;
    clock.advance(Duration::from_secs(10));
    let answer = put(nora.clone(), body.clone()).await.expect(200);
    assert_eq!(answer["data"], json!({"success": [kept], "failed": ["00000000-0000-4000-8000-000000000000"]}));
    assert_eq!(nora.post("/users/omar/chatfiles/lifetime", &body).await.status, 403);
    assert_eq!(agora.with_token("").post(path, &body).await.status, 401);
    clock.advance(Duration::from_hours(24 * 8));
    assert_eq!(refusal(&agora, &other, 404).await.0, "file_expired");

    let back = json!({"lifetime": "default", "chatfile_ids": [kept]});
    assert_eq!(agora.post(path, &back).await.expect(200)["data"]["success"], json!([kept]));
    let file = Some(pb::FileRef { uuid: kept.clone(), trusted: true, ..Default::default() });
    let info = pb::StatRequest { file };
    let info = app.files().stat(app.request(info)).await.expect("there").into_inner();
    assert_eq!(moment_or_zero(info.expires_at).0, clock.now().0 + WEEK);
    for (body, text) in [
        (json!({"lifetime": "long", "chatfile_ids": [kept]}), "field lifetime can only be default or permanent"),
        (json!({"lifetime": "default"}), "field chatfile_ids must have 1 to 100 ids"),
    ] {
        assert_eq!(agora_error(&put(agora.clone(), body).await, 400), owned(("illegal_argument", text)));
    }
}

#[tokio::test]
async fn a_file_may_be_named_before_and_pictures_know_their_sides() {
    let app = on_any_shape().await;
    let uuid = "0f9cbe3e-5c5b-4a37-8b23-dd0b9d3c1f77";
    let png = picture(120, 60, ImageFormat::Png);
    let upload = async |uuid: &str| {
        let header = Part::Header(pb::UploadHeader { name: "a".into(), uuid: uuid.into(), ..Default::default() });
        let parts = [header, Part::Chunk(png.clone().into()), Part::Done(pb::UploadDone {})];
        let parts = parts.map(|part| pb::UploadRequest { part: Some(part) });
        app.files().upload(app.request(futures_util::stream::iter(parts))).await
    };
    let info = upload(uuid).await.expect("kept").into_inner();
    assert_eq!((info.uuid.as_str(), info.width, info.height), (uuid, 120, 60));
    for wrong in [uuid, "0F9CBE3E-5C5B-4A37-8B23-DD0B9D3C1F78", "7c0e9a10-4d5b-11ef-9b7a-5f0e6a2d9c31", "a"] {
        assert_eq!(upload(wrong).await.expect_err("refused").code(), tonic::Code::InvalidArgument, "{wrong}");
    }
    let request = internal::DescribeRequest { uuids: vec![uuid.into(), "x".into()] };
    let described = app.files_internal().describe(app.request(request)).await.expect("described").into_inner().files;
    assert_eq!(described, [info]);
}
