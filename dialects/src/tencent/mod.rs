//! Tencent Cloud IM: the callbacks to an app's server (contract: tencent.md).

mod before_change;
mod c2c;
mod change_verdict;
mod dto;
mod elements;
mod elements_back;
mod group;
mod group_change;
mod key;
mod query;
mod sns;
mod state;
mod verdict;

pub use before_change::{
    FriendRequest, GroupToCreate, friend_before_add, friend_before_response, group_before_apply, group_before_create,
    group_before_invite,
};
pub use c2c::{Direct, Outcome, Read, Withdrawn, after_read, after_send, after_withdraw, before_send};
pub use change_verdict::{ChangeVerdict, friend_verdict, group_verdict};
pub use elements::{cloud_custom_data, elements};
pub use elements_back::{NotElements, elements_back};
pub use group::{
    GroupMessage, GroupRecall, Mention, group_after_recall, group_after_refusal, group_after_send, group_before_send,
};
pub use group_change::{
    ChangedGroup, GroupProfile, group_after_change, group_after_create, group_after_destroy, group_after_exit,
    group_after_join,
};
pub use key::{MsgKey, account};
pub use query::{Authentication, Callback, Parameters, query, sign};
pub use sns::{FriendAdded, black_list, friend_add, friend_delete};
pub use state::{Presence, StateChange, state_change};
pub use verdict::{Failure, Verdict, after_answer, hook_refusal, refusal, refused_code, verdict};
