//! Smaller pictures: inside a box, upright, without metadata (agora.md 3.2, decision 20).
//!
//! Sizes are looked at before anything is decoded, so a picture that unpacks to too much has no thumbnail. What is decoded
//! is made smaller first and turned upright then, so that only little is turned.

mod jpeg;
mod outline;

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits, codecs::jpeg::JpegEncoder, imageops::FilterType,
    metadata::Orientation,
};
use tidings_domain::Error;

/// Most pixels of a picture that gets a thumbnail.
const MAX_PIXELS: u64 = 50_000_000;
/// Most memory that making one may take, beside the file.
const MAX_MEMORY: u64 = 256 * 1024 * 1024;
/// Bytes of a pixel between the two passes of a resize, whatever the picture is made of: four floats.
const BETWEEN: u64 = 16;
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

    /// The box for a picture that is yet to be turned.
    const fn before(self, orientation: Orientation) -> Self {
        if lies(orientation) { Self { width: self.height, height: self.width } } else { self }
    }

    /// The size of a picture inside the box: never larger, and of the same ratio.
    fn inside(self, width: u32, height: u32) -> (u32, u32) {
        let ratio = f64::min(f64::from(self.width) / f64::from(width), f64::from(self.height) / f64::from(height));
        if ratio >= 1.0 {
            return (width, height);
        }
        let side = |side: u32| ((f64::from(side) * ratio).round() as u32).max(1);
        (side(width), side(height))
    }
}

/// Whether a picture lies on its side until it is turned.
const fn lies(orientation: Orientation) -> bool {
    match orientation {
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH => {
            true
        }
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => false,
    }
}

/// Width and height of a picture as it is looked at; nothing is decoded.
pub(crate) fn sides(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut decoder = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let lies = lies(decoder.orientation().unwrap_or(Orientation::NoTransforms));
    Some(if lies { (height, width) } else { (width, height) })
}

/// A thumbnail and its type; `None` where the picture is none that we read, or too large to unpack.
pub(crate) fn thumbnail(bytes: &[u8], content_type: &str, fit: Fit) -> Option<(Vec<u8>, &'static str)> {
    let (picture, orientation) = match content_type {
        "image/jpeg" => jpeg::decode(bytes, fit)?,
        "image/png" => decode(bytes, ImageFormat::Png, MAX_MEMORY)?,
        "image/gif" => decode(bytes, ImageFormat::Gif, MAX_MEMORY)?,
        "image/webp" => decode(bytes, ImageFormat::WebP, MAX_MEMORY)?,
        _ => return None,
    };
    let mut picture = shrunk(picture, fit.before(orientation));
    picture.apply_orientation(orientation);
    written(&picture).ok()
}

fn decode(bytes: &[u8], format: ImageFormat, memory: u64) -> Option<(DynamicImage, Orientation)> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(memory);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return None;
    }
    // The decoder has what the picture itself leaves.
    limits.reserve(decoder.total_bytes()).ok()?;
    decoder.set_limits(limits).ok()?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Some((DynamicImage::from_decoder(decoder).ok()?, orientation))
}

/// The picture inside the box.
fn shrunk(picture: DynamicImage, fit: Fit) -> DynamicImage {
    let (width, height) = (picture.width(), picture.height());
    let wanted = fit.inside(width, height);
    if wanted == (width, height) {
        return picture;
    }
    let step = step((width, height), wanted, picture.color().bytes_per_pixel());
    // Averages whole pixels, with no memory beside the two pictures.
    let picture = if step == (width, height) { picture } else { picture.thumbnail_exact(step.0, step.1) };
    if step == wanted { picture } else { picture.resize_exact(wanted.0, wanted.1, FilterType::Triangle) }
}

/// The largest size on the way that can be resized to the wanted one within the memory.
fn step(size: (u32, u32), wanted: (u32, u32), bytes_per_pixel: u8) -> (u32, u32) {
    let mut parts = 1;
    loop {
        let width = size.0.div_ceil(parts).max(wanted.0);
        let height = size.1.div_ceil(parts).max(wanted.1);
        let (across, down) = (u64::from(width), u64::from(height));
        let memory = across * down * u64::from(bytes_per_pixel) + across * u64::from(wanted.1) * BETWEEN;
        if (width, height) == wanted || memory <= MAX_MEMORY {
            return (width, height);
        }
        parts *= 2;
    }
}

/// PNG where something shines through, else JPEG.
fn written(picture: &DynamicImage) -> Result<(Vec<u8>, &'static str), Error> {
    let mut bytes = Vec::new();
    if picture.color().has_alpha() {
        picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).map_err(Error::internal)?;
        return Ok((bytes, "image/png"));
    }
    let plain = DynamicImage::ImageRgb8(picture.to_rgb8());
    plain.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY)).map_err(Error::internal)?;
    Ok((bytes, "image/jpeg"))
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, RgbImage, Rgba, RgbaImage};

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
        DynamicImage::ImageRgba8(glass).write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
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

    #[test]
    fn what_a_pixel_takes_counts_too() {
        let mut png = Vec::new();
        let deep = DynamicImage::new_rgba16(100, 100);
        deep.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
        assert!(decode(&png, ImageFormat::Png, 200_000).is_some());
        assert!(decode(&png, ImageFormat::Png, 79_999).is_none());
    }

    #[test]
    fn a_line_of_millions_of_pixels_shrinks_within_the_memory() {
        let width = step((50_000_000, 1), (4096, 1), 4).0;
        assert_eq!(width, 12_500_000);
        let line = DynamicImage::ImageLuma8(GrayImage::from_pixel(20_000_000, 1, Luma([90])));
        let small = shrunk(line, Fit { width: 300, height: 300 });
        assert_eq!((small.width(), small.height()), (300, 1));
        assert!(small.to_luma8().pixels().all(|pixel| pixel.0 == [90]));
    }

    #[test]
    fn a_resize_takes_a_step_where_it_would_take_too_much() {
        assert_eq!(step((800, 400), (170, 85), 3), (800, 400));
        assert_eq!(step((6000, 3000), (2048, 1024), 3), (6000, 3000));
        assert_eq!(step((8000, 6000), (4096, 3072), 3), (4096, 3072));
        assert_eq!(step((10_000, 5000), (2000, 1000), 4), (5000, 2500));
        assert_eq!(step((5000, 5000), (4096, 4096), 4), (4096, 4096));
        for (size, wanted) in [((50_000_000, 1), (1, 1)), ((1, 50_000_000), (1, 4096)), ((7071, 7071), (4096, 4096))] {
            let (width, height) = step(size, wanted, 8);
            let memory = width * height * 8 + width * wanted.1 * 16;
            assert!((width, height) == wanted || u64::from(memory) <= MAX_MEMORY);
        }
    }
}
