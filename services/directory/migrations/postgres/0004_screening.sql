-- What an app looks at before a message goes into the log. Same columns as on SQLite.

-- Another number after every change of lists and hooks; 0: there never were any.
alter table app add column screening bigint not null default 0;

-- action: 1 refuse, 2 mask. A line for each word; bytes is the length of all of it.
create table word_list (
    app_id bigint not null references app (app_id),
    name text not null check (length(name) between 1 and 64),
    action bigint not null check (action in (1, 2)),
    words text not null,
    word_count bigint not null,
    bytes bigint not null,
    primary key (app_id, name)
);

-- form: 1 Tencent's, 2 Agora's. The token is sealed under the data key. kinds: 1 direct, 2 group, 3 room, with commas;
-- empty: all.
create table hook (
    app_id bigint not null references app (app_id),
    hook_id bigint not null,
    form bigint not null check (form in (1, 2)),
    url text not null check (length(url) <= 2048),
    token text check (length(token) <= 1024),
    timeout_ms bigint not null,
    refuse_on_failure boolean not null,
    kinds text not null check (length(kinds) <= 16),
    allow_private boolean not null,
    primary key (app_id, hook_id)
);
