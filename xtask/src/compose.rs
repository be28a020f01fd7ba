//! `cargo xtask compose-config`: whether Compose accepts the Compose files.

use std::process::{Command, Stdio};

use crate::test::root;

const FILES: [&str; 2] = ["docker-compose.yml", "compose.minimal.yml"];

/// Runs each installed version.
pub fn config() -> Result<u8, String> {
    let mut asked = 0;
    for words in [["docker-compose"].as_slice(), &["docker", "compose"]] {
        if !installed(words) {
            continue;
        }
        let name = words.join(" ");
        for file in FILES {
            let status = compose(words).args(["-f", file, "config", "-q"]).status();
            let status = status.map_err(|error| format!("{name} cannot be run: {error}"))?;
            if !status.success() {
                return Err(format!("{name} refuses {file}"));
            }
            eprintln!("xtask: {name} takes {file}");
        }
        asked += 1;
    }
    if asked == 0 {
        return Err("neither docker-compose nor docker compose is installed: install one of them".to_owned());
    }
    Ok(0)
}

fn compose(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(root()).stdin(Stdio::null());
    command
}

fn installed(words: &[&str]) -> bool {
    let version = compose(words).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}
