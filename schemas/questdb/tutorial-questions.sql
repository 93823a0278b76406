-- The tutorial's questions in QuestDB's SQL, and some that a database of time series answers best.
-- Each statement runs alone, in the web console or by /exec:
--
--   fieldtrail sql tutorial-questions connector.json from=2026-11-21 until=2026-11-22 \
--       at=2026-11-21T01:00:00Z

\set table holding_pivot
\set from 1970-01-01
\set until 2200-01-01
\set at 2200-01-01

-- How many times did each user change the stock of a holding, and how many times the quantity?
SELECT user_id,
       sum(CASE WHEN change_field = 'holding_stock' THEN 1 ELSE 0 END) AS stock_changes,
       sum(CASE WHEN change_field = 'holding_quantity' THEN 1 ELSE 0 END) AS quantity_changes
FROM :table
WHERE op IN ('u', 'd') AND old_known
GROUP BY user_id
ORDER BY user_id;

-- Between two dates, which stock was sold most often among all users?
SELECT old_value AS stock, count() AS sold
FROM :table
WHERE change_field = 'holding_stock' AND op IN ('u', 'd') AND old_known AND old_value IS NOT NULL
  AND event_time >= :'from' AND event_time < :'until'
GROUP BY old_value
ORDER BY sold DESC, stock
LIMIT 1;

-- How many changes were there in each hour, by field?
SELECT event_time AS hour, change_field, count() AS changes
FROM :table
WHERE event_time >= :'from' AND event_time < :'until'
SAMPLE BY 1h ALIGN TO CALENDAR
ORDER BY hour, change_field;

-- What is the newest value of each field of each holding?
SELECT holding_id, change_field, new_value, op, event_time
FROM :table
WHERE change_field IS NOT NULL
LATEST ON event_time PARTITION BY holding_id, change_field
ORDER BY holding_id, change_field;

-- What was the quantity of each holding at a time?
WITH asked AS (
    (SELECT DISTINCT holding_id, :'at'::timestamp AS at FROM :table) TIMESTAMP(at)
), quantity AS (
    SELECT event_time, holding_id, new_number, op
    FROM :table
    WHERE change_field = 'holding_quantity'
)
SELECT asked.holding_id, quantity.new_number AS quantity, quantity.event_time AS since
FROM asked ASOF JOIN quantity ON (holding_id)
WHERE quantity.new_number IS NOT NULL
ORDER BY holding_id;

-- What stock did a holding have when its quantity changed?
WITH quantity AS (
    SELECT event_time, holding_id, old_number, new_number
    FROM :table
    WHERE change_field = 'holding_quantity' AND op = 'u'
), stock AS (
    SELECT event_time, holding_id, new_value
    FROM :table
    WHERE change_field = 'holding_stock'
)
SELECT quantity.event_time, quantity.holding_id, stock.new_value AS stock, quantity.old_number,
       quantity.new_number
FROM quantity ASOF JOIN stock ON (holding_id)
ORDER BY quantity.event_time;
