/*
 * COPY's binary form. The expected bytes are what PostgreSQL 15 writes by COPY (select VALUE) TO
 * STDOUT (FORMAT binary), in a session whose time zone is not UTC.
 */
#include "encode_kit.h"
#include "pgbinary.h"

enum {
    BOOL = 16,
    INT8 = 20,
    INT2 = 21,
    INT4 = 23,
    TEXT = 25,
    JSON = 114,
    BPCHAR = 1042,
    VARCHAR = 1043,
    DATE = 1082,
    TIMESTAMP = 1114,
    TIMESTAMPTZ = 1184,
    NUMERIC = 1700,
    UUID = 2950,
    JSONB = 3802
};

static void put_hex(struct buf *out, str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        buf_format(out, "%02x", (unsigned char)bytes.ptr[i]);
}

static bool encode_one(int64_t oid, struct value value, struct buf *out)
{
    struct encode_kit kit;
    kit_row(&kit, &pgcopy_encoder, "\\N", &value, 1);
    const enum pgbinary_way way = pgbinary_way(oid, COLUMN_COPY);
    const struct pgbinary form = {&kit.layout, &way};
    assert_int_not_equal(way, PGBINARY_NONE);
    return pgbinary_row(&form, &kit.row, &kit.batch, out);
}

/* `want`: the row in hex, without its number of columns. */
static void check_bytes(int64_t oid, str text, const char *want)
{
    struct buf out, hex;
    buf_init(&out, 100000);
    buf_init(&hex, 100000);
    if (!encode_one(oid, (struct value){VALUE_TEXT, text}, &out))
        fail_msg("%.*s has no form of type %lld", STR_ARG(text), (long long)oid);
    put_hex(&hex, buf_view(&out));
    check_text("the number of columns", str_head(buf_view(&hex), 4), "0001");
    check_text("the cell", str_from_at(buf_view(&hex), 4), want);
    buf_release(&out);
    buf_release(&hex);
}

static void check_left_to_the_server(int64_t oid, str text)
{
    struct buf out;
    buf_init(&out, 100000);
    if (encode_one(oid, (struct value){VALUE_TEXT, text}, &out))
        fail_msg("%.*s is written as type %lld", STR_ARG(text), (long long)oid);
    buf_release(&out);
}

struct vector {
    int64_t oid;
    const char *text, *want;
};

static void test_vectors(void **state)
{
    static const struct vector vectors[] = {
        {TEXT, "a", "0000000161"},
        {TEXT, "", "00000000"},
        {TEXT, "\xe2\x82\xac\t\\", "00000005e282ac095c"},
        {TEXT, "\\N", "000000025c4e"},
        {VARCHAR, "abc", "00000003616263"},
        {BPCHAR, "ab  ", "0000000461622020"},
        {JSON, "{\"a\": 1}", "000000087b2261223a20317d"},
        {JSONB, "{\"a\": 1}", "00000009017b2261223a20317d"},
        {BOOL, "true", "0000000101"},
        {BOOL, "t", "0000000101"},
        {BOOL, "false", "0000000100"},
        {BOOL, "f", "0000000100"},
        {INT2, "-32768", "000000028000"},
        {INT2, "32767", "000000027fff"},
        {INT4, "-2147483648", "0000000480000000"},
        {INT4, "2147483647", "000000047fffffff"},
        {INT4, "007", "0000000400000007"},
        {INT8, "-9223372036854775808", "000000088000000000000000"},
        {INT8, "9223372036854775807", "000000087fffffffffffffff"},
        {NUMERIC, "0", "000000080000000000000000"},
        {NUMERIC, "0.00", "000000080000000000000002"},
        {NUMERIC, "-0.0", "000000080000000000000001"},
        {NUMERIC, "1.50", "0000000c000200000000000200011388"},
        {NUMERIC, "007.0", "0000000a00010000000000010007"},
        {NUMERIC, "10000", "0000000a00010001000000000001"},
        {NUMERIC, "100000000", "0000000a00010002000000000001"},
        {NUMERIC, "0.00001", "0000000a0001fffe0000000503e8"},
        {NUMERIC, "-0.00010", "0000000a0001ffff400000050001"},
        {NUMERIC, "-12345.678", "0000000e0003000140000003000109291a7c"},
        {NUMERIC, "99999999.99990", "0000000e0003000100000005270f270f270f"},
        {NUMERIC, "123456789012345678901234567890.123456789",
         "0000001e000b000700000009000c0d801ed204d2162e23340d801ed204d2162e2328"},
        {DATE, "2000-01-01", "0000000400000000"},
        {DATE, "1999-12-31", "00000004ffffffff"},
        {DATE, "0001-01-01", "00000004fff4dbf9"},
        {DATE, "9999-12-31", "00000004002c95d3"},
        {DATE, "2024-02-29", "0000000400002279"},
        {TIMESTAMP, "2000-01-01 00:00:00", "000000080000000000000000"},
        {TIMESTAMP, "2018-06-20 15:13:16.945104", "000000080002121301c766d0"},
        {TIMESTAMP, "0001-01-01 00:00:00", "00000008ff1fe2ffc59c6000"},
        {TIMESTAMP, "9999-12-31 23:59:59.999999", "000000080380e70b913b7fff"},
        {TIMESTAMP, "2026-11-21T00:15:22.812277Z", "00000008000303bd067edf75"},
        {TIMESTAMPTZ, "2026-11-21T00:15:22.812277Z", "00000008000303bd067edf75"},
        {TIMESTAMPTZ, "2019-07-09 02:28:57.123456+00", "000000080002303517620e80"},
        {TIMESTAMPTZ, "1999-12-31T23:59:59.999999Z", "00000008ffffffffffffffff"},
        {TIMESTAMPTZ, "2026-11-21 00:15:22.8Z", "00000008000303bd067eaf80"},
        {UUID, "c0ffee00-1234-4ABC-8def-0123456789aF", "00000010c0ffee0012344abc8def0123456789af"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++)
        check_bytes(vectors[i].oid, str_from(vectors[i].text), vectors[i].want);
}

/* What PostgreSQL refuses, reads by rules of its own, or by the session's settings. */
static void test_left_to_the_server(void **state)
{
    static const struct vector odd[] = {
        {BOOL, "yes", 0},
        {BOOL, "1", 0},
        {BOOL, "", 0},
        {BOOL, "TRUE", 0},
        {INT2, "32768", 0},
        {INT2, "-32769", 0},
        {INT4, "2147483648", 0},
        {INT4, "-2147483649", 0},
        {INT4, "4294967296", 0},
        {INT4, "12x", 0},
        {INT4, "", 0},
        {INT4, "1.0", 0},
        {INT4, " 1", 0},
        {INT8, "9223372036854775808", 0},
        {INT8, "1e3", 0},
        {NUMERIC, "", 0},
        {NUMERIC, "-", 0},
        {NUMERIC, ".5", 0},
        {NUMERIC, "5.", 0},
        {NUMERIC, "1e5", 0},
        {NUMERIC, "NaN", 0},
        {NUMERIC, "Infinity", 0},
        {NUMERIC, "--1", 0},
        {NUMERIC, "1.2.3", 0},
        {NUMERIC, "1,5", 0},
        {DATE, "infinity", 0},
        {DATE, "0000-01-01", 0},
        {DATE, "10000-01-01", 0},
        {DATE, "2023-02-29", 0},
        {DATE, "2023-2-01", 0},
        {DATE, "0044-03-15 BC", 0},
        {DATE, "2026-11-21 00:00:00", 0},
        {DATE, "21.11.2026", 0},
        {DATE, "2026-11-2Z", 0},
        {TIMESTAMP, "infinity", 0},
        {TIMESTAMP, "2026-11-21", 0},
        {TIMESTAMP, "2026-11-21 00:15", 0},
        {TIMESTAMP, "2026-11-21 24:00:00", 0},
        {TIMESTAMP, "2026-11-21 23:59:60", 0},
        {TIMESTAMP, "2026-11-21 00:15:22.1234567", 0},
        {TIMESTAMP, "2026-11-21 00:15:22.", 0},
        {TIMESTAMP, "2026-11-21 00:15:22+03", 0},
        {TIMESTAMP, "0044-03-15 00:00:00 BC", 0},
        {TIMESTAMP, "0000-03-15 00:00:00", 0},
        {TIMESTAMP, "-0043-03-15 00:00:00", 0},
        {TIMESTAMP, "+10000-01-01 00:00:00", 0},
        {TIMESTAMP, "294276-12-31 23:59:59", 0},
        {TIMESTAMPTZ, "infinity", 0},
        {TIMESTAMPTZ, "2026-11-21 00:15:22", 0}, /* by the session's zone */
        {TIMESTAMPTZ, "2026-11-21 00:15:22+03:30", 0},
        {TIMESTAMPTZ, "2026-11-21 00:15:22+00:00:00", 0},
        {TIMESTAMPTZ, "2026-11-21 00:15:22 Z", 0},
        {TIMESTAMPTZ, "2026-13-21T00:15:22Z", 0},
        {UUID, "", 0},
        {UUID, "c0ffee0012344abc8def0123456789af", 0},
        {UUID, "{c0ffee00-1234-4abc-8def-0123456789a}", 0},
        {UUID, "c0ffee00-1234-4abc-8def-0123456789ag", 0},
        {UUID, "c0ffee00-1234-4abc-8def+0123456789af", 0},
    };
    char digits[300];
    (void)state;
    for (size_t i = 0; i < COUNT(odd); i++)
        check_left_to_the_server(odd[i].oid, str_from(odd[i].text));
    check_left_to_the_server(TEXT, STR("a\0b"));
    check_left_to_the_server(JSONB, STR("\0"));
    memset(digits, '7', sizeof(digits));
    check_left_to_the_server(NUMERIC, (str){digits, sizeof(digits)});
}

static void test_null(void **state)
{
    static const int64_t oids[] = {BOOL,    INT8, INT2,      INT4,        TEXT,    JSON, BPCHAR,
                                   VARCHAR, DATE, TIMESTAMP, TIMESTAMPTZ, NUMERIC, UUID, JSONB};
    (void)state;
    for (size_t i = 0; i < COUNT(oids); i++) {
        struct buf out;
        buf_init(&out, 1000);
        assert_true(encode_one(oids[i], value_from(STR("~")), &out));
        assert_true(str_eq(buf_view(&out), STR("\0\1\377\377\377\377")));
        buf_release(&out);
    }
}

static void test_types_without_a_form(void **state)
{
    /* "char", name, float4, float8, timetz, interval, bytea, regclass, a type of the user's */
    static const int64_t oids[] = {18, 19, 700, 701, 1266, 1186, 17, 2205, 16384, 0, -1};
    (void)state;
    for (size_t i = 0; i < COUNT(oids); i++)
        assert_int_equal(pgbinary_way(oids[i], COLUMN_COPY), PGBINARY_NONE);
}

struct own {
    enum column_kind kind;
    int64_t oid;
    const char *want; /* NULL: left to the server */
};

/* Columns whose values are numbers before they are texts, in columns of every type for them. */
static void check_own(const struct own *own, const struct row *row, const struct batch *batch)
{
    struct column column = {STR("c"), own->kind, STR_EMPTY, 0};
    const struct layout layout = {.column = &column, .count = 1, .ready = true};
    const enum pgbinary_way way = pgbinary_way(own->oid, own->kind);
    const struct pgbinary form = {&layout, &way};
    struct buf out, hex;
    buf_init(&out, 1000);
    buf_init(&hex, 1000);
    bool good = pgbinary_row(&form, row, batch, &out);
    put_hex(&hex, str_from_at(buf_view(&out), 2));
    if (good != (own->want != NULL))
        fail_msg("kind %d in type %lld", (int)own->kind, (long long)own->oid);
    if (good)
        check_text(column_kind_name(own->kind), buf_view(&hex), own->want);
    buf_release(&out);
    buf_release(&hex);
}

/* 2026-11-21T00:15:22.812277Z is 000303bd067edf75. */
static void test_own_numbers(void **state)
{
    static const struct own owns[] = {
        {COLUMN_DATETIME_UPDATED, TIMESTAMPTZ, "00000008000303bd067edf75"},
        {COLUMN_DATETIME_UPDATED, TIMESTAMP, "00000008000303bd067edf75"},
        {COLUMN_DATETIME_UPDATED, TEXT,
         "0000001b323032362d31312d32315430303a31353a32322e3831323237375a"},
        {COLUMN_DATETIME_CREATED, TIMESTAMPTZ, "ffffffff"},
        {COLUMN_DATETIME_INSERTED, TIMESTAMPTZ, "00000008000303bd067edf76"},
        {COLUMN_EVENT_TIME, TIMESTAMPTZ, "00000008000303bd067edf75"},
        {COLUMN_CONNECTOR_TIME, TIMESTAMPTZ, "ffffffff"},
        {COLUMN_KAFKA_PARTITION, INT4, "0000000400000005"},
        {COLUMN_KAFKA_PARTITION, INT8, "000000080000000000000005"},
        {COLUMN_KAFKA_PARTITION, NUMERIC, "0000000a00010000000000000005"},
        {COLUMN_KAFKA_OFFSET, INT8, "000000080000000100000000"},
        {COLUMN_KAFKA_OFFSET, INT4, NULL},
        {COLUMN_FIELD_NO, INT8, "000000080000000000020003"},
        {COLUMN_FIELD_NO, INT4, "0000000400020003"},
        {COLUMN_OLD_KNOWN, BOOL, "0000000101"},
        {COLUMN_OP, TEXT, "0000000175"},
    };
    struct record record = {.partition = 5, .offset = INT64_C(4294967296)};
    struct change change = {.op = CHANGE_UPDATE,
                            .number = 2,
                            .record = &record,
                            .source_us = INT64_C(1795220122812277),
                            .event_us = INT64_C(1795220122812277),
                            .connector_us = TIME_UNKNOWN};
    struct field field = {.before = {VALUE_NULL, STR_EMPTY}, .place = 3};
    struct batch batch = {.inserted_us = INT64_C(1795220122812278)};
    const struct row row = {&change, &field};
    (void)state;
    for (size_t i = 0; i < COUNT(owns); i++)
        check_own(&owns[i], &row, &batch);
    record.partition = -1;
    record.offset = -1;
    check_own(&(struct own){COLUMN_KAFKA_PARTITION, INT4, "ffffffff"}, &row, &batch);
    check_own(&(struct own){COLUMN_KAFKA_OFFSET, INT8, "ffffffff"}, &row, &batch);
    change.event_us = INT64_C(253402300800000000); /* 10000-01-01, which is no text of its either */
    check_own(&(struct own){COLUMN_DATETIME_UPDATED, TIMESTAMPTZ, NULL}, &row, &batch);
    change.event_us = INT64_C(-62135596800000001); /* 1 BC */
    check_own(&(struct own){COLUMN_DATETIME_UPDATED, TIMESTAMPTZ, NULL}, &row, &batch);
}

static void test_around_the_rows(void **state)
{
    struct buf hex;
    (void)state;
    buf_init(&hex, 1000);
    put_hex(&hex, PGBINARY_HEAD);
    buf_char(&hex, ' ');
    put_hex(&hex, PGBINARY_TAIL);
    check_text("head and tail", buf_view(&hex), "5047434f50590aff0d0a000000000000000000 ffff");
    buf_release(&hex);
}

/* For every limit that is too small for the row nothing is written, and nothing beyond it. */
static void test_limits(void **state)
{
    static const int64_t oids[] = {TEXT, INT4, NUMERIC, JSONB, BOOL, UUID, TIMESTAMPTZ, TEXT};
    const struct value values[] = {
        value_from(STR("'abc")),
        value_from(STR("#7")),
        value_from(STR("#-12345.678")),
        value_from(STR("%{}")),
        value_from(STR("!true")),
        value_from(STR("'c0ffee00-1234-4abc-8def-0123456789af")),
        value_from(STR("'2026-11-21 00:15:22.8Z")),
        value_from(STR("~")),
    };
    enum pgbinary_way way[COUNT(oids)];
    const size_t whole = 2 + (4 + 3) + (4 + 4) + (4 + 14) + (4 + 3) + (4 + 1) + (4 + 16) + (4 + 8)
                         + 4;
    struct encode_kit kit;
    (void)state;
    for (size_t i = 0; i < COUNT(oids); i++)
        way[i] = pgbinary_way(oids[i], COLUMN_COPY);
    kit_row(&kit, &pgcopy_encoder, "\\N", values, COUNT(values));
    const struct pgbinary form = {&kit.layout, way};
    for (size_t limit = 0; limit <= whole; limit++) {
        struct buf out;
        buf_init(&out, limit);
        assert_int_equal(pgbinary_row(&form, &kit.row, &kit.batch, &out), limit == whole);
        assert_true(out.len <= limit);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),     cmocka_unit_test(test_left_to_the_server),
        cmocka_unit_test(test_null),        cmocka_unit_test(test_types_without_a_form),
        cmocka_unit_test(test_own_numbers), cmocka_unit_test(test_around_the_rows),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
