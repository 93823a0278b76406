/*
 * Host and Origin.
 */
#include "origin.h"

#include <strings.h>

/* Splits HOST[:PORT] or [ADDRESS][:PORT]; the port is empty where there is none. */
static void split(str text, str *host, str *port)
{
    *host = text;
    *port = STR_EMPTY;
    size_t from = 0;
    if (text.len > 0 && text.ptr[0] == '[') {
        const char *end = memchr(text.ptr, ']', text.len);
        from = end ? (size_t)(end - text.ptr) : text.len;
    }
    for (size_t i = from; i < text.len; i++) {
        if (text.ptr[i] != ':')
            continue;
        *host = str_head(text, i);
        *port = str_from_at(text, i + 1);
        return;
    }
}

static bool same(str a, str b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

static bool is_digits_and_dots(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '.' && (text.ptr[i] < '0' || text.ptr[i] > '9'))
            return false;
    return true;
}

bool origin_host_is_ours(str host, str advertised)
{
    str name, port;
    if (!host.ptr)
        return true; /* no browser leaves it out */
    split(host, &name, &port);
    return same(name, STR("localhost")) || same(name, STR("[::1]"))
           || (str_starts(name, STR("127.")) && is_digits_and_dots(name))
           || (advertised.len > 0 && same(name, advertised));
}

static str port_or(str port, bool tls)
{
    return port.len > 0 ? port : tls ? STR("443") : STR("80");
}

bool origin_is_same(str origin, str host, bool tls)
{
    str origin_host, origin_port, host_host, host_port;
    if (!origin.ptr)
        return true;
    bool secure = str_starts(origin, STR("https://"));
    if (!secure && !str_starts(origin, STR("http://")))
        return false;
    split(str_from_at(origin, secure ? 8 : 7), &origin_host, &origin_port);
    split(host, &host_host, &host_port);
    /* Behind a proxy that ends TLS the page is https and we are not: a Host without port is then
       the page's. */
    bool ports = same(port_or(origin_port, secure), port_or(host_port, tls))
                 || (origin_port.len == 0 && host_port.len == 0);
    return host.len > 0 && ports && same(origin_host, host_host);
}
