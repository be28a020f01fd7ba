//! The image without Docker: every role in the file system that the Dockerfile's final stage describes, with the
//! settings of docker-compose.yml, and the whole program as with a plain `docker run`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use tempfile::TempDir;
use tidings_proto::pb::{
    self, directory_service_client::DirectoryServiceClient, realtime_service_client::RealtimeServiceClient, user_ref,
};
use tidings_store::sqlx::{self, AssertSqlSafe, Connection as _, PgConnection};
use tidings_testkit::{
    Agora, Broker, Bucket, Compose, Container, Image, Process, Service, Socket, free_address, fresh_database,
    wait_until,
};
use tonic::{Request, transport::Endpoint};

use crate::nginx::ComposeProxy;

/// The roles in the order in which Compose starts them.
const ROLES: [&str; 6] = ["directory", "file", "message", "conversation", "callback", "gateway"];
/// The other gateway and the other message service: Compose starts two of each.
const SECOND: &str = "gateway-2";
const SECOND_MESSAGE: &str = "message-2";
const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What Compose creates from the file: volumes, names in the network, and a port of this machine for each service.
struct Stack {
    compose: Compose,
    image: Image,
    folder: TempDir,
    ports: BTreeMap<&'static str, String>,
    /// The gateways' ports for gRPC.
    doors: BTreeMap<&'static str, String>,
}

impl Stack {
    /// All services of docker-compose.yml.
    async fn new() -> Self {
        Self::of(Compose::read(), (&ROLES, &[SECOND_MESSAGE, SECOND]), &["gateway", SECOND]).await
    }

    /// `doors`: those with a port for gRPC beside the one for REST.
    async fn of(compose: Compose, (roles, copies): (&[&'static str], &[&'static str]), doors: &[&'static str]) -> Self {
        let port = |role: &&'static str| (*role, free_address().rsplit_once(':').unwrap().1.to_owned());
        let folder = tempfile::tempdir().unwrap();
        for volume in ["secrets", "files", "data"] {
            fs::create_dir(folder.path().join(volume)).unwrap();
        }
        let names = roles.iter().chain(&["postgres", "s3", "nats", "otel-collector", "jaeger"]);
        let hosts = names.map(|name| format!("127.0.0.1 {name}\n")).collect::<Vec<_>>().concat();
        fs::write(folder.path().join("hosts"), format!("127.0.0.1 localhost\n{hosts}")).unwrap();
        let stack = Self {
            compose,
            image: Image::built(),
            folder,
            ports: roles.iter().chain(copies).map(port).collect(),
            doors: doors.iter().map(port).collect(),
        };
        stack.make_secrets();
        stack.use_test_database().await;
        stack
    }

    fn volume(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The service `secrets`: deploy/make-secrets.sh as root, in an image that has a user `postgres`.
    fn make_secrets(&self) {
        let service = self.compose.service("secrets");
        let mut secrets = self.image.run(&[]);
        let passwd = self.folder.path().join("passwd");
        let users = self.image.read("/etc/passwd") + "postgres:x:999:999::/var/lib/postgresql:/bin/sh\n";
        fs::write(&passwd, users).unwrap();
        secrets.words.clone_from(&service.entrypoint);
        secrets.environment.clear();
        "root".clone_into(&mut secrets.user);
        secrets.mount(&passwd, "/etc/passwd", true);
        for volume in &service.volumes {
            let (from, to) = volume.split_once(':').unwrap();
            let to = to.trim_end_matches(":ro");
            match from.strip_prefix("./") {
                Some(file) => secrets.mount(&Path::new(WORKSPACE).join(file), to, true),
                None => secrets.mount(&self.volume(from), to, false),
            }
        }
        for _ in 0..2 {
            let done = secrets.output();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
    }

    /// The URL names the service `postgres`: here a database of the test server, owned by the user that Compose
    /// creates.
    async fn use_test_database(&self) {
        let url = fresh_database().await;
        let (server, database) = url.rsplit_once('/').unwrap();
        let mut admin = PgConnection::connect(&url).await.unwrap();
        let user =
            "do $$ begin create role tidings login; exception when duplicate_object or unique_violation then end $$";
        sqlx::query(user).execute(&mut admin).await.unwrap();
        let owner = AssertSqlSafe(format!("alter database {database} owner to tidings"));
        sqlx::query(owner).execute(&mut admin).await.unwrap();
        let port = server.rsplit_once(':').unwrap().1;
        let secret = self.volume("secrets").join("database-url");
        let written = fs::read_to_string(&secret).unwrap();
        assert!(written.ends_with("@postgres:5432/tidings"), "{written}");
        let here = written.replace("postgres:5432/tidings", &format!("postgres:{port}/{database}"));
        fs::write(&secret, here).unwrap();
    }

    /// The service `s3`, by the store of the tests, which knows other keys than those that were made.
    fn use_test_bucket(&self) {
        let known: BTreeMap<String, String> = Bucket::shared().settings().into_iter().collect();
        for (file, setting) in [("s3-access-key", "ACCESS_KEY_ID"), ("s3-secret-key", "SECRET_ACCESS_KEY")] {
            let secret = self.volume("secrets").join(file);
            assert_eq!(fs::read_to_string(&secret).unwrap().len(), 64);
            fs::write(&secret, &known[&format!("TIDINGS_FILES_S3_{setting}")]).unwrap();
        }
    }

    /// The service `nats`, by the server of this machine, with the file that Compose mounts. The URL names the service.
    async fn broker(&self) -> Broker {
        let service = self.compose.service("nats");
        assert!(service.read_only && service.cap_drop == ["ALL"]);
        let mounted = service.volumes[0].split_once(':').unwrap();
        assert_eq!(
            (mounted.1, service.command.join(" ").as_str()),
            ("/etc/nats.conf:ro", "nats-server --config /etc/nats.conf")
        );
        let mut file = fs::read_to_string(Path::new(WORKSPACE).join(mounted.0)).unwrap();
        let secrets = self.volume("secrets");
        for (said, here) in [
            ("listen: \"0.0.0.0:4222\"\n", String::new()),
            ("127.0.0.1:8222", free_address()),
            // A file that is included must be found from the other.
            (
                "include \"../secrets/nats-authorization\"",
                fs::read_to_string(secrets.join("nats-authorization")).unwrap(),
            ),
        ] {
            assert!(file.contains(said), "deploy/nats.conf no longer says {said}");
            file = file.replace(said, &here);
        }
        let mut broker = Broker::of(&file);
        let url = fs::read_to_string(secrets.join("bus-url")).unwrap();
        assert!(url.ends_with("@nats:4222"), "{url}");
        let port = broker.address().rsplit_once(':').unwrap().1;
        fs::write(secrets.join("bus-url"), url.replace(":4222", &format!(":{port}"))).unwrap();
        broker.start().await;
        broker
    }

    /// All share the ports of this machine: each service's own replaces the one that all of them have.
    fn ported(&self, role: &str, text: &str) -> String {
        let mut text = text.replace("0.0.0.0:9464", "127.0.0.1:0");
        if text.contains("//s3:9000") {
            text =
                text.replace("//s3:9000", &Bucket::shared().endpoint.replace("http:", "").replace("127.0.0.1", "s3"));
        }
        if let Some(door) = self.doors.get(role) {
            text = text.replace("0.0.0.0:9090", &format!("0.0.0.0:{door}"));
        }
        for (name, port) in &self.ports {
            // A name stands for all containers of its service.
            let second = self.ports.get(format!("{name}-2").as_str());
            let second = second.map(|port| format!(",http://{name}:{port}")).unwrap_or_default();
            for inside in ["9090", "8080"] {
                text = text.replace(&format!("//{name}:{inside}"), &format!("//{name}:{port}{second}"));
            }
        }
        if let Some(own) = self.ports.get(role) {
            for host in ["0.0.0.0", "127.0.0.1"] {
                for inside in ["9090", "8080"] {
                    text = text.replace(&format!("{host}:{inside}"), &format!("{host}:{own}"));
                }
            }
        }
        text
    }

    fn container(&self, name: &str) -> Container {
        let service: &Service = self.compose.service(name.trim_end_matches("-2"));
        let mut container = self.image.run(&[]);
        container.words.extend(service.command.iter().map(|word| self.ported(name, word)));
        container.environment.extend(service.environment.iter().map(|(k, v)| (k.clone(), self.ported(name, v))));
        container.read_only = service.read_only;
        assert!(service.read_only && service.cap_drop == ["ALL"], "{name}");
        assert_eq!(service.security_opt, ["no-new-privileges:true"], "{name}");
        container.mount(&self.folder.path().join("hosts"), "/etc/hosts", true);
        for volume in &service.volumes {
            let (from, to) = volume.split_once(':').unwrap();
            container.mount(&self.volume(from), to.trim_end_matches(":ro"), to.ends_with(":ro"));
        }
        container
    }

    fn healthcheck(&self, name: &str) -> Container {
        let test = &self.compose.service(name.trim_end_matches("-2")).healthcheck.as_ref().unwrap().test;
        let words: Vec<String> = test[1..].iter().map(|word| self.ported(name, word)).collect();
        self.container(name).exec(&words)
    }

    /// A command, as `docker-compose run --rm admin` runs it.
    fn admin(&self, words: &[&str]) -> Container {
        let mut container = self.container("admin");
        let own = container.words.len() - self.compose.service("admin").command.len();
        container.words.truncate(own);
        container.words.extend(words.iter().map(|word| (*word).to_owned()));
        // Other programs may have the ports of the image, which in a container are free.
        for setting in ["TIDINGS_LISTEN", "TIDINGS_GRPC_LISTEN"] {
            container.environment.insert(setting.to_owned(), "127.0.0.1:0".to_owned());
        }
        container
    }

    /// What a command prints.
    fn admin_prints(&self, words: &[&str]) -> String {
        let done = self.admin(words).output();
        let (printed, logged) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{words:?}: {printed}{logged}");
        printed
    }

    /// The service `proxy`, in front of both gateways.
    fn proxy(&self) -> ComposeProxy {
        let folder = self.volume("nginx");
        fs::create_dir(&folder).unwrap();
        let both = |ports: &BTreeMap<&str, String>| ["gateway", SECOND].map(|name| ports[name].clone());
        let (gateways, doors) = (both(&self.ports), both(&self.doors));
        ComposeProxy::launch(&folder, &gateways.each_ref().map(String::as_str), &doors.each_ref().map(String::as_str))
    }
}

async fn healthy(name: &str, process: &mut Process, check: &Container) {
    wait_until(&format!("{name} to be healthy"), async || {
        assert_eq!(process.ended(), None, "{name}: {}", process.logged());
        check.output().status.success()
    })
    .await;
}

/// What follows a name in the output of `tidings app create`.
fn value<'a>(shown: &'a str, name: &str) -> &'a str {
    let line = shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'));
    line.unwrap_or_else(|| panic!("no {name} in {shown}"))
}

fn with_key<T>(key: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_starts_in_the_image_as_compose_says_and_a_message_goes_through_them() {
    let stack = Stack::new().await;
    let mut ours: Vec<&str> = stack.compose.ours().collect();
    ours.sort_unstable();
    let mut roles = ROLES;
    roles.sort_unstable();
    assert_eq!(ours, roles);

    // The volume of the files belongs to the image's user.
    let owner = Command::new("chown").arg("10001:10001").arg(stack.volume("files")).status().unwrap();
    assert!(owner.success());
    let _broker = stack.broker().await;
    stack.use_test_bucket();
    let migrated = stack.container("migrate").output();
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let mut running = Vec::new();
    for role in ROLES.into_iter().chain([SECOND_MESSAGE, SECOND]) {
        let mut process = stack.container(role).start();
        healthy(role, &mut process, &stack.healthcheck(role)).await;
        running.push((role, process));
    }
    for (role, process) in &running {
        // Log lines are buffered for a moment.
        wait_until("the start line", async || process.logged().contains("serving")).await;
        let has_bus = ["directory", "message", SECOND_MESSAGE].contains(role);
        wait_until("the bus", async || !has_bus || process.logged().contains("the bus is connected")).await;
        let logged = process.logged();
        let line = logged.lines().find(|line| line.contains("serving")).unwrap_or_else(|| panic!("{role}: {logged}"));
        let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
        let role = role.trim_end_matches("-2");
        assert!(line.contains(&version) && line.contains(&format!("role=\"{role}\"")), "{line}");
        let storage = if role == "gateway" { "storage=none" } else { "storage=postgres://tidings@postgres:" };
        assert!(line.contains(storage), "{line}");
        let peers = if role == "directory" { "peers=none" } else { "peers=directory=http://directory:" };
        assert!(line.contains(peers), "{line}");
        let password = fs::read_to_string(stack.volume("secrets").join("postgres-password")).unwrap();
        assert!(!logged.contains(password.trim()) && !logged.contains("CA certificates"), "{logged}");
    }

    // As in the head of docker-compose.yml.
    let shown = stack.admin_prints(&["app", "create", "--app", "acme/lobby"]);
    let secrets = (value(&shown, "client_id"), value(&shown, "client_secret"));
    for service in ["gateway", "message"] {
        assert_eq!(stack.compose.service(service).scale, Some(2), "{service}");
    }
    let doctor = String::from_utf8(stack.admin(&["doctor"]).output().stdout).unwrap();
    // The collector is an image of somebody else's.
    assert!(doctor.lines().all(|line| line.starts_with("ok") || line.contains("collector")), "{doctor}");
    for checked in
        ["file store", "database's clock", "directory secrets", "callback secrets", "bus", "callback service"]
    {
        assert!(doctor.contains(checked), "{checked}: {doctor}");
    }
    let mut proxy = stack.proxy();
    proxy.ready().await;
    let url = proxy.url.clone();
    let agora = Agora::with_credentials(&format!("{url}/acme/lobby"), secrets).await;
    agora.register(&["ann", "bob"]).await;
    // Two of a user's devices, at whichever gateways nginx chooses.
    let token = agora.logged_in("bob").await.token;
    let mut devices = Vec::new();
    for device in ["one", "two"] {
        let mut socket = Socket::connect(&url).await;
        socket.send(&json!({"type": "auth", "app": "acme#lobby", "token": token, "device": device})).await;
        socket.next_of("ready").await;
        devices.push(socket);
    }
    agora.send_text("ann", "bob", "through the image").await;
    let read = agora.get("/tidings/users/bob/messages?type=chat&channel=ann").await;
    assert!(read.text.contains("through the image"), "{}", read.text);
    for device in &mut devices {
        assert_eq!(device.event("message.sent").await["message"]["payload"]["bodies"][0]["msg"], "through the image");
    }

    // An internal service, at the door that the proxy publishes.
    let key =
        stack.admin_prints(&["app", "key", "create", "--app", "acme/lobby", "--name", "crm", "--scopes", "read,send"]);
    let key = key.trim();
    let channel = Endpoint::from_shared(proxy.door.clone()).unwrap().connect_lazy();
    let user = Some(pb::UserRef { user: Some(user_ref::User::Username("bob".to_owned())) });
    let mut directory = DirectoryServiceClient::new(channel.clone());
    let bob = directory.get_user(with_key(key, pb::GetUserRequest { user })).await.unwrap().into_inner().id;
    let subscribe = pb::SubscribeRequest { user_ids: vec![bob], ..Default::default() };
    let mut realtime = RealtimeServiceClient::new(channel);
    let mut stream = realtime.subscribe(with_key(key, subscribe)).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some_and(|first| !first.cursor.is_empty()));
    agora.send_text("ann", "bob", "to the service").await;
    let response = loop {
        let response = stream.message().await.unwrap().unwrap();
        if !response.events.is_empty() {
            break response;
        }
    };
    let event = response.events[0].event.as_ref().unwrap();
    assert_eq!((event.kind.as_str(), &response.events[0].user_ids), ("message.sent", &vec![bob]));
    let msg_id = event.msg_id.to_string();
    assert!(stack.admin_prints(&["explain", &msg_id]).contains("acme/lobby"));
    assert_eq!(stack.admin_prints(&["callback", "list", "--app", "acme/lobby", "--json"]), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_starts_in_one_container_as_the_minimal_compose_file_says() {
    let stack = Stack::of(Compose::of_file("compose.minimal.yml"), (&["tidings"], &[]), &["tidings"]).await;
    assert_eq!(stack.compose.ours().collect::<Vec<_>>(), ["tidings"]);
    for volume in ["data", "files"] {
        assert!(Command::new("chown").arg("10001:10001").arg(stack.volume(volume)).status().unwrap().success());
    }
    let mut process = stack.container("tidings").start();
    healthy("tidings", &mut process, &stack.healthcheck("tidings")).await;
    wait_until("the start line", async || process.logged().contains("serving")).await;
    assert!(process.logged().contains("storage=postgres://tidings@postgres:"), "{}", process.logged());

    // As in the head of the file.
    let words = ["tidings", "app", "create", "--app", "acme/lobby"].map(str::to_owned);
    let made = stack.container("tidings").exec(&words).output();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let shown = String::from_utf8(made.stdout).unwrap();
    let secrets = (value(&shown, "client_id"), value(&shown, "client_secret"));
    let agora =
        Agora::with_credentials(&format!("http://127.0.0.1:{}/acme/lobby", stack.ports["tidings"]), secrets).await;
    agora.register(&["ann", "bob"]).await;
    agora.send_text("ann", "bob", "hello").await;
    let read = agora.get("/tidings/users/bob/messages?type=chat&channel=ann").await;
    assert!(read.text.contains("hello"), "{}", read.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_into_the_store_of_the_compose_file_with_the_keys_that_the_first_start_made() {
    let stack = Stack::of(Compose::read(), (&["directory", "file"], &[]), &[]).await;
    assert!(Command::new("chown").arg("10001:10001").arg(stack.volume("files")).status().unwrap().success());
    assert!(stack.container("migrate").output().status.success());
    let mut directory = stack.container("directory").start();
    healthy("directory", &mut directory, &stack.healthcheck("directory")).await;
    // The test's store does not know the key that was made.
    let refused = stack.container("file").output();
    let words = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && words.contains("files.s3_bucket cannot be used"), "{words}");
    stack.use_test_bucket();
    let mut file = stack.container("file").start();
    healthy("file", &mut file, &stack.healthcheck("file")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_docker_run_serves_everything_from_its_data_volume() {
    let image = Image::built();
    assert_eq!(image.ports(), ["8080", "9090"]);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    assert!(Command::new("chown").arg("10001:10001").arg(&data).status().unwrap().success());
    let mut container = image.run(&[]);
    container.mount(&data, "/data", false);
    let mut ports = BTreeMap::new();
    for (setting, inside) in [("TIDINGS_LISTEN", "0.0.0.0:8080"), ("TIDINGS_GRPC_LISTEN", "0.0.0.0:9090")] {
        let port = free_address().rsplit_once(':').unwrap().1.to_owned();
        let before = container.environment.insert(setting.to_owned(), format!("0.0.0.0:{port}"));
        assert_eq!(before.as_deref(), Some(inside));
        ports.insert(setting, port);
    }
    let mut process = container.start();
    healthy("the program", &mut process, &container.exec(&image.healthcheck())).await;
    wait_until("the greeting", async || process.printed().contains("Tidings is ready")).await;
    let port = &ports["TIDINGS_LISTEN"];
    assert!(process.printed().contains(&format!("REST on http://127.0.0.1:{port}")), "{}", process.printed());

    let env = fs::read_to_string(data.join("demo.env")).unwrap();
    let value = |name: &str| {
        let line = env.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("='")?.strip_suffix('\''));
        line.unwrap().to_owned()
    };
    let base = format!("{}/{}/{}", value("TIDINGS_URL"), value("TIDINGS_ORG"), value("TIDINGS_APP"));
    let secrets = (value("TIDINGS_CLIENT_ID"), value("TIDINGS_CLIENT_SECRET"));
    let agora = Agora::with_credentials(&base, (&secrets.0, &secrets.1)).await;
    agora.register(&["ann", "bob"]).await;
    agora.send_text("ann", "bob", "hello").await;

    process.terminate();
    wait_until("the program to end", async || process.ended().is_some()).await;
    assert!(!container.exec(&image.healthcheck()).output().status.success(), "nothing runs any more");
}

#[test]
fn the_image_has_certificates_and_a_stripped_program() {
    let image = Image::built();
    assert!(image.read("/etc/ssl/certs/ca-certificates.crt").contains("BEGIN CERTIFICATE"));
    let dockerfile = fs::read_to_string(Path::new(WORKSPACE).join("Dockerfile")).unwrap();
    assert!(dockerfile.contains("strip -o /usr/local/bin/tidings target/release/tidings"));
}
