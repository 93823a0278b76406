/*
 * The guard at the door.
 */
#include "guard.h"

#include <sys/socket.h>

#include "clock.h"

void guard_init(struct guard *guard)
{
    *guard = (struct guard){.count = 0};
    pthread_mutex_init(&guard->mutex, NULL);
}

void guard_release(struct guard *guard)
{
    pthread_mutex_destroy(&guard->mutex);
}

/* The place of who has been sending for longest, and for too long; NULL where nobody has. */
static struct guarded *find_slowest(struct guard *guard)
{
    struct guarded *slowest = NULL;
    int64_t limit = clock_steady_ms() - SEND_LIMIT_MS;
    for (size_t i = 0; i < guard->count; i++) {
        struct guarded *place = &guard->place[i];
        if (place->since_ms > 0 && place->since_ms < limit
            && (!slowest || place->since_ms < slowest->since_ms))
            slowest = place;
    }
    return slowest;
}

bool guard_admit(struct guard *guard)
{
    pthread_mutex_lock(&guard->mutex);
    bool room = guard->count < CONNECTION_LIMIT;
    struct guarded *slowest = room ? NULL : find_slowest(guard);
    if (slowest) {
        /* Its owner closes it; until then the number is not another's. */
        shutdown(slowest->fd, SHUT_RDWR);
        slowest->since_ms = 0;
    }
    guard->refused += !room;
    pthread_mutex_unlock(&guard->mutex);
    return room;
}

static struct guarded *find(struct guard *guard, int fd)
{
    for (size_t i = 0; i < guard->count; i++)
        if (guard->place[i].fd == fd)
            return &guard->place[i];
    return NULL;
}

void guard_enter(struct guard *guard, int fd)
{
    pthread_mutex_lock(&guard->mutex);
    if (guard->count < CONNECTION_LIMIT)
        guard->place[guard->count++] = (struct guarded){fd, clock_steady_ms()};
    pthread_mutex_unlock(&guard->mutex);
}

void guard_leave(struct guard *guard, int fd)
{
    pthread_mutex_lock(&guard->mutex);
    struct guarded *place = find(guard, fd);
    if (place)
        *place = guard->place[--guard->count];
    pthread_mutex_unlock(&guard->mutex);
}

static void set_since(struct guard *guard, int fd, int64_t since_ms)
{
    pthread_mutex_lock(&guard->mutex);
    struct guarded *place = find(guard, fd);
    if (place)
        place->since_ms = since_ms;
    pthread_mutex_unlock(&guard->mutex);
}

void guard_whole(struct guard *guard, int fd)
{
    set_since(guard, fd, 0);
}

void guard_idle(struct guard *guard, int fd)
{
    set_since(guard, fd, clock_steady_ms());
}
