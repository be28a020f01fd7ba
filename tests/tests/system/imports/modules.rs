//! The modules of a crate, and their dependencies on each other, from their sources.
//!
//! Files are parsed into Rust's tokens, so a `use` counts wherever it is and however it is written, and so does a path
//! in an expression, a type, or the input of a macro. Names are resolved through re-exports to the file that defines
//! them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A name that a `use` imports into a module, and what it stands for; `*` for all names of that module.
type Binding = (String, Vec<String>);

/// One module, in a file of its own or inside one.
#[derive(Default)]
struct Module {
    file: PathBuf,
    items: BTreeSet<String>,
    bindings: Vec<Binding>,
    /// Every path in it.
    paths: Vec<Vec<String>>,
}

/// The modules of one crate by their path; the root's is empty.
#[derive(Default)]
pub struct Modules {
    modules: BTreeMap<Vec<String>, Module>,
    /// Where `#[macro_export]` puts macros: into the root.
    macros: BTreeMap<String, PathBuf>,
}

/// The target of a path.
enum Target {
    Module(Vec<String>),
    ItemOf(PathBuf),
}

const ITEMS: [&str; 9] = ["struct", "enum", "union", "trait", "fn", "type", "const", "static", "mod"];

impl Modules {
    /// Of the crate whose root is that file.
    pub fn of(root: &Path) -> Self {
        let mut modules = Self::default();
        modules.read_file(root.to_owned(), Vec::new(), root.parent().expect("a file has a folder"));
        modules
    }

    /// `children` is the folder of its modules' files.
    fn read_file(&mut self, file: PathBuf, path: Vec<String>, children: &Path) {
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.read_module(&file, path, children, tokens);
    }

    fn read_module(&mut self, file: &Path, path: Vec<String>, children: &Path, tokens: TokenStream) {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let TokenTree::Ident(word) = token else { continue };
            let (word, next) = (word.to_string(), tokens.get(at + 1));
            if word == "macro_rules"
                && let Some(TokenTree::Ident(name)) = tokens.get(at + 2)
            {
                module.items.insert(name.to_string());
                self.macros.insert(name.to_string(), file.to_owned());
            }
            let Some(TokenTree::Ident(name)) = next else { continue };
            if !ITEMS.contains(&word.as_str()) {
                continue;
            }
            let name = name.to_string();
            if word != "mod" {
                module.items.insert(name);
                continue;
            }
            let child = [path.as_slice(), std::slice::from_ref(&name)].concat();
            if let Some(TokenTree::Group(body)) = tokens.get(at + 2) {
                self.read_module(file, child, &children.join(&name), body.stream());
            } else {
                let folder = children.join(&name);
                let flat = children.join(format!("{name}.rs"));
                let elsewhere = path_attribute(&tokens[..at]).map(|path| file.with_file_name(path));
                let file = elsewhere.unwrap_or(if flat.exists() { flat } else { folder.join("mod.rs") });
                self.read_file(file, child, &folder);
            }
        }
        collect(&tokens, &mut module, true);
        self.modules.insert(path, module);
    }

    /// What `path` means at its place; `None`: something of another crate, or of the language.
    fn resolve(&self, from: &[String], path: &[String], depth: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        if depth > 16 {
            return None;
        }
        let start = match first.as_str() {
            "crate" => Target::Module(Vec::new()),
            "self" => Target::Module(from.to_vec()),
            "super" => Target::Module(from.split_last()?.1.to_vec()),
            name => self.lookup(from, name, depth)?,
        };
        self.follow(start, rest, depth)
    }

    fn follow(&self, start: Target, rest: &[String], depth: usize) -> Option<Target> {
        let (Target::Module(module), Some((next, rest))) = (&start, rest.split_first()) else { return Some(start) };
        let target = match next.as_str() {
            "super" => Target::Module(module.split_last()?.1.to_vec()),
            "self" | "*" => Target::Module(module.clone()),
            // A name that only a macro defines is assumed to be an item of the module's file.
            name => match self.lookup(module, name, depth) {
                Some(target) => target,
                None if module.is_empty() && self.macros.contains_key(name) => {
                    Target::ItemOf(self.macros[name].clone())
                }
                None => Target::ItemOf(self.modules.get(module)?.file.clone()),
            },
        };
        self.follow(target, rest, depth)
    }

    fn lookup(&self, module: &[String], name: &str, depth: usize) -> Option<Target> {
        let child = [module, &[name.to_owned()]].concat();
        if self.modules.contains_key(&child) {
            return Some(Target::Module(child));
        }
        let here = self.modules.get(module)?;
        if here.items.contains(name) {
            return Some(Target::ItemOf(here.file.clone()));
        }
        // A `use` of a name by that name means another crate, not itself.
        let named = here.bindings.iter().filter(|(bound, path)| bound == name && path[0] != name);
        for (_, path) in named {
            if let Some(target) = self.resolve(module, path, depth + 1) {
                return Some(target);
            }
        }
        let globs = here.bindings.iter().filter(|(bound, _)| bound == "*");
        for (_, path) in globs {
            if let Some(Target::Module(other)) = self.resolve(module, path, depth + 1)
                && other != module
                && let Some(target) = (depth < 16).then(|| self.lookup(&other, name, depth + 1)).flatten()
            {
                return Some(target);
            }
        }
        None
    }

    /// Whether all of a file belongs to the module: a module's own file combines its children.
    fn is_below(&self, file: &Path, module: &[String]) -> bool {
        let mut of_file = self.modules.iter().filter(|(_, module)| module.file == file);
        of_file.all(|(path, _)| path.starts_with(module))
    }

    /// The dependencies of each file; those of a module on its child modules are left out.
    pub fn needs(&self) -> BTreeMap<&Path, BTreeSet<PathBuf>> {
        let mut needs: BTreeMap<&Path, BTreeSet<PathBuf>> = BTreeMap::new();
        for (from, module) in &self.modules {
            let needed = needs.entry(&module.file).or_default();
            for path in &module.paths {
                match self.resolve(from, path, 0) {
                    Some(Target::ItemOf(file)) if file != module.file && !self.is_below(&file, from) => {
                        _ = needed.insert(file);
                    }
                    _ => {}
                }
            }
        }
        needs
    }
}

/// The path in `#[path = "..."]` before a `mod`.
fn path_attribute(before: &[TokenTree]) -> Option<String> {
    let Some(TokenTree::Group(attribute)) = before.last() else { return None };
    let mut words = attribute.stream().into_iter();
    let is_path = words.next().is_some_and(|word| word.to_string() == "path");
    is_path.then(|| words.nth(1).map(|path| path.to_string().trim_matches('"').to_owned())).flatten()
}

/// The paths in these tokens, and the imports of `use`.
fn collect(tokens: &[TokenTree], module: &mut Module, is_module: bool) {
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(word) if *word == "use" && !is(&tokens[at + 1], '<') => {
                let end = tokens[at..].iter().position(|token| is(token, ';')).map_or(tokens.len(), |end| at + end);
                let mut bindings = Vec::new();
                use_tree(&tokens[at + 1..end], &[], &mut bindings);
                module.paths.extend(bindings.iter().map(|(_, path)| path.clone()));
                module.bindings.extend(bindings);
                at = end;
            }
            TokenTree::Ident(word) if is_module && *word == "mod" => {
                // A module inside the file was parsed as a module of its own.
                at += 2;
            }
            TokenTree::Ident(first) => {
                let mut path = vec![first.to_string()];
                while let Some(TokenTree::Ident(next)) = tokens.get(at + 3)
                    && is(&tokens[at + 1], ':')
                    && is(&tokens[at + 2], ':')
                {
                    path.push(next.to_string());
                    at += 3;
                }
                if path.len() > 1 {
                    module.paths.push(path);
                }
            }
            TokenTree::Group(group) => collect(&group.stream().into_iter().collect::<Vec<_>>(), module, false),
            _ => {}
        }
        at += 1;
    }
}

/// The names bound by the tree after `use`, each with its whole path.
fn use_tree(tokens: &[TokenTree], before: &[String], bindings: &mut Vec<Binding>) {
    let mut path = before.to_vec();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(word) if *word == "as" => {
                bindings.push((tokens[at + 1].to_string(), path));
                return;
            }
            TokenTree::Ident(word) if *word == "self" && !path.is_empty() => {}
            TokenTree::Ident(word) => path.push(word.to_string()),
            TokenTree::Punct(punct) if punct.as_char() == '*' => {
                bindings.push(("*".to_owned(), path));
                return;
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for tree in inner.split(|token| is(token, ',')) {
                    use_tree(tree, &path, bindings);
                }
                return;
            }
            _ => {}
        }
    }
    if let Some(last) = path.last().cloned() {
        bindings.push((last, path));
    }
}

fn is(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}
