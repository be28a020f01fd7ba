//! Width and height of an MP4 or QuickTime video, parsed while its bytes arrive.
//!
//! The description of a video (`moov`) is before or after its media data. So boxes are parsed while the bytes are
//! received, whatever their number: skipped bytes are only counted, and at most one track's header is in memory. A file
//! with inconsistent boxes has no dimensions.

/// The nested boxes that contain the dimensions.
const PATH: [&[u8; 4]; 3] = [b"moov", b"trak", b"mdia"];
/// Bytes of a track header, in the newer form with 64-bit times, and of the part of a handler that is read.
const TRACK: [usize; 2] = [84, 96];
const HANDLER: usize = 12;
/// The flag of an enabled track.
const ENABLED: u8 = 1;

/// Parses the bytes of one file.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    /// The position, and the end of the box that is skipped; `None` is the end of the file.
    at: u64,
    skip_to: Option<u64>,
    /// The ends of the enclosing boxes of [`PATH`]; `u64::MAX` is the end of the file.
    inside: Vec<u64>,
    /// The bytes so far of what is being read: a box's header, or a track's data.
    begun: Vec<u8>,
    reading: Reading,
    track: Track,
    found: Option<(u32, u32)>,
    is_over: bool,
}

/// The type of the next bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Reading {
    #[default]
    Header,
    /// Of a box that ends there.
    Track(u64),
    Handler(u64),
}

/// The data of the current track.
#[derive(Debug, Default)]
struct Track {
    dimensions: Option<(u32, u32)>,
    is_video: bool,
}

impl Follower {
    /// Parses the next bytes.
    pub(crate) fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.is_over {
            if let Some(to) = self.skip_to {
                let skipped = usize::try_from(to - self.at).map_or(bytes.len(), |left| left.min(bytes.len()));
                bytes = &bytes[skipped..];
                self.at += skipped as u64;
                if self.at == to {
                    self.skip_to = None;
                }
                continue;
            }
            let needed = self.bytes_needed();
            let taken = (needed - self.begun.len()).min(bytes.len());
            self.begun.extend_from_slice(&bytes[..taken]);
            self.at += taken as u64;
            bytes = &bytes[taken..];
            // A header may turn out to be longer than expected.
            if self.begun.len() == self.bytes_needed() && self.read().is_none() {
                self.is_over = true;
            }
        }
    }

    /// The dimensions of the first enabled video track; `None` if none was found so far.
    pub(crate) const fn dimensions(&self) -> Option<(u32, u32)> {
        self.found
    }

    /// The length of what is being read.
    fn bytes_needed(&self) -> usize {
        match self.reading {
            Reading::Header if self.begun.starts_with(&[0, 0, 0, 1]) => 16,
            Reading::Header => 8,
            Reading::Track(_) => TRACK[usize::from(self.begun.first() == Some(&1))],
            Reading::Handler(_) => HANDLER,
        }
    }

    /// Parses the bytes read; `None` if they are invalid, or nothing more is needed.
    fn read(&mut self) -> Option<()> {
        let begun = std::mem::take(&mut self.begun);
        match std::mem::take(&mut self.reading) {
            Reading::Header => return self.header(&begun),
            Reading::Track(end) => {
                self.track.dimensions = dimensions(&begun);
                self.skip(end)?;
            }
            Reading::Handler(end) => {
                self.track.is_video = begun.get(8..12)? == b"vide";
                self.skip(end)?;
            }
        }
        if self.track.is_video && self.track.dimensions.is_some() {
            self.found = self.track.dimensions;
            return None;
        }
        Some(())
    }

    fn header(&mut self, header: &[u8]) -> Option<()> {
        let start = self.at - header.len() as u64;
        let kind: &[u8; 4] = header.get(4..)?.first_chunk()?;
        let end = match u32::from_be_bytes(*header.first_chunk()?) {
            0 => u64::MAX,
            1 => start.checked_add(u64::from_be_bytes(*header.get(8..)?.first_chunk()?))?,
            length => start.checked_add(length.into())?,
        };
        while self.inside.pop_if(|end| *end <= start).is_some() {}
        let depth = self.inside.len();
        // No box extends beyond its enclosing one, and each is at least as long as its header.
        if end < self.at || self.inside.last().is_some_and(|outer| end > *outer) {
            return None;
        }
        if PATH.get(depth) == Some(&kind) {
            if depth == 1 {
                self.track = Track::default();
            }
            self.inside.push(end);
            return Some(());
        }
        self.reading = match (depth, kind) {
            (2, b"tkhd") => Reading::Track(end),
            (3, b"hdlr") => Reading::Handler(end),
            _ => return self.skip(end),
        };
        Some(())
    }

    fn skip(&mut self, end: u64) -> Option<()> {
        self.skip_to = (end > self.at).then_some(end);
        (end >= self.at).then_some(())
    }
}

/// Width and height of a track, as displayed: swapped if it is rotated by a quarter. `None` if it is disabled, or has
/// none, like audio.
fn dimensions(header: &[u8]) -> Option<(u32, u32)> {
    let (front, matrix) = header.split_at_checked(header.len().checked_sub(44)?)?;
    // Fixed-point numbers with a fraction of 16 bits; the matrix in rows of three.
    let number = |at: usize| Some(i32::from_be_bytes(*matrix.get(at * 4..)?.first_chunk()?));
    let whole = |at: usize| Some((number(at)?.cast_unsigned().saturating_add(0x8000)) >> 16);
    let is_turned = number(0)? == 0 && number(4)? == 0 && number(1)? != 0 && number(3)? != 0;
    let (width, height) = (whole(9)?, whole(10)?);
    let is_shown = front.get(3)? & ENABLED != 0 && width > 0 && height > 0;
    is_shown.then_some(if is_turned { (height, width) } else { (width, height) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8], data: &[u8]) -> Vec<u8> {
        [&(data.len() as u32 + 8).to_be_bytes()[..], kind, data].concat()
    }

    fn long(kind: &[u8], data: &[u8]) -> Vec<u8> {
        [&[0, 0, 0, 1], kind, &(data.len() as u64 + 16).to_be_bytes(), data].concat()
    }

    const UPRIGHT: [i32; 4] = [0x1_0000, 0, 0, 0x1_0000];
    const QUARTER: [i32; 4] = [0, 0x1_0000, -0x1_0000, 0];
    const THREE_QUARTERS: [i32; 4] = [0, -0x1_0000, 0x1_0000, 0];
    const HALF: [i32; 4] = [-0x1_0000, 0, 0, -0x1_0000];

    fn track_header(version: u8, flags: u8, [a, b, c, d]: [i32; 4], (width, height): (u32, u32)) -> Vec<u8> {
        let times = if version == 1 { 32 } else { 20 };
        let matrix = [a, b, 0, c, d, 0, 0, 0, 0x4000_0000].map(i32::to_be_bytes).concat();
        let dimensions = [width << 16, height << 16].map(u32::to_be_bytes).concat();
        boxed(b"tkhd", &[&[version, 0, 0, flags], &vec![7; times + 16][..], &matrix, &dimensions].concat())
    }

    fn track(header: &[u8], handler: &[u8]) -> Vec<u8> {
        let handler = boxed(b"hdlr", &[&[0; 8], handler, &[0; 12], b"name\0"].concat());
        let media = [boxed(b"mdhd", &[0; 24]), handler, boxed(b"minf", &boxed(b"stbl", &[1; 400]))].concat();
        boxed(b"trak", &[header, &boxed(b"edts", &[0; 28]), &boxed(b"mdia", &media)].concat())
    }

    fn movie(tracks: &[Vec<u8>]) -> Vec<u8> {
        boxed(b"moov", &[boxed(b"mvhd", &[0; 100]), tracks.concat(), boxed(b"udta", &[0; 9])].concat())
    }

    fn film() -> Vec<u8> {
        let sound = track(&track_header(0, 7, UPRIGHT, (0, 0)), b"soun");
        movie(&[sound, track(&track_header(0, 7, UPRIGHT, (640, 360)), b"vide")])
    }

    /// In pieces of that many bytes.
    fn read_in(bytes: &[u8], pieces: usize) -> Option<(u32, u32)> {
        let mut follower = Follower::default();
        for piece in bytes.chunks(pieces) {
            follower.follow(piece);
            assert!(follower.begun.len() <= 96 && follower.inside.len() <= 3);
        }
        follower.dimensions()
    }

    fn read(bytes: &[u8]) -> Option<(u32, u32)> {
        let whole = read_in(bytes, usize::MAX);
        assert_eq!([1, 3, 64].map(|pieces| read_in(bytes, pieces)), [whole; 3]);
        whole
    }

    #[test]
    fn what_describes_a_video_is_found_at_its_front_and_at_its_end() {
        let (brand, data) = (boxed(b"ftyp", b"isom\0\0\0\0"), vec![b'x'; 5000]);
        let dimensions = Some((640, 360));
        assert_eq!(read(&[brand.clone(), film(), boxed(b"mdat", &data)].concat()), dimensions);
        assert_eq!(read(&[brand.clone(), boxed(b"free", b""), boxed(b"mdat", &data), film()].concat()), dimensions);
        assert_eq!(read(&[brand.clone(), long(b"mdat", &data), film()].concat()), dimensions, "a length of 64 bits");
        let open = [&[0, 0, 0, 0], &film()[4..]].concat();
        assert_eq!(read(&[brand.clone(), boxed(b"mdat", &data), open].concat()), dimensions, "to the end of the file");
        assert_eq!(read(&[boxed(b"wide", b""), boxed(b"mdat", &data), film()].concat()), dimensions, "older QuickTime");
        assert_eq!(read(&[brand, boxed(b"mdat", &film())].concat()), None, "what is within the pictures is none");
    }

    #[test]
    fn a_video_that_lies_on_its_side_is_turned() {
        for (turned, dimensions) in
            [(UPRIGHT, (640, 360)), (QUARTER, (360, 640)), (HALF, (640, 360)), (THREE_QUARTERS, (360, 640))]
        {
            for version in [0, 1] {
                let header = track_header(version, 3, turned, (640, 360));
                assert_eq!(read(&movie(&[track(&header, b"vide")])), Some(dimensions), "{turned:?} {version}");
            }
        }
    }

    #[test]
    fn the_first_video_track_that_is_shown_counts() {
        let of = |flags: u8, dimensions, kind: &[u8]| track(&track_header(0, flags, UPRIGHT, dimensions), kind);
        let hidden = of(2, (10, 10), b"vide");
        let [first, second] = [(100, 50), (200, 80)].map(|dimensions| of(1, dimensions, b"vide"));
        let text = of(1, (300, 20), b"text");
        assert_eq!(read(&movie(&[text.clone(), hidden.clone(), first, second])), Some((100, 50)));
        assert_eq!(read(&movie(&[text, hidden, of(1, (0, 50), b"vide")])), None);
        assert_eq!(read(&movie(&[])), None);
    }

    #[test]
    fn what_lies_about_its_boxes_has_no_sides() {
        let film = film();
        for cut in 0..film.len() {
            // Whatever is missing: a result or none, and no panic.
            read_in(&film[..cut], 7);
        }
        let mut longer = film.clone();
        longer[8 + 3] = 255;
        longer[8 + 2] = 255;
        assert_eq!(read(&longer), None, "a box that reaches beyond the one that it is in");
        for length in [2_u32, 7] {
            assert_eq!(read(&[&length.to_be_bytes(), &b"free"[..], &film].concat()), None, "shorter than its header");
        }
        let endless = [&[0, 0, 0, 1], &b"free"[..], &u64::MAX.to_be_bytes(), &film].concat();
        assert_eq!(read(&endless), None);
        let shortest = [&[0, 0, 0, 1], &b"free"[..], &15_u64.to_be_bytes(), &film].concat();
        assert_eq!(read(&shortest), None);
    }

    #[test]
    fn no_byte_that_is_wrong_ends_in_a_panic() {
        let film = film();
        for at in 0..film.len() {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut wrong = film.clone();
                wrong[at] = value;
                read_in(&wrong, 31);
            }
        }
    }
}
