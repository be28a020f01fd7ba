//! The first frame of a WebP.

use image::metadata::Orientation;

use super::{
    bare::{FirstFrame, Region, orientation, take},
    profile::Profile,
};

/// Flags of the extended header.
const ANIMATED: u8 = 0x02;
const ALPHA: u8 = 0x10;
/// The decoder's memory in addition to the image: a partition that it allocates before it reads it.
const BESIDE: u64 = 16 * 1024 * 1024;
/// Bytes of the tables that the decoder builds per byte of a lossless image, at worst: a code of ten bits, which takes
/// eleven bytes to encode, has a table of four kilobytes, and the number of codes is unlimited.
const TABLES: u64 = 400;

/// `None` if it is not a WebP, or its frame is not supported.
pub(super) fn bare(webp: &[u8]) -> Option<FirstFrame> {
    let mut rest = webp.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WEBP")?;
    let (kind, data) = chunk(&mut rest)?;
    let [flags, _, _, _, dimensions @ ..] = data else {
        return None;
    };
    if kind != b"VP8X" {
        let frame = Frame { alpha: None, lossless: kind == b"VP8L", picture: data };
        let (width, height) = frame.dimensions().filter(|_| matches!(kind, b"VP8 " | b"VP8L"))?;
        return Some(frame.bare((width, height), None, Orientation::NoTransforms));
    }
    let canvas = (side(dimensions, 0)? + 1, side(dimensions, 3)? + 1);
    let (mut still, mut first, mut turned, mut profile) = (Parts::default(), None, None, None);
    while let Some((kind, data)) = chunk(&mut rest) {
        match kind {
            b"ANMF" if first.is_none() => first = Some(data),
            b"ICCP" if profile.is_none() => profile = Profile::of(data),
            b"EXIF" if turned.is_none() => turned = orientation(data),
            _ => still.take(kind, data),
        }
    }
    let (frame, place) = if flags & ANIMATED == 0 {
        (still.frame()?, Region { left: 0, top: 0, width: canvas.0, height: canvas.1 })
    } else {
        animated(first?)?
    };
    let is_inside = place.left + place.width <= canvas.0 && place.top + place.height <= canvas.1;
    // The decoder allocates by the size that the image declares.
    if frame.dimensions() != Some((place.width, place.height)) || !is_inside {
        return None;
    }
    let place = Some(place).filter(|place| (place.width, place.height) != canvas);
    let bare = frame.bare(canvas, place, turned.unwrap_or(Orientation::NoTransforms));
    Some(FirstFrame { profile, ..bare })
}

/// A frame of an animation, and its position.
fn animated(frame: &[u8]) -> Option<(Frame<'_>, Region)> {
    let mut rest = frame;
    let header = take(&mut rest, 16)?;
    let place = Region {
        left: side(header, 0)? * 2,
        top: side(header, 3)? * 2,
        width: side(header, 6)? + 1,
        height: side(header, 9)? + 1,
    };
    let mut parts = Parts::default();
    while let Some((kind, data)) = chunk(&mut rest) {
        parts.take(kind, data);
    }
    Some((parts.frame()?, place))
}

/// The next chunk's name and data. Chunks are padded to an even length.
fn chunk<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let header = take(rest, 8)?;
    let length = u32::from_le_bytes(*header[4..].first_chunk()?) as usize;
    let data = take(rest, length)?;
    if length % 2 == 1 {
        *rest = rest.get(1..).unwrap_or_default();
    }
    Some((&header[..4], data))
}

/// Three bytes.
fn side(bytes: &[u8], at: usize) -> Option<u32> {
    let [low, middle, high] = *bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes([low, middle, high, 0]))
}

/// The first of each kind of chunk that makes up a frame.
#[derive(Default)]
struct Parts<'a> {
    alpha: Option<&'a [u8]>,
    lossy: Option<&'a [u8]>,
    lossless: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn take(&mut self, kind: &[u8], data: &'a [u8]) {
        let part = match kind {
            b"ALPH" => &mut self.alpha,
            b"VP8 " => &mut self.lossy,
            b"VP8L" => &mut self.lossless,
            _ => return,
        };
        part.get_or_insert(data);
    }

    fn frame(self) -> Option<Frame<'a>> {
        match (self.lossy, self.lossless) {
            (Some(picture), None) => Some(Frame { alpha: self.alpha, lossless: false, picture }),
            (None, Some(picture)) => Some(Frame { alpha: None, lossless: true, picture }),
            _ => None,
        }
    }
}

struct Frame<'a> {
    /// The alpha channel of a lossy image.
    alpha: Option<&'a [u8]>,
    lossless: bool,
    picture: &'a [u8],
}

impl Frame<'_> {
    /// As declared by the image itself.
    fn dimensions(&self) -> Option<(u32, u32)> {
        if self.lossless {
            let dimensions = u32::from_le_bytes(*self.picture.strip_prefix(b"\x2F")?.first_chunk()?);
            return Some(((dimensions & 0x3FFF) + 1, ((dimensions >> 14) & 0x3FFF) + 1));
        }
        let [low, high, down_low, down_high] = *self.picture.get(3..)?.strip_prefix(b"\x9D\x01\x2A")?.first_chunk()?;
        let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
        Some((side(low, high), side(down_low, down_high)))
    }

    fn bare(&self, (width, height): (u32, u32), frame: Option<Region>, orientation: Orientation) -> FirstFrame {
        let (across, down) = self.dimensions().unwrap_or_default();
        let pixels = u64::from(across) * u64::from(down);
        let alpha = self.alpha.unwrap_or_default().len() as u64;
        let (of_pixel, tables) = match (self.lossless, self.alpha) {
            // The image and a copy without alpha.
            (true, _) => (8, self.picture.len() as u64 * TABLES),
            // One luma plane and two chroma planes of a quarter, then three bytes per pixel.
            (false, None) => (6, 0),
            // The alpha channel is a lossless image of its own, of which one byte per pixel is used.
            (false, Some(_)) => (12, alpha * TABLES),
        };
        // The frame is placed into the whole image.
        let laid = if frame.is_some() { u64::from(width) * u64::from(height) * 4 } else { 0 };
        let memory = pixels * of_pixel + tables + laid + self.picture.len() as u64 + BESIDE;
        FirstFrame { bytes: self.written((across, down)), width, height, frame, orientation, profile: None, memory }
    }

    /// A file with nothing else.
    fn written(&self, (width, height): (u32, u32)) -> Vec<u8> {
        let mut chunks = Vec::with_capacity(self.picture.len() + self.alpha.unwrap_or_default().len() + 64);
        if let Some(alpha) = self.alpha {
            let side = |side: u32| [side as u8, (side >> 8) as u8, (side >> 16) as u8];
            let dimensions = [side(width.saturating_sub(1)), side(height.saturating_sub(1))].concat();
            append(&mut chunks, b"VP8X", &[&[ALPHA, 0, 0, 0], &dimensions[..]].concat());
            append(&mut chunks, b"ALPH", alpha);
        }
        append(&mut chunks, if self.lossless { b"VP8L" } else { b"VP8 " }, self.picture);
        let length = (chunks.len() as u32 + 4).to_le_bytes();
        [b"RIFF", &length[..], b"WEBP", &chunks].concat()
    }
}

fn append(chunks: &mut Vec<u8>, kind: &[u8], data: &[u8]) {
    chunks.extend(kind);
    chunks.extend((data.len() as u32).to_le_bytes());
    chunks.extend(data);
    if data.len() % 2 == 1 {
        chunks.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of a lossy image of 5 by 4.
    const LOSSY: &[u8] = b"\0\0\0\x9D\x01\x2A\x05\0\x04\0rest.";
    /// The same of a lossless one: each side minus one, in 14 bits.
    const LOSSLESS: &[u8] = b"\x2F\x04\xC0\0\0x";

    fn riff(chunks: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut all = Vec::new();
        for (kind, data) in chunks {
            append(&mut all, kind, data);
        }
        [b"RIFF", &(all.len() as u32 + 4).to_le_bytes()[..], b"WEBP", &all].concat()
    }

    /// A canvas of 5 by 4.
    fn extended(flags: u8) -> [u8; 10] {
        [flags, 0, 0, 0, 4, 0, 0, 3, 0, 0]
    }

    #[test]
    fn what_is_no_picture_goes() {
        let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0";
        let header = extended(0x3C);
        let webp = riff(&[
            (b"VP8X", &header),
            (b"ICCP", b"p"),
            (b"ALPH", b"al"),
            (b"VP8 ", LOSSY),
            (b"EXIF", tiff),
            (b"XMP ", b"x"),
        ]);
        let bare = bare(&webp).unwrap();
        assert_eq!(bare.bytes, riff(&[(b"VP8X", &extended(ALPHA)), (b"ALPH", b"al"), (b"VP8 ", LOSSY)]));
        assert_eq!((bare.width, bare.height, bare.orientation), (5, 4, Orientation::Rotate180));
        for (kind, data) in [(b"VP8 ".as_slice(), LOSSY), (b"VP8L", LOSSLESS)] {
            let plain = riff(&[(kind, data)]);
            let bare = super::bare(&plain).unwrap();
            assert_eq!((bare.bytes, bare.width, bare.height), (plain, 5, 4));
        }
    }

    #[test]
    fn of_an_animation_the_first_frame_is_left_where_it_lies() {
        let mut frame = vec![1, 0, 0, 2, 0, 0, 4, 0, 0, 3, 0, 0, 0, 0, 0, 0];
        append(&mut frame, b"VP8L", LOSSLESS);
        let header = [ANIMATED, 0, 0, 0, 9, 0, 0, 9, 0, 0];
        let webp = riff(&[(b"VP8X", &header), (b"ANIM", b"123456"), (b"ANMF", &frame), (b"ANMF", &frame)]);
        let bare = bare(&webp).unwrap();
        assert_eq!(bare.bytes, riff(&[(b"VP8L", LOSSLESS)]));
        assert_eq!((bare.width, bare.height), (10, 10));
        assert_eq!(bare.frame, Some(Region { left: 2, top: 4, width: 5, height: 4 }));
    }

    #[test]
    fn a_picture_that_is_not_of_the_size_that_is_said_has_none() {
        let wider = [0, 0, 0, 0, 5, 0, 0, 3, 0, 0];
        assert_eq!(bare(&riff(&[(b"VP8X", &wider), (b"VP8 ", LOSSY)])), None);
        assert_eq!(bare(&riff(&[(b"VP8X", &extended(0))])), None);
        assert_eq!(bare(&riff(&[(b"VP8X", &extended(0)), (b"VP8 ", LOSSY), (b"VP8L", LOSSLESS)])), None);
        assert_eq!(bare(&riff(&[(b"VP8X", &extended(ANIMATED)), (b"VP8 ", LOSSY)])), None);
        let whole = riff(&[(b"VP8X", &extended(0)), (b"VP8 ", LOSSY)]);
        assert!((0..whole.len() - 1).all(|length| bare(&whole[..length]).is_none()));
    }
}
