//! The processes of the other services: each is asked, since one with a wrong key or clock is hidden by another that answers.

use std::net::SocketAddr;

use tidings_runtime::{Connector, config::Addresses};

use super::clocks;
use crate::ready::{self, Answer};

/// Whether every process at these addresses is ready, takes the service key and shows the same time.
pub async fn check(addresses: &Addresses, service_key: Option<&str>, connector: &Connector) -> Result<String, String> {
    let (mut count, mut wrong) = (0, Vec::new());
    for url in addresses.iter() {
        match ready::each(url, service_key, connector).await {
            Ok(answers) => {
                count += answers.len();
                wrong.extend(wrong_at(url, answers));
            }
            Err(why) => wrong.push(format!("{url}: {why}")),
        }
    }
    match (wrong.is_empty(), count) {
        (false, _) => Err(wrong.join("; ")),
        (true, 1) => Ok(format!("ready at {addresses}")),
        (true, _) => Ok(format!("ready at {addresses}, {count} processes")),
    }
}

fn wrong_at(url: &str, answers: Vec<Answer>) -> Vec<String> {
    let is_one = answers.len() == 1;
    let ready: Vec<SocketAddr> = answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(at, _)| *at).collect();
    let wrong = answers.into_iter().filter_map(|(address, answer)| {
        let why = match answer {
            Ok(None) => return None,
            Ok(Some(clock)) => format!("its clock {}", clocks::check_peer(clock).err()?),
            Err(why) if is_other_family(address, &ready) && why.starts_with("no connection") => return None,
            Err(why) => why,
        };
        Some(if is_one { format!("{url}: {why}") } else { format!("{url} ({address}): {why}") })
    });
    wrong.collect()
}

/// Whether this is `localhost` in IPv4 of a process that listens in IPv6, or the other way round: both have that name.
fn is_other_family(address: SocketAddr, ready: &[SocketAddr]) -> bool {
    address.ip().is_loopback()
        && ready.iter().any(|other| other.ip().is_loopback() && other.is_ipv4() != address.is_ipv4())
}

#[cfg(test)]
mod tests {
    use tidings_domain::{Clock as _, SystemClock, UnixMillis};

    use super::*;

    const URL: &str = "http://message:9090";

    fn wrong(answers: &[(&str, Result<Option<UnixMillis>, &str>)]) -> Vec<String> {
        let answer = |(address, answer): &(&str, Result<Option<UnixMillis>, &str>)| {
            (address.parse().unwrap(), answer.map_err(str::to_owned))
        };
        wrong_at(URL, answers.iter().map(answer).collect())
    }

    #[test]
    fn each_process_of_a_name_that_is_wrong_is_named() {
        let now = SystemClock.now();
        let hour_ahead = UnixMillis(now.0 + 3_600_000);
        let found = wrong(&[
            ("10.0.0.1:9090", Ok(Some(now))),
            ("10.0.0.2:9090", Err("it refuses the service key")),
            ("10.0.0.3:9090", Ok(Some(hour_ahead))),
            ("10.0.0.4:9090", Ok(None)),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], "http://message:9090 (10.0.0.2:9090): it refuses the service key");
        assert!(found[1].starts_with("http://message:9090 (10.0.0.3:9090): its clock is 3"), "{found:?}");
    }

    #[test]
    fn the_only_process_of_a_name_is_named_by_it() {
        assert_eq!(wrong(&[("10.0.0.1:9090", Err("no answer"))]), ["http://message:9090: no answer"]);
    }

    #[test]
    fn a_loopback_address_of_the_other_family_is_no_process() {
        let away = Err("no connection: refused");
        assert_eq!(wrong(&[("[::1]:9090", away), ("127.0.0.1:9090", Ok(None))]), [""; 0]);
        assert_eq!(wrong(&[("127.0.0.2:9090", away), ("127.0.0.1:9090", Ok(None))]).len(), 1);
        assert_eq!(wrong(&[("[::1]:9090", Err("it refuses the service key")), ("127.0.0.1:9090", Ok(None))]).len(), 1);
    }
}
