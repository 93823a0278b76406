/*
 * HTTP on libcurl's multi interface. Its sockets and its timer are gathered in an epoll descriptor,
 * which is the one that the sink waits for: the wait is over when something happened, and not
 * whenever libcurl wants to look around, for each wait that runs out is a beat of the source.
 */
#include "http.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <zlib.h>

#include "mem.h"

#define STEP_MS 200
#define CONNECT_WAIT_MS 15000L
/* A server that says nothing for so long is taken for dead: the network may hang without
   closing. */
#define ANSWER_WAIT_S 120L
#define ANSWER_LIMIT ((size_t)16 * 1024 * 1024)
#define URL_LIMIT ((size_t)1024 * 1024)
#define BODY_LIMIT ((size_t)1024 * 1024 * 1024)
#define UPLOAD_SIZE (256L * 1024)

/* ---- settings ---- */

static char *copy_text(str text)
{
    char *copy = mem_alloc(text.len + 1);
    if (!copy)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

/* One part of the URI, or NULL; curl_free takes it back. */
static char *part_of(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

/* What a message may show of the URI. */
static char *make_address(CURLU *url)
{
    char text[300];
    char *host = part_of(url, CURLUPART_HOST), *port = part_of(url, CURLUPART_PORT);
    int len = snprintf(text, sizeof(text), "%s%s%s", host ? host : "", port ? ":" : "",
                       port ? port : "");
    curl_free(host);
    curl_free(port);
    return copy_text((str){text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1});
}

static bool check_uri(struct http *http, CURLU *url, struct fault *fault)
{
    static const char wanted[] = "connection.uri: must be http[s]://[user:password@]host[:port]";
    if (curl_url_set(url, CURLUPART_URL, http->base, 0) != CURLUE_OK)
        return fault_set(fault, FAULT_CONFIG, "%s", wanted);
    char *scheme = part_of(url, CURLUPART_SCHEME), *query = part_of(url, CURLUPART_QUERY);
    char *fragment = part_of(url, CURLUPART_FRAGMENT), *user = part_of(url, CURLUPART_USER);
    bool web = scheme && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    bool good = web && !query && !fragment;
    int ways = (user != NULL) + (http->settings.token.len > 0) + (http->settings.user.len > 0);
    curl_free(scheme);
    curl_free(query);
    curl_free(fragment);
    curl_free(user);
    if (!good)
        return fault_set(fault, FAULT_CONFIG, "%s", wanted);
    if (ways > 1)
        return fault_set(fault, FAULT_CONFIG,
                         "connection.token, connection.user and a user in connection.uri exclude "
                         "each other");
    http->address = make_address(url);
    return http->address || fault_memory(fault, "an address");
}

bool http_init(struct http *http, struct sink *sink, struct http_settings settings,
               struct fault *fault)
{
    str uri = settings.uri;
    while (str_ends(uri, STR("/")))
        uri.len--;
    *http = (struct http){.sink = sink, .settings = settings, .epoll = -1, .timer = -1};
    buf_init(&http->packed, BODY_LIMIT);
    buf_init(&http->answer, ANSWER_LIMIT);
    buf_init(&http->url, URL_LIMIT);
    http->base = copy_text(uri);
    http->global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    CURLU *url = curl_url();
    bool good = http->base && http->global && url ? check_uri(http, url, fault)
                                                  : fault_memory(fault, "libcurl");
    curl_url_cleanup(url);
    return good;
}

void http_release(struct http *http)
{
    http_close(http);
    mem_free(http->base);
    mem_free(http->address);
    buf_release(&http->packed);
    buf_release(&http->answer);
    buf_release(&http->url);
    if (http->global)
        curl_global_cleanup();
    http->global = false;
}

/* ---- the connection ---- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *ignored)
{
    struct http *http = context;
    struct epoll_event event = {.data.fd = fd};
    (void)easy;
    (void)ignored;
    if (what & CURL_POLL_IN)
        event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT)
        event.events |= EPOLLOUT;
    if (what == CURL_POLL_REMOVE)
        epoll_ctl(http->epoll, EPOLL_CTL_DEL, fd, &event);
    else if (epoll_ctl(http->epoll, EPOLL_CTL_MOD, fd, &event) != 0 && errno == ENOENT)
        epoll_ctl(http->epoll, EPOLL_CTL_ADD, fd, &event);
    return 0;
}

/* Milliseconds from now, at once, or (-1) never. */
static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct http *http = context;
    struct itimerspec at = {0};
    (void)multi;
    if (timeout_ms >= 0) {
        at.it_value.tv_sec = timeout_ms / 1000;
        at.it_value.tv_nsec = timeout_ms % 1000 * 1000000;
        at.it_value.tv_nsec += timeout_ms == 0; /* nothing at all would stop it */
    }
    timerfd_settime(http->timer, 0, &at, NULL);
    return 0;
}

static size_t on_answer(char *ptr, size_t size, size_t count, void *context)
{
    struct http *http = context;
    buf_str(&http->answer, (str){ptr, size * count});
    return http->answer.failed ? 0 : size * count;
}

static bool add_header(struct curl_slist **list, const char *header)
{
    struct curl_slist *longer = curl_slist_append(*list, header);
    if (longer)
        *list = longer;
    return longer != NULL;
}

/* "Expect" would cost a round trip for every large body. */
static bool make_headers(struct http *http)
{
    if (!add_header(&http->post_headers, "Expect:")
        || !add_header(&http->post_headers, "Content-Type: text/plain; charset=utf-8")
        || (http->settings.gzip && !add_header(&http->post_headers, "Content-Encoding: gzip")))
        return false;
    if (http->settings.token.len == 0)
        return true;
    buf_clear(&http->url);
    buf_format(&http->url, "Authorization: Bearer %.*s", STR_ARG(http->settings.token));
    buf_char(&http->url, '\0');
    return !http->url.failed && add_header(&http->post_headers, http->url.ptr)
           && add_header(&http->get_headers, http->url.ptr);
}

static void set_text(CURL *easy, CURLoption option, str text, struct buf *scratch)
{
    if (text.len == 0)
        return;
    buf_clear(scratch);
    buf_str(scratch, text);
    buf_char(scratch, '\0');
    if (!scratch->failed)
        curl_easy_setopt(easy, option, scratch->ptr); /* it keeps a copy */
}

static void set_options(struct http *http)
{
    CURL *easy = http->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    /* A database is not reached by the proxy of the web. */
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_SIZE);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_WAIT_MS);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, ANSWER_WAIT_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    set_text(easy, CURLOPT_USERNAME, http->settings.user, &http->url);
    set_text(easy, CURLOPT_PASSWORD, http->settings.password, &http->url);
    set_text(easy, CURLOPT_CAINFO, http->settings.ca_file, &http->url);
}

static bool open_wait(struct http *http)
{
    http->epoll = epoll_create1(EPOLL_CLOEXEC);
    http->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = http->timer};
    return http->epoll >= 0 && http->timer >= 0
           && epoll_ctl(http->epoll, EPOLL_CTL_ADD, http->timer, &event) == 0;
}

static bool open_multi(struct http *http, struct fault *fault)
{
    if (http->multi)
        return true;
    http->multi = curl_multi_init();
    http->easy = http->multi ? curl_easy_init() : NULL;
    if (!http->easy || !open_wait(http) || !make_headers(http)) {
        http_close(http);
        return fault_memory(fault, "a connection");
    }
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    set_options(http);
    return true;
}

void http_close(struct http *http)
{
    if (http->multi && http->busy)
        curl_multi_remove_handle(http->multi, http->easy);
    if (http->easy)
        curl_easy_cleanup(http->easy);
    if (http->multi)
        curl_multi_cleanup(http->multi);
    if (http->epoll >= 0)
        close(http->epoll);
    if (http->timer >= 0)
        close(http->timer);
    curl_slist_free_all(http->get_headers);
    curl_slist_free_all(http->post_headers);
    http->get_headers = http->post_headers = NULL;
    http->multi = NULL;
    http->easy = NULL;
    http->epoll = http->timer = -1;
    http->busy = false;
}

/* ---- requests ---- */

void http_escape(struct buf *url, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        bool plain = (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
        if (plain)
            buf_char(url, text.ptr[i]);
        else
            buf_format(url, "%%%02X", byte);
    }
}

/* Fast rather than small: the network must win more than the processor loses. */
static bool pack(struct http *http, str body, struct fault *fault)
{
    z_stream stream = {0};
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return fault_memory(fault, "compression");
    size_t bound = deflateBound(&stream, body.len);
    buf_clear(&http->packed);
    bool good = body.len < UINT32_MAX && buf_reserve(&http->packed, bound);
    if (good) {
        stream.next_in = (Bytef *)(uintptr_t)body.ptr;
        stream.avail_in = (uInt)body.len;
        stream.next_out = (Bytef *)http->packed.ptr;
        stream.avail_out = (uInt)bound;
        good = deflate(&stream, Z_FINISH) == Z_STREAM_END;
        http->packed.len = stream.total_out;
    }
    deflateEnd(&stream);
    return good || fault_memory(fault, "compression");
}

static bool set_body(struct http *http, str body, struct fault *fault)
{
    if (body.len == 0) {
        curl_easy_setopt(http->easy, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, http->get_headers);
        return true;
    }
    if (http->settings.gzip && !pack(http, body, fault))
        return false;
    str sent = http->settings.gzip ? buf_view(&http->packed) : body;
    curl_easy_setopt(http->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(http->easy, CURLOPT_POSTFIELDS, sent.ptr);
    curl_easy_setopt(http->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)sent.len);
    curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, http->post_headers);
    return true;
}

bool http_begin(struct http *http, str path, str body, struct fault *fault)
{
    if (!open_multi(http, fault) || !set_body(http, body, fault))
        return false;
    buf_clear(&http->url);
    buf_format(&http->url, "%s", http->base);
    buf_str(&http->url, path);
    buf_char(&http->url, '\0');
    if (http->url.failed)
        return fault_memory(fault, "a request");
    curl_easy_setopt(http->easy, CURLOPT_URL, http->url.ptr);
    buf_clear(&http->answer);
    http->error[0] = '\0';
    http->code = CURLE_OK;
    if (curl_multi_add_handle(http->multi, http->easy) != CURLM_OK)
        return fault_memory(fault, "a request");
    http->busy = true;
    http_step(http);
    return true;
}

static void take_result(struct http *http)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        http->code = message->data.result;
        http->busy = false;
    }
    if (!http->busy)
        curl_multi_remove_handle(http->multi, http->easy);
}

void http_step(struct http *http)
{
    struct epoll_event event[8];
    int running;
    if (!http->busy)
        return;
    int count = epoll_wait(http->epoll, event, sizeof(event) / sizeof(event[0]), 0);
    for (int i = 0; i < count; i++) {
        uint64_t times;
        int what = (event[i].events & EPOLLIN ? CURL_CSELECT_IN : 0)
                   | (event[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0)
                   | (event[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        if (event[i].data.fd != http->timer)
            curl_multi_socket_action(http->multi, event[i].data.fd, what, &running);
        else if (read(http->timer, &times, sizeof(times)) > 0)
            curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    take_result(http);
}

static bool transfer_fault(struct http *http, struct fault *fault)
{
    bool distrust = http->code == CURLE_PEER_FAILED_VERIFICATION
                    || http->code == CURLE_SSL_CACERT_BADFILE;
    return fault_set(fault, distrust ? FAULT_CONFIG : FAULT_RETRY, "%s: %s%s", http->address,
                     http->error[0] ? http->error : curl_easy_strerror(http->code),
                     distrust ? " (connection.ca.file names an authority of your own)" : "");
}

bool http_end(struct http *http, long *status, struct fault *fault)
{
    while (http->busy) {
        if (!http->sink->idle(http->sink->idle_context, http->epoll, POLLIN, STEP_MS))
            return fault_set(fault, FAULT_RETRY, "stopped while waiting for %s", http->address);
        http_step(http);
    }
    if (http->code != CURLE_OK)
        return transfer_fault(http, fault);
    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, status);
    return true;
}
