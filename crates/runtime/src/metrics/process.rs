//! The process itself, as Linux describes it: memory, files, time. Elsewhere these numbers stay 0.

use std::{fs, sync::atomic::AtomicU64, time::Duration};

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};
use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::{Resource, getrlimit},
};

use super::book::MetricRegistry;

/// The process itself.
#[derive(Debug)]
pub struct ProcessMetrics {
    build: Family<[(&'static str, &'static str); 2], Gauge>,
    started: Gauge,
    memory: Gauge,
    open_files: Gauge,
    most_files: Gauge,
    cpu: Counter<f64, AtomicU64>,
}

impl ProcessMetrics {
    pub(super) fn new(book: &mut MetricRegistry) -> Self {
        Self {
            build: book.gauge("tidings_build_info", "1; its labels are the version and the role", Family::default()),
            started: book.gauge(
                "process_start_time_seconds",
                "When the process started, in seconds since 1970",
                Gauge::default(),
            ),
            memory: book.gauge("process_resident_memory_bytes", "Memory of the process", Gauge::default()),
            open_files: book.gauge("process_open_fds", "Open files and connections", Gauge::default()),
            most_files: book.gauge("process_max_fds", "The maximum of them", Gauge::default()),
            cpu: book.counter("process_cpu_seconds_total", "CPU time of the process", Counter::default()),
        }
    }

    /// The role of the process.
    pub fn runs_as(&self, role: &'static str) {
        self.build.get_or_create(&[("version", env!("CARGO_PKG_VERSION")), ("role", role)]).set(1);
    }

    /// Reads them again.
    pub(super) fn refresh(&self) {
        if let Some(files) = getrlimit(Resource::Nofile).current {
            self.most_files.set(i64::try_from(files).unwrap_or(i64::MAX));
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            self.open_files.set(files.count() as i64);
        }
        // `size resident ...`, in pages.
        if let Some(pages) = read("/proc/self/statm").and_then(|text| field(&text, 1)) {
            self.memory.set((pages * page_size() as u64) as i64);
        }
        // What follows the name in brackets, which may have spaces: `state ppid ...`.
        let Some(stat) = read("/proc/self/stat") else { return };
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks = clock_ticks_per_second();
        if let (Some(user), Some(system)) = (field(fields, 11), field(fields, 12)) {
            let seconds = Duration::from_millis((user + system) * 1000 / ticks).as_secs_f64();
            self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
        }
        let booted = read("/proc/stat")
            .and_then(|text| text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse::<u64>().ok());
        if let (Some(booted), Some(after)) = (booted, field(fields, 19)) {
            self.started.set((booted + after / ticks) as i64);
        }
    }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn field(text: &str, nth: usize) -> Option<u64> {
    text.split_whitespace().nth(nth)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_says_what_the_process_uses() {
        let process = ProcessMetrics::new(&mut MetricRegistry::default());
        process.refresh();
        assert!(process.memory.get() > 1_000_000, "{process:?}");
        assert!(process.open_files.get() > 2 && process.most_files.get() > process.open_files.get(), "{process:?}");
        assert!(process.started.get() > 1_600_000_000, "{process:?}");
    }
}
