/*
 * The rows of the tutorial's stream.py. It believes every image and prints the fields it names
 * whether they changed or not, so it has nothing of the pivot.
 */
#include "streampy.h"

static const char *const field_names[] = {"holding_stock", "holding_quantity"};

static struct field image_of(const struct change *change, str name)
{
    for (size_t i = 0; i < change->field_count; i++)
        if (str_eq(change->field[i].name, name))
            return change->field[i];
    return (struct field){.name = name};
}

/* It reads only the wrapped form: of a bare event it sees no op. */
static bool is_wrapped(const struct change *change)
{
    return change->field_count > 0 && change->field[0].need != FIELD_UNDESCRIBED;
}

bool streampy_rows(struct streampy_counts *counts, const struct change *change, struct batch *batch,
                   struct fault *fault)
{
    bool printed = change->op == CHANGE_CREATE || change->op == CHANGE_UPDATE
                   || change->op == CHANGE_DELETE;
    if (!printed || !is_wrapped(change))
        return true;
    if (change->op != CHANGE_CREATE && !change->has_before) {
        counts->died++;
        return true;
    }
    for (size_t i = 0; i < sizeof(field_names) / sizeof(field_names[0]); i++) {
        struct field *field = ARENA_NEW(&batch->arena, struct field, 1);
        if (!field)
            return fault_memory(fault, "a row");
        *field = image_of(change, str_from(field_names[i]));
        if (!batch_add_row(batch, (struct row){change, field}, fault))
            return false;
        counts->rows++;
    }
    return true;
}
