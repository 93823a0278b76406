/*
 * change_kit: changes in one line. Columns stand between semicolons as NAME NEED BEFORE AFTER
 * [PRESET], need being r (NOT NULL), o (optional) or - (the event has no schema), values as
 * value_from reads them: "id r #1 #1;name o 'a 'b".
 */
#ifndef FIELDTRAIL_CHANGE_KIT_H
#define FIELDTRAIL_CHANGE_KIT_H

#include <fieldtrail/change.h>

#include "check.h"

#define KIT_COLUMNS 16

struct change_kit {
    struct record record;
    struct field field[KIT_COLUMNS];
    struct member key[KIT_COLUMNS];
    struct change change;
};

HELPER void kit_columns(struct change_kit *kit, const char *columns)
{
    str rest = str_from(columns), column, name, need, before, after, preset;
    while (str_split(&rest, ';', &column)) {
        assert_true(kit->change.field_count < KIT_COLUMNS);
        struct field *field = &kit->field[kit->change.field_count++];
        name = need = before = after = preset = STR_EMPTY;
        assert_true(str_split(&column, ' ', &name) && str_split(&column, ' ', &need));
        assert_true(str_split(&column, ' ', &before) && str_split(&column, ' ', &after));
        if (!str_split(&column, ' ', &preset))
            preset = STR("_");
        *field = (struct field){.name = name,
                                .before = value_from(before),
                                .after = value_from(after),
                                .preset = value_from(preset),
                                .place = (uint32_t)kit->change.field_count,
                                .need = need.ptr[0] == 'r'   ? FIELD_REQUIRED
                                        : need.ptr[0] == 'o' ? FIELD_OPTIONAL
                                                             : FIELD_UNDESCRIBED};
    }
}

/* Message key "id #1;b 'x"; NULL where the input has no keys, "" where this record has none. */
HELPER void kit_key(struct change_kit *kit, const char *key)
{
    str rest = key ? str_from(key) : STR_EMPTY, pair, name;
    kit->record.keyed = kit->change.keyed = key != NULL;
    while (str_split(&rest, ';', &pair)) {
        assert_true(str_split(&pair, ' ', &name));
        kit->key[kit->change.key_count++] = (struct member){name, value_from(pair)};
    }
    kit->record.has_key = kit->change.key_count > 0;
    kit->change.key_text = kit->record.has_key ? STR("{\"the\":\"key\"}") : STR_EMPTY;
}

/* op is one of rcudtm, a capital letter for an update or delete that came without `before`. */
HELPER void kit_make(struct change_kit *kit, char op, const char *key, const char *columns)
{
    static const char letters[] = "rcudtm";
    bool gone = op == 'd' || op == 'D';
    bool imageless = op == 'U' || op == 'D';
    const struct value null = {VALUE_NULL, STR_EMPTY};
    *kit = (struct change_kit){.record = {.partition = -1, .offset = -1, .time_us = TIME_UNKNOWN}};
    char small = (char)(imageless ? op - 'A' + 'a' : op);
    kit->change = (struct change){.op = (enum change_op)(strchr(letters, small) - letters),
                                  .record = &kit->record,
                                  .schema = STR("s"),
                                  .table = STR("t"),
                                  .source_us = 1000000,
                                  .connector_us = 2000000,
                                  .event_us = TIME_UNKNOWN,
                                  .tx_id = null,
                                  .lsn = null,
                                  .tx_order = null,
                                  .query = null,
                                  .user_name = null,
                                  .thread = null,
                                  .prefix = null,
                                  .content = null,
                                  .field = kit->field,
                                  .key = kit->key,
                                  .has_before = op == 'u' || op == 'd',
                                  .has_after = !gone && op != 't' && op != 'm'};
    kit_columns(kit, columns);
    kit_key(kit, key);
}

#endif
