//! Message ids: 53 bits that increase with time.
//!
//! 41 bits of milliseconds since 2010, 5 of the node, 7 of a counter. When a millisecond is used up the minter runs
//! ahead into the next one. Uniqueness depends on leased node numbers; order inside a conversation depends on the floor
//! that the appender passes in. One floor lifts all later ids of the node, so the lift is bounded: an id that must be
//! further ahead uses the number that is never leased, as imports do.

use crate::{MsgId, UnixMillis};

/// 2010-01-01T00:00:00Z in milliseconds since 1970.
const EPOCH: i64 = 1_262_304_000_000;
const MINUTE: i64 = 60_000;
const COUNTER_BITS: u32 = 7;
const NODE_BITS: u32 = 5;
const COUNTER_MASK: i64 = (1 << COUNTER_BITS) - 1;

/// The node number of imports, which are minted with their own time.
const IMPORT_NODE: i64 = (1 << NODE_BITS) - 1;

/// How many nodes there can be at once.
pub const NODES: i64 = IMPORT_NODE;

/// Mints the ids of one node.
#[derive(Debug)]
pub struct MsgIdMinter {
    node: i64,
    last: i64,
}

impl MsgIdMinter {
    /// A minter for a leased node that returns nothing below `floor`.
    pub const fn new(node: i64, floor: UnixMillis) -> Self {
        Self { node, last: first_of(node, floor.0 - EPOCH) }
    }

    /// The next id: above every earlier id of this minter and above `floor`. `None`, without a change, if it
    /// would be of a later time than `limit`.
    pub fn mint(&mut self, now: UnixMillis, floor: MsgId, limit: UnixMillis) -> Option<MsgId> {
        let clock = first_of(self.node, now.0 - EPOCH);
        let mut next = following(self.node, self.last).max(clock);
        if next <= floor.0 {
            next = first_of(self.node, millis_of(floor.0) + 1);
        }
        if MsgId(next).moment() > limit {
            return None;
        }
        self.last = next;
        Some(MsgId(next))
    }

    /// The time up to which ids have been minted.
    pub const fn reached(&self) -> UnixMillis {
        UnixMillis(millis_of(self.last) + EPOCH)
    }
}

impl MsgId {
    /// The id with these low 32 bits whose time is nearest to the given one: the low bits alone repeat every 17
    /// minutes.
    pub fn of_low_bits(low: u32, near: UnixMillis) -> Self {
        const LOW: i64 = 1 << 32;
        let near = first_of(0, near.0 - EPOCH);
        let same = near - near.rem_euclid(LOW) + i64::from(low);
        let nearest = [same - LOW, same, same + LOW].into_iter().min_by_key(|id| (id - near).abs());
        Self(nearest.unwrap_or(same).max(0))
    }

    /// Below every id that is minted at that time or later, above every earlier one.
    pub fn before(moment: UnixMillis) -> Self {
        Self((first_of(0, moment.0 - EPOCH) - 1).max(0))
    }

    /// The first and the last id that an import of that time can have.
    pub const fn imports_of(moment: UnixMillis) -> (Self, Self) {
        let first = first_of(IMPORT_NODE, moment.0 - EPOCH);
        (Self(first), Self(first + COUNTER_MASK))
    }

    /// Whether both times are in the same minute. Exports walk whole minutes by id.
    pub const fn is_of_minute(self, moment: UnixMillis) -> bool {
        self.moment().0.div_euclid(MINUTE) == moment.0.div_euclid(MINUTE)
    }

    /// The time of the id.
    pub const fn moment(self) -> UnixMillis {
        UnixMillis(millis_of(self.0) + EPOCH)
    }
}

/// No message is older: ids begin there.
pub const BEGINNING: UnixMillis = UnixMillis(EPOCH);

const fn millis_of(id: i64) -> i64 {
    id >> (NODE_BITS + COUNTER_BITS)
}

const fn first_of(node: i64, millis: i64) -> i64 {
    let millis = if millis < 0 { 0 } else { millis };
    (millis << (NODE_BITS + COUNTER_BITS)) | (node << COUNTER_BITS)
}

const fn following(node: i64, id: i64) -> i64 {
    if id & COUNTER_MASK < COUNTER_MASK { id + 1 } else { first_of(node, millis_of(id) + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
    const NEVER: UnixMillis = UnixMillis(i64::MAX);

    fn mint(minter: &mut MsgIdMinter, now: UnixMillis, floor: MsgId) -> MsgId {
        minter.mint(now, floor, NEVER).expect("no limit")
    }

    #[test]
    fn a_used_up_millisecond_spills_into_the_next() {
        let mut minter = MsgIdMinter::new(3, NOW);
        let ids: Vec<i64> = (0..1000).map(|_| mint(&mut minter, NOW, MsgId::ZERO).0).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| (id >> COUNTER_BITS) & IMPORT_NODE == 3));
        assert_eq!(minter.reached(), UnixMillis(NOW.0 + 7));
    }

    #[test]
    fn ids_grow_above_the_floor_when_the_clock_is_behind() {
        let mut ahead = MsgIdMinter::new(1, NOW);
        let floor = mint(&mut ahead, UnixMillis(NOW.0 + 5000), MsgId::ZERO);
        let mut behind = MsgIdMinter::new(0, NOW);
        assert!(mint(&mut behind, NOW, floor) > floor);
    }

    #[test]
    fn a_moment_divides_the_ids() {
        let mut minter = MsgIdMinter::new(NODES - 1, UnixMillis(0));
        let earlier = mint(&mut minter, UnixMillis(NOW.0 - 1), MsgId::ZERO);
        let mut other = MsgIdMinter::new(0, UnixMillis(0));
        let at = mint(&mut other, NOW, MsgId::ZERO);
        assert!(earlier <= MsgId::before(NOW) && MsgId::before(NOW) < at);
        assert_eq!(MsgId::before(UnixMillis(0)), MsgId::ZERO);
    }

    #[test]
    fn imports_have_ids_of_their_moment_that_nobody_mints() {
        let (first, last) = MsgId::imports_of(NOW);
        assert_eq!((first.moment(), last.moment()), (NOW, NOW));
        let minted = mint(&mut MsgIdMinter::new(NODES - 1, UnixMillis(0)), NOW, MsgId::ZERO);
        assert!(minted < first && last <= MsgId::before(UnixMillis(NOW.0 + 1)));
    }

    #[test]
    fn ids_stay_below_two_to_the_53() {
        let year_2079 = UnixMillis(3_440_000_000_000);
        assert!(mint(&mut MsgIdMinter::new(NODES - 1, NOW), year_2079, MsgId::ZERO).0 < 1 << 53);
    }

    #[test]
    fn what_would_lie_beyond_the_limit_is_refused_and_lifts_nothing() {
        let mut minter = MsgIdMinter::new(1, NOW);
        let limit = UnixMillis(NOW.0 + 10_000);
        let in_2036 = MsgId::before(UnixMillis(NOW.0 + 315_360_000_000));
        assert_eq!(minter.mint(NOW, in_2036, limit), None);
        assert_eq!(minter.mint(UnixMillis(NOW.0 + 315_360_000_000), MsgId::ZERO, limit), None);
        let next = minter.mint(NOW, MsgId::ZERO, limit).expect("within the limit");
        assert_eq!((next.moment(), minter.reached()), (NOW, NOW));
    }
}
