//! How a message of the log is identified.

use tidings_domain::{AppId, ConversationId, MsgId};

/// One message of the log.
#[derive(Debug, Clone, Copy)]
pub struct Which {
    pub app: AppId,
    pub conversation: ConversationId,
    pub msg_id: MsgId,
}
