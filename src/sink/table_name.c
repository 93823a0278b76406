/*
 * Placeholders of a table's name.
 */
#include "table_name.h"

bool table_name_is_fixed(str pattern)
{
    return str_find(pattern, STR("${")) < 0;
}

str table_name(str pattern, const struct change *change, struct buf *out)
{
    static const str table = {"${table}", 8}, schema = {"${schema}", 9}, topic = {"${topic}", 8};
    str rest = pattern;
    buf_clear(out);
    while (rest.ptr) {
        ptrdiff_t at = str_find(rest, STR("${"));
        buf_str(out, at < 0 ? rest : str_head(rest, (size_t)at));
        if (at < 0)
            break;
        rest = (str){rest.ptr + at, rest.len - (size_t)at};
        bool is_table = str_starts(rest, table), is_schema = str_starts(rest, schema);
        bool is_topic = str_starts(rest, topic);
        buf_str(out, is_table    ? change->table
                     : is_schema ? change->schema
                     : is_topic  ? change->record->topic
                                 : str_head(rest, 2));
        rest = str_from_at(rest, is_table    ? table.len
                                 : is_schema ? schema.len
                                 : is_topic  ? topic.len
                                             : 2);
    }
    return buf_view(out);
}
