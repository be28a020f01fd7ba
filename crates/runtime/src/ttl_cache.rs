//! A cache with a time to live.
//!
//! There is no invalidation from outside, so each answer is used for as long as its cache says and no longer. Errors
//! are never cached.

use std::{fmt, future::Future, hash::Hash, time::Duration};

use quick_cache::sync::{Cache, EntryAction, EntryResult};
use tidings_domain::UnixMillis;
use tokio::time::timeout;

/// How long a call waits for a concurrent one with the same key, before it queries for itself.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bounded cache whose entries expire, with one query per key at a time.
pub struct TtlCache<K, V> {
    entries: Cache<K, (V, UnixMillis)>,
    lasts: fn(&V, UnixMillis) -> Duration,
}

impl<K, V> fmt::Debug for TtlCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TtlCache")
    }
}

impl<K: Clone + Eq + Hash, V: Clone> TtlCache<K, V> {
    /// A cache of `most` entries; beyond that, the least used are evicted. `lasts` returns how long a value queried at
    /// that time is used.
    pub fn new(most: usize, lasts: fn(&V, UnixMillis) -> Duration) -> Self {
        Self { entries: Cache::new(most), lasts }
    }

    /// The value, if there is one that has not expired.
    pub fn get(&self, key: &K, now: UnixMillis) -> Option<V> {
        let (value, asked_at) = self.entries.get(key)?;
        self.is_fresh(&value, asked_at, now).then_some(value)
    }

    /// The value that was stored last, whatever its age.
    pub fn last(&self, key: &K) -> Option<V> {
        self.entries.get(key).map(|(value, _)| value)
    }

    /// Stores a value that was queried at `now`.
    pub fn insert(&self, key: K, value: V, now: UnixMillis) {
        self.entries.insert(key, (value, now));
    }

    /// Removes the value. A query in flight may be older than the change, and its result is not stored.
    pub fn remove(&self, key: &K) {
        self.entries.remove(key);
    }

    /// The value, from `ask` if there is no valid one. Of several concurrent calls the first calls `ask`, and the
    /// others wait for it; when it fails, or takes long, each calls `ask` itself.
    pub async fn load<E>(&self, key: &K, now: UnixMillis, ask: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        let usable = |_: &K, (value, asked_at): &mut (V, UnixMillis)| {
            if self.is_fresh(value, *asked_at, now) {
                EntryAction::Retain(value.clone())
            } else {
                EntryAction::ReplaceWithGuard
            }
        };
        let guard = match self.entries.entry(key, Some(Duration::ZERO), usable) {
            EntryResult::Retained(value) => return Ok(value),
            EntryResult::Vacant(guard) | EntryResult::Replaced(guard, _) => guard,
            EntryResult::Timeout | EntryResult::Removed(..) => return self.after_another(key, now, ask).await,
        };
        let value = ask.await?;
        // It fails if the entry was removed meanwhile.
        let _ = guard.insert((value.clone(), now));
        Ok(value)
    }

    /// The other call's answer is no newer than its request, which may have been long ago.
    async fn after_another<E>(
        &self,
        key: &K,
        now: UnixMillis,
        ask: impl Future<Output = Result<V, E>>,
    ) -> Result<V, E> {
        let given = |_: &K, (value, asked_at): &mut (V, UnixMillis)| {
            let is_usable = *asked_at > now || self.is_fresh(value, *asked_at, now);
            EntryAction::Retain(is_usable.then(|| value.clone()))
        };
        if let Ok(EntryResult::Retained(Some(value))) = timeout(PATIENCE, self.entries.entry_async(key, given)).await {
            return Ok(value);
        }
        // The right to fill the entry was dropped, so no call waits for this one.
        ask.await
    }

    /// An answer from the future, after the clock was set back, does not count as fresh.
    fn is_fresh(&self, value: &V, asked_at: UnixMillis, now: UnixMillis) -> bool {
        now >= asked_at && now - asked_at < (self.lasts)(value, asked_at)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    const NOW: UnixMillis = UnixMillis(10_000);

    fn cache() -> TtlCache<u8, i32> {
        TtlCache::new(10, |value, _| if *value < 0 { Duration::MAX } else { Duration::from_secs(5) })
    }

    #[test]
    fn a_value_is_used_for_as_long_as_its_cache_says_and_not_before_it_was_asked_for() {
        let cache = cache();
        cache.insert(1, 7, NOW);
        cache.insert(2, -7, NOW);
        let at = |key, now| cache.get(&key, UnixMillis(now));
        assert_eq!([at(1, 10_000), at(1, 14_999), at(1, 15_000), at(1, 9_999)], [Some(7), Some(7), None, None]);
        assert_eq!([at(2, 10_000), at(2, i64::MAX), at(3, 10_000)], [Some(-7), Some(-7), None]);
    }

    #[test]
    fn there_are_no_more_entries_than_it_may_have() {
        let cache = cache();
        for key in 0..=255 {
            cache.insert(key, 1, NOW);
        }
        assert!((0..=255).filter(|key| cache.get(key, NOW).is_some()).count() <= 10);
    }

    /// The results of concurrent `calls`, and how many of them called `ask`.
    async fn together(
        cache: &TtlCache<u8, i32>,
        calls: i32,
        answer: Result<i32, i32>,
    ) -> (Vec<Result<i32, i32>>, usize) {
        let (asked, may_answer) = (AtomicUsize::new(0), Semaphore::new(0));
        let call = |_| {
            cache.load(&1, NOW, async {
                asked.fetch_add(1, Ordering::Relaxed);
                let _permit = may_answer.acquire().await;
                answer
            })
        };
        let release = async {
            tokio::task::yield_now().await;
            may_answer.add_permits(1);
        };
        let (answers, ()) = tokio::join!(join_all((0..calls).map(call)), release);
        (answers, asked.into_inner())
    }

    #[tokio::test]
    async fn one_asks_for_all_who_come_at_the_same_time() {
        let cache = cache();
        assert_eq!(together(&cache, 5, Ok(7)).await, (vec![Ok(7); 5], 1));
        assert_eq!(together(&cache, 5, Ok(8)).await, (vec![Ok(7); 5], 0), "it is kept");
        cache.insert(1, 6, UnixMillis(0));
        assert_eq!(together(&cache, 5, Ok(8)).await, (vec![Ok(8); 5], 1), "what is too old is asked for once too");
    }

    #[tokio::test]
    async fn who_waited_for_an_answer_to_an_old_question_asks_anew() {
        let cache = cache();
        let may_answer = Semaphore::new(0);
        let first = cache.load(&1, NOW, async {
            let _permit = may_answer.acquire().await;
            Ok::<_, Infallible>(7)
        });
        let later = |span| cache.load(&1, UnixMillis(NOW.0 + span), async { Ok::<_, Infallible>(8) });
        let release = async {
            tokio::task::yield_now().await;
            may_answer.add_permits(1);
        };
        let (first, in_time, late, ()) = tokio::join!(first, later(4_999), later(5_000), release);
        assert_eq!([first, in_time, late], [Ok(7), Ok(7), Ok(8)]);
    }

    #[tokio::test]
    async fn an_error_is_of_one_call_and_is_not_kept() {
        let cache = cache();
        assert_eq!(together(&cache, 3, Err(1)).await, (vec![Err(1); 3], 3));
        assert_eq!(together(&cache, 2, Ok(7)).await, (vec![Ok(7); 2], 1));
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_others_to_ask() {
        let cache = cache();
        let hung = cache.load(&1, NOW, std::future::pending::<Result<i32, Infallible>>());
        let waiting = cache.load(&1, NOW, async { Ok::<_, Infallible>(7) });
        let given_up = async {
            tokio::select! {
                _ = hung => unreachable!("it is never answered"),
                () = tokio::task::yield_now() => {}
            }
        };
        let ((), answer) = tokio::join!(given_up, waiting);
        assert_eq!(answer, Ok(7));
    }

    #[tokio::test]
    async fn what_was_asked_for_before_a_change_is_not_kept_after_it() {
        let cache = cache();
        let changed = async {
            cache.remove(&1);
            Ok::<_, Infallible>(7)
        };
        assert_eq!(cache.load(&1, NOW, changed).await, Ok(7));
        assert_eq!(cache.get(&1, NOW), None);
        let changed = async {
            cache.remove(&1);
            // A call after the change makes a new request, however long the call before it takes.
            assert_eq!(cache.load(&1, NOW, async { Ok::<_, Infallible>(8) }).await, Ok(8));
            Ok::<_, Infallible>(7)
        };
        assert_eq!(cache.load(&1, NOW, changed).await, Ok(7));
        assert_eq!(cache.get(&1, NOW), Some(8));
    }
}
