//! Users' profiles.

use std::time::Duration;

use tidings_domain::Reason;
use tidings_proto::{
    moment_or_zero,
    pb::{self, directory_service_server::DirectoryService as _},
};
use tonic::Response;

use crate::{
    group_suite::{By, by},
    suite::{START, Suite, in_app, name, on_both_engines, reason},
};

async fn get(suite: &Suite, caller: By, user: &str) -> Result<pb::Profile, Reason> {
    let request = by(caller, pb::GetProfileRequest { user: Some(name(user)) });
    suite.directory.get_profile(request).await.map(Response::into_inner).map_err(reason)
}

async fn set(suite: &Suite, caller: By, user: &str, profile: pb::Profile) -> Result<pb::Profile, Reason> {
    let request = by(caller, pb::SetProfileRequest { user: Some(name(user)), profile: Some(profile) });
    suite.directory.set_profile(request).await.map(Response::into_inner).map_err(reason)
}

#[expect(clippy::unnecessary_wraps, reason = "the fields of a profile are optional")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn empty(user_id: i64, username: &str) -> pb::Profile {
    pb::Profile {
        user_id,
        username: username.to_owned(),
        nickname: text(""),
        avatar: text(""),
        description: text(""),
        public_info: text(""),
        private_info: text(""),
        mobile: text(""),
        email: text(""),
    }
}

async fn a_profile_begins_empty_and_has_every_field(suite: Suite) {
    let [ann] = suite.users().await;
    assert_eq!(get(&suite, By::App, "u0").await.unwrap(), empty(ann, "u0"));
    assert_eq!(get(&suite, By::App, "nobody").await.unwrap_err(), Reason::UserNotFound);
    assert_eq!(get(&suite, By::App, "admin").await.unwrap(), empty(0, "admin"));
}

async fn what_is_given_changes_and_the_rest_stays(suite: Suite) {
    let [ann] = suite.users().await;
    suite.advance(Duration::from_secs(1));
    let first = pb::Profile {
        user_id: 7,
        username: "ignored".to_owned(),
        avatar: text("a"),
        email: text("e"),
        private_info: text("p"),
        ..Default::default()
    };
    let expected = pb::Profile { avatar: text("a"), email: text("e"), private_info: text("p"), ..empty(ann, "u0") };
    assert_eq!(set(&suite, By::User(ann), "u0", first).await.unwrap(), expected);
    let second = pb::Profile {
        avatar: text(""),
        nickname: text("Ännchen"),
        description: text("d"),
        public_info: text("i"),
        mobile: text("m"),
        ..Default::default()
    };
    let expected = pb::Profile {
        avatar: text(""),
        nickname: text("Ännchen"),
        description: text("d"),
        public_info: text("i"),
        mobile: text("m"),
        ..expected
    };
    assert_eq!(set(&suite, By::App, "u0", second).await.unwrap(), expected);
    assert_eq!(get(&suite, By::User(ann), "u0").await.unwrap(), expected);
    let user = suite.get_user(name("u0")).await.unwrap();
    assert_eq!((user.nickname.as_str(), moment_or_zero(user.modified_at).0), ("Ännchen", START.0 + 1000));
}

async fn others_do_not_see_what_is_private(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let profile = pb::Profile {
        nickname: text("n"),
        avatar: text("a"),
        description: text("d"),
        public_info: text("i"),
        private_info: text("p"),
        mobile: text("m"),
        email: text("e"),
        ..Default::default()
    };
    let all = set(&suite, By::User(ann), "u0", profile).await.unwrap();
    let public = pb::Profile { private_info: text(""), mobile: text(""), email: text(""), ..all.clone() };
    assert_eq!(get(&suite, By::User(ann), "u0").await.unwrap(), all);
    assert_eq!(get(&suite, By::App, "u0").await.unwrap(), all);
    assert_eq!(get(&suite, By::User(bob), "u0").await.unwrap(), public);
}

async fn a_user_changes_his_own_profile_only(suite: Suite) {
    let [ann, _bob] = suite.users().await;
    suite.resolve(&[name("mentioned")], true).await.unwrap();
    let change = || pb::Profile { avatar: text("a"), ..Default::default() };
    assert_eq!(set(&suite, By::User(ann), "u1", change()).await.unwrap_err(), Reason::NotPermitted);
    assert_eq!(set(&suite, By::App, "admin", change()).await.unwrap_err(), Reason::NotPermitted);
    assert_eq!(set(&suite, By::App, "nobody", change()).await.unwrap_err(), Reason::UserNotFound);
    assert_eq!(set(&suite, By::App, "mentioned", change()).await.unwrap_err(), Reason::UserNotFound);
}

async fn every_field_is_bounded(suite: Suite) {
    suite.users::<1>().await;
    let field = |at: usize, value: Option<String>| {
        let mut values = vec![None; 7];
        values[at] = value;
        let mut next = values.into_iter();
        let mut next = || next.next().flatten();
        pb::Profile {
            nickname: next(),
            avatar: next(),
            description: next(),
            public_info: next(),
            private_info: next(),
            mobile: next(),
            email: next(),
            ..Default::default()
        }
    };
    for (at, max) in [256, 1024, 2048, 2048, 2048, 64, 256].into_iter().enumerate() {
        set(&suite, By::App, "u0", field(at, Some("x".repeat(max)))).await.unwrap();
        for wrong in ["x".repeat(max + 1), "a\0b".to_owned()] {
            let refused = set(&suite, By::App, "u0", field(at, Some(wrong))).await;
            assert_eq!(refused.unwrap_err(), Reason::InvalidArgument, "{at}");
        }
    }
}

async fn apps_do_not_share_profiles(suite: Suite) {
    suite.users::<1>().await;
    suite.create_app("acme", "cafe").await;
    let request = in_app("acme#cafe", pb::GetProfileRequest { user: Some(name("u0")) });
    assert_eq!(reason(suite.directory.get_profile(request).await.unwrap_err()), Reason::UserNotFound);
}

on_both_engines!(
    a_profile_begins_empty_and_has_every_field,
    what_is_given_changes_and_the_rest_stays,
    others_do_not_see_what_is_private,
    a_user_changes_his_own_profile_only,
    every_field_is_bounded,
    apps_do_not_share_profiles,
);
