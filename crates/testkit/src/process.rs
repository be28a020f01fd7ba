//! The program as a process.

use std::{
    env,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// A running `tidings`, killed when it is dropped or when the test process ends.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

/// The program under test.
///
/// # Panics
/// Outside `cargo xtask test`, which builds it.
pub fn tidings_binary() -> PathBuf {
    env::var_os("TIDINGS_BIN").expect("run the tests with `cargo xtask test`, which builds the program").into()
}

/// A loopback address nobody listens at.
///
/// # Panics
/// When the machine has no free port.
pub fn free_address() -> String {
    let probe = TcpListener::bind("127.0.0.1:0").expect("a free port");
    probe.local_addr().expect("a bound listener has an address").to_string()
}

/// Ends when its input closes, as it does when the test process is gone, and takes the program with it.
const WATCHDOG: &str = r#""$@" <&- & pid=$!; echo $pid; read _; kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null"#;

impl Process {
    /// Starts the program with these arguments and settings; its log goes to the test's output on failure only when
    /// `TIDINGS_TEST_LOG` names a file to append to.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(arguments: &[String], settings: &[(String, String)]) -> Self {
        let log = env::var_os("TIDINGS_TEST_LOG").map_or_else(Stdio::null, |path| {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
            file.expect("the log file can be written").into()
        });
        let mut command = Command::new("sh");
        command.arg("-c").arg(WATCHDOG).arg("sh").arg(tidings_binary()).args(arguments);
        for (name, value) in settings {
            command.env(name, value);
        }
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().expect("sh is there");
        Self { child }
    }

    /// Sends SIGKILL to the program, as a crash would, and waits until it is gone.
    ///
    /// # Panics
    /// When the watchdog cannot be waited for.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("a child can be waited for");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
