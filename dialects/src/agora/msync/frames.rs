//! The packets on the socket: read, and written.

use prost::{Message as _, bytes::Bytes};
use tidings_domain::{Error, Hidden, Reason, UnixMillis, decimal_id};

use super::{
    jid::{CONFERENCE_DOMAIN, USER_DOMAIN, jid_of},
    pb::{
        CommNotice, CommSyncDl, CommSyncUl, CommUnreadDl, EncryptType, Jid, MSync, Meta, MetaQueue, Provision, Status,
        msync::{Command, Version},
        provision::OsType,
    },
};
use crate::agora::dto;

/// A packet from a client.
#[derive(Debug)]
pub enum Frame {
    /// The first one: who connects.
    Login(Login),
    /// Asks which queues have something; also a heartbeat.
    Unread,
    /// Sends a message or another operation.
    Send(Box<Meta>),
    /// Fetches a queue after `key`, and acknowledges what came up to it.
    Pull {
        /// Which one.
        queue: Queue,
        /// The key of the last page; absent: from the first that is not acknowledged.
        key: Option<u64>,
    },
    /// The device logs out.
    Logout,
    /// A packet of the protocol that is for servers.
    Other,
}

/// Who connects.
#[derive(Debug)]
pub struct Login {
    /// `org#app`.
    pub app_key: String,
    /// The user's name.
    pub name: String,
    /// The token of the user.
    pub token: Hidden<String>,
    /// The device; two sessions with the same name replace each other.
    pub device: String,
    /// The kind of the device.
    pub platform: &'static str,
    /// What the client says of itself to the session that it takes the place of.
    pub reason: String,
    /// Whether it reads what a room shows in the answer to entering it. Older clients take that as no answer.
    pub reads_rooms: bool,
}

/// A queue of a device: the messages of one conversation that it has not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Queue {
    /// The other user, or the id of the group or room.
    pub name: String,
    /// Whether it is of a group or room.
    pub is_group: bool,
}

/// Maximum length of a name of a queue or a device.
const MAX_NAME: usize = 128;
/// Maximum length of [`Login::reason`]: SDKs allow 1,024 UTF-16 units.
const MAX_REASON: usize = 4 * 1024;
/// The first `actionVersion` whose clients read what a room shows.
const READS_ROOMS: u32 = 5;

/// Reads a packet.
pub fn parse(bytes: &[u8]) -> Result<Frame, Error> {
    let packet = MSync::decode(bytes).map_err(|cause| unreadable("frame", &cause))?;
    let payload = packet.payload.as_deref().unwrap_or_default();
    Ok(match packet.command() {
        Command::Provision => {
            let provision = Provision::decode(payload).map_err(|cause| unreadable("payload", &cause))?;
            Frame::Login(login(&packet, &provision)?)
        }
        Command::Unread => Frame::Unread,
        Command::Sync => {
            let sync = CommSyncUl::decode(payload).map_err(|cause| unreadable("payload", &cause))?;
            match (sync.meta, sync.queue) {
                (Some(meta), _) => Frame::Send(Box::new(meta)),
                (None, Some(queue)) => Frame::Pull { queue: queue_of(&queue)?, key: sync.key.filter(|key| *key > 0) },
                (None, None) => Frame::Other,
            }
        }
        Command::Logout => Frame::Logout,
        Command::Notice => Frame::Other,
    })
}

fn unreadable(field: &'static str, cause: &prost::DecodeError) -> Error {
    Error::invalid(field, format!("is not a message of this protocol: {cause}"))
}

fn login(packet: &MSync, provision: &Provision) -> Result<Login, Error> {
    let guid = packet.guid.clone().unwrap_or_default();
    // The one in the packet comes with every version; newer ones have it in JSON as well.
    let auth = packet.auth.clone().filter(|auth| !auth.is_empty());
    let token = auth.or_else(|| provision.auth.clone()).unwrap_or_default();
    let token = match provision.auth_token.as_deref().filter(|_| token.is_empty()) {
        Some(json) => serde_json::from_str::<dto::LoginToken<'_>>(json)
            .map_err(|cause| Error::invalid("authToken", format!("is not a JSON object with a token: {cause}")))?
            .token
            .into_owned(),
        None => token,
    };
    let token = token.strip_prefix("$t$").map_or(token.clone(), str::to_owned);
    let of_device = [&provision.resource, &guid.client_resource, &provision.device_uuid];
    let device = of_device.into_iter().flatten().find(|name| !name.is_empty()).cloned().unwrap_or_default();
    if device.is_empty() || device.len() > MAX_NAME || device.contains('\0') {
        return Err(Error::invalid("resource", format!("must be 1 to {MAX_NAME} bytes without U+0000")));
    }
    let (app_key, name) = (guid.app_key.unwrap_or_default(), guid.name.unwrap_or_default());
    let reason = provision.reason.clone().unwrap_or_default();
    if reason.len() > MAX_REASON || reason.contains('\0') {
        return Err(Error::invalid("reason", format!("must be at most {MAX_REASON} bytes without U+0000")));
    }
    let reads_rooms = action_version(provision) >= READS_ROOMS;
    let (token, platform) = (Hidden::new(token), platform(provision));
    Ok(Login { app_key, name, token, device, platform, reason, reads_rooms })
}

/// 5 of `v5.2`; 0: the client names none.
fn action_version(provision: &Provision) -> u32 {
    let written = provision.action_version.as_deref().and_then(|version| version.strip_prefix('v'));
    written.and_then(|version| version.split('.').next()?.parse().ok()).unwrap_or_default()
}

/// The SDKs of web pages say that their system is another one.
fn platform(provision: &Provision) -> &'static str {
    match provision.os_type.and_then(|os| OsType::try_from(os).ok()) {
        Some(OsType::Ios) => "ios",
        Some(OsType::Android) => "android",
        Some(OsType::Linux) => "linux",
        Some(OsType::Osx) => "osx",
        Some(OsType::Win) => "windows",
        Some(OsType::Custom | OsType::Other) | None => "web",
    }
}

fn queue_of(jid: &Jid) -> Result<Queue, Error> {
    let (name, domain) = (jid.name.as_deref().unwrap_or_default(), jid.domain.as_deref().unwrap_or_default());
    if name.len() > MAX_NAME {
        return Err(Error::invalid("queue", format!("must be at most {MAX_NAME} bytes")));
    }
    Ok(Queue { name: name.to_ascii_lowercase(), is_group: domain.starts_with("conference") })
}

impl Queue {
    /// The queue of a direct conversation.
    pub fn of_user(name: &str) -> Self {
        Self { name: name.to_ascii_lowercase(), is_group: false }
    }

    /// The queue of a group or room.
    pub fn of_group(id: i64) -> Self {
        Self { name: id.to_string(), is_group: true }
    }

    /// The id, if it is of a group or room.
    pub fn group(&self) -> Option<i64> {
        decimal_id(&self.name).filter(|_| self.is_group)
    }

    fn jid(&self, app_key: &str) -> Jid {
        let domain = if self.is_group { CONFERENCE_DOMAIN } else { USER_DOMAIN };
        jid_of(app_key, self.name.clone(), domain)
    }
}

/// The login succeeded; the token is valid up to that time, if it expires.
pub fn logged_in(device: &str, expires_at: Option<UnixMillis>) -> Vec<u8> {
    let until = expires_at.map(|at| crate::json::text_of(&dto::LoginEnd { expires_in: at.0 }));
    provisioned(Provision { auth_token: until, resource: Some(device.to_owned()), ..status_of(Outcome::ok()) })
}

/// The login is refused.
pub fn login_refused(device: &str, why: Outcome) -> Vec<u8> {
    provisioned(Provision { resource: Some(device.to_owned()), ..status_of(why) })
}

fn status_of(why: Outcome) -> Provision {
    Provision { status: Some(why.status()), encrypt_type: vec![EncryptType::None.into()], ..Provision::default() }
}

fn provisioned(provision: Provision) -> Vec<u8> {
    packet(Command::Provision, provision.encode_to_vec())
}

/// A status with its reason, whose words clients compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    code: i32,
    reason: String,
    why: Reason,
}

impl Outcome {
    /// Success.
    pub const fn ok() -> Self {
        Self { code: 0, reason: String::new(), why: Reason::InvalidArgument }
    }

    pub(super) fn failed(code: super::pb::status::ErrorCode, reason: impl Into<String>) -> Self {
        Self { code: code.into(), reason: reason.into(), why: Reason::InvalidArgument }
    }

    /// The same outcome, for another reason than that the packet breaks a rule.
    pub(super) fn because(self, why: Reason) -> Self {
        Self { why, ..self }
    }

    /// Why it failed, from the list that all protocols share.
    pub const fn why(&self) -> Reason {
        self.why
    }

    fn status(self) -> Status {
        let reason = (self.code != 0).then_some(self.reason);
        Status { error_code: Some(self.code), reason, redirect_info: Vec::new() }
    }
}

/// The answer to UNREAD.
pub fn unread(app_key: &str, queues: &[(Queue, usize)], now: UnixMillis) -> Vec<u8> {
    let unread = queues.iter().map(|(queue, n)| MetaQueue {
        queue: Some(queue.jid(app_key)),
        n: Some(u32::try_from(*n).unwrap_or(u32::MAX)),
    });
    let answer =
        CommUnreadDl { status: Some(Outcome::ok().status()), unread: unread.collect(), timestamp: Some(now.0 as u64) };
    packet(Command::Unread, answer.encode_to_vec())
}

/// There is something in a queue.
pub fn notice(app_key: &str, queue: &Queue) -> Vec<u8> {
    packet(Command::Notice, CommNotice { queue: Some(queue.jid(app_key)) }.encode_to_vec())
}

/// A page of a queue; `next_key` acknowledges it. Never the last one: that is [`last_page`], after the acknowledgement.
pub fn page(app_key: &str, queue: &Queue, metas: Vec<Bytes>, next_key: u64, now: UnixMillis) -> Vec<u8> {
    let page = EncodedPage {
        status: Some(Outcome::ok().status()),
        metas,
        next_key: Some(next_key),
        queue: Some(queue.jid(app_key)),
        is_last: Some(false),
        timestamp: Some(now.0 as u64),
    };
    packet(Command::Sync, page.encode_to_vec())
}

/// A queue has nothing more.
pub fn last_page(app_key: &str, queue: &Queue, now: UnixMillis) -> Vec<u8> {
    let page = CommSyncDl {
        status: Some(Outcome::ok().status()),
        queue: Some(queue.jid(app_key)),
        is_last: Some(true),
        timestamp: Some(now.0 as u64),
        ..CommSyncDl::default()
    };
    packet(Command::Sync, page.encode_to_vec())
}

/// A message that the client gets before the connection is closed; it does not acknowledge it.
pub fn parting(app_key: &str, user: &str, meta: Vec<u8>, now: UnixMillis) -> Vec<u8> {
    let page = EncodedPage {
        status: Some(Outcome::ok().status()),
        metas: vec![Bytes::from(meta)],
        next_key: None,
        queue: Some(Queue::of_user(user).jid(app_key)),
        is_last: Some(true),
        timestamp: Some(now.0 as u64),
    };
    packet(Command::Sync, page.encode_to_vec())
}

/// [`CommSyncDl`] with metas that are encoded already: one is encoded once for all its receivers.
#[derive(Clone, PartialEq, prost::Message)]
struct EncodedPage {
    #[prost(message, optional, tag = "1")]
    status: Option<Status>,
    #[prost(bytes = "bytes", repeated, tag = "4")]
    metas: Vec<Bytes>,
    #[prost(uint64, optional, tag = "5")]
    next_key: Option<u64>,
    #[prost(message, optional, tag = "6")]
    queue: Option<Jid>,
    #[prost(bool, optional, tag = "7")]
    is_last: Option<bool>,
    #[prost(uint64, optional, tag = "8")]
    timestamp: Option<u64>,
}

/// What an operation's answer has in addition to its status.
#[derive(Debug)]
pub struct Answered {
    /// The id of the message that it made or concerns.
    pub server_id: Option<u64>,
    /// When.
    pub at: UnixMillis,
    /// The outcome, as the client gets it.
    pub metas: Vec<Meta>,
}

/// An operation succeeded; `meta_id` is the client's id of it.
pub fn answered(meta_id: u64, outcome: Answered) -> Vec<u8> {
    let Answered { server_id, at, metas } = outcome;
    let status = Some(Outcome::ok().status());
    let timestamp = Some(at.0 as u64);
    let answer = CommSyncDl { status, meta_id: Some(meta_id), server_id, timestamp, metas, ..CommSyncDl::default() };
    packet(Command::Sync, answer.encode_to_vec())
}

/// An operation is refused.
pub fn refused(meta_id: u64, why: Outcome, now: UnixMillis) -> Vec<u8> {
    let answer = CommSyncDl {
        status: Some(why.status()),
        meta_id: Some(meta_id),
        timestamp: Some(now.0 as u64),
        ..CommSyncDl::default()
    };
    packet(Command::Sync, answer.encode_to_vec())
}

/// The device is logged out.
pub fn logged_out() -> Vec<u8> {
    let answer = super::pb::Logout { status: Some(Outcome::ok().status()), ..super::pb::Logout::default() };
    packet(Command::Logout, answer.encode_to_vec())
}

fn packet(command: Command, payload: Vec<u8>) -> Vec<u8> {
    let packet = MSync {
        version: Some(Version::V2.into()),
        command: Some(command.into()),
        encrypt_type: vec![EncryptType::None.into()],
        payload: Some(payload),
        ..MSync::default()
    };
    packet.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_encoded_metas_is_a_page_of_metas() {
        let metas = [1, 2].map(|id| Meta { id: Some(id), ..Meta::default() });
        let encoded = metas.iter().map(|meta| Bytes::from(meta.encode_to_vec())).collect();
        let queue = Queue::of_group(17);
        let packet = MSync::decode(&*page("acme#lobby", &queue, encoded, 9, UnixMillis(5))).unwrap();
        let page = CommSyncDl::decode(&*packet.payload.unwrap()).unwrap();
        assert_eq!(page.metas, metas);
        assert_eq!((page.next_key, page.is_last, page.timestamp), (Some(9), Some(false), Some(5)));
        assert_eq!(queue_of(&page.queue.unwrap()).unwrap(), queue);
    }

    #[test]
    fn a_login_has_its_token_in_the_packet_or_in_json() {
        let packet = |auth: Option<&str>| MSync {
            guid: Some(jid_of("acme#lobby", "nora".to_owned(), USER_DOMAIN)),
            auth: auth.map(str::to_owned),
            ..MSync::default()
        };
        let auth_token = Some(r#"{"token":"$t$abc"}"#.to_owned());
        let provision = Provision { resource: Some("webim_1".to_owned()), auth_token, ..Provision::default() };
        assert_eq!(login(&packet(Some("$t$def")), &provision).unwrap().token.expose(), "def");
        assert_eq!(login(&packet(None), &provision).unwrap().token.expose(), "abc");
        assert!(!format!("{:?}", login(&packet(None), &provision)).contains("abc"), "tokens are in no log");
        for (version, reads_rooms) in [(None, false), (Some("v2.0"), false), (Some("v5.0"), true), (Some("5"), false)] {
            let action_version = version.map(str::to_owned);
            let provision = Provision { action_version, ..provision.clone() };
            assert_eq!(login(&packet(None), &provision).unwrap().reads_rooms, reads_rooms, "{version:?}");
        }
        let too_long = Provision { reason: Some("x".repeat(MAX_REASON + 1)), ..provision.clone() };
        assert!(login(&packet(None), &too_long).unwrap_err().to_string().contains("reason"));
        let no_device = Provision { resource: None, ..provision };
        assert!(login(&packet(None), &no_device).unwrap_err().to_string().contains("resource"));
    }

    #[test]
    fn garbage_is_refused() {
        assert!(parse(b"\xff\xff\xff").unwrap_err().to_string().contains("frame"));
        assert!(matches!(parse(b""), Ok(Frame::Other)));
    }
}
