-- The tutorial's three questions, in a form that is right: deletes count as changes (`<>` with a
-- NULL on one side is never true), each question asks one field alone, and a change whose old value
-- is unknown (old_known is false) is not taken for one that happened.
--
--   psql "$FIELDTRAIL_PG_URI" -v from=2026-01-01 -v until=2027-01-01 \
--        -f schemas/postgres/tutorial-questions.sql

\set ON_ERROR_STOP on
\if :{?table}
\else
  \set table holding_pivot
\endif
\if :{?from}
\else
  \set from '-infinity'
\endif
\if :{?until}
\else
  \set until 'infinity'
\endif

\echo 'How many times did each user change the stock of a holding, and how many times the quantity?'
select user_id,
       count(*) filter (where change_field = 'holding_stock'
                          and op in ('u', 'd') and old_known
                          and old_value is distinct from new_value) as stock_changes,
       count(*) filter (where change_field = 'holding_quantity'
                          and op in ('u', 'd') and old_known
                          and old_value is distinct from new_value) as quantity_changes
from :table
group by user_id
order by user_id;

\echo 'Between two dates, which stock was sold most often among all users?'
select old_value as stock, count(*) as sold
from :table
where change_field = 'holding_stock'
  and op in ('u', 'd') and old_known
  and old_value is distinct from new_value and old_value is not null
  and coalesce(datetime_updated, datetime_deleted) >= :'from'
  and coalesce(datetime_updated, datetime_deleted) < :'until'
group by old_value
order by sold desc, stock
limit 1;
