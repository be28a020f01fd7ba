//! Smaller pictures: inside a box, upright, without metadata (agora.md 3.2, decision 20).
//!
//! JPEG is decoded at a reduced scale, which is several times faster than decoding all of it. Sizes are looked at before
//! anything is decoded, so a picture that unpacks to too much has no thumbnail.

use std::io::Cursor;

use image::{
    DynamicImage, GrayImage, ImageDecoder as _, ImageReader, Limits, RgbImage, codecs::jpeg::JpegEncoder,
    imageops::FilterType, metadata::Orientation,
};
use jpeg_decoder::PixelFormat;
use tidings_domain::Error;

/// Most pixels of a picture that gets a thumbnail.
const MAX_PIXELS: u64 = 50_000_000;
/// Most memory that decoding one may take.
const MAX_MEMORY: u64 = 256 * 1024 * 1024;
/// How much of a JPEG's detail is kept.
const QUALITY: u8 = 80;

/// The box that a thumbnail must fit into, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fit {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Fit {
    /// agora.md 3.1
    pub(crate) const DEFAULT: Self = Self { width: 170, height: 170 };
}

/// A thumbnail and its type; `None` where the picture is none that we read, or too large to unpack.
pub(crate) fn thumbnail(bytes: &[u8], content_type: &str, fit: Fit) -> Option<(Vec<u8>, &'static str)> {
    let picture = match content_type {
        "image/jpeg" => jpeg(bytes, fit)?,
        "image/png" | "image/gif" | "image/webp" => other(bytes)?,
        _ => return None,
    };
    let smaller = picture.width() > fit.width || picture.height() > fit.height;
    let picture = if smaller { picture.resize(fit.width, fit.height, FilterType::Triangle) } else { picture };
    written(&picture).ok()
}

fn jpeg(bytes: &[u8], fit: Fit) -> Option<DynamicImage> {
    let mut decoder = jpeg_decoder::Decoder::new(Cursor::new(bytes));
    decoder.set_max_decoding_buffer_size(MAX_MEMORY as usize);
    decoder.read_info().ok()?;
    let info = decoder.info()?;
    if u64::from(info.width) * u64::from(info.height) > MAX_PIXELS {
        return None;
    }
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    // Twice the box, so that there is something to average; either side, since the picture may lie on its side.
    let longest = u16::try_from((fit.width.max(fit.height) * 2).min(65_000)).ok()?;
    let (width, height) = decoder.scale(longest, longest).ok()?;
    let pixels = decoder.decode().ok()?;
    let (width, height) = (u32::from(width), u32::from(height));
    let mut picture = match info.pixel_format {
        PixelFormat::L8 => DynamicImage::ImageLuma8(GrayImage::from_raw(width, height, pixels)?),
        PixelFormat::RGB24 => DynamicImage::ImageRgb8(RgbImage::from_raw(width, height, pixels)?),
        PixelFormat::CMYK32 => DynamicImage::ImageRgb8(RgbImage::from_raw(width, height, of_cmyk(&pixels))?),
        PixelFormat::L16 => return None,
    };
    picture.apply_orientation(orientation);
    Some(picture)
}

/// As Adobe writes it: inverted.
fn of_cmyk(pixels: &[u8]) -> Vec<u8> {
    let mixed = |ink: u8, key: u8| (u16::from(ink) * u16::from(key) / 255) as u8;
    pixels
        .as_chunks::<4>()
        .0
        .iter()
        .flat_map(|[cyan, magenta, yellow, key]| [mixed(*cyan, *key), mixed(*magenta, *key), mixed(*yellow, *key)])
        .collect()
}

fn other(bytes: &[u8]) -> Option<DynamicImage> {
    let reader = || ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok();
    let (width, height) = reader()?.into_dimensions().ok()?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return None;
    }
    let mut limited = reader()?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_MEMORY);
    limited.limits(limits);
    let mut decoder = limited.into_decoder().ok()?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).ok()?;
    picture.apply_orientation(orientation);
    Some(picture)
}

/// Width and height of a picture as it is looked at; nothing is decoded.
pub(crate) fn sides(bytes: &[u8]) -> Option<(u32, u32)> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let on_its_side = matches!(
        decoder.orientation().unwrap_or(Orientation::NoTransforms),
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    Some(if on_its_side { (height, width) } else { (width, height) })
}

/// PNG where something shines through, else JPEG.
fn written(picture: &DynamicImage) -> Result<(Vec<u8>, &'static str), Error> {
    let mut bytes = Vec::new();
    if picture.color().has_alpha() {
        picture.write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).map_err(Error::internal)?;
        return Ok((bytes, "image/png"));
    }
    let plain = DynamicImage::ImageRgb8(picture.to_rgb8());
    plain.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY)).map_err(Error::internal)?;
    Ok((bytes, "image/jpeg"))
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage};

    use super::*;

    /// A picture whose left half is red.
    fn half_red(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(
            width,
            height,
            |x, _| if x < width / 2 { image::Rgb([255, 0, 0]) } else { image::Rgb([0, 0, 255]) },
        )
    }

    fn jpeg_of(picture: &RgbImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 90)).unwrap();
        bytes
    }

    /// The same bytes with an EXIF block that says how the camera was held.
    fn held(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let tiff =
            [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(), &[orientation, 0, 0, 0, 0, 0, 0, 0]].concat();
        let exif = [b"Exif\0\0".as_slice(), &tiff].concat();
        let length = ((exif.len() + 2) as u16).to_be_bytes();
        [&jpeg[..2], b"\xFF\xE1", &length, &exif, &jpeg[2..]].concat()
    }

    fn decoded(bytes: &[u8]) -> RgbImage {
        image::load_from_memory(bytes).unwrap().to_rgb8()
    }

    #[test]
    fn a_thumbnail_fits_inside_the_box_and_keeps_the_ratio_decision_20() {
        let (bytes, kind) = thumbnail(&jpeg_of(&half_red(800, 400)), "image/jpeg", Fit::DEFAULT).unwrap();
        let picture = decoded(&bytes);
        assert_eq!((picture.dimensions(), kind), ((170, 85), "image/jpeg"));
        assert!(picture.get_pixel(10, 40)[0] > 200 && picture.get_pixel(160, 40)[2] > 200);
    }

    #[test]
    fn a_small_picture_is_never_enlarged() {
        let (bytes, _) = thumbnail(&jpeg_of(&half_red(100, 60)), "image/jpeg", Fit::DEFAULT).unwrap();
        assert_eq!(decoded(&bytes).dimensions(), (100, 60));
    }

    #[test]
    fn a_picture_is_turned_upright_and_loses_its_metadata() {
        let (bytes, _) = thumbnail(&held(&jpeg_of(&half_red(800, 400)), 6), "image/jpeg", Fit::DEFAULT).unwrap();
        let picture = decoded(&bytes);
        assert_eq!(picture.dimensions(), (85, 170));
        assert!(picture.get_pixel(40, 10)[0] > 200 && picture.get_pixel(40, 160)[2] > 200);
        assert!(!bytes.windows(4).any(|window| window == b"Exif"));
    }

    #[test]
    fn what_shines_through_stays_so() {
        let glass = RgbaImage::from_pixel(400, 400, Rgba([0, 255, 0, 100]));
        let mut png = Vec::new();
        DynamicImage::ImageRgba8(glass).write_to(&mut Cursor::new(&mut png), image::ImageFormat::Png).unwrap();
        let (bytes, kind) = thumbnail(&png, "image/png", Fit { width: 50, height: 20 }).unwrap();
        let picture = image::load_from_memory(&bytes).unwrap().to_rgba8();
        assert_eq!((picture.dimensions(), kind, picture.get_pixel(3, 3)[3]), ((20, 20), "image/png", 100));
    }

    #[test]
    fn a_picture_that_unpacks_to_too_much_has_none() {
        // A PNG header that promises ten thousand million pixels.
        let mut png = b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR\0\x01\x86\xA0\0\x01\x86\xA0\x08\x02\0\0\0".to_vec();
        png.extend([0; 64]);
        assert_eq!(thumbnail(&png, "image/png", Fit::DEFAULT), None);
        assert_eq!(thumbnail(b"no picture", "image/jpeg", Fit::DEFAULT), None);
        assert_eq!(thumbnail(b"\xFF\xD8\xFF", "image/jpeg", Fit::DEFAULT), None);
    }
}
