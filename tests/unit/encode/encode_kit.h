/*
 * encode_kit: encodes rows that hold nothing but the values under test.
 */
#ifndef FIELDTRAIL_ENCODE_KIT_H
#define FIELDTRAIL_ENCODE_KIT_H

#include "check.h"
#include "encoders.h"

#define KIT_CELLS 8

struct encode_kit {
    struct column column[KIT_CELLS];
    struct value copied[KIT_CELLS];
    struct layout layout;
    struct change change;
    struct record record;
    struct batch batch;
    struct encoder encoder;
    struct row row;
    struct field field;
};

/* One row whose cells are copied columns c1, c2 ... with these values. */
HELPER void kit_row(struct encode_kit *kit, const struct encoder_type *type, const char *null_text,
                    const struct value *value, size_t count)
{
    static const char *const names[KIT_CELLS] = {"c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"};
    *kit = (struct encode_kit){.record = {.partition = -1, .offset = -1}};
    assert_true(count <= KIT_CELLS);
    for (size_t i = 0; i < count; i++) {
        kit->copied[i] = value[i];
        kit->column[i] = (struct column){str_from(names[i]), COLUMN_COPY, str_from(names[i]), i};
    }
    kit->layout = (struct layout){
        .column = kit->column, .count = count, .copied_count = count, .ready = true};
    kit->change =
        (struct change){.op = CHANGE_UPDATE, .record = &kit->record, .copied = kit->copied};
    kit->row = (struct row){&kit->change, &kit->field};
    kit->encoder =
        (struct encoder){.type = type, .layout = &kit->layout, .null_text = str_from(null_text)};
}

/* The row of one value. */
HELPER void check_cell(const struct encoder_type *type, const char *null_text, struct value value,
                       bool guard, const char *want)
{
    struct encode_kit kit;
    struct buf out;
    struct fault fault = {0};
    buf_init(&out, 100000);
    kit_row(&kit, type, null_text, &value, 1);
    kit.encoder.formula_guard = guard;
    check_good(want, encoder_row(&kit.encoder, &kit.row, &kit.batch, &out, &fault), &fault);
    check_text("the line", buf_view(&out), want);
    buf_release(&out);
}

HELPER void check_unencodable(const struct encoder_type *type, const char *null_text,
                              struct value value, enum fault_kind kind, const char *part)
{
    struct encode_kit kit;
    struct buf out;
    struct fault fault = {0};
    buf_init(&out, 100000);
    kit_row(&kit, type, null_text, &value, 1);
    check_fault(part, encoder_row(&kit.encoder, &kit.row, &kit.batch, &out, &fault), &fault, kind,
                part);
    buf_release(&out);
}

/* For every limit that is too small for the row: a fault for want of memory, nothing else. */
HELPER void check_limits(const struct encoder_type *type, const char *null_text, bool guard)
{
    const struct value values[] = {{VALUE_TEXT, STR("=a,\"b\"\n\t\\")},
                                   {VALUE_NULL, STR_EMPTY},
                                   {VALUE_NUMBER, STR("-1.50")},
                                   {VALUE_TEXT, STR("plain")}};
    struct encode_kit kit;
    struct fault fault = {0};
    size_t whole = 0;
    for (size_t limit = 0; limit <= 200 && !whole; limit++) {
        struct buf out;
        buf_init(&out, limit);
        kit_row(&kit, type, null_text, values, COUNT(values));
        kit.encoder.formula_guard = guard;
        if (encoder_row(&kit.encoder, &kit.row, &kit.batch, &out, &fault))
            whole = out.len;
        else
            assert_int_equal(fault.kind, FAULT_RECORD);
        assert_true(out.len <= limit);
        buf_release(&out);
    }
    assert_true(whole > 0);
}

#endif
