//! What a connected user may do how often (docs/limits.md).

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tidings_testkit::{PacketSocket, Socket, every_shape};
use tokio::time::Instant;

every_shape! {
    async fn a_client_that_sends_many_frames_is_slowed_down_and_stays_connected(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let mut nora = Socket::open(&app, &agora.logged_in("nora").await.token, None).await;
        let began = Instant::now();
        for _ in 0..1_000 {
            nora.send(&json!({"type": "ping"})).await;
        }
        for _ in 0..1_000 {
            nora.next_of("pong").await;
        }
        // 600 of them at once, the others at 200 a second.
        assert!(began.elapsed() > Duration::from_millis(1_900), "{:?}", began.elapsed());
        let id = agora.send_text("omar", "nora", "still there").await;
        assert_eq!(nora.event("message.sent").await["msg_id"], json!(id));
    }
}

every_shape! {
    async fn the_oldest_of_too_many_sessions_of_a_user_makes_room_for_the_newest(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let token = agora.logged_in("nora").await.token;
        let mut first = Socket::open(&app, &token, None).await;
        let mut second = Socket::open(&app, &token, None).await;
        // 64 in total.
        let mut others = join_all((0..62).map(|_| Socket::open(&app, &token, None))).await;
        // Of another user, who has sessions of their own.
        let mut omar = Socket::open(&app, &agora.logged_in("omar").await.token, None).await;
        others.push(Socket::open(&app, &token, None).await);
        assert_eq!(first.next_of("closing").await["reason"], "newer sessions of the user took its place");
        assert_eq!(first.closed().await, 4409);
        omar.send(&json!({"type": "ping"})).await;
        omar.next_of("pong").await;
        let id = agora.send_text("omar", "nora", "to the others").await;
        for socket in others.iter_mut().chain([&mut second]) {
            assert_eq!(socket.event("message.sent").await["msg_id"], json!(id));
        }
    }
}

every_shape! {
    async fn a_user_who_logs_in_again_and_again_is_told_to_wait(app: TestApp) {
        let agora = app.agora();
        agora.register(&["nora", "omar"]).await;
        let token = agora.logged_in("nora").await.token;
        let key = format!("{}#{}", app.app().org, app.app().name);
        let log_in = async |token: &str| {
            let mut socket = Socket::connect(&app.suite.url()).await;
            socket.send(&json!({"type": "auth", "app": key, "token": token})).await;
            (socket.next().await.expect("an answer"), socket)
        };
        let mut refused = None;
        for _ in 0..400 {
            let (answer, socket) = log_in(&token).await;
            if answer["type"] == "error" {
                refused = Some((answer, socket));
                break;
            }
        }
        let (answer, mut socket) = refused.expect("one of 400 logins in a row is refused");
        assert_eq!(answer["reason"], "RATE_REACHED", "{answer}");
        assert_eq!(socket.closed().await, 1013);
        // Other users are not.
        let (answer, _socket) = log_in(&agora.logged_in("omar").await.token).await;
        assert_eq!(answer["type"], "ready");
    }
}

every_shape! {
    async fn whoever_does_not_say_who_they_are_is_disconnected_after_ten_seconds(app: TestApp) {
        let (mut json, mut msync) =
            (Socket::connect(&app.suite.url()).await, PacketSocket::connect(&app.suite.url()).await);
        let began = Instant::now();
        let (said, closed) = tokio::join!(json.next_of("closing"), msync.next());
        assert_eq!(said["reason"], "no auth frame within 10 seconds");
        assert_eq!((json.closed().await, closed), (1008, Err(1008)));
        let waited = began.elapsed();
        assert!(Duration::from_secs(9) < waited && waited < Duration::from_secs(20), "{waited:?}");
    }
}
