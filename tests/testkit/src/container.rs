//! Runs the image without Docker: the file system that `cargo xtask test` built from the Dockerfile,
//! in a mount namespace of its own, with volumes, as the image's user.
//!
//! All containers share the network of this machine, so ports are rewritten by the tests; names of services are real.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{Process, tidings_binary};

/// The image: a file system and the other settings of the Dockerfile's final stage.
#[derive(Debug, Clone)]
pub struct Image {
    folder: PathBuf,
}

/// The command and its environment: the settings of one `docker run`.
#[derive(Debug, Clone)]
pub struct Container {
    image: Image,
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Environment variables, including the image's own.
    pub environment: BTreeMap<String, String>,
    /// Folders or files of this machine, their paths in the container, and whether they are read-only.
    pub mounts: Vec<(PathBuf, String, bool)>,
    /// Whether the container's file system is read-only.
    pub read_only: bool,
    /// The user; `root` keeps every capability.
    pub user: String,
}

/// `$1` is the file system; each line of `$2` is a mount: type, source, target; `$3` is `ro` or `rw`; the rest is run
/// in there. The mounts disappear with the process.
const ENTER: &str = r#"
set -e
root=$1 mounts=$2 mode=$3
shift 3
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
printf '%s\n' "$mounts" | while read -r how from to; do
  [ -n "$how" ] || continue
  if [ -d "$from" ]; then mkdir -p "$root$to"; else [ -e "$root$to" ] || : >"$root$to"; fi
  mount --bind "$from" "$root$to"
  [ "$how" = rw ] || mount -o remount,ro,bind "$root$to"
done
[ "$mode" = rw ] || mount -o remount,ro,bind "$root"
exec chroot "$root" "$@"
"#;

impl Image {
    /// The image that the test command built.
    ///
    /// # Panics
    /// If it did not; says why.
    pub fn built() -> Self {
        if let Ok(why) = env::var("TIDINGS_TEST_IMAGE_MISSING") {
            panic!("the file system of the image could not be built: {why}");
        }
        let folder = env::var_os("TIDINGS_TEST_IMAGE").expect("run the tests with `cargo xtask test`, which builds it");
        Self { folder: folder.into() }
    }

    /// A container that runs the image as it is: `docker run tidings <words>`.
    ///
    /// # Panics
    /// If the image has no entry point.
    pub fn run(&self, words: &[&str]) -> Container {
        let entrypoint: Vec<String> = serde_json::from_str(&self.said("entrypoint")).expect("ENTRYPOINT is JSON");
        let environment = self.said("environment");
        let variables = environment.lines().filter_map(|line| line.split_once('='));
        Container {
            image: self.clone(),
            words: entrypoint.into_iter().chain(words.iter().map(|word| (*word).to_owned())).collect(),
            environment: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            mounts: vec![(tidings_binary(), self.said("program"), true)],
            read_only: false,
            user: self.said("user"),
        }
    }

    /// Docker's health check command.
    ///
    /// # Panics
    /// If the image has none.
    pub fn healthcheck(&self) -> Vec<String> {
        serde_json::from_str(&self.said("healthcheck")).expect("HEALTHCHECK is JSON")
    }

    /// The exposed ports of the image.
    pub fn ports(&self) -> Vec<String> {
        self.said("ports").split_whitespace().map(str::to_owned).collect()
    }

    /// The text of a file in it.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path.trim_start_matches('/'))).expect("the file is in the image")
    }

    fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    fn said(&self, name: &str) -> String {
        let path = self.folder.join(name);
        fs::read_to_string(&path)
            .unwrap_or_else(|_| panic!("the Dockerfile's final stage says no {name}"))
            .trim()
            .to_owned()
    }
}

impl Container {
    /// Mounts a folder or file of this machine.
    pub fn mount(&mut self, from: &Path, to: &str, is_read_only: bool) {
        self.mounts.push((from.to_owned(), to.to_owned(), is_read_only));
    }

    /// Another command in the same container, as with `docker exec`.
    #[must_use]
    pub fn exec(&self, words: &[String]) -> Self {
        Self { words: words.to_vec(), ..self.clone() }
    }

    /// Starts it.
    pub fn start(&self) -> Process {
        Process::run(&self.command(), &[])
    }

    /// Runs it until it exits.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn output(&self) -> Output {
        let words = self.command();
        Command::new(&words[0]).args(&words[1..]).output().expect("unshare is there")
    }

    fn command(&self) -> Vec<String> {
        let mounts: Vec<_> = self
            .mounts
            .iter()
            .map(|(from, to, ro)| format!("{} {} {to}", if *ro { "ro" } else { "rw" }, from.display()))
            .collect();
        let mode = if self.read_only { "ro" } else { "rw" };
        let root = self.image.root().display().to_string();
        let mut words: Vec<String> = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, "sh"]
            .map(str::to_owned)
            .into_iter()
            .chain([root, mounts.join("\n"), mode.to_owned()])
            .collect();
        if self.user != "root" {
            let user = ["--reuid", &self.user, "--regid", &self.user, "--init-groups", "--no-new-privs"];
            words.extend(["setpriv"].iter().chain(&user).map(|word| (*word).to_owned()));
            words.extend(["--bounding-set=-all", "--inh-caps=-all"].map(str::to_owned));
        }
        words.extend(["env".to_owned(), "-i".to_owned(), "PATH=/usr/local/bin:/usr/bin:/bin".to_owned()]);
        words.extend(self.environment.iter().map(|(name, value)| format!("{name}={value}")));
        words.extend(self.words.iter().cloned());
        words
    }
}
