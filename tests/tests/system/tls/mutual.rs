//! Roles that show each other certificates.

use std::{process::Command, sync::Arc};

use tidings_testkit::{Authority, Suite, TestApp, TlsClient, tidings_binary};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

async fn is_served(channel: Channel) -> bool {
    HealthClient::new(channel).check(HealthCheckRequest::default()).await.is_ok()
}

#[tokio::test]
async fn roles_serve_those_with_a_certificate_by_their_authority_and_nobody_else() {
    let (authority, other) = (Authority::default(), Authority::default());
    let own = authority.issue("role");
    let [certificate, key, ca] = [&own.certificate, &own.key, &authority.file()].map(|path| path.display().to_string());
    let settings = [
        ("TIDINGS_TLS_CERTIFICATE", certificate.as_str()),
        ("TIDINGS_TLS_KEY", &key),
        ("TIDINGS_TLS_CLIENT_CA", &ca),
        ("TIDINGS_TLS_PEER_CA", &ca),
    ];
    let known = TlsClient::new(&authority, Some(&own));
    let suite = Arc::new(Suite::split_with(1, &settings).await.over_tls(known.clone()));

    // Through every role: users, a message, a list of conversations, a file.
    let app = TestApp::of(Arc::clone(&suite)).await;
    let agora = app.agora();
    agora.register(&["nora", "omar"]).await;
    agora.send_text("nora", "omar", "hello").await;
    let listed = agora.get("/tidings/users/omar/conversations").await.expect(200);
    assert_eq!(listed["data"][0]["channel"], "nora", "{listed}");

    let strangers = [TlsClient::new(&authority, None), TlsClient::new(&authority, Some(&other.issue("role")))];
    for role in ["directory", "message", "conversation", "file", "callback"] {
        let address = &suite.addresses(role)[0];
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        assert!(is_served(known.grpc(&endpoint)).await, "{role}");
        assert!(!is_served(endpoint.connect_lazy()).await, "{role} in plain text");
        for stranger in &strangers {
            assert!(!is_served(stranger.grpc(&endpoint)).await, "{role}");
        }
    }
    let said = suite.logged();
    assert!(said.contains("a TLS handshake failed"), "{said}");

    // A process with another certificate is told why it is refused, and one does not take another server for its peer.
    let url = format!("https://{}", suite.addresses("directory")[0]);
    let foreign = other.issue("foreign");
    let [foreign, foreign_key, foreign_ca] =
        [&foreign.certificate, &foreign.key, &other.file()].map(|path| path.display().to_string());
    let pair = [("TIDINGS_TLS_PEER_CERTIFICATE", foreign.as_str()), ("TIDINGS_TLS_PEER_KEY", &foreign_key)];
    for (settings, words) in [
        ([("TIDINGS_TLS_PEER_CA", ca.as_str()), pair[0], pair[1]], "received fatal alert"),
        ([("TIDINGS_TLS_PEER_CA", foreign_ca.as_str()), pair[0], pair[1]], "invalid peer certificate: UnknownIssuer"),
    ] {
        let mut ready = Command::new(tidings_binary());
        let done = ready.args(["ready", "--server", &url]).envs(settings).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(!done.status.success() && said.contains(words), "{said}");
    }
}
