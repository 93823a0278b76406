/*
 * Secrets are told by their keys, after the words that Kafka, libpq and Connect use for them.
 */
#include "secret.h"

#include <strings.h>

#include <fieldtrail/buf.h>

/* Parts of keys whose whole value is a secret. */
static const char *const words[] = {
    "password",           "passwd",      "secret",  "jaas.config", "token",      "credentials",
    "keystore.key",       "ssl.key.pem", "api.key", "apikey",      "access.key", "private.key",
    "oauthbearer.config", NULL};

static bool holds(str text, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++)
        if (strncasecmp(text.ptr + i, word, len) == 0)
            return true;
    return false;
}

static bool is_secret_key(str key)
{
    for (size_t i = 0; words[i]; i++)
        if (holds(key, words[i]))
            return true;
    return false;
}

/* One placeholder and nothing else: `${env:NAME}`. */
static bool is_placeholder(str text)
{
    if (!str_starts(text, STR("${")) || !str_ends(text, STR("}")))
        return false;
    return memchr(text.ptr, '}', text.len) == text.ptr + text.len - 1;
}

/* The password of scheme://user:PASSWORD@host. */
static bool find_in_authority(str value, str *secret)
{
    ptrdiff_t at = str_find(value, STR("://"));
    if (at < 0)
        return false;
    str rest = str_from_at(value, (size_t)at + 3);
    size_t end = 0, last = 0;
    bool found = false;
    /* A placeholder may hold a slash; a password that is not encoded may hold an @. */
    for (int depth = 0; end < rest.len; end++) {
        char c = rest.ptr[end];
        depth += c == '{' && end > 0 && rest.ptr[end - 1] == '$';
        depth -= c == '}' && depth > 0;
        if (depth == 0 && (c == '/' || c == '?'))
            break;
        if (depth == 0 && c == '@') {
            last = end;
            found = true;
        }
    }
    const char *colon = found ? memchr(rest.ptr, ':', last) : NULL;
    if (!colon)
        return false;
    *secret = (str){colon + 1, (size_t)(rest.ptr + last - (colon + 1))};
    return true;
}

/* The value of password=…, in a conninfo string or the query of a URI. */
static bool find_in_pairs(str value, str *secret)
{
    size_t len = strlen("password");
    for (size_t i = 0; i + len < value.len; i++) {
        if (strncasecmp(value.ptr + i, "password", len) != 0)
            continue;
        str rest = str_from_at(value, i + len);
        str bare = str_trim(rest);
        if (bare.len == 0 || bare.ptr[0] != '=')
            continue;
        bare = str_trim(str_from_at(bare, 1));
        bool quoted = bare.len > 0 && bare.ptr[0] == '\'';
        size_t end = quoted;
        while (end < bare.len
               && (quoted ? bare.ptr[end] != '\'' : !strchr(" \t\r\n&", bare.ptr[end])))
            end += bare.ptr[end] == '\\' && end + 1 < bare.len ? 2 : 1;
        *secret = str_head(bare, end + quoted);
        return true;
    }
    return false;
}

static bool replace(str value, str secret, struct arena *arena, str *shown)
{
    size_t before = (size_t)(secret.ptr - value.ptr);
    str rest = str_from_at(value, before + secret.len);
    *shown = arena_format(arena, "%.*s[hidden]%.*s", STR_ARG(str_head(value, before)),
                          STR_ARG(rest));
    return shown->ptr != NULL;
}

bool secret_hide(str key, str value, struct arena *arena, str *shown)
{
    str secret;
    *shown = value;
    if (value.len == 0 || is_placeholder(value))
        return true;
    if (is_secret_key(key)) {
        *shown = SECRET_HIDDEN;
        return true;
    }
    if (!holds(key, "connection.uri") && !holds(key, "connection.url"))
        return true;
    for (int i = 0; i < 2; i++) {
        bool found = i == 0 ? find_in_authority(*shown, &secret) : find_in_pairs(*shown, &secret);
        if (found && secret.len > 0 && !is_placeholder(secret)
            && !replace(*shown, secret, arena, shown))
            return false;
    }
    return true;
}
