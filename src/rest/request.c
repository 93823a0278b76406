/*
 * Requests and answers: percent signs, queries, bodies, errors.
 */
#include "request.h"

#include <stdarg.h>

#include "json.h"

void response_init(struct response *response)
{
    *response = (struct response){.status = 200};
    buf_init(&response->body, ANSWER_LIMIT);
}

void response_release(struct response *response)
{
    buf_release(&response->body);
}

static void put_error(struct response *response, int status, str message)
{
    buf_clear(&response->body);
    response->status = status;
    response->content_type = CONTENT_JSON;
    response->location = response->allow = STR_EMPTY;
    buf_format(&response->body, "{\"error_code\":%d,\"message\":", status);
    buf_json_string(&response->body, message);
    buf_char(&response->body, '}');
}

void respond_error(struct response *response, int status, const char *format, ...)
{
    char text[2000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    put_error(response, status, str_whole(str_from(text)));
}

void respond_refusal(struct response *response, const struct herder_answer *answer)
{
    int status = 500;
    switch (answer->error) {
    case HERDER_NOT_FOUND:
        status = 404;
        break;
    case HERDER_CONFLICT:
        status = 409;
        break;
    case HERDER_BAD_REQUEST:
        status = 400;
        break;
    case HERDER_OK:
    case HERDER_TIMEOUT: /* so Connect says it */
    case HERDER_FAILED:
        break;
    }
    put_error(response, status, answer->message);
}

/* ---- percent signs ---- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool request_decode(str text, bool plus_is_blank, struct arena *arena, str *out)
{
    char *copy = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    if (!copy)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex(text.ptr[i + 1]) : -1;
            int low = high < 0 ? -1 : hex(text.ptr[i + 2]);
            if (low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        copy[len++] = c;
    }
    *out = (str){copy, len};
    return str_is_utf8(*out) && !memchr(copy, '\0', len);
}

bool request_query(const struct request *request, const char *name, size_t nth, str *value)
{
    str rest = request->query, pair, key, decoded;
    while (str_split(&rest, '&', &pair)) {
        if (!str_split(&pair, '=', &key) || !request_decode(key, true, request->arena, &decoded)
            || !str_is(decoded, name) || nth-- > 0)
            continue;
        if (!request_decode(pair, true, request->arena, value))
            *value = STR_EMPTY;
        return true;
    }
    return false;
}

bool request_json(const struct request *request, struct json **root, struct response *response)
{
    struct fault fault;
    struct json_memory memory = {request->arena, request->arena};
    if (str_trim(request->body).len == 0) {
        respond_error(response, 400, "the request has no body; JSON is expected");
        return false;
    }
    if (json_parse(request->body, 8, memory, root, &fault))
        return true;
    respond_error(response, fault.kind == FAULT_RECORD ? 400 : 500, "%s", fault.text);
    return false;
}
