/*
 * rest: what every handler of a request may use. It is made once, before the first request, and
 * never changes.
 */
#ifndef FIELDTRAIL_REST_H
#define FIELDTRAIL_REST_H

#include "auth.h"
#include "rest_settings.h"
#include "request.h"

struct rest {
    const struct rest_settings *settings;
    struct herder *herder;
    struct auth *auth; /* NULL: there is no file, and everything is allowed (on loopback alone) */
    bool loopback;     /* all listeners are on loopback: requests must be for a name of it */
};

/* First step, before the body is read: who asks, for what, and whether that may be. False with the
   answer. */
bool rest_admit(struct request *request, struct response *response);

/* Second step: the answer of a request that was admitted. */
void rest_handle(struct request *request, struct response *response);

/* Both. */
void rest_answer(struct request *request, struct response *response);

#endif
