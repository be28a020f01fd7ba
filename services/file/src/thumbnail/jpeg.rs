//! Decodes JPEG at a reduced scale, which is several times faster than decoding all of it.
//!
//! libjpeg does it, through the `mozjpeg` crate. It is C, so its input is checked first: see [`Outline`].

use std::{io, panic};

use image::{DynamicImage, GrayImage, RgbImage};
use mozjpeg::{Decompress, decompress::Format};

use super::{Fit, outline::Outline};

/// Maximum number of scans. Cameras and encoders make about ten; each costs a pass over the whole image, however few
/// bytes it has.
const MAX_SCANS: usize = 32;
/// libjpeg's memory in addition to the image: tables, and lines.
const BESIDE: u64 = 4 * 1024 * 1024;

/// The memory for decoding; `None` if it would need too many passes over the image.
pub(super) fn memory(outline: &Outline, fit: Fit) -> Option<u64> {
    let eighths = eighths(outline, fit);
    let scaled = |side: u32| u64::from(side * u32::from(eighths)).div_ceil(8);
    // Twice, since CMYK is converted into a second buffer.
    let decoded = scaled(outline.width) * scaled(outline.height) * outline.components * 2;
    // A file without an end marker is decoded twice, and compared; the bytes are copied for it.
    let decoded = if outline.is_open { decoded * 2 } else { decoded };
    (outline.scans <= MAX_SCANS).then_some(outline.held + decoded + BESIDE)
}

/// About twice the target size, so that pixels can be averaged.
pub(super) fn decode(bytes: &[u8], outline: &Outline, fit: Fit) -> Option<DynamicImage> {
    let eighths = eighths(outline, fit);
    // libjpeg reports errors by a non-local exit, for which the crate unwinds from its callback. That is sound: the C
    // is compiled with `-fexceptions` and called as `extern "C-unwind"`, and the unwinding stops here. It uses
    // `resume_unwind`, so no panic hook logs it. libjpeg's memory is freed when the decoder is dropped during
    // unwinding, and nothing of ours is shared with it except bytes that it only reads.
    const { assert!(cfg!(panic = "unwind"), "a broken picture would end the process") };
    let decoded = |bytes: &[u8]| panic::catch_unwind(|| scaled_down(bytes, eighths)).ok()?.ok()?;
    if !outline.is_open {
        return decoded(bytes);
    }
    // libjpeg fills missing data from whatever bytes follow. So an image that is only missing its end marker decodes
    // the same whatever is appended, while in a truncated one the last part differs.
    let first = decoded(&ended(bytes, &[]))?;
    let second = decoded(&ended(bytes, &FILLING.repeat(FILLINGS)))?;
    (first == second).then_some(first)
}

/// Bytes that decode differently than no bytes.
const FILLING: [u8; 4] = [0x55, 0xA3, 0x6C, 0x39];
/// How often: enough for more than a line of blocks.
const FILLINGS: usize = 4096;

/// The same, padded and with an end marker. A byte that would begin a marker is not one.
fn ended(bytes: &[u8], filling: &[u8]) -> Vec<u8> {
    let begun = bytes.strip_suffix(b"\xFF").unwrap_or(bytes);
    [begun, filling, b"\xFF\xD9"].concat()
}

/// The smallest of libjpeg's fast scales that leaves twice the target size.
fn eighths(outline: &Outline, fit: Fit) -> u8 {
    let (width, height) = fit.inside(outline.width, outline.height);
    let is_enough = |eighths: &u8| {
        let scaled = |side: u32| (side * u32::from(*eighths)).div_ceil(8);
        scaled(outline.width) >= 2 * width && scaled(outline.height) >= 2 * height
    };
    [1, 2, 4].into_iter().find(is_enough).unwrap_or(8)
}

fn scaled_down(bytes: &[u8], eighths: u8) -> io::Result<Option<DynamicImage>> {
    let mut decoder = Decompress::new_mem(bytes)?;
    decoder.scale(eighths);
    Ok(match decoder.image()? {
        Format::RGB(mut lines) => {
            let (width, height) = (lines.width() as u32, lines.height() as u32);
            RgbImage::from_raw(width, height, lines.read_scanlines()?).map(DynamicImage::ImageRgb8)
        }
        Format::Gray(mut lines) => {
            let (width, height) = (lines.width() as u32, lines.height() as u32);
            GrayImage::from_raw(width, height, lines.read_scanlines()?).map(DynamicImage::ImageLuma8)
        }
        Format::CMYK(mut lines) => {
            let (width, height) = (lines.width() as u32, lines.height() as u32);
            RgbImage::from_raw(width, height, of_cmyk(&lines.read_scanlines()?)).map(DynamicImage::ImageRgb8)
        }
    })
}

/// As Adobe writes it: inverted, 255 being no ink.
fn of_cmyk(pixels: &[[u8; 4]]) -> Vec<u8> {
    let mixed = |ink: u8, key: u8| (u16::from(ink) * u16::from(key) / 255) as u8;
    pixels
        .iter()
        .flat_map(|[cyan, magenta, yellow, key]| [mixed(*cyan, *key), mixed(*magenta, *key), mixed(*yellow, *key)])
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use mozjpeg::{ColorSpace, Compress};

    use super::{super::MAX_MEMORY, *};

    const FIT: Fit = Fit { width: 40, height: 40 };

    fn read(bytes: &[u8], fit: Fit) -> Option<DynamicImage> {
        let outline = Outline::of(bytes)?;
        memory(&outline, fit).filter(|memory| *memory <= MAX_MEMORY)?;
        decode(bytes, &outline, fit)
    }

    /// 160 by 80, all of one colour.
    fn jpeg(from: ColorSpace, pixel: &[u8], set: impl Fn(&mut Compress)) -> Vec<u8> {
        let mut compress = Compress::new(from);
        compress.set_size(160, 80);
        set(&mut compress);
        let mut started = compress.start_compress(Vec::new()).unwrap();
        started.write_scanlines(&pixel.repeat(160 * 80)).unwrap();
        started.finish().unwrap()
    }

    fn plain(compress: &mut Compress) {
        compress.set_optimize_scans(false);
    }

    /// Its size, and whether it is approximately this colour.
    #[track_caller]
    fn assert_is(jpeg: &[u8], size: (u32, u32), colour: [u8; 3]) {
        let picture = read(jpeg, FIT).unwrap();
        let picture = picture.to_rgb8();
        let got = picture.get_pixel(size.0 / 2, size.1 / 2).0;
        assert_eq!(picture.dimensions(), size);
        assert!(got.iter().zip(colour).all(|(got, expected)| got.abs_diff(expected) < 8), "{got:?}");
    }

    #[test]
    fn a_picture_is_decoded_at_twice_what_fits() {
        let jpeg = jpeg(ColorSpace::JCS_RGB, &[200, 100, 50], plain);
        assert_is(&jpeg, (80, 40), [200, 100, 50]);
        let whole = read(&jpeg, Fit { width: 100, height: 4096 }).unwrap();
        assert_eq!((whole.width(), whole.height()), (160, 80));
        let least = read(&jpeg, Fit { width: 4096, height: 5 }).unwrap();
        assert_eq!((least.width(), least.height()), (20, 10));
    }

    #[test]
    fn progressive_and_grey_pictures_are_decoded() {
        let progressive = jpeg(ColorSpace::JCS_RGB, &[200, 100, 50], Compress::set_progressive_mode);
        assert!(Outline::of(&progressive).unwrap().scans > 3);
        assert_is(&progressive, (80, 40), [200, 100, 50]);
        let grey = jpeg(ColorSpace::JCS_GRAYSCALE, &[77], plain);
        assert!(matches!(read(&grey, FIT), Some(DynamicImage::ImageLuma8(_))));
        assert_is(&grey, (80, 40), [77; 3]);
    }

    #[test]
    fn inks_become_colours() {
        // No cyan, much magenta, some yellow, a little black: stored inverted.
        for space in [ColorSpace::JCS_CMYK, ColorSpace::JCS_YCCK] {
            let inks = jpeg(ColorSpace::JCS_CMYK, &[255, 100, 180, 230], |compress| {
                plain(compress);
                compress.set_color_space(space);
            });
            assert_eq!(Outline::of(&inks).unwrap().components, 4);
            assert_is(&inks, (80, 40), [230, 90, 162]);
        }
    }

    #[test]
    fn more_scans_than_any_encoder_makes_are_refused() {
        let progressive = jpeg(ColorSpace::JCS_RGB, &[200, 100, 50], Compress::set_progressive_mode);
        let end = progressive.len() - 2;
        let last = progressive.windows(2).rposition(|window| window == b"\xFF\xDA").unwrap();
        let bomb = [&progressive[..end], &progressive[last..end].repeat(MAX_SCANS), b"\xFF\xD9"].concat();
        assert_eq!(Outline::of(&bomb).unwrap().scans, Outline::of(&progressive).unwrap().scans + MAX_SCANS);
        assert!(read(&bomb, FIT).is_none());
    }

    #[test]
    fn coefficients_that_take_too_much_are_refused() {
        let progressive = jpeg(ColorSpace::JCS_RGB, &[200, 100, 50], |compress| {
            compress.set_progressive_mode();
            compress.set_chroma_sampling_pixel_sizes((1, 1), (1, 1));
        });
        let size = progressive.windows(2).position(|window| window == b"\xFF\xC2").unwrap() + 5;
        // 49 million pixels of three samples, two bytes each.
        let bomb = [&progressive[..size], &[0x1B, 0x58, 0x1B, 0x58], &progressive[size + 4..]].concat();
        assert_eq!(Outline::of(&bomb).unwrap().held, 7000 * 7000 * 6);
        assert!(read(&bomb, FIT).is_none());
    }

    #[test]
    fn a_picture_without_an_end_marker_is_decoded_where_nothing_else_is_missing() {
        let mut compress = Compress::new(ColorSpace::JCS_RGB);
        compress.set_size(160, 80);
        plain(&mut compress);
        let mut started = compress.start_compress(Vec::new()).unwrap();
        let noise: Vec<u8> = (0..160 * 80 * 3_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        started.write_scanlines(&noise).unwrap();
        let whole = started.finish().unwrap();
        let picture = read(&whole, FIT).unwrap();
        for end in [&b""[..], b"\xFF", b"\xFF\xFF"] {
            let open = [&whole[..whole.len() - 2], end].concat();
            assert_eq!(read(&open, FIT).as_ref(), Some(&picture), "{end:?}");
        }
        assert_eq!(read(&[&whole[..], b"\xFF\xD8 a second picture"].concat(), FIT).as_ref(), Some(&picture));
        for missing in [whole.len() / 2, whole.len() / 4, 200, 40] {
            assert_eq!(read(&whole[..whole.len() - missing], FIT), None, "{missing}");
        }
    }

    #[test]
    fn a_broken_picture_ends_nothing_and_logs_nothing() {
        let panicked = Arc::new(AtomicBool::new(false));
        let (before, seen) = (panic::take_hook(), Arc::clone(&panicked));
        let this = std::thread::current().id();
        panic::set_hook(Box::new(move |info| {
            seen.fetch_or(std::thread::current().id() == this, Ordering::Relaxed);
            before(info);
        }));
        let mut refused = 0;
        for set in [plain, Compress::set_progressive_mode] {
            let whole = jpeg(ColorSpace::JCS_RGB, &[200, 100, 50], set);
            for at in 2..whole.len() {
                for value in [0, 1, 0x7F, 0xC4, 0xD9, 0xFF] {
                    let mut broken = whole.clone();
                    broken[at] = value;
                    refused += usize::from(read(&broken, FIT).is_none());
                }
            }
        }
        assert!(refused > 100, "{refused}");
        assert!(!panicked.load(Ordering::Relaxed));
    }
}
