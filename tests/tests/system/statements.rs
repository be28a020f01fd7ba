//! Every statement is in the list that its service's tests prepare and explain (`services/*/tests/**/statements.rs`).
//!
//! Sources are parsed into Rust's tokens. A constant or static that is a statement must be in `ALL`, or in a function
//! that returns statements or their texts; none is in the body of another function, nor outside of a store.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The keywords that begin a statement.
const VERBS: [&str; 5] = ["select ", "insert into ", "update ", "delete from ", "with "];
/// The types made of texts that are statements.
const MADE: [&str; 3] = ["ManyRows", "Gather", "GatherMany"];

/// A constant, a static or a function.
struct Item {
    is_function: bool,
    name: String,
    /// Its type or return type.
    gives: String,
    body: String,
    /// The beginnings of the statements in it.
    statements: Vec<String>,
}

impl Item {
    fn new(is_function: bool, name: &TokenTree, gives: &[TokenTree], body: &[TokenTree]) -> Self {
        let mut statements = Vec::new();
        find_statements(body, &mut statements);
        Self { is_function, name: name.to_string(), gives: text(gives), body: text(body), statements }
    }

    fn makes_statements(&self) -> bool {
        words(&self.gives).any(|word| MADE.contains(&word))
    }

    fn lists(&self) -> bool {
        let gives_texts = ["String", "Vec < String >"].contains(&self.gives.as_str());
        if self.is_function { self.makes_statements() || gives_texts } else { self.name == "ALL" }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

fn text(tokens: &[TokenTree]) -> String {
    tokens.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn find_statements(tokens: &[TokenTree], found: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => find_statements(&group.stream().into_iter().collect::<Vec<_>>(), found),
            TokenTree::Literal(literal) => {
                let literal = literal.to_string();
                let literal = literal.trim_start_matches(['r', '#', '"']).trim_start().trim_end_matches(['#', '"']);
                if VERBS.iter().any(|verb| literal.starts_with(verb)) {
                    found.push(literal.chars().take(60).collect());
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// Those of a file, without those in test modules and in macros: the use of a macro is found where it is used.
fn items(tokens: &[TokenTree]) -> Vec<Item> {
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token: &TokenTree| token.to_string() == text);
    let next = |from: usize, wanted: &dyn Fn(usize) -> bool| (from..tokens.len()).find(|at| wanted(*at));
    let end = tokens.len();
    let (mut items, mut at) = (Vec::new(), 0);
    while at < end {
        if (is(at, "const") || is(at, "static")) && is(at + 2, ":") {
            let last = next(at, &|at| is(at, ";")).unwrap_or(end);
            // A trait's constant may have none.
            let value = next(at, &|at| at == last || is(at, "=")).unwrap_or(last);
            items.push(Item::new(false, &tokens[at + 1], &tokens[at + 3..value], &tokens[value..last]));
            at = last;
        } else if is(at, "fn") {
            let is_body = |at: usize| matches!(&tokens[at], TokenTree::Group(it) if it.delimiter() == Delimiter::Brace);
            let body = next(at, &|at| is_body(at) || is(at, ";")).unwrap_or(end);
            let arrow = next(at, &|at| at >= body || (is(at, "-") && is(at + 1, ">"))).unwrap_or(body);
            let gives = tokens.get(arrow + 2..body).unwrap_or_default();
            items.push(Item::new(true, &tokens[at + 1], gives, &tokens[body..end.min(body + 1)]));
            at = body;
        } else if is(at, "macro_rules") || (is(at, "mod") && is(at + 1, "tests")) {
            at += 2;
        } else if let TokenTree::Group(group) = &tokens[at] {
            items.extend(self::items(&group.stream().into_iter().collect::<Vec<_>>()));
        }
        at += 1;
    }
    items
}

/// What is wrong with the statements of a file.
fn wrong_in(source: &str, is_store: bool) -> Vec<String> {
    let tokens: TokenStream = source.parse().expect("Rust");
    let items = items(&tokens.into_iter().collect::<Vec<_>>());
    let mut listed: BTreeSet<&str> =
        items.iter().filter(|item| item.lists()).flat_map(|item| words(&item.body)).collect();
    // The parts of a listed statement are prepared with it.
    loop {
        let used = items.iter().filter(|item| !item.is_function && listed.contains(item.name.as_str()));
        let more: BTreeSet<&str> = used.flat_map(|item| words(&item.body)).collect();
        if more.is_subset(&listed) {
            break;
        }
        listed.extend(more);
    }
    let mut wrong = Vec::new();
    for item in &items {
        let is_one = item.makes_statements() || !item.statements.is_empty();
        if !is_store {
            wrong.extend(item.statements.iter().map(|sql| format!("{} is no part of a store: {sql}", item.name)));
        } else if item.is_function && !item.lists() {
            wrong.extend(item.statements.iter().map(|sql| format!("{} has a statement inside: {sql}", item.name)));
        } else if !item.is_function && is_one && !listed.contains(item.name.as_str()) {
            wrong.push(format!("{} is in no list", item.name));
        }
    }
    wrong
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn every_statement_of_the_services_is_in_the_list_that_is_prepared() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let services: Vec<PathBuf> =
        fs::read_dir(root.join("services")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(services.len(), 5);
    let folders = services.iter().map(|service| service.join("src"));
    let folders = folders.chain(["gateway/src", "tidings/src", "dialects/src"].map(|folder| root.join(folder)));
    let (mut wrong, mut stores) = (Vec::new(), 0);
    for file in folders.flat_map(|folder| sources(&folder)) {
        let is_store = file.components().any(|component| component.as_os_str() == "store");
        stores += usize::from(is_store);
        let found = wrong_in(&fs::read_to_string(&file).unwrap(), is_store);
        wrong.extend(found.into_iter().map(|wrong| format!("{}: {wrong}", file.display())));
    }
    assert!(stores > 40, "only {stores} files are of stores");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_statement_outside_of_the_list_is_found_however_it_is_written() {
    let listed = "const ONE: &str = \"select 1\"; pub const ALL: &[&str] = &[ONE]; ";
    let wrong = |more: &str| wrong_in(&format!("{listed}{more}"), true);
    assert_eq!(wrong(""), [""; 0]);
    let other = ["OTHER is in no list"];
    assert_eq!(wrong("const OTHER: &str = \"\n    select 2\";"), other);
    assert_eq!(wrong("pub(crate) const OTHER: &'static str = concat!(\"update a \", columns!());"), other);
    assert_eq!(wrong("static OTHER: LazyLock<Gather> = LazyLock::new(|| made(columns!()));"), other);
    assert_eq!(wrong("static OTHER: LazyLock<[GatherMany; 2]> = LazyLock::new(|| STEPS.map(made));"), other);
    let inside = ["f has a statement inside: delete from a"];
    assert_eq!(wrong("async fn f(tx: &mut Tx) -> Result<(), Error> { sqlx::query(\"delete from a\") }"), inside);
    assert_eq!(wrong("impl A { fn f() { const GO: &str = \"delete from a\"; } }"), inside);
    assert_eq!(wrong_in("const A: &str = \"insert into a values (1)\";", false).len(), 1);
}

#[test]
fn what_is_listed_or_part_of_what_is_listed_is_fine() {
    for fine in [
        "static OTHER: LazyLock<ManyRows> = made(); pub fn many() -> Vec<&'static ManyRows> { vec![&OTHER] }",
        "static OTHER: LazyLock<Gather> = made(); pub fn text_of(engine: Engine) -> String { OTHER.text(engine) }",
        "const PART: &str = \"select 1\"; const ALL: &[&str] = &[OTHER]; const OTHER: &str = format!(\"{PART} from a\");",
        "fn made() -> GatherMany { GatherMany::new(\"select 1\") }",
        "const WORDS: &str = \"must be one of a, b\";",
        "mod tests { const OTHER: &str = \"select 2\"; }",
    ] {
        assert_eq!(wrong_in(fine, true), [""; 0], "{fine}");
    }
}
