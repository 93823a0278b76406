/*
 * The fast JSON reader against yajl: the same trees, the same refusals, whatever the bytes.
 */
#include "fuzz.h"

#include "json.h"

#define BYTES_LIMIT ((size_t)512 * 1024 * 1024)
#define DEPTHS 5

static struct arena fast_arena, slow_arena;

static void compare(const struct json *a, const struct json *b)
{
    for (; a && b; a = a->next, b = b->next) {
        CHECK(a->kind == b->kind);
        CHECK(str_eq(a->name, b->name));
        CHECK(str_eq(a->text, b->text));
        compare(a->child, b->child);
    }
    CHECK(!a && !b);
}

static void run(str text, unsigned keep_depth)
{
    struct json *fast = NULL, *slow = NULL;
    struct fault fast_fault = {0}, slow_fault = {0};
    struct json_memory fast_memory = {&fast_arena, &fast_arena};
    struct json_memory slow_memory = {&slow_arena, &slow_arena};
    bool good = json_parse(text, keep_depth, fast_memory, &fast, &fast_fault);
    CHECK(good == json_parse_slowly(text, keep_depth, slow_memory, &slow, &slow_fault));
    if (good)
        compare(fast, slow);
    else
        CHECK(fast_fault.kind == slow_fault.kind && strcmp(fast_fault.text, slow_fault.text) == 0);
    arena_reset(&fast_arena);
    arena_reset(&slow_arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!fast_arena.limit) {
        arena_init(&fast_arena, BYTES_LIMIT);
        arena_init(&slow_arena, BYTES_LIMIT);
    }
    str text = copy_exact((str){(const char *)data, size});
    for (unsigned depth = 0; depth < DEPTHS; depth++)
        run(text, depth);
    free((char *)(uintptr_t)text.ptr);
    return 0;
}
