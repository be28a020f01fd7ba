//! A row's columns other than its content: flags, and delivery options.

use serde::{Deserialize, Serialize};
use tidings_domain::{Delivery, Error, Priority, UserId};

/// The bits of the column `flags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    /// A system notification.
    pub system: bool,
    /// Only for some of a group's members.
    pub targeted: bool,
    /// From another system.
    pub imported: bool,
    /// Sent by the app itself, whatever sender it names.
    pub by_app: bool,
}

impl Flags {
    /// To the column's value.
    pub const fn bits(self) -> i64 {
        self.system as i64 | (self.targeted as i64) << 1 | (self.imported as i64) << 2 | (self.by_app as i64) << 3
    }

    /// From the column.
    pub const fn of(bits: i64) -> Self {
        Self { system: bits & 1 != 0, targeted: bits & 2 != 0, imported: bits & 4 != 0, by_app: bits & 8 != 0 }
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    audience: Vec<i64>,
    #[serde(skip_serializing_if = "is_false")]
    sync: bool,
    #[serde(skip_serializing_if = "is_false")]
    ack: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<StoredPriority>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredPriority {
    High,
    Low,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// For a row; `None` if everything is default.
pub fn write(audience: &[UserId], delivery: Delivery) -> Result<Option<String>, Error> {
    if audience.is_empty() && delivery == Delivery::default() {
        return Ok(None);
    }
    let stored = Stored {
        audience: audience.iter().map(|user| user.0).collect(),
        sync: delivery.sync_device,
        ack: delivery.need_ack,
        priority: match delivery.priority {
            Priority::High => Some(StoredPriority::High),
            Priority::Normal => None,
            Priority::Low => Some(StoredPriority::Low),
        },
    };
    serde_json::to_string(&stored).map(Some).map_err(Error::internal)
}

/// From a row: the receivers, and the delivery options.
pub fn read(text: Option<&str>) -> Result<(Vec<UserId>, Delivery), Error> {
    let stored: Stored = text.map_or(Ok(Stored::default()), serde_json::from_str).map_err(Error::internal)?;
    let priority = match stored.priority {
        Some(StoredPriority::High) => Priority::High,
        None => Priority::Normal,
        Some(StoredPriority::Low) => Priority::Low,
    };
    let delivery = Delivery { sync_device: stored.sync, need_ack: stored.ack, priority };
    Ok((stored.audience.into_iter().map(UserId).collect(), delivery))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let high = Delivery { sync_device: true, need_ack: false, priority: Priority::High };
        for (audience, delivery) in [(vec![UserId(16)], Delivery::default()), (Vec::new(), high)] {
            let text = write(&audience, delivery).unwrap();
            assert_eq!(read(text.as_deref()).unwrap(), (audience, delivery));
        }
        assert_eq!(write(&[], Delivery::default()).unwrap(), None);
    }

    #[test]
    fn flags_have_a_bit_each() {
        for bits in 0..16 {
            assert_eq!(Flags::of(bits).bits(), bits);
        }
    }
}
