//! The tour in docs/lanying.md: what it shows is what happens.

#![expect(clippy::unwrap_used, reason = "a test that finds nothing to unwrap has failed")]

use tidings_testkit::Installation;

const PAGE: &str = include_str!("../../../docs/lanying.md");

/// The fenced blocks of a language, joined.
fn blocks(language: &str) -> String {
    let opening = format!("```{language}\n");
    PAGE.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Without what differs from run to run: ids of messages have 16 digits, times 13.
fn steady(text: &str) -> String {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_of_the_lanying_dialect_can_be_pasted() {
    let mut installation = Installation::default();
    installation.start().await;
    let folder = installation.data().parent().unwrap();
    let commands = blocks("sh").replace("./data/demo.env", &installation.data().join("demo.env").display().to_string());
    let done = std::process::Command::new("sh").arg("-c").arg(commands).current_dir(folder).output().unwrap();
    assert_eq!(String::from_utf8(done.stderr).unwrap(), "");
    assert_eq!(steady(&String::from_utf8(done.stdout).unwrap()), steady(&blocks("json")));
}
