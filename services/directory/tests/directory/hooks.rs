//! Hooks: their limits, and where their tokens are shown.

use std::time::Duration;

use tidings_domain::Reason;
use tidings_proto::pb::{self, directory_service_server::DirectoryService as _};
use tidings_proto::{duration, internal};
use tidings_proto::{internal::directory_internal_service_server::DirectoryInternalService as _, span_or_zero};
use tidings_store::{on_tx, sqlx};
use tonic::Request;

use crate::suite::{Suite, error, in_app, in_lobby, lobby, ok, on_both_engines};

const MESSAGES: [i32; 1] = [pb::HookSubject::Message as i32];

fn new() -> pb::AddHookRequest {
    pb::AddHookRequest {
        form: pb::HookForm::Tencent.into(),
        url: "https://app.example/im".to_owned(),
        ..Default::default()
    }
}

async fn add(suite: &Suite, new: pb::AddHookRequest) -> pb::Hook {
    ok(suite.directory.add_hook(in_lobby(new)).await)
}

async fn hooks(suite: &Suite) -> Vec<pb::Hook> {
    ok(suite.directory.list_hooks(in_lobby(pb::ListHooksRequest {})).await).hooks
}

async fn version(suite: &Suite) -> i64 {
    ok(suite.directory.get_app(Request::new(pb::GetAppRequest { app: Some(lobby()) })).await).screening_version
}

async fn a_hook_has_its_vendors_timeout_where_none_is_given(suite: Suite) {
    let added = add(&suite, new()).await;
    let expected = pb::Hook {
        id: 1,
        form: pb::HookForm::Tencent.into(),
        url: "https://app.example/im".to_owned(),
        timeout: Some(duration(Duration::from_secs(2))),
        subjects: MESSAGES.to_vec(),
        ..Default::default()
    };
    assert_eq!(added, expected);
    let agora = add(&suite, pb::AddHookRequest { form: pb::HookForm::Agora.into(), ..new() }).await;
    assert_eq!((agora.id, span_or_zero(agora.timeout)), (2, Duration::from_millis(200)));
}

async fn all_that_is_said_of_a_hook_is_kept(suite: Suite) {
    let kinds = vec![pb::ConversationKind::Room.into(), pb::ConversationKind::Direct.into()];
    let request = pb::AddHookRequest {
        form: pb::HookForm::Agora.into(),
        url: "http://127.0.0.1:9/im?s=1".to_owned(),
        token: "s3cret".to_owned(),
        timeout: Some(duration(Duration::from_millis(50))),
        refuse_on_failure: true,
        kinds: [kinds.clone(), kinds.clone()].concat(),
        allow_private: true,
        subjects: vec![1, 1],
    };
    let shown = pb::Hook {
        id: 1,
        form: request.form,
        url: request.url.clone(),
        has_token: true,
        timeout: Some(duration(Duration::from_millis(50))),
        refuse_on_failure: true,
        kinds,
        allow_private: true,
        token: String::new(),
        subjects: MESSAGES.to_vec(),
    };
    assert_eq!(add(&suite, request).await, shown);
    assert_eq!(hooks(&suite).await, std::slice::from_ref(&shown));
    let screening = ok(suite.directory.get_screening(in_lobby(internal::GetScreeningRequest {})).await);
    let known = pb::Hook { token: "s3cret".to_owned(), ..shown };
    assert_eq!(screening, internal::Screening { version: 1, lists: vec![], hooks: vec![known] });
}

async fn what_is_not_allowed_is_named(suite: Suite) {
    let (long_url, long_token) = (format!("http://h/{}", "x".repeat(2048)), "t".repeat(129));
    let (url, token) = (str::to_owned, str::to_owned);
    for (wanted, text) in [
        (pb::AddHookRequest { form: 0, ..new() }, "form is required"),
        (pb::AddHookRequest { form: 9, ..new() }, "form is required"),
        (pb::AddHookRequest { url: url(""), ..new() }, "url must be a URL"),
        (
            pb::AddHookRequest { url: url("ftp://h"), ..new() },
            "url must begin with http:// or https:// and have at most 2048 bytes",
        ),
        (
            pb::AddHookRequest { url: long_url, ..new() },
            "url must begin with http:// or https:// and have at most 2048 bytes",
        ),
        (pb::AddHookRequest { url: url("http://u:p@h"), ..new() }, "url must not have a user or a password"),
        (pb::AddHookRequest { token: token("a b"), ..new() }, "token must have at most 128 visible ASCII characters"),
        (pb::AddHookRequest { token: long_token, ..new() }, "token must have at most 128 visible ASCII characters"),
        (
            pb::AddHookRequest { timeout: Some(duration(Duration::from_millis(49))), ..new() },
            "timeout must be from 0.05 to 10 seconds",
        ),
        (
            pb::AddHookRequest { timeout: Some(duration(Duration::from_millis(10001))), ..new() },
            "timeout must be from 0.05 to 10 seconds",
        ),
        (
            pb::AddHookRequest { timeout: Some(tidings_proto::Duration { seconds: -1, nanos: 0 }), ..new() },
            "timeout must not be negative",
        ),
        (pb::AddHookRequest { kinds: vec![0], ..new() }, "kinds contains an invalid one"),
        (pb::AddHookRequest { kinds: vec![1, 9], ..new() }, "kinds contains an invalid one"),
        (pb::AddHookRequest { subjects: vec![0], ..new() }, "subjects contains an invalid one"),
        (pb::AddHookRequest { subjects: vec![1, 9], ..new() }, "subjects contains an invalid one"),
        (
            pb::AddHookRequest { form: pb::HookForm::Agora.into(), subjects: vec![1, 2], ..new() },
            "subjects must be messages in Agora's form",
        ),
    ] {
        let refused = error(suite.directory.add_hook(in_lobby(wanted)).await);
        assert_eq!(refused, (Reason::InvalidArgument, text.to_owned()));
    }
    assert_eq!((hooks(&suite).await, version(&suite).await), (vec![], 0));
}

async fn an_app_has_4_hooks_at_most_also_when_they_come_at_once(suite: Suite) {
    let other = suite.other_process();
    let add_one = |place: usize| {
        let directory = if place.is_multiple_of(2) { suite.directory.clone() } else { other.clone() };
        tokio::spawn(async move { directory.add_hook(in_lobby(new())).await })
    };
    let mut added = 0;
    for task in (0..6).map(add_one).collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(_) => added += 1,
            refused => {
                let text = "hooks must be at most 4 in an app".to_owned();
                assert_eq!(error(refused), (Reason::InvalidArgument, text));
            }
        }
    }
    assert_eq!((added, version(&suite).await), (4, 4));
}

async fn a_removed_hook_is_gone_and_its_number_is_not_given_again(suite: Suite) {
    add(&suite, new()).await;
    let second = add(&suite, pb::AddHookRequest { token: "t".to_owned(), ..new() }).await;
    let removed = suite.directory.remove_hook(in_lobby(pb::RemoveHookRequest { id: 2 })).await;
    assert_eq!(ok(removed), second);
    assert_eq!(version(&suite).await, 3);
    let again = suite.directory.remove_hook(in_lobby(pb::RemoveHookRequest { id: 2 })).await;
    assert_eq!(error(again), (Reason::HookNotFound, "2".to_owned()));
    assert_eq!(version(&suite).await, 3);
    assert_eq!(add(&suite, new()).await.id, 3);
    assert_eq!(hooks(&suite).await.iter().map(|hook| hook.id).collect::<Vec<_>>(), [1, 3]);
}

async fn hooks_of_another_app_are_left_alone(suite: Suite) {
    suite.create_app("acme", "cafe").await;
    let other = ok(suite.directory.add_hook(in_app("acme#cafe", new())).await);
    assert_eq!(other.id, 1);
    let refused = suite.directory.remove_hook(in_lobby(pb::RemoveHookRequest { id: 1 })).await;
    assert_eq!(error(refused).0, Reason::HookNotFound);
    assert_eq!(hooks(&suite).await, []);
    let kept = ok(suite.directory.list_hooks(in_app("acme#cafe", pb::ListHooksRequest {})).await).hooks;
    assert_eq!(kept, [other]);
}

async fn tokens_are_not_readable_in_the_database(suite: Suite) {
    add(&suite, pb::AddHookRequest { token: "s3cret".to_owned(), ..new() }).await;
    let mut tx = suite.db.begin().await.unwrap();
    let stored: String = on_tx!(&mut tx, |c| sqlx::query_scalar("select token from hook").fetch_one(c).await).unwrap();
    assert!(!stored.is_empty() && !stored.contains("s3cret"), "{stored}");
}

async fn a_hook_that_an_earlier_version_added_is_asked_about_messages(suite: Suite) {
    suite
        .execute(
            "insert into hook (app_id, hook_id, form, url, token, timeout_ms, refuse_on_failure, kinds, allow_private)
            select app_id, 9, 'tencent', 'http://h', null, 2000, false, '', false from app",
        )
        .await;
    assert_eq!(hooks(&suite).await.pop().map(|hook| (hook.id, hook.subjects)), Some((9, MESSAGES.to_vec())));
}

on_both_engines!(
    a_hook_that_an_earlier_version_added_is_asked_about_messages,
    a_hook_has_its_vendors_timeout_where_none_is_given,
    all_that_is_said_of_a_hook_is_kept,
    what_is_not_allowed_is_named,
    an_app_has_4_hooks_at_most_also_when_they_come_at_once,
    a_removed_hook_is_gone_and_its_number_is_not_given_again,
    hooks_of_another_app_are_left_alone,
    tokens_are_not_readable_in_the_database,
);
