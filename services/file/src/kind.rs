//! What bytes are, by how they begin, whatever the client says.

/// A type that is told by the first bytes.
const BINARY: &str = "application/octet-stream";
/// Longest type that is taken from a client.
const MAX_BYTES: usize = 255;

/// The type of a file that begins like this. What the bytes do not tell is taken from the client, unless a browser would
/// run it.
pub(crate) fn content_type(start: &[u8], said: &str) -> String {
    if let Some(sniffed) = sniffed(start) {
        return sniffed.to_owned();
    }
    let said = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_plain = said.len() <= MAX_BYTES
        && said.split('/').count() == 2
        && said.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'/' | b'-' | b'+' | b'.' | b'_'));
    if is_plain && !said.starts_with("image/") { said } else { BINARY.to_owned() }
}

fn sniffed(start: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, bytes: &[u8]| start.get(offset..).is_some_and(|rest| rest.starts_with(bytes));
    let known = [
        (0, &b"\xFF\xD8\xFF"[..], "image/jpeg"),
        (0, b"\x89PNG\r\n\x1A\n", "image/png"),
        (0, b"GIF87a", "image/gif"),
        (0, b"GIF89a", "image/gif"),
        (8, b"WEBP", "image/webp"),
        (4, b"ftypM4A", "audio/mp4"),
        (4, b"ftypqt", "video/quicktime"),
        (4, b"ftyp", "video/mp4"),
        (0, b"#!AMR", "audio/amr"),
        (0, b"ID3", "audio/mpeg"),
        (0, b"OggS", "audio/ogg"),
        (8, b"WAVE", "audio/wav"),
        (0, b"\x1A\x45\xDF\xA3", "video/webm"),
        (0, b"%PDF-", "application/pdf"),
        (0, b"PK\x03\x04", "application/zip"),
        (0, b"\x1F\x8B", "application/gzip"),
    ];
    known.into_iter().find(|(offset, bytes, _)| at(*offset, bytes)).map(|(_, _, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_stand_above_what_the_client_says() {
        assert_eq!(content_type(b"\xFF\xD8\xFF\xE0....", "text/html"), "image/jpeg");
        assert_eq!(content_type(b"RIFF....WEBPVP8 ", ""), "image/webp");
        assert_eq!(content_type(b"....ftypisom", ""), "video/mp4");
    }

    #[test]
    fn what_they_do_not_tell_is_taken_from_the_client_but_for_pictures() {
        assert_eq!(content_type(b"hello", "Text/Plain; charset=utf-8"), "text/plain");
        assert_eq!(content_type(b"<svg>", "image/svg+xml"), BINARY);
        for odd in ["", "text", "a/b/c", "text/pl ain", "text/\"x\""] {
            assert_eq!(content_type(b"hello", odd), BINARY, "{odd}");
        }
    }
}
