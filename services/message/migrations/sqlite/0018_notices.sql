-- What happened in one conversation besides messages and marks, for devices that come back: few among its events.
create index event_notice on event (app_id, conv_a, conv_b, event_no)
where kind <> 'read' and kind <> 'delivered' and kind <> 'online' and kind <> 'online_broadcast' and kind <> 'refused'
    and kind <> 'user.online' and kind <> 'user.offline' and kind <> 'user.presence';
