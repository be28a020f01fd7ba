//! Buffered log lines on standard error that never block the caller.
//!
//! At thousands of calls a second a write per line costs a considerable part of the calls themselves. So lines are
//! buffered, and a separate thread writes them when there are many, every tenth of a second, and at the end. The reader
//! of standard error may stall: then lines are dropped and counted, and no task blocks.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};

use crate::metrics;

const TICK: Duration = Duration::from_millis(100);
/// Buffered bytes at which the thread is woken.
const MANY: usize = 64 * 1024;
/// Maximum buffered bytes; lines beyond are dropped.
const MOST: usize = 1024 * 1024;
/// Maximum bytes of one line; the rest is cut off.
const LONGEST: usize = 4 * 1024;
/// The end of a line that was cut.
const CUT: &[u8] = b" ...\n";
/// How long writing the last lines may take.
const LAST: Duration = Duration::from_secs(1);

/// Buffered lines. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogLines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// There is something to write.
    some: Condvar,
    /// Everything was written.
    none: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    dropped: u64,
    is_writing: bool,
}

impl LogLines {
    /// Starts a writer that runs until the last clone is dropped. `each_tick` is called between writes.
    pub(crate) fn start(each_tick: impl Fn() + Send + 'static) -> Self {
        let lines = Self::default();
        let shared = Arc::downgrade(&lines.0);
        thread::spawn(move || keep_writing(&shared, io::stderr(), each_tick));
        lines
    }

    /// Waits briefly until everything is written.
    pub(crate) fn flush(&self) {
        let waiting = self.0.lock();
        self.0.some.notify_one();
        let is_left = |waiting: &mut Waiting| waiting.is_writing || !waiting.bytes.is_empty();
        drop(self.0.none.wait_timeout_while(waiting, LAST, is_left));
    }

    fn add(&self, line: &[u8]) {
        let mut waiting = self.0.lock();
        if waiting.bytes.len() + line.len().min(LONGEST) > MOST {
            waiting.dropped += 1;
            return;
        }
        if line.len() > LONGEST {
            waiting.bytes.extend_from_slice(&line[..LONGEST - CUT.len()]);
            waiting.bytes.extend_from_slice(CUT);
        } else {
            waiting.bytes.extend_from_slice(line);
        }
        if waiting.bytes.len() >= MANY {
            self.0.some.notify_one();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The buffered lines, after a tick or when there are many, and how many were dropped before.
    fn take(&self) -> (Vec<u8>, u64) {
        let waiting = self.lock();
        let is_little = |waiting: &mut Waiting| waiting.bytes.len() < MANY;
        let waited = self.some.wait_timeout_while(waiting, TICK, is_little);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.is_writing = !waiting.bytes.is_empty();
        (std::mem::take(&mut waiting.bytes), std::mem::take(&mut waiting.dropped))
    }

    fn written(&self) {
        self.lock().is_writing = false;
        self.none.notify_all();
    }
}

fn keep_writing(shared: &Weak<Shared>, mut out: impl io::Write, each_tick: impl Fn()) {
    while let Some(shared) = shared.upgrade() {
        let (lines, dropped) = shared.take();
        // There is nowhere to report that standard error is closed.
        let _ = out.write_all(&lines);
        shared.written();
        if dropped > 0 {
            metrics().upkeep.lines_dropped(dropped);
            tracing::warn!(dropped, "log lines were dropped because standard error is blocked");
        }
        each_tick();
    }
}

impl io::Write for &LogLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(lines: &LogLines) -> (usize, u64) {
        let waiting = lines.0.lock();
        (waiting.bytes.len(), waiting.dropped)
    }

    #[test]
    fn a_long_line_is_cut_and_ends_as_a_line() {
        let lines = LogLines::default();
        lines.add(&vec![b'x'; 60_000]);
        assert_eq!(waiting(&lines), (LONGEST, 0));
        assert!(lines.0.lock().bytes.ends_with(CUT));
    }

    #[test]
    fn what_nobody_takes_is_dropped_and_counted() {
        let lines = LogLines::default();
        for _ in 0..MOST / LONGEST + 10 {
            lines.add(&[b'x'; LONGEST]);
        }
        assert_eq!(waiting(&lines), (MOST, 10));
    }

    #[test]
    fn everything_is_written_before_the_end() {
        let lines = LogLines::start(|| {});
        lines.add(b"");
        lines.flush();
        assert_eq!(waiting(&lines), (0, 0));
    }
}
