//! The device that a client runs on.

use std::sync::Arc;

/// The prefix of the names of unnamed devices, before their number.
const NAMELESS: &str = "device";

/// The device that a client runs on.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    /// A session replaces an older one of the same device. Empty: it replaces none.
    pub replaces: Arc<str>,
    /// The client's name for it.
    pub resource: Arc<str>,
    /// Of its name, so it is the same whenever the device connects.
    pub number: i32,
    /// The kind of the device.
    pub platform: Arc<str>,
    /// What its client says to the session that it replaces.
    pub reason: Arc<str>,
}

impl Device {
    /// A device of which only one session is open.
    pub fn single(name: &str, platform: &str, reason: &str) -> Self {
        Self { replaces: Arc::from(name), reason: Arc::from(reason), ..Self::shared(name, platform) }
    }

    /// A device of which several sessions may be open. It may have no name.
    pub fn shared(name: &str, platform: &str) -> Self {
        let name: String = name.chars().filter(|char| !char.is_control()).collect();
        let number = number_of(&name);
        let resource = if name.is_empty() { format!("{NAMELESS}_{number}") } else { name };
        let (replaces, reason) = (Arc::from(""), Arc::from(""));
        Self { replaces, resource: Arc::from(resource), number, platform: Arc::from(platform), reason }
    }
}

/// FNV-1a, above the small numbers that app servers choose, within 31 bits.
fn number_of(name: &str) -> i32 {
    const LOWEST: u64 = 1_000_000;
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (LOWEST + hash % (i32::MAX as u64 - LOWEST)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_the_same_number_whenever_it_connects() {
        let [first, again, other] = ["web_1", "web_1", "web_2"].map(|name| Device::single(name, "web", ""));
        assert_eq!((first.number, &*first.resource), (again.number, "web_1"));
        assert!(first.number != other.number && first.number >= 1_000_000);
    }

    #[test]
    fn a_device_without_a_name_gets_one_and_replaces_no_other() {
        let device = Device::shared("", "web");
        assert!(device.resource.starts_with("device_") && device.replaces.is_empty());
        assert_eq!(&*Device::shared("a\u{0}b", "web").resource, "ab");
    }
}
