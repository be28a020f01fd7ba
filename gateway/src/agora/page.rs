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
