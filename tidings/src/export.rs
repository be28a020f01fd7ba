//! `tidings export verify`: verifies export files against their manifests, without a server.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use clap::Subcommand;
use flate2::read::GzDecoder;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tidings_dialects::agora::{HourManifest, Manifest, read_manifest};
use tidings_domain::{Error, UnixMillis, hex};

use crate::lines::{Output, Row};

/// Commands on exports.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Verify files against their manifests, and the chain of the manifests.
    #[command(after_help = "Example:\n  tidings export verify 2025071514.json 2025071515.json")]
    Verify {
        /// Manifests as the server returned them, with the files they name in the same folder.
        #[arg(required = true)]
        manifests: Vec<PathBuf>,
    },
}

/// One file of the chain, keyed by app and position.
type Chain = BTreeMap<(String, i64), Manifest>;

/// Runs the command.
pub fn export(command: ExportCommand, output: Output) -> Result<(), Error> {
    let report = |what: &str, found: Result<String, String>| {
        output.print(&Row::of_check(what, &found));
        found.is_ok()
    };
    let ExportCommand::Verify { manifests } = command;
    let (mut chain, mut healthy) = (Chain::new(), true);
    for path in &manifests {
        match std::fs::read_to_string(path).ok().as_deref().and_then(read_manifest) {
            None => healthy = report(&path.display().to_string(), Err("is not a manifest".to_owned())),
            Some(HourManifest { app_uuid, hour, files }) => {
                for (file, manifest) in files {
                    let path = path.with_file_name(&file);
                    healthy &= report(&path.display().to_string(), check(&path, &app_uuid, hour, &manifest));
                    chain.insert((app_uuid.clone(), manifest.seq), manifest);
                }
            }
        }
    }
    for ((app, seq), manifest) in &chain {
        let before = chain.get(&(app.clone(), seq - 1));
        let is_linked = match before {
            Some(before) => before.digest == manifest.previous,
            None => *seq > 1 || manifest.previous.is_empty(),
        };
        if !is_linked {
            healthy = report(&format!("link {seq}"), Err("does not follow the one before it".to_owned()));
        }
    }
    if healthy { Ok(()) } else { Err(Error::invalid("verify", "found problems")) }
}

#[derive(Deserialize)]
struct Line {
    msg_id: String,
}

/// Reports success, or the first mismatch.
fn check(path: &Path, app: &str, hour: UnixMillis, manifest: &Manifest) -> Result<String, String> {
    if manifest.chained(app, hour) != manifest.digest {
        return Err("its manifest was changed".to_owned());
    }
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let mut file = File::open(path).map_err(unreadable)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 256 * 1024]);
    loop {
        match file.read(&mut piece).map_err(unreadable)? {
            0 => break,
            length => hash.update(&piece[..length]),
        }
    }
    if hex(&hash.finalize()) != manifest.sha256 {
        return Err("is not the file of its manifest: the SHA-256 differs".to_owned());
    }
    let lines = BufReader::new(GzDecoder::new(File::open(path).map_err(unreadable)?)).lines();
    let (mut count, mut first, mut last) = (0, String::new(), String::new());
    for line in lines {
        let line: Line =
            serde_json::from_str(&line.map_err(unreadable)?).map_err(|_| "has a line that is not a message")?;
        if count == 0 {
            first.clone_from(&line.msg_id);
        }
        last = line.msg_id;
        count += 1;
    }
    let expected = (manifest.messages, manifest.first.to_string(), manifest.last.to_string());
    if (count, first, last) != expected {
        return Err("does not have the messages of its manifest".to_owned());
    }
    Ok(format!("{count} messages, as sealed"))
}
