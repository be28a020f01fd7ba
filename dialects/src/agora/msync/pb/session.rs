//! Frames, logins and the queues of a device.

use super::{Jid, Meta};

/// The frame of every packet on the WebSocket; the type of `payload` follows from `command`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MSync {
    #[prost(enumeration = "msync::Version", optional, tag = "1")]
    pub version: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub guid: Option<Jid>,
    #[prost(string, optional, tag = "3")]
    pub auth: Option<String>,
    #[prost(uint32, optional, tag = "4")]
    pub compress_algorimth: Option<u32>,
    #[prost(uint32, optional, tag = "5")]
    pub crypto: Option<u32>,
    #[prost(string, optional, tag = "6")]
    pub user_agent: Option<String>,
    #[prost(uint64, optional, tag = "7")]
    pub pov: Option<u64>,
    #[prost(enumeration = "msync::Command", optional, tag = "8")]
    pub command: Option<i32>,
    #[prost(uint32, optional, tag = "10")]
    pub device_id: Option<u32>,
    #[prost(enumeration = "EncryptType", repeated, packed = "false", tag = "11")]
    pub encrypt_type: Vec<i32>,
    #[prost(string, optional, tag = "12")]
    pub encrypt_key: Option<String>,
    #[prost(bytes = "vec", optional, tag = "9")]
    pub payload: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "20")]
    pub trace_id: Option<u64>,
}

pub mod msync {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum Version {
        V1 = 0,
        V2 = 1,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum Command {
        Sync = 0,
        Unread = 1,
        Notice = 2,
        Provision = 3,
        Logout = 4,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum EncryptType {
    None = 0,
    Aes128Cbc = 1,
    Aes256Cbc = 2,
}

/// The login of a device, up and down.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Provision {
    #[prost(enumeration = "provision::OsType", optional, tag = "1")]
    pub os_type: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub version: Option<String>,
    #[prost(enumeration = "provision::NetworkType", optional, tag = "3")]
    pub network_type: Option<i32>,
    #[prost(string, optional, tag = "4")]
    pub app_sign: Option<String>,
    #[prost(enumeration = "provision::CompressType", repeated, packed = "false", tag = "5")]
    pub compress_type: Vec<i32>,
    #[prost(enumeration = "EncryptType", repeated, packed = "false", tag = "6")]
    pub encrypt_type: Vec<i32>,
    #[prost(string, optional, tag = "7")]
    pub encrypt_key: Option<String>,
    #[prost(message, optional, tag = "8")]
    pub status: Option<Status>,
    #[prost(string, optional, tag = "9")]
    pub device_uuid: Option<String>,
    #[prost(bool, optional, tag = "10")]
    pub is_manual_login: Option<bool>,
    #[prost(string, optional, tag = "11")]
    pub password: Option<String>,
    #[prost(string, optional, tag = "12")]
    pub device_name: Option<String>,
    #[prost(string, optional, tag = "13")]
    pub resource: Option<String>,
    #[prost(string, optional, tag = "14")]
    pub auth: Option<String>,
    #[prost(string, optional, tag = "16")]
    pub service_id: Option<String>,
    #[prost(string, optional, tag = "17")]
    pub action_version: Option<String>,
    #[prost(string, optional, tag = "18")]
    pub auth_token: Option<String>,
    #[prost(uint32, optional, tag = "19")]
    pub os_custom_value: Option<u32>,
    #[prost(string, optional, tag = "20")]
    pub session_id: Option<String>,
    #[prost(string, optional, tag = "21")]
    pub reason: Option<String>,
    #[prost(enumeration = "provision::CompressType", repeated, tag = "22")]
    pub protocol_compress_type: Vec<i32>,
    #[prost(enumeration = "provision::CompressDirection", optional, tag = "23")]
    pub protocol_compress_direction: Option<i32>,
}

pub mod provision {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum OsType {
        Ios = 0,
        Android = 1,
        Linux = 2,
        Osx = 3,
        Win = 4,
        Custom = 5,
        Other = 16,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum NetworkType {
        None = 0,
        Wifi = 1,
        Mobile4g = 2,
        Mobile3g = 3,
        Mobile2g = 4,
        Wire = 5,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum CompressType {
        None = 0,
        Zlib = 1,
        Lz4 = 2,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum CompressDirection {
        OnlyUp = 0,
        OnlyDown = 1,
        Bi = 2,
    }
}

/// The payload of LOGOUT.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Logout {
    #[prost(string, optional, tag = "1")]
    pub session_id: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub reason: Option<String>,
    #[prost(message, optional, tag = "3")]
    pub status: Option<Status>,
}

/// The outcome of a request.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Status {
    #[prost(enumeration = "status::ErrorCode", optional, tag = "1")]
    pub error_code: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub reason: Option<String>,
    #[prost(message, repeated, tag = "3")]
    pub redirect_info: Vec<RedirectInfo>,
}

pub mod status {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum ErrorCode {
        Ok = 0,
        Fail = 1,
        Unauthorized = 2,
        MissingParameter = 3,
        WrongParameter = 4,
        Redirect = 5,
        TokenExpired = 6,
        PermissionDenied = 7,
        NoRoute = 8,
        UnknownCommand = 9,
        PbParserError = 10,
        BindAnotherDevice = 11,
        ImForbidden = 12,
        TooManyDevices = 13,
        PlatformLimit = 14,
        UserMuted = 15,
        EncryptDisable = 16,
        EncryptEnable = 17,
        DecryptFailure = 18,
        PermissionDeniedExternal = 19,
    }
}

/// Another server to connect to.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RedirectInfo {
    #[prost(string, optional, tag = "1")]
    pub host: Option<String>,
    #[prost(uint32, optional, tag = "2")]
    pub port: Option<u32>,
}

/// The payload of SYNC upwards: sends `meta`, or fetches `queue` after `key`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CommSyncUl {
    #[prost(message, optional, tag = "1")]
    pub meta: Option<Meta>,
    #[prost(uint64, optional, tag = "2")]
    pub key: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub queue: Option<Jid>,
    #[prost(bool, optional, tag = "4")]
    pub is_roam: Option<bool>,
    #[prost(uint64, optional, tag = "5")]
    pub last_full_roam_key: Option<u64>,
}

/// The payload of SYNC downwards: the outcome of a send, or a page of a queue.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CommSyncDl {
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
    #[prost(uint64, optional, tag = "2")]
    pub meta_id: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    pub server_id: Option<u64>,
    #[prost(message, repeated, tag = "4")]
    pub metas: Vec<Meta>,
    #[prost(uint64, optional, tag = "5")]
    pub next_key: Option<u64>,
    #[prost(message, optional, tag = "6")]
    pub queue: Option<Jid>,
    #[prost(bool, optional, tag = "7")]
    pub is_last: Option<bool>,
    #[prost(uint64, optional, tag = "8")]
    pub timestamp: Option<u64>,
    #[prost(bool, optional, tag = "9")]
    pub is_roam: Option<bool>,
}

/// The payload of NOTICE: there is something new in a queue.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CommNotice {
    #[prost(message, optional, tag = "1")]
    pub queue: Option<Jid>,
}

/// The payload of UNREAD upwards, empty; also a heartbeat.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CommUnreadUl {}

/// The payload of UNREAD downwards: the queues that have something for the device.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CommUnreadDl {
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
    #[prost(message, repeated, tag = "2")]
    pub unread: Vec<MetaQueue>,
    #[prost(uint64, optional, tag = "3")]
    pub timestamp: Option<u64>,
}

/// A queue and how much it has for the device.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MetaQueue {
    #[prost(message, optional, tag = "1")]
    pub queue: Option<Jid>,
    #[prost(uint32, optional, tag = "2")]
    pub n: Option<u32>,
}
