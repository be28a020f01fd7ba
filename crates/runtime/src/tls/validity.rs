//! The validity period of a certificate (RFC 5280, 4.1). rustls checks it for peers, but does not expose it.

use tidings_domain::UnixMillis;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub begins: UnixMillis,
    pub ends: UnixMillis,
}

/// Tags of DER.
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// The version, which is absent in the first one.
const VERSION: u8 = 0xa0;

/// Reads it from a certificate in DER. `None`: it is not one.
pub(super) fn validity(der: &[u8]) -> Option<Validity> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    if let Some((_, rest)) = element(fields, VERSION) {
        fields = rest;
    }
    // The serial number, the algorithm of the signature, the issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        (_, fields) = element(fields, tag)?;
    }
    let (times, _) = element(fields, SEQUENCE)?;
    let (begins, rest) = time(times)?;
    let (ends, _) = time(rest)?;
    Some(Validity { begins, ends })
}

/// The content of the element with that tag that begins here, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match *length {
        short @ ..0x80 => (usize::from(short), rest),
        long => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            // A certificate of more than 16 MiB is none.
            if digits.len() > 3 {
                return None;
            }
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
    };
    if *found == tag { rest.split_at_checked(length) } else { None }
}

/// `YYMMDDHHMMSSZ`, of 1950 to 2049, or `YYYYMMDDHHMMSSZ`, and what follows it.
fn time(bytes: &[u8]) -> Option<(UnixMillis, &[u8])> {
    let (text, rest) = element(bytes, UTC_TIME).or_else(|| element(bytes, GENERALIZED_TIME))?;
    let digits = std::str::from_utf8(text).ok()?.strip_suffix('Z').filter(|text| text.is_ascii())?;
    let (century, digits) = match digits.len() {
        12 if digits < "5" => ("20", digits),
        12 => ("19", digits),
        14 => digits.split_at(2),
        _ => return None,
    };
    let part = |at: usize| &digits[at..at + 2];
    let (date, time) = ([part(0), part(2), part(4)].join("-"), [part(6), part(8), part(10)].join(":"));
    Some((UnixMillis::from_rfc3339(&format!("{century}{date}T{time}Z"))?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(begins: i32, ends: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["tidings.test".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(begins, 3, 1), date_time_ymd(ends, 12, 31));
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn both_forms_of_a_time_are_read() {
        for (begins, ends) in [(1999, 2049), (2026, 2050), (2051, 9999)] {
            let read = validity(&certificate(begins, ends)).expect("a certificate");
            assert_eq!(read.begins.rfc3339(), format!("{begins}-03-01T00:00:00.000Z"));
            assert_eq!(read.ends.rfc3339(), format!("{ends}-12-31T00:00:00.000Z"));
        }
    }

    proptest! {
        #[test]
        fn what_is_no_certificate_has_none_and_does_no_harm(at in 0_usize..200, byte in any::<u8>(), cut in 0_usize..400) {
            let mut der = certificate(2026, 2027);
            der[at] = byte;
            der.truncate(cut);
            // It may have hit a part that is not read here.
            let _ = validity(&der);
            prop_assert_eq!(validity(&der[..cut.min(60)]), None);
        }
    }
}
