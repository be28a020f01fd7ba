//! Whom a name means, and who may act, for as long as it is so.

use std::time::Duration;

use tidings_domain::Reason;
use tidings_proto::pb::target::Target;

use crate::{
    fake::State,
    world::{ANN, BOB, EVE, World, both_engines, by, refusal, user, words},
};

fn named(name: &str) -> Target {
    Target::Username(name.into())
}

/// Changes users, as the directory does: under another version.
fn change(world: &World, change: impl FnOnce(&mut State)) {
    let mut state = world.fake.state();
    change(&mut state);
    state.users_version += 1;
}

both_engines! {
    async fn a_name_is_asked_for_anew_when_the_apps_users_have_changed(world: World) {
        let to_bob = async || world.send(by(ANN, words(&[named("bob")], "x"))).await.sent[0].receiver_id;
        world.fake.state().names.insert("bob".into(), BOB);
        assert_eq!(to_bob().await, BOB);
        world.clock.advance(Duration::from_secs(2));
        assert_eq!(to_bob().await, BOB);
        assert_eq!(world.fake.state().questions, ["bob"], "the app's record is older than a second, the name is not asked for");
        change(&world, |state| _ = state.names.insert("bob".into(), EVE));
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(to_bob().await, EVE);
        assert_eq!(world.fake.state().questions, ["bob", "bob"]);
    }

    async fn who_is_disabled_acts_no_more_a_second_later(world: World) {
        world.send(by(ANN, words(&[user(BOB)], "x"))).await;
        change(&world, |state| _ = state.disabled.insert(ANN));
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(refusal(world.log.clone().send(by(ANN, words(&[user(BOB)], "x"))).await), Reason::UserDisabled);
        change(&world, |state| state.disabled.clear());
        world.clock.advance(Duration::from_secs(1));
        world.send(by(ANN, words(&[user(BOB)], "x"))).await;
    }
}
