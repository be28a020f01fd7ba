//! `tidings words` and `tidings hook`, with a running server and without one.

use std::fs;

use tidings_testkit::Installation;

use crate::data_folder::{fail, installed, run};

fn every_words_command(installation: &Installation) {
    let file = installation.data().join("words.txt");
    fs::write(&file, "# ours\r\ncasino\r\n\r\n free money \r\n赌场\ncasino\n").unwrap();
    let file = file.to_str().unwrap();
    let of = |command, name| ["words", command, "--app", "demo/demo", "--list", name];
    let removal = |name| ["words", "remove", "--app", "demo/demo", "--list", name, "--yes"];
    let set = |name, rest: &[&str]| run(installation, &[&of("set", name)[..], rest].concat());
    assert_eq!(set("spam", &[file]), "spam\trefuse\t3 words\n");
    assert_eq!(set("rude", &["--action", "mask", file]), "rude\tmask\t3 words\n");
    assert_eq!(
        run(installation, &["words", "list", "--app", "demo/demo"]),
        "rude\tmask\t3 words\nspam\trefuse\t3 words\n"
    );
    assert_eq!(run(installation, &of("show", "spam")), "casino\nfree money\n赌场\n");

    fs::write(file, "poker\n").unwrap();
    assert_eq!(set("spam", &[file]), "spam\trefuse\t1 words\n");
    assert_eq!(run(installation, &of("show", "spam")), "poker\n");
    fs::write(file, "# nothing\n").unwrap();
    let complaint = fail(installation, &[&of("set", "spam")[..], &[file]].concat());
    assert_eq!(complaint, "tidings: words must have at least one\n");
    let complaint = fail(installation, &[&of("set", "spam")[..], &["nowhere.txt"]].concat());
    assert!(complaint.starts_with("tidings: file nowhere.txt cannot be read: "), "{complaint}");
    fs::write(file, "word\n".repeat(2_000_000)).unwrap();
    let complaint = fail(installation, &[&of("set", "spam")[..], &[file]].concat());
    assert_eq!(complaint, "tidings: words must be at most 2 MiB in all lists of an app\n");

    assert_eq!(run(installation, &removal("rude")), "rude\tremoved\n");
    assert_eq!(fail(installation, &removal("rude")), "tidings: word list not found: rude\n");
    assert_eq!(fail(installation, &of("show", "rude")), "tidings: word list not found: rude\n");
    assert_eq!(run(installation, &removal("spam")), "spam\tremoved\n");
    assert_eq!(run(installation, &["words", "list", "--app", "demo/demo"]), "");
    assert!(fail(installation, &["words", "list", "--app", "demo/none"]).contains("app not found"));
}

/// The numbers of the added hooks start at `first`.
fn every_hook_command(installation: &Installation, first: i64) {
    let hook = |words: &[&str]| run(installation, &[&["hook"], words, &["--app", "demo/demo"][..]].concat());
    let (second, url) = (first + 1, "https://app.example/im?s=1");
    let plain = format!("{first}\ttencent\t{url}\tabout messages\teverywhere\ttimeout 2000 ms\ton failure deliver\n");
    assert_eq!(hook(&["add", "--form", "tencent", "--url", url]), plain);
    let told = "--form agora --url http://127.0.0.1:9 --token s3cret --timeout-ms 500 --on-failure refuse \
                --in chats,rooms --allow-private";
    let told: Vec<&str> = ["add"].into_iter().chain(told.split(' ')).collect();
    let full = format!(
        "{second}\tagora\thttp://127.0.0.1:9\tabout messages\tin chats,rooms\ttimeout 500 ms\ton failure refuse\ttoken\
         \tprivate addresses\n"
    );
    assert_eq!(hook(&told), full);
    assert_eq!(hook(&["list"]), format!("{plain}{full}"));
    let wrong = ["hook", "add", "--app", "demo/demo", "--form", "agora", "--url", "app.example"];
    assert_eq!(fail(installation, &wrong), "tidings: url must be a URL\n");
    assert_eq!(hook(&["remove", "--yes", &first.to_string()]), format!("{first}\tremoved\n"));
    let gone = ["hook", "remove", "--app", "demo/demo", &first.to_string(), "--yes"];
    assert_eq!(fail(installation, &gone), format!("tidings: hook not found: {first}\n"));
    assert_eq!(hook(&["remove", "--yes", &second.to_string()]), format!("{second}\tremoved\n"));
    assert_eq!(hook(&["list"]), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_and_hooks_are_managed_beside_a_running_server_and_without_one() {
    let mut installation = installed().await;
    every_words_command(&installation);
    every_hook_command(&installation, 1);
    installation.stop().await;
    every_words_command(&installation);
    every_hook_command(&installation, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_come_from_standard_input_too_and_outlive_a_restart() {
    let mut installation = installed().await;
    let set = ["words", "set", "--app", "demo/demo", "--list", "spam", "-"];
    let said = installation.command_with_input(&set, "casino\n# no\nmoney");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(String::from_utf8(said.stdout).unwrap(), "spam\trefuse\t2 words\n");
    installation.stop().await;
    installation.start().await;
    let shown = run(&installation, &["words", "show", "--app", "demo/demo", "--list", "spam"]);
    assert_eq!(shown, "casino\nmoney\n");
}
