/*
 * fuzz: what the fuzz targets share. A target is one LLVMFuzzerTestOneInput; libFuzzer or
 * standalone.c calls it. A check that fails aborts, so that both take the input for a crash.
 */
#ifndef FIELDTRAIL_FUZZ_H
#define FIELDTRAIL_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include <fieldtrail/batch.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says which property is broken, and dies. */
#define CHECK(condition)                                                                           \
    ((condition) ? (void)0                                                                         \
                 : (fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition),  \
                    abort()))

/* Takes the first byte off the input; 0 where it has none. */
static inline unsigned take_byte(str *input)
{
    unsigned byte = input->len ? (unsigned char)input->ptr[0] : 0;
    *input = str_from_at(*input, 1);
    return byte;
}

/* A copy of the text in a piece of memory of exactly its length, so that AddressSanitizer sees
   every byte read behind it. The caller frees `ptr`. */
static inline str copy_exact(str text)
{
    char *ptr = malloc(text.len ? text.len : 1);
    CHECK(ptr);
    if (text.len > 0)
        memcpy(ptr, text.ptr, text.len);
    return (str){ptr, text.len};
}

/* Every failure must say what went wrong. */
static inline void check_fault(const struct fault *fault)
{
    CHECK(fault->kind != FAULT_NONE);
    CHECK(fault->text[0] != '\0');
    CHECK(memchr(fault->text, '\0', sizeof(fault->text)));
}

/* Well-formed UTF-8 after RFC 3629, by computing the code point: it shares nothing with
   str_is_utf8. */
static inline bool is_utf8(str text)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    for (size_t i = 0; i < text.len;) {
        uint32_t lead = (unsigned char)text.ptr[i++];
        size_t more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : 3;
        if ((more == 3 && lead >> 3 != 30) || text.len - i < more)
            return false;
        uint32_t point = more ? lead & (0x3fU >> more) : lead;
        for (size_t j = 0; j < more; j++, i++) {
            if (((unsigned char)text.ptr[i] & 0xc0) != 0x80)
                return false;
            point = point << 6 | ((unsigned char)text.ptr[i] & 0x3f);
        }
        if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
            return false;
    }
    return true;
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number as JSON has it, by a loop that shares nothing with the readers under test. */
static inline bool is_number(str text)
{
    size_t i = text.len > 0 && text.ptr[0] == '-', first = i;
    while (i < text.len && is_digit(text.ptr[i]))
        i++;
    if (i == first || (text.ptr[first] == '0' && i > first + 1))
        return false;
    if (i < text.len && text.ptr[i] == '.') {
        size_t point = i++;
        while (i < text.len && is_digit(text.ptr[i]))
            i++;
        if (i == point + 1)
            return false;
    }
    if (i < text.len && (text.ptr[i] | 0x20) == 'e') {
        i++;
        i += i < text.len && (text.ptr[i] == '-' || text.ptr[i] == '+');
        first = i;
        while (i < text.len && is_digit(text.ptr[i]))
            i++;
        if (i == first)
            return false;
    }
    return i == text.len;
}

/* The record of one line, as the source "lines" makes it. */
bool fuzz_record(str line, struct arena *arena, struct record *record);

#endif
