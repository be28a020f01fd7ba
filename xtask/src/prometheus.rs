//! Prometheus with promtool, for the tests of alert rules and of the dashboard: found or installed.

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
    let missing = "the tests of alert rules and of the dashboard need prometheus and promtool";
    if !is_root()? {
        return Err(format!("{missing}: install them, on Debian with `sudo apt-get install prometheus`"));
    }
    eprintln!("xtask: prometheus is missing, installing Debian's package");
    apt_get(&["update"])?;
    services_off::install(&["prometheus"])?;
    if is_there() { Ok(()) } else { Err(format!("{missing}, which are not in PATH although they are installed")) }
}

fn is_there() -> bool {
    ["prometheus", "promtool"].into_iter().all(|program| {
        let mut command = Command::new(program);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}
