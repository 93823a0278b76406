/*
 * Option tables: parsing, checking and explaining configurations. It reads no file and knows no
 * particular option.
 */
#include <fieldtrail/option.h>

#include <stdio.h>

void config_init(struct config *config, struct arena *arena)
{
    *config = (struct config){.arena = arena};
}

static struct config_entry *find_entry(const struct config *config, str key)
{
    for (size_t i = 0; i < config->count; i++)
        if (str_eq(config->entry[i].key, key))
            return &config->entry[i];
    return NULL;
}

const struct config_entry *config_find(const struct config *config, str key)
{
    return find_entry(config, key);
}

static struct config_entry *add_entry(struct config *config, str key, struct fault *fault)
{
    if (config->count == CONFIG_ENTRY_LIMIT) {
        fault_set(fault, FAULT_CONFIG, "more than %d configuration keys", CONFIG_ENTRY_LIMIT);
        return NULL;
    }
    if (config->count == config->capacity) {
        size_t capacity = config->capacity ? 2 * config->capacity : 32;
        void *grown = arena_grow(config->arena, config->entry,
                                 config->capacity * sizeof(*config->entry),
                                 capacity * sizeof(*config->entry));
        if (!grown) {
            fault_memory(fault, "the configuration");
            return NULL;
        }
        config->entry = grown;
        config->capacity = capacity;
    }
    struct config_entry *entry = &config->entry[config->count];
    *entry = (struct config_entry){0};
    if (!arena_copy(config->arena, key, &entry->key)) {
        fault_memory(fault, "the configuration");
        return NULL;
    }
    config->count++;
    return entry;
}

static bool has_nul(str text)
{
    return text.len > 0 && memchr(text.ptr, '\0', text.len);
}

bool config_set(struct config *config, str key, str value, str origin, struct fault *fault)
{
    if (has_nul(key) || has_nul(value))
        return fault_set(fault, FAULT_CONFIG, "%.*s: %.*s holds U+0000", STR_ARG(origin),
                         STR_ARG(key));
    struct config_entry *entry = find_entry(config, key);
    if (!entry)
        entry = add_entry(config, key, fault);
    if (!entry)
        return false;
    if (!arena_copy(config->arena, value, &entry->value)
        || !arena_copy(config->arena, origin, &entry->origin))
        return fault_memory(fault, "the configuration");
    return true;
}

bool config_add(struct config *config, const struct config *from, struct fault *fault)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct config_entry *each = &from->entry[i];
        if (!config_set(config, each->key, each->value, each->origin, fault))
            return false;
    }
    return true;
}

bool config_append(struct config *config, str key, str value, str origin, struct fault *fault)
{
    const struct config_entry *entry = config_find(config, key);
    if (!entry || !str_eq(entry->origin, origin))
        return config_set(config, key, value, origin, fault);
    str both = arena_format(config->arena, "%.*s,%.*s", STR_ARG(entry->value), STR_ARG(value));
    if (!both.ptr)
        return fault_memory(fault, "the configuration");
    return config_set(config, key, both, origin, fault);
}

static bool refuse(const struct config_entry *entry, struct fault *fault, const char *why)
{
    return fault_set(fault, FAULT_CONFIG, "%.*s: %.*s=%.*s: %s", STR_ARG(entry->origin),
                     STR_ARG(entry->key), STR_ARG(str_head(entry->value, 80)), why);
}

static bool choice_index(const char *const *choices, str value, int *index)
{
    for (int i = 0; choices && choices[i]; i++) {
        if (str_is(value, choices[i])) {
            *index = i;
            return true;
        }
    }
    return false;
}

static void list_choices(const char *const *choices, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; choices[i] && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "must be one of ",
                                 choices[i]);
}

static bool parse_enum(const struct option_spec *option, const struct config_entry *entry,
                       int *place, struct fault *fault)
{
    if (choice_index(option->choices, entry->value, place)
        || choice_index(option->flag_choices, entry->value, place))
        return true;
    char why[200];
    bool from_flag = option->flag_choices && str_starts(entry->origin, STR("-"));
    list_choices(from_flag ? option->flag_choices : option->choices, why, sizeof(why));
    return refuse(entry, fault, why);
}

static bool parse_int(const struct option_spec *option, const struct config_entry *entry,
                      int64_t *place, struct fault *fault)
{
    if (str_to_int64(entry->value, place) && *place >= option->min && *place <= option->max)
        return true;
    char why[100];
    snprintf(why, sizeof(why), "must be a whole number from %lld to %lld", (long long)option->min,
             (long long)option->max);
    return refuse(entry, fault, why);
}

static bool parse_bool(const struct config_entry *entry, bool *place, struct fault *fault)
{
    *place = str_is(entry->value, "true");
    if (*place || str_is(entry->value, "false"))
        return true;
    return refuse(entry, fault, "must be true or false");
}

/* Takes one item off a list: up to the next comma, or a text in double quotes. */
static bool take_item(str *rest, str *item, struct fault *fault)
{
    *rest = str_trim(*rest);
    if (rest->len == 0 || rest->ptr[0] != '"') {
        if (!str_split(rest, ',', item))
            *item = STR_EMPTY;
        *item = str_trim(*item);
        return true;
    }
    *rest = str_from_at(*rest, 1);
    const char *end = rest->len ? memchr(rest->ptr, '"', rest->len) : NULL;
    if (!end)
        return fault_set(fault, FAULT_CONFIG, "a list item has no closing double quote");
    *item = (str){rest->ptr, (size_t)(end - rest->ptr)};
    *rest = str_trim(str_from_at(*rest, item->len + 1));
    if (rest->len > 0 && rest->ptr[0] != ',')
        return fault_set(fault, FAULT_CONFIG, "expected a comma after \"%.*s\"", STR_ARG(*item));
    *rest = str_from_at(*rest, 1);
    return true;
}

bool option_split(str value, struct arena *arena, struct str_list *list, struct fault *fault)
{
    size_t most = 1;
    for (size_t i = 0; i < value.len; i++)
        most += value.ptr[i] == ',';
    *list = (struct str_list){ARENA_NEW(arena, str, most), 0};
    if (!list->item)
        return fault_memory(fault, "a list");
    for (str rest = value; str_trim(rest).len > 0;) {
        str item = STR_EMPTY;
        if (!take_item(&rest, &item, fault))
            return false;
        if (item.len > 0)
            list->item[list->count++] = item;
    }
    return true;
}

bool option_parse(const struct option_spec *option, const struct config_entry *entry,
                  struct arena *arena, void *place, struct fault *fault)
{
    switch (option->type) {
    case OPTION_STRING:
        *(str *)place = entry->value;
        return true;
    case OPTION_BOOL:
        return parse_bool(entry, place, fault);
    case OPTION_INT:
        return parse_int(option, entry, place, fault);
    case OPTION_ENUM:
        return parse_enum(option, entry, place, fault);
    case OPTION_LIST:
        return option_split(entry->value, arena, place, fault)
               || fault_in(fault, "%.*s: %.*s", STR_ARG(entry->origin), STR_ARG(entry->key));
    }
    return false;
}

bool option_load(const struct option_table *table, const struct config *config, void *target,
                 struct fault *fault)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option_spec *option = &table->option[i];
        const struct config_entry *entry = config_find(config, str_from(option->key));
        struct config_entry preset = {.key = str_from(option->key), .origin = STR("default")};
        if (!entry && option->preset) {
            preset.value = str_from(option->preset);
            entry = &preset;
        }
        if (entry
            && !option_parse(option, entry, config->arena, (char *)target + option->offset, fault))
            return false;
    }
    return true;
}

const struct option_spec *option_by_key(const struct option_table *const *table, size_t table_count,
                                        str key)
{
    for (size_t t = 0; t < table_count; t++)
        for (size_t i = 0; i < table[t]->count; i++)
            if (str_is(key, table[t]->option[i].key))
                return &table[t]->option[i];
    return NULL;
}

const struct option_spec *option_by_table_key(const struct option_table *const *table,
                                              size_t table_count, str key, str *table_name)
{
    for (size_t t = 0; t < table_count; t++) {
        for (size_t i = 0; i < table[t]->count; i++) {
            const struct option_spec *option = &table[t]->option[i];
            if (!option->per_table)
                continue;
            str prefix = str_from(option->key);
            if (key.len > prefix.len + 1 && str_starts(key, prefix) && key.ptr[prefix.len] == '.') {
                *table_name = str_from_at(key, prefix.len + 1);
                return option;
            }
        }
    }
    return NULL;
}

#define NAME_LIMIT 64

/* Levenshtein distance of two names, both cut at the limit. */
static size_t name_distance(str a, str b)
{
    size_t row[NAME_LIMIT + 1];
    a = str_head(a, NAME_LIMIT);
    b = str_head(b, NAME_LIMIT);
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < least ? change : least;
        }
    }
    return row[b.len];
}

bool option_is_flag_only(const struct option_spec *option)
{
    return str_starts(str_from(option->key), STR("--"));
}

/* The name most like `text` among all keys, or among all flags. */
static const char *nearest(const struct option_table *const *table, size_t table_count, str text,
                           bool flags)
{
    const char *found = "";
    size_t least = SIZE_MAX;
    for (size_t t = 0; t < table_count; t++) {
        for (size_t i = 0; i < table[t]->count; i++) {
            const struct option_spec *option = &table[t]->option[i];
            const char *name = flags                         ? option->flag
                               : option_is_flag_only(option) ? NULL
                                                             : option->key;
            size_t distance = name ? name_distance(text, str_from(name)) : SIZE_MAX;
            if (distance < least) {
                least = distance;
                found = name;
            }
        }
    }
    return found;
}

const char *option_nearest_flag(const struct option_table *const *table, size_t table_count,
                                str flag)
{
    return nearest(table, table_count, flag, true);
}

const char *option_nearest_key(const struct option_table *const *table, size_t table_count, str key)
{
    return nearest(table, table_count, key, false);
}

bool option_check_known(const struct option_table *const *table, size_t table_count,
                        const struct config *config, struct fault *fault)
{
    for (size_t i = 0; i < config->count; i++) {
        const struct config_entry *entry = &config->entry[i];
        str name;
        if (!option_by_key(table, table_count, entry->key)
            && !option_by_table_key(table, table_count, entry->key, &name))
            return fault_set(fault, FAULT_CONFIG,
                             "%.*s: unknown key %.*s; the nearest known key is %s",
                             STR_ARG(entry->origin), STR_ARG(str_head(entry->key, 80)),
                             nearest(table, table_count, entry->key, false));
    }
    return true;
}

static const char *argument_name(const struct option_spec *option)
{
    if (option->argument)
        return option->argument;
    switch (option->type) {
    case OPTION_BOOL:
        return NULL;
    case OPTION_INT:
        return "N";
    case OPTION_LIST:
        return "a,b";
    case OPTION_STRING:
    case OPTION_ENUM:
        break;
    }
    return "TEXT";
}

static void put_choices(const struct option_spec *option, bool for_flag, struct buf *out)
{
    const char *const *choices = for_flag && option->flag_choices ? option->flag_choices
                                                                  : option->choices;
    for (int i = 0; choices[i]; i++)
        buf_format(out, "%s%s", i ? "|" : "", choices[i]);
}

static void put_argument(const struct option_spec *option, bool for_flag, struct buf *out)
{
    if (option->type == OPTION_ENUM && !option->argument)
        put_choices(option, for_flag, out);
    else if (argument_name(option))
        buf_str(out, str_from(argument_name(option)));
}

/* Breaks the text into lines of at most `width` bytes, each behind `indent` blanks. */
static void put_wrapped(struct buf *out, str text, int indent, size_t width)
{
    while (text.len > 0) {
        size_t cut = text.len;
        if (cut > width) {
            cut = width;
            while (cut > 0 && text.ptr[cut] != ' ')
                cut--;
            cut = cut ? cut : width;
        }
        buf_format(out, "%*s%.*s\n", indent, "", STR_ARG(str_head(text, cut)));
        text = str_trim(str_from_at(text, cut));
    }
}

static const char *flag_preset(const struct option_spec *option)
{
    int index;
    if (option->preset && option->flag_choices
        && choice_index(option->choices, str_from(option->preset), &index))
        return option->flag_choices[index];
    return option->preset;
}

void option_help(const struct option_table *table, struct buf *out)
{
    buf_format(out, "%s:\n", table->title);
    for (size_t i = 0; i < table->count; i++) {
        const struct option_spec *option = &table->option[i];
        if (option->letter)
            buf_format(out, "  -%c, ", option->letter);
        else
            buf_str(out, STR("  "));
        if (option->flag)
            buf_format(out, "--%s ", option->flag);
        else
            buf_format(out, "-o %s=", option->key);
        put_argument(option, option->flag != NULL, out);
        buf_char(out, '\n');
        put_wrapped(out, str_from(option->help), 6, 90);
        bool named = option->flag && !option_is_flag_only(option);
        if (named)
            buf_format(out, "      key %s%s", option->key,
                       option->per_table ? "[.SCHEMA.TABLE]" : "");
        if (flag_preset(option))
            buf_format(out, "%sdefault %s", named ? "; " : "      ", flag_preset(option));
        if (named || flag_preset(option))
            buf_char(out, '\n');
    }
    buf_char(out, '\n');
}

/* A vertical bar would end the cell. */
static void put_cell(struct buf *out, str text)
{
    str part;
    for (bool first = true; str_split(&text, '|', &part); first = false) {
        if (!first)
            buf_str(out, STR("\\|"));
        buf_str(out, part);
    }
}

void option_markdown(const struct option_table *table, struct buf *out)
{
    buf_format(out, "### %s\n\n| key | flag | value | default | meaning |\n|---|---|---|---|---|\n",
               table->title);
    for (size_t i = 0; i < table->count; i++) {
        const struct option_spec *option = &table->option[i];
        struct buf value;
        buf_init(&value, 1000);
        put_argument(option, option_is_flag_only(option), &value);
        if (option_is_flag_only(option))
            buf_str(out, STR("| | "));
        else
            buf_format(out, "| `%s`%s | ", option->key, option->per_table ? ", per table" : "");
        if (option->flag)
            buf_format(out, "`--%s` | ", option->flag);
        else
            buf_str(out, STR("| "));
        put_cell(out, value.len ? buf_view(&value) : STR("true, false"));
        buf_format(out, " | %s | ", option->preset ? option->preset : "");
        put_cell(out, str_from(option->help));
        buf_str(out, STR(" |\n"));
        buf_release(&value);
    }
    buf_char(out, '\n');
}
