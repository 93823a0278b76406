/*
 * Queues of held records.
 */
#include "whole_queue.h"

#include "mem.h"

static str put_text(char **at, str text)
{
    str put = {text.ptr ? *at : NULL, text.len};
    if (text.ptr && text.len > 0)
        memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return put;
}

static size_t held_bytes(const struct record *record, const struct transaction *transaction)
{
    size_t bytes = sizeof(struct held) + record->header_count * sizeof(struct header)
                   + transaction->part_count * sizeof(struct transaction_part);
    for (size_t i = 0; i < record->header_count; i++)
        bytes += record->header[i].name.len + record->header[i].value.len;
    for (size_t i = 0; i < transaction->part_count; i++)
        bytes += transaction->part[i].topic.len;
    return bytes + record->key.len + record->value.len + record->broken.len + transaction->id.len;
}

struct held *held_new(const struct record *record, const struct transaction *transaction)
{
    size_t bytes = held_bytes(record, transaction);
    struct held *held = mem_alloc(bytes);
    if (!held)
        return NULL;
    struct header *header = (struct header *)(held + 1);
    struct transaction_part *part = (struct transaction_part *)(header + record->header_count);
    char *at = (char *)(part + transaction->part_count);
    *held = (struct held){.record = *record,
                          .kind = transaction->kind,
                          .id = put_text(&at, transaction->id),
                          .order = transaction->order,
                          .part = part,
                          .part_count = transaction->part_count,
                          .bytes = bytes};
    held->record.key = put_text(&at, record->key);
    held->record.value = put_text(&at, record->value);
    held->record.broken = put_text(&at, record->broken);
    held->record.header = header;
    for (size_t i = 0; i < record->header_count; i++)
        header[i] = (struct header){put_text(&at, record->header[i].name),
                                    put_text(&at, record->header[i].value),
                                    record->header[i].has_value};
    for (size_t i = 0; i < transaction->part_count; i++)
        part[i] = (struct transaction_part){put_text(&at, transaction->part[i].topic),
                                            transaction->part[i].count};
    return held;
}

void held_free(void *held)
{
    mem_free(held);
}

void queue_add(struct queue *queue, struct held *held)
{
    if (queue->last)
        queue->last->next = held;
    else
        queue->first = held;
    queue->last = held;
    queue->count++;
}

bool queue_gave(const struct queue *queue, str id, int64_t order)
{
    return queue->given_order >= order && queue->given_id == str_hash(STR_HASH_START, id);
}

struct held *queue_take(struct queue *queue)
{
    struct held *held = queue->first;
    queue->first = held->next;
    if (!queue->first)
        queue->last = NULL;
    queue->count--;
    if (held->kind == TRANSACTION_EVENT && !queue_gave(queue, held->id, held->order)) {
        queue->given_id = str_hash(STR_HASH_START, held->id);
        queue->given_order = held->order;
    }
    return held;
}

void queue_clear(struct queue *queue)
{
    while (queue->first)
        held_free(queue_take(queue));
}

bool queue_has(const struct queue *queue, str id, int64_t order)
{
    if (queue_gave(queue, id, order))
        return true;
    for (const struct held *held = queue->first; held; held = held->next)
        if (held->kind == TRANSACTION_EVENT && held->order >= order && str_eq(held->id, id))
            return true;
    return false;
}

/* Whether a transaction of that id begins before `end` and has no END before it. */
static bool is_open(const struct queue *queue, str id, const struct held *end)
{
    bool open = false;
    for (const struct held *held = queue->first; held != end; held = held->next)
        if (str_eq(held->id, id))
            open = held->kind == TRANSACTION_BEGIN;
    return open;
}

const struct held *queue_group(const struct queue *queue)
{
    size_t open = 0;
    for (const struct held *held = queue->first; held; held = held->next) {
        if (held->kind != TRANSACTION_BEGIN && held->kind != TRANSACTION_END)
            continue;
        bool was_open = is_open(queue, held->id, held);
        if (held->kind == TRANSACTION_BEGIN)
            open += !was_open;
        else
            open -= was_open;
        if (held->kind == TRANSACTION_END && open == 0)
            return held;
    }
    return NULL;
}
