//! The pages by task, pasted: on a fresh program, each page's commands print what the page shows.

use std::{fs, path::Path};

use crate::{
    data_folder::{installed, run},
    tour::{blocks, pasted, steady},
};

/// Generates a test for each page, and a list of them.
macro_rules! pages {
    ($($name:ident: $file:literal,)*) => {
        const PASTED: &[&str] = &[$($file),*];

        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                shows_what_happens(include_str!(concat!("../../../docs/", $file))).await;
            }
        )*
    };
}

pages! {
    apps_are_managed: "admin.md",
    callbacks_are_verified: "callbacks.md",
    events_are_read: "events.md",
    exports_are_saved_and_verified: "export.md",
    files_are_sent: "files.md",
    history_is_read: "history.md",
    agora_is_left: "migrate-agora.md",
    lanying_is_left: "migrate-lanying.md",
    messages_are_moderated: "moderation.md",
    the_process_is_watched: "operate.md",
    messages_are_sent: "send.md",
}

/// The page that `tour` pastes.
const TOUR: &str = "lanying.md";

async fn shows_what_happens(page: &str) {
    assert_eq!(steady(&pasted(page).await), steady(&blocks(page, "json")));
}

#[test]
fn every_page_whose_commands_can_be_pasted_is_pasted() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let mut left_out = Vec::new();
    for entry in fs::read_dir(docs).unwrap() {
        let (path, name) = (entry.as_ref().unwrap().path(), entry.unwrap().file_name().into_string().unwrap());
        let has_commands = path.is_file() && fs::read_to_string(&path).unwrap().contains("```sh\n");
        if has_commands && name != TOUR && !PASTED.contains(&name.as_str()) {
            left_out.push(name);
        }
    }
    assert!(left_out.is_empty(), "their blocks `sh` are pasted by no test: {left_out:?}");
}

#[tokio::test]
async fn every_policy_value_is_explained() {
    const DIALECTS: &str = include_str!("../../../docs/dialects.md");
    let listed = run(&installed().await, &["app", "list"]);
    let names: Vec<&str> = listed.split_whitespace().filter_map(|word| Some(word.split_once('=')?.0)).collect();
    assert!(names.contains(&"max_recipients"), "{listed}");
    let is_missing = |name: &&str| !DIALECTS.contains(&format!("`{name}`")) && !DIALECTS.contains(&format!("`{name}="));
    let missing: Vec<&str> = names.into_iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "docs/dialects.md lacks {missing:?}");
}
