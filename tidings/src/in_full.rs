//! How errors are shown to operators.

use tidings_domain::{Error, Reason};

/// An error with its whole chain of sources, each once. The public text of an internal error alone tells an operator
/// nothing.
pub fn in_full(error: &Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    if cause.is_some() && error.reason() == Reason::Internal {
        words.clear();
    }
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !words.contains(&said) {
            let gap = if words.is_empty() { "" } else { ": " };
            words = format!("{words}{gap}{said}");
        }
        cause = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_everything_behind_it_and_each_thing_once() {
        let io = std::io::Error::other("no such disk");
        assert_eq!(in_full(&Error::internal(io)), "no such disk");
        let twice =
            Error::invalid("data", "cannot be used: no such disk").because(std::io::Error::other("no such disk"));
        assert_eq!(in_full(&twice), "data cannot be used: no such disk");
        let refused = Error::new(Reason::Unavailable, "").because(std::io::Error::other("connection refused"));
        assert_eq!(in_full(&refused), "unavailable: connection refused");
    }
}
