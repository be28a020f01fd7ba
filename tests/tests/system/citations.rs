//! Citations of the contracts in comments, pages and names of tests resolve: to a heading of docs/wire, or a row of the
//! decisions.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    path::{Path, PathBuf},
};

use crate::docs::{files, read};

const VENDORS: [&str; 3] = ["agora", "lanying", "tencent"];

/// The numbers that can be cited, by source: a vendor or `decision`.
type Known = BTreeMap<&'static str, BTreeSet<String>>;

fn known() -> Known {
    let mut known = Known::from(VENDORS.map(|vendor| (vendor, headings(vendor))));
    let rows = read(Path::new("docs/wire/decisions.md"));
    let numbers = rows.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(' '));
    known.insert("decision", numbers.filter_map(|(number, _)| section(number)).collect());
    known
}

fn headings(vendor: &str) -> BTreeSet<String> {
    let page = read(Path::new(&format!("docs/wire/{vendor}.md")));
    let titles = page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#'));
    titles.filter_map(|title| title.split_whitespace().next()).filter_map(section).collect()
}

/// The number at the beginning of a heading or in a sentence, without trailing punctuation.
fn section(word: &str) -> Option<String> {
    let number = word.trim_end_matches(|c: char| !c.is_ascii_digit());
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    number.split('.').all(is_number).then(|| number.to_owned())
}

/// The source that a word cites: `(agora.md` is agora, `decisions` decision.
fn subject(word: &str) -> Option<&'static str> {
    let word = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if ["decision", "decisions", "Decision", "Decisions"].contains(&word) {
        return Some("decision");
    }
    VENDORS.into_iter().find(|vendor| word.strip_suffix(".md") == Some(*vendor))
}

/// The numbers of `5, 7 and 10` at the beginning of a text.
fn list<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found = Vec::new();
    let mut goes_on = true;
    for word in words {
        if ["and", "to"].contains(&word) && !found.is_empty() {
            goes_on = true;
            continue;
        }
        let Some(number) = section(word).filter(|_| goes_on) else { break };
        goes_on = word.strip_suffix(',') == Some(number.as_str());
        let ends = !goes_on && word != number;
        found.push(number);
        if ends {
            break;
        }
    }
    found
}

/// The citations in a file, across the lines of a comment.
fn cited_in_words(text: &str) -> Vec<(&'static str, String)> {
    let words: Vec<&str> =
        text.split_whitespace().filter(|word| !["//", "///", "//!", "--", "#"].contains(word)).collect();
    let mut cited = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if let Some(subject) = subject(word) {
            cited.extend(list(words[at + 1..].iter().copied()).into_iter().map(|number| (subject, number)));
        }
    }
    cited
}

/// The citations in names of tests: `..._agora_2_3_and_2_4` is 2.3 and 2.4.
fn cited_in_names(text: &str) -> Vec<(&'static str, String)> {
    let mut cited = Vec::new();
    for name in text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next()) {
        for subject in VENDORS.into_iter().chain(["decision"]) {
            let Some((_, numbers)) = name.rsplit_once(&format!("_{subject}_")) else { continue };
            let sections = numbers.split("_and_").filter_map(|number| section(&number.replace('_', ".")));
            cited.extend(sections.map(|number| (subject, number)));
        }
    }
    cited
}

#[test]
fn every_citation_of_a_contract_resolves() {
    let known = known();
    for subject in VENDORS.into_iter().chain(["decision"]) {
        assert!(known[subject].len() > 5, "{subject} has hardly a number: {:?}", known[subject]);
    }
    let (mut open, mut resolved) = (Vec::new(), 0);
    let is_read = |file: &PathBuf| {
        let end = file.extension().and_then(OsStr::to_str);
        end.is_some_and(|end| ["rs", "proto", "sql", "md"].contains(&end))
    };
    for file in files().into_iter().filter(is_read) {
        let text = read(&file);
        for (subject, number) in cited_in_words(&text) {
            if known[subject].contains(&number) {
                resolved += 1;
            } else {
                open.push(format!("{}: {subject} {number}", file.display()));
            }
        }
        for (subject, number) in cited_in_names(&text) {
            // A name may also list two sections: `tencent_4_5`.
            let is_there = |number: &str| known[subject].contains(number);
            if is_there(&number) || number.split('.').all(is_there) {
                resolved += 1;
            } else {
                open.push(format!("{}: a test cites {subject} {number}", file.display()));
            }
        }
    }
    assert!(open.is_empty(), "{open:#?}");
    assert!(resolved > 500, "{resolved} citations alone: are they still found?");
}

#[test]
fn citations_are_found_in_every_form() {
    let words = "//! Receipts (agora.md 10.3,\n//! 10.4 and 11). 12 more; decisions 5 to 7: lanying.md 8. Decision 2";
    let cited = cited_in_words(words);
    let wanted = [("agora", "10.3"), ("agora", "10.4"), ("agora", "11"), ("decision", "5"), ("decision", "7")];
    let wanted = wanted.into_iter().chain([("lanying", "8"), ("decision", "2")]);
    assert_eq!(cited, wanted.map(|(subject, number)| (subject, number.to_owned())).collect::<Vec<_>>());
    let names = cited_in_names(
        "fn all_are_taken_agora_2_3_and_2_4() {}\nasync fn one_key_decision_2() {}\nfn is_agora_one() {}",
    );
    let wanted = [("agora", "2.3"), ("agora", "2.4"), ("decision", "2")];
    assert_eq!(names, wanted.map(|(subject, number)| (subject, number.to_owned())).to_vec());
}
