/*
 * arena: memory that is given out piece by piece and taken back all at once. One owner, no locks.
 */
#ifndef FIELDTRAIL_ARENA_H
#define FIELDTRAIL_ARENA_H

#include <fieldtrail/str.h>

/* Under AddressSanitizer pieces lie apart, and what is not given out is poisoned, so that an
   overrun from one piece into the next is seen. */
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif

struct arena_block;

struct arena {
    struct arena_block *block; /* newest first */
    char *first, *next, *end;  /* its bytes, and those of them that are free */
    size_t limit, total;       /* bytes taken from the system, at most and now */
    size_t block_size;         /* ordinary */
};

/* At most `limit` bytes will be taken from the system, book-keeping included. Takes none yet. */
void arena_init(struct arena *arena, size_t limit);

/* One of which there are many, or that comes and goes: its ordinary blocks have that size (a
   multiple of ARENA_ALIGNMENT) in place of 256 KiB. */
void arena_init_small(struct arena *arena, size_t limit, size_t block_size);

/* Gives everything back to the system. */
void arena_release(struct arena *arena);

/* Takes back all pieces; one block of ordinary size is kept, so a steady load allocates nothing. */
static inline void arena_reset(struct arena *arena);

/* The same where there are pieces. */
void arena_reset_pieces(struct arena *arena);

static inline void arena_reset(struct arena *arena)
{
    if (arena->next != arena->first)
        arena_reset_pieces(arena);
}

#define ARENA_ALIGNMENT ((size_t)16)

/* What arena_alloc does where the newest block is full, and where pieces must be told apart. */
void *arena_alloc_with_care(struct arena *arena, size_t size) MUST_CHECK;

/* `size` bytes aligned for any object, not cleared; NULL where memory or the limit ran out. */
static inline MUST_CHECK void *arena_alloc(struct arena *arena, size_t size)
{
#ifndef ARENA_POISON
    char *piece = arena->next;
    if (size > 0 && size < (size_t)(arena->end - piece)) {
        /* Blocks end at a multiple of the alignment, so the rounded size fits too. */
        arena->next = piece + ((size + ARENA_ALIGNMENT - 1) & ~(ARENA_ALIGNMENT - 1));
        return piece;
    }
#endif
    return arena_alloc_with_care(arena, size);
}

/* Makes the newest piece `ptr` of `old_size` bytes `new_size` long, in place where it can;
   otherwise copies. NULL where memory ran out (the old piece stays). `ptr` may be NULL. */
void *arena_grow(struct arena *arena, void *ptr, size_t old_size, size_t new_size) MUST_CHECK;

/* A copy of the text in the arena; false where memory ran out. */
bool arena_copy(struct arena *arena, str text, str *copy) MUST_CHECK;

/* printf into the arena; an empty slice (ptr NULL) where memory ran out. */
str arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A cleared array of `count` objects of type, or NULL. */
#define ARENA_NEW(arena, type, count) ((type *)arena_clear((arena), sizeof(type), (count)))
void *arena_clear(struct arena *arena, size_t size, size_t count) MUST_CHECK;

#endif
