//! A proxy that can freeze: connections stay open, and nothing is forwarded any more.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// Forwards data, until it freezes. Ends with the runtime that it was started on.
#[derive(Debug)]
pub struct Proxy {
    address: String,
    /// How often it froze and recovered: frozen while that is odd.
    era: Arc<watch::Sender<u64>>,
}

impl Proxy {
    /// In front of the server of a URL `scheme://user@host:port/path`. Also returns the URL that leads through it.
    ///
    /// # Panics
    /// When the URL is another, or nothing can listen.
    pub async fn before(url: &str) -> (Self, String) {
        let (start, rest) = url.split_once('@').expect("the URL names a user");
        let (server, path) = rest.split_once('/').expect("the URL has a path");
        let proxy = Self::to(server.to_owned()).await;
        let through = format!("{start}@{}/{path}", proxy.address);
        (proxy, through)
    }

    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens").to_string();
        let era = Arc::new(watch::Sender::new(0));
        let eras = Arc::clone(&era);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, server.clone(), eras.subscribe()));
            }
        });
        Self { address, era }
    }

    /// From now on nothing is forwarded, without any error.
    pub fn freeze(&self) {
        self.era.send_modify(|era| *era += 1);
    }

    /// New connections work. Frozen ones stay so, as behind a router that forgot them.
    pub fn heal(&self) {
        self.era.send_modify(|era| *era += 1);
    }
}

/// Connections to a frozen one get nothing until it recovers.
async fn serve(client: TcpStream, server: String, mut era: watch::Receiver<u64>) {
    let Ok(born) = era.wait_for(|era| era % 2 == 0).await.map(|era| *era) else { return };
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::join!(pass(from_client, to_server, era.clone(), born), pass(from_server, to_client, era, born));
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut era: watch::Receiver<u64>, born: u64) {
    let mut piece = [0; 16 * 1024];
    loop {
        let read = tokio::select! {
            biased;
            _ = era.wait_for(|era| *era != born) => None,
            read = from.read(&mut piece) => Some(read),
        };
        // Frozen: stays open.
        let Some(read) = read else { return std::future::pending().await };
        let Ok(length @ 1..) = read else { return };
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}
