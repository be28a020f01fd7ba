//! The Python program of docs/grpc.md, with the published packages `grpcio` and `grpcio-tools`.

use std::{env, ffi::OsString, fs, path::Path, process::Command};

use tempfile::TempDir;
use tidings_testkit::{Process, every_shape, wait_until};

use crate::door::{nora_and_omar, text};

const PAGE: &str = include_str!("../../../docs/grpc.md");
/// As the page says.
const GENERATE: &str =
    "python3 -m grpc_tools.protoc -I proto/proto --python_out=. --grpc_python_out=. proto/proto/tidings/v1/*.proto";

/// The program of the page, in a folder with the generated code.
fn program() -> TempDir {
    let text = PAGE.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a program");
    assert!(PAGE.contains(GENERATE));
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("inbox.py"), text).expect("it is written");
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto/proto");
    let mut shell = Command::new("sh");
    shell.args(["-c", &GENERATE.replace("proto/proto", &protos.display().to_string())]);
    let generated = shell.env("PYTHONPATH", packages()).current_dir(folder.path()).output().expect("sh is there");
    assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));
    folder
}

fn packages() -> OsString {
    env::var_os("TIDINGS_TEST_PYTHON").unwrap_or_else(|| {
        panic!("{}", env::var("TIDINGS_TEST_PYTHON_MISSING").unwrap_or("`cargo xtask test` installs it".to_owned()))
    })
}

every_shape! {
    async fn the_program_of_the_page_prints_what_is_said_also_what_was_said_while_it_was_away(app: TestApp) {
        let (nora, omar) = nora_and_omar(&app).await;
        let (key, _) = app.service_account(&["read"]).await;
        let folder = program();
        let place = folder.path().display().to_string();
        let words = ["sh", "-c", "cd \"$1\" && exec python3 inbox.py", "sh", &place].map(str::to_owned);
        let settings = [
            ("TIDINGS_GRPC", app.suite.door_address()),
            ("TIDINGS_APP_KEY", key),
            ("USERS", omar.to_string()),
            ("PYTHONPATH", packages().into_string().expect("a path")),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let send = async |said: &str| {
            app.messages().send(app.request(text(nora, omar, said))).await.expect("it is sent");
        };
        let prints = async |program: &mut Process, said: &str| {
            let line = format!("[{omar}] {said}\n");
            wait_until("the program to print it", async || {
                assert_eq!(program.ended(), None, "{}", program.logged());
                program.printed() == line
            })
            .await;
        };
        let position = || fs::read_to_string(folder.path().join("cursor")).unwrap_or_default();
        let mut first = Process::run(&words, &settings);
        wait_until("the program to have a position", async || {
            assert_eq!(first.ended(), None, "{}", first.logged());
            !position().is_empty()
        })
        .await;
        let before = position();
        send("while it is there").await;
        prints(&mut first, "while it is there").await;
        wait_until("the new position", async || position() != before && !position().is_empty()).await;
        first.kill();
        send("while it is away").await;
        prints(&mut Process::run(&words, &settings), "while it is away").await;
    }
}
