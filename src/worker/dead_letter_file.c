/*
 * The dead-letter file. A disk that is full is an outage: what was not flushed is added again by
 * whoever reads the records again, and a letter that was written in part stands on a line of its
 * own.
 */
#include "dead_letter.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "write.h"

#define BUFFER_LIMIT ((size_t)1024 * 1024 * 1024)
#define WRITE_SIZE ((size_t)256 * 1024)

#define CAUSE_LIMIT ((size_t)64 * 1024)

struct letter_file {
    struct dead_letters letters;
    int fd;
    struct buf buf;
    bool dirty; /* bytes were written that fsync has not confirmed */
    bool torn;  /* the file may end in the middle of a letter */
};

static const struct dead_letters_type letter_file;

/* A name is durable once its directory is. Where that cannot be asked for nothing is lost yet. */
static void sync_directory(char *name)
{
    char *slash = strrchr(name, '/');
    if (slash)
        slash[slash == name] = '\0';
    int directory = open(slash ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return;
    if (fsync(directory) != 0)
        log_write(LOG_DEBUG, "dead letters: fsync of the directory: %s", strerror(errno));
    close(directory);
}

/* Whether an earlier run was stopped in the middle of a letter. */
static bool is_torn(const char *name, off_t size)
{
    char last = '\0';
    int reader = open(name, O_RDONLY | O_CLOEXEC);
    if (reader < 0)
        return true;
    bool torn = pread(reader, &last, 1, size - 1) != 1 || last != '\n';
    close(reader);
    return torn;
}

static void look_at_file(struct letter_file *self, char *name)
{
    struct stat state;
    if (fstat(self->fd, &state) != 0 || !S_ISREG(state.st_mode))
        return;
    if (state.st_size > 0)
        self->torn = is_torn(name, state.st_size);
    else
        sync_directory(name);
}

struct dead_letters *dead_letters_open(str path, struct fault *fault)
{
    char name[4096];
    struct letter_file *self = mem_alloc(sizeof(*self));
    if (!self) {
        fault_memory(fault, "dead letters");
        return NULL;
    }
    *self = (struct letter_file){.letters = {.type = &letter_file}, .fd = -1};
    buf_init(&self->buf, BUFFER_LIMIT);
    if (path.len < sizeof(name)) {
        memcpy(name, path.ptr, path.len);
        name[path.len] = '\0';
        self->fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    } else {
        errno = ENAMETOOLONG;
    }
    if (self->fd >= 0) {
        look_at_file(self, name);
        return &self->letters;
    }
    fault_set(fault, FAULT_CONFIG, "cannot write dead letters to %.*s: %s", STR_ARG(path),
              strerror(errno));
    mem_free(self);
    return NULL;
}

static void put_text_or_null(struct buf *out, bool present, str text)
{
    if (present)
        buf_json_string(out, text);
    else
        buf_str(out, STR("null"));
}

/* Bytes that are no UTF-8 cannot stand in JSON: they go as base64 under another name. */
static void put_bytes(struct buf *out, const char *name, bool present, str bytes)
{
    if (!present || str_is_utf8(bytes)) {
        buf_format(out, ",\"%s\":", name);
        put_text_or_null(out, present, bytes);
        return;
    }
    buf_format(out, ",\"%s_base64\":\"", name);
    buf_base64(out, bytes);
    buf_char(out, '"');
}

static void put_header(struct buf *out, const struct header *header, bool first)
{
    if (!first)
        buf_char(out, ',');
    buf_json_string(out, header->name);
    buf_char(out, ',');
    put_text_or_null(out, header->has_value, str_is_utf8(header->value) ? header->value : STR("?"));
}

static void put_headers(const struct letter_file *self, const struct dead_letter *letter,
                        struct buf *out)
{
    struct header cause[LETTER_HEADERS_LIMIT];
    struct buf text;
    buf_init(&text, CAUSE_LIMIT);
    size_t count = dead_letter_headers(&self->letters, letter, &text, cause);
    out->failed = out->failed || text.failed;
    buf_str(out, STR(",\"headers\":["));
    for (size_t i = 0; i < count && !text.failed; i++)
        put_header(out, &cause[i], i == 0);
    for (size_t i = 0; i < letter->record->header_count; i++)
        put_header(out, &letter->record->header[i], false);
    buf_char(out, ']');
    buf_release(&text);
}

/* False: the disk is full, or the like. How much was written is not known. */
static bool write_all(struct letter_file *self, struct fault *fault)
{
    if (self->buf.len == 0)
        return true;
    bool torn = self->torn;
    self->torn = self->dirty = true;
    if ((torn && !write_whole(self->fd, STR("\n"), "dead letters", fault))
        || !write_whole(self->fd, buf_view(&self->buf), "dead letters", fault)) {
        fault->kind = FAULT_RETRY;
        fault->code = 0;
        return false;
    }
    self->torn = false;
    buf_clear(&self->buf);
    return true;
}

static bool file_add(struct dead_letters *letters, const struct dead_letter *letter,
                     struct fault *fault)
{
    struct letter_file *self = (struct letter_file *)letters;
    const struct record *record = letter->record;
    struct buf *out = &self->buf;
    size_t start = out->len;
    buf_str(out, STR("{\"topic\":"));
    put_text_or_null(out, record->offset >= 0, record->topic);
    if (record->offset >= 0) {
        buf_format(out, ",\"partition\":%d,\"offset\":%lld", record->partition,
                   (long long)record->offset);
    }
    if (record->time_us != TIME_UNKNOWN)
        buf_format(out, ",\"tstype\":\"create\",\"ts\":%lld", (long long)(record->time_us / 1000));
    put_headers(self, letter, out);
    if (record->keyed)
        put_bytes(out, "key", record->has_key, record->key);
    put_bytes(out, "payload", record->has_value, record->value);
    buf_str(out, STR("}\n"));
    if (out->failed) {
        buf_cut(out, start);
        return fault_memory(fault, "a dead letter");
    }
    if (out->len < WRITE_SIZE || write_all(self, fault))
        return true;
    buf_cut(out, start); /* it was not taken; those before it were */
    return false;
}

static bool file_flush(struct dead_letters *letters, struct fault *fault)
{
    struct letter_file *self = (struct letter_file *)letters;
    if (!write_all(self, fault)) {
        buf_clear(&self->buf);
        return false;
    }
    if (!self->dirty)
        return true;
    /* Pipes and terminals cannot be synced, and need not be. */
    if (fsync(self->fd) != 0 && errno != EINVAL && errno != EROFS)
        return fault_set(fault, FAULT_FATAL, "cannot make dead letters durable: %s",
                         strerror(errno));
    self->dirty = false;
    return true;
}

static void file_close(struct dead_letters *letters)
{
    struct letter_file *self = (struct letter_file *)letters;
    close(self->fd);
    buf_release(&self->buf);
    mem_free(self);
}

static const struct dead_letters_type letter_file = {
    .add = file_add, .flush = file_flush, .close = file_close};
