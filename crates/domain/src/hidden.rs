//! What must not be shown by accident.

use std::fmt;

/// A value that `Debug` does not show, such as a token. It has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden<T>(T);

impl<T> Hidden<T> {
    /// Hides it.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for whoever needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_it() {
        let token = Hidden::new("token".to_owned());
        assert_eq!((format!("{token:?}").as_str(), token.expose().as_str()), ("Hidden(..)", "token"));
    }
}
