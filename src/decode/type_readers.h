/*
 * type_readers: the readers of types_*.c, one family a file, and what they share.
 */
#ifndef FIELDTRAIL_TYPE_READERS_H
#define FIELDTRAIL_TYPE_READERS_H

#include "clock.h"
#include "types.h"

/* types.c */
extern const struct type_reader type_document; /* a JSON document in a string */
extern const struct type_reader type_inet;     /* a host's text without its mask */

/* types_decimal.c */
extern const struct type_reader type_decimal; /* bytes; parameter: scale */
extern const struct type_reader
    type_scaleless_decimal;                            /* bytes are refused: any scale is a guess */
extern const struct type_reader type_variable_decimal; /* {"scale":…,"value":bytes} */
extern const struct type_reader type_numeric;          /* a hint's, or digits in a text */

/* types_float.c */
extern const struct type_reader type_float4, type_float8;

/* types_time.c; parameter: ticks per second */
extern const struct type_reader type_date, type_time, type_timestamp, type_duration;

/* types_iso.c: times as texts */
extern const struct type_reader type_iso_date, type_iso_time, type_iso_timestamp, type_zoned_time,
    type_zoned_timestamp;

/* types_structured.c: times as structs of their parts */
extern const struct type_reader type_structured_date, type_structured_time,
    type_structured_zoned_time, type_structured_timestamp, type_structured_zoned_timestamp,
    type_structured_duration;

/* types_interval.c */
extern const struct type_reader type_interval;

/* types_bytes.c */
extern const struct type_reader type_bytea, type_bytea_hex, type_bits, type_bit_varying,
    type_geometry, type_char;

/* types_array.c */
extern const struct type_reader type_array, type_hstore, type_vector, type_sparse_vector,
    type_point;

/* PostgreSQL's int32 for a date and microseconds for a timestamp that is infinite, as Debezium's
   driver shifts them to 1970. */
#define DATE_INFINITY (-2147472692)
#define DATE_MINUS_INFINITY (-2147472691)
#define TIMESTAMP_INFINITY_US INT64_C(9223372036825200000)
#define TIMESTAMP_MINUS_INFINITY_US (-INT64_C(9223372036832400000))

/* FAULT_RECORD that shows the value. Always false. */
bool type_refuse(const struct type *type, const struct json *json, struct fault *fault);

/* A copy of the bytes in the arena as a value of that kind. */
bool type_text(const struct type_context *context, enum value_kind kind, const char *ptr,
               size_t len, struct value *value, struct fault *fault) MUST_CHECK;

/* The members or elements of a container, whose children the decoder's tree may not hold. */
bool type_children(const struct type_context *context, const struct json *json,
                   const struct json **parent, struct fault *fault) MUST_CHECK;

/* A text that grows in an arena; `failed` sticks. */
struct text {
    struct arena *arena;
    char *ptr;
    size_t len, capacity;
    bool failed;
};

void text_put(struct text *text, const char *ptr, size_t len);

static inline void text_str(struct text *text, str part)
{
    if (part.len > 0)
        text_put(text, part.ptr, part.len);
}

static inline void text_char(struct text *text, char c)
{
    text_put(text, &c, 1);
}

/* Ends the text as the value. */
bool text_value(const struct text *text, enum value_kind kind, struct value *value,
                struct fault *fault) MUST_CHECK;

/* Base64, standard or for URLs, with or without padding, into the arena. False with no fault set
   where the text is none; `out->ptr` NULL where memory ran out. */
bool base64_read(str text, struct arena *arena, str *out) MUST_CHECK;

/* The decimal digits of a big-endian two's complement number with that scale. FAULT_RECORD beyond
   what any database holds. */
bool decimal_text(str unscaled, int64_t scale, const struct type_context *context,
                  struct value *value, struct fault *fault) MUST_CHECK;

/* A float8 (or float4) as PostgreSQL prints it: the shortest digits that read back the same. At
   most FLOAT_SIZE bytes; 0 where the text is no number. */
#define FLOAT_SIZE 40
size_t float_print(char out[FLOAT_SIZE], str number, bool is_float4);

/* Writes a number with at least `width` digits. */
char *put_number(char *out, uint64_t number, int width);

/* Writes "2018-06-20"; years before 1 as PostgreSQL counts them, which print_era then marks. */
char *put_date(char *out, int64_t year, int month, int day);
char *put_era(char *out, int64_t year);

/* Writes "15:13:16" and the fraction (of `digits` digits) without zeros at its end. */
char *put_clock(char *out, uint64_t seconds, uint64_t fraction, int digits);

/* Writes the offset of a zone as PostgreSQL does: "+00", "-03:30", "+05:45:10". */
char *put_offset(char *out, int64_t seconds);

/* Moves a date and the seconds of its day to UTC, in which PostgreSQL prints where its TimeZone is
   so. */
void clock_to_utc(struct civil *date, int64_t *seconds, int64_t offset);

/* An interval as PostgreSQL prints it (IntervalStyle postgres): months, days, and a time in ticks
   of 10^-digits seconds. */
#define INTERVAL_SIZE 120
size_t interval_print(char out[INTERVAL_SIZE], int64_t months, int64_t days, int64_t ticks,
                      int digits);

#endif
