/*
 * Back-off.
 */
#include "retry.h"

#define FIRST_DELAY_MS 100

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return *seed >> 33;
}

bool retry_after_failure(struct retry *retry, int64_t now_ms, int64_t *wait_ms)
{
    if (retry->attempts++ == 0)
        retry->began_ms = now_ms;
    if (retry->timeout_ms >= 0 && now_ms - retry->began_ms >= retry->timeout_ms)
        return false;
    unsigned doublings = retry->attempts - 1 < 20 ? retry->attempts - 1 : 20;
    int64_t delay = (int64_t)FIRST_DELAY_MS << doublings;
    if (delay > retry->delay_max_ms)
        delay = retry->delay_max_ms;
    *wait_ms = delay / 2 + (int64_t)(next_random(&retry->seed) % (uint64_t)(delay / 2 + 1));
    return true;
}

void retry_succeeded(struct retry *retry)
{
    retry->attempts = 0;
}
