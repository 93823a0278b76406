/*
 * Comparing values, and timestamps. The first byte chooses what is looked at, the rest is one
 * value, or two at both sides of a line feed.
 */
#include "fuzz.h"

#include <time.h>

#include <yajl/yajl_parse.h>

#include "clock.h"
#include "json_document.h"

#define SCRATCH_LIMIT ((size_t)64 * 1024 * 1024)

static struct arena scratch;

/* A decimal as a plain reader of JSON's grammar sees it: sign, digits without zeros at the ends,
   and the power of ten behind the last one. */
struct decimal {
    bool negative;
    char *digits;
    size_t count;
    long long power;
};

static bool take_digits(str *text, struct decimal *out)
{
    size_t i = 0;
    for (; i < text->len && text->ptr[i] >= '0' && text->ptr[i] <= '9'; i++)
        out->digits[out->count++] = text->ptr[i];
    *text = str_from_at(*text, i);
    return i > 0;
}

static bool take(str *text, const char *any)
{
    if (text->len == 0 || text->ptr[0] == '\0' || !strchr(any, text->ptr[0]))
        return false;
    *text = str_from_at(*text, 1);
    return true;
}

/* Exponents of more than eight digits are left to a person. */
static bool take_exponent(str *text, struct decimal *out)
{
    if (!take(text, "eE"))
        return true;
    bool negative = text->len > 0 && text->ptr[0] == '-';
    long long exponent = 0;
    take(text, "+-");
    if (text->len == 0 || text->len > 8)
        return false;
    for (; text->len > 0; *text = str_from_at(*text, 1)) {
        if (text->ptr[0] < '0' || text->ptr[0] > '9')
            return false;
        exponent = exponent * 10 + (text->ptr[0] - '0');
    }
    out->power += negative ? -exponent : exponent;
    return true;
}

static void normalise(struct decimal *out)
{
    size_t zeros = 0;
    while (zeros < out->count && out->digits[zeros] == '0')
        zeros++;
    out->count -= zeros;
    memmove(out->digits, out->digits + zeros, out->count);
    while (out->count > 0 && out->digits[out->count - 1] == '0') {
        out->count--;
        out->power++;
    }
    if (out->count == 0) {
        out->negative = false;
        out->power = 0;
    }
}

/* `digits` is malloc'd in any case. False where the text is no JSON number. */
static bool read_decimal(str text, struct decimal *out)
{
    *out = (struct decimal){.digits = malloc(text.len + 1)};
    CHECK(out->digits);
    out->negative = take(&text, "-");
    bool zero = text.len > 0 && text.ptr[0] == '0';
    if (!take_digits(&text, out) || (zero && out->count > 1))
        return false;
    if (take(&text, ".")) {
        size_t whole = out->count;
        if (!take_digits(&text, out))
            return false;
        out->power = -(long long)(out->count - whole);
    }
    if (!take_exponent(&text, out) || text.len > 0)
        return false;
    normalise(out);
    return true;
}

static void check_numbers(str a, str b)
{
    struct decimal x, y;
    bool good = read_decimal(a, &x);
    good = read_decimal(b, &y) && good;
    bool same = value_number_same(a, b);
    CHECK(value_number_same(a, a) && value_number_same(b, b));
    CHECK(same == value_number_same(b, a));
    if (good)
        CHECK(same
              == (x.negative == y.negative && x.power == y.power && x.count == y.count
                  && memcmp(x.digits, y.digits, x.count) == 0));
    free(x.digits);
    free(y.digits);
}

struct nesting {
    int now, most;
    int documents; /* values at the outermost level */
    bool ended;    /* the text is over; what closes is our own bracket */
};

static int on_value(void *context)
{
    struct nesting *nesting = context;
    nesting->documents += nesting->now == 1;
    return 1;
}

static int on_boolean(void *context, int yes)
{
    (void)yes;
    return on_value(context);
}

static int on_number(void *context, const char *digits, size_t len)
{
    (void)digits;
    (void)len;
    return on_value(context);
}

static int on_string(void *context, const unsigned char *ptr, size_t len)
{
    (void)ptr;
    (void)len;
    return on_value(context);
}

static int on_open(void *context)
{
    struct nesting *nesting = context;
    on_value(context);
    nesting->now++;
    nesting->most = nesting->now > nesting->most ? nesting->now : nesting->most;
    return 1;
}

static int on_close(void *context)
{
    struct nesting *nesting = context;
    return --nesting->now > 0 || nesting->ended;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_value,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_open,
    .yajl_end_map = on_close,
    .yajl_start_array = on_open,
    .yajl_end_array = on_close,
};

/* yajl takes form feeds and vertical tabs for blanks; JSON does not, and has them nowhere else. */
static bool has_foreign_blank(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\f' || text.ptr[i] == '\v')
            return true;
    return false;
}

/* JSON's grammar by yajl; bytes above 0x7f are not looked at. Within brackets, because yajl
   overlooks a cut token behind the document. */
static bool is_json(str text, int *depth)
{
    struct nesting nesting = {0};
    yajl_handle yajl = yajl_alloc(&callbacks, NULL, &nesting);
    CHECK(yajl);
    yajl_config(yajl, yajl_dont_validate_strings, 1);
    bool good = yajl_parse(yajl, (const unsigned char *)"[", 1) == yajl_status_ok
                && yajl_parse(yajl, (const unsigned char *)text.ptr, text.len) == yajl_status_ok
                && (nesting.ended = true)
                && yajl_parse(yajl, (const unsigned char *)"]", 1) == yajl_status_ok
                && yajl_complete_parse(yajl) == yajl_status_ok;
    yajl_free(yajl);
    *depth = nesting.most - 1;
    return good && nesting.documents == 1 && !has_foreign_blank(text);
}

/* The document with blanks behind every sign outside of strings. */
static str with_blanks(str text)
{
    static const char blanks[] = " \t\r\n";
    char *out = malloc(3 * text.len + 2);
    size_t len = 0;
    bool inside = false;
    CHECK(out);
    out[len++] = ' ';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool sign = !inside && c != '\0' && strchr("{}[]:,", c);
        if (sign)
            out[len++] = blanks[i % 4];
        out[len++] = c;
        if (sign)
            out[len++] = blanks[(i + 1) % 4];
        if (inside && c == '\\' && i + 1 < text.len)
            out[len++] = text.ptr[++i];
        else if (c == '"')
            inside = !inside;
    }
    return (str){out, len};
}

static bool document_same(str a, str b)
{
    bool same = json_document_same(a, b, &scratch);
    arena_reset(&scratch);
    return same;
}

static void check_documents(str a, str b)
{
    int depth_a, depth_b;
    bool good_a = is_json(a, &depth_a), good_b = is_json(b, &depth_b);
    bool same = document_same(a, b);
    CHECK(same == document_same(b, a));
    /* What is no document is never the same as anything, not even as itself. */
    CHECK(document_same(a, a) == (good_a && depth_a <= 100));
    CHECK(document_same(b, b) == (good_b && depth_b <= 100));
    CHECK(!same || (good_a && good_b));
    if (!good_a || !good_b)
        return;
    str spaced = with_blanks(a);
    CHECK(document_same(spaced, b) == same);
    CHECK(document_same(spaced, a) == (depth_a <= 100));
    free((char *)(uintptr_t)spaced.ptr);
}

static void check_any(str a, str b, unsigned kinds)
{
    struct value x = {(enum value_kind)(kinds % 7), a}, y = {(enum value_kind)(kinds / 7 % 7), b};
    if (!value_has_text(x))
        x.text = STR_EMPTY;
    if (!value_has_text(y))
        y.text = STR_EMPTY;
    bool known = x.kind != VALUE_ABSENT && x.kind != VALUE_UNAVAILABLE;
    bool same = value_same(&x, &y, &scratch);
    CHECK(value_same(&y, &x, &scratch) == same);
    CHECK(value_same(&x, &x, &scratch) == known);
    CHECK(!same || known);
    CHECK(!same || (x.kind == VALUE_NULL) == (y.kind == VALUE_NULL));
    /* To be compared, not judged: it must only come back. */
    (void)value_is_invention(x);
    arena_reset(&scratch);
}

/* libc's calendar, in the years it prints as four digits. */
static void check_calendar(int64_t time_us, str printed)
{
    char want[64];
    struct tm tm;
    time_t seconds = time_us / 1000000 - (time_us % 1000000 < 0);
    if (!gmtime_r(&seconds, &tm) || tm.tm_year < -899 || tm.tm_year > 8099)
        return;
    size_t len = strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm);
    CHECK(str_starts(printed, (str){want, len}));
}

static void check_time(int64_t time_us)
{
    char text[TIMESTAMP_SIZE];
    int64_t again;
    enum timestamp_zone zone;
    str printed = {text, timestamp_print(text, time_us)};
    CHECK(printed.len >= 27 && printed.len <= TIMESTAMP_SIZE);
    CHECK(timestamp_parse(printed, &again, &zone));
    CHECK(again == time_us && zone == TIMESTAMP_UTC_OFFSET);
    check_calendar(time_us, printed);
}

static void check_timestamp(str text, unsigned choice)
{
    static const char *const zones[] = {"UTC", "+03:30", "-12:34:56", "Europe/Berlin"};
    int64_t time_us;
    enum timestamp_zone zone;
    if (!timestamp_parse(text, &time_us, &zone))
        return;
    check_time(time_us);
    CHECK(clock_set_zone(str_from(zones[choice % 4])));
    check_time(clock_zone_to_utc(time_us));
}

static int64_t take_time(str input)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | take_byte(&input);
    return (int64_t)number;
}

static void check_pair(unsigned choice, str a, str b)
{
    switch (choice % 4) {
    case 0:
        check_numbers(a, b);
        return;
    case 1:
        check_documents(a, b);
        return;
    case 2:
        check_any(a, b, choice / 4);
        return;
    case 3:
        check_timestamp(a, choice / 4);
        if (!clock_set_zone(b))
            CHECK(!str_is(b, "UTC"));
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str input = {(const char *)data, size}, head = STR_EMPTY;
    if (!scratch.limit)
        arena_init(&scratch, SCRATCH_LIMIT);
    unsigned choice = take_byte(&input);
    if (choice == 255) {
        check_time(take_time(input));
        return 0;
    }
    str_split(&input, '\n', &head);
    str a = copy_exact(head), b = copy_exact(input);
    check_pair(choice, a, b);
    free((char *)(uintptr_t)a.ptr);
    free((char *)(uintptr_t)b.ptr);
    return 0;
}
