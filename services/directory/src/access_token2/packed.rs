//! The format of an AccessToken2: base64 of zlib of a signature and the signed data, numbers little-endian, texts
//! length-prefixed (agora.md 10.1).
//!
//! Tokens are untrusted input, so every step is bounded. Only the format is checked here.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tidings_runtime::unpack_zlib;

/// The prefix of every such token.
pub(crate) const PREFIX: &str = "007";
/// Longer texts are not tokens.
const MAX_BYTES: usize = 8 * 1024;
/// The maximum unpacked size.
pub(super) const MAX_UNPACKED: usize = 16 * 1024;

/// The type of the chat service.
const CHAT: u16 = 5;

/// An unpacked token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) signature: Vec<u8>,
    /// The signed data: everything below, unparsed.
    pub(super) signed: Vec<u8>,
    pub(super) app_id: String,
    /// Seconds since 1970.
    pub(super) issued: u32,
    pub(super) expire: u32,
    pub(super) salt: u32,
    /// The chat services; the vendor's builders write one, and accept several.
    pub(super) chats: Vec<Chat>,
}

/// A chat service: its privileges, and its user.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chat {
    /// A privilege and its own `expire`.
    pub(super) privileges: Vec<(u16, u32)>,
    /// Empty in tokens of the app itself.
    pub(super) user: String,
}

impl Packed {
    /// `None`: not such a token.
    pub(super) fn unpack(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let deflated = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let unpacked = unpack_zlib(&deflated, MAX_UNPACKED)?;
        let mut reader = Reader(&unpacked);
        let signature = reader.bytes()?.to_vec();
        let signed = reader.0.to_vec();
        let (app_id, issued, expire, salt) = (reader.text()?, reader.u32()?, reader.u32()?, reader.u32()?);
        let chats = reader.chats()?;
        Some(Self { signature, signed, app_id, issued, expire, salt, chats })
    }
}

/// The unread rest.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let count = self.u16()?;
        self.take(count.into())
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    /// The chat services among all services.
    fn chats(&mut self) -> Option<Vec<Chat>> {
        let mut chats = Vec::new();
        for _ in 0..self.u16()? {
            let kind = self.u16()?;
            let privileges = self.privileges()?;
            if kind == CHAT {
                chats.push(Chat { privileges, user: self.text()? });
            } else if !is_known(kind) {
                // The length of an unknown service is unknown, so what follows cannot be read. The vendor's own parsers
                // stop here too, and its builders write services in ascending order: newer types come after the chat
                // service.
                break;
            } else {
                self.pass_over(kind)?;
            }
        }
        Some(chats)
    }

    fn privileges(&mut self) -> Option<Vec<(u16, u32)>> {
        (0..self.u16()?).map(|_| Some((self.u16()?, self.u32()?))).collect()
    }

    /// Skips the fields of a service after its privileges.
    fn pass_over(&mut self, kind: u16) -> Option<()> {
        match kind {
            // Voice and video, streaming, distribution: channel and user.
            1 | 3 | 6 => self.pass_over_texts(2),
            // Signalling: the user.
            2 => self.pass_over_texts(1),
            // Rooms as a service: room, user and a role.
            7 => {
                self.pass_over_texts(2)?;
                self.u16().map(drop)
            }
            // Signalling 2: the user, and nested lists of names by resource type and access type.
            8 => {
                self.pass_over_texts(1)?;
                for _ in 0..self.u16()? {
                    self.u16()?;
                    for _ in 0..self.u16()? {
                        self.u16()?;
                        let names = self.u16()?;
                        self.pass_over_texts(names)?;
                    }
                }
                Some(())
            }
            // Acceleration, conversational AI, speech to text: no fields.
            _ => Some(()),
        }
    }

    fn pass_over_texts(&mut self, count: u16) -> Option<()> {
        for _ in 0..count {
            self.bytes()?;
        }
        Some(())
    }
}

/// Whether [`Reader::pass_over`] knows the fields of such a service.
const fn is_known(kind: u16) -> bool {
    matches!(kind, 1..=4 | 6..=10)
}
