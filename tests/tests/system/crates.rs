//! Who may depend on whom (ARCHITECTURE.md, "Who calls whom").

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde::Deserialize;

/// Folders from the top down: a crate depends only on crates in lower rows, so there are no cycles.
const LAYERS: [&[&str]; 7] = [
    &["tidings"],
    &[
        "gateway",
        "services/directory",
        "services/message",
        "services/conversation",
        "services/file",
        "services/callback",
    ],
    &["dialects", "crates/directory-client", "crates/nats-bus"],
    &["crates/runtime"],
    &["proto", "crates/store"],
    &["crates/outbound"],
    &["crates/domain"],
];

/// Crates that start, drive and test the rest, and are not shipped.
const TOOLS: [&str; 4] = ["tests", "tests/testkit", "tests/load", "xtask"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    name: String,
    pub(crate) targets: Vec<Target>,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub(crate) struct Target {
    /// The file that is its root.
    pub(crate) src_path: String,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Excludes a crate's own build dependencies.
    kind: Option<String>,
}

/// The crates of this project.
pub(crate) fn metadata() -> Vec<Package> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let Metadata { packages } = serde_json::from_slice(&metadata.stdout).expect("cargo's metadata");
    packages
}

/// The folder of each crate of this project, and the folders of its dependencies, without tests.
fn crates() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests have a folder of their own");
    let packages = metadata();
    let folder = |package: &Package| {
        let folder = Path::new(&package.manifest_path).parent().expect("a manifest has a folder");
        folder.strip_prefix(root).expect("a member of the workspace").to_str().expect("text").to_owned()
    };
    let folders: BTreeMap<&str, String> = packages.iter().map(|it| (it.name.as_str(), folder(it))).collect();
    let depends_on = |package: &Package| {
        let built = package.dependencies.iter().filter(|it| it.kind.as_deref() != Some("dev"));
        built.filter_map(|it| folders.get(it.name.as_str()).cloned()).collect()
    };
    packages.iter().map(|package| (folder(package), depends_on(package))).collect()
}

#[test]
fn crates_build_on_crates_below_them_alone() {
    let layer = |folder: &str| LAYERS.iter().position(|layer| layer.contains(&folder));
    for (folder, depends_on) in crates() {
        if TOOLS.contains(&folder.as_str()) {
            continue;
        }
        let own = layer(&folder).unwrap_or_else(|| panic!("{folder} has no layer"));
        for other in depends_on {
            assert!(layer(&other).is_some_and(|other| other > own), "{folder} builds on {other}");
        }
    }
}

#[test]
fn a_crate_builds_on_what_its_work_needs() {
    let crates = crates();
    let of = |folder: &str| crates[folder].iter().map(|it| it.trim_start_matches("crates/")).collect::<BTreeSet<_>>();
    let all = |more: &[&'static str]| -> BTreeSet<&str> {
        ["domain", "proto", "runtime", "store"].into_iter().chain(more.iter().copied()).collect()
    };
    // The services that call servers of third parties use `outbound`. Hooks are asked in vendors' formats.
    assert_eq!(of("services/directory"), all(&["dialects", "outbound"]));
    // Exports and callbacks are written in vendors' formats.
    assert_eq!(of("services/message"), all(&["dialects", "directory-client", "outbound"]));
    assert_eq!(of("services/callback"), all(&["dialects", "directory-client", "outbound"]));
    assert_eq!(of("services/file"), all(&["directory-client", "outbound"]));
    assert_eq!(of("services/conversation"), all(&["directory-client"]));
    // Subscriptions over gRPC are checked while they last.
    assert_eq!(of("gateway"), BTreeSet::from(["dialects", "directory-client", "domain", "proto", "runtime"]));
    assert_eq!(of("crates/nats-bus"), BTreeSet::from(["domain", "runtime"]));
    assert_eq!(of("crates/directory-client"), BTreeSet::from(["domain", "proto", "runtime"]));
    assert_eq!(of("dialects"), BTreeSet::from(["domain"]));
    assert_eq!(of("crates/store"), BTreeSet::from(["domain"]));
}
