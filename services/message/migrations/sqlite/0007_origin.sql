-- JSON: the caller's address, the platform and the trace context; null where nothing is known. See origin.rs.
alter table message add column origin text;
