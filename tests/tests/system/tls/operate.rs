//! What an operator runs beside a program that speaks TLS.

use std::{process::Command, sync::Arc};

use tidings_domain::{Clock as _, ManualClock, SystemClock, UnixMillis};
use tidings_testkit::{Authority, Installation, Suite, TlsClient};
use tokio::io::AsyncReadExt as _;

use super::{address, is_alive, secured, start};

#[tokio::test]
async fn commands_reach_the_program_of_their_own_configuration_and_doctor_says_when_a_certificate_ends() {
    let authority = Authority::default();
    let mut server = secured(&authority);
    start(&mut server).await;
    let listed = server.command(&["app", "list"]);
    assert!(
        String::from_utf8_lossy(&listed.stdout).contains("demo/demo"),
        "{}",
        String::from_utf8_lossy(&listed.stderr)
    );
    let doctor = |server: &tidings_testkit::Installation| {
        let grpc = server.grpc_url().replace("http://", "");
        let done = server.command(&["doctor", "--grpc-listen", &grpc]);
        (done.status.success(), String::from_utf8_lossy(&done.stdout).into_owned())
    };
    let (healthy, said) = doctor(&server);
    assert!(healthy && said.contains("the one for clients expires at 2096-10-02T00:00:00.000Z"), "{said}");
    assert_eq!(said.matches("is served by a running process").count(), 3, "{said}");

    let soon = SystemClock.now() + std::time::Duration::from_hours(10 * 24);
    let near = authority.issue_until("server", soon);
    let (healthy, said) = doctor(&server);
    assert!(healthy && said.contains("the one for clients expires in 9 days: renew it"), "{said}");
    std::fs::write(&near.key, "").unwrap();
    let (healthy, said) = doctor(&server);
    assert!(!healthy && said.contains("tls.key names the file"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_reach_a_program_whose_certificate_has_ended_and_ready_warns() {
    const END: UnixMillis = UnixMillis(1_577_836_800_000);
    let authority = Authority::default();
    let ended = authority.issue_until("server", END);
    let (certificate, key) = (ended.certificate.display().to_string(), ended.key.display().to_string());
    // It was started before.
    let suite = Suite::all_in_one_with(None, Arc::new(ManualClock::new(UnixMillis(END.0 - 60_000))), |config| {
        config.tls.certificate = Some(ended.certificate);
        config.tls.key = Some(ended.key);
    });
    let folder = tempfile::tempdir().unwrap();
    let commands = Installation::at(&folder.path().join("data"))
        .with("TIDINGS_TLS_CERTIFICATE", &certificate)
        .with("TIDINGS_TLS_KEY", &key)
        .with("TIDINGS_SERVICE_KEY", suite.service_key())
        .with("TIDINGS_LISTEN", &address(&suite.url()))
        .with("TIDINGS_GRPC_LISTEN", &suite.door_address());
    let rest = suite.url().replace("http://", "https://");
    for words in [&["ready"][..], &["ready", "--rest", &rest], &["ready", "--server", &suite.door_address()]] {
        let done = commands.command(words);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{words:?}: {said}");
        let warning = format!(
            "tidings: ready, but tls.certificate names the file {certificate}, whose first certificate ended at \
             2020-01-01T00:00:00.000Z: renew it\n"
        );
        assert_eq!(said, warning, "{words:?}");
    }
    let door = suite.door_address();
    for words in [&["app", "create", "--app", "acme/lobby"][..], &["app", "list"]] {
        let done = commands.command(&[words, &["--server", &door]].concat());
        assert!(
            String::from_utf8_lossy(&done.stdout).contains("acme/lobby"),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
    let said = String::from_utf8(commands.command(&["doctor"]).stdout).unwrap();
    assert!(said.contains("WRONG  certificates: tls.certificate names the file"), "{said}");
    assert_eq!(said.matches("is served by a running process").count(), 2, "{said}");
}

#[tokio::test]
async fn a_stop_ends_open_connections_in_the_order_that_tls_demands() {
    let authority = Authority::default();
    let mut server = secured(&authority);
    start(&mut server).await;
    let client = TlsClient::new(&authority, None);
    let mut open = client.dial(&address(&server.url()), "http/1.1").await.unwrap();
    assert!(is_alive(&mut open).await);
    assert_eq!(server.stop().await, 0);
    // Without a `close_notify` this is an error.
    assert_eq!(open.read(&mut [0; 64]).await.expect("an end"), 0);
}

/// Another implementation of TLS, in both versions.
#[tokio::test]
async fn curl_is_served() {
    let authority = Authority::default();
    let mut server = secured(&authority);
    start(&mut server).await;
    let url = format!("{}/livez", server.url().replace("http://127.0.0.1", "https://localhost"));
    for version in ["1.2", "1.3"] {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--tls-max", version, "-o", "/dev/null", "-w", "%{http_code} %{http_version}", "--cacert"]);
        let done = curl.arg(authority.file()).arg(&url).output().expect("curl is there");
        assert_eq!(String::from_utf8_lossy(&done.stdout), "200 1.1", "{}", String::from_utf8_lossy(&done.stderr));
    }
}
