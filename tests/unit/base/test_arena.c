/*
 * Arenas: the limit, alignment, growth in place and by copy, reset, failing allocations.
 */
#include "check.h"

#include "mem.h"

#define BLOCK ((size_t)256 * 1024)

static void test_limit(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    assert_null(arena_alloc(&arena, 1));
    arena_release(&arena);
    arena_init(&arena, BLOCK - 1);
    assert_null(arena_alloc(&arena, 1));
    arena_release(&arena);
    arena_init(&arena, BLOCK);
    assert_non_null(arena_alloc(&arena, BLOCK / 2));
    assert_non_null(arena_alloc(&arena, BLOCK / 4));
    assert_null(arena_alloc(&arena, BLOCK / 2));
    assert_non_null(arena_alloc(&arena, 100));
    assert_true(arena.total <= BLOCK);
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, BLOCK / 2));
    arena_release(&arena);
    check_number("given back", (int64_t)arena.total, 0);
}

static void test_sizes(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64 * BLOCK);
    char *last = NULL;
    for (size_t size = 0; size < 5000; size += 7) {
        char *piece = arena_alloc(&arena, size);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % 16, 0);
        assert_ptr_not_equal(piece, last);
        memset(piece, 'x', size);
        last = piece;
    }
    char *large = arena_alloc(&arena, 10 * BLOCK);
    assert_non_null(large);
    memset(large, 'x', 10 * BLOCK);
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX / 2));
    assert_null(arena_clear(&arena, SIZE_MAX / 2, 3));
    assert_null(arena_grow(&arena, NULL, 0, SIZE_MAX));
    arena_reset(&arena);
    check_number("one ordinary block is kept", (int64_t)arena.total, (int64_t)BLOCK);
    arena_release(&arena);
}

static void test_small_blocks(void **state)
{
    (void)state;
    struct arena arena;
    arena_init_small(&arena, 2 * BLOCK, 1024);
    for (int i = 0; i < 100; i++)
        assert_non_null(arena_alloc(&arena, 100));
    check_number("more of them", arena.total <= 16 * 1024 && arena.total % 1024 == 0, true);
    char *large = arena_alloc(&arena, BLOCK);
    assert_non_null(large);
    memset(large, 'x', BLOCK);
    assert_null(arena_alloc(&arena, BLOCK));
    arena_reset(&arena);
    check_number("one is kept", (int64_t)arena.total, 1024);
    arena_release(&arena);
}

static void test_grow(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64 * BLOCK);
    char *piece = arena_grow(&arena, NULL, 0, 10);
    memcpy(piece, "0123456789", 10);
    assert_ptr_equal(arena_grow(&arena, piece, 10, 1000), piece);
    memset(piece + 10, 'x', 990);
    char *other = arena_alloc(&arena, 1);
    char *moved = arena_grow(&arena, piece, 1000, 2000);
    assert_ptr_not_equal(moved, piece);
    assert_memory_equal(moved, "0123456789xxx", 13);
    assert_true(other < moved);
    char *far = arena_grow(&arena, moved, 2000, 2 * BLOCK);
    assert_memory_equal(far, "0123456789xxx", 13);
    char *small = arena_grow(&arena, far, 2 * BLOCK, 5);
    assert_memory_equal(small, "01234", 5);
    arena_release(&arena);
}

static void test_texts(void **state)
{
    (void)state;
    struct arena arena, none;
    str copy = STR("as it was");
    arena_init(&arena, 64 * BLOCK);
    arena_init(&none, 0);
    assert_true(arena_copy(&arena, STR("a\0b"), &copy));
    check_str("copy", copy, STR("a\0b"));
    assert_true(arena_copy(&arena, STR_EMPTY, &copy));
    check_text("copy", copy, "");
    check_text("format", arena_format(&arena, "%s-%d", "x", 7), "x-7");
    check_number("long", (int64_t)arena_format(&arena, "%*s", 300000, "").len, 300000);
    assert_false(arena_copy(&none, STR("a"), &copy));
    assert_null(arena_format(&none, "a").ptr);
    const int *zeros = ARENA_NEW(&arena, int, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zeros[i], 0);
    arena_release(&arena);
    arena_release(&none);
}

static void test_failing(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64 * BLOCK);
    mem_fail_at(1);
    assert_null(arena_alloc(&arena, 1));
    assert_non_null(arena_alloc(&arena, 1));
    mem_fail_at(2);
    assert_non_null(arena_alloc(&arena, 2 * BLOCK));
    assert_null(arena_alloc(&arena, 2 * BLOCK));
    mem_fail_at(0);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_small_blocks), cmocka_unit_test(test_grow),
        cmocka_unit_test(test_texts),        cmocka_unit_test(test_failing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
