//! The npm packages that the tests use, the vendors', gRPC's and the linter of the .proto files: installed into the target
//! folder once, and again when the list changes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::postgres::{apt_get, is_root};

/// The list.
const LISTED: &str = "tests/npm";
const FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// Installs what is missing, and returns the folder with `node_modules`.
pub fn install(root: &Path, target: &Path) -> Result<PathBuf, String> {
    let folder = target.join("npm");
    let stamp = folder.join("installed");
    let listed = root.join(LISTED);
    let wanted = fs::read_to_string(listed.join("package-lock.json")).map_err(|error| format!("{LISTED}: {error}"))?;
    let is_there = folder.join("node_modules").is_dir();
    if is_there && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    find_or_install_npm()?;
    let fault = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(fault)?;
    for file in FILES {
        fs::copy(listed.join(file), folder.join(file)).map_err(fault)?;
    }
    eprintln!("xtask: installing the npm packages of the tests");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts"]).current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null());
    match npm.status() {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("npm ci failed with {status}")),
        Err(error) => return Err(format!("npm cannot be run: {error}")),
    }
    fs::write(&stamp, wanted).map_err(fault)?;
    Ok(folder)
}

fn find_or_install_npm() -> Result<(), String> {
    if works("node") && works("npm") {
        return Ok(());
    }
    let missing = "the tests need Node.js and npm, which are not in PATH";
    if !is_root()? {
        return Err(format!("{missing}: install them, on Debian with `sudo apt-get install nodejs npm`"));
    }
    eprintln!("xtask: Node.js is missing, installing Debian's packages");
    apt_get(&["update"])?;
    apt_get(&["install", "--yes", "--no-install-recommends", "nodejs", "npm"])?;
    if works("node") && works("npm") { Ok(()) } else { Err(format!("{missing}, although they are installed")) }
}

fn works(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
