//! The programs of docs/grpc.md, with the published packages: `grpcio` and `grpcio-tools` in Python, `@grpc/grpc-js` and
//! `@grpc/proto-loader` in Node.js.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use tidings_testkit::{Process, TestApp, every_shape, wait_until};

use crate::door::{nora_and_omar, text};

const PAGE: &str = include_str!("../../../docs/grpc.md");
/// As the page says.
const GENERATE: &str =
    "python3 -m grpc_tools.protoc -I proto/proto --python_out=. --grpc_python_out=. proto/proto/tidings/v1/*.proto";

/// A program of the page in a folder of its own.
struct Program {
    folder: TempDir,
    runs: &'static str,
    /// Where its packages are.
    packages: (&'static str, String),
    /// How it prints users.
    users: fn(i64) -> String,
}

/// The block of the page in a file.
fn written(language: &str, file: &str) -> TempDir {
    let block = format!("```{language}\n");
    let text = PAGE.split(block.as_str()).nth(1).and_then(|rest| rest.split("```").next()).expect("a program");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(file), text).expect("it is written");
    folder
}

fn protos() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto/proto")
}

impl Program {
    fn in_python() -> Self {
        let packages = env::var("TIDINGS_TEST_PYTHON").unwrap_or_else(|_| {
            panic!("{}", env::var("TIDINGS_TEST_PYTHON_MISSING").unwrap_or("`cargo xtask test` installs it".to_owned()))
        });
        let folder = written("python", "inbox.py");
        assert!(PAGE.contains(GENERATE));
        let mut shell = Command::new("sh");
        shell.args(["-c", &GENERATE.replace("proto/proto", &protos().display().to_string())]);
        let generated = shell.env("PYTHONPATH", &packages).current_dir(folder.path()).output().expect("sh is there");
        assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));
        Self { folder, runs: "python3 inbox.py", packages: ("PYTHONPATH", packages), users: |user| format!("[{user}]") }
    }

    fn in_node() -> Self {
        let npm = env::var("TIDINGS_TEST_NPM").expect("`cargo xtask test` installs the packages and says where");
        let folder = written("javascript", "inbox.js");
        fs::create_dir(folder.path().join("proto")).expect("a folder");
        std::os::unix::fs::symlink(protos(), folder.path().join("proto/proto")).expect("a link");
        let packages = ("NODE_PATH", format!("{npm}/node_modules"));
        Self { folder, runs: "node inbox.js", packages, users: |user| user.to_string() }
    }

    fn start(&self, settings: &[(&str, String)]) -> Process {
        let place = self.folder.path().display().to_string();
        let words = ["sh", "-c", &format!("cd \"$1\" && exec {}", self.runs), "sh", &place].map(str::to_owned);
        let (name, packages) = &self.packages;
        let own = (*name, packages.clone());
        let settings: Vec<_> =
            settings.iter().chain([&own]).map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Process::run(&words, &settings)
    }

    fn position(&self) -> String {
        fs::read_to_string(self.folder.path().join("cursor")).unwrap_or_default()
    }
}

/// It prints what is said, also what was said while it was away.
async fn prints_everything(app: &TestApp, program: &Program) {
    let (nora, omar) = nora_and_omar(app).await;
    let (key, _) = app.service_account(&["read"]).await;
    let settings = [("TIDINGS_GRPC", app.suite.door_address()), ("TIDINGS_APP_KEY", key), ("USERS", omar.to_string())];
    let send = async |said: &str| {
        app.messages().send(app.request(text(nora, omar, said))).await.expect("it is sent");
    };
    let prints = async |process: &mut Process, said: &str| {
        let line = format!("{} {said}\n", (program.users)(omar));
        wait_until("the program to print it", async || {
            assert_eq!(process.ended(), None, "{}", process.logged());
            process.printed() == line
        })
        .await;
    };
    let mut first = program.start(&settings);
    wait_until("the program to have a position", async || {
        assert_eq!(first.ended(), None, "{}", first.logged());
        !program.position().is_empty()
    })
    .await;
    let before = program.position();
    send("while it is there").await;
    prints(&mut first, "while it is there").await;
    wait_until("the new position", async || program.position() != before && !program.position().is_empty()).await;
    first.kill();
    send("while it is away").await;
    prints(&mut program.start(&settings), "while it is away").await;
}

every_shape! {
    async fn the_python_program_of_the_page_prints_what_is_said_also_what_was_said_while_it_was_away(app: TestApp) {
        prints_everything(&app, &Program::in_python()).await;
    }
}

every_shape! {
    async fn the_node_program_of_the_page_prints_what_is_said_also_what_was_said_while_it_was_away(app: TestApp) {
        prints_everything(&app, &Program::in_node()).await;
    }
}
