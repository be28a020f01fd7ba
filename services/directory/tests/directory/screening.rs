//! Lists of words and hooks.

use tidings_domain::Reason;
use tidings_proto::pb::{self, directory_service_server::DirectoryService as _};
use tonic::{Request, Response};

use crate::{
    group_suite::{By, by},
    suite::{Suite, in_app, in_lobby, lobby, ok, on_both_engines, reason},
};

fn list(name: &str, words: &[&str]) -> pb::WordList {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    pb::WordList { name: name.to_owned(), action: pb::WordAction::Mask.into(), words }
}

fn hook(url: &str) -> pb::NewHook {
    let form = pb::HookForm::Tencent.into();
    pb::NewHook { form, url: url.to_owned(), token: "t0ken".to_owned(), ..Default::default() }
}

impl Suite {
    async fn set_words(&self, list: pb::WordList) -> Result<pb::WordListSummary, Reason> {
        self.directory.set_word_list(in_lobby(list)).await.map(Response::into_inner).map_err(reason)
    }

    async fn add_hook(&self, new: pb::NewHook) -> Result<pb::Hook, Reason> {
        self.directory.add_hook(in_lobby(new)).await.map(Response::into_inner).map_err(reason)
    }

    async fn screening(&self) -> pb::Screening {
        ok(self.directory.get_screening(in_lobby(pb::GetScreeningRequest {})).await)
    }

    async fn version(&self) -> i64 {
        ok(self.directory.get_app(Request::new(lobby())).await).screening_version
    }
}

async fn a_list_replaces_the_one_of_its_name_with_each_word_once(suite: Suite) {
    assert_eq!(suite.version().await, 0);
    let set = suite.set_words(list("rude", &["one"])).await.unwrap();
    assert_eq!((set.name.as_str(), set.action(), set.words), ("rude", pb::WordAction::Mask, 1));
    suite.set_words(list("rude", &[" two ", "three", "two"])).await.unwrap();
    suite.set_words(pb::WordList { action: 0, ..list("b.2", &["four"]) }).await.unwrap();
    assert_eq!(suite.version().await, 3);
    let get = |name: &str| suite.directory.get_word_list(in_lobby(pb::WordListRef { name: name.to_owned() }));
    assert_eq!(ok(get("rude").await), list("rude", &["two", "three"]));
    let four = pb::WordList { action: pb::WordAction::Refuse.into(), ..list("b.2", &["four"]) };
    assert_eq!(suite.screening().await.lists, [four, list("rude", &["two", "three"])]);
    let listed = ok(suite.directory.list_word_lists(in_lobby(pb::ListWordListsRequest {})).await).lists;
    assert_eq!(
        listed.iter().map(|list| (list.name.as_str(), list.words)).collect::<Vec<_>>(),
        [("b.2", 1), ("rude", 2)]
    );
}

async fn a_list_that_is_gone_leaves_a_version_that_never_was(suite: Suite) {
    suite.set_words(list("rude", &["one"])).await.unwrap();
    let delete = |name: &str| suite.directory.delete_word_list(in_lobby(pb::WordListRef { name: name.to_owned() }));
    assert_eq!(ok(delete("rude").await).words, 1);
    assert_eq!(suite.version().await, 2);
    assert_eq!(reason(delete("rude").await.unwrap_err()), Reason::WordListNotFound);
    assert_eq!(suite.version().await, 2);
    assert_eq!(suite.screening().await, pb::Screening { version: 2, ..Default::default() });
}

async fn what_is_no_list_changes_nothing(suite: Suite) {
    let long = "x".repeat(257);
    let lists = [
        list("", &["one"]),
        list("a b", &["one"]),
        list(&"n".repeat(65), &["one"]),
        list("rude", &[]),
        list("rude", &["one", "  "]),
        list("rude", &["one\ntwo"]),
        list("rude", &["nul\0"]),
        list("rude", &[&long]),
    ];
    for list in lists {
        assert_eq!(suite.set_words(list.clone()).await.unwrap_err(), Reason::InvalidArgument, "{list:?}");
    }
    assert_eq!(suite.version().await, 0);
}

async fn all_lists_of_an_app_have_two_mebibytes_of_words(suite: Suite) {
    let words: Vec<String> = (0..8192).map(|number| format!("{number:0>127}")).collect();
    let half = |name: &str| pb::WordList { words: words.clone(), ..list(name, &[]) };
    suite.set_words(half("one")).await.unwrap();
    suite.set_words(half("two")).await.unwrap();
    assert_eq!(suite.set_words(list("three", &["w"])).await.unwrap_err(), Reason::InvalidArgument);
    // Its own former words do not count.
    suite.set_words(half("two")).await.unwrap();
    suite.set_words(list("two", &["w"])).await.unwrap();
    suite.set_words(list("three", &["w"])).await.unwrap();
}

async fn a_hook_is_shown_without_its_token_and_kept_sealed(suite: Suite) {
    let new = pb::NewHook { kinds: vec![3, 1], refuse_on_failure: true, ..hook("https://app.example.test/ask?s=1") };
    let added = suite.add_hook(new).await.unwrap();
    let expected = pb::Hook {
        id: 1,
        form: pb::HookForm::Tencent.into(),
        url: "https://app.example.test/ask?s=1".into(),
        has_token: true,
        timeout_ms: 2000,
        refuse_on_failure: true,
        kinds: vec![3, 1],
        allow_private: false,
        token: String::new(),
    };
    assert_eq!(added, expected);
    let second = pb::NewHook { form: pb::HookForm::Agora.into(), token: String::new(), ..hook("http://10.0.0.1") };
    let second = suite.add_hook(second).await.unwrap();
    assert_eq!((second.id, second.timeout_ms, second.has_token), (2, 200, false));
    let expected = pb::Hook { kinds: vec![1, 3], ..expected };
    let listed = ok(suite.directory.list_hooks(in_lobby(pb::ListHooksRequest {})).await).hooks;
    assert_eq!(listed, [expected.clone(), second.clone()]);
    assert_eq!(suite.screening().await.hooks, [pb::Hook { token: "t0ken".into(), ..expected }, second]);
    assert_eq!(suite.count("hook where token like '%t0ken%'").await, 0);
}

async fn a_removed_hooks_number_is_never_given_out_again(suite: Suite) {
    let first = suite.add_hook(hook("http://app.example.test")).await.unwrap();
    let remove = |id| suite.directory.remove_hook(in_lobby(pb::HookRef { id }));
    assert_eq!(ok(remove(first.id).await), first);
    assert_eq!(reason(remove(first.id).await.unwrap_err()), Reason::HookNotFound);
    assert_eq!(suite.add_hook(hook("http://app.example.test")).await.unwrap().id, 3);
}

async fn what_is_no_hook_changes_nothing_and_there_are_four(suite: Suite) {
    let hooks = [
        hook("ftp://app.example.test"),
        hook("app.example.test"),
        hook("http://user:word@app.example.test"),
        pb::NewHook { form: 0, ..hook("http://app.example.test") },
        pb::NewHook { token: "a b".into(), ..hook("http://app.example.test") },
        pb::NewHook { timeout_ms: 49, ..hook("http://app.example.test") },
        pb::NewHook { timeout_ms: 10_001, ..hook("http://app.example.test") },
        pb::NewHook { timeout_ms: -1, ..hook("http://app.example.test") },
        pb::NewHook { kinds: vec![0], ..hook("http://app.example.test") },
    ];
    for hook in hooks {
        assert_eq!(suite.add_hook(hook.clone()).await.unwrap_err(), Reason::InvalidArgument, "{hook:?}");
    }
    for _ in 0..4 {
        suite.add_hook(hook("http://app.example.test")).await.unwrap();
    }
    assert_eq!(suite.add_hook(hook("http://app.example.test")).await.unwrap_err(), Reason::InvalidArgument);
    assert_eq!(suite.version().await, 4);
}

async fn apps_have_lists_and_hooks_of_their_own(suite: Suite) {
    suite.create_app("acme", "other").await;
    suite.set_words(list("rude", &["one"])).await.unwrap();
    suite.add_hook(hook("http://app.example.test")).await.unwrap();
    let others = ok(suite.directory.get_screening(in_app("acme#other", pb::GetScreeningRequest {})).await);
    assert_eq!(others, pb::Screening::default());
}

async fn only_the_app_itself_has_a_say(suite: Suite) {
    let [ann] = suite.users().await;
    let refused = suite.directory.set_word_list(by(By::User(ann), list("rude", &["one"]))).await.unwrap_err();
    assert_eq!(reason(refused), Reason::NotPermitted);
    let refused = suite.directory.get_screening(by(By::User(ann), pb::GetScreeningRequest {})).await.unwrap_err();
    assert_eq!(reason(refused), Reason::NotPermitted);
}

on_both_engines!(
    a_list_replaces_the_one_of_its_name_with_each_word_once,
    a_list_that_is_gone_leaves_a_version_that_never_was,
    what_is_no_list_changes_nothing,
    all_lists_of_an_app_have_two_mebibytes_of_words,
    a_hook_is_shown_without_its_token_and_kept_sealed,
    a_removed_hooks_number_is_never_given_out_again,
    what_is_no_hook_changes_nothing_and_there_are_four,
    apps_have_lists_and_hooks_of_their_own,
    only_the_app_itself_has_a_say,
);
