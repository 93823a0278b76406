-- The tutorial's seven statements, each a transaction of its own. Run them once, after the
-- connector runs: seven events and, for the two deletes, a tombstone each.
--
--   psql "$FIELDTRAIL_PG_URI" -f schemas/postgres/tutorial-statements.sql

\set ON_ERROR_STOP on

-- c
insert into bank.holding values (1001, 2, 'SP500', 1, now(), now());
insert into bank.holding values (1002, 3, 'SP500', 1, now(), now());

-- u
update bank.holding set holding_quantity = 100 where holding_id=1000;

-- d
delete from bank.holding where user_id = 3;
delete from bank.holding where user_id = 2;

-- c
insert into bank.holding values (1003, 3, 'VTSAX', 100, now(), now());

-- u
update bank.holding set holding_quantity = 10 where holding_id=1003;
