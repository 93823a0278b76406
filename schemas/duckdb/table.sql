-- The files of a CsvSink as one view in DuckDB: all that are closed, and those that grow. It may be
-- run any number of times. Those of logical messages (topic PREFIX.message, by their names) have other
-- columns, and are left out: fieldtrail_message.sql has them.
--
--   fieldtrail sql table connector.json > table.sql && duckdb -init table.sql

\set table holding_pivot
\set files '*.csv'
\set messages '(^|[/\\])[^./\\]+[.]message-[0-9]+[.]'
\set header false
\set columns '''holding_id'': ''INTEGER'', ''user_id'': ''INTEGER'', ''change_field'': ''VARCHAR'', ''old_value'': ''VARCHAR'', ''new_value'': ''VARCHAR'', ''datetime_created'': ''TIMESTAMPTZ'', ''datetime_updated'': ''TIMESTAMPTZ'', ''datetime_deleted'': ''TIMESTAMPTZ'', ''datetime_inserted'': ''TIMESTAMPTZ'', ''op'': ''VARCHAR'', ''old_known'': ''BOOLEAN'', ''event_time'': ''TIMESTAMPTZ'', ''source_table'': ''VARCHAR'', ''row_key'': ''VARCHAR'', ''tx_id'': ''VARCHAR'', ''lsn'': ''VARCHAR'', ''kafka_topic'': ''VARCHAR'', ''kafka_partition'': ''INTEGER'', ''kafka_offset'': ''BIGINT'', ''field_no'': ''BIGINT'''

-- NULL is empty, and the empty text is "".
create or replace view :table as
select * exclude (filename) from read_csv(:'files', delim = ',', quote = '"', escape = '"', header = :header,
                       nullstr = '', allow_quoted_nulls = false, auto_detect = false,
                       filename = true, columns = {:columns})
where not regexp_matches(filename, :'messages');
