//! Messages as the lines of an export (agora.md 4).

use std::{
    collections::{HashMap, HashSet},
    io::Write as _,
    mem,
};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use tidings_dialects::agora::{MessageFiles, Names, record};
use tidings_domain::{App, Caller, ConversationId, Error, Media, Message, StoredFile, UserId};

use super::super::files;
use crate::{Deps, store::export::Row};

/// Maximum number of cached names.
const NAMES: usize = 50_000;

/// A gzip file in progress; compressed bytes wait in its vector.
pub type Gzip = GzEncoder<Vec<u8>>;

/// An empty file: the same bytes whenever and wherever it is made, so without time, name and operating system.
pub fn gzip() -> Gzip {
    GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::new(3))
}

/// Writes lines, and caches the names that it has looked up.
pub struct Lines<'a> {
    deps: &'a Deps,
    app: &'a App,
    names: Names,
}

impl<'a> Lines<'a> {
    pub fn new(deps: &'a Deps, app: &'a App) -> Self {
        Self { deps, app, names: Names::default() }
    }

    /// Compresses the rows as lines.
    pub async fn pack(&mut self, mut gzip: Gzip, rows: Vec<Row>) -> Result<Gzip, Error> {
        self.look_up(&rows).await?;
        let files = self.describe(&rows).await?;
        let (names, exts_array) = (mem::take(&mut self.names), self.app.policy.agora_custom_exts_array);
        // Uses the processor for some milliseconds.
        let packed = tokio::task::spawn_blocking(move || {
            let text = text(rows, &names, exts_array, &files)?;
            gzip.write_all(text.as_bytes()).map_err(Error::internal)?;
            Ok::<_, Error>((gzip, names))
        });
        let (gzip, names) = packed.await.map_err(Error::internal)??;
        self.names = names;
        Ok(gzip)
    }

    /// The descriptions of our files in the messages (decision 21).
    async fn describe(&self, rows: &[Row]) -> Result<HashMap<String, StoredFile>, Error> {
        let mut uuids = Vec::new();
        for row in rows {
            uuids.extend(row.attachments()?);
        }
        uuids.sort_unstable();
        uuids.dedup();
        files::describe(self.deps, &Caller::of_app(self.app.id), uuids).await
    }

    /// Looks up the names of all users in the messages.
    async fn look_up(&mut self, rows: &[Row]) -> Result<(), Error> {
        if self.names.len() > NAMES {
            self.names = Names::default();
        }
        let people = rows.iter().flat_map(|row| match row.conversation {
            ConversationId::Direct(low, high) => [row.sender, low, high],
            ConversationId::Group(_) | ConversationId::Room(_) => [row.sender; 3],
        });
        let unknown: HashSet<UserId> = people.filter(|user| !self.names.knows(*user)).collect();
        let unknown: Vec<UserId> = unknown.into_iter().collect();
        for users in unknown.chunks(1000) {
            let names = self.deps.directory.user_names(&Caller::of_app(self.app.id), users).await?;
            self.names.extend(users.iter().copied().zip(names));
        }
        Ok(())
    }
}

fn text(rows: Vec<Row>, names: &Names, exts_array: bool, files: &HashMap<String, StoredFile>) -> Result<String, Error> {
    let mut lines = String::new();
    for row in rows {
        let message = message(row)?;
        let body = &message.content.body;
        let described = |media: Option<&Media>| files.get(StoredFile::uuid_in(&media?.url)?);
        let of_message = MessageFiles { file: described(body.media()), thumbnail: described(body.thumbnail()) };
        lines.push_str(&record(&message, names, exts_array, of_message));
        lines.push('\n');
    }
    Ok(lines)
}

/// As a record shows it; fields that no record shows are empty.
fn message(row: Row) -> Result<Message, Error> {
    let (conversation, msg_id, by) = (row.conversation, row.msg_id, (row.sender, row.sent_at));
    Ok(Message::plain(conversation, msg_id, by, row.content()?))
}
