-- A conversation stands in lists for the newest message that was neither recalled nor purged; with nothing left it stays where
-- it is.
update conversation_head
set listed_msg_id = coalesce((
    select m.msg_id from message m
    where m.app_id = conversation_head.app_id and m.conv_a = conversation_head.conv_a
        and m.conv_b = conversation_head.conv_b and m.recalled_at is null and m.flags & 2 = 0
    order by m.msg_id desc limit 1), listed_msg_id)
where listed_msg_id > 0 and not exists (
    select 1 from message m
    where m.app_id = conversation_head.app_id and m.conv_a = conversation_head.conv_a
        and m.conv_b = conversation_head.conv_b and m.msg_id = conversation_head.listed_msg_id
        and m.recalled_at is null);
