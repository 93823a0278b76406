/*
 * Command lines. getopt_long does the splitting; the tables say what there is.
 */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <unistd.h>

#include "config_file.h"
#include "connector.h"
#include "log.h"

#define FLAG_LIMIT 200
#define LINE_BYTES_LIMIT ((size_t)64 * 1024 * 1024)

static const struct option_spec general[] = {
    {.key = "--config",
     .flag = "config",
     .letter = 'c',
     .type = OPTION_STRING,
     .argument = "FILE",
     .help =
         "Reads keys from a connector's JSON file, or from a .properties file. Flags and -o win "
         "over it."},
    {.key = "--set",
     .flag = "set",
     .letter = 'o',
     .type = OPTION_STRING,
     .argument = "KEY=VALUE",
     .help = "Sets any key of the configuration."},
    {.key = "--help", .flag = "help", .letter = 'h', .type = OPTION_BOOL, .help = "Prints this."},
};

const struct option_table cli_options = {
    .title = "General", .option = general, .count = sizeof(general) / sizeof(general[0])};

struct worker_flags {
    str path;
};

static const struct option_spec worker_flag[] = {
    {.key = "--worker",
     .flag = "worker",
     .letter = 'w',
     .type = OPTION_STRING,
     .offset = offsetof(struct worker_flags, path),
     .argument = "FILE",
     .help =
         "The worker's properties: bootstrap.servers, consumer.*, log.level and the like. Without "
         "it their defaults hold."},
    {.key = "--help", .flag = "help", .letter = 'h', .type = OPTION_BOOL, .help = "Prints this."},
};

const struct option_table cli_worker_options = {.title = "Worker",
                                                .option = worker_flag,
                                                .count = sizeof(worker_flag)
                                                         / sizeof(worker_flag[0])};

bool cli_load_worker(const struct command_line *line, struct config *worker, struct fault *fault)
{
    struct worker_flags set = {0};
    const char *path = NULL;
    config_init(worker, line->config.arena);
    if (!option_load(&cli_worker_options, &line->config, &set, fault))
        return false;
    if (set.path.len > 0 && !(path = arena_format(worker->arena, "%.*s", STR_ARG(set.path)).ptr))
        return fault_memory(fault, "a path");
    return worker_load(worker, path, fault);
}

bool cli_load_connector(struct command_line *line, struct connector *connector, struct fault *fault)
{
    struct config worker;
    if (line->count == 0)
        return fault_set(fault, FAULT_CONFIG, "name the connector's file");
    return cli_load_worker(line, &worker, fault)
           && connector_load(connector, &worker, line->argument[0], fault);
}

/* The command's flags in getopt's form; `val` is the index into `spec` plus one. */
struct flags {
    const struct option_spec *spec[FLAG_LIMIT];
    struct option flag[FLAG_LIMIT + 1];
    char letters[2 * FLAG_LIMIT + 2];
    size_t count;
};

static void collect_flags(const struct command *command, struct flags *flags)
{
    size_t letters = 0;
    *flags = (struct flags){0};
    flags->letters[letters++] = ':'; /* tells a missing value from an unknown flag */
    for (size_t t = 0; t < command->table_count; t++) {
        for (size_t i = 0; i < command->table[t]->count && flags->count < FLAG_LIMIT; i++) {
            const struct option_spec *spec = &command->table[t]->option[i];
            bool takes_value = spec->type != OPTION_BOOL;
            if (!spec->flag)
                continue;
            flags->flag[flags->count] = (struct option){.name = spec->flag,
                                                        .has_arg = takes_value ? required_argument
                                                                               : optional_argument,
                                                        .val = (int)flags->count + 1 + 256};
            if (spec->letter)
                flags->letters[letters++] = spec->letter;
            if (spec->letter && takes_value)
                flags->letters[letters++] = ':';
            flags->spec[flags->count++] = spec;
        }
    }
}

static const struct option_spec *spec_of(const struct flags *flags, int found)
{
    if (found > 256)
        return flags->spec[found - 257];
    for (size_t i = 0; i < flags->count; i++)
        if (flags->spec[i]->letter == found)
            return flags->spec[i];
    return NULL;
}

static bool set_pair(struct config *config, str pair, struct fault *fault)
{
    str value = pair, key;
    bool has_value = pair.len > 0 && memchr(pair.ptr, '=', pair.len);
    if (!str_split(&value, '=', &key) || !has_value || key.len == 0 || str_starts(key, STR("--")))
        return fault_set(fault, FAULT_CONFIG, "-o %.*s: expected KEY=VALUE", STR_ARG(pair));
    return config_set(config, key, value, STR("-o"), fault);
}

static bool set_flag(struct config *config, const struct option_spec *spec, str value,
                     struct fault *fault)
{
    str origin = arena_format(config->arena, "--%s", spec->flag);
    if (spec->type == OPTION_LIST)
        return config_append(config, str_from(spec->key), value, origin, fault);
    return config_set(config, str_from(spec->key), value, origin, fault);
}

/* Files come before all flags, wherever they stand, so two passes read the line. */
enum pass { PASS_FILES, PASS_FLAGS };

static bool apply(const struct option_spec *spec, const char *argument, enum pass pass,
                  struct config *config, bool *help, struct fault *fault)
{
    bool is_file = strcmp(spec->key, "--config") == 0;
    if (strcmp(spec->key, "--help") == 0)
        *help = true;
    if (is_file)
        return pass != PASS_FILES || config_file_read(config, argument, fault);
    if (pass == PASS_FILES)
        return true;
    if (strcmp(spec->key, "--set") == 0)
        return set_pair(config, str_from(argument), fault);
    return set_flag(config, spec, argument ? str_from(argument) : STR("true"), fault);
}

static bool refuse_flag(const struct command *command, int found, char **argv, struct fault *fault)
{
    char letter[] = {'-', (char)optopt, '\0'};
    bool is_letter = optopt > 0 && optopt < 256;
    const char *flag = is_letter ? letter : argv[optind - 1];
    if (found == ':')
        return fault_set(fault, FAULT_CONFIG, "%s needs a value", argv[optind - 1]);
    if (is_letter)
        return fault_set(fault, FAULT_CONFIG, "unknown flag %s; `fieldtrail %s --help` lists them",
                         flag, command->name);
    str rest = str_from_at(str_from(flag), 2), name = rest;
    str_split(&rest, '=', &name);
    return fault_set(
        fault, FAULT_CONFIG,
        "unknown flag --%.*s; the nearest is --%s, and `fieldtrail %s --help` lists all",
        STR_ARG(name), option_nearest_flag(command->table, command->table_count, name),
        command->name);
}

static bool read_pass(const struct command *command, const struct flags *flags, int argc,
                      char **argv, enum pass pass, struct config *config, bool *help,
                      struct fault *fault)
{
    int found;
    optind = 0; /* starts anew */
    opterr = 0;
    while ((found = getopt_long(argc, argv, flags->letters, flags->flag, NULL)) != -1) {
        const struct option_spec *spec = spec_of(flags, found);
        if (!spec)
            return refuse_flag(command, found, argv, fault);
        if (!apply(spec, optarg, pass, config, help, fault))
            return false;
    }
    return true;
}

static bool parse(const struct command *command, int argc, char **argv, struct command_line *line,
                  bool *help, struct fault *fault)
{
    struct flags flags;
    struct config *config = &line->config;
    collect_flags(command, &flags);
    bool good = read_pass(command, &flags, argc, argv, PASS_FILES, config, help, fault)
                && read_pass(command, &flags, argc, argv, PASS_FLAGS, config, help, fault);
    line->argument = argv + optind;
    line->count = argc - optind;
    return good;
}

enum exit_status cli_print(const struct buf *text)
{
    bool good = !text->failed && fwrite(text->ptr, 1, text->len, stdout) == text->len;
    if (fflush(stdout) == 0 && good)
        return EXIT_DONE;
    log_write(LOG_ERROR, "cannot write the output: %s", strerror(errno));
    return EXIT_FAILED;
}

static enum exit_status print_help(const struct command *command)
{
    struct buf out;
    buf_init(&out, 1000000);
    buf_format(&out, "Usage: fieldtrail %s %s\n\n%s\n\n", command->name, command->usage,
               command->summary);
    for (size_t t = 0; t < command->table_count; t++)
        option_help(command->table[t], &out);
    enum exit_status status = cli_print(&out);
    buf_release(&out);
    return status;
}

enum exit_status cli_fail(const struct fault *fault)
{
    log_write(LOG_ERROR, "%s", fault->text);
    return fault->kind == FAULT_CONFIG ? EXIT_USAGE : EXIT_FAILED;
}

enum exit_status cli_run(const struct command *command, int argc, char **argv)
{
    struct command_line line = {0};
    struct fault fault = {0};
    bool help = false;
    enum exit_status status;
    arena_init(&line.arena, LINE_BYTES_LIMIT);
    config_init(&line.config, &line.arena);
    if (!parse(command, argc, argv, &line, &help, &fault))
        status = cli_fail(&fault);
    else
        status = help ? print_help(command) : command->run(&line);
    arena_release(&line.arena);
    return status;
}
