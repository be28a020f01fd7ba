//! Which of several processes works for an endpoint.
//!
//! Each process computes it for itself, by rendezvous hashing: the one with the highest hash of its name and the endpoint
//! works for it. So processes that know the same ones agree, and one that comes or goes moves only what is, or was, its
//! own. While they do not agree yet, the lease of the endpoint decides.

use sha2::{Digest as _, Sha256};

use crate::store::delivery::Which;

/// Whether the endpoint is for `owner`, which is one of `workers`.
pub fn is_for(owner: &str, workers: &[String], which: Which) -> bool {
    let first = workers.iter().max_by_key(|worker| (weight(worker, which), *worker));
    first.is_none_or(|first| first == owner)
}

/// The same in every process and version.
fn weight(worker: &str, (app, endpoint): Which) -> u64 {
    let hash = Sha256::new().chain_update(app.0.to_be_bytes()).chain_update(endpoint.to_be_bytes());
    let hash = hash.chain_update(worker).finalize();
    hash.iter().take(8).fold(0, |weight, byte| (weight << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use tidings_domain::AppId;

    use super::*;

    fn named(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn endpoints() -> Vec<Which> {
        (1..=50).flat_map(|app| (1..=20).map(move |id| (AppId(app), id))).collect()
    }

    fn owners(workers: &[String]) -> Vec<&str> {
        let owner = |which| {
            let mut owners = workers.iter().filter(|worker| is_for(worker, workers, which));
            let owner = owners.next().expect("somebody works for it");
            assert_eq!(owners.next(), None, "two work for it");
            owner.as_str()
        };
        endpoints().into_iter().map(owner).collect()
    }

    #[test]
    fn each_endpoint_is_for_one_process_and_each_process_has_about_as_many() {
        let workers = named(&["a", "b", "c", "d"]);
        let owners = owners(&workers);
        for worker in &workers {
            let share = owners.iter().filter(|owner| *owner == worker).count();
            assert!((200..=300).contains(&share), "{worker} has {share} of 1000");
        }
    }

    #[test]
    fn a_process_that_comes_or_goes_moves_only_what_is_or_was_its_own() {
        let (three, four) = (named(&["a", "b", "c"]), named(&["a", "b", "c", "d"]));
        for (before, after) in owners(&three).into_iter().zip(owners(&four)) {
            assert!(before == after || after == "d", "moved from {before} to {after}");
        }
    }

    #[test]
    fn one_process_alone_works_for_all_and_their_order_does_not_matter() {
        assert!(endpoints().into_iter().all(|which| is_for("a", &named(&["a"]), which)));
        assert_eq!(owners(&named(&["a", "b", "c"])), owners(&named(&["c", "a", "b"])));
    }

    /// Processes of two versions must agree.
    #[test]
    fn the_hash_is_the_same_in_every_version() {
        assert_eq!(weight("a", (AppId(1), 2)), 0xd3d8_25ad_5436_2f96);
    }
}
