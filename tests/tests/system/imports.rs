//! There are no import cycles between files, so that each can be read after its dependencies (ARCHITECTURE.md, "Who
//! calls whom").
//!
//! A module's own file may combine its children, and hold what they share: its imports of them do not count as a cycle.

mod modules;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::crates::metadata;
use modules::Modules;

/// The sets of files that depend on each other.
fn circles(needs: &BTreeMap<&Path, BTreeSet<PathBuf>>) -> Vec<BTreeSet<PathBuf>> {
    let reach = |from: &Path| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(file) = open.pop() {
            for next in needs.get(file.as_path()).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Path, BTreeSet<PathBuf>> = needs.keys().map(|file| (*file, reach(file))).collect();
    let in_circle = reached.iter().filter(|(file, reached)| reached.contains(**file));
    let sets = in_circle.map(|(file, there)| {
        there
            .iter()
            .filter(|other| reached.get(other.as_path()).is_some_and(|back| back.contains(*file)))
            .cloned()
            .collect()
    });
    sets.collect::<BTreeSet<BTreeSet<PathBuf>>>().into_iter().collect()
}

/// Each cycle with its files, and their dependencies among each other.
fn told(root: &Path, needs: &BTreeMap<&Path, BTreeSet<PathBuf>>) -> Vec<String> {
    let short = |file: &Path| file.strip_prefix(root).unwrap_or(file).display().to_string();
    let told = |circle: BTreeSet<PathBuf>| {
        let needed =
            |file: &Path| needs[file].intersection(&circle).map(|file| short(file)).collect::<Vec<_>>().join(", ");
        let lines = circle.iter().map(|file| format!("{} needs {}", short(file), needed(file)));
        lines.collect::<Vec<_>>().join("; ")
    };
    circles(needs).into_iter().map(told).collect()
}

#[test]
#[ignore = "the gateway's state holds the places of sockets, which need its clients"]
fn no_files_import_each_other_in_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut found, mut read) = (Vec::new(), 0);
    for target in metadata().into_iter().flat_map(|package| package.targets) {
        let modules = Modules::of(Path::new(&target.src_path));
        let needs = modules.needs();
        read += needs.len();
        found.extend(told(root, &needs));
    }
    assert!(read > 400, "only {read} files were read");
    assert!(found.is_empty(), "files in a circle:\n{}", found.join("\n"));
}

/// The cycles of a crate with these files; the first one is its root.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    told(folder.path(), &Modules::of(&folder.path().join(files[0].0)).needs())
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let circle = ["a.rs needs b.rs; b.rs needs a.rs"];
    let root = ("lib.rs", "mod a; mod b; pub use a::{A, again}; mod c { pub use crate::b::*; }");
    let b = ("b.rs", "pub struct B(crate::a::A); macro_rules! made { () => {} }");
    for a in [
        "use crate::b::B; pub struct A;",
        "use super::{b::{self, B as Other}}; pub struct A; fn again() {}",
        "pub struct A; fn f() { use self::super::b::B; }",
        "pub struct A; fn f() -> super::b::B { loop {} }",
        "use super::b; pub struct A; fn f() { assert!(b::B::new().is_some()); }",
        "use crate::c::B; pub struct A;",
        "use crate::c; pub struct A(c::B);",
        "use super::b::*; pub struct A;",
        "pub struct A; #[cfg(test)] mod tests { use super::super::b::B; }",
    ] {
        let found = circles_of(&[root, ("a.rs", a), b]);
        // A glob alone does not show what it is used for; the item that is used does.
        let expected: &[&str] = if a.starts_with("use super::b::*") { &[] } else { &circle };
        assert_eq!(found, expected, "{a}");
    }
    let through_the_root = [("lib.rs", "mod a; mod b; pub use a::A;"), ("a.rs", "use crate::b::B; pub struct A;")];
    let b = ("b.rs", "use crate::A; pub struct B;");
    assert_eq!(circles_of(&[through_the_root[0], through_the_root[1], b]), circle);
}

#[test]
fn a_parent_that_puts_its_children_together_is_in_no_circle_with_them() {
    let parent = ("lib.rs", "mod a; mod b; pub use a::A; pub struct Shared; fn f() { a::run(b::B) }");
    let a = ("a.rs", "use super::{Shared, b::B}; pub struct A; pub fn run(b: B) {}");
    let b = ("b/mod.rs", "mod inner; use crate::Shared; pub use inner::B;");
    let inner = ("b/inner.rs", "use super::super::Shared; pub struct B;");
    assert_eq!(circles_of(&[parent, a, b, inner]), [""; 0]);
}
