/*
 * One JSON value through the type of a schema, or of a hint, against a value written by hand:
 * ~ NULL, ? not touched, ! boolean, # number, ' text, % document (check.h, put_value).
 */
#ifndef TYPE_KIT_H
#define TYPE_KIT_H

#include "check.h"

#include "schema.h"

struct type_kit {
    struct arena arena;
    struct placeholder placeholder;
    struct fault fault;
};

HELPER void type_kit_start(struct type_kit *kit)
{
    *kit = (struct type_kit){0};
    arena_init(&kit->arena, (size_t)64 * 1024 * 1024);
    check_good("placeholder",
               placeholder_init(&kit->placeholder, STR("__debezium_unavailable_value"), &kit->arena,
                                &kit->fault),
               &kit->fault);
}

/* As the decoder keeps trees: a column has no children. */
HELPER struct json *type_kit_parse(struct type_kit *kit, const char *text, unsigned depth)
{
    struct json *root = NULL;
    struct json_memory memory = {&kit->arena, &kit->arena};
    check_good(text, json_parse(str_from(text), depth, memory, &root, &kit->fault), &kit->fault);
    return root;
}

HELPER void type_kit_check(struct type_kit *kit, const struct type *type, const char *json,
                           const char *want)
{
    struct type_context context = {&kit->arena, &kit->arena, &kit->placeholder};
    struct value value;
    struct buf got;
    buf_init(&got, 1000000);
    kit->fault = (struct fault){0};
    if (type_read(type, &context, type_kit_parse(kit, json, 1), &value, &kit->fault))
        put_value(&got, value);
    else
        buf_format(&got, "%s: %s", fault_kind_name(kit->fault.kind), kit->fault.text);
    check_text(json, buf_view(&got), want);
    buf_release(&got);
}

/* `schema` as in a message: {"type":"int32","name":"..."}. */
HELPER void check_schema_value(const char *text, const char *json, const char *want)
{
    struct type_kit kit;
    struct schema *schema = NULL;
    type_kit_start(&kit);
    check_good(text, schema_read(type_kit_parse(&kit, text, 100), &kit.arena, &schema, &kit.fault),
               &kit.fault);
    type_kit_check(&kit, &schema->reads, json, want);
    arena_release(&kit.arena);
}

HELPER void check_named(const char *name, const char *wire, const char *json, const char *want)
{
    char schema[300];
    snprintf(schema, sizeof(schema), "{\"type\":\"%s\",\"name\":\"%s\"}", wire, name);
    check_schema_value(schema, json, want);
}

HELPER void check_hint(struct type_modes modes, const char *hint, const char *json,
                       const char *want)
{
    struct type_kit kit;
    struct type type;
    type_kit_start(&kit);
    check_good(hint, type_of_hint(str_from(hint), &modes, &kit.arena, &type, &kit.fault),
               &kit.fault);
    type_kit_check(&kit, &type, json, want);
    arena_release(&kit.arena);
}

#endif
