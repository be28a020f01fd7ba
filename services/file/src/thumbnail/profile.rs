//! Colour profiles (ICC). A thumbnail keeps its image's profile, since without it the pixel values are not defined
//! colours.

use std::collections::BTreeMap;

use tidings_runtime::unpack_zlib;

/// Maximum bytes of a profile that is kept: those of one JPEG segment. Those of cameras, phones and screens have a few
/// thousand; the largest in common use for images, the ICC's own of sRGB version 4, has 60,960. A larger one would be
/// many times the size of its thumbnail, and is dropped.
const MAX: usize = 65_519;
/// The prefix of a JPEG segment with a part of a profile; the number of the part follows.
const IN_SEGMENT: &[u8] = b"ICC_PROFILE\0";
/// Maximum bytes of a profile's name in a PNG.
const MAX_NAME: usize = 79;

/// A profile for images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Profile {
    bytes: Vec<u8>,
    /// Whether it is for grey images; otherwise for RGB.
    pub(super) is_grey: bool,
}

impl Profile {
    /// `None` if it is invalid, too large, or neither for grey nor for RGB: CMYK is converted when it is decoded, so
    /// its profile no longer applies.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let length = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
        let bytes = bytes.get(..length).filter(|bytes| (128..=MAX).contains(&bytes.len()))?;
        // Of a device, or a colour space; not a conversion between them.
        let is_of_pictures = matches!(&bytes[12..16], b"mntr" | b"scnr" | b"prtr" | b"spac");
        let is_grey = match &bytes[16..20] {
            b"RGB " => false,
            b"GRAY" => true,
            _ => return None,
        };
        (is_of_pictures && &bytes[36..40] == b"acsp").then(|| Self { bytes: bytes.to_vec(), is_grey })
    }

    /// From a PNG chunk: a name, and the compressed profile. It is decompressed only up to the size that is kept.
    pub(super) fn of_chunk(chunk: &[u8]) -> Option<Self> {
        let name = chunk.iter().take(MAX_NAME + 1).position(|byte| *byte == 0)?;
        let [0, packed @ ..] = &chunk[name + 1..] else {
            return None;
        };
        Self::of(&unpack_zlib(packed, MAX)?)
    }

    /// For an encoded file.
    pub(super) fn to_vec(&self) -> Vec<u8> {
        self.bytes.clone()
    }
}

/// The parts of a profile in the segments of a JPEG.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    count: Option<u8>,
    parts: BTreeMap<u8, &'a [u8]>,
}

impl<'a> Parts<'a> {
    /// Adds a segment, if it has a part; of a repeated number the first counts.
    pub(super) fn take(&mut self, segment: &'a [u8]) {
        let Some([number, count, part @ ..]) = segment.strip_prefix(IN_SEGMENT) else {
            return;
        };
        if *count == *self.count.get_or_insert(*count) && (1..=*count).contains(number) {
            self.parts.entry(*number).or_insert(part);
        }
    }

    /// The profile, if all its parts were found.
    pub(super) fn profile(&self) -> Option<Profile> {
        let size: usize = self.parts.values().map(|part| part.len()).sum();
        let is_whole = self.count.map(usize::from) == Some(self.parts.len());
        let bytes = (is_whole && size <= MAX).then(|| self.parts.values().copied().collect::<Vec<_>>().concat())?;
        Profile::of(&bytes)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::ZlibEncoder};

    use super::*;

    /// The header of a profile, padded to that size.
    pub(in super::super) fn profile(class: &str, space: &str, size: usize) -> Vec<u8> {
        let mut bytes = vec![7; size];
        bytes[..4].copy_from_slice(&(size as u32).to_be_bytes());
        bytes[12..16].copy_from_slice(class.as_bytes());
        bytes[16..20].copy_from_slice(space.as_bytes());
        bytes[36..40].copy_from_slice(b"acsp");
        bytes
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn those_of_pictures_are_kept_up_to_a_size() {
        for (class, space, size, is_grey) in [
            ("mntr", "RGB ", 128, Some(false)),
            ("scnr", "RGB ", MAX, Some(false)),
            ("prtr", "GRAY", 400, Some(true)),
            ("spac", "RGB ", 400, Some(false)),
            ("mntr", "RGB ", MAX + 1, None),
            ("mntr", "CMYK", 400, None),
            ("mntr", "Lab ", 400, None),
            ("link", "RGB ", 400, None),
            ("abst", "RGB ", 400, None),
        ] {
            let bytes = profile(class, space, size);
            let kept = Profile::of(&bytes);
            assert_eq!(kept.as_ref().map(|kept| kept.is_grey), is_grey, "{class} {space} {size}");
            assert!(kept.is_none_or(|kept| kept.to_vec() == bytes));
        }
        let padded = [profile("mntr", "RGB ", 400), vec![0; 3]].concat();
        assert_eq!(Profile::of(&padded).unwrap().to_vec(), padded[..400]);
        assert_eq!(Profile::of(&padded[..399]), None);
        let short = profile("mntr", "RGB ", 128);
        assert!((0..128).all(|length| Profile::of(&short[..length]).is_none()));
        assert_eq!(Profile::of(&[&127_u32.to_be_bytes()[..], &short[4..]].concat()), None);
    }

    #[test]
    fn a_chunk_is_unpacked_no_further_than_it_is_kept() {
        let bytes = profile("mntr", "RGB ", 3000);
        let chunk = |name: &[u8], bytes: &[u8]| [name, b"\0\0", &zlib(bytes)].concat();
        assert_eq!(Profile::of_chunk(&chunk(b"Display P3", &bytes)).unwrap().to_vec(), bytes);
        assert_eq!(Profile::of_chunk(&chunk(&[b'n'; MAX_NAME], &bytes)).unwrap().to_vec(), bytes);
        assert_eq!(Profile::of_chunk(&chunk(&[b'n'; MAX_NAME + 1], &bytes)), None);
        assert_eq!(Profile::of_chunk(&chunk(b"p", &profile("mntr", "RGB ", MAX + 1))), None);
        assert_eq!(Profile::of_chunk(&[b"p\0\x01", &zlib(&bytes)[..]].concat()), None);
        assert!([&b""[..], b"p", b"p\0", b"p\0\0"].into_iter().all(|chunk| Profile::of_chunk(chunk).is_none()));
    }

    #[test]
    fn parts_are_put_together_in_their_order_and_only_where_all_came() {
        let bytes = profile("mntr", "RGB ", 3000);
        let part = |number: u8, count: u8, part: &[u8]| [IN_SEGMENT, &[number, count], part].concat();
        let together = |segments: &[Vec<u8>]| {
            let mut parts = Parts::default();
            for segment in segments {
                parts.take(segment);
            }
            parts.profile().map(|profile| profile.to_vec())
        };
        let [first, second] = [part(1, 2, &bytes[..2000]), part(2, 2, &bytes[2000..])];
        let another = [b"MPF\0more".to_vec(), second.clone(), part(2, 2, b"again"), first.clone()];
        assert_eq!(together(&another), Some(bytes.clone()));
        assert_eq!(together(&[part(1, 1, &bytes)]), Some(bytes.clone()));
        for wrong in [&[first.clone()][..], &[second], &[first, part(2, 3, &bytes[2000..])], &[part(0, 1, &bytes)], &[]]
        {
            assert_eq!(together(wrong), None, "{}", wrong.len());
        }
    }
}
