//! Published clients, unmodified: the vendor's web SDK (npm `easemob-websdk`, its REST calls in jsdom) and the Python client
//! `ease-restapi`. Only the base URL is ours.

use std::{
    env,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};
use tidings_proto::pb;
use tidings_testkit::every_shape;

use crate::{policy, transcript::Transcript};

/// What a client printed: one JSON object per line.
async fn lines(mut client: Command) -> Vec<Value> {
    let run = tokio::task::spawn_blocking(move || client.output()).await.expect("the client is waited for");
    let Output { status, stdout, stderr } = run.expect("the client runs");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let stdout = String::from_utf8(stdout).expect("JSON is text");
    stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn script(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

every_shape! {
    async fn the_vendors_web_sdk_makes_its_rest_calls_unmodified(app: TestApp) {
        policy::set(&app, pb::Policy { open_registration: Some(true), ..Default::default() }).await;
        let packages = env::var_os("TIDINGS_TEST_NPM").expect("`cargo xtask test` installs the packages and says where");
        let key = format!("{}#{}", app.app().org, app.app().name);
        let client = |parts: &[&str]| {
            let mut node = Command::new("node");
            node.arg(script("npm/websdk-rest.js")).args([&app.suite.url(), &key, "nora", "secret", "omar"]);
            node.args(parts).env("NODE_PATH", Path::new(&packages).join("node_modules"));
            node
        };
        let mut wire = Transcript::of(&app);
        let mut refused = Vec::new();
        let mut steps = lines(client(&["users"])).await;
        app.agora().post("/chatrooms/super_admin", &json!({"superadmin": "nora"})).await.expect(200);
        steps.extend(lines(client(&["rest"])).await);
        for line in &steps {
            let step = line["step"].as_str().expect("a name");
            if let Some(fault) = line.get("fault") {
                refused.push(format!("{step}: {fault}"));
            }
            wire.note(step, &line["ok"].to_string());
        }
        assert_eq!(refused, Vec::<String>::new());
        wire.check("vendor_web_sdk");
    }
}

every_shape! {
    async fn the_python_client_makes_its_calls_unmodified(app: TestApp) {
        let packages = env::var_os("TIDINGS_TEST_PYTHON").unwrap_or_else(|| {
            panic!("{}", env::var("TIDINGS_TEST_PYTHON_MISSING").unwrap_or("`cargo xtask test` installs it".to_owned()))
        });
        let (id, secret) = (&app.secrets.client_id, &app.secrets.client_secret);
        let mut python = Command::new("python3");
        python.arg(script("python/ease_restapi_calls.py"));
        python.args([&app.suite.url(), &app.app().org, &app.app().name, id, secret]).env("PYTHONPATH", packages);
        let mut wire = Transcript::of(&app);
        let mut refused = Vec::new();
        for line in lines(python).await {
            let call = line["call"].as_str().expect("a name");
            if line["success"] != true {
                refused.push(format!("{call}: {}", line["answer"]));
            }
            wire.note(call, &line["answer"].to_string());
        }
        assert_eq!(refused, Vec::<String>::new());
        wire.check("vendor_python_client");
    }
}
