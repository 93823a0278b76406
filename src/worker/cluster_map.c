/*
 * A sorted array: it is searched far more often than it grows.
 */
#include "cluster_map.h"

#include "mem.h"

size_t cluster_map_from(const struct cluster_map *map, str key)
{
    size_t low = 0, high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_compare(map->entry[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct cluster_map *map, size_t at, str key)
{
    return at < map->count && str_eq(map->entry[at].key, key);
}

const struct cluster_entry *cluster_map_find(const struct cluster_map *map, str key)
{
    size_t at = cluster_map_from(map, key);
    return is_at(map, at, key) ? &map->entry[at] : NULL;
}

static size_t size_of(const struct cluster_entry *entry)
{
    return entry->key.len + entry->value.len;
}

static bool copy(struct cluster_entry *to, const struct cluster_entry *from)
{
    char *piece = mem_alloc(size_of(from) + 1);
    if (!piece)
        return false;
    *to = *from;
    to->key.ptr = piece;
    to->value.ptr = piece + from->key.len;
    memcpy(piece, from->key.ptr, from->key.len);
    if (from->value.len > 0)
        memcpy(piece + from->key.len, from->value.ptr, from->value.len);
    return true;
}

static void free_texts(struct cluster_entry *entry)
{
    mem_free((char *)(uintptr_t)entry->key.ptr);
}

static bool make_room(struct cluster_map *map, size_t at)
{
    struct cluster_entry *entry = mem_grow(map->entry, map->count, &map->capacity, sizeof(*entry));
    if (!entry)
        return false;
    map->entry = entry;
    memmove(&map->entry[at + 1], &map->entry[at], (map->count - at) * sizeof(*map->entry));
    map->count++;
    return true;
}

bool cluster_map_set(struct cluster_map *map, const struct cluster_entry *entry,
                     struct fault *fault)
{
    struct cluster_entry made;
    size_t at = cluster_map_from(map, entry->key);
    bool there = is_at(map, at, entry->key);
    size_t before = there ? size_of(&map->entry[at]) : 0;
    if ((!there && map->count == CLUSTER_MAP_LIMIT)
        || map->bytes - before + size_of(entry) > CLUSTER_MAP_BYTES_LIMIT)
        return fault_set(fault, FAULT_RECORD,
                         "there is no room for it: %d keys and %zu MiB are "
                         "the limits",
                         CLUSTER_MAP_LIMIT, CLUSTER_MAP_BYTES_LIMIT >> 20);
    if (!copy(&made, entry))
        return fault_memory(fault, "a record of the cluster");
    if (there) {
        free_texts(&map->entry[at]);
    } else if (!make_room(map, at)) {
        free_texts(&made);
        return fault_memory(fault, "a record of the cluster");
    }
    map->entry[at] = made;
    map->bytes = map->bytes - before + size_of(&made);
    return true;
}

void cluster_map_drop(struct cluster_map *map, str key)
{
    size_t at = cluster_map_from(map, key);
    if (!is_at(map, at, key))
        return;
    map->bytes -= size_of(&map->entry[at]);
    free_texts(&map->entry[at]);
    map->count--;
    memmove(&map->entry[at], &map->entry[at + 1], (map->count - at) * sizeof(*map->entry));
}

void cluster_map_release(struct cluster_map *map)
{
    for (size_t i = 0; i < map->count; i++)
        free_texts(&map->entry[i]);
    mem_free(map->entry);
    *map = (struct cluster_map){0};
}
