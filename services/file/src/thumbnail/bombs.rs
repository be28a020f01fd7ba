//! Decompression bombs: each is read in a process of its own, whose memory is measured.

use std::{env, fs, io::Write as _, process::Command};

use flate2::{Compression, Crc, write::ZlibEncoder};
use image::{DynamicImage, Rgba, RgbaImage};

use super::*;

/// Names the file for the process that reads it.
const FILE: &str = "TIDINGS_TEST_PICTURE";
/// The maximum memory for reading a small image, regardless of its metadata, not counting its bytes and a copy of them.
const MOST: u64 = 40 * 1024 * 1024;
/// The unpacked size of a bomb.
const UNPACKED: usize = 160 * 1024 * 1024;
/// The size of uncompressed metadata.
const PLAIN: usize = 8 * 1024 * 1024;

/// The other tests run this one in separate processes, which read the named file; by itself it reads a small one.
#[test]
#[expect(clippy::print_stdout, reason = "it tells the process that started it")]
fn one_picture() {
    let named = env::var(FILE).ok();
    let (bytes, kind) = if let Some((path, kind)) = named.as_deref().and_then(|named| named.split_once('|')) {
        (Bytes::from(fs::read(path).unwrap()), kind.to_owned())
    } else {
        let mut png = std::io::Cursor::new(Vec::new());
        small().write_to(&mut png, image::ImageFormat::Png).unwrap();
        (Bytes::from(png.into_inner()), "image/png".to_owned())
    };
    let before = virtual_memory("VmSize:");
    let picture = Picture::of(&bytes, &kind);
    let is_made = picture.is_some_and(|picture| picture.thumbnail(Fit::DEFAULT).is_some());
    println!("result {} {is_made}", virtual_memory("VmPeak:").saturating_sub(before));
}

/// Bytes of address space, whether written to or not.
fn virtual_memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Reads the image and returns the memory used, and whether it has a thumbnail.
fn read(bytes: &[u8], kind: &str) -> (u64, bool) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "thumbnail::bombs::one_picture", "--nocapture"]);
    command.env(FILE, format!("{}|{kind}", file.path().display())).env("MALLOC_ARENA_MAX", "1");
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let result = output.split("result ").nth(1).unwrap_or_else(|| panic!("it was not read: {output}"));
    let mut words = result.split_whitespace();
    (words.next().unwrap().parse().unwrap(), words.next().unwrap() == "true")
}

#[track_caller]
fn assert_small(name: &str, bytes: &[u8], kind: &str, has_thumbnail: bool) {
    let (taken, is_made) = read(bytes, kind);
    assert!(taken <= MOST + 2 * bytes.len() as u64, "{name} takes {taken} bytes");
    assert_eq!(is_made, has_thumbnail, "{name}");
}

fn small() -> DynamicImage {
    DynamicImage::ImageRgba8(RgbaImage::from_pixel(64, 64, Rgba([9, 8, 7, 6])))
}

fn as_format(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    small().write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn zlib(size: usize) -> Vec<u8> {
    let zeros = vec![0; 65_536];
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..size / 65_536 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

fn png_chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(data);
    [&(data.len() as u32).to_be_bytes()[..], kind, data, &crc.sum().to_be_bytes()].concat()
}

#[test]
fn nothing_beside_the_picture_of_a_png_takes_memory() {
    let png = as_format(ImageFormat::Png);
    // After the signature and the header.
    let (start, rest) = png.split_at(8 + 25);
    let bomb = zlib(UNPACKED);
    let frame = [&[0, 0, 0, 1, 0, 0, 0, 64, 0, 0, 0, 64], &[0; 8][..], &[0, 1, 0, 1, 0, 0]].concat();
    for (kind, data) in [
        (b"iCCP".as_slice(), [b"p\0\0", &bomb[..]].concat()),
        (b"zTXt", [b"t\0\0", &bomb[..]].concat()),
        (b"iTXt", [b"XML:com.adobe.xmp\0\x01\0\0\0", &bomb[..]].concat()),
        (b"tEXt", [b"t\0", &vec![b'x'; PLAIN][..]].concat()),
        (b"eXIf", [b"II*\0\x08\0\0\0\0\0", &vec![0; PLAIN][..]].concat()),
        (b"sPLT", [b"p\0\x08", &vec![0; PLAIN][..]].concat()),
    ] {
        let name = String::from_utf8_lossy(kind).into_owned();
        assert_small(&name, &[start, &png_chunk(kind, &data), rest].concat(), "image/png", true);
        let many = png_chunk(kind, &data[..data.len().min(2000)]).repeat(1000);
        assert_small(&name, &[start, &many, rest].concat(), "image/png", true);
    }
    let animation = png_chunk(b"acTL", &[0, 0, 0x10, 0, 0, 0, 0, 0]);
    let frames = [png_chunk(b"fcTL", &frame), png_chunk(b"fdAT", &[&[0, 0, 0, 2], &bomb[..1000]].concat())].concat();
    let at = rest.len() - 12;
    let animated = [start, &animation, &rest[..at], &frames.repeat(1000), &rest[at..]].concat();
    assert_small("frames", &animated, "image/png", true);
}

#[test]
fn what_a_png_promises_is_not_made_room_for() {
    for (name, dimensions) in
        [("wide", [0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1]), ("large", [0, 0, 0x3A, 0x98, 0, 0, 0x3A, 0x98])]
    {
        let header = png_chunk(b"IHDR", &[&dimensions[..], &[8, 6, 0, 0, 0]].concat());
        let png =
            [b"\x89PNG\r\n\x1A\n", &header[..], &png_chunk(b"IDAT", &zlib(65_536)), &png_chunk(b"IEND", b"")].concat();
        assert_small(name, &png, "image/png", false);
    }
}

#[test]
fn nothing_beside_the_picture_of_a_gif_takes_memory() {
    let gif = as_format(ImageFormat::Gif);
    let palette = if gif[10] & 0x80 == 0 { 0 } else { 3 << ((gif[10] & 7) + 1) };
    let (start, rest) = gif.split_at(13 + palette);
    let blocks = [&[255][..], &[b'x'; 255]].concat().repeat(PLAIN / 256);
    for (name, head) in [
        ("comment", b"\x21\xFE".to_vec()),
        ("profile", b"\x21\xFF\x0BICCRGBG1012".to_vec()),
        ("xmp", b"\x21\xFF\x0BXMP DataXMP".to_vec()),
        ("text", [b"\x21\x01\x0C".as_slice(), &[0; 12]].concat()),
    ] {
        let extension = [&head[..], &blocks, &[0]].concat();
        assert_small(name, &[start, &extension, rest].concat(), "image/gif", true);
    }
    let end = rest.len() - 1;
    assert_small("frames", &[start, &rest[..end].repeat(3000), &rest[end..]].concat(), "image/gif", true);
    // A frame that is much larger than its screen, and a screen that is much larger than its frame.
    let screen = b"GIF89a\x40\0\x40\0\0\0\0";
    let frame = b"\x2C\0\0\0\0\xFF\xFF\xFF\xFF\0\x02\x02\x4C\x01\0\x3B";
    assert_small("frame", &[&screen[..], frame].concat(), "image/gif", false);
    let mut wide = gif;
    wide[6..10].copy_from_slice(&[0xFF; 4]);
    assert_small("screen", &wide, "image/gif", false);
}

fn riff_chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    [kind, &(data.len() as u32).to_le_bytes(), data, padding].concat()
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let all = chunks.concat();
    [b"RIFF", &(all.len() as u32 + 4).to_le_bytes()[..], b"WEBP", &all].concat()
}

#[test]
fn nothing_beside_the_picture_of_a_webp_takes_memory() {
    let picture = as_format(ImageFormat::WebP)[12..].to_vec();
    let header = |flags: u8| riff_chunk(b"VP8X", &[flags, 0, 0, 0, 63, 0, 0, 63, 0, 0]);
    for (kind, flags) in [(b"ICCP".as_slice(), 0x20), (b"EXIF", 0x08), (b"XMP ", 0x04), (b"xxxx", 0)] {
        let beside = riff_chunk(kind, &vec![0; PLAIN]);
        let name = String::from_utf8_lossy(kind).into_owned();
        assert_small(&name, &riff(&[header(flags | 0x10), beside, picture.clone()]), "image/webp", true);
    }
    let still = [&[0, 0, 0, 0, 0, 0, 63, 0, 0, 63, 0, 0, 0, 0, 0, 0], &picture[..]].concat();
    let frames = riff_chunk(b"ANMF", &still).repeat(1000);
    let animated = riff(&[header(0x12), riff_chunk(b"ANIM", &[0; 6]), frames]);
    assert_small("frames", &animated, "image/webp", true);
    // Images that are larger than declared.
    let lossy = riff_chunk(b"VP8 ", &[b"\x10\0\0\x9D\x01\x2A\xFF\x3F\xFF\x3F", &[0; 40][..]].concat());
    assert_small("lossy", &riff(&[header(0), lossy.clone()]), "image/webp", false);
    assert_small("plain", &riff(std::slice::from_ref(&lossy)), "image/webp", false);
    let large = [&[0, 0, 0, 0, 0, 0, 63, 0, 0, 63, 0, 0, 0, 0, 0, 0], &lossy[..]].concat();
    let animated = riff(&[header(0x02), riff_chunk(b"ANIM", &[0; 6]), riff_chunk(b"ANMF", &large)]);
    assert_small("frame", &animated, "image/webp", false);
}

#[test]
fn a_lossless_webp_that_may_have_too_many_tables_has_no_thumbnail() {
    let picture = |size: usize| riff(&[riff_chunk(b"VP8L", &[b"\x2F\x04\xC0\0\0", &vec![0; size][..]].concat())]);
    let memory = |size: usize| Picture::of(&picture(size).into(), "image/webp").unwrap().memory(Fit::DEFAULT);
    assert!(memory(400_000).is_some());
    assert_eq!(memory(600_000), None);
}

#[test]
fn nothing_beside_the_picture_of_a_jpeg_takes_memory() {
    let mut jpeg = Vec::new();
    small().into_rgb8().write_with_encoder(JpegEncoder::new(&mut jpeg)).unwrap();
    let (start, rest) = jpeg.split_at(2);
    for (name, marker, head) in [
        ("exif", 0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0".as_slice()),
        ("xmp", 0xE1, b"http://ns.adobe.com/xap/1.0/\0"),
        ("profile", 0xE2, b"ICC_PROFILE\0\x01\xFF"),
        ("photoshop", 0xED, b"Photoshop 3.0\0"),
        ("comment", 0xFE, b""),
    ] {
        let segment = [&[0xFF, marker, 0xFF, 0xFF], head, &vec![b'x'; 0xFFFD - head.len()]].concat();
        let many = segment.repeat(PLAIN / segment.len());
        assert_small(name, &[start, &many, rest].concat(), "image/jpeg", true);
    }
}

#[test]
fn the_largest_pictures_that_have_a_thumbnail_stay_within_the_bound() {
    let mut png = Vec::new();
    DynamicImage::new_rgb8(6900, 6900).write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
    let (taken, is_made) = read(&png, "image/png");
    assert!(is_made && taken <= MAX_MEMORY + 2 * png.len() as u64, "{taken}");
}
