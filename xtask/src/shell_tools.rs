//! Python and curl, for the pages whose commands are pasted: found or installed.

use std::process::{Command, Stdio};

use crate::postgres::{apt_get, is_root};

const TOOLS: [&str; 2] = ["python3", "curl"];

/// Installs what is missing.
pub fn install() -> Result<(), String> {
    let missing: Vec<&str> = TOOLS.into_iter().filter(|tool| !works(tool)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if !is_root()? {
        return Err(format!("they need {names}: install them, on Debian with `sudo apt-get install {names}`"));
    }
    eprintln!("xtask: {names} missing, installing Debian's packages");
    apt_get(&["update"])?;
    apt_get(&[&["install", "--yes", "--no-install-recommends"][..], &missing].concat())
}

fn works(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
