/*
 * The fast reader against yajl, row by row: events of the captures, changed at random, go through
 * two whole pipes that differ in decoder.fast alone. Both must print the same rows, and take or
 * refuse the same events.
 *
 *     differential COMPARISONS SEED FILE...
 *
 * prints how many events were compared, and how many of them made rows. It dies at a difference,
 * after it wrote the event. The same seed does the same again.
 */
#include "fuzz.h"

#include <inttypes.h>

#include "decoders.h"
#include "encoders.h"
#include "pivot.h"

#define BATCH_BYTES_LIMIT ((size_t)256 * 1024 * 1024)
#define OUTPUT_LIMIT ((size_t)64 * 1024 * 1024)
#define SEED_LIMIT 4000
/* Longer events would leave no time for the others. */
#define EVENT_BYTES_LIMIT ((size_t)64 * 1024)
/* Pipes are made anew behind so many events or bytes, so that they learn in many orders, and long
   events take no more of the time than short ones. */
#define PIPE_EVENTS 2000
#define PIPE_BYTES ((size_t)4 * 1024 * 1024)

struct random {
    uint64_t state;
};

/* splitmix64 */
static uint64_t next_random(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static size_t below(struct random *random, size_t limit)
{
    return limit ? (size_t)(next_random(random) % limit) : 0;
}

/* ---- events ---- */

struct seed {
    str value, key;
    bool keyed, has_key;
};

static struct seed seeds[SEED_LIMIT];
static size_t seed_count;
static struct arena seed_arena;

static void add_seed(str line)
{
    struct record record = {0};
    fuzz_record(line, &seed_arena, &record);
    if (record.has_value && record.value.len <= EVENT_BYTES_LIMIT && seed_count < SEED_LIMIT)
        seeds[seed_count++] = (struct seed){record.value, record.key, record.keyed, record.has_key};
}

static void read_seeds(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    CHECK(file);
    while ((len = getline(&line, &capacity, file)) > 0) {
        str copy;
        CHECK(arena_copy(&seed_arena, str_trim((str){line, (size_t)len}), &copy));
        add_seed(copy);
    }
    free(line);
    fclose(file);
}

struct event {
    char *text; /* exactly as long as it is */
    size_t len;
};

static const char *const splices[] = {"\\n",
                                      "\\u00e9",
                                      "\\ud83d\\ude00",
                                      "\\ud800",
                                      "\xc3\xa9",
                                      " ",
                                      "\t",
                                      "null",
                                      "true",
                                      "0",
                                      "-1",
                                      "1.50",
                                      "1e3",
                                      "\"\"",
                                      "{}",
                                      "[1,2]",
                                      ",",
                                      "}",
                                      "\"",
                                      "\\",
                                      "\x01",
                                      "\xff",
                                      ",\"a\":1",
                                      "007",
                                      "99999999999",
                                      "\"op\"",
                                      "\"u\"",
                                      "\"__debezium_unavailable_value\""};

/* Puts `with` in the place of `len` bytes at `at`. */
static void replace(struct event *event, size_t at, size_t len, str with)
{
    size_t whole = event->len - len + with.len;
    char *text = malloc(whole ? whole : 1);
    CHECK(text);
    memcpy(text, event->text, at);
    memcpy(text + at, with.ptr, with.len);
    memcpy(text + at + with.len, event->text + at + len, event->len - at - len);
    free(event->text);
    *event = (struct event){text, whole};
}

/* A run of digits becomes another number, of the same or another length. */
static void change_number(struct event *event, struct random *random)
{
    size_t at = below(random, event->len);
    while (at < event->len && (event->text[at] < '0' || event->text[at] > '9'))
        at++;
    size_t end = at;
    while (end < event->len && event->text[end] >= '0' && event->text[end] <= '9')
        end++;
    char digits[40];
    unsigned shift = (unsigned)below(random, 60);
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, next_random(random) >> shift >> 4);
    if (end > at)
        replace(event, at, end - at, (str){digits, (size_t)len});
}

/* A part of another event goes into this one, or a part of this one is doubled. */
static void splice(struct event *event, struct random *random)
{
    const struct seed *other = &seeds[below(random, seed_count)];
    size_t from = below(random, other->value.len), at = below(random, event->len);
    str part = str_head(str_from_at(other->value, from), below(random, 60));
    size_t len = below(random, 60);
    replace(event, at, len < event->len - at ? len : event->len - at, part);
}

/* A byte becomes another and the length stays: most often a digit another digit, a letter another
   letter; at times something that means something else in that place. */
static void change_byte(struct event *event, struct random *random)
{
    static const char bytes[] = "0123456789019273645AZaz~ !#[]^\x7f\\\"-+.eE,:{}\t\xc3";
    size_t at = below(random, event->len);
    event->text[at] = bytes[below(random, sizeof(bytes) - 1)];
}

/* The same for the digits of a number: each may become another. */
static void change_digits(struct event *event, struct random *random)
{
    size_t at = below(random, event->len);
    while (at < event->len && (event->text[at] < '0' || event->text[at] > '9'))
        at++;
    for (; at < event->len && event->text[at] >= '0' && event->text[at] <= '9'; at++)
        if (below(random, 4) == 0)
            event->text[at] = (char)('0' + below(random, 10));
}

static void mutate(struct event *event, struct random *random)
{
    size_t at = below(random, event->len);
    switch (event->len ? below(random, 16) : 16) {
    case 0:
        event->text[at] = (char)next_random(random);
        break;
    case 1:
        replace(event, at, 1, STR(""));
        break;
    case 2:
    case 3:
        replace(event, at, below(random, 2),
                str_from(splices[below(random, sizeof(splices) / sizeof(splices[0]))]));
        break;
    case 4:
        splice(event, random);
        break;
    case 5:
        replace(event, at, event->len - at, STR(""));
        break;
    case 6:
        change_byte(event, random);
        break;
    case 7:
    case 8:
    case 9:
        change_digits(event, random);
        break;
    default:
        change_number(event, random);
    }
}

static struct event make_event(const struct seed *seed, struct random *random)
{
    struct event event = {(char *)(uintptr_t)copy_exact(seed->value).ptr, seed->value.len};
    size_t changes = below(random, 2) ? below(random, 4) : 0;
    for (size_t i = 0; i < changes; i++)
        mutate(&event, random);
    return event;
}

/* ---- pipes ---- */

static const char *const settings[][6] = {
    {"pivot.fields", "*", NULL},
    {"pivot.fields", "holding_stock,holding_quantity", "pivot.keys", "holding_id,user_id", NULL},
    {"pivot.fields", "*", "replica.identity", "full", NULL},
    {"pivot.fields", "holding_stock,holding_quantity,b,txt,num", "replica.identity", "full", NULL},
    {"pivot.fields", "b,ts,doc,n", "pivot.keys", "id", NULL},
};

struct pipe {
    struct arena arena;
    struct config config;
    struct decoder *decoder;
    struct pivot *pivot;
    struct encoder encoder;
    struct batch batch;
    struct buf out;
};

static void ignore(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static void start(struct pipe *pipe, size_t setting, const char *fast)
{
    struct fault fault = {0};
    arena_init(&pipe->arena, BATCH_BYTES_LIMIT);
    batch_init(&pipe->batch, BATCH_BYTES_LIMIT);
    buf_init(&pipe->out, OUTPUT_LIMIT);
    config_init(&pipe->config, &pipe->arena);
    const char *const *entry = settings[setting];
    for (; *entry; entry += 2)
        CHECK(
            config_set(&pipe->config, str_from(entry[0]), str_from(entry[1]), STR("fuzz"), &fault));
    CHECK(config_set(&pipe->config, STR("decoder.fast"), str_from(fast), STR("fuzz"), &fault));
    CHECK(config_set(&pipe->config, STR("pivot.snapshot"), STR("emit"), STR("fuzz"), &fault));
    CHECK(config_set(&pipe->config, STR("pivot.columns"),
                     STR("source_table,row_key,change_field,old_value,new_value,old_known,op,"
                         "datetime_created,datetime_updated,datetime_deleted,event_time,tx_id,lsn,"
                         "field_no,source_name,connector_time,tx_order,query,user_name,thread"),
                     STR("fuzz"), &fault));
    pipe->decoder = decoder_new(&pipe->config, &fault);
    pipe->pivot = pivot_new(&pipe->config, PIVOT_PIPE_COLUMNS, ignore, NULL, &fault);
    CHECK(pipe->decoder && pipe->pivot);
    CHECK(encoder_load(&pipe->encoder, &pipe->config, pivot_layout(pipe->pivot), &fault));
    decoder_ask(pipe->decoder, pivot_wants, pipe->pivot);
}

static void stop(struct pipe *pipe)
{
    decoder_free(pipe->decoder);
    pivot_free(pipe->pivot);
    batch_release(&pipe->batch);
    buf_release(&pipe->out);
    arena_release(&pipe->arena);
}

/* The rows of the event; false where it was refused. */
static bool run(struct pipe *pipe, const struct record *template, enum fault_kind *kind)
{
    struct fault fault = {0};
    struct change_list changes;
    batch_reset(&pipe->batch);
    buf_clear(&pipe->out);
    pipe->batch.inserted_us = INT64_C(1795220939102000);
    struct record *record = batch_add_record(&pipe->batch, &fault);
    CHECK(record);
    *record = *template;
    bool good = decoder_decode(pipe->decoder, record, &pipe->batch, &changes, &fault);
    for (size_t i = 0; good && i < changes.count; i++)
        good = pivot_rows(pipe->pivot, &changes.item[i], &pipe->batch, &fault);
    halves_pass(pivot_halves(pipe->pivot), record);
    for (size_t i = 0; good && i < pipe->batch.row_count; i++)
        good = encoder_row(&pipe->encoder, &pipe->batch.row[i], &pipe->batch, &pipe->out, &fault);
    *kind = good ? FAULT_NONE : fault.kind;
    return good;
}

/* ---- comparing ---- */

static void die(const struct record *record, const struct pipe *fast, const struct pipe *slow)
{
    fprintf(stderr, "the fast reader differs:\n%.*s\nfast: %.*s\nslow: %.*s\n",
            STR_ARG(record->value), STR_ARG(buf_view(&fast->out)), STR_ARG(buf_view(&slow->out)));
    abort();
}

struct tally {
    uint64_t compared, made_rows, bytes;
};

/* True where rows came of it. */
static bool compare(struct pipe *fast, struct pipe *slow, const struct record *record)
{
    enum fault_kind fast_kind, slow_kind;
    bool taken = run(fast, record, &fast_kind);
    if (run(slow, record, &slow_kind) != taken || fast_kind != slow_kind
        || (taken && !str_eq(buf_view(&fast->out), buf_view(&slow->out))))
        die(record, fast, slow);
    return taken && fast->out.len > 0;
}

static void compare_many(struct random *random, uint64_t wanted, struct tally *tally)
{
    struct pipe fast = {0}, slow = {0};
    size_t setting = below(random, sizeof(settings) / sizeof(settings[0])), bytes = 0;
    struct event last = {0};
    start(&fast, setting, "true");
    start(&slow, setting, "false");
    /* Few seeds at a time, so that there is something to learn. */
    size_t first = below(random, seed_count), width = 1 + below(random, 12);
    for (size_t i = 0; i < PIPE_EVENTS && bytes < PIPE_BYTES && tally->compared < wanted; i++) {
        const struct seed *seed = &seeds[(first + below(random, width)) % seed_count];
        struct event event = make_event(seed, random);
        struct record record = {.at = {0, (int64_t)i},
                                .topic = STR("topic"),
                                .partition = 0,
                                .offset = (int64_t)i,
                                .time_us = TIME_UNKNOWN,
                                .value = {event.text, event.len},
                                .has_value = true,
                                .key = seed->key,
                                .keyed = seed->keyed,
                                .has_key = seed->has_key};
        if (last.text)
            record.like_last = str_common(record.value, (str){last.text, last.len});
        tally->made_rows += compare(&fast, &slow, &record);
        tally->compared++;
        bytes += event.len;
        free(last.text);
        last = event;
    }
    tally->bytes += bytes;
    free(last.text);
    stop(&fast);
    stop(&slow);
}

static void say(FILE *file, const struct tally *tally, const char *end)
{
    fprintf(file, "%" PRIu64 " compared, %" PRIu64 " made rows, %" PRIu64 " MB%s\n",
            tally->compared, tally->made_rows, tally->bytes >> 20, end);
    fflush(file);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: differential COMPARISONS SEED FILE...\n", stderr);
        return 2;
    }
    uint64_t wanted = strtoull(argv[1], NULL, 10), told = 0;
    struct tally tally = {0};
    struct random random = {strtoull(argv[2], NULL, 10)};
    arena_init(&seed_arena, BATCH_BYTES_LIMIT);
    for (int i = 3; i < argc; i++)
        read_seeds(argv[i]);
    CHECK(seed_count > 0);
    while (tally.compared < wanted) {
        compare_many(&random, wanted, &tally);
        if (tally.compared / 1000000 > told) {
            told = tally.compared / 1000000;
            say(stderr, &tally, "");
        }
    }
    say(stdout, &tally, ", no difference");
    arena_release(&seed_arena);
    return 0;
}
