//! What `tidings doctor` finds wrong around a program.

use std::{fs, net::TcpListener, path::Path, process::Command};

use tidings_testkit::{Installation, Process, free_address, fresh_database, tidings_binary, wait_until};

use crate::collector::Collector;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const DATA_KEY: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

/// The output, and whether it succeeds.
fn doctor(data: &Path, settings: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(tidings_binary());
    command.args(["doctor", "--data"]).arg(data);
    command.envs([("TIDINGS_LISTEN", "127.0.0.1:0"), ("TIDINGS_GRPC_LISTEN", "127.0.0.1:0")]);
    let done = command.env("TIDINGS_METRICS_LISTEN", "off").envs(settings.iter().copied()).output().unwrap();
    (done.status.success(), String::from_utf8(done.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_of_metrics_is_checked_like_those_of_other_listeners() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (content, said) = doctor(&data, &[("TIDINGS_METRICS_LISTEN", "127.0.0.1:0")]);
    assert!(content && said.contains("ok     metrics_listen: 127.0.0.1:0 is free"), "{said}");
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let (content, said) = doctor(&data, &[("TIDINGS_METRICS_LISTEN", &taken)]);
    let expected =
        format!("WRONG  metrics_listen: another program listens at {taken}: stop it, or choose another address with");
    assert!(!content && said.contains(&expected), "{said}");
    let (content, said) = doctor(&data, &[("TIDINGS_METRICS_LISTEN", "192.0.2.1:9464")]);
    assert!(!content && said.contains("WRONG  metrics_listen: 192.0.2.1:9464 cannot be used"), "{said}");

    let metrics = free_address();
    let mut installation = Installation::default().with("TIDINGS_METRICS_LISTEN", &metrics);
    installation.start().await;
    // By a configuration of another data folder, nobody knows who serves: the answer says it.
    let (content, said) = doctor(&data, &[("TIDINGS_METRICS_LISTEN", &metrics)]);
    assert!(
        content && said.contains(&format!("ok     metrics_listen: {metrics} is served by a running process")),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_is_reached_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (collector, url) = Collector::start().await;
    let both = [("TIDINGS_TELEMETRY_OTLP_ENDPOINT", url.as_str()), ("TIDINGS_TELEMETRY_OTLP_METRICS_SECONDS", "60")];
    let (content, said) = doctor(&data, &both);
    assert!(content && said.contains(&format!("ok     collector: answers at {url}")), "{said}");
    assert_eq!(collector.spans().len(), 0, "none are sent");
    let nowhere = format!("http://{}", free_address());
    let (content, said) = doctor(&data, &[("TIDINGS_TELEMETRY_OTLP_ENDPOINT", &nowhere)]);
    assert!(!content && said.contains(&format!("WRONG  collector: {nowhere} cannot be reached: ")), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_folder_of_files_is_checked_also_where_the_database_is_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let (data, files) = (folder.path().join("data"), folder.path().join("files"));
    let url = fresh_database().await;
    let settings = [
        ("TIDINGS_DATABASE_URL", url.as_str()),
        ("TIDINGS_SERVICE_KEY", KEY),
        ("TIDINGS_FILES_FOLDER", files.to_str().unwrap()),
    ];
    let (_, said) = doctor(&data, &settings);
    assert!(said.contains("files folder: ") && said.contains("is not there yet"), "{said}");
    fs::create_dir(&files).unwrap();
    let (_, said) = doctor(&data, &settings);
    assert!(said.contains(&format!("ok     files folder: {} has room", files.display())), "{said}");
    assert!(said.contains(" disk of files: "), "{said}");
    assert_eq!(fs::read_dir(&files).unwrap().count(), 0, "nothing is left");
    let text = folder.path().join("text");
    fs::write(&text, "").unwrap();
    let (_, said) = doctor(&data, &[("TIDINGS_FILES_FOLDER", text.to_str().unwrap())]);
    assert!(said.contains("WRONG  files folder: ") && said.contains("is not a folder"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_server_is_asked_for_its_settings_and_timed() {
    let folder = tempfile::tempdir().unwrap();
    let url = fresh_database().await;
    let (_, said) = doctor(&folder.path().join("data"), &[("TIDINGS_DATABASE_URL", &url)]);
    let settings = "ok     database's settings: fsync, full_page_writes and synchronous_commit are on";
    assert!(said.contains(settings), "{said}");
    assert!(said.contains(" database's commits: a commit takes "), "{said}");
    assert!(said.contains("ok     database's connections: max_connections of 300 is enough for 60"), "{said}");
    // As many message services as the server cannot serve.
    let peers = (1..30).map(|n| format!("http://127.0.0.1:{n}")).collect::<Vec<_>>().join(",");
    let many = [("TIDINGS_DATABASE_URL", url.as_str()), ("TIDINGS_PEERS_MESSAGE", peers.as_str())];
    let (_, said) = doctor(&folder.path().join("data"), &many);
    assert!(said.contains("risk   database's connections: max_connections of 300 admits 297"), "{said}");
}

/// Doctor in a mount namespace where this file replaces /etc/hosts.
fn doctor_with(hosts: &Path, data: &Path, settings: &[(&str, &str)]) -> String {
    const SCRIPT: &str = "mount --bind \"$1\" /etc/hosts && shift && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", SCRIPT, "sh"]).arg(hosts).arg(tidings_binary()).args(["doctor", "--data"]);
    let done = command.arg(data).envs(settings.iter().copied()).output().unwrap();
    String::from_utf8(done.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_process_behind_a_name_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let url = fresh_database().await;
    let mut migrate = Command::new(tidings_binary());
    assert!(migrate.arg("migrate").env("TIDINGS_DATABASE_URL", &url).status().unwrap().success());
    let one = free_address();
    let port = one.rsplit_once(':').unwrap().1;
    let other = format!("127.0.0.2:{port}");
    let start = |address: &str, key: &str| {
        let settings =
            [("TIDINGS_DATABASE_URL", url.as_str()), ("TIDINGS_SERVICE_KEY", key), ("TIDINGS_DATA_KEY", DATA_KEY)];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Process::start(&["directory", "--grpc-listen", address].map(str::to_owned), &settings)
    };
    let _first = start(&one, KEY);
    let second = start(&other, "another-key-another-key-another");
    for address in [&one, &other] {
        let url = format!("http://{address}");
        wait_until("the directory to be ready", async || tidings_testkit::is_ready(&url).await).await;
    }
    let hosts = folder.path().join("hosts");
    fs::write(&hosts, "127.0.0.1 localhost directories.test\n127.0.0.2 directories.test\n").unwrap();
    let peer = format!("http://directories.test:{port}");
    let settings = [
        ("TIDINGS_DATABASE_URL", url.as_str()),
        ("TIDINGS_SERVICE_KEY", KEY),
        ("TIDINGS_DATA_KEY", DATA_KEY),
        ("TIDINGS_PEERS_DIRECTORY", peer.as_str()),
        ("TIDINGS_METRICS_LISTEN", "off"),
    ];
    let said = doctor_with(&hosts, &data, &settings);
    let wrong = format!("WRONG  directory service: {peer} ({other}): it refuses the service key");
    assert!(said.contains(&wrong), "{said}");
    second.kill();
    let said = doctor_with(&hosts, &data, &settings);
    assert!(said.contains(&format!("WRONG  directory service: {peer} ({other}): no connection")), "{said}");
    let _second = start(&other, KEY);
    let ready = format!("http://{other}");
    wait_until("the directory to be ready", async || tidings_testkit::is_ready(&ready).await).await;
    let said = doctor_with(&hosts, &data, &settings);
    assert!(said.contains(&format!("ok     directory service: ready at {peer}, 2 processes")), "{said}");
}
