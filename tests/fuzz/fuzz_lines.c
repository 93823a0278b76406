/*
 * The source "lines" on a pipe that is filled in pieces: whatever the pieces are, the records are
 * the lines of the whole text. The first byte chooses the pieces, the second the longest line.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include "lines.h"

#define BYTES_LIMIT ((size_t)64 * 1024 * 1024)
/* A pipe holds 64 KiB, and nobody reads while a piece is written. */
#define PIECE_LIMIT ((size_t)32 * 1024)

/* What is expected: the text line by line. */
struct expected {
    str rest;
    int64_t number;
    size_t line_limit;
};

static void check_record(struct expected *expected, const struct record *record,
                         struct arena *arena)
{
    str line;
    struct record want = {.partition = -1, .offset = -1, .time_us = TIME_UNKNOWN};
    CHECK(str_split(&expected->rest, '\n', &line));
    bool overlong = line.len > expected->line_limit;
    CHECK(record->at.lane == 0 && record->at.mark == ++expected->number);
    CHECK((record->broken.len > 0) == overlong);
    if (expected->number == 1 && str_starts(line, STR("\xef\xbb\xbf")))
        line = str_from_at(line, 3);
    if (overlong) {
        /* Its beginning is kept: how much of it, the pieces decide. */
        str kept = record->value;
        CHECK(str_starts(line, kept));
        return;
    }
    fuzz_record(line, arena, &want);
    CHECK(want.has_value == record->has_value && want.keyed == record->keyed);
    CHECK(want.has_key == record->has_key && str_eq(want.key, record->key));
    CHECK(str_eq(want.value, record->value) && str_eq(want.topic, record->topic));
    CHECK(want.offset == record->offset && want.partition == record->partition);
    CHECK(want.time_us == record->time_us && want.header_count == record->header_count);
}

static void poll_once(struct source *source, struct batch *batch, struct expected *expected)
{
    struct fault fault = {0};
    batch_reset(batch);
    CHECK(source_poll(source, batch, 0, &fault));
    for (size_t i = 0; i < batch->record_count; i++)
        check_record(expected, &batch->record[i], &batch->arena);
}

static void feed(struct source *source, int fd, str text, size_t piece, struct batch *batch,
                 struct expected *expected)
{
    while (text.len > 0) {
        str part = str_head(text, piece);
        CHECK(write(fd, part.ptr, part.len) == (ssize_t)part.len);
        text = str_from_at(text, part.len);
        poll_once(source, batch, expected);
    }
    close(fd);
    while (!source->ended)
        poll_once(source, batch, expected);
    CHECK(expected->rest.len == 0);
}

static void run(str text, size_t piece, size_t line_limit)
{
    struct arena arena;
    struct config config;
    struct batch batch;
    struct fault fault = {0};
    struct expected expected = {text, 0, line_limit};
    char path[64];
    const char *const files[] = {path};
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    arena_init(&arena, BYTES_LIMIT);
    config_init(&config, &arena);
    batch_init(&batch, BYTES_LIMIT);
    CHECK(config_set(&config, STR("record.bytes.max"), arena_format(&arena, "%zu", line_limit),
                     STR("fuzz"), &fault));
    struct source *source = lines_new(files, 1, &config, &fault);
    CHECK(source);
    feed(source, ends[1], text, piece, &batch, &expected);
    source->type->stop(source);
    close(ends[0]);
    batch_release(&batch);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str input = {(const char *)data, size};
    unsigned pieces = take_byte(&input), limit = take_byte(&input);
    size_t piece = pieces < 128 ? pieces + 1 : (size_t)(pieces - 127) * 256;
    /* Small pieces of a long text take long and show nothing new. */
    if (piece < input.len / 512)
        piece = input.len / 512;
    if (piece <= PIECE_LIMIT)
        run(input, piece, 1024 + (size_t)limit * 4);
    return 0;
}
