//! Apps: names and life cycle.

use std::{collections::HashSet, time::Duration};

use tidings_domain::Reason;
use tidings_proto::{
    error_from_status, moment_or_zero,
    pb::{self, app_ref, directory_service_server::DirectoryService as _},
};
use tonic::Request;

use crate::suite::{START, Suite, app_id, app_key, authenticate, error, lobby, ok, on_both_engines};

fn new_app(org: &str, name: &str, lanying_app_id: &str, sdk_appid: i64) -> Request<pb::CreateAppRequest> {
    let [org, name, lanying_app_id] = [org, name, lanying_app_id].map(str::to_owned);
    Request::new(pb::CreateAppRequest { org, name, lanying_app_id, sdk_appid })
}

async fn a_new_app_has_random_names_and_secrets(suite: Suite) {
    let made = suite.create_app("acme", "cafe").await;
    let app = made.app.unwrap();
    assert_eq!((app.id, app.org.as_str(), app.name.as_str(), app.enabled), (2, "acme", "cafe", true));
    assert_eq!(moment_or_zero(app.created_at).0, START.0);
    assert_eq!(app.lanying_app_id.len(), 12);
    assert!(app.lanying_app_id.bytes().all(|c| c.is_ascii_lowercase()));
    assert_eq!(app.sdk_appid.to_string().len(), 10);
    assert_eq!(app.uuid.len(), 36);
    assert!(made.client_id.starts_with("YXA6"));
    for hex in [&made.app_certificate, &made.agora_app_id] {
        assert!(hex.len() == 32 && hex.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')), "{hex}");
    }
    let other = suite.reveal(lobby()).await;
    let texts = [&made.client_secret, &made.app_certificate, &other.client_secret, &other.app_certificate];
    assert_eq!(HashSet::from(texts).len(), 4);
}

async fn an_app_answers_to_each_of_its_names(suite: Suite) {
    let app = ok(suite.directory.get_app(Request::new(pb::GetAppRequest { app: Some(lobby()) })).await);
    let names = [
        app_ref::App::Id(app.id),
        app_ref::App::LanyingAppId(app.lanying_app_id.clone()),
        app_ref::App::SdkAppid(app.sdk_appid),
        app_ref::App::AgoraAppId(suite.reveal(lobby()).await.agora_app_id),
    ];
    for name in names {
        let found = ok(suite
            .directory
            .get_app(Request::new(pb::GetAppRequest { app: Some(pb::AppRef { app: Some(name) }) }))
            .await);
        assert_eq!(found, app);
    }
}

async fn app_names_are_case_sensitive_and_unknown_ones_are_not_found(suite: Suite) {
    for unknown in ["acme#Lobby", "nobody#lobby", "lobby", "a b#c", "acme#lobby\0", ""] {
        let refused =
            error(suite.directory.get_app(Request::new(pb::GetAppRequest { app: Some(app_key(unknown)) })).await);
        assert_eq!(refused.0, Reason::AppNotFound, "{unknown}");
    }
    suite.create_app("acme", "Lobby").await;
    let nameless = error(suite.directory.get_app(Request::new(pb::GetAppRequest { app: None })).await);
    assert_eq!(nameless, (Reason::InvalidArgument, "app is required".to_owned()));
}

async fn a_taken_name_is_refused_as_app_exists(suite: Suite) {
    let taken = ok(suite.directory.get_app(Request::new(pb::GetAppRequest { app: Some(lobby()) })).await);
    let name = suite.directory.create_app(new_app("acme", "lobby", "", 0)).await;
    assert_eq!(error(name), (Reason::AppExists, "acme#lobby".to_owned()));
    let lanying = suite.directory.create_app(new_app("acme", "cafe", &taken.lanying_app_id, 0)).await;
    assert_eq!(error(lanying), (Reason::AppExists, taken.lanying_app_id));
    let sdk = suite.directory.create_app(new_app("acme", "cafe", "", taken.sdk_appid)).await;
    assert_eq!(error(sdk), (Reason::AppExists, taken.sdk_appid.to_string()));
}

async fn apps_made_at_once_under_one_name_are_one(suite: Suite) {
    let other = suite.other_process();
    let make = |i: i32| {
        let directory = if i % 2 == 0 { suite.directory.clone() } else { other.clone() };
        tokio::spawn(async move { directory.create_app(new_app("acme", "cafe", "", 0)).await })
    };
    let mut made = 0;
    for task in (0..8).map(make).collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            refused => assert_eq!(error(refused).0, Reason::AppExists),
        }
    }
    assert_eq!(made, 1);
}

async fn reserved_words_cannot_be_orgs_decision_10(suite: Suite) {
    let reserved = [
        "user",
        "token",
        "message",
        "group",
        "roster",
        "file",
        "livez",
        "readyz",
        "metrics",
        "conversation",
        "ai",
        "Message",
    ];
    for org in reserved {
        let refused = error(suite.directory.create_app(new_app(org, "lobby", "", 0)).await);
        assert_eq!(refused, (Reason::InvalidArgument, "org must not be a reserved word".to_owned()));
    }
    ok(suite.directory.create_app(new_app("acme", "message", "", 0)).await);
}

async fn names_that_do_not_fit_a_path_are_refused(suite: Suite) {
    let long = "x".repeat(65);
    for bad in ["", ".", "..", "a b", "a/b", "a#b", "ü", &long] {
        for request in [new_app(bad, "lobby2", "", 0), new_app("acme2", bad, "", 0)] {
            let refused = error(suite.directory.create_app(request).await);
            assert_eq!(refused.0, Reason::InvalidArgument, "{bad}");
        }
    }
    for (lanying, sdk) in [("a b", 0), ("", -1), ("", 10_000_000_000)] {
        let refused = error(suite.directory.create_app(new_app("acme", "cafe", lanying, sdk)).await);
        assert_eq!(refused.0, Reason::InvalidArgument);
    }
    let made = ok(suite.directory.create_app(new_app("acme", "cafe", "welovemaxim", 1_400_000_000)).await);
    let app = made.app.unwrap();
    assert_eq!((app.lanying_app_id.as_str(), app.sdk_appid), ("welovemaxim", 1_400_000_000));
}

async fn apps_are_listed_in_order_of_creation(suite: Suite) {
    for name in ["b", "a", "c"] {
        suite.create_app("acme", name).await;
    }
    let ask = async |page_token: &str, page_size| {
        let request = pb::ListAppsRequest { page_size, page_token: page_token.to_owned() };
        suite.directory.list_apps(Request::new(request)).await
    };
    let list = async |page_token: &str, page_size| {
        let page = ok(ask(page_token, page_size).await);
        (page.apps.into_iter().map(|app| app.name).collect::<Vec<_>>(), page.next_page_token)
    };
    let all = ["lobby", "b", "a", "c"];
    for size in [0, 4, 1001] {
        assert_eq!(list("", size).await, (all.map(str::to_owned).to_vec(), String::new()), "{size}");
    }
    let (first, next) = list("", 3).await;
    assert_eq!(first, all[..3]);
    assert_eq!(list(&next, 3).await, (vec!["c".to_owned()], String::new()));
    for (page_token, page_size, field) in [("", -1, "page_size"), ("-1", 0, "page_token"), ("x", 0, "page_token")] {
        let refused = error_from_status(ask(page_token, page_size).await.unwrap_err());
        assert_eq!((refused.reason(), refused.field()), (Reason::InvalidArgument, Some(field)));
    }
}

async fn a_disabled_app_refuses_public_calls_until_it_is_enabled(suite: Suite) {
    suite.authenticate("").await.unwrap();
    assert!(!suite.set_enabled(false).await.enabled);
    assert_eq!(suite.authenticate("").await.unwrap_err(), Reason::AppDisabled);
    let request = crate::suite::in_lobby(crate::suite::registration(&[("ann", "")]));
    assert_eq!(error(suite.directory.register_users(request).await).0, Reason::AppDisabled);
    assert!(!ok(suite.directory.get_app(Request::new(pb::GetAppRequest { app: Some(lobby()) })).await).enabled);
    assert!(suite.set_enabled(true).await.enabled);
    suite.authenticate("").await.unwrap();
}

async fn a_deleted_app_answers_to_no_name_and_its_names_are_free(suite: Suite) {
    let before = suite.reveal(lobby()).await;
    let token = suite.issue(crate::suite::client_credentials(&before.client_id, &before.client_secret)).await.unwrap();
    let old = before.app.unwrap();
    ok(suite.directory.delete_app(Request::new(pb::DeleteAppRequest { app: Some(lobby()) })).await);
    for name in [lobby(), app_id(old.id), pb::AppRef { app: Some(app_ref::App::SdkAppid(old.sdk_appid)) }] {
        let refused = suite.directory.get_app(Request::new(pb::GetAppRequest { app: Some(name) })).await;
        assert_eq!(error(refused).0, Reason::AppNotFound);
    }
    assert_eq!(suite.authenticate(&token.token).await.unwrap_err(), Reason::AppNotFound);
    let again = error(suite.directory.delete_app(Request::new(pb::DeleteAppRequest { app: Some(lobby()) })).await);
    assert_eq!(again.0, Reason::AppNotFound);

    let heir = new_app("acme", "lobby", &old.lanying_app_id, old.sdk_appid);
    let heir = ok(suite.directory.create_app(heir).await).app.unwrap();
    assert!(heir.id > old.id);
    assert_eq!(suite.authenticate(&token.token).await.unwrap_err(), Reason::TokenForged);
}

async fn another_process_sees_a_change_within_two_seconds(suite: Suite) {
    let other = suite.other_process();
    authenticate(&other, lobby(), "").await.unwrap();
    suite.set_enabled(false).await;
    authenticate(&other, lobby(), "").await.unwrap();
    suite.advance(Duration::from_secs(2));
    assert_eq!(authenticate(&other, lobby(), "").await.unwrap_err(), Reason::AppDisabled);
}

on_both_engines!(
    a_new_app_has_random_names_and_secrets,
    an_app_answers_to_each_of_its_names,
    app_names_are_case_sensitive_and_unknown_ones_are_not_found,
    a_taken_name_is_refused_as_app_exists,
    apps_made_at_once_under_one_name_are_one,
    reserved_words_cannot_be_orgs_decision_10,
    names_that_do_not_fit_a_path_are_refused,
    apps_are_listed_in_order_of_creation,
    a_disabled_app_refuses_public_calls_until_it_is_enabled,
    a_deleted_app_answers_to_no_name_and_its_names_are_free,
    another_process_sees_a_change_within_two_seconds,
);
