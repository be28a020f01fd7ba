//! `tidings explain`: everything about one message.

use tidings_testkit::{Answer, Receiver};

use super::data_set::fill;
use crate::data_folder::{fail, installed, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_explained_with_place_readers_file_events_and_deliveries() {
    let mut installation = installed().await;
    let receiver = Receiver::start(|_| Answer::ok());
    let url = receiver.url();
    let added = ["callback", "add", "--app", "demo/demo", "--dialect", "tencent", "--url", &url, "--allow-private"];
    run(&installation, &added);
    let data_set = fill(&installation, 5).await;
    receiver.wait_for(15).await;
    let id = data_set.read.to_string();
    for stopped in [false, true] {
        if stopped {
            installation.stop().await;
        }
        let told = run(&installation, &["explain", &id]);
        let has = |line: &str| assert!(told.lines().any(|told| told.starts_with(line)), "{line:?} is not in:\n{told}");
        has(&format!("message\t{id}\tapp demo/demo"));
        has("conversation\tdirect ");
        has("sent\tby user ");
        has("event\tmessage.sent\tlane ");
        has(&format!("file\t{}\tf\t6 bytes\tkept", data_set.file));
        has("readers\t1");
        has("read\tby user ");
        has("delivery\t");
        has("attempt\tof delivery ");
        assert!(told.contains("\tmessage.sent\tdelivered\t") && told.contains("\tstatus 200\t"), "{told}");
    }
    let unknown = fail(&installation, &["explain", "7"]);
    assert!(unknown.contains("7 is in no app's log"), "{unknown}");
    let unknown = fail(&installation, &["explain", "--app", "no/such", &id]);
    assert!(unknown.contains("no/such"), "{unknown}");
}
