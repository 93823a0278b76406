/*
 * Batch: arrays in one arena, and the list of library objects to give back.
 */
#include <fieldtrail/batch.h>

#include "clock.h"

void batch_init(struct batch *batch, size_t limit)
{
    *batch = (struct batch){0};
    arena_init(&batch->arena, limit);
}

void batch_reset(struct batch *batch)
{
    for (size_t i = 0; i < batch->pin_count; i++)
        batch->pin[i].unpin(batch->pin[i].thing);
    struct arena arena = batch->arena;
    arena_reset(&arena);
    *batch = (struct batch){.arena = arena};
}

bool batch_stamp(struct batch *batch, int64_t inserted_us, struct fault *fault)
{
    char text[TIMESTAMP_SIZE];
    batch->inserted_us = inserted_us;
    return arena_copy(&batch->arena, (str){text, timestamp_print(text, inserted_us)},
                      &batch->inserted_text)
           || fault_memory(fault, "a batch");
}

void batch_release(struct batch *batch)
{
    batch_reset(batch);
    arena_release(&batch->arena);
}

/* Room for one more element of an array that doubles. */
static bool make_room(struct batch *batch, void **array, size_t count, size_t *capacity,
                      size_t size, struct fault *fault)
{
    if (count < *capacity)
        return true;
    size_t wanted = *capacity ? 2 * *capacity : 64;
    void *grown = arena_grow(&batch->arena, *array, *capacity * size, wanted * size);
    if (!grown)
        return fault_memory(fault, "a batch");
    *array = grown;
    *capacity = wanted;
    return true;
}

bool batch_grow_records(struct batch *batch, struct fault *fault)
{
    void *array = batch->record;
    if (!make_room(batch, &array, batch->record_count, &batch->record_capacity,
                   sizeof(*batch->record), fault))
        return false;
    batch->record = array;
    return true;
}

bool batch_grow_rows(struct batch *batch, struct fault *fault)
{
    void *array = batch->row;
    if (!make_room(batch, &array, batch->row_count, &batch->row_capacity, sizeof(*batch->row),
                   fault))
        return false;
    batch->row = array;
    return true;
}

bool batch_pin(struct batch *batch, void *thing, batch_unpin *unpin, struct fault *fault)
{
    void *array = batch->pin;
    if (!make_room(batch, &array, batch->pin_count, &batch->pin_capacity, sizeof(*batch->pin),
                   fault))
        return false;
    batch->pin = array;
    batch->pin[batch->pin_count++] = (struct batch_pin){thing, unpin};
    return true;
}
