/*
 * The flush: rows onto the disk, then the side files that make them hold, then final names. Between
 * any two of its steps the machine may stop.
 */
#include <assert.h>
#include <errno.h>

#include "csv_lanes.h"

/* ---- planning ---- */

static struct file_name final_name(const struct csv_lane *lane, const struct side *side)
{
    struct file_name name = side->file;
    str text = str_from(name.text), part = STR(PART_SUFFIX);
    if (str_ends(text, part)) {
        name.text[text.len - part.len] = '\0';
        return name;
    }
    const char *extension = strrchr(name.text, '.');
    return name_of_rows(lane->name.text, side->start, extension ? extension + 1 : "");
}

static bool add_name(struct csv *self, struct str_list *list, struct file_name name,
                     struct fault *fault)
{
    return arena_copy(&self->scratch, str_from(name.text), &list->item[list->count++])
           || fault_memory(fault, "names of files");
}

/* One file is whole, and the next begins. Nothing may stand where either goes. */
static bool plan_roll(struct csv *self, struct csv_lane *lane, struct side *file,
                      const struct extent *extent, struct fault *fault)
{
    struct file_name final = final_name(lane, file);
    struct file_name fresh = csv_part_name(self, lane, extent->start);
    if (strcmp(fresh.text, file->file.text) == 0)
        return csv_check_final(self, str_from(fresh.text), fault);
    if (!csv_check_final(self, str_from(final.text), fault)
        || !add_name(self, &lane->fresh.rolled, file->file, fault)
        || !add_name(self, &lane->fresh.rolled, final, fault)
        || !add_name(self, &lane->fresh.planned, fresh, fault))
        return false;
    file->file = fresh;
    file->start = extent->start;
    return true;
}

static bool plan_lane(struct csv *self, struct csv_lane *lane, struct fault *fault)
{
    size_t rolls = 0;
    struct side file = lane->side;
    for (size_t i = lane->first; i != EXTENT_NONE; i = self->extent[i].next)
        rolls += self->extent[i].begins;
    lane->fresh.rolled = lane->fresh.planned = (struct str_list){NULL, 0};
    if (rolls == 0)
        return true;
    lane->fresh.rolled.item = ARENA_NEW(&self->scratch, str, 2 * rolls);
    lane->fresh.planned.item = ARENA_NEW(&self->scratch, str, rolls);
    if (!lane->fresh.rolled.item || !lane->fresh.planned.item)
        return fault_memory(fault, "names of files");
    for (size_t i = lane->first; i != EXTENT_NONE; i = self->extent[i].next)
        if (self->extent[i].begins && !plan_roll(self, lane, &file, &self->extent[i], fault))
            return false;
    return true;
}

/* Nobody else has written the side file since we did. On one machine the lock sees to that; on a
   shared directory a lock may be lost with the network. */
static bool check_owner(struct csv *self, const struct csv_lane *lane, struct fault *fault)
{
    struct side there;
    struct side_owner owner = csv_owner(self, lane->topic, lane->partition);
    bool found;
    if (!csv_check_lock(self, lane, fault)
        || !side_read(self->folder, &self->scratch, lane->name.text, &owner, &there, &found, fault))
        return false;
    if (found && there.epoch == lane->side.epoch && there.next == lane->side.next)
        return true;
    bool fenced = found && there.epoch != lane->side.epoch;
    fault_set(fault, FAULT_RETRY,
              fenced ? "%s/%s.side: another worker has claimed the partition since"
                     : "%s/%s.side was removed or altered",
              self->folder->path, lane->name.text);
    fault->code = fenced ? SINK_FENCED : SINK_MOVED;
    return false;
}

/* New files are named in a durable side file before they are made, so that a start knows them. */
static bool write_plan(struct csv *self, const struct csv_lane *lane, struct fault *fault)
{
    struct side side = lane->side;
    struct side_owner owner = csv_owner(self, lane->topic, lane->partition);
    side.planned = lane->fresh.planned;
    return check_owner(self, lane, fault)
           && side_stage(self->folder, &self->text, lane->name.text, &owner, &side, fault)
           && side_publish(self->folder, lane->name.text, fault);
}

static bool plan(struct csv *self, const struct reach *reach, size_t count, struct fault *fault)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        struct csv_lane *lane = &self->lane[reach[i].lane];
        assert(lane->claimed);
        if (!plan_lane(self, lane, fault))
            return false;
        if (lane->fresh.planned.count == 0)
            continue;
        any = true;
        if (!csv_beat(self, fault) || !write_plan(self, lane, fault))
            return false;
    }
    return !any || folder_sync_names(self->folder, fault);
}

/* ---- rows ---- */

struct growing {
    int file; /* -1: none */
    struct file_name name;
    int64_t size;
    uint64_t inode;
};

/* Somebody removed or replaced the file, or wrote to it. */
static bool has_changed(struct csv *self, const char *name, struct fault *fault)
{
    return fault_set(fault, FAULT_RETRY,
                     "%s/%s was removed, replaced or written to by somebody else",
                     self->folder->path, name);
}

/* The file that grew before this flush, at its end. */
static bool open_grown(struct csv *self, const struct csv_lane *lane, struct growing *to,
                       struct fault *fault)
{
    struct file_state state;
    to->file = self->folder->type->open(self->folder, to->name.text, OPEN_WRITE);
    if (to->file < 0 && errno == ENOENT)
        return has_changed(self, to->name.text, fault);
    if (to->file < 0 || self->folder->type->look(self->folder, to->file, &state) != 0)
        return folder_fault(fault, self->folder, "open", to->name.text);
    to->inode = state.inode;
    return (state.inode == lane->inode && state.size == to->size)
           || has_changed(self, to->name.text, fault);
}

static bool open_new(struct csv *self, const struct csv_form *form, struct growing *to, bool *made,
                     struct fault *fault)
{
    struct file_state state;
    to->file = self->folder->type->open(self->folder, to->name.text, OPEN_ANEW);
    if (to->file < 0 || self->folder->type->look(self->folder, to->file, &state) != 0)
        return folder_fault(fault, self->folder, "make", to->name.text);
    *made = true;
    to->inode = state.inode;
    to->size = (int64_t)form->head.len;
    return folder_write(self->folder, to->file, to->name.text, buf_view(&form->head), 0, fault);
}

/* All that the file got is durable, and it is the file that the name leads to. */
static bool finish(struct csv *self, struct growing *to, struct fault *fault)
{
    struct file_state state;
    if (to->file < 0)
        return true;
    if (self->folder->type->sync(self->folder, to->file) != 0)
        return folder_sync_fault(fault, self->folder, to->name.text);
    if (self->folder->type->find(self->folder, to->name.text, &state) != 0
        || state.inode != to->inode || state.size != to->size)
        return has_changed(self, to->name.text, fault);
    self->folder->type->close(self->folder, to->file);
    to->file = -1;
    return true;
}

static bool write_extent(struct csv *self, struct csv_lane *lane, const struct extent *extent,
                         struct growing *to, bool *made, struct fault *fault)
{
    if (extent->begins) {
        if (!finish(self, to, fault))
            return false;
        to->name = csv_part_name(self, lane, extent->start);
        to->size = 0;
    }
    if (to->file < 0
        && !(to->size == 0 ? open_new(self, extent->form, to, made, fault)
                           : open_grown(self, lane, to, fault)))
        return false;
    str rows = {self->rows.ptr + extent->at, extent->len};
    if (!folder_write(self->folder, to->file, to->name.text, rows, to->size, fault))
        return false;
    to->size += (int64_t)extent->len;
    return csv_beat(self, fault);
}

static bool write_lane(struct csv *self, struct csv_lane *lane, bool *made, struct fault *fault)
{
    struct growing to = {-1, lane->side.file, lane->side.length, 0};
    bool good = true;
    for (size_t i = lane->first; good && i != EXTENT_NONE; i = self->extent[i].next)
        good = write_extent(self, lane, &self->extent[i], &to, made, fault);
    good = good && finish(self, &to, fault);
    if (to.file >= 0)
        self->folder->type->close(self->folder, to.file);
    if (good && lane->first != EXTENT_NONE)
        lane->inode = to.inode;
    return good;
}

static bool write_rows(struct csv *self, const struct reach *reach, size_t count,
                       struct fault *fault)
{
    bool made = false;
    for (size_t i = 0; i < count; i++)
        if (!write_lane(self, &self->lane[reach[i].lane], &made, fault))
            return false;
    /* A side file must not count on a file whose name is not on the disk yet. */
    return !made || folder_sync_names(self->folder, fault);
}

/* ---- positions ---- */

static bool stage_lane(struct csv *self, const struct reach *reach, struct fault *fault)
{
    struct csv_lane *lane = &self->lane[reach->lane];
    struct side_owner owner = csv_owner(self, lane->topic, lane->partition);
    lane->fresh.planned = (struct str_list){NULL, 0};
    lane->fresh.next = reach->next;
    lane->fresh.held = reach->held;
    if (reach->last_us != TIME_UNKNOWN)
        lane->fresh.last_us = reach->last_us;
    return csv_beat(self, fault) && check_owner(self, lane, fault)
           && side_stage(self->folder, &self->text, lane->name.text, &owner, &lane->fresh, fault);
}

/* From the last line on, the rows of the flush hold. */
static bool move_positions(struct csv *self, const struct reach *reach, size_t count,
                           struct fault *fault)
{
    for (size_t i = 0; i < count; i++)
        if (!stage_lane(self, &reach[i], fault))
            return false;
    for (size_t i = 0; i < count; i++)
        if (!side_publish(self->folder, self->lane[reach[i].lane].name.text, fault))
            return false;
    return folder_sync_names(self->folder, fault);
}

/* A failure here takes nothing back, but it is told: a claim tries again. */
static bool complete(struct csv *self, const struct reach *reach, size_t count, struct fault *fault)
{
    for (size_t i = 0; i < count; i++) {
        struct csv_lane *lane = &self->lane[reach[i].lane];
        if (!csv_complete(self, &lane->fresh.rolled, fault))
            return false;
        lane->fresh.rolled = (struct str_list){NULL, 0};
        lane->side = lane->fresh;
    }
    return true;
}

bool csv_flush(struct sink *sink, const struct lane *lane, const struct reach *reach, size_t count,
               struct fault *fault)
{
    struct csv *self = (struct csv *)sink;
    (void)lane;
    if (count == 0)
        return true;
    arena_reset(&self->scratch);
    bool good = (self->folder->type->enter(self->folder) == 0
                 || folder_fault(fault, self->folder, "open", NULL))
                && plan(self, reach, count, fault) && write_rows(self, reach, count, fault)
                && move_positions(self, reach, count, fault) && complete(self, reach, count, fault);
    csv_forget(self);
    for (size_t i = 0; !good && i < self->lane_count; i++)
        self->lane[i].claimed = false;
    return good;
}
