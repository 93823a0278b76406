/*
 * Notes of where a plan's columns stand. Names are compared once for all changes whose columns have
 * the same number.
 */
#include "plan.h"

static bool has_same_keys(const struct column_note *note, const struct change *change)
{
    if (note->keyed != change->keyed || note->key_count != change->key_count)
        return false;
    for (size_t i = 0; i < note->key_count; i++)
        if (!str_eq(note->key_name[i], change->key[i].name))
            return false;
    return true;
}

static size_t field_index(const struct change *change, str name)
{
    for (size_t i = 0; i < change->field_count; i++)
        if (str_eq(change->field[i].name, name))
            return i;
    return NO_FIELD;
}

static size_t *field_indexes(struct pivot *pivot, const struct change *change, const str *names,
                             size_t count)
{
    size_t *index = ARENA_NEW(&pivot->arena, size_t, count);
    for (size_t i = 0; index && i < count; i++)
        index[i] = field_index(change, names[i]);
    return index;
}

static const str *copy_key_names(struct pivot *pivot, const struct change *change)
{
    str *names = ARENA_NEW(&pivot->arena, str, change->key_count);
    for (size_t i = 0; names && i < change->key_count; i++)
        if (!arena_copy(&pivot->arena, change->key[i].name, &names[i]))
            return NULL;
    return names;
}

static const size_t *find_keys(struct pivot *pivot, const struct plan *plan,
                               const struct change *change, size_t *count)
{
    struct str_list names = {ARENA_NEW(&pivot->arena, str, change->key_count), change->key_count};
    size_t *key = ARENA_NEW(&pivot->arena, size_t, change->field_count);
    if (!names.item || !key)
        return NULL;
    for (size_t i = 0; i < change->key_count; i++)
        names.item[i] = change->key[i].name;
    for (size_t i = 0; i < change->field_count; i++)
        if (str_list_has(change->keyed ? &names : &plan->keys, change->field[i].name))
            key[(*count)++] = i;
    return key;
}

static const size_t *drop_missing(size_t *index, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; index && i < *count; i++)
        if (index[i] != NO_FIELD)
            index[kept++] = index[i];
    *count = kept;
    return index;
}

SELDOM static bool fill_note(struct pivot *pivot, const struct plan *plan,
                             const struct change *change, struct column_note *note)
{
    *note = (struct column_note){
        .field_count = change->field_count,
        .pivoted_count = plan->fields.count,
        .copied = field_indexes(pivot, change, plan->copied, pivot->layout.copied_count),
        .keyed = change->keyed,
        .key_name = copy_key_names(pivot, change),
        .key_count = change->key_count};
    note->pivoted = drop_missing(
        field_indexes(pivot, change, plan->fields.item, plan->fields.count), &note->pivoted_count);
    note->key = find_keys(pivot, plan, change, &note->key_field_count);
    if (!note->key || !note->pivoted || !note->copied || !note->key_name)
        return false;
    note->columns = change->columns;
    return true;
}

/* Notes are never forgotten, so their number has a limit; a change without one is only slower. */
#define NOTES_MADE_LIMIT 200

const struct column_note *plan_note_with_care(struct pivot *pivot, struct plan *plan,
                                              const struct change *change)
{
    struct column_note *note = &plan->note[change->columns % COLUMN_NOTES];
    if (change->columns == 0 || plan->keys_pending)
        return NULL;
    if (note->columns == change->columns)
        return has_same_keys(note, change) ? note : NULL;
    if (plan->note_count >= NOTES_MADE_LIMIT)
        return NULL;
    plan->note_count++;
    return fill_note(pivot, plan, change, note) ? note : NULL;
}
