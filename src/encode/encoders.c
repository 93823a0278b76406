/*
 * The list of encoders and their options.
 */
#include "encoders.h"

static const struct encoder_type *const types[] = {&csv_encoder, &jsonl_encoder, &pgcopy_encoder};
static const char *const type_names[] = {"csv", "jsonl", "copy", NULL};

struct settings {
    int format;
    bool header, formula_guard;
    str null_text;
};

#define SETTING(member) offsetof(struct settings, member)

static const struct option_spec option[] = {
    {.key = "format",
     .flag = "format",
     .type = OPTION_ENUM,
     .choices = type_names,
     .preset = "csv",
     .offset = SETTING(format),
     .help = "csv is RFC 4180 as PostgreSQL's COPY reads it (NULL empty, the empty text as \"\"); "
             "jsonl is one JSON object a line; copy is PostgreSQL's COPY text format."},
    {.key = "format.header",
     .flag = "header",
     .type = OPTION_BOOL,
     .preset = "false",
     .offset = SETTING(header),
     .importance = OPTION_MEDIUM,
     .help = "A first line with the names of the columns (csv, copy)."},
    {.key = "format.null",
     .flag = "null",
     .type = OPTION_STRING,
     .offset = SETTING(null_text),
     .importance = OPTION_MEDIUM,
     .argument = "TEXT",
     .help = "How NULL is written: empty for csv and \\N for copy where nothing else is said."},
    {.key = "format.csv.formula.guard",
     .flag = "csv-formula-guard",
     .type = OPTION_BOOL,
     .preset = "false",
     .offset = SETTING(formula_guard),
     .importance = OPTION_LOW,
     .help = "Puts ' in front of texts that a spreadsheet would run as a formula (csv)."},
};

const struct option_table encoder_options = {
    .title = "Format", .option = option, .count = sizeof(option) / sizeof(option[0])};

static bool check_null_text(const struct encoder *encoder, struct fault *fault)
{
    if (!encoder->type->null_text)
        return fault_set(fault, FAULT_CONFIG, "format.null: %s has null of its own",
                         encoder->type->name);
    bool backslash = str_find(encoder->null_text, STR("\\")) >= 0;
    if (backslash && !str_is(encoder->null_text, "\\N"))
        return fault_set(
            fault, FAULT_CONFIG,
            "format.null: of texts with a backslash only \\N is possible, for others are "
            "escapes of copy");
    for (size_t i = 0; i < encoder->null_text.len; i++)
        if (strchr("\n\r\t,\"", encoder->null_text.ptr[i]))
            return fault_set(fault, FAULT_CONFIG,
                             "format.null: the text may hold no comma, quote, tab or line end");
    return true;
}

bool encoder_load(struct encoder *encoder, const struct config *config, const struct layout *layout,
                  struct fault *fault)
{
    struct settings settings = {0};
    if (!option_load(&encoder_options, config, &settings, fault))
        return false;
    *encoder = (struct encoder){.type = types[settings.format],
                                .layout = layout,
                                .header = settings.header,
                                .formula_guard = settings.formula_guard};
    if (encoder->header && !encoder->type->can_head)
        return fault_set(fault, FAULT_CONFIG, "format.header: %s has no head line",
                         encoder->type->name);
    if (encoder->formula_guard && encoder->type != &csv_encoder)
        return fault_set(fault, FAULT_CONFIG, "format.csv.formula.guard: only for format=csv");
    if (!config_find(config, STR("format.null"))) {
        encoder->null_text = encoder->type->null_text ? str_from(encoder->type->null_text)
                                                      : STR_EMPTY;
        return true;
    }
    encoder->null_text = settings.null_text;
    return check_null_text(encoder, fault);
}
