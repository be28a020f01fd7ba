//! The wire names of the Tencent dialect. Fields are documented in tencent.md.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::number::{Decimal, Integer, Number};

/// The names of the elements (tencent.md 5).
pub const TEXT: &str = "TIMTextElem";
pub const LOCATION: &str = "TIMLocationElem";
pub const CUSTOM: &str = "TIMCustomElem";
pub const SOUND: &str = "TIMSoundElem";
pub const IMAGE: &str = "TIMImageElem";
pub const FILE: &str = "TIMFileElem";
pub const VIDEO: &str = "TIMVideoFileElem";

/// The values of `Desc` in our own custom elements.
pub const COMMAND_DESC: &str = "command";
pub const CUSTOM_DESC: &str = "custom";
pub const FORWARD_DESC: &str = "forward";

/// The keys of other custom elements.
pub const CUSTOM_KEYS: [&str; 4] = ["Data", "Desc", "Ext", "Sound"];

/// The fields of a callback on a one-to-one message, in the order of the seed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Direct<'a> {
    pub callback_command: &'static str,
    #[serde(rename = "From_Account")]
    pub from: &'a str,
    #[serde(rename = "To_Account")]
    pub to: &'a str,
    pub msg_seq: u32,
    pub msg_random: u32,
    pub msg_time: u32,
    pub msg_key: String,
    pub online_only_flag: u8,
    #[serde(flatten)]
    pub outcome: Option<Outcome<'a>>,
    pub msg_body: &'a [Element<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_custom_data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_time: Option<i64>,
}

/// Only in the callback after the sending.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outcome<'a> {
    pub send_msg_result: i32,
    pub error_info: &'a str,
    pub unread_msg_num: i32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Withdrawn<'a> {
    pub callback_command: &'static str,
    #[serde(rename = "From_Account")]
    pub from: &'a str,
    #[serde(rename = "To_Account")]
    pub to: &'a str,
    pub msg_key: String,
    pub unread_msg_num: i32,
    pub event_time: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Read<'a> {
    pub callback_command: &'static str,
    #[serde(rename = "Report_Account")]
    pub reader: &'a str,
    #[serde(rename = "Peer_Account")]
    pub peer: &'a str,
    pub last_read_time: u32,
    pub unread_msg_num: i32,
    pub event_time: i64,
}

/// The fields of a callback on a group message: the random is `Random` here.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Said<'a> {
    pub callback_command: &'static str,
    pub group_id: String,
    #[serde(rename = "Type")]
    pub kind: &'static str,
    #[serde(rename = "From_Account")]
    pub from: &'a str,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    pub random: u32,
    /// Only in the callback after the sending, with the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_seq: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_time: Option<u32>,
    pub online_only_flag: u8,
    /// Present if it was refused; the vendor's own callback has none.
    #[serde(flatten)]
    pub outcome: Option<Outcome<'a>>,
    pub msg_body: &'a [Element<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_custom_data: Option<&'a str>,
    pub event_time: i64,
    #[serde(rename = "GroupAtInfo", skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention<'a>>,
}

#[derive(Serialize)]
pub struct Mention<'a> {
    #[serde(rename = "GroupAtAllFlag")]
    pub all: u8,
    #[serde(rename = "GroupAt_Account", skip_serializing_if = "Option::is_none")]
    pub account: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Taken<'a> {
    pub callback_command: &'static str,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    #[serde(rename = "Type")]
    pub kind: &'static str,
    pub group_id: String,
    pub msg_seq_list: Vec<Seq>,
    pub event_time: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Seq {
    pub msg_seq: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StateChange<'a> {
    pub callback_command: &'static str,
    pub event_time: i64,
    pub info: StateInfo<'a>,
    #[serde(rename = "KickedDevice", skip_serializing_if = "Vec::is_empty")]
    pub kicked: Vec<Kicked<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StateInfo<'a> {
    pub action: &'static str,
    #[serde(rename = "To_Account")]
    pub account: &'a str,
    pub reason: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Kicked<'a> {
    pub platform: &'a str,
}

/// tencent.md 5.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Element<'a> {
    pub msg_type: &'static str,
    pub msg_content: ElementContent<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum ElementContent<'a> {
    Text(Text<'a>),
    Location(Location<'a>),
    Custom(Custom<'a>),
    Sound(Sound<'a>),
    Image(Image<'a>),
    File(File<'a>),
    Video(Video<'a>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Text<'a> {
    pub text: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Location<'a> {
    pub desc: &'a str,
    pub latitude: &'a RawValue,
    pub longitude: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Custom<'a> {
    #[serde(default, deserialize_with = "or_default")]
    pub data: Cow<'a, str>,
    #[serde(default, deserialize_with = "or_default")]
    pub desc: Cow<'a, str>,
    #[serde(default, deserialize_with = "or_default")]
    pub ext: Cow<'a, str>,
    #[serde(default, deserialize_with = "or_default")]
    pub sound: Cow<'a, str>,
}

/// The underscore is used here and in files, not in videos.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Sound<'a> {
    pub url: &'a str,
    #[serde(rename = "UUID")]
    pub uuid: &'a str,
    pub size: u64,
    pub second: u32,
    #[serde(rename = "Download_Flag")]
    pub download_flag: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Image<'a> {
    #[serde(rename = "UUID")]
    pub uuid: &'a str,
    pub image_format: u8,
    pub image_info_array: [ImageInfo<'a>; 3],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageInfo<'a> {
    #[serde(rename = "Type")]
    pub kind: u8,
    pub size: u64,
    pub width: u32,
    pub height: u32,
    #[serde(rename = "URL")]
    pub url: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct File<'a> {
    pub url: &'a str,
    #[serde(rename = "UUID")]
    pub uuid: &'a str,
    pub file_size: u64,
    pub file_name: &'a str,
    #[serde(rename = "Download_Flag")]
    pub download_flag: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Video<'a> {
    pub video_url: &'a str,
    #[serde(rename = "VideoUUID")]
    pub video_uuid: &'a str,
    pub video_size: u64,
    pub video_second: u32,
    pub video_format: &'a str,
    pub video_download_flag: u8,
    pub thumb_url: &'a str,
    #[serde(rename = "ThumbUUID")]
    pub thumb_uuid: &'a str,
    pub thumb_size: u64,
    pub thumb_width: u32,
    pub thumb_height: u32,
    pub thumb_format: &'a str,
    pub thumb_download_flag: u8,
}

/// A value of another type, and `null`, count as absent.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// The same, where absent is a value too.
fn or_default<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    lenient(deserializer).map(Option::unwrap_or_default)
}

/// An element written by another server.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ElementIn<'a> {
    pub msg_type: String,
    #[serde(borrow)]
    pub msg_content: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LocationIn {
    pub latitude: Decimal,
    pub longitude: Decimal,
    #[serde(default, deserialize_with = "lenient")]
    pub desc: Option<String>,
}

/// The common keys of audio and files; old SDKs send no `Url` (tencent.md 5).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BytesIn {
    #[serde(default, deserialize_with = "or_default")]
    pub url: String,
    #[serde(alias = "FileSize", default, deserialize_with = "lenient")]
    pub size: Option<Integer>,
    #[serde(default, deserialize_with = "lenient")]
    pub second: Option<Number>,
    #[serde(default, deserialize_with = "lenient")]
    pub file_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageIn {
    #[serde(default, deserialize_with = "or_default")]
    pub image_info_array: Vec<ImageInfoIn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageInfoIn {
    #[serde(rename = "Type", default, deserialize_with = "lenient")]
    pub kind: Option<Integer>,
    #[serde(default, deserialize_with = "lenient")]
    pub size: Option<Integer>,
    #[serde(default, deserialize_with = "lenient")]
    pub width: Option<Number>,
    #[serde(default, deserialize_with = "lenient")]
    pub height: Option<Number>,
    #[serde(rename = "URL", default, deserialize_with = "or_default")]
    pub url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VideoIn {
    #[serde(default, deserialize_with = "or_default")]
    pub video_url: String,
    #[serde(default, deserialize_with = "lenient")]
    pub video_size: Option<Integer>,
    #[serde(default, deserialize_with = "lenient")]
    pub video_second: Option<Number>,
    #[serde(default, deserialize_with = "or_default")]
    pub thumb_url: String,
    #[serde(default, deserialize_with = "lenient")]
    pub thumb_size: Option<Integer>,
    #[serde(default, deserialize_with = "lenient")]
    pub thumb_width: Option<Number>,
    #[serde(default, deserialize_with = "lenient")]
    pub thumb_height: Option<Number>,
}

/// A receiver's answer (tencent.md 1, 6); no key is required.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Answer<'a> {
    #[serde(default, deserialize_with = "lenient")]
    pub action_status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub error_code: Option<Integer>,
    #[serde(default, deserialize_with = "or_default")]
    pub error_info: String,
    #[serde(borrow, default)]
    pub msg_body: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "or_default")]
    pub cloud_custom_data: String,
}

/// The common keys of callbacks about a group (tencent.md 6).
#[derive(Serialize)]
pub struct ChangedGroup {
    #[serde(rename = "CallbackCommand")]
    pub callback_command: &'static str,
    #[serde(rename = "GroupId")]
    pub group_id: String,
    #[serde(rename = "Type")]
    pub kind: &'static str,
    #[serde(rename = "EventTime")]
    pub event_time: i64,
}

#[derive(Serialize)]
pub struct MemberAccount<'a> {
    #[serde(rename = "Member_Account")]
    pub account: &'a str,
}

#[derive(Serialize)]
pub struct GroupCreated<'a> {
    #[serde(flatten)]
    pub group: ChangedGroup,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    #[serde(rename = "Owner_Account")]
    pub owner: &'a str,
    #[serde(rename = "Name")]
    pub name: &'a str,
    #[serde(rename = "MemberList")]
    pub members: Vec<MemberAccount<'a>>,
}

#[derive(Serialize)]
pub struct GroupDestroyed<'a> {
    #[serde(flatten)]
    pub group: ChangedGroup,
    #[serde(rename = "Owner_Account")]
    pub owner: &'a str,
    #[serde(rename = "Name")]
    pub name: &'a str,
    #[serde(rename = "MemberList")]
    pub members: Vec<MemberAccount<'a>>,
}

#[derive(Serialize)]
pub struct MembersJoined<'a> {
    #[serde(flatten)]
    pub group: ChangedGroup,
    #[serde(rename = "JoinType")]
    pub join_type: &'static str,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    #[serde(rename = "NewMemberList")]
    pub members: Vec<MemberAccount<'a>>,
}

#[derive(Serialize)]
pub struct MembersLeft<'a> {
    #[serde(flatten)]
    pub group: ChangedGroup,
    #[serde(rename = "ExitType")]
    pub exit_type: &'static str,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    #[serde(rename = "ExitMemberList")]
    pub members: Vec<MemberAccount<'a>>,
}

#[derive(Serialize)]
pub struct GroupInfoChanged<'a> {
    #[serde(flatten)]
    pub group: ChangedGroup,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    #[serde(rename = "Name", skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    #[serde(rename = "Introduction", skip_serializing_if = "Option::is_none")]
    pub introduction: Option<&'a str>,
    #[serde(rename = "Notification", skip_serializing_if = "Option::is_none")]
    pub notification: Option<&'a str>,
    #[serde(rename = "FaceUrl", skip_serializing_if = "Option::is_none")]
    pub face_url: Option<&'a str>,
}

/// tencent.md 6.
#[derive(Serialize)]
pub struct FriendPair<'a> {
    #[serde(rename = "From_Account")]
    pub from: &'a str,
    #[serde(rename = "To_Account")]
    pub to: &'a str,
    #[serde(rename = "Initiator_Account", skip_serializing_if = "Option::is_none")]
    pub initiator: Option<&'a str>,
}

#[derive(Serialize)]
pub struct FriendAdd<'a> {
    #[serde(rename = "CallbackCommand")]
    pub callback_command: &'static str,
    #[serde(rename = "PairList")]
    pub pair_list: [FriendPair<'a>; 2],
    #[serde(rename = "ClientCmd")]
    pub client_cmd: &'static str,
    #[serde(rename = "Admin_Account")]
    pub admin_account: &'a str,
    #[serde(rename = "ForceFlag")]
    pub force_flag: i32,
}

#[derive(Serialize)]
pub struct Pairs<'a> {
    #[serde(rename = "CallbackCommand")]
    pub callback_command: &'static str,
    #[serde(rename = "PairList")]
    pub pair_list: Vec<FriendPair<'a>>,
}

#[derive(Serialize)]
pub struct GroupToCreate<'a> {
    #[serde(rename = "CallbackCommand")]
    pub callback_command: &'static str,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    #[serde(rename = "Owner_Account")]
    pub owner: &'a str,
    #[serde(rename = "Type")]
    pub kind: &'static str,
    #[serde(rename = "Name")]
    pub name: &'a str,
    #[serde(rename = "CreateGroupNum")]
    pub owned: i64,
    #[serde(rename = "MemberList")]
    pub members: Vec<MemberAccount<'a>>,
    #[serde(rename = "EventTime")]
    pub event_time: i64,
}

#[derive(Serialize)]
pub struct Applicant<'a> {
    #[serde(flatten)]
    pub group: ChangedGroup,
    #[serde(rename = "Requestor_Account")]
    pub requestor: &'a str,
}

#[derive(Serialize)]
pub struct Invited<'a> {
    #[serde(flatten)]
    pub group: ChangedGroup,
    #[serde(rename = "Operator_Account")]
    pub operator: &'a str,
    #[serde(rename = "DestinationMembers")]
    pub members: Vec<MemberAccount<'a>>,
}

#[derive(Serialize)]
pub struct FriendRequest<'a> {
    #[serde(rename = "CallbackCommand")]
    pub callback_command: &'static str,
    #[serde(rename = "Requester_Account")]
    pub requester: &'a str,
    #[serde(rename = "From_Account")]
    pub from: &'a str,
    #[serde(rename = "FriendItem")]
    pub items: [FriendItem<'a>; 1],
    #[serde(rename = "AddType")]
    pub add_type: &'static str,
    #[serde(rename = "ForceAddFlags")]
    pub force_add_flags: i32,
    #[serde(rename = "EventTime")]
    pub event_time: i64,
}

#[derive(Serialize)]
pub struct FriendItem<'a> {
    #[serde(rename = "To_Account")]
    pub to: &'a str,
    #[serde(rename = "Remark")]
    pub remark: &'a str,
    #[serde(rename = "GroupName")]
    pub group_name: &'static str,
    #[serde(rename = "AddSource")]
    pub add_source: &'static str,
    #[serde(rename = "AddWording")]
    pub add_wording: &'a str,
}

#[derive(Serialize)]
pub struct FriendResponse<'a> {
    #[serde(rename = "CallbackCommand")]
    pub callback_command: &'static str,
    #[serde(rename = "Requester_Account")]
    pub requester: &'a str,
    #[serde(rename = "From_Account")]
    pub from: &'a str,
    #[serde(rename = "ResponseFriendItem")]
    pub items: [FriendResponseItem<'a>; 1],
    #[serde(rename = "EventTime")]
    pub event_time: i64,
}

#[derive(Serialize)]
pub struct FriendResponseItem<'a> {
    #[serde(rename = "To_Account")]
    pub to: &'a str,
    #[serde(rename = "Remark")]
    pub remark: &'static str,
    #[serde(rename = "TagName")]
    pub tag_name: &'static str,
    #[serde(rename = "ResponseAction")]
    pub action: &'static str,
}

/// A receiver's answer about a change (tencent.md 6). Unlike [`Answer`], the keys that decide must be there and of their
/// type.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChangeAnswer {
    pub action_status: ActionStatus,
    pub error_code: i64,
    pub error_info: Option<String>,
    #[serde(rename = "RefusedMembers_Account")]
    pub refused_members: Option<Vec<String>>,
    pub result_item: Option<Vec<ResultItem>>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub enum ActionStatus {
    Ok,
    Fail,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResultItem {
    #[serde(rename = "To_Account")]
    pub to: String,
    pub result_code: i64,
    pub result_info: Option<String>,
}
