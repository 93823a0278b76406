/*
 * Halves that wait. Each is one piece of memory: itself, its columns, its texts. Few wait at a
 * time, so they stand in a list.
 */
#include "half.h"

#include "mem.h"

struct half {
    struct half *next;
    struct position at;
    str topic;
    int32_t partition;
    str schema, table;
    struct member *key; /* the row's key, as the image tells it */
    size_t key_count;
    struct member *old; /* the columns that are believed */
    size_t old_count;
    size_t bytes; /* of all of it */
};

static void drop(struct halves *halves, struct half **link)
{
    struct half *half = *link;
    *link = half->next;
    halves->bytes -= half->bytes;
    mem_free(half);
}

void halves_clear(struct halves *halves)
{
    while (halves->first)
        drop(halves, &halves->first);
}

/* The link that leads to the half of the record's partition, or to NULL. */
static struct half **find(struct half **link, const struct record *record)
{
    while (*link
           && ((*link)->partition != record->partition || !str_eq((*link)->topic, record->topic)))
        link = &(*link)->next;
    return link;
}

static const struct field *field_of(const struct change *change, str name, size_t expected)
{
    if (expected < change->field_count && str_eq(change->field[expected].name, name))
        return &change->field[expected];
    for (size_t i = 0; i < change->field_count; i++)
        if (str_eq(change->field[i].name, name))
            return &change->field[i];
    return NULL;
}

static const struct member *member_of(const struct member *member, size_t count, str name,
                                      size_t expected)
{
    if (expected < count && str_eq(member[expected].name, name))
        return &member[expected];
    for (size_t i = 0; i < count; i++)
        if (str_eq(member[i].name, name))
            return &member[i];
    return NULL;
}

/* ---- keeping ---- */

/* The image knows a key column's type where the schema tells it; the message key does not. */
static struct member key_member(const struct change *change, size_t nth)
{
    struct member member = change->key[nth];
    const struct field *field = field_of(change, member.name, nth);
    if (field && value_has_text(field->before))
        member.value = field->before;
    return member;
}

static size_t text_bytes(const struct member *member)
{
    return member->name.len + member->value.text.len;
}

static bool is_kept(const struct field *field)
{
    return field->before.kind != VALUE_ABSENT;
}

static struct member old_member(const struct field *field)
{
    return (struct member){field->name, field->before};
}

static str put_text(char **at, str text)
{
    str put = {*at, text.len};
    if (text.len > 0)
        memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return put;
}

static struct member put_member(char **at, const struct member *member)
{
    return (struct member){put_text(at, member->name),
                           {member->value.kind, put_text(at, member->value.text)}};
}

static size_t half_bytes(const struct change *change, const struct member *key, size_t *old_count)
{
    size_t bytes = sizeof(struct half) + change->key_count * sizeof(struct member)
                   + change->record->topic.len + change->schema.len + change->table.len;
    *old_count = 0;
    for (size_t i = 0; i < change->key_count; i++)
        bytes += text_bytes(&key[i]);
    for (size_t i = 0; i < change->field_count; i++) {
        struct member member = old_member(&change->field[i]);
        if (!is_kept(&change->field[i]))
            continue;
        bytes += sizeof(member) + text_bytes(&member);
        ++*old_count;
    }
    return bytes;
}

static void fill(struct half *half, const struct change *change, const struct member *key)
{
    half->key = (struct member *)(half + 1);
    half->old = half->key + change->key_count;
    char *at = (char *)(half->old + half->old_count);
    half->topic = put_text(&at, change->record->topic);
    half->schema = put_text(&at, change->schema);
    half->table = put_text(&at, change->table);
    for (size_t i = 0; i < change->key_count; i++)
        half->key[half->key_count++] = put_member(&at, &key[i]);
    half->old_count = 0;
    for (size_t i = 0; i < change->field_count; i++) {
        struct member member = old_member(&change->field[i]);
        if (is_kept(&change->field[i]))
            half->old[half->old_count++] = put_member(&at, &member);
    }
}

bool halves_keep(struct halves *halves, const struct identity *identity, struct change *change,
                 struct arena *scratch, struct fault *fault)
{
    struct half **link = find(&halves->first, change->record);
    struct member *key = ARENA_NEW(scratch, struct member, change->key_count);
    if (!key)
        return fault_memory(fault, "a key change");
    if (*link)
        drop(halves, link);
    /* Invented values serve to know the create half: its header holds the same. */
    for (size_t i = 0; i < change->key_count; i++)
        key[i] = key_member(change, i);
    identity_settle(identity, change, scratch);
    size_t old_count, bytes = half_bytes(change, key, &old_count);
    if (bytes > HALF_BYTES_LIMIT)
        return true;
    struct half *half = bytes > HALVES_BYTES_LIMIT - halves->bytes ? NULL : mem_alloc(bytes);
    if (!half)
        return fault_memory(fault, "halves of key changes");
    *half = (struct half){.next = halves->first,
                          .at = change->record->at,
                          .partition = change->record->partition,
                          .old_count = old_count,
                          .bytes = bytes};
    fill(half, change, key);
    halves->first = half;
    halves->bytes += bytes;
    return true;
}

/* ---- joining ---- */

static bool is_same_row(const struct half *half, const struct change *change, struct arena *scratch)
{
    if (!str_eq(half->table, change->table) || !str_eq(half->schema, change->schema)
        || half->key_count != change->old_key_count)
        return false;
    for (size_t i = 0; i < half->key_count; i++) {
        const struct member *key = &half->key[i];
        const struct member *old = member_of(change->old_key, change->old_key_count, key->name, i);
        if (!old || !value_same(&old->value, &key->value, scratch))
            return false;
    }
    return true;
}

/* The half may be gone before the batch is. */
static bool take_value(struct value value, struct arena *arena, struct value *taken)
{
    *taken = value;
    return arena_copy(arena, value.text, &taken->text);
}

static bool take_old_values(const struct half *half, struct change *change, struct arena *arena)
{
    for (size_t i = 0; i < change->field_count; i++) {
        struct field *field = &change->field[i];
        const struct member *old = member_of(half->old, half->old_count, field->name, i);
        if (old && !take_value(old->value, arena, &field->before))
            return false;
    }
    return true;
}

/* The image may lack key columns (column.exclude.list); the message key has them. */
static bool add_key_fields(struct change *change, struct arena *arena)
{
    size_t count = change->field_count;
    struct field *field = ARENA_NEW(arena, struct field, count + change->key_count);
    if (!field)
        return false;
    if (count > 0)
        memcpy(field, change->field, count * sizeof(*field));
    for (size_t i = 0; i < change->key_count; i++) {
        const struct member *key = &change->key[i];
        if (field_of(change, key->name, i))
            continue;
        field[count] = (struct field){
            .name = key->name, .after = key->value, .place = (uint32_t)(count + 1), .key = true};
        count++;
    }
    change->field = field;
    change->field_count = count;
    return true;
}

static bool lacks_key_fields(const struct change *change)
{
    for (size_t i = 0; i < change->key_count; i++)
        if (!field_of(change, change->key[i].name, i))
            return true;
    return false;
}

static void set_old_keys(const struct identity *identity, struct change *change,
                         struct arena *scratch)
{
    for (size_t i = 0; i < change->field_count; i++) {
        struct field *field = &change->field[i];
        const struct member *old = member_of(change->old_key, change->old_key_count, field->name,
                                             i);
        /* Under an index identity the header is made of invented values too. Where the image proved
           its key, it is here already. */
        if (field->key && old && identity_names(identity, field->name)
            && !identity_doubts_key(identity, field, old->value, scratch))
            field->before = old->value;
    }
}

bool halves_join(const struct halves *halves, const struct identity *identity,
                 struct change *change, struct batch *batch, struct arena *scratch,
                 struct fault *fault)
{
    struct half *first = halves->first;
    const struct half *half = *find(&first, change->record);
    change->op = CHANGE_UPDATE;
    for (size_t i = 0; i < change->field_count; i++)
        change->field[i].before = (struct value){VALUE_ABSENT, STR_EMPTY};
    if (lacks_key_fields(change) && !add_key_fields(change, &batch->arena))
        return fault_memory(fault, "a key change");
    change->has_before = half && is_same_row(half, change, scratch);
    if (change->has_before && !take_old_values(half, change, &batch->arena))
        return fault_memory(fault, "a key change");
    set_old_keys(identity, change, scratch);
    return true;
}

/* ---- waiting ---- */

void halves_pass(struct halves *halves, const struct record *record)
{
    bool tombstone = !record->has_value && record->broken.len == 0;
    if (!halves->first || tombstone)
        return;
    struct half **link = find(&halves->first, record);
    bool own = *link && (*link)->at.lane == record->at.lane && (*link)->at.mark == record->at.mark;
    if (*link && !own)
        drop(halves, link);
}

bool halves_waiting(const struct halves *halves, const struct record *record, int64_t *mark)
{
    struct half *first = halves->first;
    const struct half *half = first ? *find(&first, record) : NULL;
    if (half)
        *mark = half->at.mark;
    return half != NULL;
}
