//! Checks free disk space.

use std::path::Path;

use rustix::fs::statvfs;

/// Minimum free bytes: a write-ahead log at its maximum size can still be checkpointed into its file.
const LEAST: u64 = 64 * 1024 * 1024;

/// Why there is too little space on the disk of `folder`; none if there is enough, or it is unknown.
pub fn low_space(folder: &Path) -> Option<String> {
    let disk = statvfs(folder).ok()?;
    // Small disks, as in tests and on tiny machines, are low once less than a sixteenth is free.
    let (left, whole) = (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize));
    let mib = left / 1024 / 1024;
    (left < LEAST.min(whole / 16)).then(|| {
        let folder = folder.display();
        format!("the disk of {folder} is almost full, {mib} MiB are left: make room or mount a larger one")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_has_no_verdict() {
        assert_eq!(low_space(Path::new("/nonexistent/tidings")), None);
    }
}
