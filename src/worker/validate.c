/*
 * Checking a configuration: first every option for itself, then, where that finds nothing, all of
 * it together by making the parts of a connector and throwing them away. Nothing is connected to.
 */
#include "validate.h"

#include <stdio.h>

#include "connector.h"
#include "decoders.h"
#include "offsets.h"
#include "provider.h"

/* REST's paths hold it, every byte as three. */
#define NAME_LIMIT 1000
#define ERRORS_LIMIT 4 /* of one option; there is one for each thing that is looked at */

struct checker {
    struct arena *arena;
    const struct option_table *table[CONNECTOR_TABLES_LIMIT];
    size_t table_count;
    const struct config *config; /* placeholders as written */
    struct config expanded;
    struct validation *out;
};

static bool add_error(struct checker *checker, struct validated *item, str text)
{
    if (!item->error && !(item->error = ARENA_NEW(checker->arena, str, ERRORS_LIMIT)))
        return false;
    if (item->error_count == ERRORS_LIMIT)
        return true;
    checker->out->error_count++;
    return arena_copy(checker->arena, text, &item->error[item->error_count++]);
}

/* ---- one option ---- */

/* A value that stood behind a placeholder is not repeated by the message. */
static bool check_value(struct checker *checker, struct validated *item,
                        const struct config_entry *given)
{
    union {
        str text;
        bool flag;
        int64_t number;
        int choice;
        struct str_list list;
    } place;
    struct fault fault = {0}, shown = {0};
    const struct config_entry *meant = config_find(&checker->expanded, given->key);
    if (option_parse(item->option, meant ? meant : given, checker->arena, &place, &fault))
        return true;
    if (!option_parse(item->option, given, checker->arena, &place, &shown))
        fault = shown;
    else
        fault_set(&fault, FAULT_CONFIG, "%.*s: the value behind the placeholder is not allowed",
                  STR_ARG(given->key));
    return add_error(checker, item, str_from(fault.text));
}

static struct validated *add_item(struct checker *checker, const struct option_table *table,
                                  const struct option_spec *option, str key)
{
    struct validated *item = &checker->out->item[checker->out->count++];
    *item = (struct validated){.table = table, .option = option, .key = key};
    return item;
}

static bool add_option(struct checker *checker, const struct option_table *table,
                       const struct option_spec *option)
{
    str key = str_from(option->key);
    const struct config_entry *entry = config_find(checker->config, key);
    struct validated *item = add_item(checker, table, option, key);
    item->value = entry ? entry->value : option->preset ? str_from(option->preset) : STR_EMPTY;
    return !entry || check_value(checker, item, entry);
}

static const struct option_table *table_of(const struct checker *checker,
                                           const struct option_spec *option)
{
    for (size_t i = 0; i < checker->table_count; i++)
        if (option >= checker->table[i]->option
            && option < checker->table[i]->option + checker->table[i]->count)
            return checker->table[i];
    return NULL;
}

/* Keys that hold for one table, and keys that nobody knows. */
static bool add_other(struct checker *checker, const struct config_entry *entry)
{
    str name;
    char text[FAULT_TEXT_LIMIT];
    if (option_by_key(checker->table, checker->table_count, entry->key)
        && !str_starts(entry->key, STR("--")))
        return true;
    const struct option_spec *option = option_by_table_key(checker->table, checker->table_count,
                                                           entry->key, &name);
    struct validated *item = add_item(checker, option ? table_of(checker, option) : NULL, option,
                                      entry->key);
    item->value = entry->value;
    if (option)
        return check_value(checker, item, entry);
    snprintf(text, sizeof(text), "unknown key %.*s; the nearest known key is %s",
             STR_ARG(str_whole(str_head(entry->key, 80))),
             option_nearest_key(checker->table, checker->table_count, entry->key));
    return add_error(checker, item, str_from(text));
}

static bool add_items(struct checker *checker)
{
    size_t most = checker->config->count;
    for (size_t i = 0; i < checker->table_count; i++)
        most += checker->table[i]->count;
    checker->out->item = ARENA_NEW(checker->arena, struct validated, most + 1);
    if (!checker->out->item)
        return false;
    for (size_t t = 0; t < checker->table_count; t++)
        for (size_t i = 0; i < checker->table[t]->count; i++)
            if (!option_is_flag_only(&checker->table[t]->option[i])
                && !add_option(checker, checker->table[t], &checker->table[t]->option[i]))
                return false;
    for (size_t i = 0; i < checker->config->count; i++)
        if (!add_other(checker, &checker->config->entry[i]))
            return false;
    return true;
}

/* ---- all of it ---- */

static struct validated *item_of(struct checker *checker, str key)
{
    for (size_t i = 0; i < checker->out->count; i++)
        if (str_eq(checker->out->item[i].key, key))
            return &checker->out->item[i];
    return NULL;
}

/* Which option a message is about: the longest key that it names. */
static struct validated *blame(struct checker *checker, const char *text)
{
    struct validated *found = item_of(checker, STR("connector.class"));
    size_t longest = 4; /* `name` is in many a sentence */
    for (size_t i = 0; i < checker->out->count; i++) {
        struct validated *item = &checker->out->item[i];
        if (item->key.len > longest && str_find(str_from(text), item->key) >= 0) {
            longest = item->key.len;
            found = item;
        }
    }
    return found;
}

static void ignore(void *context, const char *text)
{
    (void)context, (void)text;
}

static bool make_parts(struct connector *connector, struct fault *fault)
{
    struct offsets offsets;
    struct task_settings settings = {0};
    struct decoder *decoder = NULL;
    bool good = offsets_make(&offsets, connector, ignore, NULL, fault)
                && (decoder = decoder_new(&connector->config, fault))
                && option_load(&task_options, &connector->config, &settings, fault)
                && option_load(&delivery_options, &connector->config, &settings, fault)
                && task_check_letters(&settings, true, fault);
    decoder_free(decoder);
    offsets_close(&offsets);
    return good;
}

static bool check_together(struct checker *checker, const struct config *properties)
{
    struct connector connector;
    struct fault fault = {0};
    bool good = connector_begin(&connector, properties, &fault)
                && config_add(&connector.config, checker->config, &fault)
                && connector_settle(&connector, "the configuration", &fault)
                && make_parts(&connector, &fault);
    connector_release(&connector);
    return good || add_error(checker, blame(checker, fault.text), str_from(fault.text));
}

/* An error of a placeholder names its key. */
static bool expand(struct checker *checker, struct fault *fault)
{
    config_init(&checker->expanded, checker->arena);
    return config_add(&checker->expanded, checker->config, fault)
           && provider_expand(&checker->expanded, fault);
}

static bool check_name(struct checker *checker)
{
    struct validated *item = item_of(checker, STR("name"));
    if (item->value.len == 0)
        return add_error(checker, item,
                         config_find(checker->config, item->key)
                             ? STR("Invalid value  for configuration name: String may not be empty")
                             : STR("Missing required configuration \"name\" which has no default "
                                   "value."));
    if (item->value.len > NAME_LIMIT)
        return add_error(checker, item, STR("name is longer than 1000 bytes"));
    for (size_t i = 0; i < item->value.len; i++)
        if ((unsigned char)item->value.ptr[i] < 0x20 || item->value.ptr[i] == 0x7f)
            return add_error(checker, item, STR("name holds control characters"));
    return true;
}

bool validate_config(const struct config *properties, const struct config *config,
                     struct arena *arena, struct validation *out, struct fault *fault)
{
    struct fault class_fault = {0}, expand_fault = {0};
    const struct config_entry *entry = config_find(config, STR("connector.class"));
    struct checker checker = {.arena = arena, .config = config, .out = out};
    *out = (struct validation){.class = entry ? entry->value : STR_EMPTY};
    const struct sink_class *class = sink_class_find(out->class, &class_fault);
    checker.table_count = connector_class_tables(class, checker.table);
    bool expanded = expand(&checker, &expand_fault);
    bool good = add_items(&checker) && check_name(&checker);
    if (good && !class)
        good = add_error(&checker, item_of(&checker, STR("connector.class")),
                         str_from(class_fault.text));
    if (good && !expanded)
        good = add_error(&checker, blame(&checker, expand_fault.text), str_from(expand_fault.text));
    if (good && out->error_count == 0)
        good = check_together(&checker, properties);
    return good || fault_memory(fault, "checking a configuration");
}
