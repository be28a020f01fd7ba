//! A process for each role, with the command lines of docker-compose.yml.

use std::{fs, path::Path, sync::Mutex};

use futures_util::future::join_all;

use crate::{Process, free_address, tidings_binary, wait_until};

/// The processes of one installation.
#[derive(Debug)]
pub(crate) struct Split {
    members: Vec<Member>,
}

/// One role's process. It keeps its address across restarts.
#[derive(Debug)]
struct Member {
    role: &'static str,
    address: String,
    /// Where it serves its metrics.
    metrics: String,
    /// The gRPC address of a gateway.
    door: Option<String>,
    settings: Vec<(String, String)>,
    /// The running process, and the logs of its predecessors.
    process: Mutex<(Option<Process>, String)>,
}

impl Split {
    /// Starts everything; gateway n talks to message service n.
    pub(crate) async fn start(mut settings: Vec<(String, String)>, copies: usize) -> Self {
        migrate(&settings);
        let mut members = Vec::new();
        for role in ["directory", "file", "message", "conversation", "callback", "gateway"] {
            members.push(Member::start_next(role, &mut settings).await);
        }
        for _ in 1..copies {
            for role in ["message", "callback", "gateway"] {
                members.push(Member::start_next(role, &mut settings).await);
            }
        }
        Self { members }
    }

    /// Starts `copies` processes of each role; each knows all those that it calls.
    pub(crate) async fn replicated(mut settings: Vec<(String, String)>, copies: usize) -> Self {
        migrate(&settings);
        let mut members = Vec::new();
        for role in ["directory", "file", "message", "conversation", "callback", "gateway"] {
            let known = settings.clone();
            let started: Vec<Member> =
                join_all((0..copies).map(|_| Member::start(role, free_address(), known.clone()))).await;
            let addresses: Vec<String> = started.iter().map(Member::url).collect();
            settings.push((format!("TIDINGS_PEERS_{}", role.to_ascii_uppercase()), addresses.join(",")));
            members.extend(started);
        }
        Self { members }
    }

    /// The addresses of a role's copies.
    pub(crate) fn addresses(&self, role: &str) -> Vec<String> {
        self.of(role).map(|member| member.address.clone()).collect()
    }

    /// Where each process serves its metrics.
    pub(crate) fn metrics(&self) -> Vec<String> {
        self.members.iter().map(|member| member.metrics.clone()).collect()
    }

    /// The gRPC address of the first gateway.
    pub(crate) fn door(&self) -> String {
        self.of("gateway").find_map(|member| member.door.clone()).expect("a gateway")
    }

    /// Kills a process and starts it again.
    pub(crate) async fn crash(&self, role: &str, copy: usize) {
        let member = self.of(role).nth(copy).expect("there is such a copy");
        let process = member.process.lock().expect("nobody panics holding it").0.take().expect("it runs");
        let logged = process.logged();
        process.kill();
        member.process.lock().expect("nobody panics holding it").1.push_str(&logged);
        member.launch();
        member.ready().await;
    }

    /// Stops a process as an operator does, and starts it again.
    pub(crate) async fn restart(&self, role: &str, copy: usize) {
        let member = self.of(role).nth(copy).expect("there is such a copy");
        let mut process = member.process.lock().expect("nobody panics holding it").0.take().expect("it runs");
        process.terminate();
        wait_until(&format!("the {role} to stop"), async || process.ended().is_some()).await;
        let (code, logged) = (process.ended(), process.all_logged());
        assert_eq!(code, Some(0), "{logged}");
        member.process.lock().expect("nobody panics holding it").1.push_str(&logged);
        member.launch();
        member.ready().await;
    }

    /// Starts a process with the settings of the first one of its role.
    pub(crate) async fn one_more(&self, role: &str, address: &str) -> Process {
        let first = self.of(role).next().expect("there is such a role");
        let member = Member::start(first.role, address.to_owned(), first.settings.clone()).await;
        member.process.into_inner().expect("nobody panics holding it").0.expect("it runs")
    }

    /// Sends a signal to a process.
    pub(crate) fn signal(&self, role: &str, copy: usize, signal: &str) {
        let member = self.of(role).nth(copy).expect("there is such a copy");
        let process = member.process.lock().expect("nobody panics holding it");
        process.0.as_ref().expect("it runs").signal(signal);
    }

    /// All their logs.
    pub(crate) fn logged(&self) -> String {
        self.members.iter().map(Member::logged).collect()
    }

    fn of<'a>(&'a self, role: &'a str) -> impl Iterator<Item = &'a Member> {
        self.members.iter().filter(move |member| member.role == role)
    }
}

impl Member {
    /// Starts a process that knows the ones before it, and waits until it is ready.
    async fn start_next(role: &'static str, settings: &mut Vec<(String, String)>) -> Self {
        let member = Self::start(role, free_address(), settings.clone()).await;
        let peer = format!("TIDINGS_PEERS_{}", role.to_ascii_uppercase());
        if role != "gateway" {
            settings.retain(|(setting, _)| *setting != peer);
            settings.push((peer, member.url()));
        }
        member
    }

    /// Starts a process and waits until it is ready.
    async fn start(role: &'static str, address: String, settings: Vec<(String, String)>) -> Self {
        let door = (role == "gateway").then(free_address);
        let member = Self { role, address, metrics: free_address(), door, settings, process: Mutex::default() };
        member.launch();
        member.ready().await;
        member
    }

    fn launch(&self) {
        let metrics = ("TIDINGS_METRICS_LISTEN".to_owned(), self.metrics.clone());
        let settings: Vec<_> = self.settings.iter().cloned().chain([metrics]).collect();
        let process = Process::start(&self.command(), &settings);
        self.process.lock().expect("nobody panics holding it").0 = Some(process);
    }

    /// The command line of its container, on loopback.
    fn command(&self) -> Vec<String> {
        let mut command = compose_command(self.role);
        for at in 1..command.len() {
            match command[at - 1].as_str() {
                "--grpc-listen" => self.door.as_ref().unwrap_or(&self.address).clone_into(&mut command[at]),
                "--listen" => self.address.clone_into(&mut command[at]),
                _ => {}
            }
        }
        command
    }

    fn is_tls(&self) -> bool {
        self.settings.iter().any(|(name, _)| name == "TIDINGS_TLS_CERTIFICATE")
    }

    fn url(&self) -> String {
        format!("{}://{}", if self.is_tls() { "https" } else { "http" }, self.address)
    }

    /// Whether the program says so, which has the certificates.
    fn is_ready_over_tls(&self) -> bool {
        let option = if self.role == "gateway" { "--rest" } else { "--server" };
        let mut command = std::process::Command::new(tidings_binary());
        command.args(["ready", option, &self.url()]).envs(self.settings.iter().cloned());
        command.output().expect("the program can be started").status.success()
    }

    async fn ready(&self) {
        let url = self.url();
        wait_until(&format!("the {} to be ready", self.role), async || {
            if let Some(process) = &mut self.process.lock().expect("nobody panics holding it").0 {
                assert_eq!(process.ended(), None, "{}", process.logged());
            }
            if self.is_tls() {
                self.is_ready_over_tls()
            } else if self.role == "gateway" {
                reqwest::get(format!("{url}/readyz")).await.is_ok_and(|answer| answer.status().is_success())
            } else {
                tidings::is_ready(&url).await
            }
        })
        .await;
    }

    fn logged(&self) -> String {
        let (process, before) = &*self.process.lock().expect("nobody panics holding it");
        format!("{before}{}", process.as_ref().map(Process::logged).unwrap_or_default())
    }
}

fn migrate(settings: &[(String, String)]) {
    let mut command = std::process::Command::new(tidings_binary());
    command.args(compose_command("migrate")).envs(settings.iter().cloned());
    let done = command.output().expect("the program can be started");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// The command line of a container, from docker-compose.yml.
fn compose_command(service: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docker-compose.yml");
    let text = fs::read_to_string(path).expect("docker-compose.yml is there");
    let mut lines = text.lines().skip_while(|line| *line != format!("  {service}:")).skip(1);
    let mut own = lines.by_ref().take_while(|line| line.starts_with("   ") || line.trim().is_empty());
    let command = own.find_map(|line| line.trim().strip_prefix("command:"));
    let command = command.unwrap_or_else(|| panic!("{service} has no command in docker-compose.yml"));
    serde_json::from_str(command.trim()).expect("a command is a JSON array on one line")
}
