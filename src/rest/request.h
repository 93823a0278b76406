/*
 * request: one request and its answer, apart from how they travel. server.c reads and writes them
 * on the network; tests and the fuzzer make them of texts.
 */
#ifndef FIELDTRAIL_REQUEST_H
#define FIELDTRAIL_REQUEST_H

#include "herder.h"

struct json;
struct json_writer;

#define BODY_LIMIT ((size_t)1024 * 1024)                /* of a request */
#define ANSWER_LIMIT ((size_t)64 * 1024 * 1024)         /* of an answer's body */
#define REQUEST_BYTES_LIMIT ((size_t)256 * 1024 * 1024) /* all that a request needs */
#define PARAMETER_LIMIT 2

enum method {
    METHOD_GET,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER
};

/* A higher one includes the lower. */
enum right { RIGHT_NONE, RIGHT_READ, RIGHT_WRITE };

struct route;

struct request {
    struct arena *arena;
    const struct rest *rest;
    enum method method;
    bool tls;
    str path;  /* as it was sent, percent-encoded, without the query */
    str query; /* the same, without the question mark */
    /* Headers; ptr NULL where there is none. */
    str host, origin, fetch_site, authorization, content_type, accept;
    str body;
    /* Filled on the way: */
    enum right right;               /* of whoever asks */
    const struct route *route;      /* NULL: the answer is there already */
    str parameter[PARAMETER_LIMIT]; /* of the route's path, decoded */
};

struct response {
    int status;
    const char *content_type; /* NULL: no body, or one without a type */
    str location, allow;      /* headers; empty: none. They live in the request's arena */
    const char *policy;       /* Content-Security-Policy of a page, or NULL */
    bool fleeting;            /* what was changed is kept until this worker ends */
    bool challenge;           /* ask for credentials */
    struct buf body;
};

#define CONTENT_JSON "application/json"

void response_init(struct response *response);
void response_release(struct response *response);

/* An answer in Kafka Connect's shape: {"error_code":n,"message":"..."}. Replaces what was there. */
void respond_error(struct response *response, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same by what a herder said. */
void respond_refusal(struct response *response, const struct herder_answer *answer);

/* The value of a query parameter, decoded: the `nth` one of that name (0 is the first). False where
   there is none. */
bool request_query(const struct request *request, const char *name, size_t nth, str *value);

/* A piece of a path or query without its percent signs; false where it is malformed or holds
   U+0000. */
bool request_decode(str text, bool plus_is_blank, struct arena *arena, str *out);

/* Whether the Accept header allows that type; a missing one does. */
bool request_accepts(const struct request *request, str type);

/* The body as JSON; false with a 400 where it is none. */
bool request_json(const struct request *request, struct json **root,
                  struct response *response) MUST_CHECK;

#endif
