//! `cargo xtask test`: every test of the workspace, against SQLite and a throw-away PostgreSQL.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{chromium, image, keeper::Keeper, nats, nginx, node, postgres, prometheus, python, shell_tools};

/// Returns the exit code of the tests. Cargo's output about them is printed last.
pub fn run(arguments: &[&str]) -> Result<u8, String> {
    let mut keeper = Keeper::new().map_err(|error| format!("no temporary folder: {error}"))?;
    let url = postgres::start(&mut keeper)?;
    eprintln!("xtask: PostgreSQL is at {url}");
    // Folders that killed tests leave behind are removed with ours.
    let temporary = keeper.folder().join("tmp");
    fs::create_dir(&temporary).map_err(|error| format!("{} cannot be made: {error}", temporary.display()))?;

    // Cargo would use `--workspace` and ignore `--package` beside it.
    let own: Vec<&str> = arguments.iter().copied().take_while(|argument| *argument != "--").collect();
    let names_packages = own.iter().any(|argument| argument.starts_with("-p") || argument.starts_with("--package"));
    // The tests run this binary, which `cargo test` alone would not rebuild. Built together with the tests, it shares
    // every crate with them.
    let mut build = cargo();
    build.args(["build", "--locked"]);
    build.args(if names_packages {
        ["--package", "tidings"].as_slice()
    } else {
        &["--workspace", "--bins", "--tests"]
    });
    let built = keeper.run(&mut build)?;
    if built != 0 {
        return Ok(built);
    }
    let binary = binary()?;
    let target = binary.parent().and_then(Path::parent).ok_or("xtask is not in a target folder")?;
    let npm = node::install(root(), target)?;
    let mut tests = cargo();
    tests.args(["test", "--locked"]);
    if !names_packages {
        tests.arg("--workspace");
    }
    if !names_packages || own.iter().any(|argument| argument.contains("tidings-tests")) {
        // Without them the tests that need them fail and say why; the others run.
        match image::build(root(), target) {
            Ok(folder) => tests.env("TIDINGS_TEST_IMAGE", folder),
            Err(why) => tests.env("TIDINGS_TEST_IMAGE_MISSING", told("the image", &why)),
        };
        if let Err(why) = shell_tools::install() {
            told("pages", &why);
        }
        match python::install(root(), target) {
            Ok(folder) => tests.env("TIDINGS_TEST_PYTHON", folder),
            Err(why) => tests.env("TIDINGS_TEST_PYTHON_MISSING", told("the Python client", &why)),
        };
        if let Err(why) = nginx::install() {
            tests.env("TIDINGS_TEST_NGINX_MISSING", told("nginx", &why));
        }
        if let Err(why) = nats::install() {
            tests.env("TIDINGS_TEST_NATS_MISSING", told("hints between processes", &why));
        }
        if let Err(why) = prometheus::install() {
            tests.env("TIDINGS_TEST_PROMETHEUS_MISSING", told("alert rules and the dashboard", &why));
        }
        match chromium::install() {
            Ok(program) => tests.env("TIDINGS_TEST_CHROMIUM", program),
            Err(why) => tests.env("TIDINGS_TEST_CHROMIUM_MISSING", told("pages in a browser", &why)),
        };
    }
    tests.args(arguments);
    tests
        .env("TIDINGS_TEST_POSTGRES", url)
        .env("TIDINGS_BIN", &binary)
        .env("TIDINGS_TEST_NPM", npm)
        .env("TMPDIR", temporary);
    keeper.run(&mut tests)
}

fn told<'a>(what: &str, why: &'a str) -> &'a str {
    eprintln!("xtask: the tests of {what} will fail: {why}");
    why
}

fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    cargo.current_dir(root());
    // What Cargo tells xtask of itself: the build script of a crate (ring's) looks at it, and all that needs that crate would be
    // built again after each plain `cargo build`.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name.to_string_lossy().starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// The workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder in the workspace")
}

/// Cargo puts it beside xtask, wherever the target folder is.
fn binary() -> Result<PathBuf, String> {
    let own = env::current_exe().map_err(|error| format!("xtask does not know where it is: {error}"))?;
    Ok(own.with_file_name("tidings"))
}
