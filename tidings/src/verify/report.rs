//! The lines of a check.

use std::collections::HashMap;

use serde_json::{Map, Value};
use tidings_directory::StoredApp;
use tidings_domain::{AppId, Finding};
use tidings_file::kept;
use tidings_message::verify as log;

use crate::lines::{Output, Row};

/// Prints findings as they come, and counts.
#[derive(Debug, Default)]
pub struct Report {
    output: Output,
    findings: u64,
    names: HashMap<AppId, String>,
    log: log::Checked,
    files: kept::Checked,
    marks: usize,
}

impl Report {
    /// Nothing is found yet.
    pub fn new(output: Output) -> Self {
        Self { output, ..Self::default() }
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
        let shown = app.clone().unwrap_or_else(|| "-".to_owned());
        let row = Row::default().shown("kind", kind).cell("app", app, shown);
        self.output.print(&row.shown("place", place).shown("what", what));
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
        let checked: Map<String, Value> = [
            ("conversations", conversations.into()),
            ("messages", messages.into()),
            ("events", events.into()),
            ("keys", keys.into()),
            ("marks", marks.into()),
            ("files", files.into()),
        ]
        .map(|(name, count): (&str, Value)| (name.to_owned(), count))
        .into_iter()
        .collect();
        let words = format!(
            "checked {conversations} conversations, {messages} messages, {events} events, {keys} keys, \
             {marks} read marks, {files} files: {findings} findings"
        );
        self.output.print(&Row::default().field("checked", checked).field("findings", findings).text(words));
    }
}
