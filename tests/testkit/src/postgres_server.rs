//! A PostgreSQL server that belongs to one test, so that it can be stopped and killed.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::PathBuf,
    process::Command,
};

use tempfile::TempDir;
use tidings_store::sqlx::{self, Connection as _, PgConnection};

use crate::{Process, free_address, wait_until};

/// A server at an address of its own, as durable as in production.
#[derive(Debug)]
pub struct PostgresServer {
    process: Option<Process>,
    address: String,
    folder: TempDir,
    binaries: PathBuf,
    /// The user and group that the test command's server runs as.
    owner: (u32, u32),
}

impl PostgresServer {
    /// A new server that runs, from the binaries of the test command's PostgreSQL.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        let admin =
            env::var("TIDINGS_TEST_POSTGRES").expect("run the tests with `cargo xtask test`, which starts PostgreSQL");
        let mut connection = PgConnection::connect(&admin).await.expect("the test PostgreSQL answers");
        let binaries: String = sqlx::query_scalar("select setting from pg_config where name = 'BINDIR'")
            .fetch_one(&mut connection)
            .await
            .expect("a superuser reads it");
        let data: String =
            sqlx::query_scalar("show data_directory").fetch_one(&mut connection).await.expect("the same");
        let owner = fs::metadata(data).map(|data| (data.uid(), data.gid())).expect("the server's folder");
        let folder = tempfile::tempdir().expect("a temporary folder");
        chown(folder.path(), Some(owner.0), Some(owner.1)).expect("the folder can be given to that user");
        let mut server =
            Self { process: None, address: free_address(), folder, binaries: PathBuf::from(binaries), owner };
        let made = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
        let words = server.words("initdb", &made);
        let output = Command::new(&words[0]).args(&words[1..]).output().expect("initdb runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        server.resume().await;
        server
    }

    /// Starts it again after a stop, and waits until it answers.
    ///
    /// # Panics
    /// When it does not.
    pub async fn resume(&mut self) {
        let port = self.address.rsplit_once(':').expect("an address has a port").1;
        let sockets = format!("unix_socket_directories={}", self.folder.path().display());
        let words = self.words("postgres", &["-p", port, "-c", &sockets, "-c", "max_connections=300"]);
        let mut process = Process::run(&words, &[]);
        wait_until("PostgreSQL to answer", async || {
            if process.ended().is_some() {
                // Processes of the one that was killed have not ended yet.
                process = Process::run(&words, &[]);
            }
            PgConnection::connect(&self.url()).await.is_ok()
        })
        .await;
        self.process = Some(process);
    }

    /// Sends SIGKILL to the server; its processes end once they notice.
    ///
    /// # Panics
    /// If it does not run.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Stops it as an operator's restart does: open connections are ended.
    ///
    /// # Panics
    /// If it does not run.
    pub async fn stop(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.signal("INT");
        wait_until("PostgreSQL to stop", async || process.ended().is_some()).await;
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.address)
    }

    /// A command line of one of its programs, run by the user who may.
    fn words(&self, program: &str, arguments: &[&str]) -> Vec<String> {
        let (uid, gid) = self.owner;
        let own = fs::metadata("/proc/self").expect("the system has it").uid();
        let identity = [format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()];
        let change: Vec<String> =
            if own == uid { Vec::new() } else { [vec!["setpriv".to_owned()], identity.to_vec()].concat() };
        let program = self.binaries.join(program).display().to_string();
        let data = self.folder.path().join("data").display().to_string();
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        change.into_iter().chain([program, "-D".to_owned(), data]).chain(arguments).collect()
    }
}
