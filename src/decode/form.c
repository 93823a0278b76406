/*
 * What forms share: images become an envelope of Debezium's, so that columns are joined and values
 * read in one place.
 */
#include "form.h"

#include "debezium.h"
#include "envelope.h"

struct json *form_object(struct form_reader *reader)
{
    struct json *object = ARENA_NEW(reader->scratch, struct json, 1);
    if (object)
        object->kind = JSON_OBJECT;
    return object;
}

bool form_member(struct form_reader *reader, struct json *object, const struct json *member,
                 str name)
{
    struct json *copy = ARENA_NEW(reader->scratch, struct json, 1);
    if (!copy)
        return false;
    *copy = *member;
    copy->next = NULL;
    if (name.len > 0)
        copy->name = name;
    struct json *last = object->child;
    while (last && last->next)
        last = last->next;
    if (last)
        last->next = copy;
    else
        object->child = copy;
    return true;
}

struct value form_text(const struct json *object, const char *name)
{
    const struct json *member = json_member(object, name);
    bool none = !member || member->kind == JSON_NULL;
    return none ? (struct value){VALUE_NULL, STR_EMPTY} : (struct value){VALUE_TEXT, member->text};
}

int64_t form_time(const struct json *number, int64_t per_second)
{
    int64_t ticks, time;
    if (!json_int64(number, &ticks) || __builtin_mul_overflow(ticks, 1000000 / per_second, &time))
        return TIME_UNKNOWN;
    return time;
}

static struct change *next_change(struct form_reader *reader, struct fault *fault)
{
    struct change_list *list = reader->changes;
    if (list->count == reader->change_capacity) {
        size_t capacity = reader->change_capacity ? 2 * reader->change_capacity : 1;
        struct change *grown = ARENA_NEW(&reader->batch->arena, struct change, capacity);
        if (!grown) {
            fault_memory(fault, "changes");
            return NULL;
        }
        if (list->count > 0)
            memcpy(grown, list->item, list->count * sizeof(*grown));
        list->item = grown;
        reader->change_capacity = capacity;
    }
    return &list->item[list->count];
}

/* Debezium's schema describes both images. */
static bool envelope_schema(struct form_reader *reader, const struct schema *row,
                            struct schema *whole)
{
    *whole = (struct schema){.child = ARENA_NEW(reader->scratch, struct schema, 2),
                             .child_count = 2};
    if (!whole->child)
        return false;
    whole->child[0] = whole->child[1] = *row;
    whole->child[0].field = STR("before");
    whole->child[1].field = STR("after");
    return true;
}

struct change *form_add(struct form_reader *reader, const struct form_row *row, struct fault *fault)
{
    const struct value null = {VALUE_NULL, STR_EMPTY};
    struct envelope envelope = {
        .before = row->before, .after = row->after, .printed = reader->printed};
    struct schema schema;
    struct change *change = next_change(reader, fault);
    if (!change)
        return NULL;
    *change = (struct change){.op = row->op,
                              .number = (uint32_t)reader->changes->count,
                              .record = reader->record,
                              .wrapped = reader->schema != NULL,
                              .schema = row->schema,
                              .table = row->table,
                              .source_us = TIME_UNKNOWN,
                              .connector_us = TIME_UNKNOWN,
                              .event_us = TIME_UNKNOWN,
                              .tx_id = null,
                              .lsn = null,
                              .tx_order = null,
                              .query = null,
                              .user_name = null,
                              .thread = null};
    if (row->columns && !envelope_schema(reader, row->columns, &schema)) {
        fault_memory(fault, "a schema");
        return NULL;
    }
    if (row->op != CHANGE_TRUNCATE && row->op != CHANGE_MESSAGE
        && !debezium_images(reader->debezium, &envelope, row->columns ? &schema : NULL,
                            &reader->batch->arena, change, fault))
        return NULL;
    reader->changes->count++;
    return change;
}

static const struct json *member_named(const struct json *object, str name)
{
    const struct json *found = object ? object->child : NULL;
    while (found && !str_eq(found->name, name))
        found = found->next;
    return found;
}

/* The row with what `others` has in the place of its own members; false where memory ran out. */
static bool put_row(struct form_reader *reader, const struct json *row, const struct json *others,
                    struct json ***link)
{
    for (const struct json *column = row->child; column; column = column->next) {
        const struct json *other = member_named(others, column->name);
        struct json *copy = ARENA_NEW(reader->scratch, struct json, 1);
        if (!copy)
            return false;
        *copy = other ? *other : *column;
        copy->next = NULL;
        **link = copy;
        *link = &copy->next;
    }
    return true;
}

/* Both images of an update. What the new row lacks and the old one had is NULL now. */
static bool make_images(struct form_reader *reader, const struct json *row, const struct json *old,
                        struct form_row *whole)
{
    struct json *after = form_object(reader), *before = form_object(reader);
    if (!after || !before)
        return false;
    struct json **link = &after->child;
    if (!put_row(reader, row, NULL, &link))
        return false;
    for (const struct json *was = old->child; was; was = was->next) {
        struct json null = {.kind = JSON_NULL, .name = was->name, .text = STR("null")};
        const struct json missing = {.kind = JSON_OBJECT, .child = &null};
        if (!member_named(row, was->name) && !put_row(reader, &missing, NULL, &link))
            return false;
    }
    link = &before->child;
    whole->after = after;
    whole->before = before;
    return put_row(reader, after, old, &link);
}

struct change *form_add_whole(struct form_reader *reader, enum change_op op, const struct json *row,
                              const struct json *old, const struct json *keys, struct fault *fault)
{
    bool gone = op == CHANGE_DELETE;
    struct form_row whole = {.op = op,
                             .schema = json_string(json_member(reader->payload, "database")),
                             .table = json_string(json_member(reader->payload, "table")),
                             .before = gone ? row : NULL,
                             .after = gone ? NULL : row};
    if (op == CHANGE_UPDATE && old && !make_images(reader, row, old, &whole)) {
        fault_memory(fault, "a row");
        return NULL;
    }
    struct change *change = form_add(reader, &whole, fault);
    if (!change)
        return NULL;
    change->proof = PROOF_WHOLE;
    return form_key(reader, change, keys, fault) ? change : NULL;
}

static const struct field *find_field(const struct change *change, str name)
{
    for (size_t i = 0; i < change->field_count; i++)
        if (str_eq(change->field[i].name, name))
            return &change->field[i];
    return NULL;
}

static void put_key(struct buf *text, const struct member *member)
{
    bool quoted = member->value.kind == VALUE_TEXT;
    buf_str(text, text->len ? STR(",") : STR("{"));
    buf_json_string(text, member->name);
    buf_char(text, ':');
    if (quoted)
        buf_json_string(text, member->value.text);
    else
        buf_str(text, value_has_text(member->value) ? member->value.text : STR("null"));
}

#define KEY_LIMIT ((size_t)64 * 1024 * 1024)

bool form_key(struct form_reader *reader, struct change *change, const struct json *names,
              struct fault *fault)
{
    struct arena *arena = &reader->batch->arena;
    struct member *member = ARENA_NEW(arena, struct member, json_child_count(names));
    struct buf text;
    if (!member)
        return fault_memory(fault, "a row's key");
    buf_init(&text, KEY_LIMIT);
    change->key = member;
    for (const struct json *name = names ? names->child : NULL; name; name = name->next) {
        const struct field *field = find_field(change, name->text);
        if (!field || name->kind != JSON_STRING)
            continue;
        struct value value = change->op == CHANGE_DELETE ? field->before : field->after;
        member[change->key_count] = (struct member){name->text, value};
        put_key(&text, &member[change->key_count++]);
    }
    change->keyed = change->key_count > 0;
    if (change->keyed)
        buf_char(&text, '}');
    bool good = !text.failed && arena_copy(arena, buf_view(&text), &change->key_text);
    buf_release(&text);
    return good || fault_memory(fault, "a row's key");
}

bool form_message_key(struct form_reader *reader, struct change *change, struct fault *fault)
{
    return debezium_key(reader->debezium, reader->record, &reader->batch->arena, change, fault);
}
