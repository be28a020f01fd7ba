-- Up to where a device has everything: what comes after it waits for the device.
create table device_position (
    app_id bigint not null,
    user_id bigint not null,
    -- The client's name for it.
    device text not null check (length(device) between 1 and 128),
    -- Of the event feed.
    cursor text not null check (length(cursor) between 1 and 256),
    -- When everything up to it had come to the device's session.
    reached_at bigint not null,
    saved_at bigint not null,
    primary key (app_id, user_id, device)
);
