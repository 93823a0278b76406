/*
 * Settings of the source connector that decide what values without schema mean: how it writes
 * decimals and bytes, and what times count. The values show most of it; where they leave it open,
 * that is said.
 */
#include "check_steps.h"
#include "reading.h"
#include "type_readers.h"

/* ---- values ---- */

static bool is_among(char c, const char *letters)
{
    return c != '\0' && strchr(letters, c);
}

static bool all_among(str text, const char *letters)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_among(text.ptr[i], letters))
            return false;
    return true;
}

static void add_text(struct value_sight *sight, str text)
{
    bool digits = all_among(text, "0123456789");
    bool whole = text.len % 4 == 0;
    sight->digits = sight->digits || (digits && whole);
    sight->decimal = sight->decimal || (digits && !whole)
                     || (!digits && all_among(text, "-.0123456789"));
    sight->base64 = sight->base64
                    || (!digits && whole
                        && all_among(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                           "0123456789+/-_="));
    if (text.len % 2 == 0 && all_among(text, "0123456789abcdef"))
        sight->hex_letters += text.len;
    else
        sight->not_hex = true;
}

static void add_number(struct value_sight *sight, str text)
{
    int64_t number;
    if (!str_to_int64(text, &number) || number == 0)
        return;
    uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    sight->sizes[63 - __builtin_clzll(size)]++;
}

void value_sight_add(struct value_sight *sight, struct value value)
{
    if (value.kind == VALUE_TEXT && value.text.len > 0)
        add_text(sight, value.text);
    if (value.kind == VALUE_NUMBER)
        add_number(sight, value.text);
}

/* ---- types ---- */

/* Most times of day are more than a minute after midnight, most timestamps more than three years
   from 1970, and few beyond the year 9999. */
static bool is_likely(uint64_t ticks, uint64_t per_second, bool is_timestamp)
{
    const uint64_t from = is_timestamp ? 100000000 : 87;
    const uint64_t to = is_timestamp ? UINT64_C(253402300800) : 86400;
    return ticks / per_second >= from && ticks / per_second <= to;
}

static bool type_by_modes(str type, int decimal, int time, struct arena *arena, struct type *found)
{
    struct fault ignored;
    struct type_modes modes = {.decimal = decimal, .time = time};
    return type_of_hint(type, &modes, arena, found, &ignored);
}

static void add_time(struct modes_sight *modes, str type, const struct value_sight *values,
                     struct arena *scratch)
{
    struct type found;
    for (int mode = TIME_ADAPTIVE; mode <= TIME_NANO; mode++) {
        if (mode == TIME_ISO || !type_by_modes(type, DECIMAL_PRECISE, mode, scratch, &found))
            continue;
        for (unsigned bit = 0; bit < 63; bit++) {
            uint64_t middle = (UINT64_C(3) << bit) / 2;
            modes->time_any = modes->time_any || values->sizes[bit] > 0;
            if (is_likely(middle, (uint64_t)found.parameter, found.reader == &type_iso_timestamp))
                modes->time_likely[mode] += values->sizes[bit];
        }
    }
}

void modes_sight_add(struct modes_sight *modes, str type, const struct value_sight *values)
{
    struct arena scratch;
    struct type found;
    arena_init(&scratch, (size_t)1024 * 1024);
    bool known = type_by_modes(type, DECIMAL_PRECISE, TIME_ADAPTIVE, &scratch, &found);
    if (known && found.reader == &type_numeric && found.precision > 0) {
        modes->decimal_digits = modes->decimal_digits || values->digits;
        modes->decimal_string = modes->decimal_string || values->decimal;
        modes->decimal_precise = modes->decimal_precise || values->base64;
    } else if (known && found.reader == &type_bytea) {
        modes->binary_any = modes->binary_any || values->hex_letters > 0;
        modes->binary_not_hex = modes->binary_not_hex || values->not_hex;
        modes->binary_letters += values->hex_letters;
    } else if (known && (found.reader == &type_iso_time || found.reader == &type_iso_timestamp)) {
        add_time(modes, type, values, &scratch);
    }
    arena_release(&scratch);
}

/* ---- findings ---- */

/* So many letters that all are hexadecimal digits are no accident: of base64 it would be one in
   65536. */
#define HEX_LETTERS 8

#define MODE_OPEN (-1)

static const char *mode_name(const char *key, int mode)
{
    const struct option_table *table = &values_options;
    return option_by_key(&table, 1, str_from(key))->choices[mode];
}

static void tell(const struct check *check, const char *what, const char *key, int set, int seen)
{
    if (seen == set)
        return;
    if (seen == MODE_OPEN)
        findings_add(check->findings, FINDING_WARN,
                     "source: without schema the events do not tell how %s: configure %s=%s, or "
                     "what else the source connector has there",
                     what, key, mode_name(key, set));
    else
        findings_add(check->findings, FINDING_FAIL,
                     "source: without schema, values are taken for those of %s=%s, and they are "
                     "others: wrong ones would be written; configure %s=%s",
                     key, mode_name(key, set), key, mode_name(key, seen));
}

static int decimal_seen(const struct modes_sight *modes, int set)
{
    if (modes->decimal_string)
        return DECIMAL_STRING;
    if (modes->decimal_precise)
        return DECIMAL_PRECISE;
    return modes->decimal_digits ? MODE_OPEN : set;
}

static int binary_seen(const struct modes_sight *modes, int set)
{
    if (modes->binary_not_hex)
        return set == BINARY_HEX ? BINARY_BYTES : set;
    if (modes->binary_letters >= HEX_LETTERS)
        return BINARY_HEX;
    return modes->binary_any ? MODE_OPEN : set;
}

/* Texts of times say all; only numbers must be told apart. */
static int time_seen(const struct modes_sight *modes, int set)
{
    int best = set;
    for (int mode = TIME_ADAPTIVE; mode <= TIME_NANO; mode++)
        if (modes->time_likely[mode] > modes->time_likely[best])
            best = mode;
    return modes->time_any && modes->time_likely[best] == 0 ? MODE_OPEN : best;
}

static bool is_set(const struct check *check, const char *key)
{
    return config_find(&check->connector.config, str_from(key)) != NULL;
}

void modes_sight_tell(const struct modes_sight *modes, const struct check *check)
{
    static const char decimal[] = "decimal.handling.mode", binary[] = "binary.handling.mode",
                      time[] = "time.precision.mode";
    struct fault ignored;
    struct reading_settings settings = {0};
    if (!option_load(&values_options, &check->connector.config, &settings, &ignored))
        return;
    const struct type_modes *set = &settings.modes;
    int seen[] = {decimal_seen(modes, set->decimal), binary_seen(modes, set->binary),
                  time_seen(modes, set->time)};
    /* What somebody has written down is not asked for. */
    if (seen[0] != MODE_OPEN || !is_set(check, decimal))
        tell(check, "decimals are written", decimal, set->decimal, seen[0]);
    if (seen[1] != MODE_OPEN || !is_set(check, binary))
        tell(check, "bytes are written", binary, set->binary, seen[1]);
    if (seen[2] != MODE_OPEN || !is_set(check, time))
        tell(check, "times are counted", time, set->time, seen[2]);
}
