/*
 * retry: how long to wait before the next attempt: exponential, capped, with jitter.
 */
#ifndef FIELDTRAIL_RETRY_H
#define FIELDTRAIL_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct retry {
    int64_t delay_max_ms; /* the cap */
    int64_t timeout_ms;   /* of all attempts together; -1: for ever */
    unsigned attempts;    /* since the last success */
    int64_t began_ms;     /* when the first of them failed (steady clock) */
    uint64_t seed;        /* of the jitter */
};

/* A failure at `now_ms`: gives the milliseconds to wait, between half and the whole of 100 ms
   doubled for every attempt before. False where the timeout is over. */
bool retry_after_failure(struct retry *retry, int64_t now_ms, int64_t *wait_ms);

void retry_succeeded(struct retry *retry);

#endif
