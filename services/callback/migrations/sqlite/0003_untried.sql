-- What was written and not tried yet is counted while the feed is read.
create index delivery_untried on delivery (app_id, endpoint_id) where state = 1 and tries = 0;
