/*
 * answer: the rows of a result for people (an aligned table) and for programs (CSV, JSON).
 */
#ifndef FIELDTRAIL_ANSWER_H
#define FIELDTRAIL_ANSWER_H

#include <fieldtrail/buf.h>

struct pg_result; /* libpq's */

enum answer_format { ANSWER_TABLE, ANSWER_CSV, ANSWER_JSON };

size_t answer_rows(const struct pg_result *result);

/* The text of a cell; its ptr is NULL where the cell is NULL. It lives as long as the result. */
str answer_cell(const struct pg_result *result, size_t row, size_t column);

/* Appends all rows. In a table NULL is empty and the empty text "", and control characters and line
   ends stand as \xNN and \n, so that a value cannot move the cursor; where colour is asked, names
   are bold, old values red and new ones green. CSV has a line of names, NULL empty and the empty
   text "". JSON is an array with a line for every object. */
void answer_put(const struct pg_result *result, enum answer_format format, bool colour,
                struct buf *out);

#endif
