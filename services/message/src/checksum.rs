//! The checksum of a message's content, so that a byte that flips in a file, a disk or a copy is named and not served.
//!
//! It is the CRC-32 of the message's id and the columns of its content, which notices every change of up to 32 bits in a
//! row. Anybody who can write to the database can compute it: it protects against faults, not against people.
//!
//! In its column the number of edits is above it. A version from before there were checksums edits a message and leaves
//! the column as it is; such a row is not checked, and neither is one with 0, which was written by such a version.

use flate2::Crc;
use tidings_domain::{AppId, Error, MsgId, Reason};

use crate::content::StoredContent;

/// The column's value for content that was edited so often.
pub fn of(content: &StoredContent, msg_id: MsgId, edits: i64) -> i64 {
    let mut crc = Crc::new();
    crc.update(&msg_id.0.to_be_bytes());
    let StoredContent { body, ext, config, verbatim } = content;
    for column in [Some(body), ext.as_ref(), config.as_ref(), verbatim.as_ref()] {
        // Lengths, so that no byte moves from one column into the next.
        let length = column.map_or(-1, |text| text.len() as i64);
        crc.update(&length.to_be_bytes());
        crc.update(column.map(String::as_bytes).unwrap_or_default());
    }
    (edits << 32) + i64::from(crc.sum())
}

/// Whether the content is what was written with that value, as far as it says.
pub fn fits(content: &StoredContent, msg_id: MsgId, edits: i64, stored: i64) -> bool {
    let says_nothing = stored == 0 || stored >> 32 != edits;
    says_nothing || stored == of(content, msg_id, edits)
}

/// Refuses content that is not what was written; the log names the message.
pub fn check(app: AppId, msg_id: MsgId, content: &StoredContent, (edits, stored): (i64, i64)) -> Result<(), Error> {
    if fits(content, msg_id, edits, stored) {
        return Ok(());
    }
    tracing::error!(
        %app, %msg_id,
        "the stored content of a message is damaged: run tidings verify, restore the database from a backup or recall the message"
    );
    Err(Error::new(Reason::DataDamaged, format!("message {msg_id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: MsgId = MsgId(7);

    fn content() -> StoredContent {
        let ext = Some("{\"a\":1}".to_owned());
        StoredContent { body: "{\"text\":\"hello\"}".into(), ext, config: None, verbatim: Some(String::new()) }
    }

    #[test]
    fn content_fits_its_checksum_after_any_number_of_edits() {
        for edits in [0, 1, i64::from(i32::MAX)] {
            let stored = of(&content(), ID, edits);
            assert!(stored > 0 && fits(&content(), ID, edits, stored));
            assert!(check(AppId(1), ID, &content(), (edits, stored)).is_ok());
        }
    }

    #[test]
    fn every_flipped_bit_of_every_column_is_noticed() {
        let stored = of(&content(), ID, 2);
        let columns: [fn(&mut StoredContent) -> &mut String; 2] =
            [|content| &mut content.body, |content| content.ext.as_mut().unwrap()];
        for column in columns {
            let length = column(&mut content()).len();
            for (at, bit) in (0..length).flat_map(|at| (0..7).map(move |bit| (at, bit))) {
                let mut other = content();
                let text = column(&mut other);
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                *text = String::from_utf8(bytes).unwrap();
                assert!(!fits(&other, ID, 2, stored), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn content_of_another_message_or_in_another_column_does_not_fit() {
        let stored = of(&content(), ID, 0);
        assert!(!fits(&content(), MsgId(8), 0, stored));
        let moved = StoredContent { config: content().ext, ext: None, ..content() };
        assert!(!fits(&moved, ID, 0, stored));
        assert!(!fits(&StoredContent { config: Some(String::new()), ..content() }, ID, 0, stored));
        let damaged = check(AppId(1), ID, &moved, (0, stored)).unwrap_err();
        assert_eq!((damaged.reason(), damaged.subject()), (Reason::DataDamaged, "message 7"));
    }

    #[test]
    fn rows_of_versions_without_checksums_are_not_checked() {
        assert!(fits(&content(), ID, 3, 0));
        // Such a version edited it since.
        let edited = StoredContent { body: "{\"text\":\"edited\"}".into(), ..content() };
        assert!(fits(&edited, ID, 1, of(&content(), ID, 0)));
    }
}
