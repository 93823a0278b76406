/*
 * The log. A line is composed on the stack and leaves by a single write, so lines never mix.
 */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include <fieldtrail/buf.h>

#include "clock.h"

#define LOG_TEXT_LIMIT 2000

static _Atomic enum log_level current_level = LOG_INFO;
static _Atomic enum log_format current_format = LOG_TEXT;

static const char *const level_name[] = {"error", "warning", "info", "debug"};

void log_setup(enum log_level level, enum log_format format)
{
    current_level = level;
    current_format = format;
}

void log_set_level(enum log_level level)
{
    current_level = level;
}

enum log_level log_get_level(void)
{
    return current_level;
}

static void compose_json(struct buf *line, enum log_level level, str text)
{
    char time[TIMESTAMP_SIZE];
    size_t len = timestamp_print(time, clock_now_us());
    buf_format(line, "{\"time\":\"%.*s\",\"level\":\"%s\",\"message\":", (int)len, time,
               level_name[level]);
    buf_json_string(line, text);
    buf_str(line, STR("}\n"));
}

void log_write(enum log_level level, const char *format, ...)
{
    if (level > current_level)
        return;
    char text[LOG_TEXT_LIMIT];
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (wanted < 0)
        text[0] = '\0';
    if (wanted >= (int)sizeof(text))
        text[str_whole(str_from(text)).len] = '\0';
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    /* On the stack: that memory ran out must be told too. */
    char space[8 * LOG_TEXT_LIMIT];
    struct buf line = {.ptr = space, .capacity = sizeof(space), .limit = sizeof(space)};
    if (current_format == LOG_JSON)
        compose_json(&line, level, str_from(text));
    else if (level == LOG_INFO)
        buf_format(&line, "fieldtrail: %s\n", text);
    else
        buf_format(&line, "fieldtrail: %s: %s\n", level_name[level], text);
    /* A log that cannot be written has nowhere to complain. */
    ssize_t written = write(STDERR_FILENO, line.ptr, line.len);
    (void)written;
}
