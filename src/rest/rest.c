/*
 * The way of a request: from where, who, what, in which form; then its handler.
 */
#include "rest.h"

#include <strings.h>

#include "origin.h"
#include "routes.h"

/* ---- forms ---- */

/* The type of a header's value, without parameters. */
static str bare_type(str value)
{
    str type;
    return str_split(&value, ';', &type) ? str_trim(type) : STR_EMPTY;
}

static bool same_type(str type, str wanted)
{
    return type.len == wanted.len
           && (type.len == 0
               || (type.ptr && wanted.ptr && strncasecmp(type.ptr, wanted.ptr, type.len) == 0));
}

/* "q=0" takes a type back. */
static bool is_refused(str item)
{
    str part;
    while (str_split(&item, ';', &part)) {
        part = str_trim(part);
        if (str_starts(part, STR("q=0")) && str_trim(part).len >= 3) {
            bool zero = true;
            for (size_t i = 3; i < part.len; i++)
                zero = zero && (part.ptr[i] == '.' || part.ptr[i] == '0');
            if (zero)
                return true;
        }
    }
    return false;
}

bool request_accepts(const struct request *request, str type)
{
    str rest = request->accept, item, kind;
    if (str_trim(rest).len == 0)
        return true;
    str base = bare_type(type);
    str family = base;
    if (!str_split(&family, '/', &kind))
        kind = base;
    while (str_split(&rest, ',', &item)) {
        str wanted = bare_type(item);
        bool range = str_ends(wanted, STR("/*"))
                     && same_type(str_head(wanted, wanted.len - 2), kind);
        if ((range || same_type(wanted, base) || str_is(wanted, "*/*")) && !is_refused(item))
            return true;
    }
    return false;
}

/* Connect takes JSON and nothing else; a request without a body needs no type. */
static bool check_forms(const struct request *request, struct response *response)
{
    bool json = same_type(bare_type(request->content_type), STR(CONTENT_JSON));
    bool changes = request->method != METHOD_GET && request->method != METHOD_DELETE;
    const char *produces = request->route->produces;
    if (changes && request->content_type.ptr && !json)
        respond_error(response, 415, "HTTP 415 Unsupported Media Type");
    else if (produces && !request_accepts(request, str_from(produces)))
        respond_error(response, 406, "HTTP 406 Not Acceptable");
    else
        return true;
    return false;
}

/* ---- who ---- */

static bool check_place(const struct request *request, struct response *response)
{
    const struct rest *rest = request->rest;
    if (rest->loopback && !origin_host_is_ours(request->host, rest->settings->advertised_host)) {
        respond_error(response, 403,
                      "the Host header names neither loopback nor rest.advertised.host.name");
        return false;
    }
    bool cross = str_is(request->fetch_site, "cross-site") && request->method != METHOD_GET;
    if (!cross && origin_is_same(request->origin, request->host, request->tls))
        return true;
    respond_error(response, 403, "requests from pages of other sites are refused");
    return false;
}

static bool check_right(struct request *request, struct response *response)
{
    const struct rest *rest = request->rest;
    enum right needed = request->route ? request->route->right : RIGHT_READ;
    request->right = rest->auth ? auth_right(rest->auth, request->authorization) : RIGHT_WRITE;
    if (request->right >= needed)
        return true;
    response->challenge = request->right == RIGHT_NONE;
    if (response->challenge)
        respond_error(response, 401, "credentials are needed: Basic or Bearer");
    else
        respond_error(response, 403, "these credentials allow reading only");
    return false;
}

bool rest_admit(struct request *request, struct response *response)
{
    if (!check_place(request, response))
        return false;
    bool found = routes_find(request, response);
    /* Strangers do not learn which paths there are. */
    if (!found && request->rest->auth && !check_right(request, response))
        return false;
    return found && check_right(request, response) && check_forms(request, response);
}

void rest_handle(struct request *request, struct response *response)
{
    /* A body needs a type; that there is one is known only now. */
    if (request->body.len > 0 && !request->content_type.ptr)
        respond_error(response, 415, "HTTP 415 Unsupported Media Type");
    else
        request->route->handle(request, response);
    if (response->body.failed)
        respond_error(response, 500, "the answer is too large, or memory ran out");
}

void rest_answer(struct request *request, struct response *response)
{
    if (rest_admit(request, response))
        rest_handle(request, response);
}
