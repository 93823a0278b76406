/*
 * Configuration files. Values of JSON may be texts, numbers or booleans: Connect takes all three.
 */
#include "config_file.h"

#include <errno.h>
#include <stdio.h>

#include "json.h"

#define FILE_LIMIT ((size_t)8 * 1024 * 1024)

/* Flags have keys that begin with two dashes: they are for command lines alone. */
static bool set_key(struct config *config, str key, str value, str origin, struct fault *fault)
{
    if (str_starts(key, STR("--")))
        return fault_set(fault, FAULT_CONFIG, "%.*s: unknown key %.*s", STR_ARG(origin),
                         STR_ARG(key));
    return config_set(config, key, value, origin, fault);
}

static bool set_members(struct config *config, const struct json *object, str origin,
                        struct fault *fault)
{
    for (const struct json *member = object->child; member; member = member->next) {
        if (member->kind == JSON_NULL)
            continue;
        if (member->kind == JSON_OBJECT || member->kind == JSON_ARRAY)
            return fault_set(fault, FAULT_CONFIG,
                             "%.*s: the value of %.*s must be a text, a number or a boolean",
                             STR_ARG(origin), STR_ARG(member->name));
        if (!set_key(config, member->name, member->text, origin, fault))
            return false;
    }
    return true;
}

bool config_json_read(struct config *config, str text, str origin, struct fault *fault)
{
    struct json *root;
    if (!json_parse(text, 4, (struct json_memory){config->arena, config->arena}, &root, fault)) {
        fault->kind = fault->kind == FAULT_RECORD ? FAULT_CONFIG : fault->kind;
        return fault_in(fault, "%.*s", STR_ARG(origin));
    }
    if (root->kind != JSON_OBJECT)
        return fault_set(fault, FAULT_CONFIG, "%.*s: expected a JSON object of keys and values",
                         STR_ARG(origin));
    const struct json *inner = json_member(root, "config");
    if (!inner || inner->kind != JSON_OBJECT)
        return set_members(config, root, origin, fault);
    str name = json_string(json_member(root, "name"));
    if (name.len > 0 && !config_set(config, STR("name"), name, origin, fault))
        return false;
    return set_members(config, inner, origin, fault);
}

/* One logical line: `key=value`, `key: value` or `key value`; the escapes of java.util.Properties
   but \uXXXX are undone in place. */
static str unescape(char *text, size_t len)
{
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\' && i + 1 < len) {
            i++;
            text[out++] = text[i] == 'n'   ? '\n'
                          : text[i] == 'r' ? '\r'
                          : text[i] == 't' ? '\t'
                                           : text[i];
        } else {
            text[out++] = text[i];
        }
    }
    return (str){text, out};
}

static size_t key_length(str line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] == '\\')
            i++;
        else if (strchr("=: \t", line.ptr[i]))
            return i;
    }
    return line.len;
}

/* True where the line goes on in the next: an odd number of backslashes at its end. */
static bool is_continued(str line)
{
    size_t count = 0;
    while (count < line.len && line.ptr[line.len - 1 - count] == '\\')
        count++;
    return count % 2 == 1;
}

/* Blanks at both ends go, but not one that a backslash keeps. */
static str trim(str text)
{
    str kept = str_trim(text);
    if (!is_continued(kept))
        return kept;
    size_t end = (size_t)(kept.ptr - text.ptr) + kept.len;
    bool blank = end < text.len && (text.ptr[end] == ' ' || text.ptr[end] == '\t');
    return (str){kept.ptr, kept.len + blank};
}

static bool set_property(struct config *config, str line, str origin, struct fault *fault)
{
    size_t len = key_length(line);
    str value = trim(str_from_at(line, len));
    if (value.len > 0 && (value.ptr[0] == '=' || value.ptr[0] == ':'))
        value = trim(str_from_at(value, 1));
    str key_text, value_text;
    if (!arena_copy(config->arena, str_head(line, len), &key_text)
        || !arena_copy(config->arena, value, &value_text))
        return fault_memory(fault, "the configuration");
    /* The copies are ours to write to. */
    key_text = unescape((char *)(uintptr_t)key_text.ptr, key_text.len);
    value_text = unescape((char *)(uintptr_t)value_text.ptr, value_text.len);
    return set_key(config, key_text, value_text, origin, fault);
}

bool config_properties_read(struct config *config, str text, str origin, struct fault *fault)
{
    str line, whole = STR_EMPTY;
    while (str_split(&text, '\n', &line)) {
        line = trim(line);
        bool comment = line.len > 0 && (line.ptr[0] == '#' || line.ptr[0] == '!');
        if (whole.len == 0 && (line.len == 0 || comment))
            continue;
        bool continued = is_continued(line);
        whole = arena_format(config->arena, "%.*s%.*s", STR_ARG(whole),
                             STR_ARG(str_head(line, line.len - continued)));
        if (!whole.ptr)
            return fault_memory(fault, "the configuration");
        if (continued)
            continue;
        if (!set_property(config, whole, origin, fault))
            return false;
        whole = STR_EMPTY;
    }
    return whole.len == 0 || set_property(config, whole, origin, fault);
}

static bool read_whole(const char *path, struct arena *arena, str *text, struct fault *fault)
{
    struct buf whole;
    char piece[4096];
    size_t got;
    FILE *file = fopen(path, "re");
    if (!file)
        return fault_set(fault, FAULT_CONFIG, "cannot read %s: %s", path, strerror(errno));
    buf_init(&whole, FILE_LIMIT);
    while (!whole.failed && (got = fread(piece, 1, sizeof(piece), file)) > 0)
        buf_str(&whole, (str){piece, got});
    bool good = true;
    if (ferror(file))
        good = fault_set(fault, FAULT_CONFIG, "cannot read %s: %s", path, strerror(errno));
    else if (whole.full)
        good = fault_set(fault, FAULT_CONFIG, "cannot read %s: it is larger than 8 MiB", path);
    else if (whole.failed || !arena_copy(arena, buf_view(&whole), text))
        good = fault_memory(fault, "a configuration file");
    fclose(file);
    buf_release(&whole);
    return good;
}

bool config_file_read(struct config *config, const char *path, struct fault *fault)
{
    str text = STR_EMPTY, origin = str_from(path);
    if (!read_whole(path, config->arena, &text, fault))
        return false;
    /* JSON begins with a brace (or, wrongly, one of these), which no key of .properties does. */
    str start = str_head(str_trim(text), 1);
    bool json = str_is(start, "{") || str_is(start, "[") || str_is(start, "\"");
    return json ? config_json_read(config, text, origin, fault)
                : config_properties_read(config, text, origin, fault);
}
