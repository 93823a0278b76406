/*
 * Requests on their way through libmicrohttpd. What is answered from memory is answered on the
 * network's thread; what may wait for others suspends its connection and goes to a thread of its
 * own, so that a target that does not answer stops no probe.
 */
#include "exchange.h"

#include <strings.h>

#include "log.h"
#include "mem.h"
#include "routes.h"

/* Of a body that is too long so much is read and thrown away, so that its sender sees the answer;
   of a longer one the connection is closed. */
#define SKIP_LIMIT ((size_t)8 * 1024 * 1024)
#define URI_LIMIT 16384
/* Most requests need no more; of whole blocks the heap would keep holes. */
#define REQUEST_BLOCK_BYTES ((size_t)8 * 1024)

static int socket_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

void *exchange_on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct server *server = context;
    struct exchange *exchange = mem_alloc(sizeof(*exchange));
    if (!exchange)
        return NULL;
    *exchange = (struct exchange){.connection = connection};
    arena_init_small(&exchange->arena, REQUEST_BYTES_LIMIT, REQUEST_BLOCK_BYTES);
    buf_init(&exchange->body, BODY_LIMIT);
    response_init(&exchange->response);
    exchange->request = (struct request){.arena = &exchange->arena, .rest = &server->rest};
    if (strlen(uri) <= URI_LIMIT && !arena_copy(&exchange->arena, str_from(uri), &exchange->uri))
        exchange->uri = STR_EMPTY;
    return exchange;
}

void exchange_on_end(void *context, struct MHD_Connection *connection, void **held,
                     enum MHD_RequestTerminationCode code)
{
    struct server *server = context;
    struct exchange *exchange = *held;
    (void)code;
    *held = NULL;
    guard_idle(&server->guard, socket_of(connection));
    if (!exchange)
        return;
    server->bodies -= exchange->charged;
    buf_release(&exchange->body);
    response_release(&exchange->response);
    arena_release(&exchange->arena);
    mem_free(exchange);
}

/* ---- the head ---- */

static str header(const struct exchange *exchange, const char *name)
{
    const char *value = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
    return value ? str_from(value) : STR_EMPTY;
}

static enum method method_of(const char *method)
{
    static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (int i = 0; i < METHOD_OTHER; i++)
        if (strcmp(method, names[i]) == 0)
            return (enum method)i;
    return strcmp(method, "HEAD") == 0 ? METHOD_GET : METHOD_OTHER;
}

static void read_head(struct exchange *exchange, const char *method)
{
    struct request *request = &exchange->request;
    str rest = exchange->uri;
    /* There is a protocol of TLS, or there is none. */
    request->tls = MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_PROTOCOL)
                   != NULL;
    request->method = method_of(method);
    if (!str_split(&rest, '?', &request->path))
        request->path = STR_EMPTY;
    request->query = rest;
    request->host = header(exchange, "Host");
    request->origin = header(exchange, "Origin");
    request->fetch_site = header(exchange, "Sec-Fetch-Site");
    request->authorization = header(exchange, "Authorization");
    request->content_type = header(exchange, "Content-Type");
    request->accept = header(exchange, "Accept");
}

struct framing {
    int lengths, codings;
    bool malformed;
};

static enum MHD_Result look_at_header(void *context, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    struct framing *framing = context;
    (void)kind, (void)value;
    framing->lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
    framing->codings += strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
    framing->malformed = framing->malformed || name[strcspn(name, " \t")] != '\0';
    return MHD_YES;
}

/* Whether all who read this request see its end at one place. A proxy that sees another takes what
   follows for another request, and so may we. */
static bool is_framed(const struct exchange *exchange)
{
    struct framing framing = {0};
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, look_at_header, &framing);
    return framing.lengths + framing.codings <= 1 && !framing.malformed;
}

static bool is_too_long(const struct exchange *exchange)
{
    str length = header(exchange, "Content-Length");
    int64_t number;
    return length.len > 0 && (!str_to_int64(length, &number) || number > (int64_t)BODY_LIMIT);
}

/* ---- the answer ---- */

static void add_headers(const struct exchange *exchange, struct MHD_Response *out)
{
    const struct response *response = &exchange->response;
    char text[8192];
    MHD_add_response_header(out, "Server", "fieldtrail");
    if (response->content_type)
        MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
    if (response->location.len > 0 && response->location.len < sizeof(text)) {
        snprintf(text, sizeof(text), "%.*s", STR_ARG(response->location));
        MHD_add_response_header(out, MHD_HTTP_HEADER_LOCATION, text);
    }
    if (response->allow.len > 0 && response->allow.len < sizeof(text)) {
        snprintf(text, sizeof(text), "%.*s", STR_ARG(response->allow));
        MHD_add_response_header(out, MHD_HTTP_HEADER_ALLOW, text);
    }
    if (response->challenge)
        MHD_add_response_header(out, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                                "Basic realm=\"fieldtrail\", charset=\"UTF-8\"");
    if (response->policy) {
        MHD_add_response_header(out, "Content-Security-Policy", response->policy);
        MHD_add_response_header(out, "X-Content-Type-Options", "nosniff");
        MHD_add_response_header(out, "Referrer-Policy", "no-referrer");
        MHD_add_response_header(out, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    }
    if (response->fleeting)
        MHD_add_response_header(out, MHD_HTTP_HEADER_WARNING,
                                "299 fieldtrail \"kept until this worker ends: it is standalone\"");
}

/* The body is the exchange's and lives until the answer is through. */
static enum MHD_Result send_answer(struct exchange *exchange)
{
    struct response *response = &exchange->response;
    struct MHD_Response *out = MHD_create_response_from_buffer(
        response->body.len, response->body.ptr, MHD_RESPMEM_PERSISTENT);
    if (!out)
        return MHD_NO;
    exchange->answered = true;
    add_headers(exchange, out);
    enum MHD_Result result = MHD_queue_response(exchange->connection, (unsigned)response->status,
                                                out);
    MHD_destroy_response(out);
    return result;
}

static enum MHD_Result refuse(struct exchange *exchange, int status, const char *text)
{
    respond_error(&exchange->response, status, "%s", text);
    return send_answer(exchange);
}

/* ---- slow requests ---- */

/* False where there are too many, or the server stops. */
static bool hand_over(struct server *server, struct exchange *exchange)
{
    pthread_mutex_lock(&server->mutex);
    bool good = !server->stopping && server->waiting < EXCHANGE_QUEUE_LIMIT;
    if (good) {
        MHD_suspend_connection(exchange->connection);
        exchange->next = NULL;
        if (server->last)
            server->last->next = exchange;
        else
            server->first = exchange;
        server->last = exchange;
        server->waiting++;
        pthread_cond_signal(&server->wake);
    }
    pthread_mutex_unlock(&server->mutex);
    return good;
}

static struct exchange *take_over(struct server *server, bool *stopping)
{
    pthread_mutex_lock(&server->mutex);
    while (!server->first && !server->stopping)
        pthread_cond_wait(&server->wake, &server->mutex);
    struct exchange *exchange = server->first;
    if (exchange) {
        server->first = exchange->next;
        if (!server->first)
            server->last = NULL;
        server->waiting--;
    }
    *stopping = server->stopping;
    pthread_mutex_unlock(&server->mutex);
    return exchange;
}

void *exchange_work(void *context)
{
    struct server *server = context;
    struct exchange *exchange;
    bool stopping;
    pthread_setname_np(pthread_self(), "rest");
    while ((exchange = take_over(server, &stopping))) {
        if (stopping)
            respond_error(&exchange->response, 503, "the worker is shutting down");
        else
            rest_handle(&exchange->request, &exchange->response);
        exchange->answered = true;
        MHD_resume_connection(exchange->connection);
    }
    return NULL;
}

/* ---- the parts of a request ---- */

static enum MHD_Result begin(struct exchange *exchange, const char *method)
{
    exchange->begun = true;
    read_head(exchange, method);
    /* The connection ends with an answer that did not wait for the body. */
    if (!is_framed(exchange))
        return refuse(exchange, 400, "where the body ends is said twice, or a header is malformed");
    if (!exchange->uri.ptr)
        return refuse(exchange, 414, "the path is too long");
    if (!rest_admit(&exchange->request, &exchange->response))
        return send_answer(exchange);
    if (is_too_long(exchange))
        return refuse(exchange, 413, "the body is larger than 1 MiB");
    return MHD_YES;
}

static enum MHD_Result add_body(struct server *server, struct exchange *exchange, str piece)
{
    bool room = server->bodies + piece.len <= BODIES_LIMIT;
    if (room && !exchange->body.failed) {
        server->bodies += piece.len;
        exchange->charged += piece.len;
        buf_str(&exchange->body, piece);
        return MHD_YES;
    }
    exchange->body.failed = true;
    exchange->skipped += piece.len;
    return exchange->skipped <= SKIP_LIMIT ? MHD_YES : MHD_NO;
}

static enum MHD_Result finish(struct server *server, struct exchange *exchange)
{
    guard_whole(&server->guard, socket_of(exchange->connection));
    if (exchange->body.failed)
        return refuse(exchange, 413, "the body is larger than 1 MiB, or there are too many");
    exchange->request.body = buf_view(&exchange->body);
    if (exchange->request.route->pace == PACE_SLOW)
        return hand_over(server, exchange) ? MHD_YES
                                           : refuse(exchange, 503, "too many requests at a time");
    rest_handle(&exchange->request, &exchange->response);
    return send_answer(exchange);
}

enum MHD_Result exchange_on_part(void *context, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *size, void **held)
{
    struct server *server = context;
    struct exchange *exchange = *held;
    (void)connection, (void)url, (void)version;
    if (!exchange)
        return MHD_NO; /* memory ran out */
    if (!exchange->begun)
        return begin(exchange, method);
    if (*size > 0) {
        str piece = {data, *size};
        *size = 0;
        return exchange->answered ? MHD_YES : add_body(server, exchange, piece);
    }
    if (exchange->answered)
        return send_answer(exchange);
    return finish(server, exchange);
}
