//! The Python packages that the tests use, the vendor's: installed into the target folder once, and again when the list
//! changes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::postgres::{apt_get, is_root};

/// The list.
const LISTED: &str = "tests/python/requirements.txt";

/// Installs what is missing, and returns the folder of the packages.
pub fn install(root: &Path, target: &Path) -> Result<PathBuf, String> {
    let folder = target.join("python");
    let stamp = folder.join("installed");
    let listed = root.join(LISTED);
    let wanted = fs::read_to_string(&listed).map_err(|error| format!("{LISTED}: {error}"))?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    find_or_install_pip()?;
    eprintln!("xtask: installing the Python packages of the tests");
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--root-user-action=ignore",
        "--upgrade",
    ]);
    pip.arg("--target").arg(&folder).arg("--requirement").arg(&listed).stdin(Stdio::null()).stdout(Stdio::null());
    match pip.status() {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("pip install failed with {status}")),
        Err(error) => return Err(format!("python3 cannot be run: {error}")),
    }
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(folder)
}

fn find_or_install_pip() -> Result<(), String> {
    if works() {
        return Ok(());
    }
    let missing = "the tests need Python 3 with pip, which python3 does not find";
    if !is_root()? {
        return Err(format!("{missing}: install them, on Debian with `sudo apt-get install python3-pip`"));
    }
    eprintln!("xtask: pip is missing, installing Debian's package");
    apt_get(&["update"])?;
    apt_get(&["install", "--yes", "--no-install-recommends", "python3-pip"])?;
    if works() { Ok(()) } else { Err(format!("{missing}, although it is installed")) }
}

fn works() -> bool {
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "--version"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
