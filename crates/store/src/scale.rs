//! A bound on what the rows of one answer weigh together.

/// Bytes of content in one answer, unless its first row has more. Well below the 4 MiB that gRPC clients take.
const MOST: usize = 1024 * 1024;

/// What an answer weighs so far.
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

    /// Takes so many bytes, unless they are too many. The first ones always fit, so that every answer leads on; after the
    /// first that do not, nothing does, so that answers have no gaps.
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
