/*
 * What the tutorial's stream.py prints, byte for byte: Python's spelling of the values, commas, no
 * quotes, the local clock, and nine values instead of ten for a delete. Values whose spelling in
 * Python differs from their JSON (floats, lists, objects) are refused rather than printed wrongly.
 */
#include <time.h>

#include "encoders.h"

static bool put_python(struct value value, struct buf *out, struct fault *fault)
{
    switch (value.kind) {
    case VALUE_ABSENT:
    case VALUE_NULL:
        buf_str(out, STR("None"));
        return true;
    case VALUE_BOOL:
        buf_str(out, str_is(value.text, "true") ? STR("True") : STR("False"));
        return true;
    case VALUE_NUMBER:
        if (str_is(value.text, "-0"))
            value.text = STR("0");
        for (size_t i = 0; i < value.text.len; i++)
            if (strchr(".eE", value.text.ptr[i]))
                return fault_set(
                    fault, FAULT_RECORD,
                    "--compat stream.py prints integers, texts, booleans and null; %.*s "
                    "is none of them",
                    STR_ARG(str_head(value.text, 60)));
        buf_str(out, value.text);
        return true;
    case VALUE_UNAVAILABLE:
    case VALUE_UNREAD:
    case VALUE_TEXT:
        buf_str(out, value.text);
        return true;
    case VALUE_JSON:
        break;
    }
    return fault_set(
        fault, FAULT_RECORD,
        "--compat stream.py prints integers, texts, booleans and null, no list or object");
}

static bool put_column(const struct row *row, const char *name, struct buf *out,
                       struct fault *fault)
{
    const struct change *change = row->change;
    struct value value = {VALUE_NULL, STR_EMPTY};
    for (size_t i = 0; i < change->field_count; i++)
        if (str_is(change->field[i].name, name))
            value = change->op == CHANGE_DELETE ? change->field[i].before : change->field[i].after;
    bool good = put_python(value, out, fault);
    buf_char(out, ',');
    return good;
}

static void put_connector_ms(const struct row *row, struct buf *out)
{
    str ms = row->change->connector_ms;
    buf_str(out, ms.len ? ms : STR("None"));
    buf_char(out, ',');
}

static void put_local_time(const struct batch *batch, struct buf *out)
{
    char text[32];
    time_t seconds = batch->inserted_us / 1000000;
    struct tm local;
    localtime_r(&seconds, &local);
    size_t len = strftime(text, sizeof(text), "%Y-%m-%d-%H-%M-%S", &local);
    buf_str(out, (str){text, len});
}

static bool streampy_row(const struct encoder *encoder, const struct row *row,
                         const struct batch *batch, struct buf *out, struct fault *fault)
{
    (void)encoder;
    const struct field *field = row->field;
    enum change_op op = row->change->op;
    struct value old = op == CHANGE_CREATE ? (struct value){VALUE_NULL, STR_EMPTY} : field->before;
    struct value new = op == CHANGE_DELETE ? (struct value){VALUE_NULL, STR_EMPTY} : field->after;
    if (!put_column(row, "holding_id", out, fault) || !put_column(row, "user_id", out, fault))
        return false;
    buf_str(out, field->name);
    buf_char(out, ',');
    if (!put_python(old, out, fault))
        return false;
    buf_char(out, ',');
    if (!put_python(new, out, fault))
        return false;
    buf_char(out, ',');
    if (op == CHANGE_CREATE && !put_column(row, "datetime_created", out, fault))
        return false;
    buf_str(out, op == CHANGE_CREATE ? STR("None,None,") : STR("None,"));
    if (op != CHANGE_CREATE)
        put_connector_ms(row, out);
    if (op == CHANGE_UPDATE)
        buf_str(out, STR("None,"));
    put_local_time(batch, out);
    buf_format(out, ",%c\n", "rcud"[op]);
    return encoder_end(out, fault);
}

static void streampy_head(const struct encoder *encoder, struct buf *out)
{
    (void)encoder; /* it prints none */
    (void)out;
}

const struct encoder_type streampy_encoder = {.name = "stream.py",
                                              .null_text = NULL,
                                              .can_head = false,
                                              .head = streampy_head,
                                              .row = streampy_row};
