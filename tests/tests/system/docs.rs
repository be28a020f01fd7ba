//! References in the documentation resolve: links, headings, files of the code. The main pages stay short.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

const FOLDERS: [&str; 10] =
    ["crates", "deploy", "dialects", "docs", "gateway", "proto", "services", "tests", "tidings", "xtask"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file of the repository, by its path from the root, without build output and installed packages.
pub(crate) fn files() -> BTreeSet<PathBuf> {
    fn walk(folder: &Path, root: &Path, found: &mut BTreeSet<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("node_modules") && !path.ends_with("target") {
                    walk(&path, root, found);
                }
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    let (root, mut found) = (root(), BTreeSet::new());
    for folder in FOLDERS {
        walk(&root.join(folder), &root, &mut found);
    }
    for entry in fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            found.insert(path.strip_prefix(&root).unwrap().to_owned());
        }
    }
    found
}

pub(crate) fn read(page: &Path) -> String {
    fs::read_to_string(root().join(page)).unwrap()
}

/// The pages for humans.
fn pages(files: &BTreeSet<PathBuf>) -> Vec<&PathBuf> {
    let is_page = |file: &&PathBuf| {
        let folder = file.parent().unwrap();
        file.extension().is_some_and(|extension| extension == "md")
            && (folder == Path::new("") || folder.starts_with("docs"))
    };
    files.iter().filter(is_page).collect()
}

/// A page without its fenced blocks.
fn prose(page: &Path) -> String {
    read(page).split("```").step_by(2).collect()
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn has_heading(page: &Path, wanted: &str) -> bool {
    prose(page).lines().filter(|line| line.starts_with('#')).any(|line| anchor(line.trim_start_matches('#')) == wanted)
}

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = plain.pop(),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn every_link_leads_to_a_page_and_a_heading_that_are_there() {
    let files = files();
    let mut broken = Vec::new();
    for page in pages(&files) {
        let text = prose(page);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { plain(&page.parent().unwrap().join(file)) };
            let is_there = root().join(&target).exists();
            if !is_there || !heading.is_empty() && !has_heading(&target, heading) {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The pages that explain the code.
fn about_code(files: &BTreeSet<PathBuf>) -> impl Iterator<Item = &PathBuf> {
    let is_about_code = |page: &&PathBuf| {
        ["ARCHITECTURE.md", "CONTRIBUTING.md"].iter().any(|name| ***page == *Path::new(name))
            || page.starts_with("docs/internals")
    };
    pages(files).into_iter().filter(is_about_code)
}

/// What stands between backticks.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether it names one file and is not a pattern.
fn is_of_code(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "rs") && !name.contains(['<', '*', '{'])
}

#[test]
fn every_file_of_the_code_that_is_named_is_there() {
    let files = files();
    let mut missing = Vec::new();
    for page in about_code(&files) {
        for name in named(&prose(page)).filter(|name| is_of_code(name)) {
            if !files.iter().any(|file| file.ends_with(name)) {
                missing.push(format!("{}: {name}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_method_of_the_code_that_is_named_is_there() {
    let files = files();
    let sources: Vec<String> =
        files.iter().filter(|file| file.extension().is_some_and(|end| end == "rs")).map(|file| read(file)).collect();
    let (mut missing, mut found) = (Vec::new(), 0);
    for page in about_code(&files) {
        let text = prose(page);
        let methods = named(&text).filter_map(|name| Some((name, name.split_once("::")?)));
        for (name, (owner, method)) in methods {
            let is_method = owner.starts_with(char::is_uppercase) && method.starts_with(char::is_lowercase);
            if !is_method || !method.chars().all(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let is_there = |source: &String| {
                source.contains(&format!("fn {method}"))
                    && [" ", "<", "("].iter().any(|end| source.contains(&format!("{owner}{end}")))
            };
            if sources.iter().any(is_there) {
                found += 1;
            } else {
                missing.push(format!("{}: {name}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(found > 10, "only {found} methods are found");
}

#[test]
fn every_row_of_a_table_has_the_cells_of_its_heading() {
    let files = files();
    let mut wrong = Vec::new();
    for page in pages(&files) {
        let text = prose(page);
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        let mut heading = None;
        for line in text.lines() {
            if !line.starts_with('|') {
                heading = None;
            } else if cells(line) != *heading.get_or_insert(cells(line)) {
                wrong.push(format!("{}: {line}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Every RPC, as `Service.Method`.
fn rpcs(files: &BTreeSet<PathBuf>) -> BTreeSet<String> {
    let mut rpcs = BTreeSet::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "proto")) {
        let (text, mut service) = (read(file), String::new());
        for line in text.lines() {
            let mut words = line.split([' ', '(', '{']).filter(|word| !word.is_empty());
            match (words.next(), words.next()) {
                (Some("service"), Some(name)) => name.clone_into(&mut service),
                (Some("rpc"), Some(name)) => _ = rpcs.insert(format!("{service}.{name}")),
                _ => {}
            }
        }
    }
    rpcs
}

#[test]
fn every_rpc_that_is_named_is_there() {
    let files = files();
    let rpcs = rpcs(&files);
    let (mut missing, mut found) = (Vec::new(), 0);
    // RPCs named in a changelog may be gone.
    for page in pages(&files).into_iter().filter(|page| *page != Path::new("CHANGELOG.md")) {
        for name in read(page).split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '/')) {
            let name = name.trim_start_matches("tidings.v1.").trim_end_matches(['.', '/']).replace('/', ".");
            let is_rpc = name.split_once('.').is_some_and(|(service, method)| {
                service.ends_with("Service") && method.chars().all(char::is_alphanumeric)
            });
            if is_rpc && rpcs.contains(&name) {
                found += 1;
            } else if is_rpc {
                missing.push(format!("{}: {name}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(found > 20, "{found} names alone: are they still found?");
}

#[test]
fn every_page_is_in_the_index() {
    let files = files();
    let index = read(Path::new("docs/README.md"));
    let docs = pages(&files).into_iter().filter_map(|page| page.strip_prefix("docs").ok());
    for page in docs.filter(|page| *page != Path::new("README.md")) {
        assert!(index.contains(&format!("({})", page.display())), "docs/README.md lacks {}", page.display());
    }
}

#[test]
fn what_everybody_reads_is_short() {
    for (page, most) in [("README.md", 900), ("ARCHITECTURE.md", 1500)] {
        let words = read(Path::new(page)).split_whitespace().count();
        assert!(words <= most, "{page} has {words} words, at most {most}");
    }
}
