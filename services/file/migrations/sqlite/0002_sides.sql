-- Width and height of a picture, upright, in pixels.
alter table file add column width integer;
alter table file add column height integer;
