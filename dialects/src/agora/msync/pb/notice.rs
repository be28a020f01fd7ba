//! What happens around messages: groups and rooms, contacts, other devices.

use super::Jid;

/// The payload of a `Meta` whose `ns` is MUC: what happens to a group or room.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MucBody {
    #[prost(message, optional, tag = "1")]
    pub muc_id: Option<Jid>,
    #[prost(enumeration = "muc_body::Operation", optional, tag = "2")]
    pub operation: Option<i32>,
    #[prost(message, optional, tag = "3")]
    pub from: Option<Jid>,
    #[prost(message, repeated, tag = "4")]
    pub to: Vec<Jid>,
    #[prost(message, optional, tag = "5")]
    pub setting: Option<muc_body::Setting>,
    #[prost(string, optional, tag = "6")]
    pub reason: Option<String>,
    #[prost(bool, optional, tag = "7")]
    pub is_chatroom: Option<bool>,
    #[prost(message, optional, tag = "8")]
    pub status: Option<muc_body::Status>,
    #[prost(bool, optional, tag = "9")]
    pub is_thread: Option<bool>,
    #[prost(message, optional, tag = "10")]
    pub muc_parent_id: Option<Jid>,
    #[prost(string, optional, tag = "11")]
    pub muc_name: Option<String>,
    #[prost(message, optional, tag = "12")]
    pub event_info: Option<muc_body::EventInfo>,
    #[prost(int32, optional, tag = "13")]
    pub muc_member_count: Option<i32>,
    #[prost(string, optional, tag = "14")]
    pub ext: Option<String>,
    #[prost(bool, optional, tag = "15")]
    pub leave_other_rooms: Option<bool>,
    #[prost(string, repeated, tag = "16")]
    pub members: Vec<String>,
}

pub mod muc_body {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum Operation {
        Create = 0,
        Destroy = 1,
        Join = 2,
        Leave = 3,
        Apply = 4,
        ApplyAccept = 5,
        ApplyDecline = 6,
        Invite = 7,
        InviteAccept = 8,
        InviteDecline = 9,
        Kick = 10,
        GetBlacklist = 11,
        Ban = 12,
        Allow = 13,
        Update = 14,
        Block = 15,
        Unblock = 16,
        Presence = 17,
        Absence = 18,
        DirectJoined = 19,
        AssignOwner = 20,
        AddAdmin = 21,
        RemoveAdmin = 22,
        AddMute = 23,
        RemoveMute = 24,
        UpdateAnnouncement = 25,
        DeleteAnnouncement = 26,
        UploadFile = 27,
        DeleteFile = 28,
        AddUserWhiteList = 29,
        RemoveUserWhiteList = 30,
        BanGroup = 31,
        RemoveBanGroup = 32,
        ThreadCreate = 33,
        ThreadDestroy = 34,
        ThreadJoin = 35,
        ThreadLeave = 36,
        ThreadKick = 37,
        ThreadUpdate = 38,
        ThreadPresence = 39,
        ThreadAbsence = 40,
        DisableGroup = 41,
        AbleGroup = 42,
        SetMetadata = 43,
        DeleteMetadata = 44,
        GroupMemberMetadataUpdate = 45,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Setting {
        #[prost(string, optional, tag = "1")]
        pub name: Option<String>,
        #[prost(string, optional, tag = "2")]
        pub desc: Option<String>,
        #[prost(enumeration = "setting::Type", optional, tag = "3")]
        pub kind: Option<i32>,
        #[prost(int32, optional, tag = "4")]
        pub max_users: Option<i32>,
        #[prost(string, optional, tag = "5")]
        pub owner: Option<String>,
    }

    pub mod setting {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
        #[repr(i32)]
        pub enum Type {
            PrivateOwnerInvite = 0,
            PrivateMemberInvite = 1,
            PublicJoinApproval = 2,
            PublicJoinOpen = 3,
            PublicAnonymous = 4,
        }
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Status {
        #[prost(enumeration = "status::ErrorCode", optional, tag = "1")]
        pub error_code: Option<i32>,
        #[prost(string, optional, tag = "2")]
        pub description: Option<String>,
        #[prost(string, optional, tag = "3")]
        pub chatroom_info: Option<String>,
    }

    pub mod status {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
        #[repr(i32)]
        pub enum ErrorCode {
            Ok = 0,
            PermissionDenied = 1,
            WrongParameter = 2,
            MucNotExist = 3,
            UserNotExist = 4,
            Unknown = 5,
        }
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct EventInfo {
        #[prost(enumeration = "event_info::EventType", optional, tag = "1")]
        pub event_type: Option<i32>,
        #[prost(string, optional, tag = "2")]
        pub ext: Option<String>,
    }

    pub mod event_info {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
        #[repr(i32)]
        pub enum EventType {
            EventNone = 0,
            CircleChannel = 1,
        }
    }
}

/// The payload of a `Meta` whose `ns` is ROSTER: what happens between contacts.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RosterBody {
    #[prost(enumeration = "roster_body::Operation", optional, tag = "1")]
    pub operation: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub status: Option<roster_body::Status>,
    #[prost(message, optional, tag = "3")]
    pub from: Option<Jid>,
    #[prost(message, repeated, tag = "4")]
    pub to: Vec<Jid>,
    #[prost(string, optional, tag = "5")]
    pub reason: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub roster_ver: Option<String>,
    #[prost(bool, optional, tag = "7")]
    pub bi_direction: Option<bool>,
}

pub mod roster_body {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum Operation {
        GetRoster = 0,
        GetBlacklist = 1,
        Add = 2,
        Remove = 3,
        Accept = 4,
        Decline = 5,
        Ban = 6,
        Allow = 7,
        RemoteAccept = 8,
        RemoteDecline = 9,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Status {
        #[prost(enumeration = "status::ErrorCode", optional, tag = "1")]
        pub error_code: Option<i32>,
        #[prost(string, optional, tag = "2")]
        pub description: Option<String>,
    }

    pub mod status {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
        #[repr(i32)]
        pub enum ErrorCode {
            Ok = 0,
            UserNotExist = 1,
            UserAlreadyFriend = 2,
            UserAlreadyBlacklist = 3,
        }
    }
}

/// The payload of a `Meta` whose `ns` is STATISTIC: what happens to the login of a device.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StatisticsBody {
    #[prost(enumeration = "statistics_body::Operation", optional, tag = "1")]
    pub operation: Option<i32>,
    #[prost(enumeration = "statistics_body::OsType", optional, tag = "2")]
    pub os: Option<i32>,
    #[prost(string, optional, tag = "3")]
    pub version: Option<String>,
    #[prost(enumeration = "statistics_body::NetworkType", optional, tag = "4")]
    pub network: Option<i32>,
    #[prost(uint32, optional, tag = "5")]
    pub im_time: Option<u32>,
    #[prost(uint32, optional, tag = "6")]
    pub chat_time: Option<u32>,
    #[prost(string, optional, tag = "7")]
    pub location: Option<String>,
    #[prost(string, optional, tag = "10")]
    pub reason: Option<String>,
}

pub mod statistics_body {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum Operation {
        Information = 0,
        UserRemoved = 1,
        UserLoginAnotherDevice = 2,
        UserKickedByChangePassword = 3,
        UserKickedByOtherDevice = 4,
    }

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
}
