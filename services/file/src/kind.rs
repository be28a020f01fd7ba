//! The media type of bytes: the client's if it is plausible, otherwise detected from the beginning.
//!
//! Many formats share a container: a phone's photo is an `ftyp` file as a video is, a document a zip file. The bytes
//! determine the container, the client the format. The bytes take precedence over the client if the two contradict each
//! other, and if a browser would execute or show the client's type: images above all, which are shown inline.

/// The type of unknown bytes.
const BINARY: &str = "application/octet-stream";
/// Maximum length of a type from a client.
const MAX_BYTES: usize = 255;
/// Maximum length of a character encoding's name.
const MAX_CHARSET: usize = 40;

/// A signature.
struct Container {
    /// The type if the client's does not match.
    kind: &'static str,
    /// Prefixes of matching types.
    fits: &'static [&'static str],
    /// Suffixes of matching types, such as `+zip`.
    suffix: &'static str,
}

const fn only(kind: &'static str) -> Container {
    Container { kind, fits: &[], suffix: "" }
}

const fn holds(kind: &'static str, fits: &'static [&'static str]) -> Container {
    Container { kind, fits, suffix: "" }
}

/// Videos, audio and images of the MP4 family.
const FTYP: &[&str] = &["video/", "audio/", "image/heic", "image/heif", "image/avif", "application/mp4"];
const OGG: &[&str] = &["audio/", "video/", "application/ogg"];
const MATROSKA: &[&str] = &["video/", "audio/"];
const RIFF: &[&str] = &["audio/", "video/"];
const MPEG_AUDIO: &[&str] = &["audio/"];
/// Documents, books, programs: every format that is a zip file. None is shown inline.
const ZIP: &[&str] = &["application/", "model/", "font/"];
const OLE: &[&str] = &["application/"];
const GZIP: &[&str] = &["application/"];
/// Only images; cameras use their own types for raw formats.
const PICTURE: &[&str] = &["image/"];

/// The type of a file with this beginning.
pub(crate) fn content_type(start: &[u8], said: &str) -> String {
    let charset = charset(said);
    let said = plain(said);
    let Some(container) = container(start) else {
        let said = said.filter(|said| !said.starts_with("image/")).unwrap_or_else(|| BINARY.to_owned());
        // Without it a text in another encoding than UTF-8 is unreadable.
        return match charset.filter(|_| said.starts_with("text/")) {
            Some(charset) => format!("{said}; charset={charset}"),
            None => said,
        };
    };
    said.filter(|said| container.holds(said)).unwrap_or_else(|| container.kind.to_owned())
}

impl Container {
    fn holds(&self, said: &str) -> bool {
        let fits = self.fits.iter().any(|begin| said.starts_with(begin));
        (fits || (!self.suffix.is_empty() && said.ends_with(self.suffix))) && !is_run(said) && said != BINARY
    }
}

/// Types that a browser would execute, or parse as a page, whatever surrounds them.
fn is_run(said: &str) -> bool {
    ["html", "xml", "javascript", "ecmascript", "svg", "json", "x-shockwave-flash", "wasm"]
        .iter()
        .any(|part| said.contains(part) && !said.contains("openxmlformats"))
}

/// The parameter `charset`, in lower case.
fn charset(said: &str) -> Option<String> {
    let parameters = said.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, charset) = parameters
        .map(|(name, value)| (name.trim(), value.trim()))
        .find(|(name, _)| name.eq_ignore_ascii_case("charset"))?;
    let charset = charset.trim_matches('"').to_ascii_lowercase();
    let is_name = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b':');
    ((1..=MAX_CHARSET).contains(&charset.len()) && charset.bytes().all(is_name)).then_some(charset)
}

/// The client's type in lower case and without parameters, if it is valid.
fn plain(said: &str) -> Option<String> {
    let said = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_plain = said.len() <= MAX_BYTES
        && said.split('/').count() == 2
        && !said.starts_with('/')
        && !said.ends_with('/')
        && said.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'/' | b'-' | b'+' | b'.' | b'_'));
    is_plain.then_some(said)
}

fn container(start: &[u8]) -> Option<Container> {
    let at = |offset: usize, bytes: &[u8]| start.get(offset..).is_some_and(|rest| rest.starts_with(bytes));
    if at(4, b"ftyp") {
        return Some(holds(of_brand(start.get(8..12).unwrap_or_default()), FTYP));
    }
    // Two letters are too little to rule out a text; the four bytes after the size are zero in every bitmap.
    if at(0, b"BM") && at(6, b"\0\0\0\0") {
        return Some(holds("image/bmp", PICTURE));
    }
    let known = [
        (0, &b"\xFF\xD8\xFF"[..], only("image/jpeg")),
        (0, b"\x89PNG\r\n\x1A\n", only("image/png")),
        (0, b"GIF87a", only("image/gif")),
        (0, b"GIF89a", only("image/gif")),
        (8, b"WEBP", only("image/webp")),
        (0, b"II*\0", holds("image/tiff", PICTURE)),
        (0, b"MM\0*", holds("image/tiff", PICTURE)),
        (0, b"\0\0\x01\0", holds("image/x-icon", PICTURE)),
        (0, b"\0\0\0\x0CjP  \r\n\x87\n", holds("image/jp2", PICTURE)),
        (0, b"\0\0\0\x0CJXL \r\n\x87\n", only("image/jxl")),
        (0, b"8BPS\0\x01", holds("image/vnd.adobe.photoshop", &["image/", "application/"])),
        (0, b"#!AMR", holds("audio/amr", MPEG_AUDIO)),
        (0, b"ID3", holds("audio/mpeg", MPEG_AUDIO)),
        (0, b"fLaC", holds("audio/flac", MPEG_AUDIO)),
        (0, b"OggS", holds("audio/ogg", OGG)),
        (8, b"WAVE", holds("audio/wav", RIFF)),
        (8, b"AVI ", holds("video/x-msvideo", RIFF)),
        (0, b"\x1A\x45\xDF\xA3", holds("video/webm", MATROSKA)),
        (0, b"%PDF-", holds("application/pdf", &["application/illustrator", "application/vnd.adobe."])),
        (0, b"PK\x03\x04", Container { suffix: "+zip", ..holds("application/zip", ZIP) }),
        (0, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", holds("application/x-ole-storage", OLE)),
        (0, b"\x1F\x8B", holds("application/gzip", GZIP)),
    ];
    known.into_iter().find(|(offset, bytes, _)| at(*offset, bytes)).map(|(_, _, kind)| kind)
}

/// The type by the brand of an `ftyp` file.
fn of_brand(brand: &[u8]) -> &'static str {
    match brand {
        b"M4A " | b"M4B " | b"M4P " => "audio/mp4",
        b"qt  " => "video/quicktime",
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => "image/heic",
        b"mif1" | b"msf1" => "image/heif",
        b"avif" | b"avis" => "image/avif",
        b"3gp4" | b"3gp5" | b"3gp6" | b"3gp7" => "video/3gpp",
        _ => "video/mp4",
    }
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
    fn the_clients_type_stands_where_the_bytes_fit_its_container() {
        const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        for (start, said, kind) in [
            (&b"....ftypheic"[..], "image/heic", "image/heic"),
            (b"....ftypmif1", "image/heic", "image/heic"),
            (b"....ftypheic", "", "image/heic"),
            (b"....ftypheic", "text/html", "image/heic"),
            (b"....ftypavif", "application/octet-stream", "image/avif"),
            (b"....ftypisom", "audio/mp4", "audio/mp4"),
            (b"....ftypM4A ", "audio/x-m4a", "audio/x-m4a"),
            (b"....ftypM4A ", "", "audio/mp4"),
            (b"....ftyp3gp4", "audio/3gpp", "audio/3gpp"),
            (b"....ftypqt  ", "", "video/quicktime"),
            (b"....ftypisom", "image/png", "video/mp4"),
            (b"....ftypisom", "image/svg+xml", "video/mp4"),
            (b"PK\x03\x04..", DOCX, DOCX),
            (b"PK\x03\x04..", "application/epub+zip", "application/epub+zip"),
            (b"PK\x03\x04..", "application/vnd.android.package-archive", "application/vnd.android.package-archive"),
            (b"PK\x03\x04..", "application/xhtml+xml", "application/zip"),
            (b"PK\x03\x04..", "application/javascript", "application/zip"),
            (b"PK\x03\x04..", "text/html", "application/zip"),
            (b"PK\x03\x04..", "image/svg+xml", "application/zip"),
            (b"PK\x03\x04..", "", "application/zip"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "application/msword", "application/msword"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "", "application/x-ole-storage"),
            (b"OggS....", "audio/opus", "audio/opus"),
            (b"OggS....", "video/ogg", "video/ogg"),
            (b"\x1A\x45\xDF\xA3", "audio/webm", "audio/webm"),
            (b"\x1A\x45\xDF\xA3", "video/x-matroska", "video/x-matroska"),
            (b"RIFF....WAVE", "audio/x-wav", "audio/x-wav"),
            (b"RIFF....AVI ", "", "video/x-msvideo"),
            (b"ID3.", "audio/mp3", "audio/mp3"),
            (b"#!AMR-WB", "audio/amr-wb", "audio/amr-wb"),
            (b"\x1F\x8B.", "application/x-tar+gzip", "application/x-tar+gzip"),
            (b"%PDF-1.7", "text/html", "application/pdf"),
            (b"BM\x46\0\0\0\0\0\0\0", "image/x-ms-bmp", "image/x-ms-bmp"),
            (b"BM\x46\0\0\0\0\0\0\0", "", "image/bmp"),
            (b"BMW or VW?", "text/plain", "text/plain"),
            (b"II*\0\x08", "image/tiff", "image/tiff"),
            (b"II*\0\x08", "image/x-adobe-dng", "image/x-adobe-dng"),
            (b"MM\0*\0\0", "image/svg+xml", "image/tiff"),
            (b"\0\0\x01\0\x01", "image/vnd.microsoft.icon", "image/vnd.microsoft.icon"),
            (b"\0\0\0\x0CjP  \r\n\x87\n", "image/jp2", "image/jp2"),
            (b"\0\0\0\x0CJXL \r\n\x87\n", "image/jxl", "image/jxl"),
            (b"8BPS\0\x01", "application/x-photoshop", "application/x-photoshop"),
        ] {
            assert_eq!(content_type(start, said), kind, "{:?} {said}", String::from_utf8_lossy(start));
        }
    }

    #[test]
    fn what_they_do_not_tell_is_taken_from_the_client_but_for_pictures() {
        assert_eq!(content_type(b"hello", "Text/Plain"), "text/plain");
        assert_eq!(content_type(b"hello", "text/plain; format=flowed; Charset=\"UTF-8\""), "text/plain; charset=utf-8");
        assert_eq!(content_type(b"hello", "text/plain; charset=\"a\r\nb\""), "text/plain");
        assert_eq!(content_type(b"hello", "audio/x-own; charset=utf-8"), "audio/x-own");
        assert_eq!(content_type(b"<svg>", "image/svg+xml"), BINARY);
        for odd in ["", "text", "a/b/c", "text/pl ain", "text/\"x\"", "/", "text/", "/html"] {
            assert_eq!(content_type(b"hello", odd), BINARY, "{odd}");
        }
    }
}
