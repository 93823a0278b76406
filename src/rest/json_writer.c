/*
 * Writing JSON.
 */
#include "json_writer.h"

#include <yajl/yajl_gen.h>

static void print(void *context, const char *text, size_t len)
{
    buf_str(context, (str){text, len});
}

bool json_begin(struct json_writer *writer, struct buf *out)
{
    yajl_gen gen = yajl_gen_alloc(NULL);
    *writer = (struct json_writer){.gen = gen, .out = out, .failed = !gen};
    if (gen)
        yajl_gen_config(gen, yajl_gen_print_callback, print, out);
    return gen != NULL;
}

bool json_end(struct json_writer *writer)
{
    if (writer->gen)
        yajl_gen_free(writer->gen);
    return !writer->failed && !writer->out->failed;
}

static void check(struct json_writer *writer, yajl_gen_status status)
{
    if (status != yajl_gen_status_ok && status != yajl_gen_generation_complete)
        writer->failed = true;
}

void json_open_object(struct json_writer *writer)
{
    if (!writer->failed)
        check(writer, yajl_gen_map_open(writer->gen));
}

void json_close_object(struct json_writer *writer)
{
    if (!writer->failed)
        check(writer, yajl_gen_map_close(writer->gen));
}

void json_open_array(struct json_writer *writer)
{
    if (!writer->failed)
        check(writer, yajl_gen_array_open(writer->gen));
}

void json_close_array(struct json_writer *writer)
{
    if (!writer->failed)
        check(writer, yajl_gen_array_close(writer->gen));
}

/* Bytes of an error message may be any: each that is no UTF-8 becomes a question mark. */
static void write_mended(struct json_writer *writer, str text)
{
    struct buf mended;
    buf_init(&mended, text.len + 1);
    while (text.len > 0) {
        size_t len = str_utf8_length(text);
        buf_str(&mended, len ? str_head(text, len) : STR("?"));
        text = str_from_at(text, len ? len : 1);
    }
    if (mended.failed)
        writer->failed = true;
    else
        check(writer, yajl_gen_string(writer->gen, (const unsigned char *)mended.ptr, mended.len));
    buf_release(&mended);
}

void json_text(struct json_writer *writer, str text)
{
    if (writer->failed)
        return;
    if (!str_is_utf8(text))
        write_mended(writer, text);
    else
        check(writer, yajl_gen_string(writer->gen,
                                      (const unsigned char *)(text.ptr ? text.ptr : ""), text.len));
}

void json_key(struct json_writer *writer, const char *key)
{
    json_text(writer, str_from(key));
}

void json_number(struct json_writer *writer, int64_t number)
{
    if (!writer->failed)
        check(writer, yajl_gen_integer(writer->gen, number));
}

void json_bool(struct json_writer *writer, bool value)
{
    if (!writer->failed)
        check(writer, yajl_gen_bool(writer->gen, value));
}

void json_null(struct json_writer *writer)
{
    if (!writer->failed)
        check(writer, yajl_gen_null(writer->gen));
}

/* yajl writes a number's text as it is given. */
void json_raw(struct json_writer *writer, str json)
{
    if (!writer->failed)
        check(writer, yajl_gen_number(writer->gen, json.ptr, json.len));
}
