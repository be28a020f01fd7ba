//! What is wrong with a certificate or key keeps the program from starting, in words.

use std::{fs, os::unix::fs::PermissionsExt as _};

use tidings_domain::UnixMillis;
use tidings_testkit::Authority;

use crate::start::{assert_says, complaint};

#[test]
fn a_certificate_or_key_that_cannot_be_used_is_named_with_what_helps() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::default());
    let (one, other) = (authority.issue("one"), authority.issue("other"));
    let ended = authority.issue_until("ended", UnixMillis(1_577_836_800_000));
    let open = authority.issue("open");
    fs::set_permissions(&open.key, fs::Permissions::from_mode(0o644)).unwrap();
    let text = authority.path("text.pem");
    fs::write(&text, "hello").unwrap();
    let shown = |path: &std::path::Path| path.display().to_string();
    let [certificate, key, other_key, text] = [&one.certificate, &one.key, &other.key, &text].map(|path| shown(path));
    let [ended, ended_key, open, open_key] =
        [&ended.certificate, &ended.key, &open.certificate, &open.key].map(|path| shown(path));
    let pair = |certificate: &str, key: &str| {
        vec![("TIDINGS_TLS_CERTIFICATE", certificate.to_owned()), ("TIDINGS_TLS_KEY", key.to_owned())]
    };
    let with = |name: &'static str, value: &str| [pair(&certificate, &key), vec![(name, value.to_owned())]].concat();
    for (settings, parts) in [
        (
            pair("/nowhere.pem", &key),
            vec!["tls.certificate names the file /nowhere.pem, which cannot be read", "No such file"],
        ),
        (pair(&text, &key), vec!["tls.certificate names the file", "text.pem, which has no certificate in PEM"]),
        (pair(&certificate, "/nowhere.key"), vec!["tls.key names the file /nowhere.key, which cannot be read"]),
        (pair(&certificate, &certificate), vec!["tls.key names the file", "which has no private key in PEM"]),
        (pair(&certificate, &other_key), vec!["tls.key names", "other.key, which is not the key of", "one.pem"]),
        (
            pair(&ended, &ended_key),
            vec!["ended.pem, whose first certificate ended at 2020-01-01T00:00:00.000Z: renew it"],
        ),
        (pair(&open, &open_key), vec!["open.key, which others can read: chmod 600 ", "open.key"]),
        (pair(&certificate, "")[..1].to_vec(), vec!["tls.key is required with tls.certificate"]),
        (with("TIDINGS_TLS_CLIENT_CA", &text), vec!["tls.client_ca names the file", "no certificate in PEM"]),
        (with("TIDINGS_TLS_PEER_CA", "/nowhere.pem"), vec!["tls.peer_ca names the file /nowhere.pem"]),
        (with("TIDINGS_PEERS_FILE", "https://file:9090"), vec!["tls.peer_ca is required with https:// in peers.file"]),
        (
            [pair(&certificate, "")[..1].to_vec(), vec![("TIDINGS_TLS_KEY_FILE", key.clone())]].concat(),
            vec!["tls.key must be the path of a file, and is its content", "TIDINGS_TLS_KEY, without _FILE"],
        ),
    ] {
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_says(&complaint(folder.path(), &["serve"], &settings), &parts);
    }
}
