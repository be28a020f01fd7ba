//! What an operator runs beside a program that speaks TLS.

use std::process::Command;

use tidings_domain::{Clock as _, SystemClock};
use tidings_testkit::{Authority, TlsClient};
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
    assert!(healthy && said.contains("the one for clients ends in 9 days: renew it"), "{said}");
    std::fs::write(&near.key, "").unwrap();
    let (healthy, said) = doctor(&server);
    assert!(!healthy && said.contains("tls.key names the file"), "{said}");
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
