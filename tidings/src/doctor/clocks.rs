//! Compares this machine's clock with those of the database and of the peers.

use std::time::Duration;

use tidings_domain::{Clock, SystemClock, UnixMillis};
use tidings_store::Db;

/// A larger difference, in milliseconds, is reported. Machines that synchronize differ by a few.
const DIFFERS: i64 = 1_000;
/// A slower answer says nothing about a clock.
const SLOW: Duration = Duration::from_millis(500);

/// Whether PostgreSQL's clock shows the same time.
pub async fn check_database(db: &Db) -> Result<String, String> {
    let clock = SystemClock;
    let began = clock.elapsed();
    let there = db.now(&clock).await.map_err(|error| format!("cannot be read: {error}"))?;
    let took = clock.elapsed().saturating_sub(began);
    if took > SLOW {
        return Ok(format!("cannot be compared: the database took {} ms to answer", took.as_millis()));
    }
    verdict(there, clock.now(), DIFFERS)
}

/// Whether a peer's clock, which it reports in whole seconds, shows the same time.
pub fn check_peer(there: UnixMillis) -> Result<String, String> {
    verdict(there, SystemClock.now(), DIFFERS + 1_000)
}

fn verdict(there: UnixMillis, here: UnixMillis, differs: i64) -> Result<String, String> {
    let by = there.0 - here.0;
    if by.abs() <= differs {
        return Ok("shows the same time".to_owned());
    }
    let (seconds, order) =
        (Duration::from_millis(by.unsigned_abs()).as_secs_f64(), if by > 0 { "ahead of" } else { "behind" });
    Err(format!("is {seconds:.1} s {order} this machine's: synchronize both, with chrony or systemd-timesyncd"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_of_more_than_a_second_is_named() {
        let said = |there, here| verdict(UnixMillis(there), UnixMillis(here), DIFFERS);
        assert!(said(10_000, 9_000).is_ok());
        assert!(said(15_500, 10_000).unwrap_err().starts_with("is 5.5 s ahead of this machine's"));
        assert!(said(10_000, 12_000).unwrap_err().starts_with("is 2.0 s behind this machine's"));
    }
}
