-- Who changed a field, and why: the pivot rows of a table that the worker wrote, each with what the
-- application said of the transaction. In the source, within the transaction:
--
--   select pg_logical_emit_message(true, 'audit', '{"user": "alice", "reason": "ticket 42"}');
--
-- Needs fieldtrail_message.sql and the columns tx_id and kafka_topic, which the worker writes by
-- default. `table` and `prefix` may be set to others. It may be run any number of times.
--
--   psql "$FIELDTRAIL_PG_URI" -v table=holding_pivot -v prefix=audit \
--        -f schemas/postgres/holding_pivot_who.sql

\set ON_ERROR_STOP on
set client_min_messages = warning;
\if :{?table}
\else
  \set table holding_pivot
\endif
\if :{?prefix}
\else
  \set prefix audit
\endif

-- Messages are free text: what is no JSON object says neither user nor reason.
create or replace function fieldtrail_said(content text, name text) returns text
language plpgsql immutable parallel safe as $$
begin
    return content::jsonb ->> name;
exception when others then
    return null;
end $$;

-- One row a transaction at the most: its last message counts. Two sources may have transactions of
-- the same number; the topic's name begins with the source's.
create or replace function fieldtrail_make_who(pivot regclass, prefix text) returns void
language plpgsql as $$
begin
    execute format(
        'create or replace view %s.%I as
         select changes.*, said.said_by, said.said_why, said.content as said
         from %s changes
         left join lateral (
             select fieldtrail_said(m.content, ''user'') as said_by,
                    fieldtrail_said(m.content, ''reason'') as said_why, m.content
             from fieldtrail_message m
             where m.tx_id = changes.tx_id and m.prefix = %L
               and starts_with(changes.kafka_topic, m.source_name || ''.'')
             order by m.kafka_offset desc
             limit 1) said on true',
        (select relnamespace::regnamespace from pg_class where oid = pivot),
        (select relname || '_who' from pg_class where oid = pivot), pivot, prefix);
end $$;

select fieldtrail_make_who(:'table', :'prefix');
