/*
 * check: what every unit test uses: cmocka, arenas and configurations in one line, values and
 * records in a short spelling. Header only; a failed check says what was got and what was wanted.
 */
#ifndef FIELDTRAIL_CHECK_H
#define FIELDTRAIL_CHECK_H

/* cmocka.h needs these in front of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fieldtrail/batch.h>
#include <fieldtrail/option.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEST_BYTES ((size_t)64 * 1024 * 1024)

/* Every helper is optional for a file that includes this. */
#define HELPER static inline __attribute__((unused))

HELPER void check_str(const char *what, str got, str want)
{
    if (str_eq(got, want))
        return;
    print_error("%s\n  got:  %.*s\n  want: %.*s\n", what, STR_ARG(got), STR_ARG(want));
    fail();
}

HELPER void check_text(const char *what, str got, const char *want)
{
    check_str(what, got, str_from(want));
}

HELPER void check_number(const char *what, int64_t got, int64_t want)
{
    if (got == want)
        return;
    print_error("%s\n  got:  %lld\n  want: %lld\n", what, (long long)got, (long long)want);
    fail();
}

HELPER void check_good(const char *what, bool good, const struct fault *fault)
{
    if (good)
        return;
    print_error("%s\n  fault: %s\n", what, fault->text);
    fail();
}

/* The fault is of that kind and its text has that part. */
HELPER void check_fault(const char *what, bool good, const struct fault *fault,
                        enum fault_kind kind, const char *part)
{
    if (!good && fault->kind == kind && strstr(fault->text, part))
        return;
    print_error("%s\n  got:  %s %s: %s\n  want: %s: ...%s...\n", what, good ? "success" : "fault",
                fault_kind_name(fault->kind), fault->text, fault_kind_name(kind), part);
    fail();
}

/* "key=value;key=value" into a configuration. */
HELPER void config_from(struct config *config, struct arena *arena, const char *text)
{
    struct fault fault;
    str rest = str_from(text), pair, key;
    config_init(config, arena);
    while (str_split(&rest, ';', &pair)) {
        if (!str_split(&pair, '=', &key))
            continue;
        check_good(text, config_set(config, key, pair, STR("test"), &fault), &fault);
    }
}

/* A value in short: _ absent, ~ NULL, ? unavailable, - unread, #1 number, !true, %{} document,
   'text. */
HELPER struct value value_from(str spec)
{
    static const struct {
        char mark;
        enum value_kind kind;
    } kinds[] = {{'_', VALUE_ABSENT}, {'~', VALUE_NULL},   {'?', VALUE_UNAVAILABLE},
                 {'-', VALUE_UNREAD}, {'#', VALUE_NUMBER}, {'!', VALUE_BOOL},
                 {'%', VALUE_JSON},   {'\'', VALUE_TEXT}};
    if (spec.len == 0)
        return (struct value){VALUE_ABSENT, STR_EMPTY};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct value value = {kinds[i].kind, STR_EMPTY};
        if (value_has_text(value))
            value.text = (str){spec.ptr + 1, spec.len - 1};
        if (spec.ptr[0] == kinds[i].mark)
            return value;
    }
    fail_msg("no value: %.*s", STR_ARG(spec));
    return (struct value){VALUE_ABSENT, STR_EMPTY};
}

/* The same spelling the other way round; an unavailable value shows its mark alone. */
HELPER void put_value(struct buf *out, struct value value)
{
    static const char marks[] = "_~?-!#'%";
    buf_char(out, marks[value.kind]);
    if (value_has_text(value))
        buf_str(out, value.text);
}

#endif
