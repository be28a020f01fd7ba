//! The first frame of a GIF.

use image::metadata::Orientation;

use super::bare::{FirstFrame, take};

const EXTENSION: u8 = 0x21;
/// The extension with the transparent colour.
const CONTROL: u8 = 0xF9;
const FRAME: u8 = 0x2C;
const END: u8 = 0x3B;
/// The decoder's memory in addition to the image: its dictionary, and lines.
const BESIDE: u64 = 1024 * 1024;
/// Bytes per decoded pixel.
const PIXEL: u64 = 4;

/// `None` if it is not a GIF, or has no frame.
pub(super) fn bare(gif: &[u8]) -> Option<FirstFrame> {
    let mut rest = gif;
    let signature = take(&mut rest, 6).filter(|signature| matches!(*signature, b"GIF87a" | b"GIF89a"))?;
    let screen = take(&mut rest, 7)?;
    let palette = take(&mut rest, palette(screen[4]))?;
    let (width, height) = (side(screen, 0)?, side(screen, 2)?);
    let mut bytes = [signature, screen, palette].concat();
    let mut control: &[u8] = b"";
    loop {
        let start = rest;
        match take(&mut rest, 1)?[0] {
            EXTENSION => {
                let label = take(&mut rest, 1)?[0];
                blocks(&mut rest)?;
                if label == CONTROL {
                    control = &start[..start.len() - rest.len()];
                }
            }
            FRAME => {
                let place = take(&mut rest, 9)?;
                let (frame_width, frame_height) = (side(place, 4)?, side(place, 6)?);
                // Its own palette, and the initial code size.
                take(&mut rest, self::palette(place[8]) + 1)?;
                // A missing end is detected by the decoder.
                let frame = if blocks(&mut rest).is_some() { &start[..start.len() - rest.len()] } else { start };
                bytes.extend([control, frame, &[END]].concat());
                let pixels = u64::from(width) * u64::from(height) + u64::from(frame_width) * u64::from(frame_height);
                return Some(FirstFrame {
                    bytes,
                    width,
                    height,
                    frame: None,
                    orientation: Orientation::NoTransforms,
                    profile: None,
                    memory: pixels * PIXEL + BESIDE,
                });
            }
            _ => return None,
        }
    }
}

/// Bytes of the palette described by these flags.
const fn palette(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn side(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?).into())
}

/// Skips blocks up to the empty one; `None` if there is none.
fn blocks(rest: &mut &[u8]) -> Option<()> {
    loop {
        let length = take(rest, 1)?[0];
        if length == 0 {
            return Some(());
        }
        take(rest, length.into())?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: &[u8] = b"GIF89a\x03\0\x02\0\x80\0\0rgbRGB";
    const CONTROLLED: &[u8] = b"\x21\xF9\x04\x01\0\0\x01\0";
    const PICTURE: &[u8] = b"\x2C\0\0\0\0\x03\0\x02\0\0\x02\x02ab\0";

    #[test]
    fn the_first_frame_is_left() {
        let comment = [b"\x21\xFE".as_slice(), &b"\x05hello".repeat(3), b"\0"].concat();
        let profile = b"\x21\xFF\x0BICCRGBG1012\x02xx\0";
        let gif =
            [SCREEN, &comment, profile, CONTROLLED, &comment, PICTURE, &comment, CONTROLLED, PICTURE, &[END]].concat();
        let bare = bare(&gif).unwrap();
        assert_eq!(bare.bytes, [SCREEN, CONTROLLED, PICTURE, &[END]].concat());
        assert_eq!((bare.width, bare.height), (3, 2));
    }

    #[test]
    fn a_frame_that_is_larger_than_the_screen_counts() {
        let gif = [SCREEN, b"\x2C\0\0\0\0\xFF\xFF\xFF\xFF\0\x02\x02ab\0"].concat();
        assert!(bare(&gif).unwrap().memory > 65_535 * 65_535 * 4);
    }

    #[test]
    fn without_a_frame_there_is_none() {
        assert_eq!(bare(&[SCREEN, &[END]].concat()), None);
        assert_eq!(bare(&[SCREEN, b"\x21\xFE\x05hel"].concat()), None);
        assert_eq!(bare(b"GIF90a"), None);
        assert!((0..SCREEN.len() + 10).all(|length| bare(&[SCREEN, PICTURE].concat()[..length]).is_none()));
    }
}
