/*
 * Rows to a file descriptor. Nothing is written but by flush, so that the task can make dead
 * letters durable before.
 */
#include "stream.h"

#include "mem.h"
#include "write.h"

#define BUFFER_LIMIT ((size_t)1024 * 1024 * 1024)

struct stream {
    struct sink sink;
    int fd;
    const struct encoder *encoder;
    struct buf buf;
    bool headed;
};

static bool write_all(struct stream *self, struct fault *fault)
{
    bool good = write_whole(self->fd, buf_view(&self->buf), "the output", fault);
    buf_clear(&self->buf);
    return good;
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

/* Where a stream stands is whoever reads it to know. */
static const struct sink_type stream_sink = {.name = "stream",
                                             .remembers = false,
                                             .recall = sink_recall_nothing,
                                             .claim = sink_recall_nothing,
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
