//! A certificate with its key.

use std::sync::Arc;

use rustls::{crypto::CryptoProvider, sign::CertifiedKey};
use tidings_domain::{Error, UnixMillis};

use super::{
    files::{self, wrong},
    validity::{Validity, validity},
};
use crate::config::Named;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub certified: Arc<CertifiedKey>,
    /// When the certificate ends.
    pub ends: UnixMillis,
}

impl Identity {
    /// From the files of the certificate, followed by its intermediates, and of its key. `valid_at`: when the certificate
    /// must be valid; `None` admits an expired one.
    pub fn read(
        (certificate, key): (Named<'_>, Named<'_>),
        valid_at: Option<UnixMillis>,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let chain = files::certificates(certificate)?;
        let valid = validity(&chain[0]).ok_or_else(|| wrong(certificate, "whose first certificate cannot be read"))?;
        if let Some(now) = valid_at {
            check(certificate, &valid, now)?;
        }
        let certified = CertifiedKey::from_der(chain, files::key(key)?, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                let path = certificate.1.display();
                let what =
                    format!("which is not the key of the first certificate in {path}: intermediates come after it");
                wrong(key, &what)
            }
            rustls::Error::InvalidCertificate(_) => wrong(certificate, "whose first certificate cannot be read"),
            _ => wrong(key, "which has a key of another kind than RSA, ECDSA (P-256, P-384) and Ed25519"),
        })?;
        Ok(Self { certified: Arc::new(certified), ends: valid.ends })
    }
}

fn check(certificate: Named<'_>, valid: &Validity, now: UnixMillis) -> Result<(), Error> {
    if now >= valid.ends {
        let what = format!("whose first certificate ended at {}: renew it", valid.ends.rfc3339());
        return Err(wrong(certificate, &what));
    }
    if now < valid.begins {
        let begins = valid.begins.rfc3339();
        let what = format!("whose first certificate begins at {begins}: check this machine's clock, or use another");
        return Err(wrong(certificate, &what));
    }
    Ok(())
}
