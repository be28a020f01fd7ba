//! The disk of the data folder: whether a sync reaches it, and how long that takes.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use rustix::fs::{FsWord, statfs};

/// Syncs that are timed; the median is reported.
const TRIES: usize = 9;
/// A slower sync limits the log to a few dozen commits a second.
const SLOW: Duration = Duration::from_millis(20);
/// No disk confirms a write sooner: it was only promised.
const UNBELIEVABLE: Duration = Duration::from_micros(15);
/// File systems in memory, by the magic numbers of Linux: tmpfs and ramfs.
const IN_MEMORY: [FsWord; 2] = [0x0102_1994, 0x8584_58f6];
/// What a timed sync writes.
const PAGE: [u8; 4096] = [0; 4096];
const NAME: &str = ".doctor";

/// What was found of a disk.
#[derive(Debug)]
pub enum Disk {
    /// How long a sync takes, or what is to be said against it: it works, though perhaps not well.
    Written(Result<String, String>),
    /// Nothing can be stored in the folder.
    Unwritable(String),
}

/// Writes and syncs a small file in the folder, which is removed afterwards.
pub fn check(folder: &Path) -> Disk {
    let shown = folder.display();
    match median_sync(&folder.join(NAME)) {
        Err(error) => Disk::Unwritable(format!("{shown} cannot be written: {error}")),
        Ok(_) if statfs(folder).is_ok_and(|disk| IN_MEMORY.contains(&disk.f_type)) => {
            Disk::Written(Err(format!("{shown} is in memory: everything in it is lost when the machine loses power")))
        }
        Ok(took) => Disk::Written(verdict(&shown.to_string(), took)),
    }
}

fn verdict(folder: &str, took: Duration) -> Result<String, String> {
    let ms = took.as_secs_f64() * 1000.0;
    if took > SLOW {
        return Err(format!(
            "a sync of {folder} takes {ms:.1} ms, and every send waits for one: use a disk that takes less than {} ms",
            SLOW.as_millis()
        ));
    }
    if took < UNBELIEVABLE {
        return Err(format!(
            "a sync of {folder} takes {ms:.3} ms, faster than any disk writes: the disk ignores it, and a power cut loses \
             acknowledged messages"
        ));
    }
    Ok(format!("a sync of {folder} takes {ms:.1} ms"))
}

fn median_sync(path: &Path) -> std::io::Result<Duration> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let timed = (0..TRIES).map(|_| {
        let began = Instant::now();
        file.write_all(&PAGE)?;
        file.sync_data()?;
        Ok(began.elapsed())
    });
    let timed: std::io::Result<Vec<_>> = timed.collect();
    drop(file);
    fs::remove_file(path)?;
    let mut timed = timed?;
    timed.sort();
    Ok(timed[TRIES / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_is_neither_slow_nor_ignored() {
        let said = |micros| verdict("/data", Duration::from_micros(micros));
        assert_eq!(said(1_250), Ok("a sync of /data takes 1.2 ms".to_owned()));
        assert!(said(20_001).unwrap_err().starts_with("a sync of /data takes 20.0 ms, and every send waits"));
        assert!(said(3).unwrap_err().contains("the disk ignores it"));
    }

    #[test]
    fn nothing_is_left_of_a_timed_sync() {
        let folder = std::env::temp_dir().join(format!("tidings-doctor-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        assert!(median_sync(&folder.join(NAME)).unwrap() > Duration::ZERO);
        fs::remove_dir(&folder).expect("it is empty");
    }
}
