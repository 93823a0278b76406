/*
 * whole_parts: the parts of the source of whole transactions. Internal to it.
 */
#ifndef FIELDTRAIL_WHOLE_PARTS_H
#define FIELDTRAIL_WHOLE_PARTS_H

#include <regex.h>

#include "whole.h"
#include "whole_queue.h"

#define MARKER_SUFFIX ".transaction"

struct whole {
    struct source source;
    struct source *inner;
    const struct config *config;
    struct batch batch; /* what the inner poll brought */
    struct arena arena; /* names */
    struct arena scratch;
    struct queue *queue; /* one a lane */
    size_t lane_capacity;
    size_t bytes, bytes_limit;
    /* When the group at the head was first seen ended and not complete; 0: it is not. */
    int64_t waiting_since_ms;
    /* The marker at the head while its transaction is given in parts. */
    const struct held *in_parts;
    bool more;  /* another transaction can be given at once */
    str prefix; /* of the topics, once the lane of markers is known */
    struct str_list topics;
    regex_t regex;
    bool has_regex;
};

/* Whether it is the lane of markers. */
bool whole_marks(const struct whole *self, const struct lane *lane);

/* whole_give.c: moves what is whole into the batch, and lets lanes rest that run ahead. */
bool whole_give(struct whole *self, struct batch *batch, struct fault *fault) MUST_CHECK;

#endif
