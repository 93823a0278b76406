/*
 * Findings, said one by one.
 */
#include <fieldtrail/findings.h>

#include <stdarg.h>
#include <stdio.h>

#define TEXT_LIMIT 2000

const char *finding_level_name(enum finding_level level)
{
    static const char *const names[] = {"ok", "warn", "fail"};
    return names[level];
}

void findings_add(struct findings *findings, enum finding_level level, const char *format, ...)
{
    char text[TEXT_LIMIT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    /* One line a finding, whatever a server has said. */
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    text[str_whole(str_from(text)).len] = '\0';
    findings->count[level]++;
    findings->say(findings->context, level, text);
}
