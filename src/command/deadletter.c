/*
 * fieldtrail deadletter: looks at dead letters and replays them.
 */
#include <stdlib.h>

#include "clock.h"
#include "commands.h"
#include "decoders.h"
#include "log.h"
#include "mem.h"
#include "replay.h"

#define OUTPUT_LIMIT ((size_t)64 * 1024 * 1024)
#define BATCH_BYTES_LIMIT ((size_t)2 * 1024 * 1024 * 1024)
#define SUMMARY_BYTES_LIMIT ((size_t)1024 * 1024 * 1024)
#define CAUSE_LIMIT 600
#define CAUSES_LIMIT 1000

static const struct option_table *const tables[] = {&cli_worker_options};

static void put_origin(const struct letter *letter, struct buf *out)
{
    if (letter->has_origin)
        buf_format(out, "%.*s[%d]@%lld", STR_ARG(letter->record.topic), letter->record.partition,
                   (long long)letter->record.offset);
    else
        buf_str(out, STR("(no origin told)"));
}

/* ---- list ---- */

struct cause {
    str text, stage, first, last; /* origins */
    uint64_t origins;
    int64_t first_us, last_us;
};

struct summary {
    struct arena arena;
    struct cause cause[CAUSES_LIMIT];
    size_t count;
    uint64_t letters, origins;
    uint64_t *seen; /* fingerprints of origins: a table of open addressing */
    size_t seen_size;
};

static uint64_t fingerprint(const struct letter *letter)
{
    uint64_t hash = UINT64_C(1469598103934665603);
    for (size_t i = 0; i < letter->record.topic.len; i++)
        hash = (hash ^ (unsigned char)letter->record.topic.ptr[i]) * UINT64_C(1099511628211);
    hash = (hash ^ (uint64_t)letter->record.partition) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ (uint64_t)letter->record.offset) * UINT64_C(0xbf58476d1ce4e5b9);
    hash ^= hash >> 29;
    return hash ? hash : 1;
}

static bool insert_seen(uint64_t *table, size_t size, uint64_t print)
{
    size_t at = (size_t)(print % size);
    while (table[at] != 0 && table[at] != print)
        at = (at + 1) % size;
    bool fresh = table[at] == 0;
    table[at] = print;
    return fresh;
}

static bool grow_seen(struct summary *summary, struct fault *fault)
{
    size_t size = summary->seen_size ? 2 * summary->seen_size : 65536;
    uint64_t *table = mem_alloc(size * sizeof(*table));
    if (!table)
        return fault_memory(fault, "the origins of dead letters");
    memset(table, 0, size * sizeof(*table));
    for (size_t i = 0; i < summary->seen_size; i++)
        if (summary->seen[i] != 0)
            insert_seen(table, size, summary->seen[i]);
    mem_free(summary->seen);
    summary->seen = table;
    summary->seen_size = size;
    return true;
}

static struct cause *find_cause(struct summary *summary, str stage, str text, struct fault *fault)
{
    size_t i = 0;
    while (i < summary->count
           && !(str_eq(summary->cause[i].text, text) && str_eq(summary->cause[i].stage, stage)))
        i++;
    /* The last stands for all there is no room for. */
    if (i == CAUSES_LIMIT)
        return &summary->cause[CAUSES_LIMIT - 1];
    struct cause *cause = &summary->cause[i];
    if (i < summary->count)
        return cause;
    *cause = (struct cause){.first_us = TIME_UNKNOWN, .last_us = TIME_UNKNOWN};
    if (!arena_copy(&summary->arena, text, &cause->text)
        || !arena_copy(&summary->arena, stage, &cause->stage)) {
        fault_memory(fault, "causes");
        return NULL;
    }
    summary->count++;
    return cause;
}

static bool count_letter(struct summary *summary, const struct letter *letter, struct fault *fault)
{
    char text[CAUSE_LIMIT], place[CAUSE_LIMIT];
    struct buf cause_text = {.ptr = text, .capacity = sizeof(text), .limit = sizeof(text)};
    struct buf origin = {.ptr = place, .capacity = sizeof(place), .limit = sizeof(place)};
    summary->letters++;
    if (2 * summary->origins >= summary->seen_size && !grow_seen(summary, fault))
        return false;
    if (letter->has_origin && !insert_seen(summary->seen, summary->seen_size, fingerprint(letter)))
        return true;
    summary->origins++;
    letter_put_cause(letter, &cause_text);
    put_origin(letter, &origin);
    struct cause *cause = find_cause(summary, letter->stage, buf_view(&cause_text), fault);
    if (!cause)
        return false;
    bool first = cause->origins++ == 0;
    cause->last_us = letter->record.time_us;
    if (first)
        cause->first_us = letter->record.time_us;
    return arena_copy(&summary->arena, buf_view(&origin), first ? &cause->first : &cause->last)
           || fault_memory(fault, "causes");
}

static int by_origins(const void *a, const void *b)
{
    uint64_t left = ((const struct cause *)a)->origins, right = ((const struct cause *)b)->origins;
    return left < right ? 1 : left > right ? -1 : 0;
}

static void put_time(struct buf *out, int64_t time_us)
{
    char text[TIMESTAMP_SIZE];
    size_t len = time_us == TIME_UNKNOWN ? 0 : timestamp_print(text, time_us);
    buf_format(out, " %.*s", len ? (int)len : 1, len ? text : "-");
}

static void put_cause(const struct cause *cause, struct buf *out)
{
    buf_format(out, "%8llu  %.*s: %.*s\n          first %.*s", (unsigned long long)cause->origins,
               STR_ARG(cause->stage), STR_ARG(cause->text), STR_ARG(cause->first));
    put_time(out, cause->first_us);
    if (cause->last.len > 0) {
        buf_format(out, "\n          last  %.*s", STR_ARG(cause->last));
        put_time(out, cause->last_us);
    }
    buf_char(out, '\n');
}

static enum exit_status print_summary(struct summary *summary)
{
    struct buf out;
    buf_init(&out, OUTPUT_LIMIT);
    qsort(summary->cause, summary->count, sizeof(summary->cause[0]), by_origins);
    for (size_t i = 0; i < summary->count; i++)
        put_cause(&summary->cause[i], &out);
    buf_format(&out, "%8llu  records of %zu cause%s in %llu letters\n",
               (unsigned long long)summary->origins, summary->count, summary->count == 1 ? "" : "s",
               (unsigned long long)summary->letters);
    enum exit_status status = cli_print(&out);
    buf_release(&out);
    return status;
}

/* ---- reading ---- */

typedef bool with_letter(void *context, const struct letter *letter, struct batch *batch,
                         struct fault *fault);

static bool for_all(struct connector *connector, with_letter *act, void *context,
                    struct fault *fault)
{
    struct letters letters;
    struct batch batch;
    batch_init(&batch, BATCH_BYTES_LIMIT);
    bool good = letters_open(&letters, connector, fault);
    while (good && !letters.ended) {
        batch_reset(&batch);
        good = letters_read(&letters, &batch, fault);
        for (size_t i = 0; good && i < batch.record_count; i++) {
            struct letter letter;
            good = letter_of_record(&batch.record[i], &batch.arena, &letter, fault)
                   && act(context, &letter, &batch, fault);
        }
    }
    batch_release(&batch);
    letters_close(&letters);
    return good;
}

static bool count_one(void *context, const struct letter *letter, struct batch *batch,
                      struct fault *fault)
{
    (void)batch;
    return count_letter(context, letter, fault);
}

static enum exit_status list(struct connector *connector)
{
    static struct summary summary; /* too large for the stack */
    struct fault fault = {0};
    arena_init(&summary.arena, SUMMARY_BYTES_LIMIT);
    enum exit_status status = for_all(connector, count_one, &summary, &fault)
                                  ? print_summary(&summary)
                                  : cli_fail(&fault);
    mem_free(summary.seen);
    arena_release(&summary.arena);
    return status;
}

/* ---- show ---- */

struct wanted {
    str origin;
    struct connector *connector;
    struct decoder *decoder;
    struct buf out;
    bool found;
};

static void put_text(struct buf *out, const char *name, bool present, str text)
{
    buf_format(out, "%s: ", name);
    if (present)
        buf_json_string(out, str_is_utf8(text) ? text : STR("(bytes that are no UTF-8)"));
    else
        buf_str(out, STR("null"));
    buf_char(out, '\n');
}

static void put_value(struct buf *out, struct value value)
{
    if (value_has_text(value))
        buf_json_string(out, value.text);
    else
        buf_str(out, value.kind == VALUE_NULL     ? STR("null")
                     : value.kind == VALUE_ABSENT ? STR("unknown")
                                                  : STR("unavailable"));
}

static void put_change(struct buf *out, const struct change *change)
{
    static const char *const ops[] = {"read", "create", "update", "delete", "truncate", "message"};
    buf_format(out, "change: %s of %.*s.%.*s\n", ops[change->op], STR_ARG(change->schema),
               STR_ARG(change->table));
    for (size_t i = 0; i < change->field_count; i++) {
        buf_format(out, "  %.*s: ", STR_ARG(change->field[i].name));
        put_value(out, change->field[i].before);
        buf_str(out, STR(" -> "));
        put_value(out, change->field[i].after);
        buf_char(out, '\n');
    }
}

static bool put_changes(struct wanted *wanted, const struct letter *letter, struct batch *batch)
{
    struct change_list changes;
    struct fault why = {0};
    if (!decoder_decode(wanted->decoder, &letter->record, batch, &changes, &why)) {
        buf_format(&wanted->out, "change: cannot be read: %s\n", why.text);
        return true;
    }
    for (size_t i = 0; i < changes.count; i++)
        put_change(&wanted->out, &changes.item[i]);
    return true;
}

static bool show_one(void *context, const struct letter *letter, struct batch *batch,
                     struct fault *fault)
{
    struct wanted *wanted = context;
    const struct record *record = &letter->record;
    char place[CAUSE_LIMIT];
    struct buf origin = {.ptr = place, .capacity = sizeof(place), .limit = sizeof(place)};
    put_origin(letter, &origin);
    (void)fault;
    if (wanted->found || !str_eq(buf_view(&origin), wanted->origin))
        return true;
    wanted->found = true;
    buf_format(&wanted->out, "origin: %.*s", STR_ARG(buf_view(&origin)));
    put_time(&wanted->out, record->time_us);
    buf_format(&wanted->out, "\nconnector: %.*s\nstage: %.*s\nclass: %.*s\ncause: %.*s\n",
               STR_ARG(letter->connector), STR_ARG(letter->stage), STR_ARG(letter->class_name),
               STR_ARG(letter->message));
    for (size_t i = 0; i < record->header_count; i++) {
        const struct header *header = &record->header[i];
        buf_format(&wanted->out, "header %.*s", STR_ARG(header->name));
        put_text(&wanted->out, "", header->has_value, header->value);
    }
    put_text(&wanted->out, "key", record->has_key, record->key);
    put_text(&wanted->out, "value", record->has_value, record->value);
    return put_changes(wanted, letter, batch);
}

static enum exit_status show(struct connector *connector, const char *origin)
{
    struct fault fault = {0};
    struct wanted wanted = {.origin = str_from(origin), .connector = connector};
    buf_init(&wanted.out, OUTPUT_LIMIT);
    wanted.decoder = decoder_new(&connector->config, &fault);
    bool good = wanted.decoder && for_all(connector, show_one, &wanted, &fault);
    if (good && !wanted.found)
        good = fault_set(&fault, FAULT_RECORD, "there is no letter of %s", origin);
    enum exit_status status = good ? cli_print(&wanted.out) : cli_fail(&fault);
    decoder_free(wanted.decoder);
    buf_release(&wanted.out);
    return status;
}

/* ---- replay ---- */

static void say_unwritten(const struct letter *letter, const struct fault *cause)
{
    log_write(LOG_WARN, "%.*s[%d]@%lld is %s%s", STR_ARG(letter->record.topic),
              letter->record.partition, (long long)letter->record.offset,
              cause ? "still refused: "
                    : "not replayed: by fieldtrail_left_out the connector has not left it out; it "
                      "has written it since, or will decide about it when it gets there",
              cause ? cause->text : "");
}

static enum exit_status replay(struct connector *connector)
{
    struct fault fault = {0};
    struct replay_counts counts;
    struct buf out;
    bool good = replay_run(connector, say_unwritten, &counts, &fault);
    buf_init(&out, OUTPUT_LIMIT);
    buf_format(&out,
               "letters=%llu\nwritten=%llu\nknown=%llu\nnot_left_out=%llu\nwithout_rows=%llu\n"
               "unplaced=%llu\nrefused=%llu\n",
               (unsigned long long)counts.letters, (unsigned long long)counts.written,
               (unsigned long long)counts.known, (unsigned long long)counts.not_left_out,
               (unsigned long long)counts.rowless, (unsigned long long)counts.unplaced,
               (unsigned long long)counts.refused);
    enum exit_status status = cli_print(&out);
    buf_release(&out);
    if (!good) {
        if (fault.kind == FAULT_RETRY)
            fault_in(&fault, "not all was replayed; run it again, nothing is written twice");
        return cli_fail(&fault);
    }
    return status == EXIT_DONE && counts.refused == 0 ? EXIT_DONE : EXIT_FAILED;
}

/* ---- the command ---- */

static enum exit_status act(struct connector *connector, char **argument, int count)
{
    struct fault fault = {0};
    if (count == 1 && strcmp(argument[0], "list") == 0)
        return list(connector);
    if (count == 2 && strcmp(argument[0], "show") == 0)
        return show(connector, argument[1]);
    if (count == 1 && strcmp(argument[0], "replay") == 0)
        return replay(connector);
    fault_set(&fault, FAULT_CONFIG,
              "say list, show TOPIC[PARTITION]@OFFSET or replay; `fieldtrail deadletter --help` "
              "tells more");
    return cli_fail(&fault);
}

static enum exit_status run(struct command_line *line)
{
    static struct connector connector; /* large; there is one */
    struct fault fault = {0};
    enum exit_status status = cli_load_connector(line, &connector, &fault)
                                  ? act(&connector, line->argument + 1, line->count - 1)
                                  : cli_fail(&fault);
    connector_release(&connector);
    return status;
}

const struct command deadletter_command = {
    .name = "deadletter",
    .help = "the records that were left out: list, show, replay",
    .usage = "[-w worker.properties] connector.json ACTION",
    .summary =
        "The records that a connector left out, and why. Actions:\n\n"
        "  list                     how many of which cause, each record counted once\n"
        "  show TOPIC[PARTITION]@OFFSET\n"
        "                           one of them: cause, headers, and the change it holds\n"
        "  replay                   once the cause is mended: writes them into the target, "
        "through\n                           the connector's own pivot, each record once "
        "however often it runs\n\n"
        "replay may run beside the connector. It produces nothing into any topic. It writes only\n"
        "records that the connector's positions have passed without them; others are counted\n"
        "as not_left_out, for the connector itself writes them, or has.",
    .table = tables,
    .table_count = 1,
    .run = run};
