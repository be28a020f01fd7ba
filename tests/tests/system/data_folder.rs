//! The data folder and the program around it (docs/internals/data-folder.md).

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tidings_testkit::{Bucket, Installation, Process, Reply, fresh_database, wait_until};

use crate::log::{demo_history, text_of};

pub async fn installed() -> Installation {
    let mut installation = Installation::default();
    installation.start().await;
    installation
}

#[tokio::test]
async fn a_second_process_on_the_same_folder_is_refused_in_words_and_the_first_goes_on() {
    let installation = installed().await;
    let before = fs::read_to_string(installation.data().join("demo.env")).unwrap();
    let second = installation.command(&["serve", "--listen", "127.0.0.1:0", "--grpc-listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(
        words.contains(&format!("{} is in use by another tidings process", installation.data().display())),
        "{words}"
    );
    assert_eq!(fs::read_to_string(installation.data().join("demo.env")).unwrap(), before);
    let agora = installation.agora().await;
    agora.register(&["ann", "bob"]).await;
    agora.send_text("ann", "bob", "still here").await;
}

#[tokio::test]
async fn another_file_in_the_folder_is_left_alone() {
    let mut installation = Installation::default();
    fs::create_dir_all(installation.data().join("photos")).unwrap();
    let files = ["notes.txt", "photos/cat.jpg", "message.sqlite.bak"].map(|name| installation.data().join(name));
    for file in &files {
        fs::write(file, "mine").unwrap();
    }
    installation.start().await;
    installation.stop().await;
    for file in &files {
        assert_eq!(fs::read_to_string(file).unwrap(), "mine", "{}", file.display());
    }
}

#[tokio::test]
async fn keys_and_credentials_can_be_read_by_their_owner_alone() {
    let installation = installed().await;
    for name in ["demo.env", "data.key", "service.key"] {
        let mode = fs::metadata(installation.data().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::metadata(installation.data()).unwrap().permissions().mode() & 0o777, 0o700);
}

/// Every path below a folder that others than its owner may read, write or enter.
pub fn open_to_others(folder: &Path) -> Vec<PathBuf> {
    let mut open = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let found = entry.metadata().unwrap();
        if found.permissions().mode() & 0o077 != 0 {
            open.push(entry.path());
        }
        if found.is_dir() {
            open.extend(open_to_others(&entry.path()));
        }
    }
    open
}

#[tokio::test]
async fn nobody_else_reads_what_is_written_and_a_folder_that_was_open_is_closed() {
    let mut installation = installed().await;
    let agora = installation.agora().await;
    agora.register(&["ann", "bob"]).await;
    agora.send_text("ann", "bob", "hello").await;
    let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nbytes\r\n--b--\r\n";
    let upload = agora.request(reqwest::Method::POST, "/chatfiles").body(form);
    let upload = Reply::to(upload.header("content-type", "multipart/form-data; boundary=b")).await;
    upload.expect(200);
    let names: Vec<_> = fs::read_dir(installation.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    for name in ["message.sqlite", "message.sqlite-wal", "message.sqlite-shm", "files", "demo.env", "tidings.lock"] {
        assert!(names.iter().any(|found| found == name), "{name} is not there: {names:?}");
    }
    assert_eq!(open_to_others(installation.data()), Vec::<PathBuf>::new());

    installation.stop().await;
    let database = installation.data().join("message.sqlite");
    fs::set_permissions(&database, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(installation.data(), fs::Permissions::from_mode(0o755)).unwrap();
    let (content, words) = doctor(&installation, &[]);
    assert!(!content && words.contains(&format!("chmod 700 {}", installation.data().display())), "{words}");
    installation.start().await;
    assert_eq!(open_to_others(installation.data()), Vec::<PathBuf>::new());
    assert_eq!(fs::metadata(installation.data()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_names_what_each_app_risks() {
    let mut installation = installed().await;
    run(&installation, &["app", "create", "acme/lobby"]);
    run(&installation, &["app", "set-policy", "acme/lobby", "lanying_open_registration=false", "fetch_private=true"]);
    for stopped in [false, true] {
        if stopped {
            installation.stop().await;
        }
        let (content, words) = doctor(&installation, &[]);
        assert!(content, "{words}");
        let risks: Vec<_> = words.lines().filter_map(|line| line.strip_prefix("risk   app ")).collect();
        let of = |app: &str, switch: &str| risks.iter().any(|risk| risk.starts_with(&format!("{app}: {switch}: ")));
        assert!(of("demo/demo", "lanying_open_registration=true"), "{words}");
        assert!(!of("acme/lobby", "lanying_open_registration=true"), "{words}");
        assert!(of("acme/lobby", "fetch_private=true") && !of("demo/demo", "fetch_private=true"), "{words}");
        assert!(of("acme/lobby", "files_require_token=false"), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn demo_env_is_whole_at_every_moment_and_true_after_every_start() {
    let mut installation = installed().await;
    let first = installation.env();
    let file = installation.data().join("demo.env");
    let done = Arc::new(AtomicBool::new(false));
    let watched = Arc::clone(&done);
    let watcher = std::thread::spawn(move || {
        while !watched.load(Ordering::SeqCst) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.ends_with("'\n") && text.lines().count() == 12, "torn: {text}");
        }
    });
    for _ in 0..5 {
        installation.kill();
        installation.start().await;
        assert_eq!(installation.env(), first);
    }
    done.store(true, Ordering::SeqCst);
    watcher.join().unwrap();

    let env = installation.env();
    assert_eq!(env["TIDINGS_URL"], installation.url());
    assert_eq!(format!("http://{}", env["TIDINGS_GRPC"]), installation.grpc_url());
    let agora = installation.agora().await;
    agora.register(&["ann"]).await;
    let lists = reqwest::Client::new().get(format!("{}/message/unread", installation.url()));
    let lists = lists.header("app_id", &env["TIDINGS_LANYING_APP_ID"]).header("user_id", "0");
    let lists = Reply::to(lists.header("access-token", &env["TIDINGS_LANYING_ADMIN_TOKEN"])).await;
    assert_eq!(lists.expect(200)["code"], 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn demo_env_is_true_on_another_database_too() {
    let mut installation = installed().await;
    let first = installation.env();
    assert_eq!(installation.stop().await, 0);
    for file in fs::read_dir(installation.data()).unwrap().map(|file| file.unwrap().path()) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        // The list too, or a start considers them lost.
        if name.contains(".sqlite") || name == "databases.txt" {
            fs::remove_file(file).unwrap();
        }
    }
    installation.start().await;
    assert_ne!(installation.env()["TIDINGS_CLIENT_SECRET"], first["TIDINGS_CLIENT_SECRET"]);
    installation.agora().await.register(&["ann"]).await;
}

#[tokio::test]
async fn a_restart_finds_everything() {
    let mut installation = installed().await;
    let agora = installation.agora().await;
    agora.register(&["ann", "bob"]).await;
    agora.send_text("ann", "bob", "one").await;
    let history = demo_history(&installation, "ann", "bob").await;
    assert_eq!(installation.stop().await, 0);
    installation.start().await;
    assert_eq!(demo_history(&installation, "ann", "bob").await, history);
    agora.send_text("bob", "ann", "two").await;
    let history = demo_history(&installation, "ann", "bob").await;
    assert_eq!(history.iter().map(text_of).collect::<Vec<_>>(), ["one", "two"]);
    agora.logged_in("ann").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_the_program_with_success_though_clients_stay_connected() {
    let mut installation = installed().await;
    let agora = installation.agora().await;
    agora.register(&["ann", "bob"]).await;
    demo_history(&installation, "ann", "bob").await;
    let (code, logged) = installation.stop_and_read().await;
    assert_eq!(code, 0, "{logged}");
    assert!(!logged.contains("in time"), "nothing had to be aborted: {logged}");
}

#[tokio::test]
async fn port_0_takes_a_free_port_and_tells_it() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["--data", folder.path().to_str().unwrap(), "--listen", "127.0.0.1:0", "--grpc-listen", "127.0.0.1:0"];
    let process = Process::start(&words.map(str::to_owned), &[]);
    wait_until("the program to greet", async || process.printed().contains("Tidings is ready")).await;
    let env = fs::read_to_string(folder.path().join("demo.env")).unwrap();
    let url = env.lines().find_map(|line| line.strip_prefix("TIDINGS_URL='")).unwrap().trim_end_matches('\'');
    assert!(!url.ends_with(":0"), "{url}");
    assert!(process.printed().contains(&format!("REST on {url},")), "{}", process.printed());
    assert!(reqwest::get(format!("{url}/readyz")).await.unwrap().status().is_success());
}

/// Runs a command that must succeed and returns its output.
pub fn run(installation: &Installation, words: &[&str]) -> String {
    let done = installation.command(words);
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Runs a command that must fail and returns its error output.
pub fn fail(installation: &Installation, words: &[&str]) -> String {
    let done = installation.command(words);
    assert_eq!(done.status.code(), Some(1), "{words:?}: {}", String::from_utf8_lossy(&done.stdout));
    String::from_utf8(done.stderr).unwrap()
}

fn value<'a>(shown: &'a str, name: &str) -> &'a str {
    shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t')).unwrap_or_else(|| panic!("{shown}"))
}

fn every_app_command(installation: &Installation, app: &str) {
    let made = run(installation, &["app", "create", app, "--sdk-appid", &format!("140{:07}", app.len())]);
    assert!(made.starts_with(&format!("{app}\tenabled\tapp_id ")), "{made}");
    assert_eq!(
        fail(installation, &["app", "create", app]),
        format!("tidings: app exists: {}\n", app.replace('/', "#"))
    );
    let beyond = fail(installation, &["app", "create", "bounds/app", "--sdk-appid", "2147483648"]);
    assert!(beyond.contains("sdk_appid must be from 1 to 2147483647"), "{beyond}");
    let listed = run(installation, &["app", "list"]);
    assert!(listed.contains(app) && listed.contains("demo/demo\tenabled"), "{listed}");
    let shown = run(installation, &["app", "show", app]);
    assert!(shown.starts_with(app) && !shown.contains("client_secret"), "{shown}");
    assert_eq!(run(installation, &["app", "show", app, "--secrets"]), made);

    let policy = run(installation, &["app", "set-policy", app, "max_recipients=3", "open_registration=true"]);
    assert!(policy.contains("max_recipients=3 ") && policy.contains("open_registration=true"), "{policy}");
    assert!(policy.contains("max_ext_bytes=3072"), "what is not named stays: {policy}");
    assert!(fail(installation, &["app", "set-policy", app, "max_recipients=601"]).contains("max_recipients"));
    assert!(fail(installation, &["app", "set-policy", app, "nonsense=1"]).contains("nonsense"));

    for (kind, name) in [("client", "client_secret"), ("certificate", "app_certificate")] {
        let rotated = run(installation, &["app", "rotate-secret", app, "--kind", kind]);
        assert_ne!(value(&rotated, name), value(&made, name), "{kind}");
        assert_eq!(value(&rotated, "client_id"), value(&made, "client_id"));
    }
    run(installation, &["app", "rotate-secret", app, "--kind", "token-key"]);

    let token = run(installation, &["app", "admin-token", "create", app, "--label", "desk"]);
    assert!(token.trim().len() > 20, "{token}");
    let tokens = run(installation, &["app", "admin-token", "list", app]);
    assert!(tokens.contains("in force") && tokens.contains("desk") && !tokens.contains(token.trim()), "{tokens}");
    let id = tokens.split('\t').next().unwrap();
    run(installation, &["app", "admin-token", "revoke", app, id, "--yes"]);
    assert!(run(installation, &["app", "admin-token", "list", app]).contains("revoked"));

    assert!(run(installation, &["app", "disable", app]).contains("disabled"));
    assert!(run(installation, &["app", "disable", app, "--undo"]).contains("enabled"));
    assert!(fail(installation, &["app", "delete", app]).contains("--yes"));
    run(installation, &["app", "delete", app, "--yes"]);
    assert!(fail(installation, &["app", "show", app]).contains("app not found"));
    assert!(!run(installation, &["app", "list"]).contains(app));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn app_commands_work_beside_a_running_server_and_without_one() {
    let mut installation = installed().await;
    every_app_command(&installation, "acme/lobby");
    run(&installation, &["app", "create", "acme/kept"]);
    installation.stop().await;
    every_app_command(&installation, "acme/saloon");
    let kept = run(&installation, &["app", "show", "acme/kept", "--secrets"]);
    installation.start().await;
    assert_eq!(run(&installation, &["app", "show", "acme/kept", "--secrets"]), kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_was_disabled_beside_the_server_is_refused_there() {
    let installation = installed().await;
    let agora = installation.agora().await;
    run(&installation, &["app", "disable", "demo/demo"]);
    wait_until("the server to hear of it", async || agora.get("/users").await.status.as_u16() == 403).await;
    run(&installation, &["app", "disable", "demo/demo", "--undo"]);
    wait_until("the server to hear of it", async || agora.get("/users").await.status.as_u16() == 200).await;
}

/// The output of doctor, and whether it succeeds.
fn doctor(installation: &Installation, settings: &[(&str, &str)]) -> (bool, String) {
    let mut command = std::process::Command::new(tidings_testkit::tidings_binary());
    command.args(["doctor", "--data"]).arg(installation.data());
    command.envs([("TIDINGS_LISTEN", "127.0.0.1:0"), ("TIDINGS_GRPC_LISTEN", "127.0.0.1:0")]);
    command.envs(settings.iter().copied());
    let done = command.output().unwrap();
    (done.status.success(), String::from_utf8(done.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_is_content_with_a_healthy_setup_running_or_not() {
    let mut installation = installed().await;
    let grpc = installation.grpc_url();
    let peers = ["DIRECTORY", "MESSAGE", "CONVERSATION"].map(|name| format!("TIDINGS_PEERS_{name}"));
    let peers: Vec<_> = peers.iter().map(|name| (name.as_str(), grpc.as_str())).collect();
    let (content, words) = doctor(&installation, &peers);
    assert!(content && !words.contains("WRONG") && words.contains("is served by a running process"), "{words}");
    installation.stop().await;
    let (content, words) = doctor(&installation, &[]);
    assert!(content && !words.contains("WRONG") && words.contains("is free"), "{words}");
}

#[tokio::test]
async fn doctor_names_what_is_wrong() {
    let mut installation = installed().await;
    installation.stop().await;
    let key = installation.data().join("data.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let (content, words) = doctor(&installation, &[]);
    assert!(!content && words.contains(&format!("chmod 600 {}", key.display())), "{words}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();

    let nowhere = tidings_testkit::free_address();
    let (content, words) = doctor(&installation, &[("TIDINGS_PEERS_MESSAGE", &format!("http://{nowhere}"))]);
    assert!(!content && words.contains(&format!("WRONG  message service: http://{nowhere}: no connection")), "{words}");

    let url = format!("postgres://tidings:hidden@{nowhere}/tidings");
    let (content, words) = doctor(&installation, &[("TIDINGS_DATABASE_URL", &url)]);
    assert!(!content && words.contains("WRONG  database: ") && words.contains("refused"), "{words}");
    assert!(!words.contains("hidden"), "{words}");

    let (content, words) = doctor(&installation, &[("TIDINGS_LISTEN", "8080")]);
    assert!(!content && words.contains("listen must be address:port"), "{words}");

    let (content, words) = doctor(&installation, &[("TIDINGS_TELEMETRY_LOG", "inof")]);
    assert!(!content && words.contains("telemetry.log must be a log filter") && words.contains("inof"), "{words}");

    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let (content, words) = doctor(&installation, &[("TIDINGS_LISTEN", &taken)]);
    assert!(!content && words.contains(&format!("WRONG  listen: another program listens at {taken}")), "{words}");
    let (content, words) = doctor(&installation, &[("TIDINGS_GRPC_LISTEN", "192.0.2.1:9090")]);
    assert!(!content && words.contains("WRONG  grpc_listen: 192.0.2.1:9090 cannot be used"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_times_the_disk_and_asks_the_file_store_and_the_clocks() {
    let mut installation = installed().await;
    installation.stop().await;
    let (content, words) = doctor(&installation, &[]);
    assert!(content && words.contains(" disk: "), "{words}");

    let settings = Bucket::shared().settings();
    let mut settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (content, words) = doctor(&installation, &settings);
    assert!(content && words.contains("ok     file store: answers"), "{words}");
    settings.push(("TIDINGS_FILES_S3_SECRET_ACCESS_KEY", "another"));
    let (content, words) = doctor(&installation, &settings);
    assert!(!content && words.contains("WRONG  file store: ") && words.contains("files.s3_access_key_id"), "{words}");

    let database = fresh_database().await;
    let (_, words) = doctor(&installation, &[("TIDINGS_DATABASE_URL", &database)]);
    assert!(words.contains("ok     database's clock: shows the same time"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_demo_commands_can_be_pasted() {
    let installation = installed().await;
    let printed = installation.process().printed();
    let commands = printed.split_once("\n\n").unwrap().1;
    assert!(commands.starts_with(". "), "{printed}");
    let done = std::process::Command::new("bash").arg("-c").arg(commands).output().unwrap();
    let (said, complaints) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    assert_eq!(complaints, "");
    let answers: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{said}"))).collect();
    let [users, sent, read, unread, acknowledged, none] = answers.as_slice() else { panic!("{said}") };
    let names: Vec<_> = users["entities"].as_array().unwrap().iter().map(|user| &user["username"]).collect();
    assert_eq!(names, ["ann", "bob"]);
    let msg_id: i64 = sent["data"]["bob"].as_str().unwrap().parse().unwrap();
    assert_eq!(read["data"]["messages"][0]["msg_id"], msg_id);
    assert_eq!(read["data"]["messages"][0]["content"], "hello, bob");
    assert_eq!(unread["data"][0]["num"], 1);
    assert_eq!(acknowledged["code"], 200);
    assert_eq!(none["data"][0]["num"], 0);
}
