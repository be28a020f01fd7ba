//! An image without its metadata.
//!
//! Decoders unpack and keep what accompanies an image: profiles, texts, thumbnails, further frames. Thumbnails need
//! none of it, and a few bytes of it can unpack to any size. So no decoder gets to see it: each format is parsed here,
//! and its first frame is written as a new file. The orientation and the colour profile are read on the way.

use image::metadata::Orientation;

use super::profile::Profile;

/// The first frame of an image, as a file of its format, and the memory for decoding it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FirstFrame {
    pub(super) bytes: Vec<u8>,
    /// Of the whole image, in pixels.
    pub(super) width: u32,
    pub(super) height: u32,
    /// The frame's area within the image, if it does not fill it.
    pub(super) frame: Option<Region>,
    pub(super) orientation: Orientation,
    pub(super) profile: Option<Profile>,
    /// Maximum bytes that the decoder holds, including its result.
    pub(super) memory: u64,
}

/// An area of an image, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Consumes the first bytes.
pub(super) fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

/// The orientation in an EXIF block; some writers prefix it with its name.
pub(super) fn orientation(exif: &[u8]) -> Option<Orientation> {
    Orientation::from_exif_chunk(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif))
}
