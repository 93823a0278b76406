/*
 * The server: listeners, libmicrohttpd's daemons over them, and the threads for slow requests.
 */
#include "server.h"

#include <errno.h>
#include <unistd.h>

#include "exchange.h"
#include "listener.h"
#include "log.h"
#include "mem.h"

/* A connection on which nothing happens is closed. */
#define IDLE_TIMEOUT_S 30
/* Head of a request, and what libmicrohttpd keeps of a connection. */
#define CONNECTION_BYTES ((size_t)32 * 1024)
/* libmicrohttpd's own limit stays above the guard's, which closes what is too much at once. */
#define CONNECTION_CEILING (CONNECTION_LIMIT + 256)
#define PEM_LIMIT ((size_t)1024 * 1024)
/* RFC 8996: nobody speaks the older ones any more. */
#define TLS_PRIORITIES "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1"

/* ---- listening ---- */

static bool open_listeners(struct server *server, bool *taken, struct fault *fault)
{
    const struct str_list *urls = &server->settings->listeners;
    if (urls->count == 1 && str_is(urls->item[0], "none"))
        return true;
    if (urls->count > LISTENER_LIMIT)
        return fault_set(fault, FAULT_CONFIG, "listeners: more than %d", LISTENER_LIMIT);
    for (size_t i = 0; i < urls->count; i++) {
        if (!listener_open(&server->listener[i], urls->item[i], taken, fault))
            return false;
        server->listener_count++;
    }
    return true;
}

static void name_address(struct server *server)
{
    const struct rest_settings *settings = server->settings;
    char host[256] = "";
    if (server->listener_count == 0)
        return;
    const struct listener *first = &server->listener[0];
    if (settings->advertised_host.len > 0)
        snprintf(host, sizeof(host), "%.*s", STR_ARG(settings->advertised_host));
    else if (first->everywhere || first->host[0] == '\0')
        gethostname(host, sizeof(host) - 1);
    else
        snprintf(host, sizeof(host), "%s", first->host);
    bool six = strchr(host, ':') != NULL;
    long long port = settings->advertised_port > 0 ? settings->advertised_port : first->port;
    snprintf(server->address, sizeof(server->address), six ? "[%s]:%lld" : "%s:%lld", host, port);
}

/* Whoever is not on this machine must say who he is. */
static bool check_reach(struct server *server, struct fault *fault)
{
    server->rest.loopback = true;
    for (size_t i = 0; i < server->listener_count; i++) {
        bool loopback = server->listener[i].loopback;
        server->rest.loopback = server->rest.loopback && loopback;
        if (!loopback && !server->rest.auth)
            return fault_set(fault, FAULT_CONFIG,
                             "listeners: %.*s can be reached from other machines: name a "
                             "rest.auth.file, or listen on 127.0.0.1",
                             STR_ARG(server->settings->listeners.item[i]));
    }
    return true;
}

static bool load_auth(struct server *server, struct fault *fault)
{
    char path[4096];
    str file = server->settings->auth_file;
    if (file.len == 0)
        return true;
    if (file.len >= sizeof(path))
        return fault_set(fault, FAULT_CONFIG, "rest.auth.file: the path is too long");
    snprintf(path, sizeof(path), "%.*s", STR_ARG(file));
    server->rest.auth = auth_load(path, fault);
    return server->rest.auth != NULL;
}

static bool load_pem(struct server *server, struct fault *fault)
{
    char path[4096];
    str file = server->settings->key_file;
    bool needed = false;
    for (size_t i = 0; i < server->listener_count; i++)
        needed = needed || server->listener[i].tls;
    if (!needed)
        return true;
    if (file.len == 0 || file.len >= sizeof(path))
        return fault_set(fault, FAULT_CONFIG,
                         "https needs listeners.https.ssl.keystore.location: a PEM file with key "
                         "and certificates");
    snprintf(path, sizeof(path), "%.*s", STR_ARG(file));
    FILE *from = fopen(path, "re");
    server->pem = from ? mem_alloc(PEM_LIMIT) : NULL;
    size_t len = server->pem ? fread(server->pem, 1, PEM_LIMIT - 1, from) : 0;
    bool good = len > 0 && !ferror(from);
    if (good)
        server->pem[len] = '\0';
    else
        fault_set(fault, FAULT_CONFIG, "cannot read %s (listeners.https.ssl.keystore.location): %s",
                  path, strerror(errno));
    if (from)
        fclose(from);
    return good;
}

struct server *server_listen(const struct rest_settings *settings, bool *taken, struct fault *fault)
{
    struct server *server = mem_alloc(sizeof(*server));
    *taken = false;
    if (!server) {
        fault_memory(fault, "REST");
        return NULL;
    }
    *server = (struct server){.settings = settings};
    pthread_mutex_init(&server->mutex, NULL);
    pthread_cond_init(&server->wake, NULL);
    guard_init(&server->guard);
    server->rest = (struct rest){.settings = settings};
    server->listener = mem_alloc(LISTENER_LIMIT * sizeof(*server->listener));
    server->daemon = mem_alloc(LISTENER_LIMIT * sizeof(*server->daemon));
    bool good = server->listener && server->daemon;
    if (!good)
        fault_memory(fault, "REST");
    else
        memset(server->daemon, 0, LISTENER_LIMIT * sizeof(*server->daemon));
    if (good && load_auth(server, fault) && open_listeners(server, taken, fault)
        && check_reach(server, fault) && load_pem(server, fault)) {
        name_address(server);
        return server;
    }
    server_free(server);
    return NULL;
}

str server_address(const struct server *server)
{
    return str_from(server->address);
}

/* ---- answering ---- */

static enum MHD_Result admit(void *context, const struct sockaddr *address, socklen_t len)
{
    struct server *server = context;
    (void)address, (void)len;
    return guard_admit(&server->guard) ? MHD_YES : MHD_NO;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **held,
                          enum MHD_ConnectionNotificationCode code)
{
    struct server *server = context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    (void)held;
    if (!info)
        return;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        guard_enter(&server->guard, info->connect_fd);
    else
        guard_leave(&server->guard, info->connect_fd);
}

/* Paths are decoded by us, segment by segment. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context, (void)connection;
    return strlen(text);
}

__attribute__((format(printf, 2, 0))) static void write_log(void *context, const char *format,
                                                            va_list arguments)
{
    char text[500];
    (void)context;
    vsnprintf(text, sizeof(text), format, arguments);
    log_write(LOG_DEBUG, "REST: %s", text);
}

static bool start_daemon(struct server *server, size_t at, struct fault *fault)
{
    struct listener *listener = &server->listener[at];
    char password[1000];
    snprintf(password, sizeof(password), "%.*s", STR_ARG(server->settings->key_password));
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_KEY, 0, server->pem},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, server->pem},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {password[0] ? MHD_OPTION_HTTPS_KEY_PASSWORD : MHD_OPTION_END, 0, password},
        {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME
                     | MHD_USE_ERROR_LOG | (listener->tls ? MHD_USE_TLS : 0);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags, 0, admit, server, exchange_on_part, server, MHD_OPTION_EXTERNAL_LOGGER, write_log,
        NULL, MHD_OPTION_LISTEN_SOCKET, listener->fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTION_CEILING, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, MHD_OPTION_URI_LOG_CALLBACK,
        exchange_on_uri, server, MHD_OPTION_NOTIFY_COMPLETED, exchange_on_end, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_ARRAY,
        listener->tls ? tls : plain, MHD_OPTION_END);
    explicit_bzero(password, sizeof(password));
    if (!daemon)
        return fault_set(fault, FAULT_CONFIG, "REST cannot begin on %.*s: %s",
                         STR_ARG(server->settings->listeners.item[at]),
                         listener->tls ? "the key or the certificates are wrong" : strerror(errno));
    listener->fd = -1; /* the daemon's now */
    server->daemon[at] = daemon;
    log_write(LOG_INFO, "REST on %s://%s%s%s:%d", listener->tls ? "https" : "http",
              strchr(listener->host, ':') ? "[" : "", listener->host,
              strchr(listener->host, ':') ? "]" : "", listener->port);
    return true;
}

bool server_start(struct server *server, struct herder *herder, struct fault *fault)
{
    server->rest.herder = herder;
    for (; server->listener_count > 0 && server->thread_count < HANDLER_THREADS;
         server->thread_count++)
        if (pthread_create(&server->thread[server->thread_count], NULL, exchange_work, server) != 0)
            return fault_set(fault, FAULT_FATAL, "cannot start a thread");
    for (size_t i = 0; i < server->listener_count; i++)
        if (!start_daemon(server, i, fault))
            return false;
    return true;
}

/* Suspended connections are answered before the daemons end. */
void server_free(struct server *server)
{
    if (!server)
        return;
    pthread_mutex_lock(&server->mutex);
    server->stopping = true;
    pthread_cond_broadcast(&server->wake);
    pthread_mutex_unlock(&server->mutex);
    for (size_t i = 0; i < server->thread_count; i++)
        pthread_join(server->thread[i], NULL);
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->daemon[i])
            MHD_stop_daemon(server->daemon[i]);
        if (server->listener[i].fd >= 0)
            close(server->listener[i].fd);
    }
    guard_release(&server->guard);
    pthread_cond_destroy(&server->wake);
    pthread_mutex_destroy(&server->mutex);
    auth_free(server->rest.auth);
    mem_free(server->listener);
    mem_free(server->daemon);
    if (server->pem)
        explicit_bzero(server->pem, PEM_LIMIT);
    mem_free(server->pem);
    mem_free(server);
}
