/*
 * The bytes that may take the place of another: those between the same two that JSON gives a
 * meaning to. So whatever a stencil takes is JSON where its sample is.
 */
#include "stencil.h"

#include "scan.h"

struct range {
    char first, last;
};

/* Between blank, quote, backslash and the end of ASCII. */
static struct range plain_range(char c)
{
    return c < '"'    ? (struct range){' ', '!'}
           : c < '\\' ? (struct range){'#', '['}
                      : (struct range){']', '\x7f'};
}

static bool is_plain_integer(str scalar)
{
    const char *end = scalar.ptr + scalar.len;
    return scalar.len > 0 && scan_digits(scalar.ptr, end) == end
           && (scalar.len == 1 || scalar.ptr[0] != '0');
}

static bool is_plain_string(str scalar)
{
    const char *end = scalar.ptr + scalar.len;
    return scalar.len > 1 && scalar.ptr[0] == '"' && scan_plain(scalar.ptr + 1, end) == end - 1;
}

/* What may stand in the nth place of an integer or string that is plain. */
static struct range range_of(str scalar, size_t nth)
{
    char c = scalar.ptr[nth];
    if (scalar.ptr[0] != '"')
        return (struct range){nth == 0 && scalar.len > 1 ? '1' : '0', '9'};
    return nth == 0 || nth + 1 == scalar.len ? (struct range){c, c} : plain_range(c);
}

bool stencil_is_like(str scalar, str text)
{
    if (scalar.len != text.len || (!is_plain_integer(scalar) && !is_plain_string(scalar)))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        struct range range = range_of(scalar, i);
        if (text.ptr[i] < range.first || text.ptr[i] > range.last)
            return false;
    }
    return true;
}

bool stencil_init(struct stencil *stencil, size_t len, struct arena *arena)
{
    stencil->low = ARENA_NEW(arena, unsigned char, len + STENCIL_SLACK);
    stencil->span = ARENA_NEW(arena, unsigned char, len + STENCIL_SLACK);
    return stencil->low && stencil->span;
}

void stencil_draw(struct stencil *stencil, str text)
{
    memcpy(stencil->low, text.ptr, text.len);
    memset(stencil->span, 0, text.len);
}

void stencil_loosen(struct stencil *stencil, size_t from, str scalar)
{
    for (size_t i = 0; i < scalar.len; i++) {
        struct range range = range_of(scalar, i);
        stencil->low[from + i] = (unsigned char)range.first;
        stencil->span[from + i] = (unsigned char)(range.last - range.first);
    }
}
