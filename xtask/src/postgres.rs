//! A throw-away PostgreSQL: found or installed, started on a free loopback port, removed with its [`Keeper`].

use std::{
    env,
    fs::{self, File},
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::keeper::Keeper;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Besides what the tests need: durability as in production, since the kill tests depend on it.
const SETTINGS: [&str; 4] = ["fsync=on", "synchronous_commit=on", "max_connections=300", "listen_addresses=127.0.0.1"];

/// Starts a server that trusts all users on loopback, and returns its URL.
pub fn start(keeper: &mut Keeper) -> Result<String, String> {
    let binaries = find_or_install()?;
    let user = server_user()?;
    let home = keeper.folder().join("postgres");
    let data = home.join("data");
    fs::create_dir(&home).map_err(|error| format!("{} cannot be made: {error}", home.display()))?;
    if let Some(User { uid, gid }) = user {
        chown(&home, Some(uid), Some(gid)).map_err(|error| format!("{}: {error}", home.display()))?;
    }
    let as_user = |program: &str| {
        let mut command = Command::new(binaries.join(program));
        command.current_dir(&home).env("LC_ALL", "C").arg("-D").arg(&data);
        if let Some(User { uid, gid }) = user {
            command.uid(uid).gid(gid);
        }
        command
    };

    let log = home.join("log");
    let written = || fs::read_to_string(&log).unwrap_or_default();
    let mut initdb = as_user("initdb");
    initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    log_to(&mut initdb, &log)?;
    if keeper.run(&mut initdb)? != 0 {
        return Err(format!("initdb failed:\n{}", written()));
    }
    ask_one_for_a_password(&data.join("pg_hba.conf"))?;
    // Another process may take the port between our finding it free and the server's binding it: then another one is
    // tried.
    for _ in 0..3 {
        let port = free_port()?;
        let mut server = as_user("postgres");
        server.arg("-p").arg(port.to_string());
        server.arg("-c").arg(format!("unix_socket_directories={}", home.display()));
        for setting in SETTINGS {
            server.args(["-c", setting]);
        }
        log_to(&mut server, &log)?;
        let pid_file = data.join("postmaster.pid");
        keeper.serve(&mut server, &pid_file).map_err(|error| format!("postgres cannot be started: {error}"))?;
        if wait_until_ready(keeper, &pid_file)? {
            return Ok(format!("postgres://postgres@127.0.0.1:{port}/postgres"));
        }
    }
    Err(format!("PostgreSQL does not start:\n{}", written()))
}

/// All users are trusted except `tidings_locked`, with whom the tests check the error for a wrong password.
fn ask_one_for_a_password(rules: &Path) -> Result<(), String> {
    let fault = |error: std::io::Error| format!("{}: {error}", rules.display());
    let trusting = fs::read_to_string(rules).map_err(fault)?;
    fs::write(rules, format!("host all tidings_locked 127.0.0.1/32 scram-sha-256\n{trusting}")).map_err(fault)
}

fn log_to(command: &mut Command, log: &Path) -> Result<(), String> {
    let fault = |error: std::io::Error| format!("{}: {error}", log.display());
    let file = File::options().create(true).append(true).open(log).map_err(fault)?;
    command.stdout(file.try_clone().map_err(fault)?).stderr(file);
    Ok(())
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("no free port on 127.0.0.1: {error}"))
}

/// The server writes its state to the eighth line of its pid file, which `pg_ctl` reads too.
fn wait_until_ready(keeper: &mut Keeper, pid_file: &Path) -> Result<bool, String> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if keeper.server_ended() {
            return Ok(false);
        }
        let state = fs::read_to_string(pid_file).unwrap_or_default();
        if state.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
            return Ok(true);
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err(format!("PostgreSQL is not ready after {} seconds", PATIENCE.as_secs()))
}

/// A user of the system.
#[derive(Debug, Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

/// PostgreSQL refuses to run as root; other users run it as themselves.
fn server_user() -> Result<Option<User>, String> {
    if !is_root()? {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        let entry = output(Command::new("getent").args(["passwd", name])).unwrap_or_default();
        let fields: Vec<&str> = entry.trim().split(':').collect();
        if let [_, _, uid, gid, ..] = fields.as_slice()
            && let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse())
        {
            return Ok(Some(User { uid, gid }));
        }
    }
    Err("PostgreSQL does not run as root, and there is no user `postgres` to run it as: \
         make one with `useradd --system postgres`, or run the tests as an ordinary user"
        .to_owned())
}

pub fn is_root() -> Result<bool, String> {
    Ok(output(Command::new("id").arg("-u"))?.trim() == "0")
}

fn find_or_install() -> Result<PathBuf, String> {
    if let Some(found) = find() {
        return Ok(found);
    }
    let missing = "the tests need PostgreSQL's initdb and postgres, which are neither in PATH nor in \
                   /usr/lib/postgresql/*/bin";
    if !is_root()? {
        return Err(format!("{missing}: install them, on Debian with `sudo apt-get install postgresql`"));
    }
    eprintln!("xtask: PostgreSQL is missing, installing Debian's package");
    apt_get(&["update"])?;
    apt_get(&["install", "--yes", "--no-install-recommends", "postgresql"])?;
    find().ok_or_else(|| format!("{missing}, although the package postgresql is installed"))
}

/// Runs Debian's package manager.
pub fn apt_get(arguments: &[&str]) -> Result<(), String> {
    let advice = "install what is missing by hand";
    let mut command = Command::new("apt-get");
    // Another process may be installing something.
    command.args(["-o", "DPkg::Lock::Timeout=300"]).args(arguments);
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(std::process::Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("apt-get {} failed: {advice}", arguments.join(" "))),
        Err(error) => Err(format!("apt-get cannot be run ({error}): {advice}")),
    }
}

/// The folder with the programs of the highest version.
fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = env::split_paths(&path).chain(debian.map(|version| version.path().join("bin")));
    let complete = folders.filter(|folder| folder.join("initdb").exists() && folder.join("postgres").exists());
    let versions = complete.filter_map(|folder| Some((version(&folder)?, folder)));
    versions.max_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, folder)| folder)
}

/// From `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`.
fn version(folder: &Path) -> Option<Vec<u32>> {
    let text = output(Command::new(folder.join("postgres")).arg("--version")).ok()?;
    let number = text.split_whitespace().nth(2)?;
    let parts = number.split('.').map_while(|part| part.parse().ok()).collect::<Vec<u32>>();
    if parts.is_empty() { None } else { Some(parts) }
}

pub fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name} cannot be run: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
