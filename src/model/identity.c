/*
 * Believing old values. Without FULL, PostgreSQL logs only the identity columns of the old row, and
 * Debezium then fills the NOT NULL ones of the rest with values it makes up. A record shows by
 * itself whether that happened: made-up values stand only in NOT NULL columns, so an optional
 * column outside the key with a value of its own proves a full image. And without FULL an update
 * carries an old image only when an identity column changed; those are NOT NULL, so an update in
 * which no NOT NULL column outside the key differs has a full image too. An update that changes the
 * message key is sent as a delete and a create: an image that has another key than its record was
 * made up, the key with the rest. And where nothing is proven, a key of zero, or of its column's
 * default, may be made up: with another index as identity the log has no key.
 */
#include "identity.h"

bool identity_parse(str text, struct arena *arena, struct identity *identity, struct fault *fault)
{
    static const char *const names[] = {"auto", "full", "default"};
    *identity = (struct identity){IDENTITY_AUTO, {NULL, 0}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_is(text, names[i])) {
            identity->kind = (enum identity_kind)i;
            return true;
        }
    }
    str rest = text, head;
    if (str_starts(text, STR("index(")) && str_ends(text, STR(")"))) {
        rest = str_from_at(text, strlen("index("));
        rest.len--;
        identity->kind = IDENTITY_INDEX;
        identity->columns.item = ARENA_NEW(arena, str, rest.len + 1);
        if (!identity->columns.item)
            return fault_memory(fault, "replica.identity");
        while (str_split(&rest, ',', &head))
            if (str_trim(head).len > 0)
                identity->columns.item[identity->columns.count++] = str_trim(head);
    }
    if (identity->columns.count > 0)
        return true;
    return fault_set(fault, FAULT_CONFIG,
                     "replica.identity=%.*s: must be auto, full, default or index(column,...)",
                     STR_ARG(str_head(text, 80)));
}

bool identity_names(const struct identity *identity, str column)
{
    return identity->kind != IDENTITY_INDEX || str_list_has(&identity->columns, column);
}

static bool has_own_optional_value(const struct change *change, struct arena *scratch)
{
    for (size_t i = 0; i < change->field_count; i++) {
        const struct field *field = &change->field[i];
        if (!field->key && field->need == FIELD_OPTIONAL && value_has_text(field->before)
            && !value_same(&field->before, &field->preset, scratch))
            return true;
    }
    return false;
}

static bool required_columns_stayed(const struct change *change, struct arena *scratch)
{
    for (size_t i = 0; i < change->field_count; i++) {
        const struct field *field = &change->field[i];
        if (!field->key && field->need == FIELD_REQUIRED
            && !value_same(&field->before, &field->after, scratch))
            return false;
    }
    return true;
}

static bool has_kept_value(const struct change *change, struct arena *scratch)
{
    for (size_t i = 0; i < change->field_count; i++) {
        const struct field *field = &change->field[i];
        if (!field->key && !value_is_invention(field->before)
            && value_same(&field->before, &field->after, scratch))
            return true;
    }
    return false;
}

bool identity_doubts_key(const struct identity *identity, const struct field *field,
                         struct value value, struct arena *scratch)
{
    return identity->kind == IDENTITY_AUTO
           && (value_is_invention(value) || value_same(&value, &field->preset, scratch));
}

static bool has_another_key(const struct change *change, struct arena *scratch)
{
    for (size_t i = 0; change->keyed && i < change->field_count; i++) {
        const struct field *field = &change->field[i];
        if (field->key && field->before.kind != VALUE_ABSENT && field->after.kind != VALUE_ABSENT
            && !value_same(&field->before, &field->after, scratch))
            return true;
    }
    return false;
}

static bool is_full_image(const struct change *change, struct arena *scratch)
{
    bool described = change->field_count > 0 && change->field[0].need != FIELD_UNDESCRIBED;
    bool update = change->op == CHANGE_UPDATE;
    if (!described)
        return update && has_kept_value(change, scratch);
    return has_own_optional_value(change, scratch)
           || (update && required_columns_stayed(change, scratch));
}

void identity_judge(const struct identity *identity, struct change *change, struct arena *scratch)
{
    bool foreign = change->op == CHANGE_UPDATE && has_another_key(change, scratch);
    if (identity->kind == IDENTITY_AUTO && !foreign && is_full_image(change, scratch))
        return;
    for (size_t i = 0; i < change->field_count; i++) {
        struct field *field = &change->field[i];
        bool believed = identity->kind == IDENTITY_INDEX
                            ? str_list_has(&identity->columns, field->name)
                            : field->key && !foreign
                                  && !identity_doubts_key(identity, field, field->before, scratch);
        if (!believed)
            field->before = (struct value){VALUE_ABSENT, STR_EMPTY};
    }
}
