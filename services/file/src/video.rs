//! Width and height of a video of the family of MP4 and QuickTime, read from its bytes as they come.
//!
//! What describes a video (`moov`) stands before its pictures or behind them. So the bytes are followed from box to box
//! while they are taken in, whatever their number: what is skipped is counted, and no more than one track's header is
//! kept. A file that lies about its boxes has no dimensions.

/// Boxes within boxes that lead to what is looked for.
const PATH: [&[u8; 4]; 3] = [b"moov", b"trak", b"mdia"];
/// Bytes of a header of a track, the newer form with times of 64 bits, and of a handler as far as it is read.
const TRACK: [usize; 2] = [84, 96];
const HANDLER: usize = 12;
/// The flag of a track that is shown.
const ENABLED: u8 = 1;

/// Follows the bytes of one file.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    /// Bytes that came, and where the present box ends; `None` is with the file.
    at: u64,
    skip_to: Option<u64>,
    /// Where each box of [`PATH`] ends that we are in; `u64::MAX` is with the file.
    inside: Vec<u64>,
    /// What is being read: a box's header, or what a track says.
    begun: Vec<u8>,
    reading: Reading,
    track: Track,
    found: Option<(u32, u32)>,
    is_over: bool,
}

/// What the next bytes are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Reading {
    #[default]
    Header,
    /// Of a box that ends there.
    Track(u64),
    Handler(u64),
}

/// What is known of the track that we are in.
#[derive(Debug, Default)]
struct Track {
    dimensions: Option<(u32, u32)>,
    is_video: bool,
}

impl Follower {
    /// Takes the next bytes in.
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
            let wanted = self.wanted();
            let taken = (wanted - self.begun.len()).min(bytes.len());
            self.begun.extend_from_slice(&bytes[..taken]);
            self.at += taken as u64;
            bytes = &bytes[taken..];
            // A header may turn out to be longer than it seemed.
            if self.begun.len() == self.wanted() && self.read().is_none() {
                self.is_over = true;
            }
        }
    }

    /// Of the first video track that is shown; `None` where none was found by now.
    pub(crate) const fn dimensions(&self) -> Option<(u32, u32)> {
        self.found
    }

    /// How many bytes what is being read has.
    fn wanted(&self) -> usize {
        match self.reading {
            Reading::Header if self.begun.starts_with(&[0, 0, 0, 1]) => 16,
            Reading::Header => 8,
            Reading::Track(_) => TRACK[usize::from(self.begun.first() == Some(&1))],
            Reading::Handler(_) => HANDLER,
        }
    }

    /// Reads what has come; `None` where it makes no sense, or nothing more is wanted.
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
        // No box reaches beyond the one that it is in, and each is at least as long as its header.
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

/// Width and height of a track, as it is shown: turned, where it lies on its side. `None` where it is not shown, or has
/// none, as sound has not.
fn dimensions(header: &[u8]) -> Option<(u32, u32)> {
    let (front, matrix) = header.split_at_checked(header.len().checked_sub(44)?)?;
    // Numbers with a fraction of 16 bits; of the matrix in rows of three.
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
            // Whatever is missing: an answer, or none, and no panic.
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
