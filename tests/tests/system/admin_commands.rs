//! The commands for apps: which server they call, with which key, what they ask before, and what they leave alone.

use std::{fs, path::Path, sync::Arc};

use serde_json::Value;
use tidings_store::sqlx::{
    self, AssertSqlSafe, Connection as _, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions,
};
use tidings_testkit::{Installation, Process, Shape, Suite, TestApp, fresh_database, wait_until};

use crate::data_folder::{fail, installed, run};

const KEY: &str = "c0nfigured-c0nfigured-c0nfigured";

/// Commands for the directory, the callback service and the message service.
async fn work_beside(installation: &Installation) {
    assert!(run(installation, &["app", "list"]).contains("demo/demo"));
    assert_eq!(run(installation, &["callback", "list", "--app", "demo/demo"]), "");
    let agora = installation.agora().await;
    agora.register(&["ann", "bob"]).await;
    let msg_id = agora.send_text("ann", "bob", "m").await;
    let recall = ["message", "recall", "--app", "demo/demo", "--msg-id", &msg_id, "--yes"];
    assert_eq!(run(installation, &recall), format!("{msg_id}\trecalled\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_call_the_running_server_with_the_configured_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("service-key");
    fs::write(&file, format!("{KEY}\n")).unwrap();
    let postgres = fresh_database().await;
    // As in compose.minimal.yml.
    let minimal = [
        ("TIDINGS_DATABASE_URL", postgres.as_str()),
        ("TIDINGS_SERVICE_KEY_FILE", file.to_str().unwrap()),
        ("TIDINGS_DATA_KEY", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"),
    ];
    for settings in [&[("TIDINGS_SERVICE_KEY", KEY)][..], &minimal] {
        let mut installation = Installation::default();
        for (name, value) in settings {
            installation.set(name, value);
        }
        installation.start().await;
        assert!(!installation.data().join("service.key").exists(), "a configured key is not written");
        work_beside(&installation).await;
        // A key that was left behind by an earlier start does not count.
        fs::write(installation.data().join("service.key"), "0".repeat(64)).unwrap();
        work_again(&installation);
    }
}

fn work_again(installation: &Installation) {
    assert!(run(installation, &["app", "list"]).contains("demo/demo"));
    assert_eq!(run(installation, &["callback", "list", "--app", "demo/demo"]), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_says_what_keeps_it_from_calling_a_server() {
    let installation = installed().await;
    fs::remove_file(installation.data().join("service.key")).unwrap();
    let said = fail(&installation, &["callback", "list", "--app", "demo/demo"]);
    assert!(
        said.contains("service_key is required to call a server, and data ") && said.contains("service.key"),
        "{said}"
    );
    assert!(said.contains("set TIDINGS_SERVICE_KEY or TIDINGS_SERVICE_KEY_FILE"), "{said}");

    let idle = Installation::default();
    let said = fail(&idle, &["callback", "list", "--app", "demo/demo"]);
    assert!(said.contains("a running server is required, but none has run on the data folder"), "{said}");
    assert!(said.contains("or name one with --server"), "{said}");
    let said = fail(&idle, &["app", "list", "--server", "somewhere"]);
    assert_eq!(said, "tidings: --server must be HOST:PORT or a URL, but is somewhere\n");
}

/// The only object that a command prints.
fn object(installation: &Installation, words: &[&str]) -> Value {
    serde_json::from_str(&run(installation, &[words, &["--json"]].concat())).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_works_at_the_door_of_a_gateway() {
    let app = TestApp::of(Arc::new(Suite::start(Shape::Split).await)).await;
    let folder = tempfile::tempdir().unwrap();
    let far = Installation::at(&folder.path().join("data")).with("TIDINGS_SERVICE_KEY", app.suite.service_key());
    let door = app.suite.door_address();
    let at_door = |words: &str| words.split(' ').chain(["--server", &door]).map(str::to_owned).collect::<Vec<_>>();
    let run = |words: &str| run(&far, &at_door(words).iter().map(String::as_str).collect::<Vec<_>>());
    let object = |words: &str| object(&far, &at_door(words).iter().map(String::as_str).collect::<Vec<_>>());

    let created = object("app create --app far/away");
    assert_eq!(object("app show --app far/away --secrets")["client_secret"], created["client_secret"]);
    assert!(run("app list").contains("far/away"));
    assert_eq!(object("app set-policy --app far/away max_groups=7")["policy"]["max_groups"], 7);
    assert!(run("app policies --app far/away").contains("max_groups\t7\t3\t"));
    assert_ne!(object("app rotate-secret --app far/away")["client_secret"], created["client_secret"]);
    let key = object("app key create --app far/away --name crm --scopes read");
    assert!(run("app key list --app far/away").contains("crm"));
    assert_eq!(run(&format!("app key revoke --app far/away {} --yes", key["id"])), format!("{}\trevoked\n", key["id"]));
    let token = object("app admin-token create --app far/away --label ops");
    assert!(run("app admin-token list --app far/away").contains("ops"));
    run(&format!("app admin-token revoke --app far/away {} --yes", token["id"]));

    let words = folder.path().join("words.txt");
    fs::write(&words, "casino\n").unwrap();
    run(&format!("words set --app far/away --list spam {}", words.display()));
    assert_eq!(run("words list --app far/away"), "spam\trefuse\t1 words\n");
    assert_eq!(run("words show --app far/away --list spam"), "casino\n");
    assert_eq!(run("words remove --app far/away --list spam --yes"), "spam\tremoved\n");
    let hook = object("hook add --app far/away --form agora --url https://app.example/before");
    assert!(run("hook list --app far/away").contains("app.example"));
    run(&format!("hook remove --app far/away {} --yes", hook["id"]));

    let endpoint = object("callback add --app far/away --dialect tencent --url https://app.example/im")["id"].clone();
    assert!(run("callback list --app far/away").contains("app.example"));
    assert_eq!(object(&format!("callback pause --app far/away {endpoint}"))["state"], "paused");
    assert_eq!(object(&format!("callback resume --app far/away {endpoint}"))["state"], "active");
    assert!(object(&format!("callback rotate --app far/away {endpoint}"))["secret"].is_string());
    assert_eq!(run("callback deliveries --app far/away"), "");
    assert!(run("callback explain --app far/away 7").contains("no delivery"));
    assert_eq!(run("callback replay --app far/away"), "0\treplayed\n");
    assert_eq!(run(&format!("callback remove --app far/away {endpoint} --yes")), format!("{endpoint}\tremoved\n"));

    let agora = app.agora();
    agora.register(&["ann", "bob"]).await;
    let msg_id = agora.send_text("ann", "bob", "m").await;
    let name = format!("{}/{}", app.app().org, app.app().name);
    let recalled = run(&format!("message recall --app {name} --msg-id {msg_id} --yes"));
    assert_eq!(recalled, format!("{msg_id}\trecalled\n"));

    assert_eq!(object("app disable --app far/away")["enabled"], false);
    run("app delete --app far/away --yes");
    assert!(!run("app list").contains("far/away"));
    let ready = far.command(&["ready", "--server", &door]);
    assert!(ready.status.success(), "{}", String::from_utf8_lossy(&ready.stderr));
    // As older scripts have it.
    let url = format!("http://{door}");
    assert!(crate::data_folder::run(&far, &["app", "show", &name, "--grpc", &url]).starts_with(&name));
    assert!(!far.data().exists(), "nothing is opened here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_undone_is_confirmed() {
    let installation = installed().await;
    let of = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let run = |words: &str| run(&installation, &of(words).iter().map(String::as_str).collect::<Vec<_>>());
    let file = installation.data().join("words.txt");
    fs::write(&file, "casino\n").unwrap();
    run(&format!("words set --app demo/demo --list spam {}", file.display()));
    run("hook add --app demo/demo --form agora --url https://app.example/before");
    run("callback add --app demo/demo --dialect tencent --url https://app.example/im");
    run("app key create --app demo/demo --name crm --scopes read");
    let token = run("app admin-token list --app demo/demo");
    let token = token.split('\t').next().unwrap();
    let agora = installation.agora().await;
    agora.register(&["ann", "bob"]).await;
    let msg_id = agora.send_text("ann", "bob", "m").await;
    let revoke = format!("app admin-token revoke --app demo/demo {token}");
    let revoked = format!("admin token {token} of app demo/demo is revoked");
    let recall = format!("message recall --app demo/demo --msg-id {msg_id}");
    let recalled = format!("message {msg_id} is recalled for everybody");
    let all = [
        ("words remove --app demo/demo --list spam", "word list spam of app demo/demo is removed"),
        ("hook remove --app demo/demo 1", "hook 1 of app demo/demo is removed"),
        ("callback remove --app demo/demo 1", "endpoint 1 of app demo/demo is removed with everything queued for it"),
        ("app key revoke --app demo/demo 1", "key 1 of app demo/demo is revoked"),
        (revoke.as_str(), revoked.as_str()),
        (recall.as_str(), recalled.as_str()),
        ("app delete --app demo/demo", "app demo/demo is deleted with everything in it"),
    ];
    for (words, what) in all {
        // Nobody is asked where there is no terminal, whatever is on standard input.
        let refused = installation.command_with_input(&words.split(' ').collect::<Vec<_>>(), "");
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(said, format!("tidings: --yes is required without a terminal: {what}, for good\n"), "{words}");
        assert_eq!(refused.status.code(), Some(1), "{words}");
    }
    for (words, _) in all {
        run(&format!("{words} --yes"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signing_secret_comes_from_a_file_or_from_standard_input() {
    let installation = installed().await;
    let file = installation.data().join("token.txt");
    fs::write(&file, "s3cret\n").unwrap();
    let callback = ["callback", "add", "--app", "demo/demo", "--dialect", "agora", "--url", "https://app.example/im"];
    let hook = ["hook", "add", "--app", "demo/demo", "--form", "agora", "--url", "https://app.example/before"];
    for add in [callback, hook] {
        assert!(
            run(&installation, &[&add[..], &["--token-file", file.to_str().unwrap()]].concat()).contains("\ttoken")
        );
        let done = installation.command_with_input(&[&add[..], &["--token-file", "-"]].concat(), "s3cret");
        assert!(String::from_utf8_lossy(&done.stdout).contains("\ttoken"), "{}", String::from_utf8_lossy(&done.stderr));
        let said = fail(&installation, &[&add[..], &["--token-file", "/nowhere"]].concat());
        assert!(said.starts_with("tidings: file /nowhere cannot be read: "), "{said}");
        let done = installation.command_with_input(&[&add[..], &["--token-file", "-"]].concat(), "one\ntwo\n");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(said, "tidings: --token-file must name a file of exactly one line\n");
    }
}

const FORGET: &str = "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";
const KNOWN: &str = "select count(*) from _sqlx_migrations";

async fn opened(data: &Path) -> SqliteConnection {
    let file = SqliteConnectOptions::new().filename(data.join("directory.sqlite"));
    SqliteConnection::connect_with(&file).await.unwrap()
}

async fn forget(data: &Path) -> i64 {
    let mut db = opened(data).await;
    sqlx::query(FORGET).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    known(data).await
}

async fn known(data: &Path) -> i64 {
    let mut db = opened(data).await;
    let known = sqlx::query_scalar(KNOWN).fetch_one(&mut db).await.unwrap();
    db.close().await.unwrap();
    known
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_leave_tables_of_an_older_version_as_they_are() {
    const SAID: [&str; 3] =
        ["lack 1 migrations of this version", "use that version's commands", "run `tidings migrate`"];
    let mut installation = installed().await;
    installation.stop().await;
    let before = forget(installation.data()).await;
    let said = fail(&installation, &["app", "list"]);
    assert!(SAID.iter().all(|part| said.contains(part)), "{said}");
    assert_eq!(known(installation.data()).await, before);

    // Processes of the split shape hold no data folder: one serves, and a command of another version comes.
    let url = fresh_database().await;
    let settings = [
        ("TIDINGS_DATABASE_URL", url.as_str()),
        ("TIDINGS_SERVICE_KEY", KEY),
        ("TIDINGS_DATA_KEY", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"),
    ];
    let mut command = Installation::default();
    for (name, value) in settings {
        command.set(name, value);
    }
    // A database without tables gets them, as before.
    run(&command, &["app", "create", "--app", "acme/lobby"]);
    let address = tidings_testkit::free_address();
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let _server = Process::start(&["directory", "--grpc-listen", &address].map(str::to_owned), &settings);
    let ready = format!("http://{address}");
    wait_until("the directory to be ready", async || tidings_testkit::is_ready(&ready).await).await;
    let mut db = PgConnection::connect(&url).await.unwrap();
    let on = |sql: &str| AssertSqlSafe(sql.replace("_sqlx_migrations", "tidings_directory._sqlx_migrations"));
    sqlx::query(on(FORGET)).execute(&mut db).await.unwrap();
    let before: i64 = sqlx::query_scalar(on(KNOWN)).fetch_one(&mut db).await.unwrap();
    let said = fail(&command, &["app", "list"]);
    assert!(SAID.iter().all(|part| said.contains(part)), "{said}");
    let after: i64 = sqlx::query_scalar(on(KNOWN)).fetch_one(&mut db).await.unwrap();
    assert_eq!(after, before);
    // The server itself can be asked.
    assert!(run(&command, &["app", "list", "--server", &address]).contains("acme/lobby"));
}
