/*
 * A line into a record, for the targets that read events.
 */
#include "fuzz.h"

#include "kcat.h"

bool fuzz_record(str line, struct arena *arena, struct record *record)
{
    struct fault fault = {0};
    bool is_kcat;
    if (str_ends(line, STR("\r")))
        line.len--;
    if (!kcat_read(line, arena, record, &is_kcat, &fault))
        return false;
    if (is_kcat)
        return true;
    record->has_value = line.len > 0 && !str_is(line, "NULL") && !str_is(line, "null");
    record->value = line;
    return false;
}
