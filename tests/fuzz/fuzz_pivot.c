/*
 * The whole pipe but its ends: lines into records, changes, rows, and lines of output that are read
 * back. The first bytes of the input choose the options, the rest are lines.
 */
#include "fuzz.h"

#include "decoders.h"
#include "encoders.h"
#include "pivot.h"
#include "readback.h"

#define BATCH_BYTES_LIMIT ((size_t)512 * 1024 * 1024)
#define CONFIG_BYTES_LIMIT ((size_t)16 * 1024 * 1024)
#define OUTPUT_LIMIT ((size_t)64 * 1024 * 1024)

/* One byte of the input chooses one of the values; an empty one leaves the option unset. */
struct choice {
    const char *key;
    const char *value[8];
};

/* Two choices share a byte: the index is three bits of it, or one. make_corpus.py knows them. */
static const struct choice choices[] = {
    {"pivot.fields",
     {"*", "*", "holding_stock,holding_quantity", "b,note,v", "*", "a,id,\"a,b\"",
      "n,txt,doc,num,ts", "x"}},
    {"pivot.keys", {"", "", "holding_id", "id", "a", "id,a", "\"\",k", "nothing"}},
    {"replica.identity",
     {"auto", "full", "default", "index(a,b)", "index(id)", "auto", "full", "auto"}},
    {"format", {"csv", "jsonl", "copy", "csv", "jsonl", "copy", "csv", "copy"}},
    {"format.null", {"", "", "", "NULL", "a", "null", "\\n", "\\N"}},
    {"pivot.mask",
     {"", "", "", "b:hash", "holding_quantity:drop,note:hash", "id:hash,a:drop", "v:drop",
      "txt:hash"}},
    {"pivot.columns",
     {"", "", "", "source_table,row_key,change_field,old_value,new_value,old_known",
      "change_field,old_value,new_value,event_time,source_table,row_key,tx_id,lsn,kafka_topic,"
      "kafka_partition,kafka_offset,field_no,source_name,connector_time,tx_order,query,user_name,"
      "thread",
      "key=id,change_field,new_value,datetime_created", "new_value", "a=b,b=a,id,op,old_value"}},
    {"pivot.created",
     {"", "", "source", "connector", "after.ts", "before.ts", "after.d", "after.id"}},
    {"pivot.updated",
     {"", "", "source", "connector", "after.ts", "before.ts", "after.d", "after.id"}},
    {"pivot.deleted",
     {"", "", "source", "connector", "before.ts", "after.ts", "before.d", "before.id"}},
    {"pivot.timezone", {"", "", "", "UTC", "+03:30", "-12:00:01", "Europe/Berlin", "+99:99"}},
    {"pivot.ignore", {"", "", "", "note,b", "v", "id", "ts", "txt"}},
    {"pivot.unchanged", {"", "", "", "", "skip", "emit", "emit", "emit"}},
    {"pivot.snapshot", {"", "emit", "emit", "emit", "skip", "emit", "emit", "emit"}},
    {"pivot.unknown", {"", "", "", "", "skip", "emit", "emit", "emit"}},
    {"format.csv.formula.guard", {"", "", "", "", "", "", "true", "true"}},
};

#define CHOICE_COUNT (sizeof(choices) / sizeof(choices[0]))

static struct batch batch;
static uint64_t warnings;

static void warn(void *context, const char *text)
{
    (void)context;
    CHECK(text[0] != '\0');
    warnings++;
}

struct pipe {
    struct arena arena; /* of the configuration */
    struct config config;
    struct decoder *decoder;
    struct pivot *pivot;
    struct encoder encoder;
    bool each_alone; /* the batch is reset after every record, not at the end */
};

static void configure(struct pipe *pipe, str *input)
{
    struct fault fault = {0};
    unsigned byte = 0;
    arena_init(&pipe->arena, CONFIG_BYTES_LIMIT);
    config_init(&pipe->config, &pipe->arena);
    for (size_t i = 0; i < CHOICE_COUNT; i++) {
        byte = i % 2 ? byte >> 4 : take_byte(input);
        const char *value = choices[i].value[byte & 7];
        if (value[0])
            CHECK(config_set(&pipe->config, str_from(choices[i].key), str_from(value), STR("fuzz"),
                             &fault));
        pipe->each_alone = (byte & 8) != 0;
    }
    /* What a table of the captures has of its own. */
    if (pipe->each_alone)
        CHECK(config_set(&pipe->config, STR("pivot.keys.public.no_key"), STR("a"), STR("fuzz"),
                         &fault));
}

static bool start(struct pipe *pipe, str *input)
{
    struct fault fault = {0};
    *pipe = (struct pipe){0};
    configure(pipe, input);
    pipe->decoder = decoder_new(&pipe->config, &fault);
    CHECK(pipe->decoder);
    pipe->pivot = pivot_new(&pipe->config, PIVOT_PIPE_COLUMNS, warn, NULL, &fault);
    if (pipe->pivot
        && encoder_load(&pipe->encoder, &pipe->config, pivot_layout(pipe->pivot), &fault))
        return true;
    check_fault(&fault);
    CHECK(fault.kind == FAULT_CONFIG);
    return false;
}

static void stop(struct pipe *pipe)
{
    decoder_free(pipe->decoder);
    pivot_free(pipe->pivot);
    arena_release(&pipe->arena);
}

static void check_cells(const struct pipe *pipe, const struct row *row)
{
    char scratch[CELL_SCRATCH];
    int times = 0;
    for (size_t i = 0; i < pipe->encoder.layout->count; i++) {
        const struct column *column = &pipe->encoder.layout->column[i];
        struct value value = row_cell(row, column, &batch, scratch);
        CHECK(value.kind == VALUE_NULL || value_has_text(value));
        CHECK(value.kind != VALUE_NULL || value.text.len == 0);
        CHECK(is_utf8(value.text));
        if (column->kind >= COLUMN_DATETIME_CREATED && column->kind <= COLUMN_DATETIME_DELETED)
            times += value.kind != VALUE_NULL;
    }
    CHECK(times <= 1);
}

static void encode(const struct pipe *pipe, const struct row *row)
{
    struct fault fault = {0};
    struct buf out;
    buf_init(&out, OUTPUT_LIMIT);
    check_cells(pipe, row);
    if (encoder_row(&pipe->encoder, row, &batch, &out, &fault)) {
        readback_row(&pipe->encoder, row, &batch, buf_view(&out));
    } else {
        check_fault(&fault);
        CHECK(fault.kind == FAULT_RECORD && readback_may_refuse(&pipe->encoder, row, &batch));
    }
    buf_release(&out);
}

/* Without --unchanged emit no row shows the same twice, by the plainest measure. */
static void check_moved(const struct pipe *pipe, const struct row *row)
{
    const struct config_entry *unchanged = config_find(&pipe->config, STR("pivot.unchanged"));
    const struct config_entry *mask = config_find(&pipe->config, STR("pivot.mask"));
    if (!row->field || mask || (unchanged && str_is(unchanged->value, "emit")))
        return;
    struct value a = row->field->before, b = row->field->after;
    CHECK(!value_has_text(a) || !value_has_text(b) || !str_eq(a.text, b.text));
    CHECK(a.kind != VALUE_NULL || b.kind != VALUE_NULL);
}

static void pivot_change(struct pipe *pipe, struct change *change)
{
    struct fault fault = {0};
    size_t first = batch.row_count;
    enum change_op op = change->op; /* the create half of a key change becomes an update */
    struct pivot_counts before = *pivot_get_counts(pipe->pivot);
    const struct pivot_counts *after = pivot_get_counts(pipe->pivot);
    if (!pivot_rows(pipe->pivot, change, &batch, &fault)) {
        check_fault(&fault);
        CHECK(batch.row_count == first);
        CHECK(memcmp(&before, after, sizeof(before)) == 0);
        return;
    }
    CHECK(after->rows - before.rows == batch.row_count - first);
    CHECK(after->changes[op] == before.changes[op] + 1);
    CHECK(batch.row_count == first || pivot_layout(pipe->pivot)->ready);
    for (size_t i = first; i < batch.row_count; i++)
        check_moved(pipe, &batch.row[i]);
}

static void take_line(struct pipe *pipe, str line)
{
    struct fault fault = {0};
    struct change_list changes;
    size_t first = batch.row_count;
    struct record *record = batch_add_record(&batch, &fault);
    CHECK(record);
    /* Not in the array, which moves when it grows: a change points to its record. */
    struct record *kept = arena_alloc(&batch.arena, sizeof(*kept));
    CHECK(kept);
    *kept = *record;
    fuzz_record(line, &batch.arena, kept);
    if (!decoder_decode(pipe->decoder, kept, &batch, &changes, &fault)) {
        check_fault(&fault);
        CHECK(changes.count == 0 && batch.row_count == first);
    }
    for (size_t i = 0; i < changes.count; i++)
        pivot_change(pipe, &changes.item[i]);
    halves_pass(pivot_halves(pipe->pivot), kept);
}

static void encode_batch(const struct pipe *pipe)
{
    for (size_t i = 0; i < batch.row_count; i++)
        encode(pipe, &batch.row[i]);
    batch_reset(&batch);
    batch.inserted_us = INT64_C(1795220939102000);
}

/* The lines live in memory of their own until the rows were written. */
static void run_lines(struct pipe *pipe, str input)
{
    enum { LINE_LIMIT = 64 };
    str line, copy[LINE_LIMIT];
    size_t count = 0;
    while (count < LINE_LIMIT && str_split(&input, '\n', &line)) {
        copy[count] = copy_exact(line);
        take_line(pipe, copy[count++]);
        if (pipe->each_alone)
            encode_batch(pipe);
    }
    encode_batch(pipe);
    for (size_t i = 0; i < count; i++)
        free((char *)(uintptr_t)copy[i].ptr);
}

static void check_head(const struct pipe *pipe)
{
    struct buf out;
    if (!pipe->encoder.layout->ready || !pipe->encoder.type->can_head)
        return;
    buf_init(&out, OUTPUT_LIMIT);
    encoder_head(&pipe->encoder, &out);
    readback_head(&pipe->encoder, buf_view(&out));
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pipe pipe;
    str input = {(const char *)data, size};
    if (!batch.arena.limit)
        batch_init(&batch, BATCH_BYTES_LIMIT);
    if (start(&pipe, &input)) {
        run_lines(&pipe, input);
        check_head(&pipe);
    }
    stop(&pipe);
    return 0;
}
