/*
 * herder_cluster_parts: what the files of the cluster's herder share. Internal to it.
 */
#ifndef FIELDTRAIL_HERDER_CLUSTER_PARTS_H
#define FIELDTRAIL_HERDER_CLUSTER_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "cluster_log.h"
#include "cluster_map.h"
#include "cluster_record.h"
#include "cluster_roll.h"
#include "herder_cluster.h"

/* What one round, or the reading of one record, may take. */
#define CLUSTER_SCRATCH_LIMIT ((size_t)64 * 1024 * 1024)

/* So that all keys of a connector, that of a status of a topic of 249 bytes too, can be written. */
#define CLUSTER_NAME_LIMIT 700

struct offer {
    struct config config;
    struct offer *next;
};

struct cluster {
    struct herder herder;
    struct cluster_settings settings;
    struct arena arena; /* of the offers */
    char instance[CLUSTER_INSTANCE_LIMIT];
    struct cluster_worker self;
    struct cluster_log *configs, *statuses;
    struct arena config_scratch, status_scratch; /* each of its log's thread */
    /* Guarded by `mutex`: */
    pthread_mutex_t mutex;
    struct cluster_map config, status;
    struct cluster_roll roll;
    bool marked;       /* the topic of configurations is this cluster's */
    bool acquainted;   /* a worker of this cluster has written to the topic of statuses */
    bool doubled;      /* another worker has our name; once is enough to say */
    uint64_t versions; /* grows with every configuration and target state */
    /* The worker's thread's, while it holds `sending`; who else sends holds it too: */
    pthread_mutex_t sending;
    struct arena round;
    struct cluster_map applied; /* names of connectors, and the offset of what the worker got */
    struct cluster_map sent;    /* keys of statuses, what was sent last, and when */
    uint64_t seen_versions, seen_roll;
    int64_t next_round_ms, last_beat_ms;
    bool turned; /* its first turn was */
    /* The thread of offers: */
    struct offer *offer, **last_offer;
    pthread_t offering;
    bool offers;
    atomic_bool stop;
};

/* herder_cluster_take.c: the records of the two logs. */
cluster_take cluster_take_config, cluster_take_status;

/* herder_cluster.c: takes these keys out of the topic of statuses, and waits a while until that is
   known here. */
bool cluster_forget(struct cluster *self, const struct str_list *keys,
                    struct herder_answer *answer) MUST_CHECK;

/* herder_cluster_turn.c: called by the worker's thread. */
void cluster_turn(struct herder *herder);

/* herder_cluster_write.c: requests that change something. */
bool cluster_do_put(struct herder *herder, const struct herder_put *put, struct herder_info *info,
                    bool *created, struct herder_answer *answer);
bool cluster_do_patch(struct herder *herder, str name, const struct config *patch,
                      struct herder_info *info, struct herder_answer *answer);
bool cluster_do_remove(struct herder *herder, str name, struct herder_answer *answer);
bool cluster_do_set_target(struct herder *herder, str name, enum target_state target,
                           struct herder_answer *answer);
bool cluster_do_restart(struct herder *herder, const struct herder_restart *restart,
                        struct herder_status *status, struct herder_answer *answer);
bool cluster_do_restart_task(struct herder *herder, str name, int64_t id,
                             struct herder_answer *answer);
bool cluster_do_set_level(struct herder *herder, str logger, enum log_level level,
                          struct herder_answer *answer);

/* herder_cluster_read.c: what the maps say. A connector as the cluster has it; false where there is
   none (answer->error stays HERDER_OK), or with the answer. */
struct cluster_sight {
    struct config config;
    enum target_state target;
    int64_t tasks_max;
};
bool cluster_see(struct cluster *self, str name, struct cluster_sight *sight,
                 struct herder_answer *answer) MUST_CHECK;
/* The same; no connector is an answer too. */
bool cluster_find(struct cluster *self, str name, struct cluster_sight *sight,
                  struct herder_answer *answer) MUST_CHECK;
void cluster_describe(str name, const struct cluster_sight *sight, struct herder_info *info);
bool cluster_list(struct herder *herder, struct str_list *names, struct herder_answer *answer);
bool cluster_info(struct herder *herder, str name, struct herder_info *info,
                  struct herder_answer *answer);
bool cluster_status(struct herder *herder, str name, struct herder_status *status,
                    struct herder_answer *answer);
bool cluster_topics(struct herder *herder, str name, struct str_list *topics,
                    struct herder_answer *answer);
bool cluster_workers(struct herder *herder, struct str_list *ids, struct herder_answer *answer);
/* The keys of all that was said of the connector; with `topics` those of its topics alone. */
bool cluster_status_keys(struct cluster *self, str name, bool topics, struct str_list *keys,
                         struct herder_answer *answer) MUST_CHECK;
/* The first task that a living worker says it has, -1: none; `worker` is the arena's. */
int cluster_task_alive(struct cluster *self, str name, struct arena *arena, str *worker);

/* Both logs are read, and we have been heard; otherwise the answer says what is waited for. */
bool cluster_check_ready(struct cluster *self, struct herder_answer *answer) MUST_CHECK;

/* What is written of a key, copied; false where it is not there, or memory ran out. */
bool cluster_value(struct cluster *self, const struct cluster_map *map, str key,
                   struct arena *arena, str *value);

#endif
