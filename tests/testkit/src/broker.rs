//! A NATS server, which carries hints between processes.

use std::fs;

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{Process, free_address, wait_until};

const USER: &str = "tidings";
const PASSWORD: &str = "a broker's password";

/// A server at an address of its own, with one user.
#[derive(Debug)]
pub struct Broker {
    process: Option<Process>,
    address: String,
    folder: TempDir,
}

/// A client of a broker that only publishes.
#[derive(Debug)]
pub struct Publisher(TcpStream);

impl Publisher {
    /// Publishes a message.
    ///
    /// # Panics
    /// When the broker has ended the connection.
    pub async fn publish(&mut self, subject: &str, payload: &[u8]) {
        let line = format!("PUB {subject} {}\r\n", payload.len());
        let message = [line.as_bytes(), payload, b"\r\n"].concat();
        self.0.write_all(&message).await.expect("an open connection");
    }
}

impl Default for Broker {
    fn default() -> Self {
        Self::with("")
    }
}

impl Broker {
    /// With more lines of its configuration. It does not run yet.
    ///
    /// # Panics
    /// When there is no temporary folder.
    pub fn with(lines: &str) -> Self {
        Self::of(&format!("authorization {{ user: {USER}, password: \"{PASSWORD}\" }}\n{lines}"))
    }

    /// With a whole configuration but for the address.
    ///
    /// # Panics
    /// When there is no temporary folder.
    pub fn of(configuration: &str) -> Self {
        let (address, folder) = (free_address(), tempfile::tempdir().expect("a temporary folder"));
        let configuration = format!("listen: \"{address}\"\n{configuration}");
        fs::write(folder.path().join("nats.conf"), configuration).expect("a file in it");
        Self { process: None, address, folder }
    }

    /// Starts it and waits until it accepts connections.
    ///
    /// # Panics
    /// When it is not installed, or ends.
    pub async fn start(&mut self) {
        if let Ok(why) = std::env::var("TIDINGS_TEST_NATS_MISSING") {
            panic!("nats-server could not be installed: {why}");
        }
        let file = self.folder.path().join("nats.conf").display().to_string();
        let words = ["sh", "-c", "PATH=$PATH:/usr/sbin exec nats-server -c \"$1\"", "sh", &file].map(str::to_owned);
        let mut process = Process::run(&words, &[]);
        wait_until("the broker to serve", async || {
            assert_eq!(process.ended(), None, "{}", process.logged());
            self.greets().await
        })
        .await;
        self.process = Some(process);
    }

    async fn greets(&self) -> bool {
        let mut greeting = [0; 5];
        let Ok(mut stream) = TcpStream::connect(&self.address).await else { return false };
        stream.read_exact(&mut greeting).await.is_ok() && greeting == *b"INFO "
    }

    /// Kills it as a crash would.
    ///
    /// # Panics
    /// If it does not run.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Sends it a signal, such as `STOP`.
    ///
    /// # Panics
    /// If it does not run.
    pub fn signal(&self, signal: &str) {
        self.process.as_ref().expect("it runs").signal(signal);
    }

    /// A client that only publishes.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn client(&self) -> Publisher {
        let mut stream = TcpStream::connect(&self.address).await.expect("it runs");
        let hello = format!("CONNECT {{\"verbose\":false,\"user\":\"{USER}\",\"pass\":\"{PASSWORD}\"}}\r\n");
        stream.write_all(hello.as_bytes()).await.expect("it reads");
        Publisher(stream)
    }

    /// Where it is, as `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its URL with the credentials.
    pub fn url(&self) -> String {
        Self::url_at(&self.address)
    }

    /// The same at another address that leads to it.
    pub fn url_at(address: &str) -> String {
        format!("nats://{USER}:{}@{address}", PASSWORD.replace(' ', "%20"))
    }
}
