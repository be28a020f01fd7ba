//! Standard error, many log lines at a time.
//!
//! At thousands of calls a second a write for each line, or waking a thread for each, costs a good part of what the
//! calls themselves cost. Lines gather here and are written when they are many, every tenth of a second, and at the end.

use std::{
    io::{self, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};

use tracing_subscriber::fmt::MakeWriter;

const TICK: Duration = Duration::from_millis(100);
/// Bytes that are written at once, by the thread whose line makes them as many.
const MANY: usize = 64 * 1024;

/// Lines on their way. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogLines(Arc<Mutex<Vec<u8>>>);

impl LogLines {
    /// Lines that are written until the last clone is gone.
    pub(crate) fn start() -> Self {
        let lines = Self::default();
        let waiting = Arc::downgrade(&lines.0);
        thread::spawn(move || keep_writing(&waiting));
        lines
    }

    /// Writes what is waiting.
    pub(crate) fn flush(&self) {
        write_out(&mut lock(&self.0));
    }
}

fn keep_writing(waiting: &Weak<Mutex<Vec<u8>>>) {
    loop {
        thread::sleep(TICK);
        let Some(lines) = waiting.upgrade() else { return };
        write_out(&mut lock(&lines));
    }
}

fn lock(lines: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_out(lines: &mut Vec<u8>) {
    if !lines.is_empty() {
        // Nobody is left to tell when standard error is gone.
        let _ = io::stderr().write_all(lines);
        lines.clear();
    }
}

impl io::Write for &LogLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = lock(&self.0);
        lines.extend_from_slice(line);
        if lines.len() >= MANY {
            write_out(&mut lines);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogLines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}
