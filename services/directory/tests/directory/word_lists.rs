//! Word lists: their limits, and what changes with them.

use tidings_domain::Reason;
use tidings_proto::internal;
use tidings_proto::internal::directory_internal_service_server::DirectoryInternalService as _;
use tidings_proto::pb::{self, directory_service_server::DirectoryService as _};
use tonic::{Code, Request, Status};

use crate::suite::{Suite, error, in_app, in_lobby, lobby, ok, on_both_engines};

const MIB: usize = 1024 * 1024;

fn list(name: &str, words: &[&str]) -> pb::WordList {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    pb::WordList { name: name.to_owned(), words, action: pb::WordAction::Refuse.into() }
}

/// Words of `bytes` bytes in all, each of 256.
fn large(name: &str, bytes: usize) -> pb::WordList {
    let words = (0..bytes / 256).map(|place| format!("{place:0256}")).collect();
    pb::WordList { name: name.to_owned(), words, action: pb::WordAction::Mask.into() }
}

fn setting(list: pb::WordList) -> pb::SetWordListRequest {
    pb::SetWordListRequest { list: Some(list) }
}

fn named(name: &str) -> pb::GetWordListRequest {
    pb::GetWordListRequest { name: name.to_owned() }
}

fn removal(name: &str) -> pb::DeleteWordListRequest {
    pb::DeleteWordListRequest { name: name.to_owned() }
}

async fn set(suite: &Suite, list: pb::WordList) -> pb::WordListSummary {
    ok(suite.directory.set_word_list(in_lobby(setting(list))).await)
}

async fn refused(suite: &Suite, list: pb::WordList) -> String {
    let (reason, text) = error(suite.directory.set_word_list(in_lobby(setting(list))).await);
    assert_eq!(reason, Reason::InvalidArgument);
    text
}

async fn names(suite: &Suite) -> Vec<String> {
    let reply = suite.directory.list_word_lists(in_lobby(pb::ListWordListsRequest {})).await;
    ok(reply).lists.into_iter().map(|list| list.name).collect()
}

async fn screening(suite: &Suite) -> internal::Screening {
    ok(suite.directory.get_screening(in_lobby(internal::GetScreeningRequest {})).await)
}

/// The version as reported with the app, possibly from a cache.
async fn version(suite: &Suite) -> i64 {
    ok(suite.directory.get_app(Request::new(pb::GetAppRequest { app: Some(lobby()) })).await).screening_version
}

async fn a_list_is_kept_trimmed_and_without_repetitions(suite: Suite) {
    let summary = set(&suite, list("spam", &[" casino ", "casino", "Casino", "free money", "赌场\r\n"])).await;
    let expected = pb::WordListSummary { name: "spam".to_owned(), action: pb::WordAction::Refuse.into(), words: 4 };
    assert_eq!(summary, expected);
    let kept = ok(suite.directory.get_word_list(in_lobby(named("spam"))).await);
    assert_eq!(kept, list("spam", &["casino", "Casino", "free money", "赌场"]));
}

async fn a_list_takes_the_place_of_one_with_its_name(suite: Suite) {
    set(&suite, list("spam", &["casino", "money"])).await;
    let other = pb::WordList { action: pb::WordAction::Mask.into(), ..list("spam", &["poker"]) };
    set(&suite, other.clone()).await;
    assert_eq!(ok(suite.directory.get_word_list(in_lobby(named("spam"))).await), other);
    assert_eq!(names(&suite).await, ["spam"]);
}

async fn lists_are_listed_by_name_and_a_deleted_one_is_gone(suite: Suite) {
    for name in ["b", "a.1", "B", "_"] {
        set(&suite, list(name, &["word"])).await;
    }
    assert_eq!(names(&suite).await, ["B", "_", "a.1", "b"]);
    let deleted = ok(suite.directory.delete_word_list(in_lobby(removal("a.1"))).await);
    assert_eq!((deleted.name.as_str(), deleted.words), ("a.1", 1));
    assert_eq!(names(&suite).await, ["B", "_", "b"]);
    let gone = (Reason::WordListNotFound, "a.1".to_owned());
    assert_eq!(error(suite.directory.get_word_list(in_lobby(named("a.1"))).await), gone);
    assert_eq!(error(suite.directory.delete_word_list(in_lobby(removal("a.1"))).await), gone);
}

async fn names_and_words_that_are_not_allowed_are_named(suite: Suite) {
    for name in ["", "a b", "ü", "a/b", &"n".repeat(65)] {
        let rule = "name must be 1 to 64 characters of a-z A-Z 0-9 _ - .";
        assert_eq!(refused(&suite, list(name, &["word"])).await, rule);
        assert_eq!(error(suite.directory.get_word_list(in_lobby(named(name))).await).1, rule);
    }
    set(&suite, list(&"n".repeat(64), &["word"])).await;
    assert_eq!(refused(&suite, list("l", &[])).await, "words must have at least one");
    let text = refused(&suite, list("l", &["good", "\u{200b} "])).await;
    assert_eq!(text, "words[1] must have a visible character: \"\\u{200b}\"");
    let text = refused(&suite, list("l", &["a\nb"])).await;
    assert_eq!(text, "words[0] must be one line without control characters: \"a\\nb\"");
    let text = refused(&suite, list("l", &[&"w".repeat(257)])).await;
    assert_eq!(text, "words[0] must be at most 256 bytes: \"wwwwwwwwwwwwwwwwwwww\"");
    assert_eq!(version(&suite).await, 1, "what is refused changes nothing");
}

async fn all_lists_of_an_app_have_2_mib_of_words_at_most(suite: Suite) {
    set(&suite, large("a", 2 * MIB)).await;
    let rule = "words must be at most 2 MiB in all lists of an app";
    assert_eq!(refused(&suite, list("b", &["w"])).await, rule);
    // In its own place it has room.
    set(&suite, large("a", 2 * MIB)).await;
    set(&suite, large("a", MIB)).await;
    set(&suite, large("b", MIB)).await;
    assert_eq!(refused(&suite, large("a", MIB + 256)).await, rule);
    let all = screening(&suite).await;
    assert_eq!(all.lists, [large("a", MIB), large("b", MIB)]);
    // Another app has its own.
    suite.create_app("acme", "cafe").await;
    ok(suite.directory.set_word_list(in_app("acme#cafe", setting(large("a", 2 * MIB)))).await);
}

async fn an_app_has_100_lists_at_most(suite: Suite) {
    for place in 0..100 {
        set(&suite, list(&format!("l{place}"), &["word"])).await;
    }
    assert_eq!(refused(&suite, list("l100", &["word"])).await, "name would make more than 100 lists");
    set(&suite, list("l99", &["other"])).await;
    ok(suite.directory.delete_word_list(in_lobby(removal("l0"))).await);
    set(&suite, list("l100", &["word"])).await;
}

async fn every_change_moves_the_version_which_never_goes_back(suite: Suite) {
    assert_eq!((version(&suite).await, screening(&suite).await), (0, internal::Screening::default()));
    set(&suite, list("a", &["word"])).await;
    assert_eq!(version(&suite).await, 1);
    set(&suite, list("a", &["word"])).await;
    assert_eq!(version(&suite).await, 2);
    ok(suite.directory.delete_word_list(in_lobby(removal("a"))).await);
    assert_eq!(version(&suite).await, 3);
    error(suite.directory.delete_word_list(in_lobby(removal("a"))).await);
    assert_eq!(version(&suite).await, 3);
    assert_eq!(screening(&suite).await, internal::Screening { version: 3, ..Default::default() });
}

async fn changes_at_once_each_have_a_version_of_their_own(suite: Suite) {
    let other = suite.other_process();
    let change = |place: usize| {
        let directory = if place.is_multiple_of(2) { suite.directory.clone() } else { other.clone() };
        let list = list(&format!("l{place}"), &["word"]);
        tokio::spawn(async move { directory.set_word_list(in_lobby(setting(list))).await })
    };
    for task in (0..8).map(change).collect::<Vec<_>>() {
        ok(task.await.unwrap());
    }
    let all = screening(&suite).await;
    assert_eq!((all.version, all.lists.len()), (8, 8));
}

async fn screening_is_read_as_it_is_now_in_every_process(suite: Suite) {
    let other = suite.other_process();
    ok(other.get_screening(in_lobby(internal::GetScreeningRequest {})).await);
    set(&suite, list("a", &["word"])).await;
    let seen = ok(other.get_screening(in_lobby(internal::GetScreeningRequest {})).await);
    assert_eq!(seen, internal::Screening { version: 1, lists: vec![list("a", &["word"])], hooks: vec![] });
}

async fn lists_of_another_app_are_left_alone(suite: Suite) {
    suite.create_app("acme", "cafe").await;
    let other = || in_app("acme#cafe", named("spam"));
    ok(suite.directory.set_word_list(in_app("acme#cafe", setting(list("spam", &["tea"])))).await);
    set(&suite, list("spam", &["casino"])).await;
    assert_eq!(ok(suite.directory.get_word_list(other()).await), list("spam", &["tea"]));
    ok(suite.directory.delete_word_list(in_lobby(removal("spam"))).await);
    let kept = ok(suite.directory.get_screening(in_app("acme#cafe", internal::GetScreeningRequest {})).await);
    assert_eq!(kept, internal::Screening { version: 1, lists: vec![list("spam", &["tea"])], hooks: vec![] });
}

async fn a_user_may_do_nothing_to_them(suite: Suite) {
    fn as_user<T>(message: T) -> Request<T> {
        let mut request = in_lobby(message);
        request.metadata_mut().insert("tidings-user", 7.into());
        request
    }
    fn denied<T: std::fmt::Debug>(reply: Result<T, Status>) {
        let status = reply.unwrap_err();
        let text = "only the app itself manages word lists and hooks";
        assert_eq!((status.code(), status.message()), (Code::PermissionDenied, text));
    }
    let directory = &suite.directory;
    denied(directory.set_word_list(as_user(setting(list("a", &["word"])))).await);
    denied(directory.list_word_lists(as_user(pb::ListWordListsRequest {})).await);
    denied(directory.get_word_list(as_user(named("a"))).await);
    denied(directory.delete_word_list(as_user(removal("a"))).await);
    denied(directory.add_hook(as_user(pb::AddHookRequest::default())).await);
    denied(directory.list_hooks(as_user(pb::ListHooksRequest {})).await);
    denied(directory.remove_hook(as_user(pb::RemoveHookRequest { id: 1 })).await);
    denied(directory.get_screening(as_user(internal::GetScreeningRequest {})).await);
}

async fn a_deleted_app_leaves_neither_words_nor_hooks(suite: Suite) {
    suite.create_app("acme", "cafe").await;
    for app in ["acme#cafe", "acme#lobby"] {
        ok(suite.directory.set_word_list(in_app(app, setting(list("spam", &["casino"])))).await);
        let hook =
            pb::AddHookRequest { form: pb::HookForm::Agora.into(), url: "http://h".to_owned(), ..Default::default() };
        ok(suite.directory.add_hook(in_app(app, hook)).await);
    }
    ok(suite.directory.delete_app(Request::new(pb::DeleteAppRequest { app: Some(lobby()) })).await);
    assert_eq!((suite.count("word_list").await, suite.count("hook").await), (1, 1));
    let refused = suite.directory.set_word_list(in_lobby(setting(list("spam", &["casino"])))).await;
    assert_eq!(error(refused).0, Reason::AppNotFound);
}

on_both_engines!(
    a_list_is_kept_trimmed_and_without_repetitions,
    a_list_takes_the_place_of_one_with_its_name,
    lists_are_listed_by_name_and_a_deleted_one_is_gone,
    names_and_words_that_are_not_allowed_are_named,
    all_lists_of_an_app_have_2_mib_of_words_at_most,
    an_app_has_100_lists_at_most,
    every_change_moves_the_version_which_never_goes_back,
    changes_at_once_each_have_a_version_of_their_own,
    screening_is_read_as_it_is_now_in_every_process,
    lists_of_another_app_are_left_alone,
    a_user_may_do_nothing_to_them,
    a_deleted_app_leaves_neither_words_nor_hooks,
);
