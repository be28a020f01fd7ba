//! Word lists and hooks over gRPC, at the maximum size. The rules themselves are tested in
//! `services/directory`.

#![expect(clippy::unwrap_used, reason = "a test that finds nothing to unwrap has failed")]

use tidings_proto::{error_from_status, internal, pb};
use tidings_testkit::every_shape;

use crate::policy::neighbour;

const MIB: usize = 1024 * 1024;

fn list(words: impl Iterator<Item = String>) -> pb::WordList {
    pb::WordList { name: "l".to_owned(), action: pb::WordAction::Mask.into(), words: words.collect() }
}

fn setting(list: pb::WordList) -> pb::SetWordListRequest {
    pb::SetWordListRequest { list: Some(list) }
}

/// One of 94³ words.
fn three_characters(place: usize) -> String {
    [place / 94 / 94, place / 94 % 94, place % 94].map(|digit| char::from(b'!' + digit as u8)).into_iter().collect()
}

every_shape! {
    async fn two_mib_of_words_are_set_and_read_again(app: TestApp) {
        // As short as so many different words can be: nearly twice as long on the wire.
        let longest = list((0..2 * MIB / 3).map(three_characters));
        let mut directory = app.directory();
        let set = directory.set_word_list(app.request(setting(longest.clone()))).await.unwrap().into_inner();
        assert_eq!(set.words as usize, longest.words.len());
        let kept = directory.get_word_list(app.request(pb::GetWordListRequest { name: "l".to_owned() })).await.unwrap();
        assert_eq!(kept.into_inner(), longest);
        let all = app.directory_internal().get_screening(app.request(internal::GetScreeningRequest {})).await.unwrap().into_inner();
        assert_eq!(all, internal::Screening { version: 1, lists: vec![longest], hooks: vec![] });
    }
}

every_shape! {
    async fn a_list_that_is_too_long_is_refused_in_words_and_repetitions_do_not_count(app: TestApp) {
        let mut directory = app.directory();
        let too_long = list((0..=MIB / 4).map(|place| format!("{place:08x}")));
        let refused = directory.set_word_list(app.request(setting(too_long))).await.unwrap_err();
        assert_eq!(error_from_status(refused).to_string(), "words must be at most 2 MiB in all lists of an app");
        let repeated = list((0..MIB + MIB / 2).map(|_| "ab".to_owned()));
        assert_eq!(directory.set_word_list(app.request(setting(repeated))).await.unwrap().into_inner().words, 1);
    }
}

every_shape! {
    async fn an_app_has_its_own_lists_and_hooks(app: TestApp) {
        let other = neighbour(&app).await;
        let mut directory = app.directory();
        let hook = pb::AddHookRequest { form: pb::HookForm::Agora.into(), url: "http://h".to_owned(), ..Default::default() };
        directory.set_word_list(app.request(setting(list(["casino".to_owned()].into_iter())))).await.unwrap();
        directory.add_hook(app.request(hook)).await.unwrap();
        let seen = app.directory_internal().get_screening(other.request(internal::GetScreeningRequest {})).await.unwrap().into_inner();
        assert_eq!(seen, internal::Screening::default());
        let seen = app.directory_internal().get_screening(app.request(internal::GetScreeningRequest {})).await.unwrap().into_inner();
        assert_eq!((seen.version, seen.lists.len(), seen.hooks.len()), (2, 1, 1));
    }
}
