//! nginx and openssl, for the test of docs/nginx.md: found or installed.

use std::process::{Command, Stdio};

use crate::{
    postgres::{apt_get, is_root},
    services_off,
};

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
    services_off::install(&["nginx-light", "openssl"])?;
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
