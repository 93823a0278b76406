/*
 * routes: the one list of what may be asked for.
 */
#ifndef FIELDTRAIL_ROUTES_H
#define FIELDTRAIL_ROUTES_H

#include "request.h"

enum route_pace {
    PACE_QUICK, /* answered from memory, on the network's thread */
    PACE_SLOW   /* may wait for brokers or a target: on a thread of its own */
};

struct route {
    enum method method;
    const char *path; /* "/connectors/{}/config"; {} is any one segment, {#} a number */
    enum right right; /* that is needed */
    enum route_pace pace;
    const char *produces; /* content type; "" where there is never a body, NULL: anything */
    void (*handle)(struct request *request, struct response *response);
};

/* Finds the request's route and its parameters. False with the answer: 404, 405, the answer to
   OPTIONS, 400 for a malformed path. */
bool routes_find(struct request *request, struct response *response);

#endif
