/*
 * Replay: some letters at a time, in one transaction; where that is refused, in halves.
 */
#include "replay.h"

#include "clock.h"
#include "decoders.h"
#include "log.h"
#include "pivot.h"
#include "stop.h"

#define BATCH_BYTES_LIMIT ((size_t)2 * 1024 * 1024 * 1024)
/* Of so many letters each flush is made at the most. */
#define CHUNK_LETTERS 500

/* A letter that is to be written, with its rows. */
struct piece {
    struct letter *letter; /* stays where it is: changes point to its record */
    size_t row, row_count; /* in the batch */
};

struct replay {
    struct connector *connector;
    struct letters letters;
    struct pivot *pivot;
    struct decoder *decoder;
    struct sink *sink;
    struct batch batch;
    replay_say *say;
    struct replay_counts *counts;
    /* Of one chunk; all in the batch's arena: */
    struct piece *piece;
    size_t count;
    struct lane *lane; /* one a piece: its origin */
    struct memory *memory;
};

static bool wait_for_sink(void *context, int fd, short events, int timeout_ms)
{
    (void)context;
    clock_wait(fd, events, timeout_ms);
    return !stop_requested();
}

static void warn(void *context, const char *text)
{
    (void)context;
    log_write(LOG_WARN, "%s", text);
}

static bool open_all(struct replay *self, struct fault *fault)
{
    struct connector *connector = self->connector;
    struct sink_context context = {.connector = connector->name,
                                   .worker_id = connector->worker_id,
                                   .clustered = connector->clustered,
                                   .config = &connector->config,
                                   .arena = &connector->arena};
    if (!connector->sink_class->create_replay)
        return fault_set(fault, FAULT_CONFIG,
                         "%s cannot tell what was replayed already; read the letters with "
                         "`fieldtrail pivot` instead",
                         connector->sink_class->name);
    self->pivot = pivot_new(&connector->config, PIVOT_SINK_COLUMNS, warn, NULL, fault);
    if (!self->pivot)
        return false;
    context.layout = pivot_layout(self->pivot);
    self->decoder = decoder_new(&connector->config, fault);
    if (!self->decoder)
        return false;
    decoder_ask(self->decoder, pivot_wants, self->pivot);
    self->sink = connector->sink_class->create_replay(&context, fault);
    if (!self->sink)
        return false;
    self->sink->idle = wait_for_sink;
    return letters_open(&self->letters, connector, fault);
}

static void close_all(struct replay *self)
{
    batch_release(
        &self->batch); /* before the source that its records belong to, which waits for them */
    letters_close(&self->letters);
    if (self->sink)
        self->sink->type->stop(self->sink);
    decoder_free(self->decoder);
    pivot_free(self->pivot);
}

/* ---- a chunk ---- */

static bool is_same_origin(const struct record *a, const struct record *b)
{
    return a->offset == b->offset && a->partition == b->partition && str_eq(a->topic, b->topic);
}

/* Letters of one origin, of another connector and without origin are told apart. */
static bool is_wanted(struct replay *self, const struct letter *letter)
{
    bool ours = letter->connector.len == 0 || str_eq(letter->connector, self->connector->name);
    if (!letter->has_origin || !ours) {
        self->counts->unplaced++;
        return false;
    }
    for (size_t i = 0; i < self->count; i++) {
        if (is_same_origin(&self->piece[i].letter->record, &letter->record)) {
            self->counts->known++;
            return false;
        }
    }
    return true;
}

static bool gather(struct replay *self, size_t from, size_t to, struct fault *fault)
{
    size_t room = to - from;
    self->piece = ARENA_NEW(&self->batch.arena, struct piece, room);
    self->lane = ARENA_NEW(&self->batch.arena, struct lane, room);
    self->memory = ARENA_NEW(&self->batch.arena, struct memory, room);
    self->count = 0;
    if (!self->piece || !self->lane || !self->memory)
        return fault_memory(fault, "dead letters");
    for (size_t i = from; i < to; i++) {
        struct letter *letter = ARENA_NEW(&self->batch.arena, struct letter, 1);
        if (!letter)
            return fault_memory(fault, "dead letters");
        if (!letter_of_record(&self->batch.record[i], &self->batch.arena, letter, fault))
            return false;
        self->counts->letters++;
        if (!is_wanted(self, letter))
            continue;
        self->lane[self->count] = (struct lane){.topic = letter->record.topic,
                                                .partition = letter->record.partition,
                                                .next = letter->record.offset,
                                                .incoming = true};
        self->piece[self->count++] = (struct piece){.letter = letter};
    }
    return true;
}

static bool recall(struct replay *self, struct fault *fault)
{
    self->sink->origin = self->letters.source->identity;
    return self->sink->type->recall(self->sink, self->lane, self->memory, self->count, fault);
}

static bool claim(struct replay *self, struct fault *fault)
{
    return self->sink->type->claim(self->sink, self->lane, self->memory, self->count, fault);
}

static bool refuse(struct replay *self, const struct piece *piece, const struct fault *cause)
{
    self->counts->refused++;
    self->say(piece->letter, cause);
    return true;
}

/* Makes the rows of one letter. */
static bool decode(struct replay *self, struct piece *piece, struct fault *fault)
{
    struct change_list changes;
    struct record *record = &piece->letter->record;
    piece->row = self->batch.row_count;
    bool good = decoder_decode(self->decoder, record, &self->batch, &changes, fault);
    for (size_t i = 0; good && i < changes.count; i++)
        good = connector_rows(self->pivot, self->sink, &changes.item[i], &self->batch, fault);
    piece->row_count = good ? self->batch.row_count - piece->row : 0;
    if (good)
        return true;
    self->batch.row_count = piece->row;
    return fault->kind == FAULT_RECORD && refuse(self, piece, fault);
}

/* Decodes what is not there yet, and keeps only what has rows. */
static bool decode_new(struct replay *self, struct fault *fault)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->count; i++) {
        uint64_t refused = self->counts->refused;
        if (self->memory[i].next != OFFSET_NONE) {
            self->counts->known++;
            continue;
        }
        if (self->memory[i].held == OFFSET_NONE) {
            self->counts->not_left_out++;
            self->say(self->piece[i].letter, NULL);
            continue;
        }
        if (!decode(self, &self->piece[i], fault))
            return false;
        if (self->piece[i].row_count > 0) {
            self->lane[kept] = self->lane[i];
            self->piece[kept++] = self->piece[i];
        } else if (self->counts->refused == refused) {
            self->counts->rowless++;
        }
    }
    self->count = kept;
    return true;
}

/* Puts the pieces from `first` to before `end` and flushes them; `bad` is the one that put refuses
   alone. */
static bool write_pieces(struct replay *self, size_t first, size_t end, struct fault *fault)
{
    struct reach reach[CHUNK_LETTERS];
    for (size_t i = first; i < end; i++) {
        const struct piece *piece = &self->piece[i];
        if (!sink_put(self->sink, &self->batch, &self->batch.row[piece->row], piece->row_count,
                      fault))
            return false;
        reach[i - first] = (struct reach){(uint32_t)i, self->lane[i].next, TIME_UNKNOWN,
                                          OFFSET_NONE};
    }
    return sink_flush(self->sink, self->lane, reach, end - first, fault);
}

/* In one transaction, or where the target refuses that, in halves. */
static bool write_or_split(struct replay *self, size_t first, size_t end, struct fault *fault)
{
    if (first == end)
        return true;
    if (!claim(self, fault))
        return false;
    if (write_pieces(self, first, end, fault)) {
        self->counts->written += end - first;
        return true;
    }
    if (fault->kind != FAULT_RECORD)
        return false;
    if (end - first == 1)
        return refuse(self, &self->piece[first], fault);
    size_t middle = first + (end - first) / 2;
    return write_or_split(self, first, middle, fault) && write_or_split(self, middle, end, fault);
}

static bool replay_chunk(struct replay *self, size_t from, size_t to, struct fault *fault)
{
    return gather(self, from, to, fault) && recall(self, fault) && decode_new(self, fault)
           && write_or_split(self, 0, self->count, fault);
}

static bool replay_all(struct replay *self, struct fault *fault)
{
    while (!self->letters.ended && !stop_requested()) {
        batch_reset(&self->batch);
        if (!letters_read(&self->letters, &self->batch, fault)
            || !batch_stamp(&self->batch, clock_now_us(), fault))
            return false;
        for (size_t from = 0; from < self->batch.record_count && !stop_requested();) {
            size_t left = self->batch.record_count - from;
            size_t to = from + (left < CHUNK_LETTERS ? left : CHUNK_LETTERS);
            if (!replay_chunk(self, from, to, fault))
                return false;
            from = to;
        }
    }
    return true;
}

bool replay_run(struct connector *connector, replay_say *say, struct replay_counts *counts,
                struct fault *fault)
{
    struct replay self = {.connector = connector, .say = say, .counts = counts};
    *counts = (struct replay_counts){0};
    batch_init(&self.batch, BATCH_BYTES_LIMIT);
    bool good = open_all(&self, fault) && replay_all(&self, fault);
    close_all(&self);
    return good || fault_in(fault, "replay");
}
