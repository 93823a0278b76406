/*
 * Owners as fibers on one thread, under a clock of their own. This file stands in the place of
 * base/clock_system.c and base/mem.c: time passes only here, and a process that is killed leaves no
 * memory behind.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "world.h"

struct world *the_world;

/* ---- the clock ---- */

int64_t clock_now_us(void)
{
    return the_world ? INT64_C(1795223436000000) + the_world->now_ms * 1000 : 0;
}

int64_t clock_steady_ms(void)
{
    return the_world ? the_world->now_ms : 0;
}

bool clock_wait(int fd, short events, int timeout_ms)
{
    (void)fd;
    (void)events;
    fiber_sleep(the_world, timeout_ms);
    return false;
}

/* ---- memory ---- */

struct allocation {
    struct allocation *before, *after;
    struct owner *owner;
    size_t size;
    max_align_t bytes[];
};

static void link_in(struct allocation *piece, struct owner *owner, size_t size)
{
    *piece = (struct allocation){.owner = owner, .size = size};
    if (!owner)
        return;
    piece->after = owner->allocations;
    if (piece->after)
        piece->after->before = piece;
    owner->allocations = piece;
    owner->allocated += size;
    if (owner->allocated > owner->allocated_most)
        owner->allocated_most = owner->allocated;
}

static void link_out(struct allocation *piece)
{
    if (!piece->owner)
        return;
    if (piece->before)
        piece->before->after = piece->after;
    else
        piece->owner->allocations = piece->after;
    if (piece->after)
        piece->after->before = piece->before;
    piece->owner->allocated -= piece->size;
}

void *mem_alloc(size_t size)
{
    struct allocation *piece = malloc(sizeof(*piece) + size);
    if (!piece)
        return NULL;
    link_in(piece, the_world ? the_world->running : NULL, size);
    return piece->bytes;
}

static struct allocation *piece_of(void *ptr)
{
    return (struct allocation *)((char *)ptr - offsetof(struct allocation, bytes));
}

void *mem_realloc(void *ptr, size_t size)
{
    void *made = mem_alloc(size);
    if (ptr && made) {
        size_t kept = piece_of(ptr)->size;
        memcpy(made, ptr, kept < size ? kept : size);
        mem_free(ptr);
    }
    return made;
}

void mem_free(void *ptr)
{
    if (!ptr)
        return;
    link_out(piece_of(ptr));
    free(piece_of(ptr));
}

void mem_fail_at(uint64_t nth)
{
    (void)nth;
}

/* ---- fibers ---- */

static void run_owner(void)
{
    struct owner *owner = the_world->running;
    owner->good = task_run(&owner->task, &owner->fault);
    owner->ended = true;
    swapcontext(&owner->context, &the_world->main);
    abort();
}

void fiber_start(struct owner *owner)
{
    if (!owner->stack)
        owner->stack = malloc(STACK_SIZE);
    if (!owner->stack)
        abort();
    getcontext(&owner->context);
    owner->context.uc_stack.ss_sp = owner->stack;
    owner->context.uc_stack.ss_size = STACK_SIZE;
    makecontext(&owner->context, run_owner, 0);
    owner->alive = true;
    owner->ended = false;
}

void fiber_resume(struct owner *owner)
{
    struct world *world = owner->world;
    world->running = owner;
    swapcontext(&world->main, &owner->context);
    world->running = NULL;
}

void fiber_kill(struct owner *owner)
{
    while (owner->allocations)
        mem_free(owner->allocations->bytes);
    owner->alive = false;
}

void fiber_sleep(struct world *world, int64_t ms)
{
    struct owner *owner = world->running;
    owner->wake_ms = world->now_ms + (ms > 0 ? ms : 0);
    swapcontext(&owner->context, &world->main);
}
