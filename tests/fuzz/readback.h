/*
 * readback: reads lines of the output back as their readers would (COPY … csv, COPY text, a JSON
 * parser) and compares them with the cells they were made of. It shares no code with src/encode.
 */
#ifndef FIELDTRAIL_READBACK_H
#define FIELDTRAIL_READBACK_H

#include <fieldtrail/encoder.h>

/* Aborts where the line is not exactly these rows' cells. */
void readback_row(const struct encoder *encoder, const struct row *row, const struct batch *batch,
                  str line);

/* The same for the head line of csv and copy. */
void readback_head(const struct encoder *encoder, str line);

/* True where one cell of the row holds the byte 0, which csv and copy must refuse, or an empty text
   that the encoder's null text cannot tell from NULL. */
bool readback_may_refuse(const struct encoder *encoder, const struct row *row,
                         const struct batch *batch);

#endif
