/*
 * encoders: the formats rows are written in, by name.
 */
#ifndef FIELDTRAIL_ENCODERS_H
#define FIELDTRAIL_ENCODERS_H

#include <fieldtrail/encoder.h>

extern const struct encoder_type csv_encoder;      /* RFC 4180; NULL empty, '' as "" */
extern const struct encoder_type jsonl_encoder;    /* one JSON object a line */
extern const struct encoder_type pgcopy_encoder;   /* PostgreSQL's COPY, text format */
extern const struct encoder_type streampy_encoder; /* what the tutorial's stream.py prints */

extern const struct option_table encoder_options;

/* Sets up the encoder that the configuration asks for. FAULT_CONFIG where its options contradict
   each other. */
bool encoder_load(struct encoder *encoder, const struct config *config, const struct layout *layout,
                  struct fault *fault) MUST_CHECK;

#endif
