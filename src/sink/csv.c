/*
 * The CSV sink: options, what is remembered, and taking rows. The rows of all partitions wait in
 * one buffer, so that memory does not grow with the number of partitions; where a file ends is
 * decided here, record by record.
 */
#include "csv.h"

#include <assert.h>

#include "clock.h"
#include "csv_lanes.h"
#include "mem.h"

/* batch.bytes.max and what one poll brings more. */
#define ROWS_LIMIT ((size_t)2 * 1024 * 1024 * 1024)
#define TEXT_LIMIT ((size_t)64 * 1024 * 1024)
#define BEAT_INTERVAL_MS 200

static const char *const compressions[] = {"none", "gzip", "zstd", NULL};

#define SETTING(member) offsetof(struct csv, member)

static const struct option_spec option[] = {
    {.key = "file.path",
     .type = OPTION_STRING,
     .preset = "",
     .offset = SETTING(path),
     .argument = "DIRECTORY",
     .help = "The directory of the files; it must be there. A topic-partition has the file "
             "TOPIC-PARTITION.csv, or, where files roll, TOPIC-PARTITION.OFFSET.csv, with the "
             "offset it begins with and .part behind it while it grows (.jsonl, .copy by the "
             "format; letters that are unsafe in a file name as %XX). The files ending in .side, "
             ".start and .lock belong to them."},
    {.key = "file.roll.bytes",
     .type = OPTION_INT,
     .preset = "0",
     .min = 0,
     .max = INT64_MAX / 4,
     .offset = SETTING(roll_bytes),
     .help = "A new file begins with the record whose rows would make the file longer than this; 0 "
             "is never."},
    {.key = "file.roll.ms",
     .type = OPTION_INT,
     .preset = "0",
     .min = 0,
     .max = INT64_MAX / 4000,
     .offset = SETTING(roll_ms),
     .help = "A new file begins with the first record of another span of so many milliseconds "
             "since 1970, by the timestamps of Kafka and not by the clock (3600000: one file an "
             "hour); 0 is never. The last file of a topic that has gone quiet stays open until "
             "the next record comes."},
    {.key = "file.compression",
     .type = OPTION_ENUM,
     .choices = compressions,
     .preset = "none",
     .offset = SETTING(compression),
     .importance = OPTION_MEDIUM,
     .help = "How a file is compressed when it is final (.gz, .zst); the one that grows never is."},
    {.key = "file.shared",
     .type = OPTION_BOOL,
     .preset = "false",
     .offset = SETTING(shared),
     .importance = OPTION_MEDIUM,
     .help = "Says that all workers see the same directory, by a file system whose locks and "
             "renames all machines obey (NFS 4 does). Needed in a cluster, and where the "
             "directory lies on a network."},
    {.key = "file.messages",
     .type = OPTION_BOOL,
     .preset = "true",
     .offset = SETTING(takes_messages),
     .importance = OPTION_MEDIUM,
     .help = "Writes logical messages (pg_logical_emit_message: who, and why) into files of their "
             "own, with the columns source_name, tx_id, lsn, prefix, content, event_time, "
             "kafka_topic, kafka_partition, kafka_offset: that of Debezium's topic PREFIX.message. "
             "In a topic that holds changes too, a new file begins wherever one follows the other. "
             "false: they are left out."},
};

const struct option_table csv_options = {
    .title = "CsvSink", .option = option, .count = sizeof(option) / sizeof(option[0])};

struct side_owner csv_owner(const struct csv *self, str topic, int32_t partition)
{
    return (struct side_owner){self->identity.connector, self->identity.worker_id,
                               self->sink.origin, topic, partition};
}

bool csv_beat(struct csv *self, struct fault *fault)
{
    int64_t now = clock_steady_ms();
    if (now - self->beaten_ms < BEAT_INTERVAL_MS)
        return true;
    self->beaten_ms = now;
    return self->sink.idle(self->sink.idle_context, -1, 0, 0)
           || fault_set(fault, FAULT_RETRY, "%s: stopped while writing", self->folder->path);
}

void csv_forget(struct csv *self)
{
    buf_clear(&self->rows);
    self->extent_count = 0;
    self->sink.pending_bytes = 0;
    for (size_t i = 0; i < self->lane_count; i++) {
        self->lane[i].first = self->lane[i].last = EXTENT_NONE;
        self->lane[i].fresh = self->lane[i].side;
    }
}

struct file_name csv_part_name(const struct csv *self, const struct csv_lane *lane, int64_t start)
{
    struct file_name name = name_of_rows(lane->name.text, start, csv_extension(self));
    return name_with(name.text, PART_SUFFIX);
}

/* ---- recall ---- */

/* Where a partition began that has no side file yet. */
static bool recall_start(struct csv *self, const struct lane *lane, struct memory *memory,
                         struct fault *fault)
{
    struct file_name topic;
    struct starts starts;
    bool found;
    struct side_owner owner = csv_owner(self, lane->topic, -1);
    topic_name(&topic, lane->topic);
    if (!starts_read(self->folder, &self->scratch, topic.text, &owner, &starts, &found, fault))
        return false;
    for (size_t i = 0; i < starts.count; i++)
        if (starts.pair[i][0] == lane->partition)
            memory->next = starts.pair[i][1];
    return true;
}

/* The partition's name, and the file of rows that was found. */
struct orphan {
    struct file_name lane, file;
};

static bool look_for_rows(void *context, const char *name)
{
    struct orphan *orphan = context;
    if (!is_rows_of(orphan->lane.text, name))
        return true;
    snprintf(orphan->file.text, sizeof(orphan->file.text), "%s", name);
    return false;
}

/* Rows that no side file tells of may be anybody's. */
static bool refuse_orphans(struct csv *self, struct file_name lane, struct fault *fault)
{
    struct orphan orphan = {lane, {""}};
    if (self->folder->type->list(self->folder, look_for_rows, &orphan) != 0)
        return folder_fault(fault, self->folder, "list", NULL);
    if (orphan.file.text[0] == '\0')
        return true;
    return fault_set(fault, FAULT_CONFIG,
                     "%s/%s has no side file (%s.side): put that back, or move the files of this "
                     "partition away and say with fieldtrail offsets set where to go on",
                     self->folder->path, orphan.file.text, lane.text);
}

static bool recall_lane(struct csv *self, const struct lane *lane, struct memory *memory,
                        struct fault *fault)
{
    struct file_name name;
    struct side side;
    bool found;
    struct side_owner owner = csv_owner(self, lane->topic, lane->partition);
    *memory = (struct memory){OFFSET_NONE, TIME_UNKNOWN, 0, OFFSET_NONE};
    lane_name(&name, lane->topic, lane->partition);
    arena_reset(&self->scratch);
    if (!side_read(self->folder, &self->scratch, name.text, &owner, &side, &found, fault))
        return false;
    if (!found)
        return ((!lane->assigned && !lane->incoming) || refuse_orphans(self, name, fault))
               && recall_start(self, lane, memory, fault);
    *memory = (struct memory){side.next, side.last_us, side.epoch, side.held};
    return true;
}

static bool csv_recall(struct sink *sink, const struct lane *lane, struct memory *memory,
                       size_t count, struct fault *fault)
{
    struct csv *self = (struct csv *)sink;
    if (self->folder->type->enter(self->folder) != 0)
        return folder_fault(fault, self->folder, "open", NULL);
    for (size_t i = 0; i < count; i++)
        if (!recall_lane(self, &lane[i], &memory[i], fault))
            return false;
    return true;
}

/* ---- put ---- */

/* The head line, and what tells rows of one form from those of another. */
static bool make_head(struct csv_form *form, struct fault *fault)
{
    const struct encoder *encoder = &form->encoder;
    if (form->headed)
        return true;
    if (encoder->header)
        encoder_head(encoder, &form->head);
    uint64_t hash = str_hash(STR_HASH_START, str_from(encoder->type->name));
    hash = str_hash(hash, encoder->null_text);
    hash = str_hash(hash, encoder->header ? STR("h") : STR("-"));
    hash = str_hash(hash, encoder->formula_guard ? STR("g") : STR("-"));
    for (size_t i = 0; i < encoder->layout->count; i++) {
        hash = str_hash(hash, encoder->layout->column[i].name);
        hash = str_hash(hash, STR("\n"));
    }
    form->hash = hash;
    form->headed = !form->head.failed;
    return form->headed || fault_memory(fault, "the head line");
}

/* The span of time that file.roll.ms puts a record into. */
static int64_t span_of(const struct csv *self, int64_t time_us)
{
    int64_t span_us = self->roll_ms * 1000;
    return time_us / span_us - (time_us % span_us < 0);
}

/* Whether the record begins a new file: a function of the rows and timestamps before it. */
static bool must_roll(const struct csv *self, const struct csv_form *form, const struct side *file,
                      size_t len, int64_t time_us)
{
    if (file->length == 0)
        return false;
    if (file->form != form->hash)
        return true;
    if (self->roll_bytes > 0 && file->length + (int64_t)len > self->roll_bytes)
        return true;
    return self->roll_ms > 0 && time_us != TIME_UNKNOWN && file->first_us != TIME_UNKNOWN
           && span_of(self, time_us) > span_of(self, file->first_us);
}

static struct extent *add_extent(struct csv *self, struct fault *fault)
{
    struct extent *list = mem_grow(self->extent, self->extent_count, &self->extent_capacity,
                                   sizeof(*list));
    if (!list) {
        fault_memory(fault, "rows");
        return NULL;
    }
    self->extent = list;
    return &list[self->extent_count++];
}

/* The rows from `at` to the buffer's end are one record's. */
static bool take_rows(struct csv *self, const struct csv_form *form, struct csv_lane *lane,
                      size_t at, const struct record *record, struct fault *fault)
{
    struct side *file = &lane->fresh;
    size_t len = self->rows.len - at;
    bool roll = must_roll(self, form, file, len, record->time_us);
    bool joins = !roll && self->extent_count > 0 && lane->last == self->extent_count - 1;
    if (joins) {
        self->extent[lane->last].len += len;
    } else {
        struct extent *extent = add_extent(self, fault);
        if (!extent)
            return false;
        *extent = (struct extent){at, len, form, EXTENT_NONE, roll, record->at.mark};
        if (lane->last == EXTENT_NONE)
            lane->first = self->extent_count - 1;
        else
            self->extent[lane->last].next = self->extent_count - 1;
        lane->last = self->extent_count - 1;
    }
    if (roll) {
        file->file = csv_part_name(self, lane, record->at.mark);
        file->start = record->at.mark;
        file->length = 0;
    }
    if (file->length == 0) {
        file->length = (int64_t)form->head.len;
        file->first_us = record->time_us;
        file->form = form->hash;
    }
    file->length += (int64_t)len;
    return true;
}

/* Two files of one partition do not begin with the same record. */
static bool check_one_form(const struct row *row, size_t count, struct fault *fault)
{
    bool message = row->change->op == CHANGE_MESSAGE;
    for (size_t i = 1; i < count; i++)
        if (row[i].change != row[0].change && (row[i].change->op == CHANGE_MESSAGE) != message)
            return fault_set(fault, FAULT_RECORD,
                             "the record holds changes and logical messages, and a file takes one "
                             "of them: leave messages out by file.messages=false");
    return true;
}

static bool csv_put(struct sink *sink, const struct batch *batch, const struct row *row,
                    size_t count, struct fault *fault)
{
    struct csv *self = (struct csv *)sink;
    const struct record *record = row->change->record;
    assert(record->at.lane < self->lane_count && self->lane[record->at.lane].claimed);
    struct csv_form *form = row->change->op == CHANGE_MESSAGE ? &self->messages : &self->changes;
    size_t start = self->rows.len;
    bool good = check_one_form(row, count, fault) && make_head(form, fault);
    for (size_t i = 0; good && i < count; i++)
        good = encoder_row(&form->encoder, &row[i], batch, &self->rows, fault);
    if (good && take_rows(self, form, &self->lane[record->at.lane], start, record, fault)) {
        sink->pending_bytes = self->rows.len;
        return true;
    }
    bool full = self->rows.full && start > 0;
    buf_cut(&self->rows, start);
    /* It is not this record that is too large. */
    if (full)
        return fault_set(fault, FAULT_CONFIG,
                         "more than %zu MiB of rows wait for a flush: lower batch.bytes.max",
                         ROWS_LIMIT / 1024 / 1024);
    return false;
}

/* ---- the sink ---- */

static void csv_stop(struct sink *sink)
{
    struct csv *self = (struct csv *)sink;
    for (size_t i = 0; i < self->lane_count; i++)
        if (self->lane[i].lock >= 0)
            self->folder->type->close(self->folder, self->lane[i].lock);
    if (self->folder)
        self->folder->type->leave(self->folder);
    mem_free(self->lane);
    mem_free(self->extent);
    buf_release(&self->rows);
    buf_release(&self->changes.head);
    buf_release(&self->messages.head);
    buf_release(&self->text);
    arena_release(&self->scratch);
    mem_free(self);
}

static const struct sink_type csv_sink = {.name = "csv",
                                          .remembers = true,
                                          .leads = true,
                                          .desk = &csv_desk,
                                          .recall = csv_recall,
                                          .claim = csv_claim,
                                          .put = csv_put,
                                          .flush = csv_flush,
                                          .release = csv_release,
                                          .stop = csv_stop};

static bool check_options(const struct csv *self, struct fault *fault)
{
    if (self->path.len == 0 || memchr(self->path.ptr, '\0', self->path.len))
        return fault_set(fault, FAULT_CONFIG, "file.path is missing: say a directory");
    if (self->compression != PACK_NONE && !csv_rolls(self))
        return fault_set(fault, FAULT_CONFIG,
                         "file.compression needs file.roll.bytes or file.roll.ms: a file that "
                         "grows for ever is never compressed");
    if (self->identity.clustered && !self->shared)
        return fault_set(fault, FAULT_CONFIG,
                         "CsvSink in a cluster (the worker has a group.id): the next owner of a "
                         "partition may be another machine, which does not see this one's files; "
                         "put file.path on a directory that all workers share and say "
                         "file.shared=true, or run this connector in a worker of its own");
    return true;
}

struct sink *csv_new_in(struct folder *folder, const struct config *config,
                        const struct encoder *encoder, struct csv_identity identity,
                        struct fault *fault)
{
    struct csv *self = mem_alloc(sizeof(*self));
    if (!self) {
        folder->type->leave(folder);
        fault_memory(fault, "the CSV sink");
        return NULL;
    }
    *self = (struct csv){.sink = {.type = &csv_sink}, .folder = folder, .identity = identity};
    self->changes.encoder = self->messages.encoder = *encoder;
    self->messages.encoder.layout = &message_layout;
    buf_init(&self->rows, ROWS_LIMIT);
    buf_init(&self->changes.head, TEXT_LIMIT);
    buf_init(&self->messages.head, TEXT_LIMIT);
    buf_init(&self->text, TEXT_LIMIT);
    arena_init(&self->scratch, TEXT_LIMIT);
    if (option_load(&csv_options, config, self, fault) && check_options(self, fault)) {
        self->sink.takes_messages = self->takes_messages;
        return &self->sink;
    }
    csv_stop(&self->sink);
    return NULL;
}

struct sink *csv_new(const struct config *config, const struct encoder *encoder,
                     struct csv_identity identity, struct fault *fault)
{
    const struct config_entry *path = config_find(config, STR("file.path"));
    struct folder *folder = folder_new(path ? path->value : STR_EMPTY, fault);
    return folder ? csv_new_in(folder, config, encoder, identity, fault) : NULL;
}
