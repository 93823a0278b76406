-- The tutorial's source table, and the row that is there before the connector's snapshot.
-- It may be run any number of times.
--
--   psql "$FIELDTRAIL_PG_URI" -f schemas/postgres/source-holding.sql

\set ON_ERROR_STOP on
set client_min_messages = warning;

create schema if not exists bank;

create table if not exists bank.holding (
    holding_id int,
    user_id int,
    holding_stock varchar(8),
    holding_quantity int,
    datetime_created timestamp,
    datetime_updated timestamp,
    primary key (holding_id)
);

-- With FULL the database sends the whole old row with every update and delete. Without it the old
-- values of all columns but the key are unknown, to Debezium and to everyone after it.
alter table bank.holding replica identity full;

insert into bank.holding values (1000, 1, 'VFIAX', 10, now(), now())
on conflict (holding_id) do nothing;
