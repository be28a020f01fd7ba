//! The command line for scripts: with `--json` every command answers JSON objects, one per line; text has readable times.

use std::{fs, process::Output};

use serde_json::Value;
use tidings_testkit::{Answer, Installation, Receiver, wait_until};

use crate::data_folder::{installed, run};

/// The lines of an output, each of which must be a JSON object.
fn objects(words: &[&str], done: &Output) -> Vec<Value> {
    let text = String::from_utf8(done.stdout.clone()).unwrap();
    let parse = |line: &str| match serde_json::from_str::<Value>(line) {
        Ok(object) if object.is_object() => object,
        _ => panic!("{words:?}: no JSON object: {line}"),
    };
    text.lines().map(parse).collect()
}

/// The objects that a command prints with `--json`; it must succeed.
fn json(installation: &Installation, words: &[&str]) -> Vec<Value> {
    let words = [words, &["--json"]].concat();
    let done = installation.command(&words);
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    objects(&words, &done)
}

/// The only object that a command prints, which has these fields.
fn one(installation: &Installation, words: &[&str], fields: &[&str]) -> Value {
    let mut found = json(installation, words);
    assert_eq!(found.len(), 1, "{words:?}: {found:#?}");
    let object = found.remove(0);
    for field in fields {
        assert!(object.get(field).is_some(), "{words:?}: {field} is not in {object}");
    }
    object
}

/// A command on the callbacks of the demo app.
fn callback<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["callback"], words, &["--app", "demo/demo"][..]].concat()
}

const APP: [&str; 9] =
    ["id", "org", "name", "uuid", "created_at_ms", "enabled", "lanying_app_id", "sdk_appid", "policy"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apps_tokens_and_keys_are_json_objects() {
    let installation = installed().await;
    let one = |words: &[&str], fields: &[&str]| one(&installation, words, fields);
    let app = "acme/lobby";
    let made = one(&["app", "create", "--app", app], &APP);
    assert!(made["client_secret"].is_string() && made["app_certificate"].is_string(), "{made}");
    assert_eq!(one(&["app", "show", "--app", app, "--secrets"], &APP), made);
    let shown = one(&["app", "show", "--app", app], &APP);
    assert!(shown.get("client_secret").is_none() && shown["created_at_ms"].is_i64(), "{shown}");
    assert!(json(&installation, &["app", "list"]).contains(&shown));
    let changed = one(&["app", "set-policy", "--app", app, "max_groups=7", "agora_generation=2024"], &APP);
    let policy = &changed["policy"];
    assert_eq!((&policy["max_groups"], &policy["agora_generation"]), (&7.into(), &"2024".into()));
    assert_eq!(policy["rates"]["rate_calls"], 0);
    assert_ne!(one(&["app", "rotate-secret", "--app", app], &APP)["client_secret"], made["client_secret"]);
    let own = json(&installation, &["app", "policies", "--app", app]);
    let max_groups = own.iter().find(|policy| policy["name"] == "max_groups").unwrap();
    assert_eq!((&max_groups["value"], &max_groups["default"]), (&7.into(), &3.into()));
    assert!(own.iter().all(|it| it.get("value").is_some() && it["meaning"].is_string()), "{own:#?}");
    assert_eq!(one(&["app", "disable", "--app", app], &APP)["enabled"], false);
    assert_eq!(one(&["app", "disable", "--app", app, "--undo"], &APP)["enabled"], true);

    let account = ["id", "name", "scopes", "created_at_ms"];
    let key = one(&["app", "key", "create", "--app", app, "--name", "crm", "--scopes", "read,send"], &account);
    assert!(key["key"].is_string(), "{key}");
    let listed = one(&["app", "key", "list", "--app", app], &account);
    assert_eq!((&listed["id"], &listed["revoked_at_ms"]), (&key["id"], &0.into()));
    assert!(listed.get("key").is_none(), "{listed}");
    assert_eq!(one(&["app", "key", "revoke", "--app", app, &key["id"].to_string(), "--yes"], &["id"])["revoked"], true);
    assert!(one(&["app", "key", "list", "--app", app], &account)["revoked_at_ms"].as_i64() > Some(0));

    let account = ["id", "label", "created_at_ms"];
    let token = one(&["app", "admin-token", "create", "--app", app, "--label", "desk"], &account);
    assert!(token["token"].is_string(), "{token}");
    let listed = one(&["app", "admin-token", "list", "--app", app], &account);
    assert!(listed["id"] == token["id"] && listed.get("token").is_none(), "{listed}");
    assert_eq!(
        one(&["app", "admin-token", "revoke", "--app", app, &token["id"].to_string(), "--yes"], &["id"])["revoked"],
        true
    );

    assert_eq!(one(&["app", "delete", "--app", app, "--yes"], &APP)["name"], "lobby");
    let policies = json(&installation, &["app", "policies"]);
    let names: Vec<_> = policies.iter().map(|policy| policy["name"].as_str().unwrap()).collect();
    for (name, value) in policy.as_object().unwrap() {
        assert!(value.is_object() || names.contains(&name.as_str()), "{name} is not listed");
    }
    assert!(own.iter().map(|it| &it["name"]).eq(policies.iter().map(|it| &it["name"])));
    assert!(policies.iter().all(|it| it.get("default").is_some() && it["meaning"].is_string()), "{policies:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_and_hooks_are_json_objects() {
    let installation = installed().await;
    let one = |words: &[&str], fields: &[&str]| one(&installation, words, fields);
    let file = installation.data().join("words.txt");
    fs::write(&file, "casino\npoker\n").unwrap();
    let of = |command| ["words", command, "--app", "demo/demo", "--list", "spam"];
    let set = one(&[&of("set")[..], &[file.to_str().unwrap()]].concat(), &["name", "action"]);
    assert_eq!(set["words"], 2);
    assert_eq!(one(&["words", "list", "--app", "demo/demo"], &[]), set);
    assert_eq!(one(&of("show"), &["name", "action"])["words"], serde_json::json!(["casino", "poker"]));
    assert_eq!(one(&[&of("remove")[..], &["--yes"]].concat(), &["name"])["removed"], true);

    let fields = ["id", "form", "url", "kinds", "subjects", "timeout_ms", "refuse_on_failure", "allow_private"];
    let add = ["hook", "add", "--app", "demo/demo", "--form", "agora", "--url", "https://app.example/before"];
    let added = one(&[&add[..], &["--token", "s3cret"]].concat(), &fields);
    assert!(added["has_token"] == true && !added.to_string().contains("s3cret"), "{added}");
    assert_eq!(one(&["hook", "list", "--app", "demo/demo"], &fields), added);
    let remove = ["hook", "remove", "--app", "demo/demo", &added["id"].to_string(), "--yes"];
    assert_eq!(one(&remove, &["id"])["removed"], true);
    assert!(json(&installation, &["hook", "list", "--app", "demo/demo"]).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callbacks_and_messages_are_json_objects_and_times_can_be_read() {
    let installation = installed().await;
    let one = |words: &[&str], fields: &[&str]| one(&installation, words, fields);
    let receiver = Receiver::start(|_| Answer::ok());
    let url = receiver.url();
    let fields = ["id", "dialect", "url", "events", "retry", "timeout_ms", "state", "created_at_ms", "allow_private"];
    let add = ["add", "--dialect", "tencent", "--url", &url, "--allow-private"];
    let added = one(&callback(&add), &fields);
    assert!(added["secret"].as_str().unwrap().starts_with("whsec_"), "{added}");
    let id = added["id"].to_string();
    let listed = one(&callback(&["list"]), &fields);
    assert!(listed["state"] == "active" && listed.get("secret").is_none(), "{listed}");
    assert_eq!(one(&callback(&["pause", &id]), &fields)["state"], "paused");
    assert_eq!(one(&callback(&["resume", &id]), &fields)["state"], "active");
    assert_ne!(one(&callback(&["rotate", &id]), &fields)["secret"], added["secret"]);

    let agora = installation.agora().await;
    agora.register(&["nora", "omar"]).await;
    let msg_id = agora.send_text("nora", "omar", "m").await;
    receiver.wait_for(1).await;
    let delivered = callback(&["deliveries", "--state", "delivered"]);
    wait_until("the delivery to be recorded", async || !json(&installation, &delivered).is_empty()).await;
    let fields = ["id", "endpoint_id", "event", "event_id", "created_at_ms", "at_ms", "attempt_count"];
    let delivery = one(&delivered, &fields);
    assert_eq!((delivery["msg_id"].to_string(), &delivery["conversation"]["kind"]), (msg_id.clone(), &"direct".into()));
    let explained = one(&callback(&["explain", &msg_id]), &fields);
    assert_eq!(explained["attempts"][0]["status"], 200);
    assert!(explained["body"].as_str().unwrap().contains("CallbackAfterSendMsg"), "{explained}");
    assert!(json(&installation, &callback(&["explain", "7"])).is_empty());
    let text = run(&installation, &delivered);
    assert!(text.contains("\tmade at 20") && text.contains("Z\tdone at 20"), "{text}");

    let fields = ["app", "conversation", "seq", "lane", "number", "sender_id", "sent_at_ms", "imported", "deliveries"];
    let told = one(&["explain", &msg_id], &fields);
    assert_eq!((told["msg_id"].to_string(), &told["app"]), (msg_id.clone(), &"demo/demo".into()));
    assert_eq!(told["deliveries"][0]["attempts"][0]["status"], 200);
    assert!(run(&installation, &["explain", &msg_id]).contains("\tat 20"));

    for (range, expected) in [
        (["--from", "2020-01-01T00:00:00Z", "--until", "2020-01-02T00:00:00+02:00"], 0),
        (["--from", "2020-01-01T00:00:00.5Z", "--until", "4102444800000"], 1),
    ] {
        let replayed = one(&callback(&[&["replay"], &range[..]].concat()), &["replayed"]);
        assert_eq!(replayed["replayed"], expected, "{range:?}");
    }
    let recalled = one(&["message", "recall", "--app", "demo/demo", "--msg-id", &msg_id, "--yes"], &["msg_id"]);
    assert_eq!(recalled["recalled"], true);
    assert_eq!(one(&callback(&["remove", &id, "--yes"]), &["id"])["removed"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_are_json_objects_also_when_they_fail() {
    let mut installation = installed().await;
    installation.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup");
    let made = json(&installation, &["backup", backup.to_str().unwrap()]);
    assert!(made.iter().any(|line| line["folder"] == backup.to_str().unwrap()), "{made:#?}");
    assert_eq!(json(&installation, &["verify"]).last().unwrap()["findings"], 0);
    // Whether the usual ports are free here does not matter.
    let found = objects(&["doctor"], &installation.command(&["doctor", "--json"]));
    assert!(found.iter().any(|it| it["check"] == "config" && it["result"] == "ok"), "{found:#?}");
    assert!(found.iter().all(|it| it["what"].is_string()), "{found:#?}");
    let failed = installation.command(&["export", "verify", "--json", "no.json"]);
    let found = objects(&["export"], &failed);
    assert_eq!((&found[0]["check"], &found[0]["result"]), (&"no.json".into(), &"wrong".into()));
    assert_eq!(failed.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shells_get_a_script_that_completes_commands() {
    let installation = Installation::default();
    for (shell, sign) in [("bash", "complete -F"), ("zsh", "#compdef tidings"), ("fish", "complete -c tidings")] {
        let script = run(&installation, &["completions", shell]);
        assert!(script.contains(sign) && script.contains("rotate-secret"), "{shell}: {script}");
    }
    let script = run(&installation, &["completions", "bash"]);
    let file = installation.data().join("tidings.bash");
    fs::create_dir_all(installation.data()).unwrap();
    fs::write(&file, script).unwrap();
    let try_it =
        "source \"$1\"; COMP_WORDS=(tidings app rot); COMP_CWORD=2; _tidings tidings rot app; echo \"${COMPREPLY[@]}\"";
    let done = std::process::Command::new("bash").args(["-c", try_it, "bash"]).arg(&file).output().unwrap();
    assert_eq!(String::from_utf8(done.stdout).unwrap(), "rotate-secret\n", "{}", String::from_utf8_lossy(&done.stderr));
}
