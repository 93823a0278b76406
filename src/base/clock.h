/*
 * clock: the time of day, a clock for waiting, and timestamps as text. Times are int64
 * microseconds since 1970-01-01T00:00:00Z (which reaches from the year -290308 to 294247).
 */
#ifndef FIELDTRAIL_CLOCK_H
#define FIELDTRAIL_CLOCK_H

#include <fieldtrail/str.h>

/* The time of day in microseconds. */
int64_t clock_now_us(void);

/* Milliseconds of a clock that never jumps; only differences mean something. */
int64_t clock_steady_ms(void);

/* Waits until the descriptor (-1: none) is ready for `events` of poll(2) or a signal came; false
   where the time was over first. */
bool clock_wait(int fd, short events, int timeout_ms);

struct civil {
    int64_t year; /* astronomical: 0 is 1 BC */
    int month, day;
};

/* A date in the proleptic Gregorian calendar and the days since 1970-01-01. */
struct civil civil_from_days(int64_t days);
int64_t days_from_civil(struct civil date);

/* Days of a month, 1 to 12. */
int days_of_month(int64_t year, int64_t month);

/* Bytes that timestamp_print writes at the most. */
#define TIMESTAMP_SIZE 40

/* Writes "2026-11-21T00:15:22.812277Z" (always six digits of fraction; years above 9999 and below
   0 as ISO 8601 has them, "+10000-…", "-0001-…"). Not NUL-terminated; gives the length. */
size_t timestamp_print(char out[TIMESTAMP_SIZE], int64_t time_us);

/* The second that was printed last: most times that are printed follow one of the same second. */
struct timestamp_memory {
    int64_t second;
    size_t len; /* of its text up to the point; 0: none was printed */
    char text[TIMESTAMP_SIZE];
};

/* The same as timestamp_print. */
size_t timestamp_print_like(struct timestamp_memory *memory, char out[TIMESTAMP_SIZE],
                            int64_t time_us);

/* What a timestamp's text says of its zone. */
enum timestamp_zone { TIMESTAMP_UTC_OFFSET, TIMESTAMP_ZONELESS };

/* Reads ISO 8601 and PostgreSQL's spelling: date, 'T' or blank, hours:minutes[:seconds[.fraction]],
   then nothing, 'Z', or ±hh[:mm[:ss]]; or a date alone, with or without a zone; a year before
   Christ as -0043 or with " BC" at the end. Fractions beyond the microsecond are cut, 24:00 is the
   next day. False for anything else (infinity, impossible dates). */
bool timestamp_parse(str text, int64_t *time_us, enum timestamp_zone *zone) MUST_CHECK;

/* Names the zone in which times without one are meant: "UTC", "+03:30", or a name of the tz
   database. It is process-wide, for libc keeps it so: set it before threads start. False where
   there is no such zone. */
bool clock_set_zone(str name) MUST_CHECK;

/* The instant at which a clock in that zone (UTC unless set) shows the given time of day. */
int64_t clock_zone_to_utc(int64_t local_us);

#endif
