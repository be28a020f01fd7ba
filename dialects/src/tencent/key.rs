//! Identifiers of users and messages in Tencent's callbacks (tencent.md 4, decision 30).

use std::{borrow::Cow, fmt};

use tidings_domain::{MsgId, UnixMillis, UserId};

/// A user's `..._Account`: the stored name if there is one, else the decimal id (decision 30).
pub fn account(username: Option<&str>, user: UserId) -> Cow<'_, str> {
    match username {
        Some(name) if !name.is_empty() => Cow::from(name),
        _ if user == UserId::ADMIN => Cow::from("admin"),
        _ => Cow::from(user.to_string()),
    }
}

/// The key of a one-to-one message: `{MsgSeq}_{MsgRandom}_{MsgTime}`. Each part is at most 4294967295 (tencent.md 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MsgKey {
    /// The message's number in the conversation.
    pub seq: u32,
    /// The low 32 bits of the message's id.
    pub random: u32,
    /// When it was committed, in seconds.
    pub time: u32,
}

impl MsgKey {
    /// The key of a message with that number in its conversation, that id and that commit time (decision 30). Comparing
    /// it with a parsed key shows whether the key is the message's.
    pub fn of(seq: i64, msg_id: MsgId, committed: UnixMillis) -> Self {
        Self { seq: seq as u32, random: msg_id.0 as u32, time: seconds(committed) }
    }

    /// The id of the message, if the key is valid for one.
    pub fn msg_id(self) -> MsgId {
        MsgId::of_low_bits(self.random, UnixMillis(i64::from(self.time) * 1000 + 500))
    }

    /// Parses a key. `None` for anything but three numbers of decimal digits in range.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('_').map(number);
        let key = Self { seq: parts.next()??, random: parts.next()??, time: parts.next()?? };
        parts.next().is_none().then_some(key)
    }
}

impl fmt::Display for MsgKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}_{}", self.seq, self.random, self.time)
    }
}

/// `+1` is not allowed, although Rust would parse it.
fn number(digits: &str) -> Option<u32> {
    if digits.bytes().all(|c| c.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// Whole seconds, which are never negative on the wire.
pub(super) fn seconds(time: UnixMillis) -> u32 {
    u32::try_from(time.0.div_euclid(1000).max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn msg_key_is_seq_random_time_tencent_4() {
        let key = MsgKey { seq: 48374, random: 2_837_546, time: 1_557_481_126 };
        assert_eq!(key.to_string(), "48374_2837546_1557481126");
        assert_eq!(MsgKey::parse("48374_2837546_1557481126"), Some(key));
    }

    #[test]
    fn a_message_gives_its_seq_low_bits_and_commit_second_decision_30() {
        let msg_id = MsgId((0b1_0110 << 32) | 0xffff_fffe);
        let key = MsgKey::of(7, msg_id, UnixMillis(1_752_588_123_999));
        assert_eq!(key, MsgKey { seq: 7, random: 4_294_967_294, time: 1_752_588_123 });
        assert_eq!(MsgKey::parse(&key.to_string()), Some(key), "and leads back");
    }

    #[test]
    fn a_key_leads_back_to_its_message_decision_30() {
        for (id, committed) in [
            (2_183_300_440_338_432, 1_795_336_334_067),
            (2_183_300_440_338_559, 1_795_336_334_999),
            ((489_000_000_000 << 12) | 0xfff, 489_000_000_003 + 1_262_304_000_000),
        ] {
            assert_eq!(MsgKey::of(9, MsgId(id), UnixMillis(committed)).msg_id(), MsgId(id));
        }
    }

    #[test]
    fn a_key_is_three_numbers_in_range_tencent_4() {
        assert!(MsgKey::parse("0_4294967295_4294967295").is_some());
        let odd = ["", "1", "1_2", "1_2_3_4", "1_2_", "_2_3", "+1_2_3", "-1_2_3", "1_2_4294967296", "a_2_3", " 1_2_3"];
        for odd in odd.into_iter().chain(["1_2_3_", "1__3", "１_2_3", "99999999999999999999_2_3"]) {
            assert_eq!(MsgKey::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn accounts_are_names_or_decimal_ids_decision_30() {
        assert_eq!(account(Some("Nora"), UserId(16)), "Nora");
        assert_eq!(account(None, UserId(32)), "32");
        assert_eq!(account(Some(""), UserId(32)), "32");
        assert_eq!(account(None, UserId::ADMIN), "admin");
    }
}
