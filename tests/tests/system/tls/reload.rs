//! Certificates are replaced while the program runs.

use std::fs;

use tidings_domain::UnixMillis;
use tidings_testkit::{Authority, TlsClient, free_address, wait_until};

use super::{address, is_alive, secured, start};

const YEAR_2090: UnixMillis = UnixMillis(3_786_912_000_000);

/// The certificate that a new connection is shown.
async fn shown(client: &TlsClient, address: &str) -> Vec<u8> {
    let stream = client.dial(address, "http/1.1").await.expect("a handshake");
    stream.get_ref().1.peer_certificates().expect("a certificate")[0].to_vec()
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_a_restart_and_a_broken_one_changes_nothing() {
    let (authority, metrics) = (Authority::default(), free_address());
    let mut server = secured(&authority).with("TIDINGS_METRICS_LISTEN", &metrics);
    start(&mut server).await;
    let (client, rest) = (TlsClient::new(&authority, None), address(&server.url()));
    let mut open = client.dial(&rest, "http/1.1").await.unwrap();
    assert!(is_alive(&mut open).await);

    let new = authority.issue_until("server", YEAR_2090);
    wait_until("the new certificate", async || shown(&client, &rest).await == new.der).await;
    assert!(is_alive(&mut open).await, "a connection outlives the certificate with which it began");
    let numbers = reqwest::get(format!("http://{metrics}/metrics")).await.unwrap().text().await.unwrap();
    let end = format!("tidings_tls_certificate_end_timestamp_seconds{{shown_to=\"clients\"}} {}\n", YEAR_2090.0 / 1000);
    assert!(numbers.contains(&end), "{numbers}");

    fs::write(&new.certificate, "no certificate").unwrap();
    wait_until("the error", async || server.process().logged().contains("cannot be used")).await;
    let said = server.process().logged();
    assert!(said.contains("tls.certificate names the file") && said.contains("no certificate in PEM"), "{said}");
    assert_eq!(shown(&client, &rest).await, new.der);

    let newest = authority.issue("server");
    wait_until("the newest certificate", async || shown(&client, &rest).await == newest.der).await;
}
