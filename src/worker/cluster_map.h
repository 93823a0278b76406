/*
 * cluster_map: keys and their newest values, in the order of the keys. One owner, no locks.
 */
#ifndef FIELDTRAIL_CLUSTER_MAP_H
#define FIELDTRAIL_CLUSTER_MAP_H

#include <fieldtrail/fault.h>
#include <fieldtrail/str.h>

#define CLUSTER_MAP_LIMIT 50000
#define CLUSTER_MAP_BYTES_LIMIT ((size_t)128 * 1024 * 1024)

struct cluster_entry {
    str key, value; /* one piece of memory; they live until the key is set or dropped */
    int64_t offset; /* of its record */
    bool old;       /* it was there before reading began */
};

struct cluster_map {
    struct cluster_entry *entry;
    size_t count, capacity, bytes;
};

/* All zeroes are an empty map. */
void cluster_map_release(struct cluster_map *map);

/* Sets a key, over an earlier value; copies the texts. FAULT_RECORD where the map is full. */
bool cluster_map_set(struct cluster_map *map, const struct cluster_entry *entry,
                     struct fault *fault) MUST_CHECK;
void cluster_map_drop(struct cluster_map *map, str key);

/* NULL where the key is not there. */
const struct cluster_entry *cluster_map_find(const struct cluster_map *map, str key);

/* The number of the first entry whose key is not before this one: those that begin with it follow
   it. */
size_t cluster_map_from(const struct cluster_map *map, str key);

#endif
