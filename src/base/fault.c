/*
 * Fault texts: formatting and putting context in front. Texts may carry bytes from outside, so
 * control characters and broken UTF-8 are made harmless for logs and terminals here, once.
 */
#include <fieldtrail/fault.h>

#include <stdarg.h>
#include <stdio.h>

#include <fieldtrail/str.h>

static void make_printable(char *text)
{
    for (size_t len; *text; text += len) {
        len = str_utf8_length(str_from(text));
        if (len == 0 || (unsigned char)*text < 0x20 || *text == 0x7f) {
            *text = '?';
            len = 1;
        }
    }
}

__attribute__((format(printf, 2, 0))) static void format_text(char text[FAULT_TEXT_LIMIT],
                                                              const char *format, va_list arguments)
{
    int wanted = vsnprintf(text, FAULT_TEXT_LIMIT, format, arguments);
    if (wanted < 0)
        text[0] = '\0';
    if (wanted >= FAULT_TEXT_LIMIT)
        text[str_whole(str_from(text)).len] = '\0';
    make_printable(text);
}

bool fault_set(struct fault *fault, enum fault_kind kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fault->kind = kind;
    fault->code = 0;
    format_text(fault->text, format, arguments);
    va_end(arguments);
    return false;
}

bool fault_in(struct fault *fault, const char *format, ...)
{
    char context[FAULT_TEXT_LIMIT], old[FAULT_TEXT_LIMIT];
    va_list arguments;
    va_start(arguments, format);
    format_text(context, format, arguments);
    va_end(arguments);
    memcpy(old, fault->text, sizeof(old));
    if (snprintf(fault->text, sizeof(fault->text), "%s: %s", context, old) >= FAULT_TEXT_LIMIT)
        fault->text[str_whole(str_from(fault->text)).len] = '\0';
    return false;
}

bool fault_memory(struct fault *fault, const char *what)
{
    return fault_set(fault, FAULT_RETRY, "out of memory for %s", what);
}

const char *fault_kind_name(enum fault_kind kind)
{
    switch (kind) {
    case FAULT_NONE:
        return "none";
    case FAULT_RETRY:
        return "environment";
    case FAULT_RECORD:
        return "data";
    case FAULT_CONFIG:
        return "configuration";
    case FAULT_FATAL:
        return "fatal";
    }
    return "?";
}
