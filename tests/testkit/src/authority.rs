//! A certificate authority of a test, and certificates by it.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tidings_domain::{UnixMillis, date_of};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// An authority that a test makes, and its files.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate and its key, each in a file.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The certificate as it is sent.
    pub der: Vec<u8>,
}

impl Default for Authority {
    fn default() -> Self {
        let mut params = CertificateParams::default();
        // Authorities that a test tells apart have different names.
        let name = format!("test authority {}", NEXT.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(&folder.path().join("ca.pem"), &pem("CERTIFICATE", issuer.der()));
        Self { issuer, folder }
    }
}

impl Authority {
    /// The file with its certificate.
    pub fn file(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// Its certificate as it is sent.
    pub fn der(&self) -> &[u8] {
        self.issuer.der()
    }

    /// A path in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate for this machine, in files of that name that are replaced if they are there.
    pub fn issue(&self, name: &str) -> Issued {
        const YEAR_2096: UnixMillis = UnixMillis(4_000_000_000_000);
        self.issue_until(name, YEAR_2096)
    }

    /// The same, which ends with the beginning of a day.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn issue_until(&self, name: &str, end: UnixMillis) -> Issued {
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let mut params = CertificateParams::new(names.to_vec()).expect("names");
        let (year, month, day) = date_of(end.0.div_euclid(86_400_000));
        let small = |number: i64| u8::try_from(number).expect("a part of a date");
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_after = date_time_ymd(i32::try_from(year).expect("a year"), small(month), small(day));
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let issued = Issued {
            certificate: self.path(&format!("{name}.pem")),
            key: self.path(&format!("{name}.key")),
            der: certificate.der().to_vec(),
        };
        write(&issued.certificate, &pem("CERTIFICATE", certificate.der()));
        write(&issued.key, &pem("PRIVATE KEY", &key.serialize_der()));
        issued
    }
}

/// Replaces a file at one moment, readable for its owner alone.
fn write(path: &Path, text: &str) {
    let new = path.with_extension("new");
    let mut file =
        OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new).expect("a new file");
    file.write_all(text.as_bytes()).expect("a file that can be written");
    fs::rename(new, path).expect("a name in the same folder");
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..(at + 64).min(text.len())]).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
