//! Which numbers of a sequence there are, as ranges: imports are found out of order.

use std::collections::BTreeMap;

/// Ranges that are held; a conversation with more is not checked for gaps.
const MOST: usize = 100_000;

/// A set of numbers, as ranges from first to last.
#[derive(Debug, Default)]
pub struct Seqs {
    ranges: BTreeMap<i64, i64>,
    is_over: bool,
}

impl Seqs {
    /// Adds a number; false if it is in the set already.
    pub fn add(&mut self, number: i64) -> bool {
        let below = self.ranges.range(..=number).next_back().map(|(first, last)| (*first, *last));
        if below.is_some_and(|(_, last)| last >= number) {
            return false;
        }
        let first = match below {
            Some((first, last)) if last + 1 == number => first,
            _ => number,
        };
        let last = self.ranges.remove(&(number + 1)).unwrap_or(number);
        if self.ranges.len() >= MOST {
            self.is_over = true;
            return true;
        }
        self.ranges.insert(first, last);
        true
    }

    /// The ranges that are missing between 1 and `last`; none where there were too many to list.
    pub fn missing(&self, last: i64) -> Vec<(i64, i64)> {
        let (mut missing, mut next) = (Vec::new(), 1);
        if self.is_over {
            return missing;
        }
        for (from, to) in &self.ranges {
            if *from > next {
                missing.push((next, from - 1));
            }
            next = to + 1;
        }
        if next <= last {
            missing.push((next, last));
        }
        missing
    }
}

/// A range as text.
pub fn shown((first, last): (i64, i64)) -> String {
    if first == last { format!("{first} is") } else { format!("{first} to {last} are") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_found_in_whatever_order_the_numbers_come() {
        let mut seqs = Seqs::default();
        for number in [1, 2, 5, 4, 9, 8] {
            assert!(seqs.add(number), "{number}");
        }
        assert!(!seqs.add(4) && !seqs.add(1));
        assert_eq!(seqs.missing(10), [(3, 3), (6, 7), (10, 10)]);
        for number in [3, 6, 7, 10] {
            assert!(seqs.add(number), "{number}");
        }
        assert_eq!(seqs.missing(10), []);
        assert_eq!(Seqs::default().missing(2), [(1, 2)]);
    }
}
