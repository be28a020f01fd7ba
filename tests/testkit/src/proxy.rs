//! A proxy that can freeze, with connections that stay open and forward nothing any more, or cut them all.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// Forwards data, until it freezes or cuts. Ends with the runtime that it was started on.
#[derive(Debug)]
pub struct Proxy {
    address: String,
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    mode: Mode,
    /// Grows with each change.
    era: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Forward,
    Frozen,
    Cut,
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

    /// In front of a server at `host:port`.
    ///
    /// # Panics
    /// When nothing can listen.
    pub async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens").to_string();
        let state = Arc::new(watch::Sender::new(State { mode: Mode::Forward, era: 0 }));
        let states = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, server.clone(), states.subscribe()));
            }
        });
        Self { address, state }
    }

    /// Where it listens, as `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// From now on nothing is forwarded, without any error.
    pub fn freeze(&self) {
        self.change(Mode::Frozen);
    }

    /// Closes every connection, and every new one at once.
    pub fn cut(&self) {
        self.change(Mode::Cut);
    }

    /// New connections work. Frozen ones stay so, as behind a router that forgot them.
    pub fn heal(&self) {
        self.change(Mode::Forward);
    }

    fn change(&self, mode: Mode) {
        self.state.send_modify(|state| *state = State { mode, era: state.era + 1 });
    }
}

/// Connections to a frozen one get nothing until it recovers.
async fn serve(client: TcpStream, server: String, mut states: watch::Receiver<State>) {
    let Ok(born) = states.wait_for(|state| state.mode != Mode::Frozen).await.map(|state| *state) else { return };
    if born.mode == Mode::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let passing = async {
        tokio::join!(
            pass(from_client, to_server, states.clone(), born.era),
            pass(from_server, to_client, states.clone(), born.era)
        )
    };
    let mut cuts = states.clone();
    tokio::select! {
        _ = cuts.wait_for(|state| state.mode == Mode::Cut) => {}
        _ = passing => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut states: watch::Receiver<State>, born: u64) {
    let mut piece = [0; 16 * 1024];
    loop {
        let read = tokio::select! {
            biased;
            _ = states.wait_for(|state| state.era != born) => None,
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
