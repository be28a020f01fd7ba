//! Keeps a temporary folder and the processes that work in it, and removes both at the end.
//!
//! The end is when the [`Keeper`] is dropped or when xtask dies, by Ctrl-C or `kill -9`: a shell in its own process
//! group reads a pipe that only xtask holds open, and cleans up when that pipe closes.

use std::{
    env,
    fs::{self, Permissions},
    io::{self, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::{self, Child, ChildStdin, Command, Stdio},
};

/// `$1` is the folder. Orders are lines: `group <id>` is the process group at work, `server <pid> <pid file>` the
/// PostgreSQL server, which removes its pid file as the last thing it does.
const WATCHDOG: &str = r#"
trap '' INT TERM HUP
group= server= pidfile=
while read -r what id file; do
  case $what in
    group) group=$id ;;
    server) server=$id pidfile=$file ;;
  esac
done
[ -z "$group" ] || kill -s KILL -- "-$group"
if [ -n "$server" ] && kill -s QUIT "$server"; then
  tries=0
  while [ -e "$pidfile" ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
  [ ! -e "$pidfile" ] || kill -s KILL "$server"
fi
for pause in 0.2 1 3; do rm -rf -- "$1" && break; sleep $pause; done
"#;

/// See the module.
#[derive(Debug)]
pub struct Keeper {
    folder: PathBuf,
    watchdog: Child,
    /// Taken when the keeper is dropped: closing it is the signal.
    orders: Option<ChildStdin>,
    server: Option<Child>,
}

impl Keeper {
    /// Creates the folder, in the system's folder for temporary files.
    pub fn new() -> io::Result<Self> {
        let folder = fresh_folder()?;
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(&folder)
            .process_group(0)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match watchdog {
            Ok(mut watchdog) => Ok(Self { folder, orders: watchdog.stdin.take(), watchdog, server: None }),
            Err(error) => {
                let _ = fs::remove_dir(&folder);
                Err(error)
            }
        }
    }

    /// The temporary folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a command until it exits, in a process group of its own and without standard input. Returns its exit code.
    pub fn run(&mut self, command: &mut Command) -> Result<u8, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let fault = |error: io::Error| format!("{name} cannot be run: {error}");
        let mut child = command.process_group(0).stdin(Stdio::null()).spawn().map_err(fault)?;
        self.order(&format!("group {}", child.id())).map_err(fault)?;
        let status = child.wait().map_err(fault)?;
        let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
        Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
    }

    /// Starts a server that runs until the end. It must write and remove `pid_file`.
    pub fn serve(&mut self, command: &mut Command, pid_file: &Path) -> io::Result<()> {
        let server = command.process_group(0).stdin(Stdio::null()).spawn()?;
        let id = server.id();
        self.server = Some(server);
        self.order(&format!("server {id} {}", pid_file.display()))
    }

    /// Whether the server ended by itself.
    pub fn server_ended(&mut self) -> bool {
        self.server.as_mut().is_none_or(|server| !matches!(server.try_wait(), Ok(None)))
    }

    fn order(&mut self, line: &str) -> io::Result<()> {
        let orders = self.orders.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(orders, "{line}")
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        // Nothing useful can be done about a failure here.
        let _ = self.watchdog.wait();
        if let Some(mut server) = self.server.take() {
            let _ = server.wait();
        }
    }
}

/// `create_dir` fails if anything exists, so nobody else's folder is ever used or removed.
fn fresh_folder() -> io::Result<PathBuf> {
    let mut found = None;
    for number in 0..100 {
        let folder = env::temp_dir().join(format!("tidings-test-{}-{number}", process::id()));
        match fs::create_dir(&folder) {
            Ok(()) => {
                // Another user, that of the server, needs access, whatever the umask is.
                fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
                return Ok(folder);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => found = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(found.unwrap_or_else(|| io::ErrorKind::AlreadyExists.into()))
}
