//! The structure of a JPEG: its size, its scans, its orientation.
//!
//! Walks the markers as libjpeg does, so that both see the same scans. What libjpeg cannot read, and what ends before
//! its first scan, has no outline. If the end marker is missing, decoding shows whether bytes are missing.

use std::io::BufRead as _;

use image::metadata::Orientation;

use super::profile::{Parts, Profile};

const START: &[u8] = b"\xFF\xD8";
const END: u8 = 0xD9;
const PROGRESSIVE: u8 = 0xC2;
const HUFFMAN_TABLES: u8 = 0xC4;
const SCAN: u8 = 0xDA;
const RESTART_INTERVAL: u8 = 0xDD;
const EXIF: u8 = 0xE1;
const PROFILE: u8 = 0xE2;
const COMMENT: u8 = 0xFE;
/// Bytes of one block's 64 coefficients.
const BLOCK: u64 = 128;

/// A JPEG before it is decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) width: u32,
    pub(super) height: u32,
    /// 1: grey, 3: colour, 4: CMYK.
    pub(super) components: u64,
    /// Each is a pass over the whole image.
    pub(super) scans: usize,
    /// Bytes of coefficients that are held until the last scan was read.
    pub(super) held: u64,
    pub(super) orientation: Orientation,
    pub(super) profile: Option<Profile>,
    /// It has no end marker: a camera left it out, or bytes are missing, which decoding shows.
    pub(super) is_open: bool,
}

impl Outline {
    /// `None` if it is not a supported JPEG, or ends before its first scan or in the head of another.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(START)?;
        let (mut frame, mut scans, mut in_first_scan, mut orientation) = (None, 0, 0, None);
        let (mut is_open, mut profile) = (false, Parts::default());
        loop {
            let Some(marker) = next_marker(&mut rest) else {
                is_open = true;
                break;
            };
            match marker {
                END => break,
                // Markers without a length: a restart, and one of no meaning.
                0xD0..=0xD7 | 0x01 => continue,
                0xC0..=0xC2 | HUFFMAN_TABLES | SCAN..=RESTART_INTERVAL | 0xE0..=0xEF | COMMENT => {}
                _ => return None,
            }
            let segment = next_segment(&mut rest)?;
            match marker {
                0xC0..=0xC2 if frame.is_some() => return None,
                0xC0..=0xC2 => frame = Some(Frame::of(marker, segment)?),
                SCAN => {
                    scans += 1;
                    if scans == 1 {
                        in_first_scan = usize::from(*segment.first()?);
                    }
                }
                EXIF if orientation.is_none() => orientation = held(segment),
                PROFILE => profile.take(segment),
                _ => {}
            }
        }
        let frame = frame.filter(|_| scans > 0)?;
        // Otherwise a block is finished once it is read.
        let is_held = frame.is_progressive || in_first_scan < frame.sampling.len();
        Some(Self {
            width: frame.width,
            height: frame.height,
            components: frame.sampling.len() as u64,
            scans,
            held: if is_held { frame.coefficients() } else { 0 },
            orientation: orientation.unwrap_or(Orientation::NoTransforms),
            profile: profile.profile(),
            is_open,
        })
    }
}

/// Width, height, and orientation of any JPEG, also of one that has no [`Outline`].
pub(super) fn dimensions(bytes: &[u8]) -> Option<(u32, u32, Orientation)> {
    let mut rest = bytes.strip_prefix(START)?;
    let mut orientation = None;
    loop {
        let marker = next_marker(&mut rest)?;
        match marker {
            END | SCAN => return None,
            0xD0..=0xD7 | 0x01 => continue,
            _ => {}
        }
        let segment = next_segment(&mut rest)?;
        match marker {
            HUFFMAN_TABLES | 0xC8 | 0xCC => {}
            0xC0..=0xCF => {
                let [_, height_high, height_low, width_high, width_low, ..] = *segment else {
                    return None;
                };
                let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
                let (width, height) = (side(width_high, width_low), side(height_high, height_low));
                return Some((width, height, orientation.unwrap_or(Orientation::NoTransforms)));
            }
            EXIF if orientation.is_none() => orientation = held(segment),
            _ => {}
        }
    }
}

fn held(segment: &[u8]) -> Option<Orientation> {
    segment.strip_prefix(b"Exif\0\0").and_then(Orientation::from_exif_chunk)
}

/// The content of the segment before the scans.
struct Frame {
    is_progressive: bool,
    width: u32,
    height: u32,
    /// Sampling factors of each component, horizontal and vertical.
    sampling: Vec<(u8, u8)>,
}

impl Frame {
    fn of(marker: u8, segment: &[u8]) -> Option<Self> {
        let [8, height_high, height_low, width_high, width_low, count, components @ ..] = segment else {
            return None;
        };
        let (components, []) = components.as_chunks::<3>() else {
            return None;
        };
        if components.len() != usize::from(*count) || !matches!(count, 1 | 3 | 4) {
            return None;
        }
        let sampling: Vec<_> = components.iter().map(|[_, sampling, _]| (sampling >> 4, sampling & 15)).collect();
        if sampling.iter().any(|(across, down)| !(1..=4).contains(across) || !(1..=4).contains(down)) {
            return None;
        }
        Some(Self {
            is_progressive: marker == PROGRESSIVE,
            width: u16::from_be_bytes([*width_high, *width_low]).into(),
            height: u16::from_be_bytes([*height_high, *height_low]).into(),
            sampling,
        })
    }

    fn coefficients(&self) -> u64 {
        let most_across = self.sampling.iter().map(|(across, _)| *across).max().unwrap_or(1);
        let most_down = self.sampling.iter().map(|(_, down)| *down).max().unwrap_or(1);
        let units = |pixels: u32, most: u8| u64::from(pixels).div_ceil(8 * u64::from(most));
        let blocks = self.sampling.iter().map(|(across, down)| u64::from(*across) * u64::from(*down)).sum::<u64>();
        units(self.width, most_across) * units(self.height, most_down) * blocks * BLOCK
    }
}

/// Skips all before it: padding, stuffed bytes, and the bytes of a scan.
fn next_marker(rest: &mut &[u8]) -> Option<u8> {
    loop {
        rest.skip_until(0xFF).ok()?;
        while let Some(after) = rest.strip_prefix(b"\xFF") {
            *rest = after;
        }
        let (marker, after) = rest.split_first()?;
        *rest = after;
        if *marker != 0 {
            return Some(*marker);
        }
    }
}

/// The segment after a marker, without its length.
fn next_segment<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes(*length)).checked_sub(2)?;
    let (segment, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
        [&[0xFF, marker], &((body.len() + 2) as u16).to_be_bytes()[..], body].concat()
    }

    /// A 640 by 480 image, with chroma at half the resolution.
    fn jpeg(kind: u8, scans: usize) -> Vec<u8> {
        let frame = segment(kind, &[8, 1, 0xE0, 2, 0x80, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
        let scan = [segment(SCAN, &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]), b"\x12\xFF\0\x34\xFF\xD0\x56".to_vec()].concat();
        [START, &frame, &scan.repeat(scans), &[0xFF, END], b"a trailer"].concat()
    }

    #[test]
    fn it_tells_the_size_and_the_scans() {
        let outline = Outline {
            width: 640,
            height: 480,
            components: 3,
            scans: 1,
            held: 0,
            orientation: Orientation::NoTransforms,
            profile: None,
            is_open: false,
        };
        assert_eq!(Outline::of(&jpeg(0xC0, 1)), Some(outline));
        let progressive = Outline::of(&jpeg(PROGRESSIVE, 7)).unwrap();
        // Two bytes for each of one and a half samples a pixel.
        assert_eq!((progressive.scans, progressive.held), (7, 640 * 480 * 3));
    }

    #[test]
    fn a_picture_is_open_until_its_end_marker_and_has_none_before_its_scan() {
        let whole = jpeg(0xC0, 1);
        let end = whole.len() - "a trailer".len();
        let scan = whole.windows(2).position(|window| window == [0xFF, SCAN]).unwrap() + 14;
        let is_open = |length: usize| Outline::of(&whole[..length]).map(|outline| outline.is_open);
        assert!((0..scan).all(|length| is_open(length).is_none()));
        assert!((scan..end).all(|length| is_open(length) == Some(true)));
        assert!((end..=whole.len()).all(|length| is_open(length) == Some(false)));
    }

    #[test]
    fn kinds_that_are_not_decoded_have_none() {
        // Lossless, arithmetic coding, and a marker of no meaning.
        for kind in [0xC3, 0xC9, 0xCA, 0xF0, 0x02] {
            assert_eq!(Outline::of(&jpeg(kind, 1)), None, "{kind:x}");
        }
        assert_eq!(Outline::of(&jpeg(0xC0, 0)), None);
    }
}
