//! HTTP requests that no client library would send.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Sends bytes and reads until the server closes the connection. Unsent bytes are dropped if the server stops reading.
pub async fn exchange(url: &str, request: &[u8]) -> String {
    let address = url.strip_prefix("http://").expect("an http URL");
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    let (mut from, mut to) = stream.split();
    let mut answer = Vec::new();
    let write = async {
        // A server that has already refused resets the connection; its answer can still be read.
        let _ = to.write_all(request).await;
    };
    let read = async {
        let _ = from.read_to_end(&mut answer).await;
    };
    tokio::join!(write, read);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of an answer; `None` when the connection was closed without one.
pub fn status(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

/// The body of an answer that is not chunked.
pub fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}
