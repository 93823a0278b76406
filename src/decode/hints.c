/*
 * The map of hints. Both spellings of a column are hashed without putting the name together.
 */
#include "hints.h"

struct hint_slot {
    str name; /* ptr NULL: free */
    struct type type, printed;
};

static uint64_t hash_of(str schema, str table, str column)
{
    uint64_t hash = STR_HASH_START;
    if (table.len > 0) {
        if (schema.len > 0)
            hash = str_hash(str_hash(hash, schema), STR("."));
        hash = str_hash(str_hash(hash, table), STR("."));
    }
    return str_hash(hash, column);
}

static bool take_part(str *name, str part, str separator)
{
    if (!str_starts(*name, part) || !str_starts(str_from_at(*name, part.len), separator))
        return false;
    *name = str_from_at(*name, part.len + separator.len);
    return true;
}

static bool is_name(str name, str schema, str table, str column)
{
    if (table.len > 0
        && ((schema.len > 0 && !take_part(&name, schema, STR(".")))
            || !take_part(&name, table, STR("."))))
        return false;
    return str_eq(name, column);
}

static struct hint_slot *find(const struct hints *hints, str schema, str table, str column)
{
    size_t at = hash_of(schema, table, column) & hints->mask;
    while (hints->slot[at].name.ptr && !is_name(hints->slot[at].name, schema, table, column))
        at = (at + 1) & hints->mask;
    return &hints->slot[at];
}

static bool is_hint(const struct config_entry *entry, str *name)
{
    str prefix = STR(HINTS_KEY ".");
    *name = str_from_at(entry->key, prefix.len);
    return str_starts(entry->key, prefix) && name->len > 0;
}

bool hints_load(struct hints *hints, const struct config *config, const struct type_modes *modes,
                struct arena *arena, struct fault *fault)
{
    size_t count = 0, slots = 2;
    str name;
    for (size_t i = 0; i < config->count; i++)
        count += is_hint(&config->entry[i], &name);
    while (slots < 2 * count)
        slots *= 2;
    *hints = (struct hints){ARENA_NEW(arena, struct hint_slot, slots), count, slots - 1};
    if (!hints->slot)
        return fault_memory(fault, "the types of columns");
    for (size_t i = 0; i < config->count; i++) {
        const struct config_entry *entry = &config->entry[i];
        if (!is_hint(entry, &name))
            continue;
        struct hint_slot *slot = find(hints, STR_EMPTY, STR_EMPTY, name);
        slot->name = name;
        struct type_modes printed = *modes;
        printed.printed = true;
        if (!type_of_hint(entry->value, modes, arena, &slot->type, fault)
            || !type_of_hint(entry->value, &printed, arena, &slot->printed, fault))
            return fault_in(fault, "%.*s: %.*s", STR_ARG(entry->origin), STR_ARG(entry->key));
    }
    return true;
}

const struct type *hints_find(const struct hints *hints, const struct change *change, str column,
                              bool printed)
{
    const struct hint_slot *slot = find(hints, change->schema, change->table, column);
    if (!slot->name.ptr)
        slot = find(hints, STR_EMPTY, STR_EMPTY, column);
    if (!slot->name.ptr)
        return NULL;
    return printed ? &slot->printed : &slot->type;
}
