//! An image without its metadata.
//!
//! Decoders unpack and keep what stands beside a picture: profiles, texts, thumbnails, further frames. It is nothing to
//! a thumbnail, and a few bytes of it unpack to as much as one likes. So no decoder gets to see it: each format is read
//! from part to part here, and what makes up its first frame is put together anew. How the camera was held, and what its
//! colours are, is read on the way.

use image::metadata::Orientation;

use super::profile::Profile;

/// The first frame of a picture, as a file of its format, and what decoding it will take.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bare {
    pub(super) bytes: Vec<u8>,
    /// Of the whole image, in pixels.
    pub(super) width: u32,
    pub(super) height: u32,
    /// The frame's area within the image, if it does not fill it.
    pub(super) frame: Option<Region>,
    pub(super) orientation: Orientation,
    pub(super) profile: Option<Profile>,
    /// Bytes that the decoder holds at most, its result among them.
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
