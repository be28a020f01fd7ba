//! The PEM files of the configuration. Errors name setting and file, and what helps.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tidings_domain::Error;

use crate::config::Named;

/// Larger files are not certificates: nothing is read without end.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Every certificate in a file, at least one.
pub(super) fn certificates(file: Named<'_>) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = read(file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(wrong(file, "which has no certificate in PEM: the file begins with -----BEGIN CERTIFICATE-----")),
    }
}

/// The private key, in a file that only its owner can read. A file of root may also be readable for a group.
pub(super) fn key(file: Named<'_>) -> Result<PrivateKeyDer<'static>, Error> {
    let found = fs::metadata(file.1).map_err(|error| unreadable(file, &error))?;
    let too_much = if found.uid() == 0 { 0o037 } else { 0o077 };
    if found.permissions().mode() & too_much != 0 {
        return Err(wrong(file, &format!("which others can read: chmod 600 {}", file.1.display())));
    }
    let no_key =
        "which has no private key in PEM without a passphrase: the file begins with -----BEGIN PRIVATE KEY-----";
    PrivateKeyDer::from_pem_slice(&read(file)?).map_err(|_| wrong(file, no_key))
}

/// The certificate authorities in a file.
pub(super) fn authorities(file: Named<'_>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots
            .add(certificate)
            .map_err(|error| wrong(file, "which has a certificate that cannot be read").because(error))?;
    }
    Ok(roots)
}

/// An error about a file.
pub(super) fn wrong((setting, path): Named<'_>, what: &str) -> Error {
    Error::invalid(setting, format!("names the file {}, {what}", path.display()))
}

fn unreadable(file: Named<'_>, error: &io::Error) -> Error {
    wrong(
        file,
        &format!("which cannot be read: {error}; give the user that runs tidings the file, or name another one"),
    )
}

fn read(file: Named<'_>) -> Result<Vec<u8>, Error> {
    let found = fs::metadata(file.1).map_err(|error| unreadable(file, &error))?;
    if !found.is_file() || found.len() > LARGEST {
        return Err(wrong(file, "which is not a PEM file"));
    }
    fs::read(file.1).map_err(|error| unreadable(file, &error))
}
