//! A chat message on the wire.

/// One entry of a queue or a history: the envelope of `payload`, whose type is given by `ns`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Meta {
    #[prost(uint64, optional, tag = "1")]
    pub id: Option<u64>,
    #[prost(message, optional, tag = "2")]
    pub from: Option<Jid>,
    #[prost(message, optional, tag = "3")]
    pub to: Option<Jid>,
    #[prost(uint64, optional, tag = "4")]
    pub timestamp: Option<u64>,
    #[prost(enumeration = "meta::NameSpace", optional, tag = "5")]
    pub ns: Option<i32>,
    #[prost(bytes = "vec", optional, tag = "6")]
    pub payload: Option<Vec<u8>>,
    #[prost(enumeration = "meta::RouteType", optional, tag = "7")]
    pub routetype: Option<i32>,
    #[prost(message, repeated, tag = "8")]
    pub ext: Vec<KeyValue>,
    #[prost(bytes = "vec", optional, tag = "9")]
    pub meta: Option<Vec<u8>>,
    #[prost(string, repeated, tag = "10")]
    pub directed_users: Vec<String>,
}

pub mod meta {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum NameSpace {
        Statistic = 0,
        Chat = 1,
        Muc = 2,
        Roster = 3,
        Conference = 4,
        Notify = 5,
        Query = 6,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum RouteType {
        All = 0,
        Online = 1,
        Direct = 2,
    }
}

/// The payload of a [`Meta`] whose `ns` is CHAT.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MessageBody {
    #[prost(enumeration = "message_body::Type", optional, tag = "1")]
    pub kind: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub from: Option<Jid>,
    #[prost(message, optional, tag = "3")]
    pub to: Option<Jid>,
    #[prost(message, repeated, tag = "4")]
    pub contents: Vec<message_body::Content>,
    #[prost(message, repeated, tag = "5")]
    pub ext: Vec<KeyValue>,
    #[prost(uint64, optional, tag = "6")]
    pub ack_message_id: Option<u64>,
    #[prost(message, optional, tag = "7")]
    pub msg_config: Option<message_body::MessageConfig>,
    #[prost(string, optional, tag = "8")]
    pub ack_content: Option<String>,
    #[prost(string, optional, tag = "9")]
    pub meta: Option<String>,
    #[prost(uint64, optional, tag = "11")]
    pub edit_message_id: Option<u64>,
    #[prost(enumeration = "message_body::EditScope", optional, tag = "12")]
    pub edit_scope: Option<i32>,
    #[prost(message, optional, tag = "13")]
    pub stream: Option<message_body::Stream>,
}

pub mod message_body {
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Content {
        #[prost(enumeration = "content::Type", optional, tag = "1")]
        pub kind: Option<i32>,
        #[prost(string, optional, tag = "2")]
        pub text: Option<String>,
        #[prost(double, optional, tag = "3")]
        pub latitude: Option<f64>,
        #[prost(double, optional, tag = "4")]
        pub longitude: Option<f64>,
        #[prost(string, optional, tag = "5")]
        pub address: Option<String>,
        #[prost(string, optional, tag = "6")]
        pub display_name: Option<String>,
        #[prost(string, optional, tag = "7")]
        pub remote_path: Option<String>,
        #[prost(string, optional, tag = "8")]
        pub secret_key: Option<String>,
        #[prost(int32, optional, tag = "9")]
        pub file_length: Option<i32>,
        #[prost(string, optional, tag = "10")]
        pub action: Option<String>,
        #[prost(message, repeated, tag = "11")]
        pub params: Vec<super::KeyValue>,
        #[prost(int32, optional, tag = "12")]
        pub duration: Option<i32>,
        #[prost(message, optional, tag = "13")]
        pub size: Option<content::Size>,
        #[prost(string, optional, tag = "14")]
        pub thumbnail_remote_path: Option<String>,
        #[prost(string, optional, tag = "15")]
        pub thumbnail_secret_key: Option<String>,
        #[prost(string, optional, tag = "16")]
        pub thumbnail_display_name: Option<String>,
        #[prost(int32, optional, tag = "17")]
        pub thumbnail_file_length: Option<i32>,
        #[prost(message, optional, tag = "18")]
        pub thumbnail_size: Option<content::Size>,
        #[prost(string, optional, tag = "19")]
        pub custom_event: Option<String>,
        #[prost(message, repeated, tag = "20")]
        pub custom_exts: Vec<super::KeyValue>,
        #[prost(string, optional, tag = "21")]
        pub building_name: Option<String>,
        #[prost(enumeration = "content::SubType", optional, tag = "22")]
        pub sub_type: Option<i32>,
        #[prost(string, optional, tag = "23")]
        pub title: Option<String>,
        #[prost(string, optional, tag = "24")]
        pub summary: Option<String>,
        #[prost(int32, optional, tag = "25")]
        pub combine_level: Option<i32>,
    }

    pub mod content {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
        #[repr(i32)]
        pub enum Type {
            Text = 0,
            Image = 1,
            Video = 2,
            Location = 3,
            Voice = 4,
            File = 5,
            Command = 6,
            Custom = 7,
            Combine = 8,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct Size {
            #[prost(double, optional, tag = "1")]
            pub width: Option<f64>,
            #[prost(double, optional, tag = "2")]
            pub height: Option<f64>,
        }

        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
        #[repr(i32)]
        pub enum SubType {
            Combine = 0,
            Gif = 1,
            SubStream = 10,
        }
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum Type {
        Normal = 0,
        Chat = 1,
        Groupchat = 2,
        Chatroom = 3,
        ReadAck = 4,
        DeliverAck = 5,
        Recall = 6,
        ChannelAck = 7,
        Edit = 8,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum EditScope {
        Body = 1,
        BodyAndExt = 2,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct MessageConfig {
        #[prost(bool, optional, tag = "1")]
        pub allow_group_ack: Option<bool>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Stream {
        #[prost(string, optional, tag = "1")]
        pub stream_type: Option<String>,
        #[prost(uint64, optional, tag = "2")]
        pub stream_seq: Option<u64>,
        #[prost(enumeration = "stream::StreamStatus", optional, tag = "3")]
        pub stream_status: Option<i32>,
        #[prost(uint32, optional, tag = "4")]
        pub stream_error: Option<u32>,
        #[prost(int32, optional, tag = "5")]
        pub stream_finish_reason: Option<i32>,
    }

    pub mod stream {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
        #[repr(i32)]
        pub enum StreamStatus {
            Start = 0,
            InProgress = 1,
            Completed = 2,
            Full = 3,
        }
    }
}

/// One entry of an `ext`; `kind` says which of the values counts.
#[derive(Clone, PartialEq, prost::Message)]
pub struct KeyValue {
    #[prost(string, optional, tag = "1")]
    pub key: Option<String>,
    #[prost(enumeration = "key_value::ValueType", optional, tag = "2")]
    pub kind: Option<i32>,
    #[prost(oneof = "key_value::Value", tags = "3, 4, 5, 6")]
    pub value: Option<key_value::Value>,
}

pub mod key_value {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Value {
        #[prost(int64, tag = "3")]
        Varint(i64),
        #[prost(float, tag = "4")]
        Float(f32),
        #[prost(double, tag = "5")]
        Double(f64),
        #[prost(string, tag = "6")]
        String(String),
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum ValueType {
        Bool = 1,
        Int = 2,
        Uint = 3,
        Llint = 4,
        Float = 5,
        Double = 6,
        String = 7,
        JsonString = 8,
    }
}

/// A user, group or device of an app.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Jid {
    #[prost(string, optional, tag = "1")]
    pub app_key: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub domain: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub client_resource: Option<String>,
}
