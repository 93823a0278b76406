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

/* Whether stream.py stops with an exception: it looks into an image that is null. */
static bool dies(const struct change *change)
{
    bool reads_before = change->op != CHANGE_CREATE, reads_after = change->op != CHANGE_DELETE;
    return (reads_before && !change->has_before) || (reads_after && !change->has_after);
}

bool streampy_rows(struct streampy_counts *counts, const struct change *change, struct batch *batch,
                   struct fault *fault)
{
    bool printed = change->op == CHANGE_CREATE || change->op == CHANGE_UPDATE
                   || change->op == CHANGE_DELETE;
    /* It reads only the wrapped form: of a bare event it sees no op. */
    if (!printed || !change->wrapped)
        return true;
    if (dies(change)) {
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
