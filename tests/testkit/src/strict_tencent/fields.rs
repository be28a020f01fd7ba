//! The keys of every callback and element (tencent.md 4 to 6), as a table.

/// The type of a value.
#[derive(Clone, Copy)]
pub enum Kind {
    Text,
    /// Text that is not empty.
    Name,
    /// One of these texts.
    Word(&'static [&'static str]),
    /// A whole number from one up to the other.
    Whole(i64, i64),
    /// One of these whole numbers.
    OneOf(&'static [i64]),
    /// Any number.
    Number,
    /// Three decimal numbers of 32 bits with `_` between.
    MsgKey,
    /// An array of such texts.
    Texts,
    Object(&'static [Field]),
    /// An array with at least one.
    Objects(&'static [Field]),
    /// An array, possibly empty.
    ObjectsIfAny(&'static [Field]),
    /// `MsgBody`.
    Elements,
}

/// A key, its value, and whether it is required.
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub is_required: bool,
}

const fn must(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, is_required: true }
}

const fn may(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, is_required: false }
}

const U32: Kind = Kind::Whole(0, u32::MAX as i64);
/// The Java SDK parses these as signed 32-bit integers.
const I32: Kind = Kind::Whole(i32::MIN as i64, i32::MAX as i64);
const COUNT: Kind = Kind::Whole(0, i32::MAX as i64);
const SECONDS: Kind = Kind::Whole(1, i32::MAX as i64);
/// Rules out seconds, and times before 2001.
const MILLIS: Kind = Kind::Whole(1_000_000_000_000, 1 << 53);
const BYTES: Kind = Kind::Whole(0, i64::MAX);
const FLAG: Kind = Kind::OneOf(&[0, 1]);
const BY_URL: Kind = Kind::OneOf(&[2]);
const GROUP_TYPE: Kind = Kind::Word(&["Public", "Private", "Work", "ChatRoom", "Meeting", "AVChatRoom", "Community"]);

/// The keys of the callback, or `None` if there is no such command.
pub fn of_command(command: &str) -> Option<&'static [Field]> {
    Some(match command {
        "C2C.CallbackBeforeSendMsg" => &C2C_BEFORE_SEND,
        "C2C.CallbackAfterSendMsg" => &C2C_AFTER_SEND,
        "C2C.CallbackAfterMsgReport" => &C2C_AFTER_READ,
        "C2C.CallbackAfterMsgWithDraw" => &C2C_AFTER_WITHDRAW,
        "Group.CallbackBeforeSendMsg" => &GROUP_BEFORE_SEND,
        "Group.CallbackAfterSendMsg" => &GROUP_AFTER_SEND,
        "Group.CallbackAfterRecallMsg" => &GROUP_AFTER_RECALL,
        "State.StateChange" => &STATE_CHANGE,
        "Group.CallbackAfterCreateGroup" => &GROUP_AFTER_CREATE,
        "Group.CallbackAfterGroupDestroyed" => &GROUP_AFTER_DESTROY,
        "Group.CallbackAfterNewMemberJoin" => &GROUP_AFTER_JOIN,
        "Group.CallbackAfterMemberExit" => &GROUP_AFTER_EXIT,
        "Group.CallbackAfterGroupInfoChanged" => &GROUP_AFTER_CHANGE,
        "Group.CallbackBeforeCreateGroup" => &GROUP_BEFORE_CREATE,
        "Group.CallbackBeforeApplyJoinGroup" => &GROUP_BEFORE_APPLY,
        "Group.CallbackBeforeInviteJoinGroup" => &GROUP_BEFORE_INVITE,
        "Sns.CallbackPrevFriendAdd" => &FRIEND_BEFORE_ADD,
        "Sns.CallbackPrevFriendResponse" => &FRIEND_BEFORE_RESPONSE,
        "Sns.CallbackFriendAdd" => &FRIEND_ADD,
        "Sns.CallbackFriendDelete" | "Sns.CallbackBlackListAdd" | "Sns.CallbackBlackListDelete" => &PAIRS,
        _ => return None,
    })
}

/// The keys of `MsgContent`, or `None` if there is no such element.
pub fn of_element(msg_type: &str) -> Option<&'static [Field]> {
    Some(match msg_type {
        "TIMTextElem" => &TEXT,
        "TIMFaceElem" => &FACE,
        "TIMLocationElem" => &LOCATION,
        "TIMCustomElem" => &CUSTOM,
        "TIMSoundElem" => &SOUND,
        "TIMImageElem" => &IMAGE,
        "TIMFileElem" => &FILE,
        "TIMVideoFileElem" => &VIDEO,
        "TIMRelayElem" => &RELAY,
        _ => return None,
    })
}

static C2C_BEFORE_SEND: [Field; 12] = [
    must("CallbackCommand", Kind::Name),
    must("From_Account", Kind::Name),
    must("To_Account", Kind::Name),
    must("MsgSeq", U32),
    must("MsgRandom", U32),
    must("MsgTime", SECONDS),
    must("MsgKey", Kind::MsgKey),
    must("OnlineOnlyFlag", FLAG),
    must("MsgBody", Kind::Elements),
    may("CloudCustomData", Kind::Text),
    may("MsgId", Kind::Name),
    may("EventTime", MILLIS),
];

static C2C_AFTER_SEND: [Field; 16] = [
    must("CallbackCommand", Kind::Name),
    must("From_Account", Kind::Name),
    must("To_Account", Kind::Name),
    must("MsgSeq", U32),
    must("MsgRandom", U32),
    must("MsgTime", SECONDS),
    must("MsgKey", Kind::MsgKey),
    must("OnlineOnlyFlag", FLAG),
    must("SendMsgResult", I32),
    must("ErrorInfo", Kind::Name),
    must("UnreadMsgNum", Kind::Whole(-1, i32::MAX as i64)),
    must("MsgBody", Kind::Elements),
    may("CloudCustomData", Kind::Text),
    may("MsgId", Kind::Name),
    may("EventTime", MILLIS),
    may("SupportMessageExtension", FLAG),
];

static C2C_AFTER_READ: [Field; 6] = [
    must("CallbackCommand", Kind::Name),
    must("Report_Account", Kind::Name),
    must("Peer_Account", Kind::Name),
    must("LastReadTime", SECONDS),
    must("UnreadMsgNum", COUNT),
    must("EventTime", MILLIS),
];

static C2C_AFTER_WITHDRAW: [Field; 6] = [
    must("CallbackCommand", Kind::Name),
    must("From_Account", Kind::Name),
    must("To_Account", Kind::Name),
    must("MsgKey", Kind::MsgKey),
    must("UnreadMsgNum", COUNT),
    may("EventTime", MILLIS),
];

static GROUP_BEFORE_SEND: [Field; 12] = [
    must("CallbackCommand", Kind::Name),
    must("GroupId", Kind::Name),
    must("Type", GROUP_TYPE),
    must("From_Account", Kind::Name),
    must("Operator_Account", Kind::Name),
    must("Random", U32),
    must("OnlineOnlyFlag", FLAG),
    must("MsgBody", Kind::Elements),
    may("CloudCustomData", Kind::Text),
    may("TopicId", Kind::Name),
    may("MsgId", Kind::Name),
    may("EventTime", MILLIS),
];

static GROUP_AFTER_SEND: [Field; 18] = [
    must("CallbackCommand", Kind::Name),
    must("GroupId", Kind::Name),
    must("Type", GROUP_TYPE),
    must("From_Account", Kind::Name),
    must("Operator_Account", Kind::Name),
    must("Random", U32),
    // From 1 in every group; 0 for refused messages.
    must("MsgSeq", U32),
    must("MsgTime", SECONDS),
    must("OnlineOnlyFlag", FLAG),
    // Only for refused messages, and ours.
    may("SendMsgResult", I32),
    may("ErrorInfo", Kind::Name),
    may("UnreadMsgNum", Kind::Whole(-1, -1)),
    must("MsgBody", Kind::Elements),
    may("CloudCustomData", Kind::Text),
    may("TopicId", Kind::Name),
    may("MsgId", Kind::Name),
    must("EventTime", MILLIS),
    may("GroupAtInfo", Kind::Objects(&[must("GroupAtAllFlag", FLAG), may("GroupAt_Account", Kind::Name)])),
];

static GROUP_AFTER_RECALL: [Field; 6] = [
    must("CallbackCommand", Kind::Name),
    must("Operator_Account", Kind::Name),
    must("Type", GROUP_TYPE),
    must("GroupId", Kind::Name),
    must("MsgSeqList", Kind::Objects(&[must("MsgSeq", Kind::Whole(1, u32::MAX as i64))])),
    must("EventTime", MILLIS),
];

static STATE_CHANGE: [Field; 4] = [
    must("CallbackCommand", Kind::Name),
    must("EventTime", MILLIS),
    must(
        "Info",
        Kind::Object(&[
            must("Action", Kind::Word(&["Login", "Logout", "Disconnect"])),
            must("To_Account", Kind::Name),
            must("Reason", Kind::Word(&["Register", "Unregister", "LinkClose", "Timeout"])),
        ]),
    ),
    may("KickedDevice", Kind::Objects(&[must("Platform", Kind::Name)])),
];

static TEXT: [Field; 1] = [must("Text", Kind::Text)];

static FACE: [Field; 2] = [must("Index", I32), must("Data", Kind::Text)];

static LOCATION: [Field; 3] =
    [must("Desc", Kind::Text), must("Latitude", Kind::Number), must("Longitude", Kind::Number)];

static CUSTOM: [Field; 4] =
    [must("Data", Kind::Text), must("Desc", Kind::Text), must("Ext", Kind::Text), must("Sound", Kind::Text)];

static SOUND: [Field; 5] = [
    must("Url", Kind::Text),
    must("UUID", Kind::Text),
    must("Size", BYTES),
    must("Second", COUNT),
    must("Download_Flag", BY_URL),
];

static IMAGE: [Field; 3] = [
    must("UUID", Kind::Text),
    must("ImageFormat", Kind::OneOf(&[1, 2, 3, 4, 255])),
    must(
        "ImageInfoArray",
        Kind::Objects(&[
            must("Type", Kind::OneOf(&[1, 2, 3])),
            must("Size", BYTES),
            must("Width", COUNT),
            must("Height", COUNT),
            must("URL", Kind::Text),
        ]),
    ),
];

static FILE: [Field; 5] = [
    must("Url", Kind::Text),
    must("UUID", Kind::Text),
    must("FileSize", BYTES),
    must("FileName", Kind::Text),
    must("Download_Flag", BY_URL),
];

static VIDEO: [Field; 13] = [
    must("VideoUrl", Kind::Text),
    must("VideoUUID", Kind::Text),
    must("VideoSize", BYTES),
    must("VideoSecond", COUNT),
    must("VideoFormat", Kind::Text),
    must("VideoDownloadFlag", BY_URL),
    must("ThumbUrl", Kind::Text),
    must("ThumbUUID", Kind::Text),
    must("ThumbSize", BYTES),
    must("ThumbWidth", COUNT),
    must("ThumbHeight", COUNT),
    must("ThumbFormat", Kind::Text),
    must("ThumbDownloadFlag", BY_URL),
];

/// With `MsgList` up to 12 KB, else with `JsonMsgKey`.
static RELAY: [Field; 6] = [
    must("Title", Kind::Text),
    must("MsgNum", COUNT),
    must("CompatibleText", Kind::Text),
    must("AbstractList", Kind::Texts),
    may(
        "MsgList",
        Kind::Objects(&[
            must("From_Account", Kind::Name),
            may("To_Account", Kind::Name),
            may("GroupId", Kind::Name),
            must("MsgSeq", U32),
            must("MsgRandom", U32),
            must("MsgTimeStamp", SECONDS),
            must("MsgBody", Kind::Elements),
            may("CloudCustomData", Kind::Text),
        ]),
    ),
    may("JsonMsgKey", Kind::Name),
];

static MEMBER: [Field; 1] = [must("Member_Account", Kind::Name)];

static GROUP_AFTER_CREATE: [Field; 9] = [
    must("CallbackCommand", Kind::Name),
    must("GroupId", Kind::Name),
    must("Operator_Account", Kind::Name),
    must("Owner_Account", Kind::Name),
    must("Type", GROUP_TYPE),
    must("Name", Kind::Text),
    must("MemberList", Kind::ObjectsIfAny(&MEMBER)),
    may("UserDefinedDataList", Kind::Objects(&USER_DEFINED)),
    must("EventTime", MILLIS),
];

static USER_DEFINED: [Field; 2] = [must("Key", Kind::Name), must("Value", Kind::Text)];

static GROUP_AFTER_DESTROY: [Field; 7] = [
    must("CallbackCommand", Kind::Name),
    must("GroupId", Kind::Name),
    must("Type", GROUP_TYPE),
    must("Owner_Account", Kind::Name),
    must("Name", Kind::Text),
    must("MemberList", Kind::ObjectsIfAny(&MEMBER)),
    must("EventTime", MILLIS),
];

static GROUP_AFTER_JOIN: [Field; 7] = [
    must("CallbackCommand", Kind::Name),
    must("GroupId", Kind::Name),
    must("Type", GROUP_TYPE),
    must("JoinType", Kind::Word(&["Apply", "Invited"])),
    must("Operator_Account", Kind::Name),
    must("NewMemberList", Kind::Objects(&MEMBER)),
    must("EventTime", MILLIS),
];

static GROUP_AFTER_EXIT: [Field; 7] = [
    must("CallbackCommand", Kind::Name),
    must("GroupId", Kind::Name),
    must("Type", GROUP_TYPE),
    must("ExitType", Kind::Word(&["Kicked", "Quit"])),
    must("Operator_Account", Kind::Name),
    must("ExitMemberList", Kind::Objects(&MEMBER)),
    must("EventTime", MILLIS),
];

static GROUP_AFTER_CHANGE: [Field; 10] = [
    must("CallbackCommand", Kind::Name),
    must("GroupId", Kind::Name),
    must("Type", GROUP_TYPE),
    must("Operator_Account", Kind::Name),
    may("Name", Kind::Text),
    may("Introduction", Kind::Text),
    may("Notification", Kind::Text),
    may("FaceUrl", Kind::Text),
    may("UserDefinedDataList", Kind::Objects(&USER_DEFINED)),
    must("EventTime", MILLIS),
];

static GROUP_BEFORE_CREATE: [Field; 8] = [
    must("CallbackCommand", Kind::Name),
    must("Operator_Account", Kind::Name),
    must("Owner_Account", Kind::Name),
    must("Type", GROUP_TYPE),
    must("Name", Kind::Text),
    must("CreateGroupNum", COUNT),
    must("MemberList", Kind::ObjectsIfAny(&MEMBER)),
    must("EventTime", MILLIS),
];

static GROUP_BEFORE_APPLY: [Field; 5] = [
    must("CallbackCommand", Kind::Name),
    must("GroupId", Kind::Name),
    must("Type", GROUP_TYPE),
    must("Requestor_Account", Kind::Name),
    must("EventTime", MILLIS),
];

static GROUP_BEFORE_INVITE: [Field; 6] = [
    must("CallbackCommand", Kind::Name),
    must("GroupId", Kind::Name),
    must("Type", GROUP_TYPE),
    must("Operator_Account", Kind::Name),
    must("DestinationMembers", Kind::Objects(&MEMBER)),
    must("EventTime", MILLIS),
];

static FRIEND_BEFORE_ADD: [Field; 7] = [
    must("CallbackCommand", Kind::Name),
    must("Requester_Account", Kind::Name),
    must("From_Account", Kind::Name),
    must("FriendItem", Kind::Objects(&FRIEND_ITEM)),
    must("AddType", Kind::Word(&["Add_Type_Single", "Add_Type_Both"])),
    must("ForceAddFlags", FLAG),
    must("EventTime", MILLIS),
];

static FRIEND_ITEM: [Field; 5] = [
    must("To_Account", Kind::Name),
    must("Remark", Kind::Text),
    must("GroupName", Kind::Text),
    must("AddSource", Kind::Text),
    must("AddWording", Kind::Text),
];

static FRIEND_BEFORE_RESPONSE: [Field; 5] = [
    must("CallbackCommand", Kind::Name),
    must("Requester_Account", Kind::Name),
    must("From_Account", Kind::Name),
    must("ResponseFriendItem", Kind::Objects(&FRIEND_RESPONSE_ITEM)),
    must("EventTime", MILLIS),
];

static FRIEND_RESPONSE_ITEM: [Field; 4] = [
    must("To_Account", Kind::Name),
    must("Remark", Kind::Text),
    must("TagName", Kind::Text),
    must(
        "ResponseAction",
        Kind::Word(&["Response_Action_AgreeAndAdd", "Response_Action_Agree", "Response_Action_Reject"]),
    ),
];

static FRIEND_ADD: [Field; 5] = [
    must("CallbackCommand", Kind::Name),
    must("PairList", Kind::Objects(&ADDED_PAIR)),
    must("ClientCmd", Kind::Word(&["friend_add", "FriendAdd", "friend_response", "FriendResponse"])),
    must("Admin_Account", Kind::Text),
    must("ForceFlag", FLAG),
];

static ADDED_PAIR: [Field; 3] =
    [must("From_Account", Kind::Name), must("To_Account", Kind::Name), must("Initiator_Account", Kind::Name)];

static PAIRS: [Field; 2] = [must("CallbackCommand", Kind::Name), must("PairList", Kind::Objects(&PAIR))];

static PAIR: [Field; 2] = [must("From_Account", Kind::Name), must("To_Account", Kind::Name)];
