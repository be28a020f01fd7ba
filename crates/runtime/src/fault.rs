//! Fault injection for tests.
//!
//! A debug build panics at such a place while a file with the place's name exists in the folder that
//! `TIDINGS_TEST_FAULTS` names, or switches off the part that the file names, and its wall clock is shifted by as many
//! milliseconds as the file `clock` there says. A release build contains none of this.

#[cfg(debug_assertions)]
use std::{path::PathBuf, sync::LazyLock};

#[cfg(debug_assertions)]
static FAULTS: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::var_os("TIDINGS_TEST_FAULTS").map(PathBuf::from));

/// Fails here when a test requests it.
///
/// # Panics
/// When a test requests it.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    if let Some(folder) = &*FAULTS {
        assert!(!folder.join(name).exists(), "the fault point {name}");
    }
}

/// Nothing, outside debug builds.
#[cfg(not(debug_assertions))]
pub const fn point(_name: &str) {}

/// Whether a test switches off a part of this process.
#[cfg(debug_assertions)]
pub fn is_without(name: &str) -> bool {
    FAULTS.as_ref().is_some_and(|folder| folder.join(name).exists())
}

/// No, outside debug builds.
#[cfg(not(debug_assertions))]
pub const fn is_without(_name: &str) -> bool {
    false
}

/// By how many milliseconds a test shifts the wall clock.
#[cfg(debug_assertions)]
pub(crate) fn clock_error() -> i64 {
    let read = |folder: &PathBuf| std::fs::read_to_string(folder.join("clock")).ok()?.trim().parse().ok();
    FAULTS.as_ref().and_then(read).unwrap_or(0)
}

/// Nothing, outside debug builds.
#[cfg(not(debug_assertions))]
pub(crate) const fn clock_error() -> i64 {
    0
}
