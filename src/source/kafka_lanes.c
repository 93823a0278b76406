/*
 * Partitions: what the cluster and the group say of them, and librdkafka's assignment.
 */
#include "kafka_lanes.h"

#include <stdio.h>

#include "kafka_errors.h"
#include "kafka_mock.h"
#include "mem.h"

bool kafka_fault(struct fault *fault, rd_kafka_resp_err_t error, const char *what)
{
    fault_set(fault, kafka_error_kind(error), "kafka: %s: %s", what, rd_kafka_err2str(error));
    fault->code = error;
    return false;
}

uint32_t kafka_find_lane(const struct kafka *self, const char *topic, int32_t partition)
{
    for (uint32_t i = 0; i < self->source.lane_count; i++)
        if (self->source.lane[i].partition == partition
            && str_is(self->source.lane[i].topic, topic))
            return i;
    return UINT32_MAX;
}

static bool grow_lanes(struct kafka *self)
{
    size_t capacity = self->lane_capacity ? 2 * self->lane_capacity : 64;
    struct lane *lane = mem_realloc(self->source.lane, capacity * sizeof(*lane));
    if (lane)
        self->source.lane = lane;
    struct watch *watch = lane ? mem_realloc(self->watch, capacity * sizeof(*watch)) : NULL;
    if (!watch)
        return false;
    self->watch = watch;
    self->lane_capacity = capacity;
    return true;
}

/* The lane of a partition, made at its first sight; NULL where memory or the limit ran out. */
struct lane *kafka_lane(struct kafka *self, const char *topic, int32_t partition)
{
    uint32_t found = kafka_find_lane(self, topic, partition);
    if (found != UINT32_MAX)
        return &self->source.lane[found];
    size_t count = self->source.lane_count;
    str name;
    if (count == LANE_LIMIT || (count == self->lane_capacity && !grow_lanes(self))
        || !arena_copy(&self->arena, str_from(topic), &name))
        return NULL;
    self->source.lane[count] = lane_new(name, partition);
    self->watch[count] = (struct watch){.check_us = TIME_UNKNOWN};
    return &self->source.lane[self->source.lane_count++];
}

void kafka_drop_stash(struct kafka *self)
{
    for (; self->stash_at < self->stash_count; self->stash_at++)
        rd_kafka_message_destroy(self->stash[self->stash_at]);
    self->stash_at = self->stash_count = self->stash_bytes = 0;
}

static bool describe_partition(struct kafka *self, const char *topic, int32_t partition,
                               struct fault *fault)
{
    struct lane *lane = kafka_lane(self, topic, partition);
    if (!lane)
        return fault_memory(fault, "partitions");
    rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
        self->client, topic, partition, &lane->low, &lane->high, CALL_WAIT_MS);
    return !error || kafka_fault(fault, error, "asking for the ends of a partition");
}

static bool describe_topic(struct kafka *self, const char *topic, struct fault *fault)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(self->client, topic, NULL);
    if (!handle)
        return kafka_fault(fault, rd_kafka_last_error(), topic);
    rd_kafka_resp_err_t error = rd_kafka_metadata(self->client, 0, handle, &metadata, CALL_WAIT_MS);
    rd_kafka_topic_destroy(handle);
    if (error)
        return kafka_fault(fault, error, "asking for a topic's partitions");
    bool good = metadata->topic_cnt == 1;
    for (int i = 0; good && i < metadata->topics[0].partition_cnt; i++)
        good = describe_partition(self, topic, metadata->topics[0].partitions[i].id, fault);
    rd_kafka_metadata_destroy(metadata);
    return good;
}

/* The group keeps a text beside each offset: "held=1234" where a half waits. */
#define HELD "held="

void kafka_write_held(rd_kafka_t *client, rd_kafka_topic_partition_t *element, int64_t held)
{
    char text[40];
    int len = snprintf(text, sizeof(text), HELD "%lld", (long long)held);
    element->metadata = rd_kafka_mem_malloc(client, (size_t)len + 1);
    if (!element->metadata)
        return; /* the offset alone: what waits is unknown after a start */
    memcpy(element->metadata, text, (size_t)len + 1);
    element->metadata_size = (size_t)len;
}

static int64_t read_held(const rd_kafka_topic_partition_t *element)
{
    str text = {element->metadata, element->metadata ? element->metadata_size : 0};
    int64_t held;
    if (!str_starts(text, STR(HELD)) || !str_to_int64(str_from_at(text, strlen(HELD)), &held)
        || held < 0)
        return OFFSET_NONE;
    return held;
}

/* Reads the group's offsets of all lanes known. */
static bool read_committed(struct kafka *self, struct fault *fault)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    char topic[512];
    for (size_t i = 0; i < self->source.lane_count; i++) {
        const struct lane *lane = &self->source.lane[i];
        snprintf(topic, sizeof(topic), "%.*s", STR_ARG(lane->topic));
        rd_kafka_topic_partition_list_add(list, topic, lane->partition);
    }
    rd_kafka_resp_err_t error = list->cnt ? rd_kafka_committed(self->client, list, CALL_WAIT_MS)
                                          : RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; !error && i < list->cnt; i++) {
        int64_t offset = list->elems[i].offset;
        self->source.lane[i].committed = offset >= 0 ? offset : OFFSET_NONE;
        self->source.lane[i].committed_held = read_held(&list->elems[i]);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return !error || kafka_fault(fault, error, "asking for the group's offsets");
}

static bool read_identity(struct kafka *self, struct fault *fault)
{
    if (self->source.identity.len > 0)
        return true;
    char *id = rd_kafka_clusterid(self->client, CALL_WAIT_MS);
    if (!id)
        return fault_set(fault, FAULT_RETRY, "kafka: no broker tells the cluster's id");
    /* The in-process broker makes its id up from an address. */
    str name = str_from(id), mock = STR(KAFKA_MOCK_CLUSTER);
    bool good = arena_copy(&self->arena, str_starts(name, mock) ? mock : name,
                           &self->source.identity)
                || fault_memory(fault, "the cluster's id");
    rd_kafka_mem_free(self->client, id);
    return good;
}

bool kafka_describe(struct source *source, struct fault *fault)
{
    struct kafka *self = (struct kafka *)source;
    char topic[512];
    /* Lanes of a topic may be added while the list is walked; its names stay where they are. */
    for (size_t i = 0; i < source->lane_count; i++) {
        bool first = source->lane[i].incoming;
        for (size_t j = 0; first && j < i; j++)
            first = !source->lane[j].incoming
                    || !str_eq(source->lane[j].topic, source->lane[i].topic);
        snprintf(topic, sizeof(topic), "%.*s", STR_ARG(source->lane[i].topic));
        if (first && !describe_topic(self, topic, fault))
            return false;
    }
    return read_committed(self, fault) && read_identity(self, fault);
}

static bool is_cooperative(const struct kafka *self)
{
    const char *protocol = rd_kafka_rebalance_protocol(self->client);
    return protocol && strcmp(protocol, "COOPERATIVE") == 0;
}

/* Where to fetch from: the record before the start too, where there is something to compare; and
   from the half that waits, where it is still there. */
static int64_t fetch_start(struct lane *lane, struct watch *watch)
{
    bool check = lane->last_us != TIME_UNKNOWN && lane->next > 0 && lane->next - 1 >= lane->low;
    watch->check_us = check ? lane->last_us : TIME_UNKNOWN;
    if (lane->held < lane->low || lane->held >= lane->next)
        lane->held = OFFSET_NONE;
    if (lane->held != OFFSET_NONE)
        return lane->held;
    return check ? lane->next - 1 : lane->next;
}

enum lane_choice {
    LANES_ASSIGNED,
    LANES_INCOMING,
    LANES_BOTH,
    LANES_OUTGOING,
    LANES_PAUSED,
    LANES_TO_PAUSE,
    LANES_TO_RESUME
};

static bool is_chosen(const struct kafka *self, size_t number, enum lane_choice choice)
{
    const struct lane *lane = &self->source.lane[number];
    bool paused = self->watch[number].paused, waits = self->held_back || lane->resting;
    switch (choice) {
    case LANES_ASSIGNED:
        return lane->assigned;
    case LANES_INCOMING:
        return lane->incoming;
    case LANES_BOTH:
        return lane->assigned || lane->incoming;
    case LANES_OUTGOING:
        return lane->outgoing;
    case LANES_PAUSED:
        return paused;
    case LANES_TO_PAUSE:
        return !paused && lane->assigned && waits;
    case LANES_TO_RESUME:
        return paused && (lane->outgoing || !waits);
    }
    return false;
}

static rd_kafka_topic_partition_list_t *list_of_lanes(struct kafka *self, enum lane_choice choice,
                                                      bool with_offsets)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    char topic[512];
    for (size_t i = 0; i < self->source.lane_count; i++) {
        struct lane *lane = &self->source.lane[i];
        if (!is_chosen(self, i, choice))
            continue;
        snprintf(topic, sizeof(topic), "%.*s", STR_ARG(lane->topic));
        rd_kafka_topic_partition_t *element = rd_kafka_topic_partition_list_add(list, topic,
                                                                                lane->partition);
        if (with_offsets)
            element->offset = fetch_start(lane, &self->watch[i]);
    }
    return list;
}

static bool take_error(rd_kafka_error_t *error, struct fault *fault)
{
    if (!error)
        return true;
    kafka_fault(fault, rd_kafka_error_code(error), rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return false;
}

/* librdkafka hears of changes alone: told to go on with a partition that it has not paused, it
   reads that anew from where it was paused last. */
static bool tell(struct kafka *self, enum lane_choice choice, bool paused, struct fault *fault)
{
    rd_kafka_topic_partition_list_t *list = list_of_lanes(self, choice, false);
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (list->cnt > 0)
        error = paused ? rd_kafka_pause_partitions(self->client, list)
                       : rd_kafka_resume_partitions(self->client, list);
    for (size_t i = 0; !error && i < self->source.lane_count; i++)
        if (is_chosen(self, i, choice))
            self->watch[i].paused = paused;
    rd_kafka_topic_partition_list_destroy(list);
    return !error || kafka_fault(fault, error, "pausing partitions");
}

/* A cooperative group is given only what is new; what is ours already is moved by leaving and
   taking it up again. */
static bool assign_cooperative(struct kafka *self, struct fault *fault)
{
    rd_kafka_topic_partition_list_t *held = list_of_lanes(self, LANES_ASSIGNED, false);
    rd_kafka_topic_partition_list_t *all = list_of_lanes(self, LANES_BOTH, true);
    bool good = (held->cnt == 0
                 || take_error(rd_kafka_incremental_unassign(self->client, held), fault))
                && take_error(rd_kafka_incremental_assign(self->client, all), fault);
    rd_kafka_topic_partition_list_destroy(held);
    rd_kafka_topic_partition_list_destroy(all);
    return good;
}

static bool assign_eager(struct kafka *self, struct fault *fault)
{
    rd_kafka_topic_partition_list_t *list = list_of_lanes(self, LANES_BOTH, true);
    rd_kafka_resp_err_t error = rd_kafka_assign(self->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    return !error || kafka_fault(fault, error, "taking up partitions");
}

/* What is paused goes on before it is taken up, and not behind that: librdkafka starts to fetch on
   a thread of its own, and of what it is told of a partition meanwhile it drops one or the other
   as late; nothing would be fetched any more. */
bool kafka_assign(struct source *source, struct fault *fault)
{
    struct kafka *self = (struct kafka *)source;
    kafka_drop_stash(self);
    if (!tell(self, LANES_PAUSED, false, fault))
        return false;
    self->held_back = false;
    if (!(is_cooperative(self) ? assign_cooperative(self, fault) : assign_eager(self, fault)))
        return false;
    for (size_t i = 0; i < source->lane_count; i++) {
        struct lane *lane = &source->lane[i];
        lane->assigned = lane->assigned || lane->incoming;
        lane->incoming = false;
    }
    if (source->turn == SOURCE_ASSIGNED)
        source->turn = SOURCE_STEADY;
    return true;
}

bool kafka_unassign(struct source *source, struct fault *fault)
{
    struct kafka *self = (struct kafka *)source;
    kafka_drop_stash(self);
    /* It stays paused with librdkafka, also where it comes back one day. */
    if (!tell(self, LANES_TO_RESUME, false, fault))
        return false;
    bool good = true;
    if (is_cooperative(self)) {
        rd_kafka_topic_partition_list_t *list = list_of_lanes(self, LANES_OUTGOING, false);
        good = take_error(rd_kafka_incremental_unassign(self->client, list), fault);
        rd_kafka_topic_partition_list_destroy(list);
    } else {
        rd_kafka_resp_err_t error = rd_kafka_assign(self->client, NULL);
        good = !error || kafka_fault(fault, error, "giving up partitions");
    }
    for (size_t i = 0; i < source->lane_count; i++) {
        struct lane *lane = &source->lane[i];
        if (lane->outgoing)
            lane_give_up(lane);
    }
    source->turn = SOURCE_STEADY;
    return good;
}

/* The group waits for an answer to what it assigned, and every member with it: it gets one even
   where the lanes cannot be taken up yet. Nothing is fetched until they are. */
static bool answer_assignment(struct kafka *self, struct fault *fault)
{
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(1);
    bool good = true;
    if (is_cooperative(self)) {
        good = take_error(rd_kafka_incremental_assign(self->client, none), fault);
    } else {
        rd_kafka_resp_err_t error = rd_kafka_assign(self->client, none);
        good = !error || kafka_fault(fault, error, "answering the group");
    }
    rd_kafka_topic_partition_list_destroy(none);
    if (good)
        self->source.turn = SOURCE_STEADY;
    return good;
}

bool kafka_hold(struct kafka *self, bool held, struct fault *fault)
{
    self->held_back = held;
    return tell(self, LANES_TO_PAUSE, true, fault) && tell(self, LANES_TO_RESUME, false, fault);
}

bool kafka_pause(struct source *source, bool paused, struct fault *fault)
{
    struct kafka *self = (struct kafka *)source;
    if (paused && source->turn == SOURCE_ASSIGNED && !answer_assignment(self, fault))
        return false;
    return kafka_hold(self, paused, fault);
}
