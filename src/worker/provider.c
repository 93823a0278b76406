/*
 * Config providers, after Connect's EnvVar-, File- and DirectoryConfigProvider.
 */
#include "provider.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "config_file.h"

#define SECRET_LIMIT ((size_t)1024 * 1024)
#define PATH_LIMIT 4096

static bool from_env(str name, struct arena *arena, str *text, struct fault *fault)
{
    char copy[256];
    (void)arena;
    if (name.len >= sizeof(copy))
        return fault_set(fault, FAULT_CONFIG, "the environment has no variable %.*s",
                         STR_ARG(name));
    snprintf(copy, sizeof(copy), "%.*s", STR_ARG(name));
    const char *found = getenv(copy);
    if (!found)
        return fault_set(fault, FAULT_CONFIG, "the environment has no variable %s", copy);
    *text = str_from(found);
    return true;
}

/* A pipe or a device may never end, or never answer. */
static bool check_regular(const char *path, struct fault *fault)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return fault_set(fault, FAULT_CONFIG, "cannot read %s: %s", path, strerror(errno));
    return S_ISREG(status.st_mode)
           || fault_set(fault, FAULT_CONFIG, "cannot read %s: it is no regular file", path);
}

static bool from_file(str path, str key, struct arena *arena, str *text, struct fault *fault)
{
    char copy[PATH_LIMIT];
    struct config config;
    config_init(&config, arena);
    snprintf(copy, sizeof(copy), "%.*s", STR_ARG(path));
    if (!check_regular(copy, fault) || !config_file_read(&config, copy, fault))
        return false;
    const struct config_entry *entry = config_find(&config, key);
    if (!entry)
        return fault_set(fault, FAULT_CONFIG, "%s has no key %.*s", copy, STR_ARG(key));
    *text = entry->value;
    return true;
}

static bool from_dir(str path, str name, struct arena *arena, str *text, struct fault *fault)
{
    char copy[PATH_LIMIT];
    char *secret = arena_alloc(arena, SECRET_LIMIT);
    snprintf(copy, sizeof(copy), "%.*s/%.*s", STR_ARG(path), STR_ARG(name));
    if (str_find(name, STR("/")) >= 0 || str_is(name, ".") || str_is(name, ".."))
        return fault_set(fault, FAULT_CONFIG, "%.*s is no name of a file", STR_ARG(name));
    if (!check_regular(copy, fault))
        return false;
    FILE *file = secret ? fopen(copy, "re") : NULL;
    if (!file)
        return fault_set(fault, FAULT_CONFIG, "cannot read %s: %s", copy, strerror(errno));
    size_t len = fread(secret, 1, SECRET_LIMIT, file);
    bool good = !ferror(file) && len < SECRET_LIMIT;
    fclose(file);
    if (!good)
        return fault_set(fault, FAULT_CONFIG, "cannot read %s: it is no file of less than 1 MiB",
                         copy);
    *text = (str){secret, len};
    if (str_ends(*text, STR("\n")))
        text->len--;
    if (text->len < len && str_ends(*text, STR("\r")))
        text->len--;
    return true;
}

/* `inner` is what stands between the braces. `known` is false where it is no placeholder of
   ours. */
static bool resolve(str inner, struct arena *arena, str *text, bool *known, struct fault *fault)
{
    str rest = inner, provider, path;
    *known = true;
    if (!str_split(&rest, ':', &provider))
        provider = STR_EMPTY;
    if (str_is(provider, "env") && rest.len > 0)
        return from_env(rest, arena, text, fault);
    bool file = str_is(provider, "file"), dir = str_is(provider, "dir");
    *known = (file || dir) && str_split(&rest, ':', &path) && rest.len > 0;
    if (!*known)
        return true;
    return file ? from_file(path, rest, arena, text, fault)
                : from_dir(path, rest, arena, text, fault);
}

static bool expand(str value, struct arena *arena, struct buf *out, struct fault *fault)
{
    for (;;) {
        ptrdiff_t open = str_find(value, STR("${"));
        ptrdiff_t close = open < 0 ? -1 : str_find(str_from_at(value, (size_t)open), STR("}"));
        if (close < 0) {
            buf_str(out, value);
            return true;
        }
        str inner = str_head(str_from_at(value, (size_t)open + 2), (size_t)close - 2),
            text = STR_EMPTY;
        bool known;
        if (!resolve(inner, arena, &text, &known, fault))
            return false;
        buf_str(out, str_head(value, (size_t)open));
        if (known)
            buf_str(out, text);
        else
            buf_format(out, "${%.*s}", STR_ARG(inner));
        value = str_from_at(value, (size_t)open + (size_t)close + 1);
    }
}

bool provider_expand(struct config *config, struct fault *fault)
{
    for (size_t i = 0; i < config->count; i++) {
        struct config_entry *entry = &config->entry[i];
        struct buf out;
        buf_init(&out, 16 * SECRET_LIMIT);
        bool good = expand(entry->value, config->arena, &out, fault);
        if (good && (out.failed || !arena_copy(config->arena, buf_view(&out), &entry->value)))
            good = fault_memory(fault, "a placeholder");
        buf_release(&out);
        if (!good)
            return fault_in(fault, "%.*s: %.*s", STR_ARG(entry->origin), STR_ARG(entry->key));
    }
    return true;
}
