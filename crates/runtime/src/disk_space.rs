//! Whether a disk has room left.

use std::path::Path;

use rustix::fs::statvfs;

/// Bytes that must be left: a write-ahead log that has grown to its bound has room to be folded into its file.
const LEAST: u64 = 64 * 1024 * 1024;

/// Why there is too little left on the disk of `folder`; none where there is enough, or it cannot be told.
pub fn low_space(folder: &Path) -> Option<String> {
    let disk = statvfs(folder).ok()?;
    // Small disks, as of tests and of tiny machines, are low once a sixteenth is left.
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
