//! Tokens of connected users: their ends, and new ones (docs/realtime.md).

use serde_json::json;
use tidings_testkit::{Agora, Socket, every_shape};

use crate::msync_refusals::Raw;

/// A token of the user that ends after so many seconds.
async fn token_for(agora: &Agora, user: &str, seconds: u64) -> String {
    let body =
        json!({"grant_type": "password", "username": user, "password": format!("{user}-password"), "ttl": seconds});
    let issued = agora.with_token("").post("/token", &body).await.expect(200);
    issued["access_token"].as_str().expect("a token").to_owned()
}

/// It is connected.
async fn is_there(socket: &mut Socket) {
    socket.send(&json!({"type": "ping"})).await;
    socket.next_of("pong").await;
}

every_shape! {
    async fn a_connection_ends_with_its_token_unless_a_new_one_came(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar", "pia"]).await;
        let long = agora.logged_in("nora").await;
        let open = async |user: &str| Socket::open(&app, &token_for(&agora, user, 6).await, None).await;
        let (mut ends, mut by_frame, mut by_call) = (open("pia").await, open("nora").await, open("omar").await);
        let key = format!("{}#{}", app.app().org, app.app().name);
        by_frame.send(&json!({"type": "auth", "app": key, "token": long.token})).await;
        let ready = by_frame.next_of("ready").await;
        assert_eq!((&ready["user"], &ready["cursor"]), (&json!("nora"), &json!(null)));
        // What client SDKs call with a new token; it counts for the sessions of its user at that gateway.
        let omar = agora.logged_in("omar").await;
        omar.get("/sdk/users/omar/token/expires").await.expect(200);
        // As client SDKs do it over their own socket.
        let short = token_for(&agora, "nora", 6).await;
        let mut sdk = Raw::logged_in_with(&app, "nora", &short).await;
        sdk.log_in(&app, "nora", &long.token).await;
        assert_eq!(ends.next_of("error").await["reason"], "TOKEN_EXPIRED");
        assert_eq!(ends.closed().await, 4401);
        // The others' would have ended before.
        is_there(&mut by_frame).await;
        is_there(&mut by_call).await;
        tokio::time::sleep(std::time::Duration::from_secs(7)).await;
        is_there(&mut by_frame).await;
        is_there(&mut by_call).await;
        sdk.log_in(&app, "nora", &long.token).await;
    }
}

every_shape! {
    async fn a_token_of_somebody_else_renews_nothing(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let mut nora = Socket::open(&app, &agora.logged_in("nora").await.token, None).await;
        let key = format!("{}#{}", app.app().org, app.app().name);
        for (token, reason) in
            [(agora.logged_in("omar").await.token, "TOKEN_FOREIGN"), ("x".to_owned(), "TOKEN_MALFORMED")]
        {
            nora.send(&json!({"type": "auth", "app": key, "token": token})).await;
            assert_eq!(nora.next_of("error").await["reason"], reason);
            is_there(&mut nora).await;
        }
    }
}
