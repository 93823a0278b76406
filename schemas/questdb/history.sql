-- History, as of and counts in QuestDB's SQL. Each statement runs alone, in the web console or by
-- /exec; `fieldtrail sql` fills in what is asked:
--
--   fieldtrail sql history connector.json source=bank.holding 'key={"holding_id":1000}' \
--       at=2026-11-21T01:00:00Z field=holding_stock
--
-- A row's key is taken as it stands: a key that changed is another row here (the functions for
-- PostgreSQL follow it). A transaction is one time: within it the place in the source's log (lsn)
-- counts, and where the source has none, the order of its changes is not known here. What Debezium
-- sent twice has two lines in the history and is counted twice; the answers about a time are right.

\set table holding_pivot
\set source bank.holding
\set key '{"holding_id":1000}'
\set field holding_quantity
\set at 2200-01-01
\set from 1970-01-01
\set until 2200-01-01

-- What happened to one row? Oldest first.
SELECT event_time, op, change_field, old_value, new_value, old_known, tx_id
FROM :table
WHERE source_table = :'source' AND row_key = :'key'
ORDER BY event_time, lsn::long, kafka_partition, kafka_offset, field_no;

-- What was one row at a time? A line for every field that had been said by then.
WITH past AS (
    SELECT change_field, op, new_value, coalesce(lsn::long, event_time::long) AS place, field_no
    FROM :table
    WHERE source_table = :'source' AND event_time <= :'at' AND (row_key = :'key' OR op = 't')
), life AS (
    SELECT max(CASE WHEN op IN ('c', 'r') THEN place ELSE 0 END) AS born,
           max(CASE WHEN op IN ('d', 't') THEN place ELSE 0 END) AS died, max(place) AS newest
    FROM past
), told AS (
    SELECT p.change_field, p.new_value,
           row_number() OVER (PARTITION BY p.change_field ORDER BY p.place DESC, p.field_no DESC) AS nth
    FROM past p CROSS JOIN life l
    WHERE p.change_field IS NOT NULL AND p.place >= l.born AND l.died < l.newest
)
SELECT change_field, new_value AS value FROM told WHERE nth = 1 ORDER BY change_field;

-- What was the whole table at a time?
WITH past AS (
    SELECT row_key, change_field, op, new_value, coalesce(lsn::long, event_time::long) AS place,
           field_no
    FROM :table
    WHERE source_table = :'source' AND event_time <= :'at'
), emptied AS (
    SELECT coalesce(max(place), 0) AS place FROM past WHERE op = 't'
), life AS (
    SELECT row_key, max(place) AS newest,
           max(CASE WHEN op IN ('c', 'r') THEN place ELSE 0 END) AS born,
           max(CASE WHEN op = 'd' THEN place ELSE 0 END) AS died
    FROM past
    WHERE op <> 't'
    GROUP BY row_key
), alive AS (
    SELECT l.row_key, l.born
    FROM life l CROSS JOIN emptied e
    WHERE l.newest > e.place AND l.died < l.newest
), told AS (
    SELECT p.row_key, p.change_field, p.new_value,
           row_number() OVER (PARTITION BY p.row_key, p.change_field
                              ORDER BY p.place DESC, p.field_no DESC) AS nth
    FROM past p JOIN alive a ON a.row_key = p.row_key
    WHERE p.change_field IS NOT NULL AND p.place >= a.born
)
SELECT row_key, change_field, new_value AS value FROM told WHERE nth = 1
ORDER BY row_key, change_field;

-- How often did each field change in each hour? What may have changed nothing is apart.
SELECT event_time AS hour, change_field,
       sum(CASE WHEN old_known THEN 1 ELSE 0 END) AS changes,
       sum(CASE WHEN old_known THEN 0 ELSE 1 END) AS unknown
FROM :table
WHERE source_table = :'source' AND event_time >= :'from' AND event_time < :'until'
  AND op IN ('u', 'd') AND change_field IS NOT NULL
SAMPLE BY 1h ALIGN TO CALENDAR
ORDER BY hour, change_field;

-- Which rows changed most?
SELECT row_key, count_distinct(kafka_partition::long * 1000000000000000 + kafka_offset) AS changes,
       count() AS fields, max(event_time) AS last
FROM :table
WHERE source_table = :'source' AND op = 'u' AND event_time >= :'from' AND event_time < :'until'
GROUP BY row_key
ORDER BY changes DESC, row_key
LIMIT 10;

-- From which value did the field go to which, and how often?
SELECT old_value AS from_value, new_value AS to_value, count() AS changes
FROM :table
WHERE source_table = :'source' AND change_field = :'field' AND op = 'u' AND old_known
GROUP BY old_value, new_value
ORDER BY changes DESC, from_value, to_value;

-- How long was the field of the row at each of its values? The last one lasts.
WITH step AS (
    SELECT event_time, op, new_value, coalesce(lsn::long, event_time::long) AS place
    FROM :table
    WHERE source_table = :'source' AND row_key = :'key' AND (change_field = :'field' OR op = 'd')
), period AS (
    SELECT op, new_value, event_time AS since, lead(event_time) OVER (ORDER BY place) AS until
    FROM step
)
SELECT new_value AS value, since, until FROM period WHERE op <> 'd' ORDER BY since;
