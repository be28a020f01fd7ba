//! Pages of lists: one more is read than shown, to know whether there is a next page.

/// The first `limit` items, and the last one's key when there are more.
pub(super) fn page<T, K>(mut items: Vec<T>, limit: i64, key: impl Fn(&T) -> K) -> (Vec<T>, Option<K>) {
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(key);
    (items, next)
}
