//! `pagenum` and `pagesize` of the lists of groups and members (agora.md 10.3).

use tidings_dialects::agora::Refusal;

use crate::request::query;

/// The default page size.
const DEFAULT_PAGE: usize = 10;
/// The maximum page size.
const MAX_PAGE: usize = 1_000;

/// `pagenum` and `pagesize` as the entries to skip and to take.
pub(super) fn page_of(text: &str) -> Result<(usize, usize), Refusal> {
    let number = |name: &str, otherwise: usize| match query(text, name) {
        None => Ok(otherwise),
        Some(text) => text.parse::<usize>().map_err(|_| Refusal::illegal_argument(format!("{name} must be a number"))),
    };
    let size = number("pagesize", DEFAULT_PAGE)?.clamp(1, MAX_PAGE);
    let page = number("pagenum", 1)?.max(1);
    Ok(((page - 1).saturating_mul(size), size))
}

/// `pageNum` from 1 and `pageSize` of the lists of muted users and of subscriptions, in either spelling, as the entries to
/// skip and to take. 10 are taken by default, at most `most`.
pub(super) fn numbered_page(text: &str, most: i64) -> Result<(i64, i64), Refusal> {
    let number = |names: [&str; 2], otherwise: i64| {
        let found = names.iter().find_map(|name| query(text, name).map(|value| (*name, value)));
        match found.filter(|(_, value)| !matches!(*value, "undefined" | "null" | "None")) {
            None => Ok(otherwise),
            Some((name, value)) => {
                let number = value.parse::<i64>().ok().filter(|number| *number >= 0);
                number.ok_or_else(|| Refusal::illegal_argument(format!("{name} must be a number")))
            }
        }
    };
    let size = number(["pageSize", "pagesize"], 10)?.clamp(1, most);
    let page = number(["pageNum", "pagenum"], 1)?.max(1);
    Ok(((page - 1).saturating_mul(size), size))
}
