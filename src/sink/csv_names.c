/*
 * Names of files. A topic may have any name that somebody could give it: it leads out of the
 * directory no more than it clashes with another one.
 */
#include <stdio.h>

#include "csv_side.h"

/* What suffixes, numbers and the hash need, of the 255 bytes a name may have. */
#define TOPIC_LIMIT 150
#define TOPIC_HEAD 120
#define OFFSET_DIGITS 20

static bool is_safe(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '-' || c == '.';
}

/* Appends what is in the buffer's way of a name: a dot at the beginning hides, or leads upwards. */
static void put_safe(struct buf *out, str topic)
{
    for (size_t i = 0; i < topic.len; i++) {
        if (is_safe(topic.ptr[i]) && (i > 0 || topic.ptr[i] != '.'))
            buf_char(out, topic.ptr[i]);
        else
            buf_format(out, "%%%02X", (unsigned char)topic.ptr[i]);
    }
}

void topic_name(struct file_name *out, str topic)
{
    char text[TOPIC_LIMIT + 8];
    struct buf name = {.ptr = text, .capacity = sizeof(text), .limit = TOPIC_LIMIT + 8};
    put_safe(&name, topic);
    bool fits = !name.failed && name.len <= TOPIC_LIMIT;
    /* No name that fits has a tilde. */
    if (fits)
        snprintf(out->text, sizeof(out->text), "%.*s", (int)name.len, text);
    else
        snprintf(out->text, sizeof(out->text), "%.*s~%016llx", TOPIC_HEAD, text,
                 (unsigned long long)str_hash(STR_HASH_START, topic));
}

void lane_name(struct file_name *out, str topic, int32_t partition)
{
    struct file_name name;
    topic_name(&name, topic);
    snprintf(out->text, sizeof(out->text), "%.180s-%d", name.text, partition);
}

struct file_name name_with(const char *name, const char *suffix)
{
    struct file_name out;
    snprintf(out.text, sizeof(out.text), "%.230s%.20s", name, suffix);
    return out;
}

struct file_name name_of_rows(const char *name, int64_t start, const char *extension)
{
    struct file_name out;
    snprintf(out.text, sizeof(out.text), "%.200s.%0*lld.%.10s", name, OFFSET_DIGITS,
             (long long)start, extension);
    return out;
}

static bool take(str *rest, str part)
{
    if (!str_starts(*rest, part))
        return false;
    *rest = str_from_at(*rest, part.len);
    return true;
}

bool is_rows_of(const char *name, const char *entry)
{
    str rest = str_from(entry);
    if (!take(&rest, str_from(name)) || !take(&rest, STR(".")))
        return false;
    size_t digits = 0;
    while (digits < rest.len && rest.ptr[digits] >= '0' && rest.ptr[digits] <= '9')
        digits++;
    bool numbered = digits == OFFSET_DIGITS && take(&rest, str_head(rest, digits))
                    && take(&rest, STR("."));
    if (!take(&rest, STR("csv")) && !take(&rest, STR("jsonl")) && !take(&rest, STR("copy")))
        return false;
    if (numbered && !take(&rest, STR(".gz")))
        (void)take(&rest, STR(".zst"));
    if (numbered)
        (void)take(&rest, STR(PART_SUFFIX));
    return rest.len == 0;
}
