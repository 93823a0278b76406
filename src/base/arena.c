/*
 * Arena: a list of blocks, pieces cut from the newest. Large pieces get a block of their own, and
 * reset keeps one ordinary block only, so one giant record does not hold memory for ever.
 */
#include <fieldtrail/arena.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "mem.h"

#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
#define RED_ZONE ((size_t)16)
#else
#define RED_ZONE ((size_t)0)
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start))
#endif

#define BLOCK_SIZE ((size_t)256 * 1024)

struct arena_block {
    struct arena_block *older;
    size_t size; /* of the whole block */
};

#define BLOCK_HEAD ((sizeof(struct arena_block) + ARENA_ALIGNMENT - 1) & ~(ARENA_ALIGNMENT - 1))

void arena_init(struct arena *arena, size_t limit)
{
    arena_init_small(arena, limit, BLOCK_SIZE);
}

void arena_init_small(struct arena *arena, size_t limit, size_t block_size)
{
    *arena = (struct arena){.limit = limit, .block_size = block_size};
}

static void use_block(struct arena *arena, struct arena_block *block)
{
    arena->block = block;
    arena->first = arena->next = (char *)block + BLOCK_HEAD;
    arena->end = (char *)block + block->size;
    ASAN_POISON_MEMORY_REGION(arena->next, (size_t)(arena->end - arena->next));
}

static void free_blocks(struct arena *arena, struct arena_block *keep)
{
    struct arena_block *block = arena->block;
    while (block) {
        struct arena_block *older = block->older;
        if (block != keep) {
            arena->total -= block->size;
            mem_free(block);
        }
        block = older;
    }
    arena->block = NULL;
    arena->first = arena->next = arena->end = NULL;
}

void arena_release(struct arena *arena)
{
    free_blocks(arena, NULL);
    assert(arena->total == 0);
}

void arena_reset_pieces(struct arena *arena)
{
    struct arena_block *keep = arena->block;
    if (keep && !keep->older && keep->size == arena->block_size) {
        use_block(arena, keep);
        return;
    }
    while (keep && keep->size != arena->block_size)
        keep = keep->older;
    free_blocks(arena, keep);
    if (keep) {
        keep->older = NULL;
        use_block(arena, keep);
    }
}

/* A new block for at least `size` bytes. What is left of the block before it stays unused: a list
   with two open blocks would not be worth its code. */
static bool add_block(struct arena *arena, size_t size)
{
    size_t whole = size + BLOCK_HEAD;
    if (whole < arena->block_size)
        whole = arena->block_size;
    if (whole < size || whole > arena->limit || arena->total > arena->limit - whole)
        return false;
    struct arena_block *block = mem_alloc(whole);
    if (!block)
        return false;
    *block = (struct arena_block){.older = arena->block, .size = whole};
    arena->total += whole;
    use_block(arena, block);
    return true;
}

static size_t aligned(size_t size)
{
    return (size + ARENA_ALIGNMENT - 1) & ~(ARENA_ALIGNMENT - 1);
}

void *arena_alloc_with_care(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t taken = aligned(size ? size : 1) + RED_ZONE;
    if ((size_t)(arena->end - arena->next) < taken && !add_block(arena, taken))
        return NULL;
    void *piece = arena->next;
    arena->next += taken;
    ASAN_UNPOISON_MEMORY_REGION(piece, size);
    return piece;
}

void *arena_grow(struct arena *arena, void *ptr, size_t old_size, size_t new_size)
{
    char *old = ptr;
    if (new_size > SIZE_MAX / 2)
        return NULL;
    size_t taken = aligned(new_size ? new_size : 1) + RED_ZONE;
    if (old && old + aligned(old_size ? old_size : 1) + RED_ZONE == arena->next
        && (size_t)(arena->end - old) >= taken) {
        arena->next = old + taken;
        ASAN_UNPOISON_MEMORY_REGION(old, new_size);
        return old;
    }
    void *piece = arena_alloc(arena, new_size);
    if (piece && old)
        memcpy(piece, old, old_size < new_size ? old_size : new_size);
    return piece;
}

bool arena_copy(struct arena *arena, str text, str *copy)
{
    char *piece = arena_alloc(arena, text.len);
    if (!piece)
        return false;
    if (text.len > 0)
        memcpy(piece, text.ptr, text.len);
    *copy = (str){piece, text.len};
    return true;
}

str arena_format(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int wanted = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *piece = wanted < 0 ? NULL : arena_alloc(arena, (size_t)wanted + 1);
    if (piece)
        vsnprintf(piece, (size_t)wanted + 1, format, again);
    va_end(again);
    return piece ? (str){piece, (size_t)wanted} : STR_EMPTY;
}

void *arena_clear(struct arena *arena, size_t size, size_t count)
{
    size_t bytes;
    if (__builtin_mul_overflow(size, count, &bytes))
        return NULL;
    void *piece = arena_alloc(arena, bytes);
    if (piece)
        memset(piece, 0, bytes);
    return piece;
}
