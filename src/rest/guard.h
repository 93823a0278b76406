/*
 * guard: how many connections there may be, and which one goes when there are too many. Clients
 * that send slowly may be here for as long as nobody else waits for their place.
 */
#ifndef FIELDTRAIL_GUARD_H
#define FIELDTRAIL_GUARD_H

#include <pthread.h>

#include <fieldtrail/str.h>

#define CONNECTION_LIMIT 256
/* For so long a client may take to send one request, when others wait. */
#define SEND_LIMIT_MS 5000

struct guard {
    pthread_mutex_t mutex; /* guards what follows */
    struct guarded {
        int fd;
        int64_t since_ms; /* it began, or its last answer ended; 0: it is being answered */
    } place[CONNECTION_LIMIT];
    size_t count;
    uint64_t refused;
};

void guard_init(struct guard *guard);
void guard_release(struct guard *guard);

/* A client wants in. False: it is to be closed at once. Where all places are taken, the connection
   that has kept one for longest without sending a whole request is cut, so that the next one gets
   in. */
bool guard_admit(struct guard *guard);

/* A connection began, or ended. */
void guard_enter(struct guard *guard, int fd);
void guard_leave(struct guard *guard, int fd);

/* Its request is whole now; or its answer is through. */
void guard_whole(struct guard *guard, int fd);
void guard_idle(struct guard *guard, int fd);

#endif
