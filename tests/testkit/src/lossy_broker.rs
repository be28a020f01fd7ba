//! A proxy in front of a broker that loses a third of all messages, repeats another, and delays the last past the next one.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::Broker;

/// The proxy. Ends with the runtime that it was started on.
#[derive(Debug)]
pub struct LossyBroker {
    address: String,
    published: Arc<AtomicU64>,
}

impl LossyBroker {
    /// In front of a broker.
    ///
    /// # Panics
    /// When nothing can listen.
    pub async fn before(broker: &Broker) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens").to_string();
        let (server, published) = (broker.address().to_owned(), Arc::<AtomicU64>::default());
        let count = Arc::clone(&published);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let ((from_client, mut to_client), (mut from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(publish(from_client, to_server, Arc::clone(&count)));
                tokio::spawn(async move { copy(&mut from_server, &mut to_client).await.map(drop) });
            }
        });
        Self { address, published }
    }

    /// The URL that leads through it, with the credentials.
    pub fn url(&self) -> String {
        Broker::url_at(&self.address)
    }

    /// How many messages were published through it, whatever became of them.
    pub fn published(&self) -> u64 {
        self.published.load(Ordering::SeqCst)
    }
}

/// What a client sends: lines, and after `PUB` as many bytes as its last word says.
async fn publish(from: OwnedReadHalf, mut to: OwnedWriteHalf, published: Arc<AtomicU64>) -> std::io::Result<()> {
    let mut from = BufReader::new(from);
    let mut delayed = Vec::new();
    loop {
        let mut operation = Vec::new();
        if from.read_until(b'\n', &mut operation).await? == 0 {
            return to.shutdown().await;
        }
        if !operation.starts_with(b"PUB ") {
            to.write_all(&operation).await?;
            continue;
        }
        let line = String::from_utf8_lossy(&operation).into_owned();
        let size: usize = line.split_whitespace().next_back().and_then(|size| size.parse().ok()).expect("a size");
        let mut payload = vec![0; size + 2];
        from.read_exact(&mut payload).await?;
        operation.extend(payload);
        // Spread over the processes, whose messages are counted together.
        match published.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 {
            fate if fate % 3 == 0 => {}
            fate if fate % 3 == 1 => to.write_all(&operation.repeat(2)).await?,
            _ => {
                let earlier = std::mem::replace(&mut delayed, operation);
                to.write_all(&earlier).await?;
            }
        }
    }
}
