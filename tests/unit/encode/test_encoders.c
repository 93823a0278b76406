/*
 * Choosing an encoder by configuration.
 */
#include "check.h"

#include "encoders.h"

static void check_load(const char *options, const struct encoder_type *want, const char *null_text)
{
    struct arena arena;
    struct config config;
    struct encoder encoder;
    struct fault fault = {0};
    static const struct layout layout;
    arena_init(&arena, TEST_BYTES);
    config_from(&config, &arena, options);
    check_good(options, encoder_load(&encoder, &config, &layout, &fault), &fault);
    assert_ptr_equal(encoder.type, want);
    assert_ptr_equal(encoder.layout, &layout);
    check_text(options, encoder.null_text, null_text);
    arena_release(&arena);
}

static void check_refused(const char *options, const char *part)
{
    struct arena arena;
    struct config config;
    struct encoder encoder;
    struct fault fault = {0};
    static const struct layout layout;
    arena_init(&arena, TEST_BYTES);
    config_from(&config, &arena, options);
    check_fault(options, encoder_load(&encoder, &config, &layout, &fault), &fault, FAULT_CONFIG,
                part);
    arena_release(&arena);
}

static void test_load(void **state)
{
    (void)state;
    check_load("", &csv_encoder, "");
    check_load("format=csv", &csv_encoder, "");
    check_load("format=csv;format.null=NULL;format.header=true", &csv_encoder, "NULL");
    check_load("format=copy", &pgcopy_encoder, "\\N");
    check_load("format=copy;format.null=-", &pgcopy_encoder, "-");
    check_load("format=jsonl", &jsonl_encoder, "");
    check_load("format=csv;format.csv.formula.guard=true", &csv_encoder, "");
}

static void test_refusals(void **state)
{
    (void)state;
    check_refused("format=xml", "test: format=xml: must be one of csv, jsonl, copy");
    check_refused("format.header=yes", "must be true or false");
    check_refused("format=jsonl;format.header=true", "jsonl has no head line");
    check_refused("format=jsonl;format.null=x", "jsonl has null of its own");
    check_refused("format=copy;format.csv.formula.guard=true", "only for format=csv");
    check_refused("format.null=a,b", "may hold no comma");
    check_refused("format.null=\"", "may hold no comma");
    check_refused("format=copy;format.null=a\tb", "may hold no comma");
    check_refused("format.null=a\n", "may hold no comma");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
