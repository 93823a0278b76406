/*
 * exchange: one request on a connection, from its first line to its answer. Internal to the server.
 */
#ifndef FIELDTRAIL_EXCHANGE_H
#define FIELDTRAIL_EXCHANGE_H

#include <microhttpd.h>

#include "guard.h"
#include "listener.h"
#include "rest.h"

#define EXCHANGE_QUEUE_LIMIT 256
#define HANDLER_THREADS 4
#define BODIES_LIMIT ((size_t)64 * 1024 * 1024) /* of all requests at a time */

struct exchange {
    struct MHD_Connection *connection;
    struct arena arena;
    struct request request;
    struct response response;
    str uri; /* as sent */
    struct buf body;
    size_t skipped; /* bytes of a body that is too long */
    size_t charged; /* of BODIES_LIMIT */
    bool begun, answered;
    struct exchange *next; /* in the queue */
};

struct server {
    const struct rest_settings *settings;
    struct rest rest;
    struct listener *listener;
    size_t listener_count;
    struct MHD_Daemon **daemon;
    char address[WORKER_ID_LIMIT];
    char *pem; /* key and certificates */
    struct guard guard;
    _Atomic size_t bodies; /* bytes, of all requests */
    pthread_t thread[HANDLER_THREADS];
    size_t thread_count;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wake;
    struct exchange *first, *last;
    size_t waiting;
    bool stopping;
};

/* libmicrohttpd's callbacks; the context is the server. */
void *exchange_on_uri(void *context, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_on_part(void *context, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *size, void **exchange);
void exchange_on_end(void *context, struct MHD_Connection *connection, void **exchange,
                     enum MHD_RequestTerminationCode code);

/* A thread that answers slow requests until the server stops; the context is the server. */
void *exchange_work(void *context);

#endif
