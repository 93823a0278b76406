/*
 * Configurations: JSON and .properties texts, the option tables over them, and what they are for:
 * setting up the pivot and the encoder. What was read is written in both shapes and read again.
 */
#include "fuzz.h"

#include "config_file.h"
#include "encoders.h"
#include "lines.h"
#include "pivot.h"
#include "task.h"

#define BYTES_LIMIT ((size_t)64 * 1024 * 1024)

static const char *const colours[] = {"red", "green", NULL};
static const char *const colour_flags[] = {"r", "g", NULL};

struct everything {
    str text;
    bool yes;
    int64_t number;
    int colour;
    struct str_list list;
};

#define PLACE(member) offsetof(struct everything, member)

/* One option of every type; keys are short so that the fuzzer finds them. */
static const struct option_spec option[] = {
    {.key = "s", .type = OPTION_STRING, .offset = PLACE(text), .preset = "x"},
    {.key = "b", .type = OPTION_BOOL, .offset = PLACE(yes), .preset = "true"},
    {.key = "i", .type = OPTION_INT, .offset = PLACE(number), .min = -5, .max = INT64_MAX},
    {.key = "e",
     .type = OPTION_ENUM,
     .offset = PLACE(colour),
     .choices = colours,
     .flag_choices = colour_flags,
     .preset = "green"},
    {.key = "l", .type = OPTION_LIST, .offset = PLACE(list), .per_table = true},
};

static const struct option_table every_type = {
    .title = "Fuzz", .option = option, .count = sizeof(option) / sizeof(option[0])};

static const struct option_table *const tables[] = {&every_type, &pivot_options, &encoder_options,
                                                    &task_options, &lines_options};

#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

static void warn(void *context, const char *text)
{
    (void)context;
    (void)text;
}

/* Trouble of the environment is not to be had here. */
static void check_config_fault(const struct fault *fault)
{
    check_fault(fault);
    CHECK(fault->kind == FAULT_CONFIG);
}

static bool lies_in(str part, str whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_loaded(const struct config *config)
{
    struct everything loaded = {0};
    struct fault fault = {0};
    if (!option_load(&every_type, config, &loaded, &fault)) {
        check_config_fault(&fault);
        return;
    }
    const struct config_entry *list = config_find(config, STR("l"));
    CHECK(loaded.number >= -5 && loaded.colour >= 0 && loaded.colour < 2);
    CHECK(list || loaded.list.count == 0);
    for (size_t i = 0; i < loaded.list.count; i++)
        CHECK(loaded.list.item[i].len > 0 && lies_in(loaded.list.item[i], list->value));
}

static void check_known(const struct config *config)
{
    struct fault fault = {0};
    if (option_check_known(tables, TABLE_COUNT, config, &fault))
        return;
    check_config_fault(&fault);
}

static void set_up(const struct config *config)
{
    struct fault fault = {0};
    struct encoder encoder;
    struct pivot *pivot = pivot_new(config, PIVOT_PIPE_COLUMNS, warn, NULL, &fault);
    if (!pivot) {
        check_config_fault(&fault);
        return;
    }
    if (!encoder_load(&encoder, config, pivot_layout(pivot), &fault))
        check_config_fault(&fault);
    pivot_free(pivot);
}

static bool is_writable(const struct config *config)
{
    for (size_t i = 0; i < config->count; i++)
        if (!is_utf8(config->entry[i].key) || !is_utf8(config->entry[i].value))
            return false;
    return true;
}

static void check_same(const struct config *a, const struct config *b)
{
    CHECK(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        CHECK(str_eq(a->entry[i].key, b->entry[i].key));
        CHECK(str_eq(a->entry[i].value, b->entry[i].value));
    }
}

static void put_json(const struct config *config, struct buf *out)
{
    buf_char(out, '{');
    for (size_t i = 0; i < config->count; i++) {
        buf_str(out, i ? STR(",") : STR_EMPTY);
        buf_json_string(out, config->entry[i].key);
        buf_char(out, ':');
        buf_json_string(out, config->entry[i].value);
    }
    buf_char(out, '}');
}

/* As java.util.Properties stores it, but for characters outside of Latin-1. */
static void put_escaped(str text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\n' || c == '\r' || c == '\t') {
            buf_char(out, '\\');
            buf_char(out, c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
            continue;
        }
        if (c == ' ' || c == '\\' || c == '=' || c == ':' || c == '#' || c == '!')
            buf_char(out, '\\');
        buf_char(out, c);
    }
}

static void put_properties(const struct config *config, struct buf *out)
{
    for (size_t i = 0; i < config->count; i++) {
        put_escaped(config->entry[i].key, out);
        buf_char(out, '=');
        put_escaped(config->entry[i].value, out);
        buf_char(out, '\n');
    }
}

typedef bool read_config(struct config *config, str text, str origin, struct fault *fault);

static void check_again(const struct config *config,
                        void (*put)(const struct config *, struct buf *), read_config *read)
{
    struct arena arena;
    struct config again;
    struct fault fault = {0};
    struct buf out;
    arena_init(&arena, BYTES_LIMIT);
    config_init(&again, &arena);
    buf_init(&out, BYTES_LIMIT);
    put(config, &out);
    str text = copy_exact(buf_view(&out));
    CHECK(!out.failed);
    CHECK(read(&again, text, STR("again"), &fault));
    check_same(config, &again);
    free((char *)(uintptr_t)text.ptr);
    buf_release(&out);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct config config;
    struct fault fault = {0};
    str input = {(const char *)data, size};
    bool json = take_byte(&input) % 2 == 0;
    arena_init(&arena, BYTES_LIMIT);
    config_init(&config, &arena);
    str text = copy_exact(input);
    if ((json ? config_json_read : config_properties_read)(&config, text, STR("fuzz"), &fault)) {
        if (is_writable(&config)) {
            check_again(&config, put_json, config_json_read);
            check_again(&config, put_properties, config_properties_read);
        }
    } else {
        check_config_fault(&fault);
    }
    check_loaded(&config);
    check_known(&config);
    set_up(&config);
    arena_release(&arena);
    free((char *)(uintptr_t)text.ptr);
    return 0;
}
