//! Hints as messages of the broker.
//!
//! `<prefix>.events` holds the numbers of apps, in decimal, with single spaces between; `<prefix>.changes` is empty. What
//! anyone else may have published there is ignored.

use std::collections::BTreeSet;

use tidings_domain::AppId;
use tidings_runtime::Hint;

/// Apps in one message.
const MOST_APPS: usize = 1_000;
/// Bytes of a message: that many numbers of the largest length, and the spaces.
const MOST_BYTES: usize = MOST_APPS * 20;

/// The hints that a process subscribes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The log: [`Hint::Events`].
    Events,
    /// The directory: [`Hint::Changes`].
    Changes,
}

impl Topic {
    /// The subject of its messages.
    pub(crate) fn subject(self, prefix: &str) -> String {
        let name = match self {
            Self::Events => "events",
            Self::Changes => "changes",
        };
        format!("{prefix}.{name}")
    }
}

/// The messages that hold these hints, and how many are in each.
pub(crate) fn written(hints: &BTreeSet<Hint>) -> Vec<(Topic, String, u64)> {
    let app = |hint: &Hint| match hint {
        Hint::Events(app) => Some(app.0.to_string()),
        Hint::Changes => None,
    };
    let apps: Vec<String> = hints.iter().filter_map(app).collect();
    let mut messages: Vec<_> =
        apps.chunks(MOST_APPS).map(|some| (Topic::Events, some.join(" "), some.len() as u64)).collect();
    if hints.contains(&Hint::Changes) {
        messages.push((Topic::Changes, String::new(), 1));
    }
    messages
}

/// The hints of a message; `None` if it is not one of ours.
pub(crate) fn read(topic: Topic, message: &[u8]) -> Option<Vec<Hint>> {
    if message.len() > MOST_BYTES {
        return None;
    }
    match topic {
        Topic::Changes => message.is_empty().then(|| vec![Hint::Changes]),
        Topic::Events => {
            message.split(|byte| *byte == b' ').map(|word| number(word).map(AppId).map(Hint::Events)).collect()
        }
    }
}

fn number(word: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(word).ok()?;
    let number = text.parse::<i64>().ok().filter(|number| *number > 0)?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(apps: impl IntoIterator<Item = i64>) -> BTreeSet<Hint> {
        apps.into_iter().map(|app| Hint::Events(AppId(app))).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let hints: BTreeSet<Hint> = events((1..2_500).chain([i64::MAX])).into_iter().chain([Hint::Changes]).collect();
        let messages = written(&hints);
        assert_eq!(messages.iter().map(|(.., count)| *count).collect::<Vec<_>>(), [1_000, 1_000, 500, 1]);
        let read: BTreeSet<Hint> =
            messages.iter().flat_map(|(topic, text, _)| read(*topic, text.as_bytes()).expect("our own")).collect();
        assert_eq!(read, hints);
        let largest = vec![i64::MAX.to_string(); MOST_APPS].join(" ");
        assert_eq!(super::read(Topic::Events, largest.as_bytes()).map(|hints| hints.len()), Some(MOST_APPS));
    }

    #[test]
    fn what_is_not_a_hint_is_ignored() {
        let long = "1 ".repeat(MOST_BYTES);
        for wrong in
            ["", " ", "1 ", "1  2", "x", "0", "-1", "+1", "01", "1,2", "9223372036854775808", "1 x", "\u{0661}", &long]
        {
            assert_eq!(read(Topic::Events, wrong.as_bytes()), None, "{wrong:.20}");
        }
        assert_eq!(read(Topic::Events, b"1 \xff"), None);
        assert_eq!(read(Topic::Changes, b"1"), None);
    }
}
