//! Lanying IM: bodies, envelopes and error numbers (contract: lanying.md).

mod account;
mod callback;
mod content;
mod draft;
mod dto;
mod envelope;
mod file;
mod history;
mod other_answers;
mod other_params;
mod params;
mod query;
mod refusal;
mod roster;
mod shape;
mod sharing;

pub use account::{
    Login, NewAccount, batch_request, register_request, registered, token, token_request_by_id, token_request_by_login,
    token_request_by_name,
};
pub use callback::{Event, edited_callback, recalled_callback, sent_callback};
pub use content::{Fields, fields_of};
pub use draft::{
    BROADCAST_CALL, NOTIFY_CALL, Operation, OperationAction, SEND_CALL, SendCommand, broadcast_request, notify_request,
    recall_request, send_request,
};
pub use envelope::{done, error, flag, sent};
pub use file::{FilePolicy, FileTarget, FileTicket, FileView, file_ticket};
pub use history::{Page, history, pinned, unread};
pub use other_answers::{
    BatchRegistered, BroadcastDone, Device, GroupApplication, GroupInfo, GroupMember, ListedUser, MemberResult,
    OnlineStatus, PinnedConversations, UserProfile, data, page,
};
pub use other_params::{Approval, GroupType, NewGroup, Part, ProfileChange};
pub use params::Params;
pub use query::{HistoryQuery, MarkReadQuery, conversation_of, history_query, mark_read_query};
pub use refusal::Refusal;
pub use roster::{Roster, RosterApplication, RosterApply, RosterBatch, RosterChange, RosterFailure, roster_applies};
pub use sharing::{FileResult, GroupAnnouncement, GroupFile, GroupInvitation, NewGroupFile, text_page};
