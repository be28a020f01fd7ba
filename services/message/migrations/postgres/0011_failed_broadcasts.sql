-- Why a broadcast ended before all of it was sent; null: it was not so.
alter table broadcast add column failed_because text;
