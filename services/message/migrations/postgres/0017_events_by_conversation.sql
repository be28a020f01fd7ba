-- What happened in one conversation, for devices that come back.
create index event_by_conversation on event (app_id, conv_a, conv_b, event_no);
