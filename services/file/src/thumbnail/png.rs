//! The chunks of a PNG that make up its image; for an animation the one that is shown if animations are not supported.

use image::metadata::Orientation;

use super::{
    bare::{FirstFrame, orientation, take},
    profile::Profile,
};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1A\n";
/// Bytes of a chunk in addition to its data: length, type and checksum.
const AROUND: usize = 12;
/// The decoder's memory in addition to the image: zlib windows, and lines.
const BESIDE: u64 = 1024 * 1024;

/// `None` if it is not a PNG. A missing end is detected by the decoder.
pub(super) fn bare(png: &[u8]) -> Option<FirstFrame> {
    let mut rest = png.strip_prefix(SIGNATURE)?;
    let (mut bytes, mut header, mut turned, mut transparent) = (SIGNATURE.to_vec(), None, None, false);
    let mut packed = None;
    while let Some((kind, data, whole)) = chunk(&mut rest) {
        match kind {
            b"IHDR" if header.is_none() => header = Some(Header::of(data)?),
            b"PLTE" | b"IDAT" => {}
            b"tRNS" => transparent = true,
            b"IEND" => {
                bytes.extend(whole);
                break;
            }
            b"eXIf" => {
                turned = turned.or_else(|| orientation(data));
                continue;
            }
            b"iCCP" => {
                packed.get_or_insert(data);
                continue;
            }
            _ => continue,
        }
        // The header comes first.
        header.as_ref()?;
        bytes.extend(whole);
    }
    // After the end of the image data, the orientation may still follow.
    while turned.is_none()
        && let Some((kind, data, _)) = chunk(&mut rest)
    {
        turned = if kind == b"eXIf" { orientation(data) } else { None };
    }
    let header = header?;
    let pixels = u64::from(header.width) * u64::from(header.height);
    // An interlaced image is assembled from seven.
    let of_pixel = header.bytes_per_pixel(transparent) * if header.interlaced { 2 } else { 1 };
    Some(FirstFrame {
        bytes,
        width: header.width,
        height: header.height,
        frame: None,
        orientation: turned.unwrap_or(Orientation::NoTransforms),
        profile: packed.and_then(Profile::of_chunk),
        memory: pixels * of_pixel + u64::from(header.width) * 64 + BESIDE,
    })
}

type Chunk<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// The next chunk's type and data, and the whole chunk.
fn chunk<'a>(rest: &mut &'a [u8]) -> Option<Chunk<'a>> {
    let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
    let whole = take(rest, length.checked_add(AROUND)?)?;
    Some((&whole[4..8], &whole[8..8 + length], whole))
}

struct Header {
    width: u32,
    height: u32,
    depth: u8,
    colour: u8,
    interlaced: bool,
}

impl Header {
    fn of(data: &[u8]) -> Option<Self> {
        let (sizes, [depth, colour, _, _, interlace]) = data.split_at_checked(8)? else {
            return None;
        };
        let side = |at: usize| Some(u32::from_be_bytes(*sizes.get(at..)?.first_chunk()?));
        Some(Self { width: side(0)?, height: side(4)?, depth: *depth, colour: *colour, interlaced: *interlace != 0 })
    }

    /// As decoded: palettes and bits are expanded to bytes.
    fn bytes_per_pixel(&self, transparent: bool) -> u64 {
        let samples = match self.colour {
            // Grey, colour and palette, which may have a transparent colour.
            0 => 1 + u64::from(transparent),
            2 | 3 => 3 + u64::from(transparent),
            4 => 2,
            _ => 4,
        };
        samples * if self.depth == 16 { 2 } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk_of(kind: &[u8], data: &[u8]) -> Vec<u8> {
        [&(data.len() as u32).to_be_bytes()[..], kind, data, b"crc."].concat()
    }

    #[test]
    fn what_is_no_picture_goes() {
        let header = chunk_of(b"IHDR", b"\0\0\0\x02\0\0\0\x03\x08\x06\0\0\0");
        let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let data = chunk_of(b"IDAT", b"data");
        let end = chunk_of(b"IEND", b"");
        let beside: Vec<u8> =
            [b"iCCP", b"zTXt", b"iTXt", b"tEXt", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"sPLT", b"xxXx"]
                .into_iter()
                .flat_map(|kind| chunk_of(kind, if kind == b"eXIf" { tiff } else { b"beside" }))
                .collect();
        let png = [SIGNATURE, &header, &beside, &data, &beside, &data, &end, &beside].concat();
        let bare = bare(&png).unwrap();
        assert_eq!(bare.bytes, [SIGNATURE, &header, &data, &data, &end].concat());
        assert_eq!((bare.width, bare.height, bare.orientation), (2, 3, Orientation::Rotate90));
    }

    #[test]
    fn a_broken_one_has_what_came_before() {
        assert_eq!(bare(b"GIF89a"), None);
        assert_eq!(bare(SIGNATURE), None);
        let header = chunk_of(b"IHDR", b"\0\0\0\x02\0\0\0\x03\x08\x06\0\0\0");
        let cut = [SIGNATURE, &header, b"\xFF\xFF\xFF\xFFIDAT"].concat();
        assert_eq!(bare(&cut).unwrap().bytes.len(), SIGNATURE.len() + header.len());
        assert_eq!(bare(&[SIGNATURE, &chunk_of(b"IDAT", b"x"), &header].concat()), None);
    }
}
