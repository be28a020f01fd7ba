//! `pageNum` and `pageSize` of the lists of muted users and of subscriptions (agora.md 10.2).

use tidings_dialects::agora::Refusal;

use crate::request::query;

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
