//! The commands of README.md and docs/lanying.md, pasted: their output is as shown.

#![expect(clippy::unwrap_used, reason = "a test that finds nothing to unwrap has failed")]

use std::{env, process::Command};

use tidings_testkit::{Installation, free_address, tidings_binary};

const README: &str = include_str!("../../../README.md");
const LANYING: &str = include_str!("../../../docs/lanying.md");

/// The addresses of the pages' receivers.
const RECEIVER_PORT: &str = "9099";

/// The fenced blocks of a language, joined.
pub(crate) fn blocks(page: &str, language: &str) -> String {
    let opening = format!("```{language}\n");
    page.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Without what differs from run to run: ids of messages have 16 digits, times 13.
pub(crate) fn steady(text: &str) -> String {
    let mut steady = String::with_capacity(text.len());
    let mut digits = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        match digits.len() {
            16 => steady.push_str("MSG_ID"),
            13 => steady.push_str("TIME"),
            _ => steady.push_str(&digits),
        }
        digits.clear();
        steady.push(c);
    }
    steady.trim_end().to_owned()
}

/// The output of a page's commands, in the folder of a first start, with `tidings` in the path. Fails when a command
/// reports an error, or when they take more than two minutes.
pub(crate) async fn pasted(page: &str) -> String {
    let mut installation = Installation::default();
    installation.start().await;
    let (program, receiver) = (tidings_binary(), free_address());
    assert_eq!(program.file_name().unwrap(), "tidings");
    let path = format!("{}:{}", program.parent().unwrap().display(), env::var("PATH").unwrap());
    let commands = blocks(page, "sh").replace(RECEIVER_PORT, receiver.rsplit_once(':').unwrap().1);
    let done = Command::new("timeout")
        .args(["120", "sh", "-c", &commands])
        .current_dir(installation.data().parent().unwrap())
        .env("PATH", path)
        .output()
        .unwrap();
    let (said, complained) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    assert!(complained.is_empty() && done.status.success(), "{}\n{complained}\n{said}", done.status);
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_of_the_lanying_dialect_can_be_pasted() {
    assert_eq!(steady(&pasted(LANYING).await), steady(&blocks(LANYING, "json")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_minute_of_the_readme_can_be_pasted() {
    let rest = README.split_once("## The first minute").unwrap().1;
    let minute = rest.split_once("### gRPC").unwrap().0;
    let said = pasted(minute).await;
    let lines: Vec<&str> = said.lines().collect();
    let [users, sent, listed, read, lanying @ ..] = lines.as_slice() else { panic!("{said}") };
    let agora =
        [(users, "users"), (sent, "messages/users"), (listed, "users/bob/conversations"), (read, "users/bob/messages")];
    for (answer, path) in agora {
        assert!(answer.starts_with("{\"path\":") && answer.contains(path), "{answer}");
    }
    assert!(listed.contains("hello, bob") && read.contains("hello, bob"), "{said}");
    assert_eq!(steady(&lanying.join("\n")), steady(&blocks(minute, "json")));
}
