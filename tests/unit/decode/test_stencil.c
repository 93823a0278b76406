/*
 * Stencils: what a loosened one takes is a scalar of the same kind and length to yajl too, and is
 * what stencil_is_like holds to be like its sample.
 */
#include "check.h"

#include "json.h"
#include "stencil.h"

static const char *const alike[][2] = {
    {"7", "0"},
    {"10", "99"},
    {"1795223450175347", "2000000000000001"},
    {"\"VFIAX\"", "\"A[#L1\""},
    {"\"two words\"", "\"~~~!aaaaa\""},
    {"\"!\"", "\" \""},
};

static const char *const unlike[][2] = {
    {"10", "01"},
    {"10", "9"},
    {"10", "-1"},
    {"10", "1e"},
    {"-1", "-2"},
    {"1.5", "2.5"},
    {"true", "null"},
    {"0", "-"},
    {"\"ab\"", "\"a\""},
    {"\"ab\"", "\"a\"\""},
    {"\"ab\"", "\"a\\\""},
    {"\"ab\"", "\"a\x1f\""},
    {"\"ab\"", "\"\xc3\xa9\""},
    {"\"ab\"", "\"aB\""}, /* might be, but a stencil knows only what lies between two bytes */
    {"\"\xc3\xa9\"", "\"\xc3\xa8\""},
    {"\"\\n\"", "\"\\t\""},
    {"[1]", "[2]"},
    {"12", "\"\""},
    {"", ""},
};

static void test_like(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(alike); i++)
        if (!stencil_is_like(str_from(alike[i][0]), str_from(alike[i][1])))
            fail_msg("%s is not like %s", alike[i][1], alike[i][0]);
    for (size_t i = 0; i < COUNT(unlike); i++)
        if (stencil_is_like(str_from(unlike[i][0]), str_from(unlike[i][1])))
            fail_msg("%s is like %s", unlike[i][1], unlike[i][0]);
}

static bool takes(struct stencil stencil, str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!stencil_takes(stencil, i, text.ptr[i]))
            return false;
    return true;
}

/* A scalar of this kind whose text has as many bytes as it is written with. */
static void check_scalar(str text, enum json_kind kind, struct arena *arena)
{
    struct json *root;
    struct fault fault = {0};
    struct json_memory memory = {arena, arena};
    bool good = json_parse_slowly(text, 1, memory, &root, &fault);
    check_good("what the stencil takes", good, &fault);
    assert_int_equal(root->kind, kind);
    assert_int_equal(root->text.len, text.len - (kind == JSON_STRING ? 2 : 0));
}

/* Every byte in every place of the sample. */
static void check_places(str sample, enum json_kind kind, struct arena *arena)
{
    struct stencil stencil;
    char text[64];
    assert_true(stencil_init(&stencil, sample.len, arena));
    stencil_draw(&stencil, sample);
    memcpy(text, sample.ptr, sample.len);
    str changed = {text, sample.len};
    for (int loose = 0; loose < 2; loose++) {
        for (size_t i = 0; i < sample.len * 256; i++) {
            text[i / 256] = (char)(i % 256);
            bool taken = takes(stencil, changed);
            assert_int_equal(taken,
                             loose ? stencil_is_like(sample, changed) : str_eq(sample, changed));
            if (taken)
                check_scalar(changed, kind, arena);
            text[i / 256] = sample.ptr[i / 256];
        }
        stencil_loosen(&stencil, 0, sample);
    }
}

static void test_places(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, TEST_BYTES * 64);
    check_places(STR("0"), JSON_NUMBER, &arena);
    check_places(STR("7"), JSON_NUMBER, &arena);
    check_places(STR("1795223450175347"), JSON_NUMBER, &arena);
    check_places(STR("\"\""), JSON_STRING, &arena);
    check_places(STR("\" !#AZ[]az~\x7f\""), JSON_STRING, &arena);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
