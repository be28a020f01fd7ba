//! Who may depend on whom (ARCHITECTURE.md, "Who calls whom").

use std::{fs, path::Path};

/// The crates of this project that the crate in `folder` builds on, tests left out.
fn depends_on(folder: &str) -> Vec<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join("Cargo.toml");
    let text = fs::read_to_string(manifest).expect("a crate has a manifest");
    let dependencies = text.split("\n[").find(|section| section.starts_with("dependencies]")).expect("dependencies");
    let names = dependencies.lines().filter_map(|line| line.strip_prefix("tidings-"));
    let mut names: Vec<String> = names.filter_map(|line| line.split(['.', ' ']).next()).map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn a_service_builds_on_no_other_service_and_the_gateway_on_none() {
    for service in ["directory", "message", "conversation", "file", "callback"] {
        let mut allowed = vec!["domain", "proto", "runtime", "store"];
        if service == "message" || service == "callback" {
            // They write exports and callbacks.
            allowed.push("dialect");
        }
        if service != "conversation" {
            // They ask other people's servers; the directory keeps where hooks are.
            allowed.push("outbound");
        }
        allowed.sort_unstable();
        assert_eq!(depends_on(&format!("services/{service}")), allowed, "{service}");
    }
    assert_eq!(depends_on("gateway"), ["dialect", "domain", "proto", "runtime"]);
}

#[test]
fn the_domain_builds_on_nothing_and_the_dialects_on_the_domain_alone() {
    assert!(depends_on("crates/domain").is_empty());
    assert_eq!(depends_on("crates/dialect"), ["domain"]);
    assert_eq!(depends_on("crates/store"), ["domain"]);
}
