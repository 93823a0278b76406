/*
 * Hints: PostgreSQL's names of types, for messages that come without a schema. What a value means
 * then depends on the connector's settings too, which cannot be guessed: "1234" is a decimal in
 * base64 and one in digits.
 */
#include "type_readers.h"

#define NAME_LIMIT 60

/* A hint taken apart: name in lower case without "without time zone", up to two numbers, []. */
struct hint {
    char name[NAME_LIMIT + 1];
    int64_t number[2];
    int number_count;
    bool array;
};

/* What the parameter of a type is. */
enum parameter { NOTHING, SCALE, MONEY, LENGTH, TICKS, BINARY };

static const struct {
    const char *name;
    const struct type_reader *reader; /* NULL: the value as it came */
    enum parameter parameter;
} names[] = {
    {"boolean", NULL, NOTHING},
    {"bool", NULL, NOTHING},
    {"smallint", NULL, NOTHING},
    {"int2", NULL, NOTHING},
    {"integer", NULL, NOTHING},
    {"int", NULL, NOTHING},
    {"int4", NULL, NOTHING},
    {"bigint", NULL, NOTHING},
    {"int8", NULL, NOTHING},
    {"oid", NULL, NOTHING},
    {"text", NULL, NOTHING},
    {"name", NULL, NOTHING},
    {"\"char\"", NULL, NOTHING},
    {"citext", NULL, NOTHING},
    {"varchar", NULL, NOTHING},
    {"character varying", NULL, NOTHING},
    {"uuid", NULL, NOTHING},
    {"xml", NULL, NOTHING},
    {"inet", &type_inet, NOTHING},
    {"cidr", NULL, NOTHING},
    {"macaddr", NULL, NOTHING},
    {"macaddr8", NULL, NOTHING},
    {"ltree", NULL, NOTHING},
    {"tsvector", NULL, NOTHING},
    {"int4range", NULL, NOTHING},
    {"int8range", NULL, NOTHING},
    {"numrange", NULL, NOTHING},
    {"tsrange", NULL, NOTHING},
    {"tstzrange", NULL, NOTHING},
    {"daterange", NULL, NOTHING},
    {"numeric", &type_numeric, SCALE},
    {"decimal", &type_numeric, SCALE},
    {"money", &type_numeric, MONEY},
    {"real", &type_float4, NOTHING},
    {"float4", &type_float4, NOTHING},
    {"double precision", &type_float8, NOTHING},
    {"float8", &type_float8, NOTHING},
    {"char", &type_char, NOTHING},
    {"character", &type_char, NOTHING},
    {"bpchar", &type_char, NOTHING},
    {"bytea", &type_bytea, BINARY},
    {"bit", &type_bits, LENGTH},
    {"bit varying", &type_bit_varying, NOTHING},
    {"varbit", &type_bit_varying, NOTHING},
    {"date", &type_iso_date, NOTHING},
    {"time", &type_iso_time, TICKS},
    {"timetz", &type_zoned_time, NOTHING},
    {"time with time zone", &type_zoned_time, NOTHING},
    {"timestamp", &type_iso_timestamp, TICKS},
    {"timestamptz", &type_zoned_timestamp, NOTHING},
    {"timestamp with time zone", &type_zoned_timestamp, NOTHING},
    {"interval", &type_interval, NOTHING},
    {"json", &type_document, NOTHING},
    {"jsonb", &type_document, NOTHING},
    {"hstore", &type_hstore, NOTHING},
    {"point", &type_point, NOTHING},
    {"geometry", &type_geometry, NOTHING},
    {"geography", &type_geometry, NOTHING},
    {"vector", &type_vector, NOTHING},
    {"halfvec", &type_vector, NOTHING},
    {"sparsevec", &type_sparse_vector, NOTHING},
};

/* "(5,2)" behind the name; true where there is none. */
static bool take_numbers(str *rest, struct hint *hint)
{
    str inside, item;
    if (rest->len == 0 || rest->ptr[0] != '(')
        return true;
    *rest = str_from_at(*rest, 1);
    ptrdiff_t end = str_find(*rest, STR(")"));
    if (end < 0)
        return false;
    inside = str_head(*rest, (size_t)end);
    *rest = str_trim(str_from_at(*rest, (size_t)end + 1));
    while (str_split(&inside, ',', &item))
        if (hint->number_count == 2
            || !str_to_int64(str_trim(item), &hint->number[hint->number_count++]))
            return false;
    return hint->number_count > 0;
}

/* The words before the bracket, each followed by one blank. */
static bool take_name(str *rest, struct hint *hint)
{
    size_t used = strlen(hint->name), i = 0;
    for (; i < rest->len && rest->ptr[i] != '(' && rest->ptr[i] != '['; i++) {
        if (used >= NAME_LIMIT)
            return false;
        char c = rest->ptr[i];
        hint->name[used++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    while (used > 0 && hint->name[used - 1] == ' ')
        used--;
    hint->name[used] = '\0';
    *rest = str_from_at(*rest, i);
    return true;
}

static bool take_hint(str text, struct hint *hint)
{
    static const char zoneless[] = " without time zone";
    *hint = (struct hint){0};
    str rest = str_trim(text);
    if (!take_name(&rest, hint) || !take_numbers(&rest, hint))
        return false;
    if (rest.len > 0 && rest.ptr[0] != '[') {
        /* timestamp(3) with time zone: the numbers stand inside the name. */
        size_t used = strlen(hint->name);
        if (used >= NAME_LIMIT)
            return false;
        hint->name[used] = ' ';
        hint->name[used + 1] = '\0';
        if (!take_name(&rest, hint))
            return false;
    }
    while (str_starts(rest, STR("[]"))) {
        hint->array = true;
        rest = str_from_at(rest, 2);
    }
    size_t used = strlen(hint->name), tail = strlen(zoneless);
    if (used > tail && strcmp(hint->name + used - tail, zoneless) == 0)
        hint->name[used - tail] = '\0';
    return rest.len == 0;
}

static int32_t time_ticks(const struct hint *hint, int mode, bool is_timestamp)
{
    switch ((enum time_mode)mode) {
    case TIME_CONNECT:
        return 1000;
    case TIME_MICRO:
        return 1000000;
    case TIME_NANO:
        return 1000000000;
    case TIME_ADAPTIVE_MICRO:
        if (!is_timestamp)
            return 1000000;
        break;
    case TIME_ADAPTIVE:
    case TIME_ISO:
    case TIME_STRUCTURED:
        break;
    }
    /* Milliseconds where the column has no more. */
    return hint->number_count > 0 && hint->number[0] <= 3 ? 1000 : 1000000;
}

static bool comes_as_bytes(const struct type_modes *modes)
{
    return modes->decimal == DECIMAL_PRECISE && !modes->printed;
}

/* Whether the reader makes the database's text of another one, which a printed text is not. */
static bool is_coded(const struct type_reader *reader)
{
    const struct type_reader *const coded[] = {&type_bytea,  &type_bits,         &type_bit_varying,
                                               &type_hstore, &type_point,        &type_geometry,
                                               &type_vector, &type_sparse_vector};
    for (size_t i = 0; i < sizeof(coded) / sizeof(coded[0]); i++)
        if (reader == coded[i])
            return true;
    return false;
}

static void set_parameters(const struct hint *hint, const struct type_modes *modes,
                           enum parameter parameter, struct type *type)
{
    int64_t first = hint->number_count > 0 ? hint->number[0] : 0;
    int64_t second = hint->number_count > 1 ? hint->number[1] : 0;
    switch (parameter) {
    case NOTHING:
        return;
    case MONEY:
        type->precision = comes_as_bytes(modes) ? 19 : 0;
        type->parameter = 2;
        return;
    case SCALE:
        /* Only precise decimals with a scale of their column come as bytes. */
        type->precision = comes_as_bytes(modes) ? (int32_t)first : 0;
        type->parameter = (int32_t)second;
        return;
    case LENGTH:
        type->parameter = first > 0 ? (int32_t)first : 1;
        return;
    case TICKS:
        type->parameter = time_ticks(hint, modes->time, type->reader == &type_iso_timestamp);
        return;
    case BINARY:
        if (modes->binary == BINARY_HEX)
            type->reader = &type_bytea_hex;
        return;
    }
}

static bool in_range(const struct hint *hint)
{
    for (int i = 0; i < hint->number_count; i++)
        if (hint->number[i] > INT32_MAX || hint->number[i] < -INT32_MAX)
            return false;
    return true;
}

static bool find_type(const struct hint *hint, const struct type_modes *modes, struct type *type)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(hint->name, names[i].name) != 0)
            continue;
        *type = (struct type){.reader = names[i].reader};
        if (modes->printed && is_coded(type->reader))
            type->reader = NULL;
        else
            set_parameters(hint, modes, names[i].parameter, type);
        return true;
    }
    return false;
}

bool type_of_hint(str hint, const struct type_modes *modes, struct arena *arena, struct type *type,
                  struct fault *fault)
{
    struct hint taken;
    if (!take_hint(hint, &taken) || !in_range(&taken) || !find_type(&taken, modes, type))
        return fault_set(fault, FAULT_CONFIG,
                         "%.*s is no type that is known: give PostgreSQL's name of a type, like "
                         "numeric(5,2), timestamptz, bytea or text[]; for a type of your own, text",
                         STR_ARG(str_head(hint, 80)));
    if (!taken.array)
        return true;
    if (modes->printed) {
        *type = type_as_it_came;
        return true;
    }
    struct type *item = ARENA_NEW(arena, struct type, 1);
    if (!item)
        return fault_memory(fault, "a type");
    *item = *type;
    *type = (struct type){.reader = &type_array, .item = item};
    return true;
}
