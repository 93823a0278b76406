/*
 * The system's clocks, and waiting by them. A file of its own, so that a simulation can link
 * another time in its place.
 */
#include <poll.h>
#include <time.h>

#include "clock.h"

int64_t clock_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

int64_t clock_steady_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool clock_wait(int fd, short events, int timeout_ms)
{
    struct pollfd wait = {.fd = fd, .events = events};
    return poll(&wait, 1, timeout_ms) != 0;
}
