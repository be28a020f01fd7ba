//! Pinned conversations.

use tidings_proto::pb;
use tidings_testkit::{TestApp, every_shape};
use tonic::Code;

use crate::log::{direct, refusal, refused, register};

async fn pin(app: &TestApp, user: i64, conversation: pb::ConversationId, pinned: bool) -> bool {
    let wanted = pb::PinRequest { user_id: None, conversation: Some(conversation), pinned };
    app.conversations().pin(app.request_as(user, wanted)).await.unwrap().into_inner().changed
}

async fn pinned(app: &TestApp, user: i64) -> Vec<pb::ConversationId> {
    let wanted = pb::ListPinnedRequest { user_id: None };
    app.conversations().list_pinned(app.request_as(user, wanted)).await.unwrap().into_inner().conversations
}

every_shape! {
    async fn the_last_pinned_comes_first_and_each_user_has_pins_of_his_own(app: TestApp) {
        let ids = register(&app, &["ann", "bob", "eve"]).await;
        let (ann, with_bob, with_eve) = (ids[0], direct(ids[0], ids[1]), direct(ids[0], ids[2]));
        assert!(pin(&app, ann, with_bob, true).await);
        assert!(pin(&app, ann, with_eve, true).await);
        assert!(!pin(&app, ann, with_bob, true).await);
        assert_eq!(pinned(&app, ann).await, [with_eve, with_bob]);
        assert_eq!(pinned(&app, ids[1]).await, []);
        assert!(pin(&app, ann, with_eve, false).await);
        assert!(!pin(&app, ann, with_eve, false).await);
        assert_eq!(pinned(&app, ann).await, [with_bob]);
        assert!(pin(&app, ann, with_eve, true).await);
        assert_eq!(pinned(&app, ann).await, [with_eve, with_bob]);
    }
}

every_shape! {
    async fn a_user_pins_what_he_has_a_part_in(app: TestApp) {
        let ids = register(&app, &["ann", "bob", "eve"]).await;
        let place = direct(ids[0], ids[1]);
        let not_permitted = refused(Code::PermissionDenied, "NOT_PERMITTED");
        for user_id in [None, Some(ids[0])] {
            let wanted = pb::PinRequest { user_id, conversation: Some(place), pinned: true };
            let reply = app.conversations().pin(app.request_as(ids[2], wanted)).await;
            assert_eq!(refusal(reply), not_permitted);
        }
        let foreign = pb::ListPinnedRequest { user_id: Some(ids[0]) };
        let reply = app.conversations().list_pinned(app.request_as(ids[2], foreign)).await;
        assert_eq!(refusal(reply), not_permitted);
        let by_the_app = pb::PinRequest { user_id: Some(ids[0]), conversation: Some(place), pinned: true };
        app.conversations().pin(app.request(by_the_app)).await.unwrap();
        assert_eq!(pinned(&app, ids[0]).await, [place]);
    }
}
