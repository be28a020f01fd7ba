//! A failing start says what is wrong and how to fix it, and shows no secret.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

use tidings_store::sqlx::{self, AssertSqlSafe, Connection as _, PgConnection};
use tidings_testkit::{Bucket, Process, free_address, fresh_database, tidings_binary, wait_until};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

const SECRET: &str = "s3cr3t-s3cr3t-s3cr3t";
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Runs the program until it exits, in a folder of its own, with free loopback ports.
pub(super) fn run(folder: &Path, words: &[&str], settings: &[(&str, &str)]) -> Output {
    // A program that starts although it must not is killed.
    let mut command = Command::new("timeout");
    command.arg("30").arg(tidings_binary()).args(words).current_dir(folder);
    command.env("TIDINGS_LISTEN", "127.0.0.1:0").env("TIDINGS_GRPC_LISTEN", "127.0.0.1:0");
    command.envs(settings.iter().copied()).output().unwrap()
}

/// The error output of a start that must fail.
pub(super) fn complaint(folder: &Path, words: &[&str], settings: &[(&str, &str)]) -> String {
    let done = run(folder, words, settings);
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{words:?} {settings:?}: {said}");
    let last = said.lines().find(|line| line.starts_with("tidings: ")).unwrap_or_else(|| panic!("{said}")).to_owned();
    assert!(!last.contains("internal") && !said.contains(SECRET), "{words:?} {settings:?}: {said}");
    last
}

pub(super) fn assert_says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
}

/// A role on a database with every setting that it needs.
pub(super) fn role<'a>(url: &'a str, others: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let data_key = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
    let needed = [("TIDINGS_DATABASE_URL", url), ("TIDINGS_SERVICE_KEY", KEY), ("TIDINGS_DATA_KEY", data_key)];
    needed
        .into_iter()
        .filter(|(name, _)| others.iter().all(|(other, _)| other != name))
        .chain(others.to_vec())
        .collect()
}

/// Arguments, settings, and the expected error.
type Row<'a> = (&'a [&'a str], Vec<(&'a str, &'a str)>, &'a [&'a str]);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_setting_that_keeps_a_role_from_starting_is_named_with_what_helps() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let url = fresh_database().await;
    let peer = "http://127.0.0.1:1";
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    fs::write(at.join("bad.toml"), "data = \"d\"\n[appender]\nqueue = \"many\"\n").unwrap();
    fs::write(at.join("typo.toml"), format!("[database]\nuri = \"{SECRET}\"\n")).unwrap();
    fs::write(at.join("short.key"), "short\n").unwrap();
    let config = |name: &str| at.join(name).display().to_string();
    let (bad, typo, short) = (config("bad.toml"), config("typo.toml"), config("short.key"));
    let long_secret = format!("postgres://u:{SECRET}@127.0.0.1:1/d?sslmode=often");
    let refused_url = format!("postgres://u:{SECRET}@127.0.0.1:1/chat");

    let other_bus = format!("amqp://u:{SECRET}@127.0.0.1:1");
    let half_bus = format!("nats://{SECRET}@127.0.0.1:1");

    let table: [Row<'_>; 28] = [
        (
            &["directory"],
            vec![],
            &["database.url is required by `tidings directory`", "TIDINGS_DATABASE_URL", "tidings serve"],
        ),
        (&["file"], vec![], &["database.url is required by `tidings file`"]),
        (&["message"], vec![], &["database.url is required by `tidings message`"]),
        (&["conversation"], vec![], &["database.url is required by `tidings conversation`"]),
        (&["callback"], vec![], &["database.url is required by `tidings callback`"]),
        (
            &["gateway"],
            vec![("TIDINGS_SERVICE_KEY", KEY)],
            &["peers.directory is required by `tidings gateway`", "TIDINGS_PEERS_DIRECTORY"],
        ),
        (&["message"], role(&url, &[]), &["peers.directory is required by `tidings message`"]),
        (
            &["message"],
            role(&url, &[("TIDINGS_PEERS_DIRECTORY", peer)]),
            &["peers.file is required by `tidings message`"],
        ),
        (&["conversation"], role(&url, &[("TIDINGS_PEERS_DIRECTORY", peer)]), &["peers.message is required"]),
        (
            &["directory"],
            role(&url, &[("TIDINGS_PEERS_DIRECTORY", "directory:9090")]),
            &["peers.directory must be http://host:port"],
        ),
        (
            &["directory"],
            role(&url, &[("TIDINGS_BUS_URL", &other_bus)]),
            &["bus.url must start with nats:// or tls://, such as nats://tidings:password@"],
        ),
        (
            &["directory"],
            role(&url, &[("TIDINGS_BUS_URL", &half_bus)]),
            &["bus.url has a user without a password", "nats://user:password@host:4222"],
        ),
        (&["directory"], role(&url, &[("TIDINGS_SERVICE_KEY", "short")]), &["service_key must be at least 16"]),
        (&["directory"], role(&url, &[("TIDINGS_SERVICE_KEY_FILE", &short)]), &["service_key must be at least 16"]),
        (&["directory"], role(&url, &[("TIDINGS_DATA_KEY", "5a")]), &["data_key must be 64 hex digits", "backup"]),
        (
            &["directory"],
            role(&url, &[("TIDINGS_DATA_KEY_FILE", "/nowhere/key")]),
            &["TIDINGS_DATA_KEY_FILE names the file /nowhere/key, which cannot be read"],
        ),
        (
            &["directory"],
            role(&url, &[("TIDINGS_GRPC_LISTEN", &taken)]),
            &["grpc_listen cannot be", &taken, "in use", "--grpc-listen"],
        ),
        (&["serve"], vec![("TIDINGS_LISTEN", &taken)], &["listen cannot be", "in use", "(--listen)"]),
        (&["serve"], vec![("TIDINGS_LISTEN", "192.0.2.1:0")], &["listen cannot be 192.0.2.1:0", "0.0.0.0"]),
        (
            &["serve"],
            vec![("TIDINGS_METRICS_LISTEN", &taken)],
            &["metrics_listen cannot be", "in use", "(--metrics-listen)"],
        ),
        (&["serve"], vec![("TIDINGS_METRICS_LISTEN", "on")], &["metrics_listen must be address:port"]),
        (&["serve", "--config", &bad], vec![], &["bad.toml, line 3: appender.queue cannot be read"]),
        (
            &["serve", "--config", &typo],
            vec![],
            &["typo.toml, line 2: database.uri is not a setting: did you mean database.url?"],
        ),
        (&["serve", "--config", "/nowhere.toml"], vec![], &["file /nowhere.toml cannot be read", "--config"]),
        (
            &["serve"],
            vec![("TIDINGS_DATABSE_URL", SECRET)],
            &["TIDINGS_DATABSE_URL in the environment is not a setting: did you mean TIDINGS_DATABASE_URL?"],
        ),
        (&["serve"], vec![("TIDINGS_TELEMETRY_LOG", "[[")], &["telemetry.log must be a log filter"]),
        (
            &["directory"],
            role(&long_secret, &[]),
            &["database.url cannot be read", "postgres://user:password@host:port/database"],
        ),
        (
            &["directory"],
            role(&refused_url, &[]),
            &["database.url postgres://u@127.0.0.1:1/chat cannot be reached", "refused", "start the server"],
        ),
    ];
    for (words, settings, parts) in table {
        assert_says(&complaint(at, words, &settings), parts);
    }
    assert!(fs::read_dir(at).unwrap().all(|entry| !entry.unwrap().file_name().to_string_lossy().ends_with(".sqlite")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_database_refuses_is_told_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let url = fresh_database().await;
    let mut admin = PgConnection::connect(&url).await.unwrap();
    for role in ["tidings_locked login password 'right'", "tidings_guest login"] {
        let make =
            format!("do $$ begin create role {role}; exception when duplicate_object or unique_violation then end $$");
        sqlx::query(AssertSqlSafe(make)).execute(&mut admin).await.unwrap();
    }
    let as_user = |user: &str| url.replacen("postgres@", &format!("{user}@"), 1);
    let database = url.rsplit_once('/').unwrap().1;
    let said = complaint(folder.path(), &["directory"], &role(&as_user(&format!("tidings_locked:{SECRET}")), &[]));
    assert_says(
        &said,
        &["database.url postgres://tidings_locked@", "password authentication failed", "correct the password"],
    );
    let said = complaint(folder.path(), &["directory"], &role(&url.replace(database, "nowhere"), &[]));
    assert_says(&said, &["/nowhere refuses", "does not exist", "createdb nowhere"]);
    let said = complaint(folder.path(), &["directory"], &role(&as_user("tidings_nobody"), &[]));
    assert_says(&said, &["database.url postgres://tidings_nobody@", "does not exist"]);
    let said = complaint(folder.path(), &["migrate"], &role(&as_user("tidings_guest"), &[]));
    assert_says(&said, &["permission denied", &format!("grant create on database {database} to tidings_guest")]);
    let said = complaint(folder.path(), &["directory"], &role(&format!("{url}?sslmode=require"), &[]));
    assert_says(&said, &["does not speak TLS as sslmode in the URL demands"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_are_behind_or_ahead_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let url = fresh_database().await;
    let skip = role(&url, &[("TIDINGS_DATABASE_SKIP_MIGRATIONS", "true")]);
    let said = complaint(folder.path(), &["directory"], &skip);
    assert_says(&said, &["the tables of directory", "lack", "run `tidings migrate`"]);

    assert!(run(folder.path(), &["migrate"], &role(&url, &[])).status.success());
    let mut admin = PgConnection::connect(&url).await.unwrap();
    let ahead = "insert into tidings_directory._sqlx_migrations
        (version, description, installed_on, success, checksum, execution_time)
        select 9999, 'later', now(), true, checksum, 0 from tidings_directory._sqlx_migrations where version = 1";
    sqlx::query(ahead).execute(&mut admin).await.unwrap();
    for command in ["directory", "migrate"] {
        let said = complaint(folder.path(), &[command], &role(&url, &[]));
        assert_says(&said, &["tables of directory", "of a newer version of tidings (step 9999", "run that version"]);
    }
}

#[test]
fn a_data_folder_that_cannot_be_used_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("file"), "").unwrap();
    assert_says(&complaint(at, &["serve", "--data", "file"], &[]), &["data folder file cannot be used", "--data"]);
    for (name, text, parts) in [
        ("service.key", "", ["service_key in ", "restore the file, or remove it"]),
        ("data.key", "5a", ["data_key in ", "must be 64 hex digits: restore it from a backup"]),
        (
            "directory.sqlite",
            "this is no database, whatever its name may say of it: far from it",
            ["directory.sqlite cannot be used", "backup"],
        ),
    ] {
        let data = at.join(format!("data-{name}"));
        fs::create_dir(&data).unwrap();
        fs::write(data.join(name), text).unwrap();
        for file in fs::read_dir(&data).unwrap() {
            fs::set_permissions(file.unwrap().path(), fs::Permissions::from_mode(0o600)).unwrap();
        }
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        assert_says(&complaint(at, &["serve", "--data", data.to_str().unwrap()], &[]), &parts);
    }
    assert_says(
        &complaint(at, &["serve"], &[("TIDINGS_FILES_FOLDER", "/proc/files")]),
        &["files.folder folder /proc/files cannot be used", "name another with files.folder"],
    );
}

#[test]
fn a_store_that_cannot_be_used_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let right = Bucket::shared().settings();
    let with = |name: &str, value: &str| {
        let name = format!("TIDINGS_FILES_S3_{name}");
        let changed =
            right.iter().map(|(known, old)| (known.clone(), if *known == name { value } else { old }.to_owned()));
        changed.collect::<Vec<_>>()
    };
    let nowhere = format!("http://{}", free_address());
    for (settings, parts) in [
        (with("BUCKET", "nowhere"), vec!["files.s3_bucket cannot be used", "no such bucket"]),
        (with("SECRET_ACCESS_KEY", SECRET), vec!["files.s3_bucket cannot be used", "correct files.s3_access_key_id"]),
        (with("ENDPOINT", &nowhere), vec!["files.s3_bucket cannot be used", "start the store"]),
        (with("ENDPOINT", "minio:9000"), vec!["files.s3_endpoint must start with http:// or https://"]),
        (with("BUCKET", ""), vec!["files.s3_bucket is required with files.s3_endpoint"]),
        (with("ACCESS_KEY_ID", ""), vec!["files.s3_access_key_id is required with files.s3_bucket"]),
    ] {
        let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_says(&complaint(folder.path(), &["serve"], &settings), &parts);
    }
}

/// No certificates, as in an image without the package.
const BARE: [(&str, &str); 2] = [("SSL_CERT_FILE", "/nowhere.pem"), ("SSL_CERT_DIR", "/nowhere")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_ca_certificates_everything_starts_that_does_not_need_them() {
    let folder = tempfile::tempdir().unwrap();
    let s3 = [
        ("TIDINGS_FILES_S3_BUCKET", "files"),
        ("TIDINGS_FILES_S3_ENDPOINT", "https://127.0.0.1:1"),
        ("TIDINGS_FILES_S3_ACCESS_KEY_ID", "id"),
        ("TIDINGS_FILES_S3_SECRET_ACCESS_KEY", SECRET),
    ];
    let said = complaint(folder.path(), &["serve"], &[&BARE[..], &s3].concat());
    assert_says(&said, &["files.s3_endpoint cannot be used", "CA certificates", "ca-certificates"]);

    let mut settings: Vec<_> = BARE.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    settings.extend(Bucket::shared().settings());
    let data = folder.path().join("data").display().to_string();
    let words = ["serve", "--data", &data, "--listen", "127.0.0.1:0", "--grpc-listen", "127.0.0.1:0"];
    let mut process = Process::start(&words.map(str::to_owned), &settings);
    wait_until("the program to greet", async || {
        assert_eq!(process.ended(), None, "{}", process.logged());
        process.printed().contains("Tidings is ready")
    })
    .await;
    wait_until("the warning to be written", async || process.logged().contains("has no CA certificates")).await;
    assert_says(&process.logged(), &["WARN", "only http URLs are called"]);
}

/// A server that claims to speak TLS and then fails the handshake: plaintext is forwarded to the real
/// one.
async fn broken_tls_in_front_of(server: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let server = server.clone();
            tokio::spawn(async move {
                const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
                let mut first = [0; 8];
                client.read_exact(&mut first).await?;
                if first == SSL_REQUEST {
                    client.write_all(b"S").await?;
                    // A fatal alert: protocol_version.
                    client.write_all(&[21, 3, 1, 0, 2, 2, 70]).await?;
                    return client.shutdown().await;
                }
                let mut server = TcpStream::connect(server).await?;
                server.write_all(&first).await?;
                copy_bidirectional(&mut client, &mut server).await.map(drop)
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sslmode_prefer_and_allow_fall_back_as_libpq_does() {
    let folder = tempfile::tempdir().unwrap();
    let url = fresh_database().await;
    let (server, database) = url.strip_prefix("postgres://postgres@").unwrap().split_once('/').unwrap();
    let port = broken_tls_in_front_of(server.to_owned()).await;
    let migrate = |at: &str, mode: &str| {
        let url = format!("postgres://postgres@{at}/{database}?sslmode={mode}");
        let settings = [("TIDINGS_DATABASE_URL", url.as_str())];
        let done = run(folder.path(), &["migrate"], &settings);
        (done.status.success(), String::from_utf8(done.stderr).unwrap())
    };
    for at in [server.to_owned(), format!("127.0.0.1:{port}")] {
        for mode in ["disable", "allow", "prefer"] {
            let (at, mode_of) = (at.clone(), mode);
            let (done, said) = tokio::task::block_in_place(|| migrate(&at, mode_of));
            assert!(done, "{at} {mode}: {said}");
        }
        for mode in ["require", "verify-full"] {
            let (done, said) = tokio::task::block_in_place(|| migrate(&at, mode));
            assert!(!done && said.contains("database.url"), "{at} {mode}: {said}");
        }
    }
}

#[test]
fn a_reader_that_has_seen_enough_of_a_commands_output_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert!(run(folder.path(), &["doctor", "--data", data.to_str().unwrap()], &[]).stdout.len() > 100);
    // The pipe is closed before the first line is written.
    let script = "exec 3>&2; { \"$0\" doctor --data \"$1\" 2>&3; } | :";
    let done = Command::new("sh").args(["-c", script]).arg(tidings_binary()).arg(&data).output().unwrap();
    assert_eq!(String::from_utf8(done.stderr).unwrap(), "");
    let mut full = Command::new("sh");
    full.args(["-c", "\"$0\" doctor --data \"$1\" >/dev/full"]).arg(tidings_binary()).arg(&data);
    let done = full.output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert_says(&String::from_utf8(done.stderr).unwrap(), &["tidings: the output cannot be written"]);
}
