//! The .proto files as buf's linter sees them, under the rules of proto/buf.yaml.

use std::{env, path::Path, process::Command};

/// The folder of buf.yaml.
const PROTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../proto");

/// What the linter finds, a line for each; `None` where it finds nothing.
fn findings(folder: &Path) -> Option<String> {
    let npm = env::var_os("TIDINGS_TEST_NPM").expect("`cargo xtask test` installs the linter and says where");
    let mut buf = Command::new("node");
    buf.arg(Path::new(&npm).join("node_modules/@bufbuild/buf/bin/buf")).arg("lint").current_dir(folder);
    let linted = buf.output().expect("node runs, for `cargo xtask test` has seen to it");
    let said = format!("{}{}", String::from_utf8_lossy(&linted.stdout), String::from_utf8_lossy(&linted.stderr));
    (!linted.status.success()).then_some(said)
}

#[test]
fn the_proto_files_pass_buf_lint() {
    assert_eq!(findings(Path::new(PROTO)), None);
}

#[test]
fn the_linter_finds_what_the_rules_forbid() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(Path::new(PROTO).join("buf.yaml"), folder.path().join("buf.yaml")).unwrap();
    let package = folder.path().join("proto/tidings/v1");
    std::fs::create_dir_all(&package).unwrap();
    let wrong = "syntax = \"proto3\";\npackage tidings.v1;\nservice AService {\n  rpc Get(Ref) returns (Ref);\n}\nmessage Ref {}\n";
    std::fs::write(package.join("a.proto"), wrong).unwrap();
    let said = findings(folder.path()).expect("a request that is not named after its RPC");
    assert!(said.contains("should be named \"GetRequest\""), "{said}");
}
