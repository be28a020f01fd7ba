//! nats-server, for the tests of hints between processes: found or installed.

use std::process::{Command, Stdio};

use crate::{
    postgres::{apt_get, is_root},
    services_off,
};

/// Installs it if it is missing.
pub fn install() -> Result<(), String> {
    if is_there() {
        return Ok(());
    }
    let missing = "the tests of hints between processes need nats-server";
    if !is_root()? {
        return Err(format!("{missing}: install it, on Debian with `sudo apt-get install nats-server`"));
    }
    eprintln!("xtask: nats-server is missing, installing Debian's package");
    apt_get(&["update"])?;
    services_off::install(&["nats-server"])?;
    if is_there() { Ok(()) } else { Err(format!("{missing}, which is not in PATH although it is installed")) }
}

fn is_there() -> bool {
    ["nats-server", "/usr/sbin/nats-server"].into_iter().any(|program| {
        let mut command = Command::new(program);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}
