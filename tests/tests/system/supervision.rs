//! Failing background tasks: they are restarted, and readiness reports it meanwhile.

use std::fs;

use serde_json::{Value, json};
use tidings_testkit::{Installation, Reply, wait_until};
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

async fn readiness(installation: &Installation) -> (u16, Value) {
    let reply = Reply::to(reqwest::Client::new().get(format!("{}/readyz", installation.url()))).await;
    (reply.status.as_u16(), reply.json())
}

async fn health(installation: &Installation, service: &str) -> ServingStatus {
    let channel = Endpoint::from_shared(installation.grpc_url()).unwrap().connect_lazy();
    let request = HealthCheckRequest { service: service.to_owned() };
    HealthClient::new(channel).check(request).await.unwrap().into_inner().status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_panics_is_started_again_and_the_process_is_read_only_until_it_is_well() {
    let faults = tempfile::tempdir().unwrap();
    let mut installation = Installation::default().with("TIDINGS_TEST_FAULTS", &faults.path().display().to_string());
    installation.start().await;
    let agora = installation.agora().await;
    agora.register(&["nora", "omar"]).await;
    let before = agora.send_text("nora", "omar", "before").await;

    let fault = faults.path().join("message.writer");
    fs::write(&fault, "").unwrap();
    let message = json!({"from": "nora", "to": ["omar"], "type": "txt", "body": {"msg": "meanwhile"}});
    let keyed = async || {
        let request = agora.request(reqwest::Method::POST, "/messages/users").header("idempotency-key", "k");
        Reply::to(request.json(&message)).await
    };
    assert_eq!(keyed().await.status, 503);
    wait_until("the process to say that it cannot send", async || {
        assert_eq!(keyed().await.status, 503);
        readiness(&installation).await.0 == 503
    })
    .await;
    wait_until("health to say so", async || {
        assert_eq!(keyed().await.status, 503);
        let (status, said) = readiness(&installation).await;
        let reason = said["reason"].as_str().unwrap_or_default();
        assert!(status == 200 || reason.starts_with("read-only, messages can be read and not sent: "), "{said}");
        assert!(status == 200 || reason.contains("the task message.writer failed: it panicked"), "{said}");
        let all = health(&installation, "").await;
        all == ServingStatus::NotServing
            && health(&installation, "tidings.v1.MessageService").await == ServingStatus::NotServing
    })
    .await;
    // Reads are served meanwhile.
    let pages = agora.get("/tidings/users/nora/conversations").await.expect(200);
    assert!(pages.to_string().contains(&before), "{pages}");

    fs::remove_file(&fault).unwrap();
    wait_until("messages to be sent again", async || keyed().await.status == 200).await;
    let first = keyed().await.expect(200);
    assert_eq!(keyed().await.expect(200)["data"], first["data"]);
    wait_until("the process to be ready", async || readiness(&installation).await.0 == 200).await;
    let logged = installation.process().logged();
    assert!(logged.contains("a background task failed and is restarted"), "{logged}");
    assert_eq!(installation.stop().await, 0);
}
