/*
 * Lines from files and pipes. A block is read straight into the batch's memory and its lines point
 * into it; only a line that lies across two blocks is put together by copying, once. The end of a
 * long one is read straight behind its beginning.
 */
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kcat.h"
#include "mem.h"

#define BLOCK_SIZE ((size_t)128 * 1024)
/* A line so long that crosses blocks is worth memory of its own. */
#define LONG_LINE (BLOCK_SIZE / 2)
#define MAX_WAIT_MS 500
/* Of a longer path its end is said. */
#define PLACE_NAME_LIMIT 200

struct lines {
    struct source source;
    const char *const *files;
    size_t file_count, file_at; /* file_at: the file being read */
    int fd;                     /* of it, or -1 */
    int64_t line;               /* lines begun in it */
    struct buf carry;           /* the beginning of a line whose end has not come yet */
    bool overlong;              /* the present line is longer than carry may grow */
    bool in_object;             /* the last line was an object of kcat */
    int64_t bytes_max;
};

static const struct option_spec option[] = {
    {.key = "record.bytes.max",
     .flag = "record-bytes-max",
     .type = OPTION_INT,
     .preset = "134217728",
     .min = 1024,
     .max = (int64_t)1 << 30,
     .offset = offsetof(struct lines, bytes_max),
     .importance = OPTION_LOW,
     .help = "The longest line that is taken; a longer one is an unreadable line."},
};

const struct option_table lines_options = {
    .title = "Input", .option = option, .count = sizeof(option) / sizeof(option[0])};

static const char *const standard_input[] = {"-"};

/* As people know it. */
static const char *file_name(const char *name)
{
    return strcmp(name, "-") == 0 ? "stdin" : name;
}

static bool refuse_file(const char *name, int error, struct fault *fault)
{
    return fault_set(fault, FAULT_CONFIG, "cannot read %s: %s", file_name(name), strerror(error));
}

/* Opening a named pipe waits for its writer. A signal that comes meanwhile is no error: the file is
   then opened at the next poll, if there is one. */
static bool open_file(const char *name, int *fd, struct fault *fault)
{
    *fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 || errno == EINTR || refuse_file(name, errno, fault);
}

static void close_file(struct lines *self)
{
    if (self->fd > STDIN_FILENO)
        close(self->fd);
    self->fd = -1;
}

/* Without opening them: a named pipe would lose what its writer sends to the first reader. */
static bool check_files(const char *const *files, size_t count, struct fault *fault)
{
    struct stat status;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(files[i], "-") == 0)
            continue;
        if (access(files[i], R_OK) != 0 || stat(files[i], &status) != 0)
            return refuse_file(files[i], errno, fault);
        if (S_ISDIR(status.st_mode))
            return refuse_file(files[i], EISDIR, fault);
    }
    return true;
}

/* The line's text without its end: LF, or CR LF. */
static str without_cr(str line)
{
    return str_ends(line, STR("\r")) ? str_head(line, line.len - 1) : line;
}

static bool is_tombstone(str line)
{
    line = str_trim(line);
    return line.len == 0 || str_is(line, "NULL") || str_is(line, "null");
}

/* Most lines are events: what begins like one is surely no object of kcat. */
static inline bool is_event(str line)
{
    return line.len > 9
           && (memcmp(line.ptr, "{\"schema\"", 9) == 0 || memcmp(line.ptr, "{\"before\"", 9) == 0);
}

static bool add_line(struct lines *self, struct batch *batch, str line, size_t like_last,
                     struct fault *fault)
{
    struct record *record = batch_add_record(batch, fault);
    if (!record)
        return false;
    line = without_cr(line);
    if (self->line == 1 && str_starts(line, STR("\xef\xbb\xbf")))
        line = str_from_at(line, 3); /* a byte order mark */
    record->at = (struct position){(uint32_t)self->file_at, self->line};
    bool is_kcat = false, event = is_event(line);
    if (self->overlong)
        record->broken = STR("the line is longer than record.bytes.max; its beginning is kept");
    else if (!event && !kcat_read(line, &batch->arena, record, &is_kcat, fault))
        return false;
    if (!is_kcat) {
        record->has_value = event || !is_tombstone(line);
        record->value = line;
        record->like_last = like_last;
    }
    self->overlong = false;
    self->in_object = is_kcat;
    return true;
}

/* Keeps the beginning of a line whose end has not come yet: record.bytes.max bytes at the most. */
static bool carry(struct lines *self, str part, struct fault *fault)
{
    size_t room = (size_t)self->bytes_max - self->carry.len;
    self->overlong = self->overlong || part.len > room;
    if (part.len >= LONG_LINE && room >= 2 * BLOCK_SIZE)
        buf_reserve(&self->carry, 2 * BLOCK_SIZE); /* what is read behind it needs room at once */
    buf_str(&self->carry, str_head(part, room));
    return !self->carry.failed || fault_memory(fault, "a long line");
}

/* Gives what is carried to the batch: a long line as it stands, a short one as a copy, for which
   the buffer is kept. */
static bool hand_over(struct lines *self, struct batch *batch, str *line, struct fault *fault)
{
    *line = buf_view(&self->carry);
    if (line->len < LONG_LINE) {
        buf_clear(&self->carry);
        return arena_copy(&batch->arena, *line, line) || fault_memory(fault, "a long line");
    }
    if (!batch_pin(batch, self->carry.ptr, mem_free, fault))
        return false;
    buf_init(&self->carry, self->carry.limit);
    return true;
}

/* The line that began in earlier blocks and ends with `rest`. */
static bool add_carried(struct lines *self, struct batch *batch, str rest, struct fault *fault)
{
    str line;
    return carry(self, rest, fault) && hand_over(self, batch, &line, fault)
           && add_line(self, batch, line, 0, fault);
}

/* A line that lies whole within its block. */
static bool add_whole(struct lines *self, struct batch *batch, str line, size_t like_last,
                      struct fault *fault)
{
    self->overlong = line.len > (size_t)self->bytes_max;
    return add_line(self, batch, str_head(line, (size_t)self->bytes_max), like_last, fault);
}

/* Lines with a schema block begin as the one before them. Where they do, they are compared with it:
   bytes that are the same hold no line feed, and whoever reads the record knows them already. */
#define LIKE_LEAST 256

/* All of the block where its line does not end in it. */
static str first_line(str block, str last, size_t *like_last)
{
    *like_last = last.len < LIKE_LEAST ? 0 : str_common(last, block);
    str rest = {block.ptr + *like_last, block.len - *like_last};
    return (str){block.ptr, *like_last + str_line(rest)};
}

static bool split_block(struct lines *self, struct batch *batch, str block, struct fault *fault)
{
    bool carried = self->carry.len > 0 || self->overlong;
    str last = STR_EMPTY, line;
    size_t like_last;
    while (block.len > 0 && (line = first_line(block, last, &like_last)).len < block.len) {
        bool pays = like_last >= LIKE_LEAST || last.len == 0;
        block = str_from_at(block, line.len + 1);
        self->line += !carried;
        if (!(carried ? add_carried(self, batch, line, fault)
                      : add_whole(self, batch, line, like_last, fault)))
            return false;
        /* The next is compared with this one: its value is the line, and that has paid so far. */
        str value = carried ? batch->record[batch->record_count - 1].value : line;
        last = self->in_object ? STR_EMPTY : str_head(value, pays ? value.len : 1);
        carried = false;
    }
    self->line += block.len > 0 && !carried;
    return carry(self, block, fault);
}

/* The end of a file ends its last line, with or without a line feed. */
static bool end_file(struct lines *self, struct batch *batch, struct fault *fault)
{
    bool carried = self->carry.len > 0 || self->overlong;
    if (carried && !add_carried(self, batch, STR_EMPTY, fault))
        return false;
    close_file(self);
    self->line = 0;
    self->file_at++;
    self->source.ended = self->file_at == self->file_count;
    return true;
}

static bool wait_for_input(int fd, int timeout_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, timeout_ms < MAX_WAIT_MS ? timeout_ms : MAX_WAIT_MS) > 0;
}

/* Reads at most `size` bytes: 0 at the end of the file, less where nothing has come. */
static bool read_some(struct lines *self, char *into, size_t size, ssize_t *got,
                      struct fault *fault)
{
    *got = read(self->fd, into, size);
    return *got >= 0 || errno == EINTR || errno == EAGAIN
           || fault_set(fault, FAULT_FATAL, "cannot read %s: %s",
                        file_name(self->files[self->file_at]), strerror(errno));
}

static bool read_block(struct lines *self, struct batch *batch, struct fault *fault)
{
    ssize_t got;
    char *block = arena_alloc(&batch->arena, BLOCK_SIZE);
    if (!block)
        return fault_memory(fault, "input");
    if (!read_some(self, block, BLOCK_SIZE, &got, fault))
        return false;
    return got == 0 ? end_file(self, batch, fault)
                    : got < 0 || split_block(self, batch, (str){block, (size_t)got}, fault);
}

/* Bytes that may be read behind the beginning of a long line; 0 where it is none. */
static size_t room_behind(const struct lines *self)
{
    bool goes_on = self->carry.len >= LONG_LINE && !self->overlong;
    size_t room = goes_on ? (size_t)self->bytes_max - self->carry.len : 0;
    return room < BLOCK_SIZE ? room : BLOCK_SIZE;
}

/* The long line goes on: so does its buffer. What stands there behind its end is the batch's,
   too. */
static bool read_behind(struct lines *self, struct batch *batch, size_t room, struct fault *fault)
{
    ssize_t got;
    struct buf *carried = &self->carry;
    if (!buf_reserve(carried, room))
        return fault_memory(fault, "a long line");
    str read = {carried->ptr + carried->len, 0}, line;
    if (!read_some(self, carried->ptr + carried->len, room, &got, fault))
        return false;
    if (got <= 0)
        return got < 0 || end_file(self, batch, fault);
    read.len = (size_t)got;
    size_t end = str_line(read);
    carried->len += end;
    if (end == read.len)
        return true;
    return hand_over(self, batch, &line, fault) && add_line(self, batch, line, 0, fault)
           && split_block(self, batch, str_from_at(read, end + 1), fault);
}

static bool lines_poll(struct source *source, struct batch *batch, int timeout_ms,
                       struct fault *fault)
{
    struct lines *self = (struct lines *)source;
    if (source->ended)
        return true;
    if (self->fd < 0 && !open_file(self->files[self->file_at], &self->fd, fault))
        return false;
    if (self->fd < 0)
        return true;
    if (!wait_for_input(self->fd, timeout_ms))
        return true;
    size_t room = room_behind(self);
    return room > 0 ? read_behind(self, batch, room, fault) : read_block(self, batch, fault);
}

/* A pipe cannot be told what is done, and nothing of it lapses. */
static bool lines_commit(struct source *source, const struct reach *reach, size_t count, bool wait,
                         struct fault *fault)
{
    (void)source;
    (void)reach;
    (void)count;
    (void)wait;
    (void)fault;
    return true;
}

/* It has no lanes that change hands: describe, assign and unassign are never called for it. */
static bool lines_turn(struct source *source, struct fault *fault)
{
    (void)source;
    (void)fault;
    return true;
}

static bool lines_pause(struct source *source, bool paused, struct fault *fault)
{
    (void)source;
    (void)paused;
    (void)fault;
    return true;
}

static bool lines_beat(struct source *source, struct fault *fault)
{
    (void)source;
    (void)fault;
    return true;
}

static void lines_place(const struct source *source, const struct record *record, struct buf *out)
{
    const struct lines *self = (const struct lines *)source;
    str name = str_from(file_name(self->files[record->at.lane]));
    bool cut = name.len > PLACE_NAME_LIMIT;
    buf_format(out, "%s%.*s:%lld", cut ? "..." : "",
               STR_ARG(str_from_at(name, cut ? name.len - PLACE_NAME_LIMIT : 0)),
               (long long)record->at.mark);
    if (record->offset >= 0)
        buf_format(out, " (%.*s[%d]@%lld)", STR_ARG(record->topic), record->partition,
                   (long long)record->offset);
}

static void lines_stop(struct source *source)
{
    struct lines *self = (struct lines *)source;
    close_file(self);
    buf_release(&self->carry);
    mem_free(self);
}

static const struct source_type lines_source = {
    .name = "lines",
    .poll = lines_poll,
    .commit = lines_commit,
    .beat = lines_beat,
    .place = lines_place,
    .describe = lines_turn,
    .assign = lines_turn,
    .unassign = lines_turn,
    .pause = lines_pause,
    .stop = lines_stop,
};

struct source *lines_new(const char *const *files, size_t count, const struct config *config,
                         struct fault *fault)
{
    struct lines *self = mem_alloc(sizeof(*self));
    if (!self) {
        fault_memory(fault, "the input");
        return NULL;
    }
    *self = (struct lines){
        .source = {.type = &lines_source}, .fd = -1, .files = files, .file_count = count};
    if (count == 0) {
        self->files = standard_input;
        self->file_count = 1;
    }
    if (!option_load(&lines_options, config, self, fault)
        || !check_files(self->files, self->file_count, fault)) {
        mem_free(self);
        return NULL;
    }
    buf_init(&self->carry, (size_t)self->bytes_max + 1);
    return &self->source;
}
