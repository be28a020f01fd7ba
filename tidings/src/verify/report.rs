//! The lines of a check.

use std::collections::HashMap;

use serde_json::json;
use tidings_directory::StoredApp;
use tidings_domain::{AppId, Finding};
use tidings_file::kept;
use tidings_message::verify as log;

use crate::lines::{plain, say};

/// Prints findings as they come, and counts.
#[derive(Debug, Default)]
pub struct Report {
    json: bool,
    findings: u64,
    names: HashMap<AppId, String>,
    log: log::Checked,
    files: kept::Checked,
    marks: usize,
}

impl Report {
    /// As text with tabs, or as JSON.
    pub fn new(json: bool) -> Self {
        Self { json, ..Self::default() }
    }

    /// Apps are shown by these names.
    pub fn name(&mut self, apps: &[StoredApp]) {
        self.names = apps.iter().map(|app| (app.id, app.name.clone())).collect();
    }

    /// Prints a finding.
    pub fn add(&mut self, finding: Finding) {
        self.findings += 1;
        let Finding { kind, app, place, what } = finding;
        let app = app.map(|app| self.names.get(&app).cloned().unwrap_or_else(|| format!("app {app}")));
        if self.json {
            say(&json!({"kind": kind, "app": app, "place": place, "what": what}).to_string());
        } else {
            let app = app.unwrap_or_else(|| "-".to_owned());
            say(&format!("{kind}\t{}\t{}\t{}", plain(&app), plain(&place), plain(&what)));
        }
    }

    /// How many there were.
    pub const fn findings(&self) -> u64 {
        self.findings
    }

    pub(super) fn checked_log(&mut self, checked: log::Checked) {
        self.log.conversations += checked.conversations;
        self.log.messages += checked.messages;
        self.log.events += checked.events;
        self.log.keys += checked.keys;
    }

    pub(super) fn checked_files(&mut self, checked: kept::Checked) {
        self.files.files += checked.files;
        self.files.bytes += checked.bytes;
    }

    pub(super) const fn checked_marks(&mut self, count: usize) {
        self.marks += count;
    }

    /// Prints what was checked.
    pub fn end(&self) {
        let log::Checked { conversations, messages, events, keys, .. } = self.log;
        let (marks, files, findings) = (self.marks, self.files.files, self.findings);
        if self.json {
            let checked = json!({"conversations": conversations, "messages": messages, "events": events,
                "keys": keys, "marks": marks, "files": files});
            say(&json!({"checked": checked, "findings": findings}).to_string());
        } else {
            say(&format!(
                "checked {conversations} conversations, {messages} messages, {events} events, {keys} keys, \
                 {marks} read marks, {files} files: {findings} findings"
            ));
        }
    }
}
