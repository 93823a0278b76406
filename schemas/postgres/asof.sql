-- Time travel over the pivot table: a table, or some rows of it, as it was, and what is different. It
-- needs history.sql, and may be run any number of times.
--
--   fieldtrail sql functions connector.json | psql "$FIELDTRAIL_PG_URI"
--
-- Of every field of a row one change counts: the last one up to the moment, or, where there is none,
-- the first one after it, which tells the value before. So each change is sorted once, in parallel
-- where it is the whole table, and what Debezium sent twice need not be looked for: it stands at the
-- same place of the log and says the same. (Without an lsn it is a second time in the log, and leads
-- to the same end.)

\set ON_ERROR_STOP on
set client_min_messages = warning;

-- The statement of fieldtrail_asof, in pieces. Its parameters: the source table, the moment, the keys
-- that the rows had ($3), the paths of rows whose key moved ($4 to $10), and when rows left their
-- keys or the table was emptied ($11 to $13). A place in a row's history is the lsn,
-- the step on its way from key to key where there is no lsn, partition, offset, and number in the record.
create or replace function fieldtrail_asof_statement(pivot regclass, few boolean, moved boolean)
returns text
language sql stable as $sql$
    select format($$
with own as %2$s (
    select %3$s as owner, c.op::text as op, c.change_field::text as field,
           c.old_value::text as old_value, c.new_value::text as new_value, c.old_known,
           c.event_time as at, fieldtrail_lsn(c.lsn::text) as lsn, %4$s as step,
           c.kafka_partition::integer as part, c.kafka_offset::bigint as off,
           c.field_no::bigint >> 16 as no, c.field_no::bigint as field_no,
           c.op = 'u' and c.old_known and fieldtrail_in_key(c.row_key, c.change_field)
               and c.row_key::jsonb ? c.change_field as arrives
    from %1$s c %5$s
    where c.source_table = $1 and c.row_key is not null %6$s
), past as materialized (
    select distinct on (owner, field) owner, field, op, new_value, at, lsn, step, part, off, no
    from own where at <= $2
    order by owner, field, lsn desc, step desc, part desc, off desc, field_no desc
), birth as materialized (
    select owner, max(array[lsn, step, part, off, no]) as place
    from own where at <= $2 and op in ('c', 'r') group by owner
), future as materialized ( -- only those whose creation is not known
    select distinct on (owner, field) *
    from own where at > $2 and not exists (select from birth b where b.owner = own.owner)
    order by owner, field, lsn, step, part, off, field_no
), next_birth as ( -- from there on it may be another row
    select owner, min(array[lsn, step, part, off, no]) as place
    from own where at > $2 and (op = 'c' or arrives)
      and not exists (select from birth b where b.owner = own.owner)
    group by owner
), last as materialized (
    select distinct on (owner) owner, op, at, lsn
    from past order by owner, lsn desc, step desc, part desc, off desc, no desc
), ahead as (
    select owner, bool_or(op in ('c', 'r') or arrives) as begins
    from (select owner, op, arrives,
                 rank() over (partition by owner order by lsn, step, part, off, no) as n from future) f
    where n = 1 and not exists (select from last l where l.owner = f.owner)
    group by owner
), away as materialized (
    select * from unnest($11::text[], $12::timestamptz[], $13::numeric[]) u (owner, at, lsn)
), emptied as materialized (
    select at, lsn from away where owner is null
), alive as (
    select l.owner, b.place as birth
    from last l
    left join birth b on b.owner = l.owner
    where l.op <> 'd'
      and not exists (select from away a where a.owner = l.owner
                                           and fieldtrail_is_before(l.at, l.lsn, a.at, a.lsn))
      and not exists (select from emptied e where fieldtrail_is_before(l.at, l.lsn, e.at, e.lsn))
    union all
    select owner, null
    from ahead
    where not begins and not exists (select from away a where a.owner = ahead.owner)
      and not exists (select from emptied)
), field as (
    select field from past where field is not null
    union
    select field from own where at > $2 and field is not null
), later as (
    select f.owner, f.field, f.old_value
    from future f
    left join next_birth n on n.owner = f.owner
    where f.old_known and f.op in ('u', 'd')
      and (n.place is null or array[f.lsn, f.step, f.part, f.off, f.no] < n.place)
)
select a.owner, f.field,
       case when p.owner is not null
            then case when a.birth is null or array[p.lsn, p.step, p.part, p.off, p.no] >= a.birth
                      then p.new_value end
            when a.birth is null then l.old_value end,
       a.birth is not null or p.owner is not null or l.owner is not null
from alive a
cross join field f
left join past p on p.owner = a.owner and p.field = f.field
left join later l on l.owner = a.owner and l.field = f.field
order by a.owner, f.field $$,
        pivot, case when few then 'materialized' else 'not materialized' end,
        case when moved then 'coalesce(p.owner, c.row_key::text)' else 'c.row_key::text' end,
        case when moved then 'case when p.depth > 0 and fieldtrail_lsn(c.lsn::text) = 0 then -p.depth
                                   else 0 end'
             else '0' end,
        case when moved then 'left join unnest($4::text[], $5::text[], $6::timestamptz[], $7::numeric[],
                              $8::timestamptz[], $9::numeric[], $10::integer[])
                              p (owner, key, since_at, since_lsn, until_at, until_lsn, depth)
                              on p.key = c.row_key' end,
        case when few then 'and c.row_key = any ($3)' else '' end
        || case when moved then ' and (p.owner is null or fieldtrail_is_within(
                                  c.event_time, fieldtrail_lsn(c.lsn::text), p.since_at, p.since_lsn,
                                  p.until_at, p.until_lsn))' else '' end)
$sql$;

-- The rows of a table, or some of them, as they were at a moment (inclusive): a line for every
-- field. A row's fields are known from its creation (or from the snapshot that read it) on; before
-- that from the first change that told its old value; else they are unknown.
create or replace function fieldtrail_asof(pivot regclass, source_table text, moment timestamptz,
                                           row_keys text[] default null)
returns table (row_key text, change_field text, value text, known boolean)
language plpgsql stable as $$
declare
    few boolean := row_keys is not null;
    setting text;
    earlier jsonb := '{}';
    path record;
    away record;
begin
    select array_agg(distinct p.key) as keys, array_agg(p.owner) as owner, array_agg(p.key) as key,
           array_agg(p.since_at) as since_at, array_agg(p.since_lsn) as since_lsn,
           array_agg(p.until_at) as until_at, array_agg(p.until_lsn) as until_lsn,
           array_agg(p.depth) as depth
    into path from fieldtrail_path(pivot, source_table, moment, row_keys) p;
    select array_agg(a.key_before) as owner, array_agg(a.at) as at, array_agg(a.lsn) as lsn
    into away from fieldtrail_away(pivot, source_table, moment, row_keys) a;
    -- For some rows there are indexes: see fieldtrail_changes. For all of them a loop within a loop is
    -- wrong, and the planner does not know how many there are; what it adds for those that cannot be
    -- avoided would have the plan compiled, for longer than it runs.
    foreach setting in array array['jit', case when few then 'enable_seqscan'
                                               else 'enable_nestloop' end] loop
        earlier := earlier || jsonb_build_object(setting, current_setting(setting));
        perform set_config(setting, 'off', true);
    end loop;
    return query execute fieldtrail_asof_statement(pivot, few, path.owner is not null)
    using source_table, moment, path.keys, path.owner, path.key, path.since_at, path.since_lsn,
          path.until_at, path.until_lsn, path.depth, away.owner, away.at, away.lsn;
    perform set_config(e.key, e.value, true) from jsonb_each_text(earlier) e;
end $$;

-- The same with a line for every row: what is known of it as one object, and the names of the
-- fields that are not.
create or replace function fieldtrail_asof_rows(pivot regclass, source_table text,
                                                moment timestamptz, row_keys text[] default null)
returns table (row_key text, state jsonb, unknown text[])
language sql stable as $$
    select a.row_key,
           coalesce(jsonb_object_agg(a.change_field, a.value) filter (where a.known), '{}'),
           array_agg(a.change_field order by a.change_field) filter (where not a.known)
    from fieldtrail_asof(pivot, source_table, moment, row_keys) a
    group by a.row_key
    order by a.row_key
$$;

-- The keys of the rows that a table's changes between two times (the first exclusive) are of; NULL
-- where they are more than can be looked for one by one, or the table was emptied.
create or replace function fieldtrail_touched(pivot regclass, source_table text, since timestamptz,
                                              until timestamptz) returns text[]
language plpgsql stable as $$
declare
    keys text[];
    rows bigint;
begin
    execute format(
        'select array_agg(distinct row_key), count(*)
         from (select row_key::text from %s
               where source_table = $1 and event_time > $2 and event_time <= $3 limit 20001) c',
        pivot)
    into keys, rows using source_table, since, until;
    if rows > 20000 or cardinality(keys) > 1000 or array_position(keys, null) is not null then
        return null;
    end if;
    return array(select unnest(keys)
                 union
                 select m.key_before from fieldtrail_moves(pivot, source_table, keys) m
                 where m.at > since and m.at <= until);
end $$;

-- What is different between two moments: rows that came, that went, and fields that moved. A field
-- that is unknown at one of them is shown with `known` false, where the row was changed at all.
create or replace function fieldtrail_diff(pivot regclass, source_table text, earlier timestamptz,
                                           later timestamptz, row_keys text[] default null)
returns table (row_key text, difference text, change_field text, earlier_value text,
               later_value text, known boolean)
language plpgsql stable as $$
begin
    row_keys := coalesce(row_keys, fieldtrail_touched(pivot, source_table, least(earlier, later),
                                                      greatest(earlier, later)));
    return query
    with sides as (
        select coalesce(a.row_key, b.row_key) as row_key,
               coalesce(a.change_field, b.change_field) as change_field,
               bool_or(a.row_key is not null) over of_row as was,
               bool_or(b.row_key is not null) over of_row as stays,
               a.value as earlier_value, b.value as later_value,
               coalesce(a.known, true) and coalesce(b.known, true) as known
        from fieldtrail_asof(pivot, source_table, earlier, row_keys) a
        full join fieldtrail_asof(pivot, source_table, later, row_keys) b
             on a.row_key = b.row_key and a.change_field = b.change_field
        window of_row as (partition by coalesce(a.row_key, b.row_key)))
    select s.row_key, case when not s.was then 'created' when not s.stays then 'deleted'
                           else 'changed' end,
           s.change_field, s.earlier_value, s.later_value, s.known
    from sides s
    where s.earlier_value is distinct from s.later_value or not s.known or s.was <> s.stays
    order by s.row_key, s.change_field;
end $$;
