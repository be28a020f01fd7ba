//! Agora Chat and Easemob: bodies, envelopes and error words (contract: agora.md).

mod acks;
mod attributes;
mod body;
mod broadcast;
mod callback;
mod callback_change;
mod callback_status;
mod channel;
mod contact;
mod decision;
mod draft;
mod dto;
mod envelope;
mod export;
mod feed;
mod feed_change;
mod file;
mod group;
mod group_list;
mod group_member;
mod history;
mod import;
mod inbox;
mod invitation;
pub mod msync;
mod notification;
mod presence;
mod reaction;
mod recall;
mod record;
mod refusal;
mod rewrite;
mod roaming;
mod sharing;
mod thread;
mod timing;
mod token;
mod user_attributes;
mod user_mute;
mod user_state;
mod user_update;
mod users;

pub use acks::{AckPage, ReadersQuery, acks, readers_query};
pub use attributes::{
    KeyFailure, NewRoomAttributes, Pairs, attribute_map, attributes_of_members, member_attributes_refusal,
    member_attributes_request, members_of_request, removed_keys, room_attributes_changed, room_attributes_refusal,
    room_attributes_request, wanted_keys,
};
pub use body::{body_from, ext_from, moved};
pub use broadcast::{Broadcast, Everybody, broadcast_request, broadcast_started};
pub use callback::{
    Edit, Event, REST_OPERATOR, edit_callback, post_send_callback, pre_send_callback, read_ack_callback,
    recall_callback, security,
};
pub use callback_change::{ChangeCallback, Operation, muc_callback, operations, roster_callback};
pub use callback_status::{StatusCallback, status_callback};
pub use channel::{
    DeleteChannel, Peer, Roaming, channel_deleted, delete_channel_request, roaming_deleted, roaming_messages,
    roaming_time,
};
pub use contact::{
    Contact, ContactPage, ImportedContacts, all_contacts, block_names, block_page, blocked_names, contact_changed,
    contact_page, contact_request, contacts_imported, contacts_requested, import_names, related, remark,
    remark_refusal, some_contacts, wants_remarks,
};
pub use decision::{Decision, decision};
pub use draft::{Addressing, draft, legacy_draft};
pub use envelope::{Call, error, sent, sent_without_ids};
pub use export::{
    HourManifest, Manifest, export_hour, export_later, export_refusal, export_time, exported, manifest, read_manifest,
};
pub use feed::{EventRecord, FeedQuery, feed, feed_query, happened};
pub use file::{
    Lifetime, RESTRICT, is_true, lifetime_request, lifetimes_set, no_file, restricts, thumbnail_side, uploaded,
};
pub use group::{
    Group, GroupChange, GroupFields, NewGroup, announced, announcement, announcement_set, announcement_too_long,
    group_change, group_changed, group_created, group_deleted, group_disabled, groups, mute_all_set, new_group,
    owner_missing, same_owner,
};
pub use group_list::{PageQuery, PageRule, group_list, is_v3, joined, joined_count, joined_entities, public_groups};
pub use group_member::{
    Member, MemberAction, MuteRequest, Outcomes, Which, admin_changed, application, group_missing, is_allowed,
    is_joined, member_changed, member_refusal, members, members_added, members_changed, mute_request, muted,
    mutes_changed, names, new_admin, path_usernames, role_refusal, shown_name, unknown_user, unmuted_usernames,
    usernames,
};
pub use history::{
    Channel, HistoryQuery, ListQuery, ReadAck, Seen, channels, history, history_query, list_query, peer_query,
    read_ack_request, read_up_to,
};
pub use import::{Import, import_call, import_refusal, import_request, imported};
pub use inbox::{
    InboxEntry, InboxQuery, MarkCall, PinnedEntry, channel_query, channel_request, done, inbox, inbox_query,
    mark_query, mark_request, marked, old_inbox, old_page, pin_illegal, pin_missing, pin_request, pinned_messages,
    too_many, topped,
};
pub use invitation::{JoinAction, apply_verify_request, invite_refusal, invite_verify_request, invited, join_step};
pub use notification::{
    Notification, NotificationChange, NotificationMode, NotifiedConversation, language, notification,
    notification_change, notification_language, notification_modes, notification_page, notification_targets,
    notifications,
};
pub use presence::{
    Presence, PresenceCall, presence_done, presence_expiry, presence_ext, presence_refusal, presence_subscriptions,
    presence_targets, presences,
};
pub use reaction::{
    React, Reaction, ReactionList, Reactors, already_reacted, illegal_reaction, reacted, reaction_detail,
    reaction_list, reaction_list_query, reaction_refusal, reaction_removed, reaction_request, reactors_query,
    unreact_query,
};
pub use recall::{
    Recall, RecallItem, RecallOutcome, Recalled, batch_recalled, recall_refusal, recall_request, recall_words,
    recalled, recalls_request,
};
pub use record::{MessageFiles, Names, record};
pub use refusal::Refusal;
pub use rewrite::{Rewrite, rewrite_id, rewrite_refusal, rewrite_request, rewrite_unsupported, rewritten};
pub use roaming::{RoamingQuery, roaming_page, roaming_request};
pub use sharing::{
    SharedFile, file_shared, file_unshared, new_super_admin, shared_files, super_admin_added, super_admin_removed,
    super_admins,
};
pub use thread::{
    NewThread, Thread, ThreadQuery, WrongMessage, new_thread, not_in_group, one_thread, thread_change, thread_changed,
    thread_created, thread_done, thread_id, thread_ids, thread_joined, thread_member_removed, thread_members,
    thread_members_removed, thread_message_refusal, thread_messages, thread_not_found, thread_not_nested, thread_query,
    thread_refusal, thread_users, threads,
};
pub use timing::Timing;
pub use token::{Grant, TokenRequest, exchanged_token, token, token_refusal, token_request};
pub use user_attributes::{
    Attributes, AttributesQuery, attributes, attributes_by_user, attributes_deleted, attributes_in, attributes_query,
    attributes_size,
};
pub use user_mute::{UserMuteRequest, mute_set, mutes, mutes_of, unknown_muted, user_mute_request};
pub use user_state::{
    OfflineStatus, Resource, disconnected, offline_count, offline_status, resources, statuses, statuses_request,
    token_expiry, user_status,
};
pub use user_update::{NewPassword, UserUpdate, new_password, password_set, update_refusal, user_update};
pub use users::{Failed, NewUser, NewUsers, Push, User, failure_refusal, list, new_users, one_user, registered};
