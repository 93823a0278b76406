/*
 * The dead-letter file.
 */
#include "dead_letter.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <fieldtrail/buf.h>

#include "mem.h"

#define BUFFER_LIMIT ((size_t)1024 * 1024 * 1024)
#define WRITE_SIZE ((size_t)256 * 1024)

struct dead_letters {
    int fd;
    struct buf buf;
    bool dirty; /* bytes were written that fsync has not confirmed */
};

struct dead_letters *dead_letters_open(str path, struct fault *fault)
{
    char name[4096];
    struct dead_letters *letters = mem_alloc(sizeof(*letters));
    if (!letters) {
        fault_memory(fault, "dead letters");
        return NULL;
    }
    *letters = (struct dead_letters){.fd = -1};
    buf_init(&letters->buf, BUFFER_LIMIT);
    if (path.len < sizeof(name)) {
        memcpy(name, path.ptr, path.len);
        name[path.len] = '\0';
        letters->fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    } else {
        errno = ENAMETOOLONG;
    }
    if (letters->fd >= 0)
        return letters;
    fault_set(fault, FAULT_CONFIG, "cannot write dead letters to %.*s: %s", STR_ARG(path),
              strerror(errno));
    mem_free(letters);
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

static void put_header(struct buf *out, const char *name, str value)
{
    buf_format(out, ",\"%s\",", name);
    buf_json_string(out, str_is_utf8(value) ? value : STR("?"));
}

static void put_headers(struct buf *out, const struct record *record, str place, const char *stage,
                        const struct fault *cause)
{
    buf_str(out, STR(",\"headers\":[\"__connect.errors.stage\","));
    buf_json_string(out, str_from(stage));
    put_header(out, "__connect.errors.exception.message", str_from(cause->text));
    put_header(out, "__fieldtrail.errors.place", place);
    if (record->offset >= 0) {
        put_header(out, "__connect.errors.topic", record->topic);
        buf_format(out, ",\"__connect.errors.partition\",\"%d\"", record->partition);
        buf_format(out, ",\"__connect.errors.offset\",\"%lld\"", (long long)record->offset);
    }
    for (size_t i = 0; i < record->header_count; i++) {
        const struct header *header = &record->header[i];
        buf_char(out, ',');
        buf_json_string(out, header->name);
        buf_char(out, ',');
        put_text_or_null(out, header->has_value, header->value);
    }
    buf_char(out, ']');
}

static bool write_all(struct dead_letters *letters, struct fault *fault)
{
    size_t done = 0;
    while (done < letters->buf.len) {
        ssize_t written = write(letters->fd, letters->buf.ptr + done, letters->buf.len - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fault_set(fault, FAULT_FATAL, "cannot write dead letters: %s", strerror(errno));
        done += (size_t)written;
    }
    letters->dirty = letters->dirty || done > 0;
    buf_clear(&letters->buf);
    return true;
}

bool dead_letters_add(struct dead_letters *letters, const struct record *record, str place,
                      const char *stage, const struct fault *cause, struct fault *fault)
{
    struct buf *out = &letters->buf;
    size_t start = out->len;
    buf_str(out, STR("{\"topic\":"));
    put_text_or_null(out, record->offset >= 0, record->topic);
    if (record->offset >= 0) {
        buf_format(out, ",\"partition\":%d,\"offset\":%lld", record->partition,
                   (long long)record->offset);
    }
    if (record->time_us != TIME_UNKNOWN)
        buf_format(out, ",\"tstype\":\"create\",\"ts\":%lld", (long long)(record->time_us / 1000));
    put_headers(out, record, place, stage, cause);
    if (record->keyed)
        put_bytes(out, "key", record->has_key, record->key);
    put_bytes(out, "payload", record->has_value, record->value);
    buf_str(out, STR("}\n"));
    if (out->failed) {
        buf_cut(out, start);
        return fault_memory(fault, "a dead letter");
    }
    return out->len < WRITE_SIZE || write_all(letters, fault);
}

bool dead_letters_flush(struct dead_letters *letters, struct fault *fault)
{
    if (!write_all(letters, fault))
        return false;
    if (!letters->dirty)
        return true;
    /* Pipes and terminals cannot be synced, and need not be. */
    if (fsync(letters->fd) != 0 && errno != EINVAL && errno != EROFS)
        return fault_set(fault, FAULT_FATAL, "cannot make dead letters durable: %s",
                         strerror(errno));
    letters->dirty = false;
    return true;
}

void dead_letters_close(struct dead_letters *letters)
{
    if (!letters)
        return;
    close(letters->fd);
    buf_release(&letters->buf);
    mem_free(letters);
}
