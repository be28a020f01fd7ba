-- Width and height of a picture, upright, in pixels.
alter table file add column width bigint;
alter table file add column height bigint;
