/*
 * Joining images. A column that nobody wants has no value (VALUE_UNREAD): it may be anything. Where
 * the images are known, such columns cost nothing: they are left out.
 */
#include "columns.h"

#include <assert.h>

#define COLUMN_LIMIT 8192

/* Columns of both images, joined into fields by name. They are looked up by hash: images usually
   agree in their order, but nothing makes them. */
struct join {
    const struct images *images;
    const struct reading *reading;
    struct field *field;
    size_t count, limit;
    uint32_t *slot; /* number of a field plus one, by the hash of its name */
    size_t slot_mask;
    const struct json **after; /* by number of the field: what it is in the image read first */
};

static bool join_init(struct join *join)
{
    struct arena *scratch = join->reading->context.scratch;
    size_t slots = 8;
    while (slots < 2 * join->limit)
        slots *= 2;
    join->slot_mask = slots - 1;
    join->slot = ARENA_NEW(scratch, uint32_t, slots);
    join->field = ARENA_NEW(join->reading->context.texts, struct field, join->limit);
    join->after = ARENA_NEW(scratch, const struct json *, join->limit);
    return join->slot && join->field && join->after;
}

static struct field *join_field(struct join *join, str name, size_t expected)
{
    if (expected < join->count && str_eq(join->field[expected].name, name))
        return &join->field[expected];
    size_t at = str_hash(STR_HASH_START, name) & join->slot_mask;
    for (; join->slot[at]; at = (at + 1) & join->slot_mask)
        if (str_eq(join->field[join->slot[at] - 1].name, name))
            return &join->field[join->slot[at] - 1];
    if (join->count == join->limit)
        return NULL;
    struct field *field = &join->field[join->count++];
    *field = (struct field){.name = name, .place = (uint32_t)join->count};
    join->slot[at] = (uint32_t)join->count;
    return field;
}

/* `nth` is where the schema is expected to have the column: images follow its order. */
static const struct schema *column_schema(const struct schema *row, str name, size_t nth)
{
    if (row && nth < row->child_count && str_eq(row->child[nth].field, name))
        return &row->child[nth];
    return schema_field(row, name);
}

static void describe(struct field *field, const struct schema *column)
{
    if (!column || field->need != FIELD_UNDESCRIBED)
        return;
    field->need = column->optional ? FIELD_OPTIONAL : FIELD_REQUIRED;
    field->preset = column->preset;
    field->sql_type = column->sql_type;
    field->type = column->type_number;
}

static bool is_wanted(const struct wants *wants, str name)
{
    return !wants || wants->every_column || str_list_has(&wants->columns, name);
}

static inline bool read_after(const struct reading *reading, const struct type *type,
                              const struct json *after, struct field *field, struct fault *fault)
{
    return type_read(type, &reading->context, after, &field->after, fault)
           || reading_fault(reading, after->name, fault);
}

/* The old value of a column whose new one is read: what stands in both images in the same letters
   is the same value, and made once. */
static inline bool read_before(const struct reading *reading, const struct type *type,
                               const struct json *after, const struct json *before,
                               struct field *field, struct fault *fault)
{
    if (type->reader && after && after->kind == before->kind && str_eq(after->text, before->text)) {
        field->before = field->after;
        return true;
    }
    return type_read(type, &reading->context, before, &field->before, fault)
           || reading_fault(reading, before->name, fault);
}

static bool join_image(struct join *join, const struct json *image, bool is_after,
                       struct fault *fault)
{
    const struct value unread = {VALUE_UNREAD, STR_EMPTY};
    size_t nth = 0;
    for (const struct json *column = image->child; column; column = column->next, nth++) {
        const struct schema *schema = column_schema(join->images->row, column->name, nth);
        struct field *field = join_field(join, column->name, nth);
        assert(field); /* there is room for all */
        describe(field, schema);
        const struct json **after = &join->after[field - join->field];
        if (!is_wanted(join->images->wants, column->name)) {
            *(is_after ? &field->after : &field->before) = unread;
            continue;
        }
        const struct type *type = reading_type(join->reading, schema, column->name);
        if (is_after)
            *after = column;
        if (!(is_after ? read_after(join->reading, type, column, field, fault)
                       : read_before(join->reading, type, *after, column, field, fault)))
            return false;
    }
    return true;
}

/* A row that came without any image still has the columns that the schema names. */
static bool join_schema(struct join *join, struct fault *fault)
{
    const struct schema *row = join->images->row;
    for (size_t i = 0; row && i < row->child_count; i++) {
        str name;
        /* The schema may be forgotten before the batch is. */
        if (!arena_copy(join->reading->context.texts, row->child[i].field, &name))
            return fault_memory(fault, "columns");
        struct field *field = join_field(join, name, i);
        if (field)
            describe(field, &row->child[i]);
    }
    return true;
}

/* Room for all columns that images and schema can name. */
static bool count_columns(const struct images *images, size_t *most, struct fault *fault)
{
    size_t old = json_child_count(images->before), new = json_child_count(images->after);
    size_t described = images->row ? images->row->child_count : 0;
    *most = old + new + described;
    if (old <= COLUMN_LIMIT && new <= COLUMN_LIMIT && described <= COLUMN_LIMIT)
        return true;
    return fault_set(fault, FAULT_RECORD, "more than %d columns", COLUMN_LIMIT);
}

/* A row that does not exist yet, or no longer, has NULL in every column. */
static void fill_missing_row(struct field *field, size_t count, enum change_op op)
{
    const struct value null = {VALUE_NULL, STR_EMPTY};
    for (size_t i = 0; i < count; i++) {
        if (op == CHANGE_DELETE)
            field[i].after = null;
        else if (op != CHANGE_UPDATE)
            field[i].before = null;
    }
}

bool columns_join(const struct images *images, const struct reading *reading, struct change *change,
                  struct fault *fault)
{
    struct join join = {.images = images, .reading = reading};
    if (!count_columns(images, &join.limit, fault))
        return false;
    if (!join_init(&join))
        return fault_memory(fault, "columns");
    if ((images->after && !join_image(&join, images->after, true, fault))
        || (images->before && !join_image(&join, images->before, false, fault)))
        return false;
    /* A delete need not say every column; those it leaves out are unknown, not absent. */
    if (change->op == CHANGE_DELETE && !join_schema(&join, fault))
        return false;
    change->field = join.field;
    change->field_count = join.count;
    fill_missing_row(join.field, join.count, change->op);
    return true;
}

/* ---- notes ---- */

static size_t field_of(const struct change *change, str name)
{
    size_t at = 0;
    while (!str_eq(change->field[at].name, name))
        at++;
    return at;
}

/* Where the columns of an image stand; false where a name stands twice. */
static bool find_columns(const struct images *images, bool of_after, const struct reading *reading,
                         struct noted_column *by_field)
{
    const struct json *image = of_after ? images->after : images->before;
    size_t nth = 0;
    for (const struct json *column = image ? image->child : NULL; column;
         column = column->next, nth++) {
        struct noted_column *noted = &by_field[field_of(reading->change, column->name)];
        const struct json **place = of_after ? &noted->after : &noted->before;
        if (*place)
            return false;
        *place = column;
        noted->type = reading_type(reading, column_schema(images->row, column->name, nth),
                                   column->name);
    }
    return true;
}

/* Values that are texts may be others next time. */
static void forget_value(struct value *value)
{
    if (value_has_text(*value) || value->kind == VALUE_UNAVAILABLE)
        *value = (struct value){VALUE_UNREAD, STR_EMPTY};
}

static struct field *copy_fields(const struct change *change, struct arena *arena)
{
    struct field *field = ARENA_NEW(arena, struct field, change->field_count);
    for (size_t i = 0; field && i < change->field_count; i++) {
        field[i] = change->field[i];
        forget_value(&field[i].before);
        forget_value(&field[i].after);
        if (!arena_copy(arena, field[i].name, &field[i].name))
            return NULL;
    }
    return field;
}

struct columns_note *columns_learn(const struct images *images, const struct reading *reading,
                                   uint64_t number, struct arena *arena)
{
    const struct change *change = reading->change;
    struct columns_note *note = ARENA_NEW(arena, struct columns_note, 1);
    struct noted_column *column = ARENA_NEW(arena, struct noted_column, change->field_count);
    struct field *field = copy_fields(change, arena);
    if (!note || !column || !field || !find_columns(images, true, reading, column)
        || !find_columns(images, false, reading, column)
        || !arena_copy(arena, change->schema, &note->schema)
        || !arena_copy(arena, change->table, &note->table))
        return NULL;
    note->number = number;
    note->wants = images->wants;
    note->whole = (struct field_list){field, change->field_count};
    note->column = column;
    for (size_t i = 0; i < change->field_count; i++) {
        column[i].field = field[i];
        if (is_wanted(images->wants, field[i].name))
            column[note->column_count++] = column[i];
    }
    return note;
}

bool columns_read(const struct columns_note *note, const struct json *node)
{
    const struct noted_column *column = note->column, *end = column + note->column_count;
    while (column < end && column->before != node && column->after != node)
        column++;
    return column < end;
}

static inline bool recall_column(const struct noted_column *column, const struct reading *reading,
                                 struct field *field, struct fault *fault)
{
    *field = column->field;
    return (!column->after || read_after(reading, column->type, column->after, field, fault))
           && (!column->before
               || read_before(reading, column->type, column->after, column->before, field, fault));
}

bool columns_recall(const struct columns_note *note, const struct reading *reading,
                    struct change *change, struct fault *fault)
{
    struct field *field = arena_alloc(reading->context.texts,
                                      note->column_count * sizeof(struct field));
    if (!field)
        return fault_memory(fault, "columns");
    change->field = field;
    change->field_count = note->column_count;
    change->whole = note->whole;
    const struct noted_column *column = note->column, *end = column + note->column_count;
    for (; column < end; column++, field++)
        if (!recall_column(column, reading, field, fault))
            return false;
    change->columns = note->number;
    return true;
}
