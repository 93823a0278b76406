/*
 * The pivot: which fields of a change moved, and what is copied beside them. The rules are those of
 * the README's section "What a row means"; they depend on the change and the plan alone.
 */
#include "pivot.h"

#include "clock.h"
#include "mem.h"
#include "plan.h"

#define PIVOT_BYTES_LIMIT ((size_t)256 * 1024 * 1024)
#define SCRATCH_BYTES_LIMIT ((size_t)512 * 1024 * 1024)

bool pivot_check_fields(const struct config *config, struct fault *fault)
{
    for (size_t i = 0; i < config->count; i++)
        if (str_starts(config->entry[i].key, STR("pivot.fields"))
            && str_trim(config->entry[i].value).len > 0)
            return true;
    return fault_set(
        fault, FAULT_CONFIG,
        "no fields to pivot: name them with pivot.fields=a,b (--fields a,b), or all of "
        "them with pivot.fields=* (--fields '*')");
}

struct pivot *pivot_new(const struct config *config, enum pivot_columns columns, pivot_warn *warn,
                        void *warn_context, struct fault *fault)
{
    struct pivot *pivot = mem_alloc(sizeof(*pivot));
    if (!pivot) {
        fault_memory(fault, "the pivot");
        return NULL;
    }
    *pivot = (struct pivot){
        .config = config, .usual_columns = columns, .warn = warn, .warn_context = warn_context};
    arena_init(&pivot->arena, PIVOT_BYTES_LIMIT);
    arena_init(&pivot->scratch, SCRATCH_BYTES_LIMIT);
    if (settings_load(&pivot->settings, config, &pivot->arena, fault)
        && (pivot->settings.keys.count == 0 || layout_make(pivot, &pivot->settings.keys, fault)))
        return pivot;
    pivot_free(pivot);
    return NULL;
}

void pivot_free(struct pivot *pivot)
{
    if (!pivot)
        return;
    halves_clear(&pivot->halves);
    arena_release(&pivot->arena);
    arena_release(&pivot->scratch);
    mem_free(pivot);
}

const struct layout *pivot_layout(const struct pivot *pivot)
{
    return &pivot->layout;
}

struct halves *pivot_halves(struct pivot *pivot)
{
    return &pivot->halves;
}

const struct pivot_counts *pivot_get_counts(const struct pivot *pivot)
{
    return &pivot->counts;
}

static struct field *find_field(const struct change *change, str name, size_t *hint)
{
    size_t count = change->field_count;
    if (*hint < count && str_eq(change->field[*hint].name, name))
        return &change->field[*hint];
    for (size_t i = 0; i < count; i++) {
        if (str_eq(change->field[i].name, name)) {
            *hint = i;
            return &change->field[i];
        }
    }
    return NULL;
}

static const struct member *find_key(const struct change *change, str name)
{
    for (size_t i = 0; i < change->key_count; i++)
        if (str_eq(change->key[i].name, name))
            return &change->key[i];
    return NULL;
}

/* The row's key is the message key; where the input has none, the keys that were named. A note
   knows the key; but where old values have to be proven, or every field is looked at, each is
   asked. */
static void mark_keys(const struct plan *plan, const struct column_note *note,
                      struct change *change)
{
    bool asked = plan->every_field || plan->identity.kind != IDENTITY_FULL
                 || change->half != KEY_STAYS || !change->has_before;
    for (size_t i = 0; note && asked && i < note->key_field_count; i++)
        change->field[note->key[i]].key = true;
    for (size_t i = 0; !note && i < change->field_count; i++) {
        struct field *field = &change->field[i];
        field->key = change->keyed ? find_key(change, field->name) != NULL
                                   : str_list_has(&plan->keys, field->name);
    }
}

static bool only_keys(const struct change *change)
{
    for (size_t i = 0; i < change->field_count; i++)
        if (!change->field[i].key)
            return false;
    return true;
}

SELDOM static bool mask_field(const struct pivot *pivot, const struct plan *plan,
                              const struct field **field, struct batch *batch, struct fault *fault)
{
    enum mask_kind kind = mask_of(&plan->masks, (*field)->name);
    if (kind == MASK_NONE)
        return true;
    struct field *masked = ARENA_NEW(&batch->arena, struct field, 1);
    if (!masked)
        return fault_memory(fault, "a masked value");
    *masked = **field;
    str key = pivot->settings.mask_key;
    if (!mask_value(kind, key, masked->before, &batch->arena, &masked->before)
        || !mask_value(kind, key, masked->after, &batch->arena, &masked->after))
        return fault_memory(fault, "a masked value");
    *field = masked;
    return true;
}

static inline bool add_row(struct pivot *pivot, struct plan *plan, const struct change *change,
                           const struct field *field, struct batch *batch, struct fault *fault)
{
    return (!field || plan->masks.count == 0 || mask_field(pivot, plan, &field, batch, fault))
           && batch_add_row(batch, (struct row){change, field}, fault);
}

/* Decides over one field: a row, or none. */
static inline bool consider(struct pivot *pivot, struct plan *plan, const struct change *change,
                            const struct field *field, struct batch *batch, struct fault *fault)
{
    if (field->after.kind == VALUE_UNAVAILABLE) {
        pivot->counts.unavailable++;
        return true;
    }
    if (field->after.kind == VALUE_ABSENT)
        return true;
    bool known = field->before.kind != VALUE_ABSENT && field->before.kind != VALUE_UNAVAILABLE;
    if (!known) {
        if (change->op == CHANGE_UPDATE && pivot->settings.unknown == EMIT_SKIP)
            return true;
        pivot->counts.unknown_old++;
        warn_unknown(pivot, plan, change);
    } else if (pivot->settings.unchanged == EMIT_SKIP
               && value_same(&field->before, &field->after, &pivot->scratch)) {
        return true;
    }
    return add_row(pivot, plan, change, field, batch, fault);
}

/* A delete removed every field that was asked for, also those its image does not have. */
SELDOM static struct field *absent_field(str name, struct batch *batch, struct fault *fault)
{
    struct field *field = ARENA_NEW(&batch->arena, struct field, 1);
    if (field)
        *field = (struct field){.name = name, .after = {VALUE_NULL, STR_EMPTY}};
    else
        fault_memory(fault, "a field");
    return field;
}

/* Whether a field that stands in no image may be in the table all the same: an image that is not
   full may lack it, unless the schema says that there is none. */
static bool may_be_hidden(const struct plan *plan, const struct change *change)
{
    if (change->op != CHANGE_DELETE || change->proof == PROOF_WHOLE
        || (change->has_before && plan->identity.kind == IDENTITY_FULL))
        return false;
    struct field_list columns = change_columns(change);
    return columns.count == 0 || columns.item[0].need == FIELD_UNDESCRIBED;
}

static inline const struct field *field_at(const struct change *change, size_t noted)
{
    return noted == NO_FIELD ? NULL : &change->field[noted];
}

static bool fields_by_name(struct pivot *pivot, struct plan *plan, const struct change *change,
                           bool hidden, struct batch *batch, struct fault *fault)
{
    for (size_t i = 0; i < plan->fields.count; i++) {
        str name = plan->fields.item[i];
        const struct field *field = find_field(change, name, &plan->hint[i]);
        if (!field && hidden && !(field = absent_field(name, batch, fault)))
            return false;
        if (field && !consider(pivot, plan, change, field, batch, fault))
            return false;
    }
    return true;
}

static bool named_fields(struct pivot *pivot, struct plan *plan, const struct column_note *note,
                         const struct change *change, bool hidden, struct batch *batch,
                         struct fault *fault)
{
    if (!note || hidden)
        return fields_by_name(pivot, plan, change, hidden, batch, fault);
    const size_t *noted = note->pivoted, *end = noted + note->pivoted_count;
    for (; noted < end; noted++)
        if (!consider(pivot, plan, change, &change->field[*noted], batch, fault))
            return false;
    return true;
}

/* A key that moved is shown whether its columns are pivoted or not; those that are named come with
   the named fields. Of a create half (that key changes come in two records) what the key was may be
   unknown; in an update an old key that was not sent is the key that it has. */
static bool moved_keys(struct pivot *pivot, struct plan *plan, const struct column_note *note,
                       const struct change *change, struct batch *batch, struct fault *fault)
{
    size_t count = note ? note->key_field_count : change->field_count;
    for (size_t i = 0; i < count; i++) {
        const struct field *field = &change->field[note ? note->key[i] : i];
        bool unsent = field->before.kind == VALUE_ABSENT && change->half != KEY_ARRIVES;
        if ((!note && !field->key) || unsent
            || value_same(&field->before, &field->after, &pivot->scratch))
            continue;
        bool named = !plan->every_field && str_list_has(&plan->fields, field->name);
        if (!named && !consider(pivot, plan, change, field, batch, fault))
            return false;
    }
    return true;
}

static bool every_field(struct pivot *pivot, struct plan *plan, const struct change *change,
                        struct batch *batch, struct fault *fault)
{
    for (size_t i = 0; i < change->field_count; i++) {
        const struct field *field = &change->field[i];
        if (!field->key && !str_list_has(&plan->ignore, field->name)
            && !consider(pivot, plan, change, field, batch, fault))
            return false;
    }
    return true;
}

/* What a column says, as microseconds; unknown where it says nothing. */
SELDOM static bool column_time(const struct change *change, struct time_from from, int64_t *time_us,
                               struct fault *fault)
{
    size_t hint = 0;
    const struct field *field = find_field(change, from.column, &hint);
    *time_us = TIME_UNKNOWN;
    if (!field)
        return fault_set(fault, FAULT_RECORD,
                         "the event has no column %.*s to take the time from (pivot.created, "
                         "pivot.updated, pivot.deleted)",
                         STR_ARG(from.column));
    struct value value = from.origin == TIME_FROM_AFTER ? field->after : field->before;
    enum timestamp_zone zone;
    if (!value_has_text(value))
        return true;
    if (value.kind == VALUE_NUMBER)
        return fault_set(fault, FAULT_RECORD,
                         "column %.*s is a bare number, and no schema says what it counts: send "
                         "schemas (schemas.enable=true), or name its type "
                         "(pivot.type.%.*s=timestamp), or take the time from the source",
                         STR_ARG(field->name), STR_ARG(field->name));
    if (!timestamp_parse(value.text, time_us, &zone))
        return fault_set(fault, FAULT_RECORD, "column %.*s holds no timestamp",
                         STR_ARG(from.column));
    if (zone == TIMESTAMP_ZONELESS)
        *time_us = clock_zone_to_utc(*time_us);
    return true;
}

static bool set_time(const struct pivot *pivot, struct change *change, struct fault *fault)
{
    const struct settings *settings = &pivot->settings;
    const struct time_from *from = &settings->deleted_from;
    if (change->op == CHANGE_CREATE || change->op == CHANGE_READ)
        from = &settings->created_from;
    if (change->op == CHANGE_UPDATE)
        from = &settings->updated_from;
    bool column = from->origin == TIME_FROM_AFTER || from->origin == TIME_FROM_BEFORE;
    change->event_us = change->source_us;
    /* A snapshot's rows have the snapshot's time, unless a column knows better. */
    if (from->origin == TIME_FROM_CONNECTOR && change->op != CHANGE_READ)
        change->event_us = change->connector_us;
    return !column || change->op == CHANGE_TRUNCATE
           || column_time(change, *from, &change->event_us, fault);
}

/* Printed once for all rows of the change. */
static bool print_time(struct pivot *pivot, struct change *change, struct batch *batch,
                       struct fault *fault)
{
    change->event_text = STR_EMPTY;
    if (!pivot->layout.wants_event_time || change->event_us == TIME_UNKNOWN)
        return true;
    char *text = arena_alloc(&batch->arena, TIMESTAMP_SIZE);
    if (!text)
        return fault_memory(fault, "a time");
    size_t len = timestamp_print_like(&pivot->printed, text, change->event_us);
    change->event_text = (str){text, len};
    return true;
}

SELDOM static bool refuse_key(const struct pivot *pivot, const struct change *change,
                              const struct plan *plan, str name, struct fault *fault)
{
    char names[300];
    size_t used = 0;
    struct field_list columns = change_columns(change);
    names[0] = '\0';
    for (size_t i = 0; i < columns.count && used < sizeof(names); i++)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%.*s", i ? ", " : "",
                                 STR_ARG(columns.item[i].name));
    if (pivot->settings.columns.count > 0 && !str_list_has(&plan->keys, name))
        return fault_set(
            fault, FAULT_RECORD,
            "--columns (pivot.columns) names %.*s, which is neither a built-in column nor "
            "one of %.*s, which has %s",
            STR_ARG(name), STR_ARG(plan->source_table), names);
    return fault_set(fault, FAULT_RECORD,
                     "the event of %.*s has no key column %.*s, it has %s: correct --keys "
                     "(pivot.keys), or name those of this table with pivot.keys.%.*s",
                     STR_ARG(plan->source_table), STR_ARG(name), names,
                     STR_ARG(plan->source_table));
}

/* What the image that exists has not, or not believably. */
SELDOM static bool key_value_elsewhere(const struct pivot *pivot, const struct plan *plan,
                                       const struct change *change, const struct field *field,
                                       str name, struct value *value, struct fault *fault)
{
    bool gone = change->op == CHANGE_DELETE;
    const struct member *member = find_key(change, name);
    *value = (struct value){VALUE_NULL, STR_EMPTY};
    if (change->op == CHANGE_TRUNCATE)
        return true;
    if (field)
        *value = gone ? field->before : field->after;
    if (!field && !member && (change->has_before || change->has_after))
        return refuse_key(pivot, change, plan, name, fault);
    /* Under an index identity, the message key of a delete is made of invented values too. */
    if (member && (!gone || identity_names(&plan->identity, name)))
        *value = member->value;
    return true;
}

/* The value of a column as it identifies the row: from the image that exists, else from the message
   key. */
static inline bool key_value(const struct pivot *pivot, const struct plan *plan,
                             const struct change *change, const struct field *field, str name,
                             struct value *value, struct fault *fault)
{
    if (field && change->op != CHANGE_TRUNCATE) {
        const struct value *image = change->op == CHANGE_DELETE ? &field->before : &field->after;
        if (image->kind == VALUE_NULL || value_has_text(*image)) {
            *value = *image;
            return true;
        }
    }
    return key_value_elsewhere(pivot, plan, change, field, name, value, fault);
}

static void put_literal(struct buf *out, struct value value)
{
    switch (value.kind) {
    case VALUE_ABSENT:
    case VALUE_NULL:
    case VALUE_UNAVAILABLE:
    case VALUE_UNREAD:
        buf_str(out, STR("null"));
        return;
    case VALUE_BOOL:
    case VALUE_NUMBER:
    case VALUE_JSON:
        buf_str(out, value.text);
        return;
    case VALUE_TEXT:
        buf_json_string(out, value.text);
        return;
    }
}

#define ROW_KEY_LIMIT ((size_t)512 * 1024 * 1024)

/* {"a":1,"b":"x"} of these columns, masked where they are. */
SELDOM static bool compose_row_key(struct pivot *pivot, const struct plan *plan,
                                   struct change *change, const struct str_list *names,
                                   struct batch *batch, struct fault *fault)
{
    struct buf out;
    bool good = true;
    buf_init(&out, ROW_KEY_LIMIT);
    buf_char(&out, '{');
    for (size_t i = 0; good && i < names->count; i++) {
        str name = names->item[i];
        struct value value;
        size_t hint = 0;
        good = key_value(pivot, plan, change, find_field(change, name, &hint), name, &value, fault);
        if (good
            && !mask_value(mask_of(&plan->masks, name), pivot->settings.mask_key, value,
                           &batch->arena, &value))
            good = fault_memory(fault, "a masked value");
        buf_str(&out, i ? STR(",") : STR(""));
        buf_json_string(&out, name);
        buf_char(&out, ':');
        if (good)
            put_literal(&out, value);
    }
    buf_char(&out, '}');
    change->row_key.kind = VALUE_TEXT;
    if (good && (out.failed || !arena_copy(&batch->arena, buf_view(&out), &change->row_key.text)))
        good = fault_memory(fault, "a row's key");
    buf_release(&out);
    return good;
}

static bool compose_message_key(struct pivot *pivot, const struct plan *plan, struct change *change,
                                struct batch *batch, struct fault *fault)
{
    struct str_list names = {ARENA_NEW(&batch->arena, str, change->key_count), 0};
    if (!names.item)
        return fault_memory(fault, "a row's key");
    for (size_t i = 0; i < change->key_count; i++)
        names.item[names.count++] = change->key[i].name;
    return compose_row_key(pivot, plan, change, &names, batch, fault);
}

static bool set_row_key(struct pivot *pivot, const struct plan *plan, struct change *change,
                        struct batch *batch, struct fault *fault)
{
    bool masked = false, believed = true;
    change->row_key = (struct value){VALUE_NULL, STR_EMPTY};
    if (change->op == CHANGE_TRUNCATE || !pivot->layout.wants_row_key)
        return true;
    if (!change->keyed)
        return compose_row_key(pivot, plan, change, &plan->keys, batch, fault);
    for (size_t i = 0; i < change->key_count; i++) {
        masked = masked || mask_of(&plan->masks, change->key[i].name) != MASK_NONE;
        believed = believed && identity_names(&plan->identity, change->key[i].name);
    }
    if (change->key_count == 0 || (change->op == CHANGE_DELETE && !believed))
        return true;
    if (masked)
        return compose_message_key(pivot, plan, change, batch, fault);
    change->row_key = (struct value){VALUE_TEXT, change->key_text};
    return true;
}

static bool set_copied(struct pivot *pivot, const struct plan *plan, const struct column_note *note,
                       struct change *change, struct batch *batch, struct fault *fault)
{
    size_t count = pivot->layout.copied_count;
    struct value *copied = arena_alloc(&batch->arena, count * sizeof(*copied));
    if (!copied)
        return fault_memory(fault, "key values");
    for (size_t i = 0; i < count; i++) {
        size_t hint = 0;
        const struct field *field = note ? field_at(change, note->copied[i])
                                         : find_field(change, plan->copied[i], &hint);
        if (!key_value(pivot, plan, change, field, plan->copied[i], &copied[i], fault))
            return false;
        if (plan->masks.count > 0
            && !mask_value(mask_of(&plan->masks, plan->copied[i]), pivot->settings.mask_key,
                           copied[i], &batch->arena, &copied[i]))
            return fault_memory(fault, "a masked value");
    }
    change->copied = copied;
    return true;
}

static bool is_wanted(const struct pivot *pivot, const struct change *change)
{
    return change->op != CHANGE_MESSAGE
           && (change->op != CHANGE_READ || pivot->settings.snapshot == EMIT_ROW);
}

/* Every change but a delete or a truncate says what the row is now. */
static bool check_after(const struct change *change, struct fault *fault)
{
    return change->has_after || change->op == CHANGE_DELETE || change->op == CHANGE_TRUNCATE
           || fault_set(fault, FAULT_RECORD, "a create, update or read without the image after");
}

static bool add_rows(struct pivot *pivot, struct plan *plan, struct change *change,
                     struct batch *batch, struct fault *fault)
{
    size_t first = batch->row_count;
    if (!check_after(change, fault))
        return false;
    const struct column_note *note = plan_note(pivot, plan, change);
    mark_keys(plan, note, change);
    if (change->half == KEY_LEAVES)
        return halves_keep(&pivot->halves, &plan->identity, change, &pivot->scratch, fault);
    bool hidden = may_be_hidden(plan, change);
    if (!plan->warned_missing && !hidden)
        warn_missing(pivot, plan, change);
    if (plan->masks.count > 0)
        change->query = (struct value){VALUE_NULL, STR_EMPTY}; /* it would tell what is masked */
    change->hides_fields = hidden && only_keys(change);
    if (change->half != KEY_ARRIVES)
        identity_settle(&plan->identity, change, &pivot->scratch);
    else if (!halves_join(&pivot->halves, &plan->identity, change, batch, &pivot->scratch, fault))
        return false;
    if (change->op == CHANGE_UPDATE && !moved_keys(pivot, plan, note, change, batch, fault))
        return false;
    if (change->op != CHANGE_TRUNCATE
        && !(plan->every_field ? every_field(pivot, plan, change, batch, fault)
                               : named_fields(pivot, plan, note, change, hidden, batch, fault)))
        return false;
    /* What was created, deleted or truncated is told even where no field had a value. */
    if (batch->row_count == first && change->op != CHANGE_UPDATE
        && !add_row(pivot, plan, change, NULL, batch, fault))
        return false;
    if (batch->row_count == first)
        return true;
    change->source_table = plan->source_table;
    return set_time(pivot, change, fault) && print_time(pivot, change, batch, fault)
           && set_copied(pivot, plan, note, change, batch, fault)
           && set_row_key(pivot, plan, change, batch, fault);
}

const struct wants *pivot_wants(void *context, const struct change *change)
{
    struct pivot *pivot = context;
    struct fault unplanned; /* pivot_rows will say it */
    const struct plan *plan = is_wanted(pivot, change) ? plan_for(pivot, change, &unplanned) : NULL;
    if (!plan)
        return NULL;
    bool some = plan->wants_some;
    for (size_t i = 0; some && i < change->key_count; i++)
        some = str_list_has(&plan->some.columns, change->key[i].name);
    return some ? &plan->some : &plan->every;
}

bool pivot_rows(struct pivot *pivot, struct change *change, struct batch *batch,
                struct fault *fault)
{
    size_t first = batch->row_count;
    uint64_t unavailable = pivot->counts.unavailable, unknown_old = pivot->counts.unknown_old;
    enum change_op op = change->op;
    pivot->counts.changes[op]++;
    if (!is_wanted(pivot, change))
        return true;
    arena_reset(&pivot->scratch);
    struct plan *plan = plan_for(pivot, change, fault);
    if (plan && add_rows(pivot, plan, change, batch, fault)) {
        pivot->counts.rows += batch->row_count - first;
        table_change_notice(pivot, plan, change);
        return true;
    }
    batch->row_count = first;
    pivot->counts.changes[op]--;
    pivot->counts.unavailable = unavailable;
    pivot->counts.unknown_old = unknown_old;
    return false;
}
