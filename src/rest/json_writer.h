/*
 * json_writer: yajl's generator over a buffer. Whatever is written is JSON in UTF-8; what is not
 * UTF-8 is replaced.
 */
#ifndef FIELDTRAIL_JSON_WRITER_H
#define FIELDTRAIL_JSON_WRITER_H

#include <fieldtrail/buf.h>

struct json_writer {
    void *gen; /* yajl_gen */
    struct buf *out;
    bool failed; /* nothing more is written */
};

/* False where memory ran out. To be ended on success and on failure. */
bool json_begin(struct json_writer *writer, struct buf *out);
/* False where not all could be written. */
bool json_end(struct json_writer *writer);

void json_open_object(struct json_writer *writer);
void json_close_object(struct json_writer *writer);
void json_open_array(struct json_writer *writer);
void json_close_array(struct json_writer *writer);
void json_text(struct json_writer *writer, str text);
void json_key(struct json_writer *writer, const char *key);
void json_number(struct json_writer *writer, int64_t number);
void json_bool(struct json_writer *writer, bool value);
void json_null(struct json_writer *writer);
/* A value, or values with commas between them, that are JSON already. */
void json_raw(struct json_writer *writer, str json);

/* Ends the writer; its text is the answer. */
struct response;
void respond_json(struct response *response, struct json_writer *writer);

static inline void json_pair(struct json_writer *writer, const char *key, str text)
{
    json_key(writer, key);
    json_text(writer, text);
}

#endif
