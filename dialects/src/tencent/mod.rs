//! Tencent Cloud IM: the callbacks to an app's server (contract: tencent.md).

mod c2c;
mod dto;
mod elements;
mod elements_back;
mod group;
mod key;
mod query;
mod state;
mod verdict;

pub use c2c::{Direct, Outcome, Read, Withdrawn, after_read, after_send, after_withdraw, before_send};
pub use elements::{cloud_custom_data, elements};
pub use elements_back::{NotElements, elements_back};
pub use group::{Mention, Said, Taken, group_after_recall, group_after_refusal, group_after_send, group_before_send};
pub use key::{MsgKey, account};
pub use query::{Authentication, Callback, Parameters, query, sign};
pub use state::{Presence, StateChange, state_change};
pub use verdict::{Failure, Verdict, after_answer, hook_refusal, refusal, refused_code, verdict};
