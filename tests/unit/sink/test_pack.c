/*
 * Compression in pieces: what the system's own tools make of it.
 */
#include "temp.h"

#include "mem.h"
#include "pack.h"

#define SIZE 3000000

/* Text that compresses, and some that does not. */
static str make_text(void)
{
    char *text = malloc(SIZE);
    uint64_t seed = 7;
    for (size_t i = 0; i < SIZE; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        text[i] = i / 100000 % 2 ? (char)(seed >> 56) : "holding,VFIAX,10,100\n"[i % 21];
    }
    return (str){text, SIZE};
}

static void pack_all(enum pack_kind kind, str text, size_t piece, struct buf *out)
{
    struct fault fault;
    struct pack *pack = pack_new(kind, &fault);
    assert_non_null(pack);
    for (size_t at = 0; at < text.len; at += piece)
        check_good("put",
                   pack_put(pack, str_head(str_from_at(text, at), piece), false, out, &fault),
                   &fault);
    check_good("end", pack_put(pack, STR_EMPTY, true, out, &fault), &fault);
    pack_free(pack);
}

/* gunzip and zstd are programs that share no code with the way we call their libraries. */
static void check_tool(const char *command, str packed, str want)
{
    struct temp file, result;
    struct buf got;
    char line[300];
    temp_make(&file, packed);
    temp_make(&result, STR_EMPTY);
    snprintf(line, sizeof(line), "%s < %s > %s", command, file.name, result.name);
    assert_int_equal(system(line), 0);
    buf_init(&got, TEST_BYTES);
    temp_read(&result, &got);
    assert_true(str_eq(buf_view(&got), want));
    buf_release(&got);
    temp_remove(&file);
    temp_remove(&result);
}

static void check_kind(enum pack_kind kind, const char *command)
{
    static const size_t lengths[] = {0, 1, 1000, SIZE};
    str text = make_text();
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct buf out, again;
        buf_init(&out, TEST_BYTES);
        buf_init(&again, TEST_BYTES);
        pack_all(kind, str_head(text, lengths[i]), 100000, &out);
        pack_all(kind, str_head(text, lengths[i]), 100000, &again);
        check_tool(command, buf_view(&out), str_head(text, lengths[i]));
        assert_true(str_eq(buf_view(&out), buf_view(&again)));
        assert_true(lengths[i] < SIZE || out.len < SIZE * 2 / 3);
        buf_release(&out);
        buf_release(&again);
    }
    free((void *)(uintptr_t)text.ptr);
}

static void test_gzip(void **state)
{
    (void)state;
    check_kind(PACK_GZIP, "gzip -dc");
}

static void test_zstd(void **state)
{
    (void)state;
    if (system("command -v zstd > /dev/null") != 0)
        skip();
    check_kind(PACK_ZSTD, "zstd -dcq");
}

/* Wherever memory runs out, that is what is said. */
static void test_memory(void **state)
{
    (void)state;
    for (int kind = PACK_GZIP; kind < PACK_KINDS; kind++) {
        struct fault fault = {0};
        struct buf small;
        mem_fail_at(1);
        assert_null(pack_new((enum pack_kind)kind, &fault));
        mem_fail_at(0);
        assert_int_equal(fault.kind, FAULT_RETRY);
        buf_init(&small, 100);
        struct pack *pack = pack_new((enum pack_kind)kind, &fault);
        check_fault("a buffer too small", pack_put(pack, STR("x"), true, &small, &fault), &fault,
                    FAULT_RETRY, "compression");
        pack_free(pack);
        buf_release(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_zstd),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
