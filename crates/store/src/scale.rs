//! A limit on the total size of the rows of one answer.

/// Maximum bytes of content in one answer, unless its first row is larger. Well below the 4 MiB that gRPC clients
/// accept.
const MOST: usize = 1024 * 1024;

/// The size of an answer so far.
#[derive(Debug, Default)]
pub struct Scale {
    bytes: usize,
    is_full: bool,
}

impl Scale {
    /// Whether nothing more fits, however small.
    pub const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Adds that many bytes, unless that exceeds the limit. The first row always fits, so that every answer makes
    /// progress; after the first that does not fit, nothing does, so that answers have no gaps.
    pub const fn takes(&mut self, bytes: usize) -> bool {
        if self.is_full || self.bytes > 0 && self.bytes + bytes > MOST {
            self.is_full = true;
            return false;
        }
        self.bytes += bytes;
        self.is_full = self.bytes >= MOST;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_message_always_fits_and_nothing_behind_one_that_does_not() {
        let mut scale = Scale::default();
        assert!(scale.takes(2 * MOST) && scale.is_full() && !scale.takes(1));
        let mut scale = Scale::default();
        assert!(scale.takes(MOST - 1) && !scale.takes(2) && !scale.takes(1));
        let mut scale = Scale::default();
        assert!(scale.takes(MOST - 1) && scale.takes(1) && scale.is_full());
    }
}
