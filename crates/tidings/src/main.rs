//! `tidings`: see `tidings help`.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    tidings::run(tidings::Cli::parse())
}
