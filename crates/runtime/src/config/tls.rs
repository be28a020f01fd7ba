//! The settings of TLS: files of certificates and keys.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tidings_domain::Error;

use super::variable;

/// Certificates and keys, each a PEM file. Without any, everything is plain text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificate that `listen` and `grpc_listen` show, then its intermediates. Absent: both are without TLS.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// Certificate authorities: `grpc_listen` serves only clients with a certificate by one of them.
    pub client_ca: Option<PathBuf>,
    /// Certificate authorities: a peer at `https://` must show a certificate by one of them.
    pub peer_ca: Option<PathBuf>,
    /// The certificate that is shown to peers. Absent: `certificate`.
    pub peer_certificate: Option<PathBuf>,
    /// Its private key.
    pub peer_key: Option<PathBuf>,
}

/// A file, and the setting that names it.
pub(crate) type Named<'a> = (&'static str, &'a Path);

impl Tls {
    /// The certificate that listeners show, and its key.
    pub(crate) fn served(&self) -> Option<(Named<'_>, Named<'_>)> {
        Some((("tls.certificate", self.certificate.as_deref()?), ("tls.key", self.key.as_deref()?)))
    }

    /// The certificate that peers are shown, and its key.
    pub(crate) fn shown_to_peers(&self) -> Option<(Named<'_>, Named<'_>)> {
        let own = || {
            let (certificate, key) = (self.peer_certificate.as_deref()?, self.peer_key.as_deref()?);
            Some((("tls.peer_certificate", certificate), ("tls.peer_key", key)))
        };
        own().or_else(|| self.served())
    }

    /// The files of the certificate that peers are shown, and of its key.
    pub fn peer_files(&self) -> Option<(&Path, &Path)> {
        self.shown_to_peers().map(|((_, certificate), (_, key))| (certificate, key))
    }

    /// Every file.
    pub(crate) fn files(&self) -> impl Iterator<Item = Named<'_>> {
        self.settings().into_iter().filter_map(|(setting, path)| Some((setting, path?)))
    }

    /// Refuses what is named in part.
    pub(super) fn check(&self) -> Result<(), Error> {
        for (setting, path) in self.files() {
            if path.as_os_str().as_encoded_bytes().starts_with(b"-----BEGIN") {
                let name = variable(setting);
                let help = format!("name the file in {name}, without _FILE: it is read again when it changes");
                return Err(Error::invalid(setting, format!("must be the path of a file, and is its content: {help}")));
            }
        }
        let given = self.settings().map(|(setting, path)| (setting, path.is_some()));
        let [certificate, key, client_ca, _, peer_certificate, peer_key] = given;
        for (one, other) in [
            (certificate, key),
            (key, certificate),
            (client_ca, certificate),
            (peer_certificate, peer_key),
            (peer_key, peer_certificate),
        ] {
            if one.1 && !other.1 {
                return Err(Error::invalid(other.0, format!("is required with {}", one.0)));
            }
        }
        Ok(())
    }

    fn settings(&self) -> [(&'static str, Option<&Path>); 6] {
        [
            ("tls.certificate", self.certificate.as_deref()),
            ("tls.key", self.key.as_deref()),
            ("tls.client_ca", self.client_ca.as_deref()),
            ("tls.peer_ca", self.peer_ca.as_deref()),
            ("tls.peer_certificate", self.peer_certificate.as_deref()),
            ("tls.peer_key", self.peer_key.as_deref()),
        ]
    }
}
