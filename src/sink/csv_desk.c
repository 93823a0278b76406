/*
 * What is stored of a connector's partitions, for people to see and to move, and whether the
 * directory could take rows. Used while no task is.
 */
#include <errno.h>

#include "csv_lanes.h"
#include "mem.h"

static bool csv_inspect(struct sink *sink, const struct lane *lane, struct note *note, size_t count,
                        struct fault *fault)
{
    struct csv *self = (struct csv *)sink;
    if (!sink_inspect_nothing(sink, lane, note, count, fault))
        return false;
    if (self->folder->type->enter(self->folder) != 0)
        return errno == ENOENT || folder_fault(fault, self->folder, "open", NULL);
    for (size_t i = 0; i < count; i++) {
        struct side_owner owner = csv_owner(self, lane[i].topic, lane[i].partition);
        struct file_name name;
        struct side side;
        bool found;
        lane_name(&name, lane[i].topic, lane[i].partition);
        arena_reset(&self->scratch);
        if (!side_read(self->folder, &self->scratch, name.text, &owner, &side, &found, fault))
            return false;
        if (!found)
            continue;
        note[i].memory = (struct memory){side.next, side.last_us, side.epoch, side.held};
        snprintf(note[i].owner, sizeof(note[i].owner), "%.*s", STR_ARG(side.worker));
    }
    return true;
}

/* Every side file is written before the first takes its place. */
static bool write_positions(struct csv *self, const struct lane *lane, size_t count,
                            struct fault *fault)
{
    for (size_t i = 0; i < count; i++) {
        struct csv_lane *ours = &self->lane[i];
        struct side_owner owner = csv_owner(self, ours->topic, ours->partition);
        ours->side.next = lane[i].next;
        ours->side.last_us = TIME_UNKNOWN;
        ours->side.held = OFFSET_NONE;
        if (!side_stage(self->folder, &self->text, ours->name.text, &owner, &ours->side, fault))
            return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!side_publish(self->folder, self->lane[i].name.text, fault))
            return false;
    return folder_sync_names(self->folder, fault);
}

/* A claim locks the partitions, raises their epochs, and mends what a crash left, so that the files
   are whole up to where the new position was set. */
static bool amend_claimed(struct csv *self, const struct lane *from, struct lane *lane,
                          size_t count, struct memory *memory, struct fault *fault)
{
    const struct sink_type *type = self->sink.type;
    csv_forget_lanes(self); /* those of another call have other numbers */
    for (size_t i = 0; i < count; i++) {
        lane[i] = from[i];
        lane[i].assigned = true;
        lane[i].incoming = lane[i].outgoing = false;
    }
    bool good = type->recall(&self->sink, lane, memory, count, fault)
                && type->claim(&self->sink, lane, memory, count, fault)
                && write_positions(self, lane, count, fault);
    for (size_t i = 0; i < count; i++)
        lane[i].outgoing = true;
    type->release(&self->sink, lane, count);
    return good;
}

static bool csv_amend(struct sink *sink, const struct lane *lane, size_t count, struct fault *fault)
{
    struct csv *self = (struct csv *)sink;
    struct lane *copy = mem_alloc((count + 1) * sizeof(*copy));
    struct memory *memory = mem_alloc((count + 1) * sizeof(*memory));
    bool good = copy && memory ? amend_claimed(self, lane, copy, count, memory, fault)
                               : fault_memory(fault, "positions");
    mem_free(copy);
    mem_free(memory);
    return good;
}

static void csv_check(struct sink *sink, const struct batch *sample, struct findings *findings)
{
    struct csv *self = (struct csv *)sink;
    struct fault fault;
    (void)sample;
    if (!csv_enter(self, &fault)) {
        findings_add(findings, FINDING_FAIL, "target: %s", fault.text);
        return;
    }
    if (!self->folder->type->is_writable(self->folder)) {
        folder_fault(&fault, self->folder, "write to", NULL);
        findings_add(findings, FINDING_FAIL, "target: %s", fault.text);
        return;
    }
    findings_add(findings, FINDING_OK, "target: directory %s, %s", self->folder->path,
                 csv_extension(self));
    switch (self->folder->type->kind(self->folder)) {
    case FOLDER_LOCAL:
        break;
    case FOLDER_SHARED:
        findings_add(findings, FINDING_WARN,
                     "target: %s lies on a network: rows are there exactly once only if its locks "
                     "and renames hold for all machines, as those of NFS 4 do",
                     self->folder->path);
        break;
    case FOLDER_VOLATILE:
        findings_add(
            findings, FINDING_WARN,
            "target: %s lies in memory: a restart of the machine takes rows and positions; "
            "say a file.path on a disk",
            self->folder->path);
        break;
    }
}

const struct sink_desk csv_desk = {.inspect = csv_inspect, .amend = csv_amend, .check = csv_check};
