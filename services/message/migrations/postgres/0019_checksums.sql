-- Of the content (src/checksum.rs); 0: written before there were checksums.
alter table message add column checksum bigint not null default 0;
