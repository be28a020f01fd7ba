//! `cargo xtask`: commands for developers and CI besides plain cargo. Standard library only, so that it builds at once.

mod chromium;
mod compose;
mod dockerfile;
mod image;
mod keeper;
mod nats;
mod nginx;
mod node;
mod postgres;
mod prometheus;
mod python;
mod services_off;
mod shell_tools;
mod test;

use std::{env, process::ExitCode};

const USAGE: &str = "usage:
  cargo xtask test [arguments of cargo test]   run every test, with a throw-away PostgreSQL, the
                                               npm packages of the tests, nginx, NATS, Prometheus, Chromium
                                               and the image's file system
  cargo xtask compose-config                   check the Compose files with every Compose installed";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["test", rest @ ..] => test::run(rest),
        ["compose-config"] => compose::config(),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(words) => {
            eprintln!("xtask: {words}");
            ExitCode::FAILURE
        }
    }
}
