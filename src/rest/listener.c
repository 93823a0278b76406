/*
 * Listening sockets.
 */
#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 512

static bool read_url(struct listener *listener, str url, struct fault *fault)
{
    int64_t port = -1;
    *listener = (struct listener){.fd = -1, .tls = str_starts(url, STR("https://"))};
    bool known = listener->tls || str_starts(url, STR("http://"));
    str rest = str_from_at(url, listener->tls ? 8 : 7);
    size_t colon = rest.len;
    if (str_ends(rest, STR("/")))
        rest.len--;
    while (colon > 0 && (colon > rest.len || rest.ptr[colon - 1] != ':'))
        colon--;
    str host = str_head(rest, colon > 0 ? colon - 1 : 0);
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        host = (str){host.ptr + 1, host.len - 2};
    if (!known || colon == 0 || host.len >= sizeof(listener->host)
        || !str_to_int64(str_from_at(rest, colon), &port) || port < 0 || port > 65535)
        return fault_set(fault, FAULT_CONFIG,
                         "listeners: %.*s: expected http://HOST:PORT or https://HOST:PORT",
                         STR_ARG(str_head(url, 200)));
    snprintf(listener->host, sizeof(listener->host), "%.*s", STR_ARG(host));
    listener->port = (int)port;
    return true;
}

static void look_at_address(struct listener *listener, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        uint32_t number =
            ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
        listener->loopback = number >> 24 == 127;
        listener->everywhere = number == INADDR_ANY;
    } else if (address->sa_family == AF_INET6) {
        const struct in6_addr *number =
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        listener->loopback = IN6_IS_ADDR_LOOPBACK(number);
        listener->everywhere = IN6_IS_ADDR_UNSPECIFIED(number);
    }
}

static int bound_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } address = {.six = {0}};
    socklen_t len = sizeof(address);
    if (getsockname(fd, &address.any, &len) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.six.sin6_port : address.four.sin_port);
}

static bool bind_one(struct listener *listener, const struct addrinfo *info)
{
    int on = 1;
    listener->fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0)
        return false;
    setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener->fd, info->ai_addr, info->ai_addrlen) == 0
        && listen(listener->fd, BACKLOG) == 0) {
        look_at_address(listener, info->ai_addr);
        listener->port = bound_port(listener->fd);
        return true;
    }
    int error = errno;
    close(listener->fd);
    listener->fd = -1;
    errno = error;
    return false;
}

bool listener_open(struct listener *listener, str url, bool *taken, struct fault *fault)
{
    char port[16];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    *taken = false;
    if (!read_url(listener, url, fault))
        return false;
    snprintf(port, sizeof(port), "%d", listener->port);
    int error = getaddrinfo(listener->host[0] ? listener->host : NULL, port, &hints, &found);
    if (error != 0)
        return fault_set(fault, FAULT_CONFIG, "listeners: %.*s: %s", STR_ARG(str_head(url, 200)),
                         gai_strerror(error));
    bool good = bind_one(listener, found);
    int reason = errno;
    freeaddrinfo(found);
    *taken = !good && reason == EADDRINUSE;
    return good
           || fault_set(fault, *taken ? FAULT_FATAL : FAULT_CONFIG,
                        "listeners: cannot listen on %.*s: %s%s", STR_ARG(str_head(url, 200)),
                        strerror(reason),
                        *taken ? "; another Kafka Connect may be there: choose another port" : "");
}
