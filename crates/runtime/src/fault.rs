//! Places where tests have the program fail.
//!
//! A debug build panics there while a file with the place's name lies in the folder that `TIDINGS_TEST_FAULTS` names. A release
//! build has nothing of it.

/// Fails here when a test wants it.
///
/// # Panics
/// Then.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::{path::PathBuf, sync::LazyLock};
    static FAULTS: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| std::env::var_os("TIDINGS_TEST_FAULTS").map(PathBuf::from));
    if let Some(folder) = &*FAULTS {
        assert!(!folder.join(name).exists(), "the fault point {name}");
    }
}

/// Nothing, outside debug builds.
#[cfg(not(debug_assertions))]
pub const fn point(_name: &str) {}
