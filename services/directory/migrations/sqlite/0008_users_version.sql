-- Another number after every deletion, disabling and enabling of a user: whoever keeps answers about the app's users keeps
-- none from under another one. No row: there never was one. A row of its own, since it is locked last, after users and
-- groups; the app's is locked first. Same columns as on PostgreSQL.
create table users_version (
    app_id integer not null primary key references app (app_id),
    version integer not null check (version >= 1)
) strict;
