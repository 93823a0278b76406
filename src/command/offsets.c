/*
 * fieldtrail offsets: prints where a connector stands, and moves it.
 */
#include "offsets.h"

#include "clock.h"
#include "commands.h"
#include "log.h"

#define OUTPUT_LIMIT ((size_t)64 * 1024 * 1024)

struct flags {
    bool earliest, latest;
    str time;
};

static const struct option_spec option[] = {
    {.key = "--to-earliest",
     .flag = "to-earliest",
     .type = OPTION_BOOL,
     .offset = offsetof(struct flags, earliest),
     .help = "reset goes to the beginning of the log, whatever auto.offset.reset says."},
    {.key = "--to-latest",
     .flag = "to-latest",
     .type = OPTION_BOOL,
     .offset = offsetof(struct flags, latest),
     .help = "reset goes to its end."},
    {.key = "--to-datetime",
     .flag = "to-datetime",
     .type = OPTION_STRING,
     .offset = offsetof(struct flags, time),
     .argument = "TIME",
     .help =
         "reset goes to the first record of that time or later: 2026-11-21T00:15:22Z. Without a "
         "zone it is UTC."},
};

static const struct option_table reset_options = {
    .title = "Reset", .option = option, .count = sizeof(option) / sizeof(option[0])};

static const struct option_table *const tables[] = {&reset_options, &cli_worker_options};

/* ---- list ---- */

static void put_offset(struct buf *out, int width, int64_t offset)
{
    if (offset < 0)
        buf_format(out, "  %*s", width, "-");
    else
        buf_format(out, "  %*lld", width, (long long)offset);
}

static void put_time(struct buf *out, int64_t time_us)
{
    char text[TIMESTAMP_SIZE];
    size_t len = time_us == TIME_UNKNOWN ? 0 : timestamp_print(text, time_us);
    buf_format(out, "  %-27.*s", len ? (int)len : 1, len ? text : "-");
}

static size_t longest_topic(const struct offsets *offsets)
{
    size_t longest = strlen("TOPIC");
    for (size_t i = 0; i < offsets->source->lane_count; i++)
        if (offsets->source->lane[i].topic.len > longest)
            longest = offsets->source->lane[i].topic.len;
    return longest;
}

/* Where reading would go on: what the target stores, or for one that stores nothing the group. */
static int64_t position(const struct offsets *offsets, size_t lane)
{
    return offsets->sink->type->remembers ? offsets->note[lane].memory.next
                                          : offsets->source->lane[lane].committed;
}

static enum exit_status list(const struct offsets *offsets)
{
    struct buf out;
    int width = (int)longest_topic(offsets);
    buf_init(&out, OUTPUT_LIMIT);
    buf_format(&out, "%-*s  %9s  %10s  %10s  %10s  %10s  %6s  %-27s  %10s  %10s  %s\n", width,
               "TOPIC", "PARTITION", "LOG-START", "LOG-END", "STORED", "HELD", "EPOCH",
               "RECORD-TIME", "GROUP", "LAG", "WORKER");
    for (size_t i = 0; i < offsets->source->lane_count; i++) {
        const struct lane *lane = &offsets->source->lane[i];
        const struct note *note = &offsets->note[i];
        int64_t next = position(offsets, i);
        buf_format(&out, "%-*.*s  %9d", width, STR_ARG(lane->topic), lane->partition);
        put_offset(&out, 10, lane->low);
        put_offset(&out, 10, lane->high);
        put_offset(&out, 10, note->memory.next);
        put_offset(&out, 10, note->memory.held);
        put_offset(&out, 6, note->memory.next == OFFSET_NONE ? -1 : note->memory.epoch);
        put_time(&out, note->memory.last_us);
        put_offset(&out, 10, lane->committed);
        put_offset(&out, 10, next == OFFSET_NONE ? -1 : next > lane->high ? 0 : lane->high - next);
        buf_format(&out, "  %s\n", note->owner[0] ? note->owner : "-");
    }
    for (size_t i = 0; i < offsets->topics.count; i++)
        if (offsets->topics.item[i].partition_count == 0)
            log_write(LOG_WARN, "topic %.*s: %.*s", STR_ARG(offsets->topics.item[i].name),
                      STR_ARG(offsets->topics.item[i].refusal));
    log_write(LOG_INFO, "group %s has %d member%s", offsets->group.name,
              offsets->group.member_count, offsets->group.member_count == 1 ? "" : "s");
    enum exit_status status = cli_print(&out);
    buf_release(&out);
    return status;
}

/* ---- set and reset ---- */

static bool choose(struct offsets *offsets, str argument, bool with_offset, struct fault *fault)
{
    str partition_text = argument, topic, offset = STR_EMPTY;
    int64_t partition = -1, number = -1;
    bool good = str_split(&partition_text, ':', &topic);
    if (with_offset) {
        offset = partition_text;
        good = good && str_split(&offset, '=', &partition_text) && str_to_int64(offset, &number);
    }
    if (!good || topic.len == 0 || !str_to_int64(partition_text, &partition))
        return fault_set(fault, FAULT_CONFIG, "%.*s: expected %s", STR_ARG(argument),
                         with_offset ? "TOPIC:PARTITION=OFFSET" : "TOPIC or TOPIC:PARTITION");
    struct lane *lane = offsets_lane(offsets, topic, partition, fault);
    if (!lane)
        return false;
    lane->outgoing = true;
    if (with_offset)
        lane->next = number;
    return true;
}

static bool choose_topic(struct offsets *offsets, str topic, struct fault *fault)
{
    if (!offsets_lane(offsets, topic, 0, fault))
        return false;
    for (size_t i = 0; i < offsets->source->lane_count; i++)
        if (str_eq(offsets->source->lane[i].topic, topic))
            offsets->source->lane[i].outgoing = true;
    return true;
}

static bool choose_all(struct offsets *offsets, char **argument, int count, bool with_offset,
                       struct fault *fault)
{
    for (int i = 0; i < count; i++) {
        str text = str_from(argument[i]);
        bool whole = !with_offset && str_find(text, STR(":")) < 0;
        if (!(whole ? choose_topic(offsets, text, fault)
                    : choose(offsets, text, with_offset, fault)))
            return false;
    }
    for (size_t i = 0; count == 0 && i < offsets->source->lane_count; i++)
        offsets->source->lane[i].outgoing = true;
    return true;
}

static bool find_reset(struct offsets *offsets, const struct flags *flags, struct fault *fault)
{
    int64_t time_us;
    enum timestamp_zone zone;
    if (flags->earliest + flags->latest + (flags->time.len > 0) > 1)
        return fault_set(fault, FAULT_CONFIG,
                         "say one of --to-earliest, --to-latest and --to-datetime");
    if (flags->time.len == 0)
        return offsets_by_reset(offsets,
                                flags->earliest ? START_EARLIEST
                                : flags->latest ? START_LATEST
                                                : (enum start_reset)offsets->reset,
                                fault);
    if (!timestamp_parse(flags->time, &time_us, &zone))
        return fault_set(fault, FAULT_CONFIG,
                         "--to-datetime=%.*s: expected a time like 2026-11-21T00:15:22Z",
                         STR_ARG(flags->time));
    return offsets_by_time(offsets, time_us, fault);
}

static enum exit_status print_moves(const struct offsets *offsets)
{
    struct buf out;
    buf_init(&out, OUTPUT_LIMIT);
    for (size_t i = 0; i < offsets->source->lane_count; i++) {
        const struct lane *lane = &offsets->source->lane[i];
        if (lane->outgoing)
            buf_format(&out, "%.*s:%d=%lld\n", STR_ARG(lane->topic), lane->partition,
                       (long long)lane->next);
    }
    enum exit_status status = cli_print(&out);
    buf_release(&out);
    return status;
}

/* ---- the command ---- */

enum action { ACTION_LIST, ACTION_SET, ACTION_RESET, ACTION_NONE };

static enum action action_of(const char *name)
{
    static const char *const names[] = {"list", "set", "reset"};
    for (int i = 0; i < ACTION_NONE; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum action)i;
    return ACTION_NONE;
}

static bool check_usage(enum action action, int count, const struct flags *flags,
                        struct fault *fault)
{
    bool target = flags->earliest || flags->latest || flags->time.len > 0;
    if (action == ACTION_NONE)
        return fault_set(fault, FAULT_CONFIG,
                         "say a connector's file and list, set or reset; `fieldtrail offsets "
                         "--help` tells more");
    if (action == ACTION_LIST && count > 0)
        return fault_set(fault, FAULT_CONFIG, "list takes no arguments");
    if (action == ACTION_SET && count == 0)
        return fault_set(fault, FAULT_CONFIG, "set what? TOPIC:PARTITION=OFFSET");
    if (target && action != ACTION_RESET)
        return fault_set(fault, FAULT_CONFIG,
                         "--to-earliest, --to-latest and --to-datetime belong "
                         "to reset");
    return true;
}

static enum exit_status act(struct offsets *offsets, enum action action, const struct flags *flags,
                            char **argument, int count)
{
    struct fault fault = {0};
    if (action == ACTION_LIST)
        return list(offsets);
    bool by_reset = action == ACTION_RESET;
    if (!choose_all(offsets, argument, count, !by_reset, &fault)
        || (by_reset && !find_reset(offsets, flags, &fault)) || !offsets_move(offsets, &fault))
        return cli_fail(&fault);
    return print_moves(offsets);
}

static enum exit_status run_with(struct connector *connector, struct command_line *line)
{
    struct fault fault = {0};
    struct flags flags = {0};
    struct offsets offsets = {0};
    int left = line->count > 2 ? line->count - 2 : 0;
    enum action action = line->count < 2 ? ACTION_NONE : action_of(line->argument[1]);
    if (!option_load(&reset_options, &line->config, &flags, &fault)
        || !check_usage(action, left, &flags, &fault)
        || !cli_load_connector(line, connector, &fault))
        return cli_fail(&fault);
    enum exit_status status = offsets_open(&offsets, connector, &fault)
                                  ? act(&offsets, action, &flags, line->argument + 2, left)
                                  : cli_fail(&fault);
    offsets_close(&offsets);
    return status;
}

static enum exit_status run(struct command_line *line)
{
    static struct connector connector; /* large; there is one */
    enum exit_status status = run_with(&connector, line);
    connector_release(&connector);
    return status;
}

const struct command offsets_command = {
    .name = "offsets",
    .help = "where a connector stands, and moving it while it is stopped",
    .usage = "[-w worker.properties] connector.json ACTION",
    .summary =
        "Where a connector stands in its topics, and moving it. Actions:\n\n"
        "  list                             each partition: its log, what the target stores, what "
        "the\n                                   consumer group says, and the lag\n"
        "  set TOPIC:PARTITION=OFFSET...    reading goes on at that offset\n"
        "  reset [TOPIC[:PARTITION]...]     reading begins anew, of these or of all partitions, "
        "where\n                                   auto.offset.reset says\n\n"
        "set and reset are refused while the connector runs anywhere. Rows that are in the target\n"
        "stay there: what is read a second time is written a second time.",
    .table = tables,
    .table_count = 2,
    .run = run};
