-- For PostgreSQL alone: SQLite is told what its indexes are like.
select 1;
