//! The all-in-one program with a data folder, as an operator runs it.

use std::{
    collections::HashMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;
use tidings_proto::pb::{
    directory_service_client::DirectoryServiceClient, message_service_client::MessageServiceClient,
};
use tonic::{
    Request,
    transport::{Channel, Endpoint},
};

use crate::{Agora, Lanying, Process, free_address, tidings_binary, wait_until};

/// A data folder and the process that serves it. The addresses stay the same across starts.
#[derive(Debug)]
pub struct Installation {
    process: Option<Process>,
    data: PathBuf,
    listen: String,
    grpc_listen: String,
    settings: Vec<(String, String)>,
    // Last, so that the process has ended before its folder is removed.
    _folder: Option<TempDir>,
}

impl Default for Installation {
    fn default() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        Self { _folder: Some(folder), ..Self::at(&data) }
    }
}

impl Installation {
    /// On a data folder that the caller removes. Nothing runs yet.
    pub fn at(data: &Path) -> Self {
        Self {
            process: None,
            data: data.to_owned(),
            listen: free_address(),
            grpc_listen: free_address(),
            // Several run at once, and only one could have the default address for metrics.
            settings: [("TIDINGS_TELEMETRY_LOG", "warn"), ("TIDINGS_METRICS_LISTEN", "off")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            _folder: None,
        }
    }

    /// The same with another setting, as an environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Sets an environment variable for later starts.
    pub fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Unsets it.
    pub fn unset(&mut self, name: &str) {
        self.settings.retain(|(known, _)| known != name);
    }

    /// Starts the program and waits until it is ready.
    ///
    /// # Panics
    /// When it ends instead.
    pub async fn start(&mut self) {
        self.launch();
        let ready = format!("{}/readyz", self.url());
        wait_until("the program to be ready and to greet", async || {
            let process = self.process.as_mut().expect("it was launched");
            assert_eq!(process.ended(), None, "{}", process.logged());
            process.printed().contains("Tidings is ready")
                && reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    /// Starts the program and does not wait.
    pub fn launch(&mut self) {
        let data = self.data.display().to_string();
        let words = ["serve", "--data", &data, "--listen", &self.listen, "--grpc-listen", &self.grpc_listen];
        self.process = Some(Process::start(&words.map(str::to_owned), &self.settings));
    }

    /// Kills the program as a crash would.
    ///
    /// # Panics
    /// If nothing runs.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Stops the program as an operator does and returns its exit code.
    pub async fn stop(&mut self) -> i32 {
        self.stop_and_read().await.0
    }

    /// The same, and what it has logged.
    ///
    /// # Panics
    /// If nothing runs.
    pub async fn stop_and_read(&mut self) -> (i32, String) {
        let mut process = self.process.take().expect("it runs");
        process.terminate();
        wait_until("the program to end", async || process.ended().is_some()).await;
        (process.ended().unwrap_or(-1), process.all_logged())
    }

    /// The running program.
    ///
    /// # Panics
    /// When nothing runs.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("it runs")
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The address of REST, as `http://host:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// The address of gRPC, as `http://host:port`.
    pub fn grpc_url(&self) -> String {
        format!("http://{}", self.grpc_listen)
    }

    /// The content of `demo.env`.
    ///
    /// # Panics
    /// If it does not exist.
    pub fn env(&self) -> HashMap<String, String> {
        let text = fs::read_to_string(self.data.join("demo.env")).expect("demo.env is there");
        let values = text.lines().filter_map(|line| line.split_once('='));
        values.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect()
    }

    /// The Agora dialect of the demo app with an app token.
    pub async fn agora(&self) -> Agora {
        let env = self.env();
        let base = format!("{}/{}/{}", self.url(), env["TIDINGS_ORG"], env["TIDINGS_APP"]);
        let secrets = (env["TIDINGS_CLIENT_ID"].as_str(), env["TIDINGS_CLIENT_SECRET"].as_str());
        Agora::with_credentials(&base, secrets).await
    }

    /// The Lanying dialect of the demo app with its admin token.
    pub fn lanying(&self) -> Lanying {
        let env = self.env();
        Lanying {
            http: reqwest::Client::new(),
            base: self.url(),
            app_id: env["TIDINGS_LANYING_APP_ID"].clone(),
            token: env["TIDINGS_LANYING_ADMIN_TOKEN"].clone(),
            user_id: None,
            group_id: None,
        }
    }

    /// A gRPC request as the demo app.
    ///
    /// # Panics
    /// If `demo.env` does not exist.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let env = self.env();
        let mut request = Request::new(message);
        let key = format!("Bearer {}", env["TIDINGS_SERVICE_KEY"]);
        let app = format!("{}#{}", env["TIDINGS_ORG"], env["TIDINGS_APP"]);
        request.metadata_mut().insert("authorization", key.parse().expect("visible ASCII"));
        request.metadata_mut().insert("tidings-app", app.parse().expect("visible ASCII"));
        request
    }

    /// The directory over gRPC.
    pub fn directory(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.channel())
    }

    /// The log over gRPC.
    pub fn messages(&self) -> MessageServiceClient<Channel> {
        MessageServiceClient::new(self.channel()).max_decoding_message_size(64 * 1024 * 1024)
    }

    fn channel(&self) -> Channel {
        Endpoint::from_shared(self.grpc_url()).expect("an address").connect_lazy()
    }

    /// Runs `tidings <words>` on the data folder until it exits.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn command(&self, words: &[&str]) -> Output {
        self.program(words).output().expect("the program can be started")
    }

    /// The same with a text on standard input.
    ///
    /// # Panics
    /// When the program cannot be started, or does not read the text.
    pub fn command_with_input(&self, words: &[&str], input: &str) -> Output {
        let pipes = (Stdio::piped(), Stdio::piped(), Stdio::piped());
        let mut command = self.program(words);
        let mut child =
            command.stdin(pipes.0).stdout(pipes.1).stderr(pipes.2).spawn().expect("the program can be started");
        let mut stdin = child.stdin.take().expect("it is a pipe");
        stdin.write_all(input.as_bytes()).expect("the program reads");
        drop(stdin);
        child.wait_with_output().expect("the program ends")
    }

    fn program(&self, words: &[&str]) -> Command {
        let mut command = Command::new(tidings_binary());
        command.args(words).arg("--data").arg(&self.data).envs(self.settings.iter().cloned());
        command
    }
}
