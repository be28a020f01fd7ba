//! Thumbnails: inside a box, upright, with the image's colour profile, without other metadata (agora.md 3.2, decision
//! 20).
//!
//! An image is inspected first: metadata is removed, and the memory for decoding is known before anything is decoded.
//! The decoded image is first scaled down and then rotated, so that only little is rotated.

mod bare;
#[cfg(test)]
mod bombs;
mod gif;
mod jpeg;
mod outline;
mod png;
mod profile;
mod turns;
mod webp;

use std::io::Cursor;

use bytes::Bytes;
use image::{
    DynamicImage, ImageDecoder as _, ImageEncoder as _, ImageFormat, ImageReader, Limits, LumaA, Rgba,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
    imageops::{self, FilterType},
    metadata::Orientation,
};
use tidings_domain::Error;

pub(crate) use self::turns::Turns;
use self::{
    bare::{FirstFrame, Region},
    outline::Outline,
    profile::Profile,
};

/// Maximum pixels of an image that gets a thumbnail.
const MAX_PIXELS: u64 = 48_000_000;
/// Maximum memory for making a thumbnail, not counting the file and a copy of it. The caller gets the amount from
/// [`Picture::memory`] and shares this among all concurrent ones.
pub(crate) const MAX_MEMORY: u64 = 192 * 1024 * 1024;
/// Bytes per pixel between the two passes of a resize, in every colour format: four floats.
const BETWEEN: u64 = 16;
/// The memory for finishing the small image, as a multiple of its size, once the large one is freed: rotated,
/// flattened, and encoded.
const COPIES: u64 = 4;
/// The JPEG quality.
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

    /// The box for an image before rotation.
    const fn before(self, orientation: Orientation) -> Self {
        if lies(orientation) { Self { width: self.height, height: self.width } } else { self }
    }

    /// The size of an image scaled to the box: never enlarged, with the same aspect ratio.
    fn inside(self, width: u32, height: u32) -> (u32, u32) {
        let ratio = f64::min(f64::from(self.width) / f64::from(width), f64::from(self.height) / f64::from(height));
        if ratio >= 1.0 {
            return (width, height);
        }
        let side = |side: u32| ((f64::from(side) * ratio).round() as u32).max(1);
        (side(width), side(height))
    }
}

/// Whether rotation swaps width and height.
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

/// An inspected image, not decoded yet.
#[derive(Debug)]
pub(crate) struct Picture {
    kind: Kind,
    width: u32,
    height: u32,
    orientation: Orientation,
    profile: Option<Profile>,
}

#[derive(Debug)]
enum Kind {
    /// `None`: it is broken, or has an unsupported format, but a known size.
    Jpeg(Bytes, Option<Outline>),
    Other(ImageFormat, FirstFrame),
}

impl Picture {
    /// `None` if it has no supported format.
    pub(crate) fn of(bytes: &Bytes, content_type: &str) -> Option<Self> {
        let (format, mut bare) = match content_type {
            "image/jpeg" => {
                let mut outline = Outline::of(bytes);
                let profile = outline.as_mut().and_then(|outline| outline.profile.take());
                let described = outline.as_ref().map(|outline| (outline.width, outline.height, outline.orientation));
                let (width, height, orientation) = described.or_else(|| outline::dimensions(bytes))?;
                return Some(Self { kind: Kind::Jpeg(bytes.clone(), outline), width, height, orientation, profile });
            }
            "image/png" => (ImageFormat::Png, png::bare(bytes)?),
            "image/gif" => (ImageFormat::Gif, gif::bare(bytes)?),
            "image/webp" => (ImageFormat::WebP, webp::bare(bytes)?),
            _ => return None,
        };
        let profile = bare.profile.take();
        let FirstFrame { width, height, orientation, .. } = bare;
        Some(Self { kind: Kind::Other(format, bare), width, height, orientation, profile })
    }

    /// Width and height as displayed.
    pub(crate) const fn dimensions(&self) -> (u32, u32) {
        if lies(self.orientation) { (self.height, self.width) } else { (self.width, self.height) }
    }

    /// Maximum bytes for making a thumbnail; `None` if it gets none, because it is broken or too large to unpack.
    pub(crate) fn memory(&self, fit: Fit) -> Option<u64> {
        let pixels = u64::from(self.width) * u64::from(self.height);
        if pixels == 0 || pixels > MAX_PIXELS {
            return None;
        }
        let fit = self.affordable(fit);
        let decoding = match &self.kind {
            Kind::Jpeg(_, outline) => jpeg::memory(outline.as_ref()?, fit)?,
            Kind::Other(_, bare) => bare.memory,
        };
        let (_, small_height) = fit.inside(self.width, self.height);
        let least = decoding + self.small(fit) * COPIES;
        let between = u64::from(self.width) * u64::from(small_height) * BETWEEN;
        // A resize is done in steps if it would take more.
        (least <= MAX_MEMORY).then(|| (least + between).min(MAX_MEMORY))
    }

    /// A thumbnail and its type.
    pub(crate) fn thumbnail(&self, fit: Fit) -> Option<(Vec<u8>, &'static str)> {
        self.memory(fit)?;
        let fit = self.affordable(fit);
        let picture = match &self.kind {
            Kind::Jpeg(bytes, outline) => jpeg::decode(bytes, outline.as_ref()?, fit)?,
            Kind::Other(format, bare) => decode(bare, *format)?,
        };
        let mut picture = shrunk(picture, fit);
        picture.apply_orientation(self.orientation);
        written(&picture, self.profile.as_ref()).ok()
    }

    /// The box for the image before rotation; a smaller one if a thumbnail of that size would take too much.
    fn affordable(&self, fit: Fit) -> Fit {
        let mut fit = fit.before(self.orientation);
        while self.small(fit) * COPIES > MAX_MEMORY / 2 {
            fit = Fit { width: fit.width.div_ceil(2), height: fit.height.div_ceil(2) };
        }
        fit
    }

    /// Bytes of the thumbnail before encoding.
    fn small(&self, fit: Fit) -> u64 {
        let (width, height) = fit.inside(self.width.max(1), self.height.max(1));
        u64::from(width) * u64::from(height) * 4
    }
}

/// The first frame, at its position in the image.
fn decode(bare: &FirstFrame, format: ImageFormat) -> Option<DynamicImage> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bare.bytes.as_slice()), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().ok()?;
    let is_as_said = match bare.frame {
        None => decoder.dimensions() == (bare.width, bare.height),
        Some(Region { width, height, .. }) => decoder.dimensions() == (width, height),
    };
    if !is_as_said || decoder.total_bytes() > bare.memory {
        return None;
    }
    // The decoder may use what the image itself leaves.
    limits.reserve(decoder.total_bytes()).ok()?;
    decoder.set_limits(limits).ok()?;
    let frame = DynamicImage::from_decoder(decoder).ok()?;
    let Some(Region { left, top, .. }) = bare.frame else {
        return Some(frame);
    };
    let mut whole = DynamicImage::new_rgba8(bare.width, bare.height);
    imageops::replace(&mut whole, &frame, left.into(), top.into());
    Some(whole)
}

/// The image inside the box, with a byte per sample.
fn shrunk(picture: DynamicImage, fit: Fit) -> DynamicImage {
    let (width, height) = (picture.width(), picture.height());
    let target = fit.inside(width, height);
    if target == (width, height) {
        return plain(picture);
    }
    let step = step((width, height), target, picture.color().bytes_per_pixel());
    let picture = weighted(picture);
    let picture = if step == (width, height) {
        picture
    } else {
        // Averages whole pixels, with no other memory than the two images; the larger one is freed.
        let smaller = picture.thumbnail_exact(step.0, step.1);
        drop(picture);
        smaller
    };
    unweighted(plain(if step == target {
        picture
    } else {
        picture.resize_exact(target.0, target.1, FilterType::Triangle)
    }))
}

/// Premultiplied alpha: transparent pixels have a colour too, mostly black, which would otherwise be averaged into
/// visible ones, as a dark edge.
fn weighted(mut picture: DynamicImage) -> DynamicImage {
    /// Rounded, of 255 or 65535.
    fn share(colour: u64, alpha: u64, most: u64) -> u64 {
        (colour * alpha + most / 2) / most
    }
    match &mut picture {
        DynamicImage::ImageRgba8(pixels) => {
            for Rgba([red, green, blue, alpha]) in pixels.pixels_mut() {
                for colour in [red, green, blue] {
                    *colour = share((*colour).into(), (*alpha).into(), 255) as u8;
                }
            }
        }
        DynamicImage::ImageLumaA8(pixels) => {
            for LumaA([grey, alpha]) in pixels.pixels_mut() {
                *grey = share((*grey).into(), (*alpha).into(), 255) as u8;
            }
        }
        DynamicImage::ImageRgba16(pixels) => {
            for Rgba([red, green, blue, alpha]) in pixels.pixels_mut() {
                for colour in [red, green, blue] {
                    *colour = share((*colour).into(), (*alpha).into(), 65535) as u16;
                }
            }
        }
        DynamicImage::ImageLumaA16(pixels) => {
            for LumaA([grey, alpha]) in pixels.pixels_mut() {
                *grey = share((*grey).into(), (*alpha).into(), 65535) as u16;
            }
        }
        // Opaque.
        _ => {}
    }
    picture
}

/// The inverse of [`weighted`], for a byte per sample.
fn unweighted(mut picture: DynamicImage) -> DynamicImage {
    fn whole(colour: u8, alpha: u8) -> u8 {
        match u32::from(alpha) {
            0 => 0,
            alpha => ((u32::from(colour) * 255 + alpha / 2) / alpha).min(255) as u8,
        }
    }
    match &mut picture {
        DynamicImage::ImageRgba8(pixels) => {
            for Rgba([red, green, blue, alpha]) in pixels.pixels_mut() {
                for colour in [red, green, blue] {
                    *colour = whole(*colour, *alpha);
                }
            }
        }
        DynamicImage::ImageLumaA8(pixels) => {
            for LumaA([grey, alpha]) in pixels.pixels_mut() {
                *grey = whole(*grey, *alpha);
            }
        }
        _ => {}
    }
    picture
}

fn plain(picture: DynamicImage) -> DynamicImage {
    match (picture.color().bytes_per_pixel() > 4, picture.color().has_alpha()) {
        (false, _) => picture,
        (true, false) => DynamicImage::ImageRgb8(picture.into_rgb8()),
        (true, true) => DynamicImage::ImageRgba8(picture.into_rgba8()),
    }
}

/// The largest intermediate size that the image can be averaged to, and that can be resized to the target size, within
/// the memory.
fn step(size: (u32, u32), target: (u32, u32), bytes_per_pixel: u8) -> (u32, u32) {
    let of_pixel = u64::from(bytes_per_pixel);
    let bytes = |(width, height): (u32, u32)| u64::from(width) * u64::from(height) * of_pixel;
    let mut parts = 1;
    loop {
        let step = (size.0.div_ceil(parts).max(target.0), size.1.div_ceil(parts).max(target.1));
        let averaging = if step == size { 0 } else { bytes(size) + bytes(step) };
        let resizing = bytes(step) + u64::from(step.0) * u64::from(target.1) * BETWEEN + bytes(target);
        if step == target || averaging.max(resizing) <= MAX_MEMORY {
            return step;
        }
        parts *= 2;
    }
}

/// PNG if anything is transparent, else JPEG; with the colour profile, if it matches the colour format.
fn written(picture: &DynamicImage, profile: Option<&Profile>) -> Result<(Vec<u8>, &'static str), Error> {
    let is_grey = !picture.color().has_color();
    let profile = profile.filter(|profile| is_grey || !profile.is_grey);
    let is_glass = picture.color().has_alpha();
    let target = match (profile.map(|profile| profile.is_grey), is_glass) {
        (Some(true), true) => DynamicImage::ImageLumaA8(picture.to_luma_alpha8()),
        (Some(true), false) => DynamicImage::ImageLuma8(picture.to_luma8()),
        (Some(false), true) => DynamicImage::ImageRgba8(picture.to_rgba8()),
        (None, true) => picture.clone(),
        (Some(false) | None, false) => DynamicImage::ImageRgb8(picture.to_rgb8()),
    };
    let mut bytes = Vec::new();
    let profile = profile.map(Profile::to_vec).unwrap_or_default();
    if is_glass {
        let mut encoder = PngEncoder::new(&mut bytes);
        if !profile.is_empty() {
            encoder.set_icc_profile(profile).map_err(Error::internal)?;
        }
        target.write_with_encoder(encoder).map_err(Error::internal)?;
        return Ok((bytes, "image/png"));
    }
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    if !profile.is_empty() {
        encoder.set_icc_profile(profile).map_err(Error::internal)?;
    }
    target.write_with_encoder(encoder).map_err(Error::internal)?;
    Ok((bytes, "image/jpeg"))
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, RgbImage, RgbaImage};

    use super::*;

    #[test]
    fn what_does_not_show_does_not_darken_what_does() {
        // Stripes of white, and of transparent black.
        let stripes = RgbaImage::from_fn(400, 400, |x, _| if x % 2 == 0 { Rgba([255; 4]) } else { Rgba([0; 4]) });
        for picture in
            [DynamicImage::ImageRgba8(stripes.clone()), DynamicImage::ImageRgba8(stripes.clone()).into_rgba16().into()]
        {
            let small = shrunk(picture, Fit { width: 50, height: 50 }).into_rgba8();
            for Rgba([red, green, blue, alpha]) in small.pixels() {
                assert!([red, green, blue].iter().all(|colour| **colour >= 250), "{red} {green} {blue} {alpha}");
                assert!((100..156).contains(alpha), "{alpha}");
            }
        }
        let grey = DynamicImage::ImageRgba8(stripes).into_luma_alpha8();
        let small = shrunk(DynamicImage::ImageLumaA8(grey), Fit { width: 50, height: 50 }).into_luma_alpha8();
        assert!(small.pixels().all(|LumaA([grey, _])| *grey >= 250));
    }

    /// An image whose left half is red.
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

    /// The same bytes with an EXIF block with this orientation.
    fn held(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let tiff =
            [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(), &[orientation, 0, 0, 0, 0, 0, 0, 0]].concat();
        let exif = [b"Exif\0\0".as_slice(), &tiff].concat();
        let length = ((exif.len() + 2) as u16).to_be_bytes();
        [&jpeg[..2], b"\xFF\xE1", &length, &exif, &jpeg[2..]].concat()
    }

    fn thumbnail(bytes: &[u8], content_type: &str, fit: Fit) -> Option<(Vec<u8>, &'static str)> {
        Picture::of(&Bytes::copy_from_slice(bytes), content_type)?.thumbnail(fit)
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

    /// The image with a profile, in each format that supports one.
    fn with_profile(picture: &DynamicImage, profile: &[u8]) -> [(Vec<u8>, &'static str); 3] {
        let (mut jpeg, mut png, mut webp) = (Vec::new(), Vec::new(), Vec::new());
        let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, 90);
        encoder.set_icc_profile(profile.to_vec()).unwrap();
        picture.write_with_encoder(encoder).unwrap();
        let mut encoder = PngEncoder::new(&mut png);
        encoder.set_icc_profile(profile.to_vec()).unwrap();
        picture.write_with_encoder(encoder).unwrap();
        let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut webp);
        encoder.set_icc_profile(profile.to_vec()).unwrap();
        picture.write_with_encoder(encoder).unwrap();
        [(jpeg, "image/jpeg"), (png, "image/png"), (webp, "image/webp")]
    }

    fn profile_of(picture: &[u8]) -> Option<Vec<u8>> {
        let reader = ImageReader::new(Cursor::new(picture)).with_guessed_format().unwrap();
        reader.into_decoder().unwrap().icc_profile().unwrap()
    }

    #[test]
    fn a_thumbnail_has_the_profile_of_its_picture() {
        let of = profile::tests::profile;
        let (colours, grey) = (of("mntr", "RGB ", 560), of("mntr", "GRAY", 400));
        let (large, too_large, inks) =
            (of("mntr", "RGB ", 60_960), of("mntr", "RGB ", 70_000), of("prtr", "CMYK", 400));
        let red = DynamicImage::ImageRgb8(half_red(400, 200));
        let glass = DynamicImage::ImageRgba8(RgbaImage::from_pixel(400, 200, Rgba([90, 20, 10, 100])));
        let shades = DynamicImage::ImageLuma8(GrayImage::from_pixel(400, 200, Luma([90])));
        let dim = DynamicImage::ImageLumaA8(shades.to_luma_alpha8());
        for (what, picture, profile, kept) in [
            ("colours", &red, &colours, true),
            ("a large one", &red, &large, true),
            ("one that is too large", &red, &too_large, false),
            ("inks", &red, &inks, false),
            ("grey of colours", &red, &grey, false),
            ("colours that shine through", &glass, &colours, true),
            ("grey", &shades, &grey, true),
            ("grey that shines through", &dim, &grey, true),
            ("colours of grey", &shades, &colours, true),
            ("colours of grey that shines through", &dim, &colours, true),
        ] {
            for (bytes, kind) in with_profile(picture, profile) {
                // If the format has no grey, or no transparency, it is read back as another colour format.
                let read = image::load_from_memory(&bytes).unwrap();
                if read.color() != picture.color() {
                    continue;
                }
                let (small, _) = thumbnail(&bytes, kind, Fit::DEFAULT).unwrap();
                assert_eq!(profile_of(&small).as_ref(), Some(profile).filter(|_| kept), "{what}, {kind}");
                let is_grey = kept && profile == &grey;
                assert_eq!(image::load_from_memory(&small).unwrap().color().has_color(), !is_grey, "{what}, {kind}");
            }
        }
        let (plain, _) = thumbnail(&jpeg_of(&half_red(400, 200)), "image/jpeg", Fit::DEFAULT).unwrap();
        assert_eq!(profile_of(&plain), None);
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
        let png_of = |picture: DynamicImage| {
            let mut png = Vec::new();
            picture.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
            png
        };
        let memory =
            |png: &Vec<u8>| Picture::of(&png.clone().into(), "image/png").unwrap().memory(Fit::DEFAULT).unwrap();
        let (deep, plain) = (png_of(DynamicImage::new_rgba16(100, 100)), png_of(DynamicImage::new_luma8(100, 100)));
        assert_eq!(memory(&deep) - memory(&plain), 70_000);
    }

    #[test]
    fn a_box_that_would_take_too_much_is_made_smaller() {
        let glass = DynamicImage::new_rgba8(4500, 4500);
        let mut png = Vec::new();
        glass.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
        let picture = Picture::of(&png.into(), "image/png").unwrap();
        assert_eq!(picture.affordable(Fit { width: 4096, height: 4096 }), Fit { width: 2048, height: 2048 });
        assert_eq!(picture.affordable(Fit { width: 2400, height: 1 }), Fit { width: 2400, height: 1 });
    }

    #[test]
    fn a_line_of_millions_of_pixels_shrinks_within_the_memory() {
        let width = step((45_000_000, 1), (4096, 1), 4).0;
        assert_eq!(width, 2_812_500);
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
        assert_eq!(step((8000, 5000), (2000, 1000), 4), (4000, 2500));
        assert_eq!(step((5000, 5000), (4096, 4096), 4), (4096, 4096));
        for (size, target) in [((50_000_000, 1), (1, 1)), ((1, 50_000_000), (1, 4096)), ((7071, 7071), (4096, 4096))] {
            let (width, height) = step(size, target, 8);
            let memory = width * height * 8 + width * target.1 * 16;
            assert!((width, height) == target || u64::from(memory) <= MAX_MEMORY);
        }
    }
}
