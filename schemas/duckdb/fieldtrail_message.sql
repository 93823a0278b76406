-- The logical messages in a CsvSink's files as one view in DuckDB: what applications say of their
-- transactions with pg_logical_emit_message. tx_id leads to the rows of table.sql. It may be run any
-- number of times. Files are told by their names: those of a topic PREFIX.message.
--
--   fieldtrail sql fieldtrail_message connector.json > message.sql && duckdb -init message.sql

\set files '*.csv'
\set messages '(^|[/\\])[^./\\]+[.]message-[0-9]+[.]'
\set header false

create or replace view fieldtrail_message as
select * exclude (filename)
from read_csv(:'files', delim = ',', quote = '"', escape = '"', header = :header, nullstr = '',
              allow_quoted_nulls = false, auto_detect = false, filename = true,
              columns = {'source_name': 'VARCHAR', 'tx_id': 'VARCHAR', 'lsn': 'VARCHAR',
                         'prefix': 'VARCHAR', 'content': 'VARCHAR', 'event_time': 'TIMESTAMPTZ',
                         'kafka_topic': 'VARCHAR', 'kafka_partition': 'INTEGER',
                         'kafka_offset': 'BIGINT'})
where regexp_matches(filename, :'messages');
