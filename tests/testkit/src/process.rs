//! The program as a process.

use std::{
    env,
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Read, Write as _},
    net::{TcpListener, UdpSocket},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

/// A running `tidings`, killed when it is dropped or when the test process ends.
#[derive(Debug)]
pub struct Process {
    child: Child,
    id: u32,
    printed: Printed,
    logged: Printed,
}

/// The program under test.
///
/// # Panics
/// Outside `cargo xtask test`, which builds it.
pub fn tidings_binary() -> PathBuf {
    env::var_os("TIDINGS_BIN").expect("run the tests with `cargo xtask test`, which builds the program").into()
}

/// The HTTP client needs it to be installed, as the program under test does for its own.
pub(crate) fn name_tls_backend() {
    // It may be installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A loopback address nobody listens at. Its port is below the range for outgoing connections, so a killed process
/// finds its address free when it restarts. No other test process gets it as long as this one runs: each holds the UDP
/// ports of the addresses that it has given out.
///
/// # Panics
/// When the machine has no free port.
pub fn free_address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    static GIVEN: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    const LOWEST: u32 = 20_000;
    const PORTS: u32 = 12_000;
    name_tls_backend();
    let own = std::process::id().wrapping_mul(97);
    let addresses = (0..PORTS).map(|_| {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        format!("127.0.0.1:{}", LOWEST + own.wrapping_add(n) % PORTS)
    });
    for address in addresses {
        let Ok(held) = UdpSocket::bind(&address) else { continue };
        if TcpListener::bind(&address).is_ok() {
            GIVEN.lock().unwrap_or_else(PoisonError::into_inner).push(held);
            return address;
        }
    }
    panic!("no free port")
}

/// Prints the program's process id, exits with the program's exit code, and kills it when its own input closes, which
/// happens when the test process ends.
const WATCHDOG: &str = r#"
exec 3<&0
"$@" <&- 3<&- & pid=$!
echo $pid
{ read _ <&3; kill -9 $pid; } >/dev/null 2>&1 & watch=$!
wait $pid 2>/dev/null
code=$?
kill $watch 2>/dev/null
exit $code"#;

impl Process {
    /// Starts the program with these arguments and settings. Its log is also appended to the file that
    /// `TIDINGS_TEST_LOG` names, if it names one.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(arguments: &[String], settings: &[(String, String)]) -> Self {
        let program = tidings_binary().display().to_string();
        Self::run(&[&[program], arguments].concat(), settings)
    }

    /// The same for another program, or for one that executes `tidings` in the end.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run(words: &[String], settings: &[(String, String)]) -> Self {
        let mut command = Command::new("sh");
        command.arg("-c").arg(WATCHDOG).arg("sh").args(words);
        for (name, value) in settings {
            command.env(name, value);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("sh is there");
        let mut printed = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut id = String::new();
        printed.read_line(&mut id).expect("the watchdog tells the id");
        let log = env::var_os("TIDINGS_TEST_LOG")
            .map(|path| OpenOptions::new().create(true).append(true).open(path).expect("the log file can be written"));
        let logged = Printed::by(child.stderr.take().expect("it was piped"), log);
        Self { child, id: id.trim().parse().expect("an id is a number"), printed: Printed::by(printed, None), logged }
    }

    /// What the program has printed so far.
    pub fn printed(&self) -> String {
        self.printed.so_far()
    }

    /// What the program has logged so far.
    pub fn logged(&self) -> String {
        self.logged.so_far()
    }

    /// Everything that it has logged, once it has ended.
    pub fn all_logged(&mut self) -> String {
        self.logged.complete()
    }

    /// The peak memory of the program so far, in bytes.
    ///
    /// # Panics
    /// If the system does not report it.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id)).expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the system says");
        peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// The exit code when the program has ended by itself.
    ///
    /// # Panics
    /// When the watchdog cannot be asked.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.try_wait().expect("a child can be asked").map(|status| status.code().unwrap_or(-1))
    }

    /// Sends SIGTERM to the program, as an operator's `kill` does, and does not wait.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends a signal, such as `STOP`, and does not wait.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.id.to_string()).status();
        assert!(sent.expect("kill is there").success(), "no process {}", self.id);
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

/// The output of a program, collected by a thread until it ends.
#[derive(Debug, Default)]
struct Printed {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Printed {
    fn by(mut from: impl Read + Send + 'static, mut copy: Option<File>) -> Self {
        let mut printed = Self::default();
        let gathered = Arc::clone(&printed.text);
        let reader = thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut piece) {
                gathered.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&piece[..length]);
                if let Some(file) = &mut copy {
                    file.write_all(&piece[..length]).expect("the log file can be written");
                }
            }
        });
        printed.reader = Some(reader);
        printed
    }

    fn complete(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        self.so_far()
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}
