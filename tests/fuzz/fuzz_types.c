/*
 * The readers of types. The first line is a Connect schema (it begins with a brace) or the name of
 * a type, behind a digit for the connector's settings; the rest is one JSON value.
 */
#include "fuzz.h"
#include "schema.h"

#define BYTES_LIMIT ((size_t)256 * 1024 * 1024)

static struct arena arena;
static struct placeholder placeholder;

/* A float that is printed anew is the same float. */
static void check_float(const struct schema *schema, str came, str printed)
{
    char a[500], b[500];
    if (came.len >= sizeof(a) || printed.len >= sizeof(b))
        return;
    snprintf(a, sizeof(a), "%.*s", STR_ARG(came));
    snprintf(b, sizeof(b), "%.*s", STR_ARG(printed));
    if (str_is(schema->type, "float"))
        CHECK(strtof(a, NULL) == strtof(b, NULL));
    else
        CHECK(strtod(a, NULL) == strtod(b, NULL));
}

static void check_value(struct value value, str text)
{
    CHECK(value.kind != VALUE_ABSENT && value.kind <= VALUE_JSON);
    CHECK(value.kind != VALUE_NULL || value.text.len == 0);
    CHECK(value.kind != VALUE_NUMBER || is_number(value.text));
    CHECK(value.kind != VALUE_BOOL || str_is(value.text, "true") || str_is(value.text, "false"));
    CHECK(is_utf8(value.text) || !is_utf8(text));
}

static bool read_type(str line, struct type *type, struct schema **schema)
{
    struct fault fault = {0};
    struct json *root;
    *schema = NULL;
    if (line.len > 0 && line.ptr[0] == '{') {
        struct json_memory memory = {&arena, &arena};
        if (!json_parse(line, JSON_DEPTH_LIMIT, memory, &root, &fault)
            || !schema_read(root, &arena, schema, &fault))
            return false;
        *type = (*schema)->reads;
        return true;
    }
    unsigned byte = take_byte(&line);
    struct type_modes modes = {(int)(byte % 3), (int)(byte / 3 % 6), (int)(byte / 18 % 4),
                               byte >= 128};
    bool good = type_of_hint(line, &modes, &arena, type, &fault);
    if (!good)
        check_fault(&fault);
    return good;
}

static void run(str line, str text)
{
    struct json_memory memory = {&arena, &arena};
    struct type_context context = {&arena, &arena, &placeholder};
    struct fault fault = {0}, again_fault = {0};
    struct value value, again;
    struct schema *schema;
    struct json *shallow, *deep;
    struct type type;
    if (!read_type(line, &type, &schema) || !json_parse(text, 0, memory, &shallow, &fault)
        || !json_parse(text, JSON_DEPTH_LIMIT, memory, &deep, &fault))
        return;
    bool good = type_read(&type, &context, shallow, &value, &fault);
    /* Whether the tree holds the members or the reader has to look for them is all the same. */
    CHECK(good == type_read(&type, &context, deep, &again, &again_fault));
    if (!good) {
        check_fault(&fault);
        return;
    }
    CHECK(value.kind == again.kind && str_eq(value.text, again.text));
    check_value(value, text);
    bool is_float = schema && (str_is(schema->type, "float") || str_is(schema->type, "double"));
    if (is_float && schema->name.len == 0 && value.kind == VALUE_NUMBER)
        check_float(schema, shallow->text, value.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena forms;
    struct fault fault = {0};
    if (!arena.limit) {
        arena_init(&arena, BYTES_LIMIT);
        arena_init(&forms, BYTES_LIMIT);
        CHECK(placeholder_init(&placeholder, STR("__debezium_unavailable_value"), &forms, &fault));
    }
    str input = {(const char *)data, size}, line = STR_EMPTY;
    str_split(&input, '\n', &line);
    str head = copy_exact(line), text = copy_exact(input);
    run(head, text);
    arena_reset(&arena);
    free((char *)(uintptr_t)head.ptr);
    free((char *)(uintptr_t)text.ptr);
    return 0;
}
