//! Chromium without a screen, for the tests of pages: found or installed.

use std::process::{Command, Stdio};

use crate::postgres::{apt_get, is_root};

/// Debian's first: the script of that name in PATH would outlive its own end.
const PROGRAMS: [&str; 4] =
    ["/usr/lib/chromium/chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];

/// Installs it if it is missing, and returns the program.
pub fn install() -> Result<&'static str, String> {
    if let Some(program) = find() {
        return Ok(program);
    }
    let missing = "the tests of pages need Chromium";
    if !is_root()? {
        return Err(format!("{missing}: install it, on Debian with `sudo apt-get install chromium-headless-shell`"));
    }
    eprintln!("xtask: Chromium is missing, installing Debian's package");
    apt_get(&["update"])?;
    apt_get(&["install", "--yes", "--no-install-recommends", "chromium-headless-shell"])?;
    find().ok_or_else(|| format!("{missing}, which cannot be run although it is installed"))
}

fn find() -> Option<&'static str> {
    PROGRAMS.into_iter().find(|program| works(program))
}

fn works(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
