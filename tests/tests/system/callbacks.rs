//! Callbacks by several processes, and by command.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;
use tidings_proto::pb;
use tidings_testkit::{Answer, Received, Receiver, Suite, TestApp, wait_until};

use crate::data_folder::{fail, installed, run};

fn ids(received: &[Received]) -> BTreeSet<String> {
    received.iter().map(|received| received.headers["webhook-id"].to_str().expect("text").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_callback_processes_tell_everything_once_and_a_crash_of_either_loses_nothing() {
    let app = TestApp::of(Arc::new(Suite::split(2).await)).await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    let receiver = Receiver::start(|_| Answer::ok());
    let new = pb::AddEndpointRequest {
        dialect: pb::CallbackDialect::Tencent.into(),
        url: receiver.url(),
        allow_private: true,
        ..Default::default()
    };
    app.callbacks().add_endpoint(app.request(new)).await.expect("added");
    let mut sent = 0;
    let mut send = async |count: usize| {
        for _ in 0..count {
            agora.send_text("nora", "omar", "m").await;
        }
        sent += count;
        sent
    };
    let all = send(300).await;
    let told = receiver.wait_for(all).await;
    assert_eq!((told.len(), ids(&told).len()), (300, 300));
    // Whichever of the two works for the endpoint, one of these crashes hits it.
    for copy in [0, 1] {
        app.suite.crash("callback", copy).await;
        let all = send(50).await;
        wait_until("everything to be told", async || ids(&receiver.received()).len() == all).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_rotated_and_a_message_recalled_by_command() {
    let installation = installed().await;
    let receiver = Receiver::start(|_| Answer::ok());
    let add =
        ["callback", "add", "--app", "demo/demo", "--dialect", "tencent", "--url", &receiver.url(), "--allow-private"];
    let secret_of =
        |printed: &str| printed.lines().nth(1).and_then(|line| line.strip_prefix("secret\t")).map(str::to_owned);
    let first = secret_of(&run(&installation, &add)).expect("a secret");
    let rotate = ["callback", "rotate", "--app", "demo/demo", "1", "--overlap-ms", "60000"];
    let second = secret_of(&run(&installation, &rotate)).expect("a secret");
    assert!(second.starts_with("whsec_") && second != first);

    let agora = installation.agora().await;
    agora.register(&["nora", "omar"]).await;
    let msg_id = agora.send_text("nora", "omar", "m").await;
    let told: Value = serde_json::from_slice(&receiver.wait_for(1).await[0].body).expect("JSON");
    let key = told["MsgKey"].as_str().expect("a key");
    let recall = ["message", "recall", "--app", "demo/demo", "--msg-key", key, "--yes"];
    assert_eq!(run(&installation, &recall), format!("{key}\trecalled\n"));
    assert!(fail(&installation, &recall).contains("was already recalled"));
    let recall = ["message", "recall", "--app", "demo/demo", "--msg-id", &msg_id, "--yes"];
    assert!(fail(&installation, &recall).contains("was already recalled"));
    let unknown = ["message", "recall", "--app", "demo/demo", "--msg-key", "1_2_3", "--yes"];
    assert!(fail(&installation, &unknown).starts_with("tidings: message not found"));
    let withdrawn: Value = serde_json::from_slice(&receiver.wait_for(2).await[1].body).expect("JSON");
    assert_eq!(
        (&withdrawn["CallbackCommand"], &withdrawn["MsgKey"]),
        (&"C2C.CallbackAfterMsgWithDraw".into(), &told["MsgKey"])
    );
}
