/*
 * The headers of key changes. Their values are the key as JSON, written by Kafka Connect's
 * SimpleHeaderConverter, or by JsonConverter with its schema around it.
 */
#include "key_half.h"

static const struct header *find_header(const struct record *record, const char *name)
{
    for (size_t i = 0; i < record->header_count; i++)
        if (str_is(record->header[i].name, name))
            return &record->header[i];
    return NULL;
}

/* The object with the key's columns, or NULL. */
static const struct json *key_object(const struct json *root)
{
    const struct json *payload = json_member(root, "payload");
    bool wrapped = payload && payload->kind == JSON_OBJECT && json_member(root, "schema")
                   && json_child_count(root) == 2;
    if (wrapped)
        return payload;
    return root->kind == JSON_OBJECT ? root : NULL;
}

/* What a header's converter made of a value may be another spelling than the message's: a value
   that its type cannot read is the text that came, for the change is worth more. */
static bool read_column(const struct reading *reading, const struct schema *row,
                        const struct json *json, struct value *value, struct fault *fault)
{
    struct fault unreadable = {0};
    if (reading_value(reading, schema_field(row, json->name), json, value, &unreadable))
        return true;
    if (unreadable.kind != FAULT_RECORD)
        return fault_set(fault, unreadable.kind, "%s", unreadable.text);
    return type_read(&type_as_it_came, &reading->context, json, value, fault);
}

static bool read_old_key(str text, const struct schema *row, const struct reading *reading,
                         struct change *change, struct fault *fault)
{
    struct json_memory memory = {reading->context.scratch, reading->context.texts};
    struct fault unreadable;
    struct json *root;
    if (!json_parse(text, 2, memory, &root, &unreadable))
        return unreadable.kind == FAULT_RECORD
               || fault_set(fault, unreadable.kind, "%s", unreadable.text);
    const struct json *key = key_object(root);
    struct member *member = ARENA_NEW(memory.texts, struct member, json_child_count(key));
    if (!member)
        return fault_memory(fault, "an old key");
    change->old_key = member;
    for (const struct json *column = key ? key->child : NULL; column; column = column->next) {
        struct member *old = &member[change->old_key_count++];
        old->name = column->name;
        if (!read_column(reading, row, column, &old->value, fault))
            return false;
    }
    return true;
}

bool key_half_read(const struct schema *row, const struct reading *reading, struct change *change,
                   struct fault *fault)
{
    /* Without the message key's columns the halves are what they look like. */
    if (change->key_count == 0)
        return true;
    const struct header *header = NULL;
    if (change->op == CHANGE_DELETE) {
        header = find_header(change->record, "__debezium.newkey");
        change->half = header ? KEY_LEAVES : KEY_STAYS;
        return true;
    }
    if (change->op == CHANGE_CREATE)
        header = find_header(change->record, "__debezium.oldkey");
    if (!header)
        return true;
    change->half = KEY_ARRIVES;
    return !header->has_value || read_old_key(header->value, row, reading, change, fault);
}
