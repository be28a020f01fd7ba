//! Bounded decompression of untrusted data.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

/// Decompresses zlib data (RFC 1950). `None` if it is damaged, ends early, or decompresses to more than `most` bytes:
/// never more than those are held in memory.
pub fn unpack_zlib(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    ZlibDecoder::new(packed).take(most as u64 + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= most).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::ZlibEncoder};

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::default());
        packer.write_all(bytes).expect("a vector takes all");
        packer.finish().expect("a vector takes all")
    }

    #[test]
    fn what_is_packed_is_unpacked_up_to_the_bound() {
        assert_eq!(unpack_zlib(&packed(b"hello"), 5), Some(b"hello".to_vec()));
        assert_eq!(unpack_zlib(&packed(b"hello"), 4), None);
        assert_eq!(unpack_zlib(&packed(&vec![0; 100_000_000]), 1000), None);
        assert_eq!(unpack_zlib(&packed(b""), 0), Some(Vec::new()));
    }

    #[test]
    fn what_is_damaged_or_cut_is_nothing() {
        let mut bytes = packed(b"hello, hello, hello");
        assert_eq!(unpack_zlib(&bytes[..bytes.len() - 1], 100), None);
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert_eq!(unpack_zlib(&bytes, 100), None);
        assert_eq!(unpack_zlib(b"hello", 100), None);
    }
}
