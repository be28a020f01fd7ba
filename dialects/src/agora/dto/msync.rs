//! Keys of bodies that only the vendor's client SDKs write and read.

pub const SUB_TYPE: &str = "subType";
/// Messages forwarded as one.
pub const SUB_COMBINE: &str = "sub_combine";
/// An animated picture.
pub const SUB_GIF: &str = "sub_gif";
pub const TITLE: &str = "title";
pub const SUMMARY: &str = "summary";
pub const COMBINE_LEVEL: &str = "combineLevel";
pub const BUILDING_NAME: &str = "buildingName";
pub const ADDR: &str = "addr";
pub const ACTION: &str = "action";
pub const PARAM: &str = "param";
pub const CUSTOM_EVENT: &str = "customEvent";
pub const LENGTH: &str = "length";
pub const WIDTH: &str = "width";
pub const HEIGHT: &str = "height";

/// The entry of a room message's `ext` that is its priority: 0 high, 1 normal, 2 low.
pub const ROOM_PRIORITY: &str = "chatroom_msg_tag";

/// What a message's `meta` has in addition to its content.
#[derive(serde::Serialize)]
pub struct BodyMeta<'a> {
    pub edit_msg: EditedMeta<'a>,
}

#[derive(serde::Serialize)]
pub struct EditedMeta<'a> {
    pub count: i32,
    pub operator: &'a str,
    pub edit_time: i64,
}
