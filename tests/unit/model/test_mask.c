/*
 * Masks. The digests were made with sha256sum and openssl.
 */
#include "check.h"

#include "mask.h"

#define SHA_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
/* RFC 4231, case 2. */
#define HMAC_JEFE "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

static void check_mask(enum mask_kind kind, const char *key, const char *value, const char *want)
{
    struct arena arena;
    struct value masked;
    struct buf got;
    arena_init(&arena, TEST_BYTES);
    buf_init(&got, 1000);
    assert_true(mask_value(kind, str_from(key), value_from(str_from(value)), &arena, &masked));
    put_value(&got, masked);
    check_text(value, buf_view(&got), want);
    buf_release(&got);
    arena_release(&arena);
}

static void test_values(void **state)
{
    (void)state;
    check_mask(MASK_NONE, "", "'abc", "'abc");
    check_mask(MASK_HASH, "", "'abc", "'" SHA_ABC);
    check_mask(MASK_HASH, "", "%abc", "'" SHA_ABC);
    check_mask(MASK_HASH, "", "'", "'" SHA_EMPTY);
    check_mask(MASK_HASH, "Jefe", "'what do ya want for nothing?", "'" HMAC_JEFE);
    check_mask(MASK_DROP, "", "'abc", "~");
    check_mask(MASK_DROP, "", "#1", "~");
}

static void test_what_is_no_value(void **state)
{
    (void)state;
    static const char *const same[] = {"_", "~", "?"};
    for (size_t i = 0; i < COUNT(same); i++) {
        check_mask(MASK_HASH, "k", same[i], same[i]);
        check_mask(MASK_DROP, "", same[i], same[i]);
    }
}

static void test_memory(void **state)
{
    (void)state;
    struct arena none;
    struct value masked;
    arena_init(&none, 0);
    assert_false(mask_value(MASK_HASH, STR(""), value_from(STR("'a")), &none, &masked));
    assert_true(mask_value(MASK_DROP, STR(""), value_from(STR("'a")), &none, &masked));
    arena_release(&none);
}

static void test_parse(void **state)
{
    (void)state;
    struct arena arena;
    struct mask_list masks;
    struct fault fault = {0};
    str items[] = {STR("a:hash"), STR("b:c:drop")};
    struct str_list list = {items, 2};
    arena_init(&arena, TEST_BYTES);
    assert_true(mask_parse(&list, &arena, &masks, &fault));
    assert_int_equal(mask_of(&masks, STR("a")), MASK_HASH);
    assert_int_equal(mask_of(&masks, STR("b:c")), MASK_DROP);
    assert_int_equal(mask_of(&masks, STR("b")), MASK_NONE);
    static const char *const bad[] = {"a", ":hash", "a:", "a:HASH", "hash", "a:hash:"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        items[1] = str_from(bad[i]);
        check_fault(bad[i], mask_parse(&list, &arena, &masks, &fault), &fault, FAULT_CONFIG,
                    "must be COLUMN:hash or COLUMN:drop");
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_what_is_no_value),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
