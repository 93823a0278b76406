/*
 * decoders: the registry of forms that events come in, and the decoder that tells them apart.
 */
#ifndef FIELDTRAIL_DECODERS_H
#define FIELDTRAIL_DECODERS_H

#include <fieldtrail/decoder.h>

/* decoder: auto, debezium, or one of the forms. */
extern const struct option_table decoder_options;

/* The decoder that the configuration asks for; NULL with the fault set. auto reads Debezium's
   envelope, and what is none by the first form that it looks like. */
struct decoder *decoder_new(const struct config *config, struct fault *fault);

#endif
