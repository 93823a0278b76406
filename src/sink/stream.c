/*
 * Rows to a file descriptor. Nothing is written but by flush, so that the task can make dead
 * letters durable before.
 */
#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "mem.h"

#define BUFFER_LIMIT ((size_t)1024 * 1024 * 1024)

struct stream {
    struct sink sink;
    int fd;
    const struct encoder *encoder;
    struct buf buf;
    bool headed;
};

/* Somebody else may have made the descriptor non-blocking. */
static void wait_until_writable(int fd)
{
    int kept = errno;
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    poll(&wait, 1, 500);
    errno = kept;
}

static bool write_all(struct stream *self, struct fault *fault)
{
    size_t done = 0;
    while (done < self->buf.len) {
        ssize_t written = write(self->fd, self->buf.ptr + done, self->buf.len - done);
        if (written < 0 && errno == EAGAIN)
            wait_until_writable(self->fd);
        if (written < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (written < 0) {
            int code = errno;
            buf_clear(&self->buf);
            fault_set(fault, FAULT_FATAL, "cannot write the output: %s", strerror(code));
            fault->code = code;
            return false;
        }
        done += (size_t)written;
    }
    buf_clear(&self->buf);
    return true;
}

/* The head line needs the columns, which the first message key may have to tell. */
static bool put_head(struct stream *self, struct fault *fault)
{
    if (self->headed || !self->encoder->layout->ready)
        return true;
    size_t start = self->buf.len;
    if (self->encoder->header)
        encoder_head(self->encoder, &self->buf);
    self->headed = !self->buf.failed;
    if (self->headed)
        return true;
    buf_cut(&self->buf, start);
    return fault_memory(fault, "the head line");
}

static bool stream_put(struct sink *sink, const struct batch *batch, const struct row *row,
                       size_t count, struct fault *fault)
{
    struct stream *self = (struct stream *)sink;
    if (!put_head(self, fault))
        return false;
    size_t start = self->buf.len;
    for (size_t i = 0; i < count; i++) {
        if (!encoder_row(self->encoder, &row[i], batch, &self->buf, fault)) {
            buf_cut(&self->buf, start);
            return false;
        }
    }
    sink->pending_bytes += self->buf.len - start;
    return true;
}

/* A stream remembers nothing: where it stands is whoever reads it to know. */
static bool stream_recall(struct sink *sink, const struct lane *lane, struct memory *memory,
                          size_t count, struct fault *fault)
{
    (void)sink;
    (void)lane;
    (void)fault;
    for (size_t i = 0; i < count; i++)
        memory[i] = (struct memory){OFFSET_NONE, TIME_UNKNOWN, 0, OFFSET_NONE};
    return true;
}

static bool stream_flush(struct sink *sink, const struct lane *lane, const struct reach *reach,
                         size_t count, struct fault *fault)
{
    (void)lane;
    (void)reach;
    (void)count;
    struct stream *self = (struct stream *)sink;
    sink->pending_bytes = 0;
    return put_head(self, fault) && write_all(self, fault);
}

static void stream_stop(struct sink *sink)
{
    struct stream *self = (struct stream *)sink;
    buf_release(&self->buf);
    mem_free(self);
}

static const struct sink_type stream_sink = {.name = "stream",
                                             .remembers = false,
                                             .recall = stream_recall,
                                             .claim = stream_recall,
                                             .put = stream_put,
                                             .flush = stream_flush,
                                             .stop = stream_stop};

struct sink *stream_new(int fd, const struct encoder *encoder, struct fault *fault)
{
    struct stream *self = mem_alloc(sizeof(*self));
    if (!self) {
        fault_memory(fault, "the output");
        return NULL;
    }
    *self = (struct stream){.sink = {.type = &stream_sink}, .fd = fd, .encoder = encoder};
    buf_init(&self->buf, BUFFER_LIMIT);
    return &self->sink;
}
