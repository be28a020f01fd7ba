//! nginx and openssl, for the test of docs/nginx.md: found or installed.

use std::{path::Path, process::Command, process::Stdio};

use crate::postgres::{apt_get, is_root};

/// Installs what is missing.
pub fn install() -> Result<(), String> {
    if is_there() {
        return Ok(());
    }
    let missing = "the test of docs/nginx.md needs nginx and openssl";
    if !is_root()? {
        return Err(format!("{missing}: install them, on Debian with `sudo apt-get install nginx-light openssl`"));
    }
    eprintln!("xtask: nginx or openssl is missing, installing Debian's packages");
    apt_get(&["update"])?;
    // Nothing may listen on port 80 of this machine.
    let policy = Path::new("/usr/sbin/policy-rc.d");
    let is_ours = !policy.exists();
    if is_ours {
        let denies = "#!/bin/sh\nexit 101\n";
        std::fs::write(policy, denies).map_err(|error| format!("{}: {error}", policy.display()))?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(policy, mode).map_err(|error| format!("{}: {error}", policy.display()))?;
    }
    let installed = apt_get(&["install", "--yes", "--no-install-recommends", "nginx-light", "openssl"]);
    if is_ours {
        let _ = std::fs::remove_file(policy);
    }
    installed?;
    if is_there() { Ok(()) } else { Err(format!("{missing}, which are not in PATH although they are installed")) }
}

fn is_there() -> bool {
    works("openssl", "version") && (works("nginx", "-v") || works("/usr/sbin/nginx", "-v"))
}

fn works(program: &str, argument: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
