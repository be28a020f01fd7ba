//! The neutral model of Tidings, shared by every service, dialect and protocol.
//!
//! No I/O, no SQL and no wire names. Time and randomness are injected through [`Clock`] and [`Entropy`].

mod agent;
mod app;
mod caller;
mod change;
mod change_kind;
mod clock;
mod content;
mod conversation;
mod date;
mod decimal;
mod entropy;
mod error;
mod event;
mod file;
mod file_refs;
mod finding;
mod flag;
mod group;
mod hex;
mod hidden;
mod ids;
mod invisible;
mod json;
mod key_scope;
mod message;
mod msg_id;
mod mutes;
mod name;
mod policy;
mod policy_change;
mod policy_value;
mod rate;
mod reason;
mod registration;
mod risk;
mod screening;

pub use agent::USER_AGENT;
pub use app::{App, LANYING_SEGMENTS, OWN_SEGMENTS, is_reserved_org};
pub use caller::{Actor, Caller, Platform};
pub use change::{Change, GroupChanged, Joining, Leaving, SessionEnd};
pub use change_kind::ChangeKind;
pub use clock::{Clock, ManualClock, SystemClock, TimeReference, UnixMillis};
pub use content::{
    BODY_NAMES, Body, Command, Content, Custom, Dialect, Ext, File, Forward, Image, Location, Media, Text, Verbatim,
    Video, Voice,
};
pub use conversation::{ConversationId, ConversationKind, Marks, Status};
pub use date::{date_of, days_since_1970};
pub use decimal::decimal_id;
pub use entropy::{Entropy, OsEntropy, new_uuid};
pub use error::Error;
pub use event::EventKind;
pub use file::{Shown, StoredFile, Thumbnail};
pub use file_refs::uuids_in;
pub use finding::Finding;
pub use flag::{FLAG_RULE, flag};
pub use group::{GroupKind, GroupRole, Membership, Mute};
pub use hex::hex;
pub use hidden::Hidden;
pub use ids::{AppId, GroupId, MsgId, RoomId, UserId};
pub use invisible::is_invisible;
pub use json::{JsonText, decoded_len, has_half_pair};
pub use key_scope::{ACCOUNT_KEY, KeyScope};
pub use message::{Delivery, Draft, Message, Priority, Sent, Target, UserRef};
pub use msg_id::{BEGINNING, MsgIdMinter, NODES};
pub use mutes::UserMutes;
pub use name::{NameRule, Username};
pub use policy::{Force, Generation, LanyingShape, OwnerDeletion, Policy};
pub use policy_change::PolicyChange;
pub use policy_value::{PolicyKind, PolicyValue, VALUES as POLICY_VALUES};
pub use rate::{Limits, Rate, Rates};
pub use reason::{AgoraWords, Grpc, Reason, Words};
pub use risk::{RISKS, Risk};
pub use screening::{Hook, HookForm, HookSubject, Screening, WordAction, WordList};
