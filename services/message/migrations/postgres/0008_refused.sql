-- Why something was refused: the reason's name, and what there is to add behind a space.
alter table event add column reason text;
