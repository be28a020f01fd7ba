//! Clients that do not complete a handshake cost a bounded part of the process for a bounded time.

use tidings_testkit::{Authority, TlsClient};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{address, secured, start};

/// A client that has begun a handshake.
async fn begun(address: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(&[22]).await.unwrap();
    client
}

/// Everything until the server ends the connection.
async fn until_its_end(mut client: TcpStream) -> String {
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.expect("an end and no reset");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn alive(client: &TlsClient, address: &str) {
    let mut stream = client.dial(address, "http/1.1").await.expect("a handshake");
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("a clean end");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_handshake_that_is_not_completed_is_ended_and_holds_up_nobody() {
    let authority = Authority::default();
    let mut server = secured(&authority);
    start(&mut server).await;
    let (rest, grpc) = (address(&server.url()), address(&server.grpc_url()));
    let mut slow = Vec::new();
    for address in [&rest, &grpc] {
        for _ in 0..20 {
            slow.push(begun(address).await);
        }
    }
    alive(&TlsClient::new(&authority, None), &rest).await;
    for client in slow {
        assert_eq!(until_its_end(client).await, "");
    }
}

#[tokio::test]
async fn those_that_shake_hands_count_as_connections_and_the_longest_gives_way() {
    let authority = Authority::default();
    let mut server = secured(&authority).with("TIDINGS_LIMITS_CONNECTIONS", "4");
    start(&mut server).await;
    let rest = address(&server.url());
    let mut first = begun(&rest).await;
    let mut later = Vec::new();
    for _ in 0..8 {
        later.push(begun(&rest).await);
    }
    alive(&TlsClient::new(&authority, None), &rest).await;
    // The byte that it sent may be unread: then the end is a reset.
    let end = first.read(&mut [0; 64]).await;
    assert!(!matches!(end, Ok(1..)), "{end:?}");
}

#[tokio::test]
async fn a_client_of_plain_text_is_told_and_its_connection_ends() {
    let authority = Authority::default();
    let mut server = secured(&authority);
    start(&mut server).await;
    let mut rest = TcpStream::connect(address(&server.url())).await.unwrap();
    // More than is read before the answer.
    let body = "x".repeat(20_000);
    let request = format!("POST /acme/lobby/users HTTP/1.1\r\nhost: localhost\r\ncontent-length: 20000\r\n\r\n{body}");
    rest.write_all(request.as_bytes()).await.unwrap();
    let answer = until_its_end(rest).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("this address speaks TLS: use https://\r\n"),
        "{answer}"
    );
    let mut grpc = TcpStream::connect(address(&server.grpc_url())).await.unwrap();
    grpc.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    assert_eq!(until_its_end(grpc).await, "");
}
