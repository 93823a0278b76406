/*
 * offsets: where a connector stands, and moving it while none of its tasks runs: first what the
 * target stores, under a raised epoch, then the consumer group's offsets.
 */
#ifndef FIELDTRAIL_OFFSETS_H
#define FIELDTRAIL_OFFSETS_H

#include "connector.h"
#include "kafka_apart.h"

/* How long the brokers may take for one answer. */
#define OFFSETS_WAIT_MS 10000

struct offsets {
    struct connector *connector; /* borrowed */
    struct source *source;       /* apart from the group; its lanes are all partitions */
    struct sink *sink;
    struct pivot *pivot; /* for the sink's layout */
    struct kafka_topics topics;
    struct kafka_group group;
    struct note *note; /* beside source->lane */
    int reset;         /* enum start_reset, of auto.offset.reset */
};

/* Connects to the brokers and the target and reads where everything stands. To be closed on success
   and on failure. */
bool offsets_open(struct offsets *offsets, struct connector *connector,
                  struct fault *fault) MUST_CHECK;
void offsets_close(struct offsets *offsets);

/* The steps of offsets_open, for whoever wants to know how far it got. `warn` is the pivot's. */
bool offsets_make(struct offsets *offsets, struct connector *connector, pivot_warn *warn,
                  void *warn_context, struct fault *fault) MUST_CHECK;
bool offsets_read_brokers(struct offsets *offsets, struct fault *fault) MUST_CHECK;
bool offsets_read_target(struct offsets *offsets, struct fault *fault) MUST_CHECK;

/* The partition's lane; NULL with FAULT_CONFIG where the connector has none of that name. */
struct lane *offsets_lane(struct offsets *offsets, str topic, int64_t partition,
                          struct fault *fault);

/* Sets lane.next of the lanes whose `outgoing` is set to what auto.offset.reset, or the time, means
   now. */
bool offsets_by_reset(struct offsets *offsets, enum start_reset reset,
                      struct fault *fault) MUST_CHECK;
bool offsets_by_time(struct offsets *offsets, int64_t time_us, struct fault *fault) MUST_CHECK;

/* Moves the lanes whose `outgoing` is set to lane.next, all or none. FAULT_CONFIG where a number
   lies outside the partition's log, FAULT_RETRY while the group has members. */
bool offsets_move(struct offsets *offsets, struct fault *fault) MUST_CHECK;

#endif
