/*
 * Claiming partitions: the lock, what a crash left undone, and the file of rows cut to what holds.
 */
#include <assert.h>
#include <errno.h>

#include "csv_lanes.h"
#include "log.h"
#include "mem.h"

/* ---- locks ---- */

static void unlock(struct csv *self, struct csv_lane *lane)
{
    if (lane->lock >= 0)
        self->folder->type->close(self->folder, lane->lock);
    lane->lock = -1;
    lane->claimed = false;
}

void csv_forget_lanes(struct csv *self)
{
    csv_forget(self);
    for (size_t i = 0; i < self->lane_count; i++)
        unlock(self, &self->lane[i]);
    self->lane_count = 0;
}

void csv_release(struct sink *sink, const struct lane *lane, size_t count)
{
    struct csv *self = (struct csv *)sink;
    csv_forget(self);
    /* A lane that was asked back in the middle of its claim has a lock, too. */
    for (size_t i = 0; i < count && i < self->lane_count; i++)
        if (lane[i].outgoing || !lane[i].assigned)
            unlock(self, &self->lane[i]);
}

bool csv_check_lock(struct csv *self, const struct csv_lane *lane, struct fault *fault)
{
    struct file_state ours, named;
    struct file_name name = name_with(lane->name.text, ".lock");
    if (lane->lock >= 0 && self->folder->type->look(self->folder, lane->lock, &ours) == 0
        && self->folder->type->find(self->folder, name.text, &named) == 0
        && ours.device == named.device && ours.inode == named.inode)
        return true;
    return fault_set(fault, FAULT_RETRY, "%s/%s was removed or replaced: claiming it anew",
                     self->folder->path, name.text);
}

static bool is_held(struct csv *self, int file, const char *name, struct fault *fault)
{
    char holder[200];
    ssize_t got = self->folder->type->read(self->folder, file, holder, sizeof(holder), 0);
    return fault_set(fault, FAULT_RETRY,
                     "%s/%s: held by another worker or task (%.*s): two must not write one file; "
                     "waiting until it is given up",
                     self->folder->path, name, got > 0 ? (int)got : 7,
                     got > 0 ? holder : "unknown");
}

/* Opens and locks the file; -1 with the fault set. Who holds it stands in it, for people. */
static int take_lock(struct csv *self, const char *name, struct fault *fault)
{
    struct folder *folder = self->folder;
    int file = folder->type->open(folder, name, OPEN_LOCK);
    if (file < 0) {
        folder_fault(fault, folder, "open", name);
        return -1;
    }
    if (folder->type->lock(folder, file) != 0) {
        if (errno == EWOULDBLOCK)
            is_held(self, file, name, fault);
        else
            folder_fault(fault, folder, "lock", name);
        folder->type->close(folder, file);
        return -1;
    }
    if (folder->type->cut(folder, file, 0) == 0
        && folder_write(folder, file, name, self->identity.worker_id, 0, fault))
        return file;
    folder_fault(fault, folder, "write", name);
    folder->type->close(folder, file);
    return -1;
}

static bool lock_lane(struct csv *self, struct csv_lane *lane, struct fault *fault)
{
    if (lane->lock >= 0 && csv_check_lock(self, lane, fault))
        return true;
    unlock(self, lane);
    lane->lock = take_lock(self, name_with(lane->name.text, ".lock").text, fault);
    return lane->lock >= 0;
}

/* ---- where a topic began ---- */

static bool is_first_of_topic(const struct lane *lane, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (str_eq(lane[i].topic, lane[at].topic))
            return false;
    return true;
}

static bool collect_starts(struct csv *self, const struct lane *lane, size_t count, str topic,
                           struct starts *starts, struct fault *fault)
{
    *starts = (struct starts){arena_alloc(&self->scratch, count * sizeof(*starts->pair)), 0};
    if (!starts->pair)
        return fault_memory(fault, "partitions");
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(lane[i].topic, topic) || lane[i].next == OFFSET_NONE)
            continue;
        starts->pair[starts->count][0] = lane[i].partition;
        starts->pair[starts->count++][1] = lane[i].next;
    }
    return true;
}

static bool write_starts(struct csv *self, const char *name, const struct side_owner *owner,
                         const struct starts *starts, struct fault *fault)
{
    struct starts there;
    bool found;
    int lock = take_lock(self, name_with(name, ".start.lock").text, fault);
    if (lock < 0)
        return false;
    /* Another task may have been first: its word holds. */
    bool good = starts_read(self->folder, &self->scratch, name, owner, &there, &found, fault)
                && (found
                    || (starts_stage(self->folder, &self->text, name, owner, starts, fault)
                        && starts_publish(self->folder, name, fault)
                        && folder_sync_names(self->folder, fault)));
    self->folder->type->close(self->folder, lock);
    return good;
}

/* The first claim of a topic says where all its partitions begin, at once: whoever takes up another
   one later must not decide anew. */
static bool store_starts(struct csv *self, const struct lane *lane, size_t count, size_t at,
                         struct fault *fault)
{
    struct file_name name;
    struct starts starts, there;
    struct side_owner owner = csv_owner(self, lane[at].topic, -1);
    bool found;
    topic_name(&name, lane[at].topic);
    if (!starts_read(self->folder, &self->scratch, name.text, &owner, &there, &found, fault)
        || !collect_starts(self, lane, count, lane[at].topic, &starts, fault))
        return false;
    return found || starts.count == 0 || write_starts(self, name.text, &owner, &starts, fault);
}

/* ---- files ---- */

static void name_first_file(struct csv *self, const struct csv_lane *lane, struct side *side)
{
    struct file_name suffix;
    snprintf(suffix.text, sizeof(suffix.text), ".%s", csv_extension(self));
    side->file = csv_rolls(self) ? csv_part_name(self, lane, side->start)
                                 : name_with(lane->name.text, suffix.text);
}

static bool make_side(struct csv *self, const struct lane *from, struct csv_lane *lane,
                      struct fault *fault)
{
    struct side_owner owner = csv_owner(self, lane->topic, -1);
    struct file_name topic;
    struct starts starts;
    bool found;
    topic_name(&topic, lane->topic);
    if (!starts_read(self->folder, &self->scratch, topic.text, &owner, &starts, &found, fault))
        return false;
    int64_t next = from->next;
    for (size_t i = 0; i < starts.count; i++)
        if (starts.pair[i][0] == lane->partition)
            next = starts.pair[i][1];
    assert(next != OFFSET_NONE);
    lane->side = (struct side){.start = next,
                               .next = next,
                               .first_us = TIME_UNKNOWN,
                               .last_us = TIME_UNKNOWN,
                               .held = OFFSET_NONE};
    name_first_file(self, lane, &lane->side);
    return true;
}

static bool remove_planned(struct csv *self, const struct str_list *planned, struct fault *fault)
{
    struct file_name name;
    for (size_t i = 0; i < planned->count; i++) {
        snprintf(name.text, sizeof(name.text), "%.*s", STR_ARG(planned->item[i]));
        if (self->folder->type->remove(self->folder, name.text) != 0 && errno != ENOENT)
            return folder_fault(fault, self->folder, "remove", name.text);
    }
    return true;
}

static bool refuse_file(struct csv *self, const struct csv_lane *lane, const char *what,
                        struct fault *fault)
{
    return fault_set(fault, FAULT_CONFIG,
                     "%s/%s %s, while its side file counts on %lld bytes: put the file back as it "
                     "was, or begin anew with an empty file.path and another name of the connector",
                     self->folder->path, lane->side.file.text, what, (long long)lane->side.length);
}

static bool cut_open_file(struct csv *self, struct csv_lane *lane, int file, struct fault *fault)
{
    struct folder *folder = self->folder;
    const char *name = lane->side.file.text;
    struct file_state state;
    if (folder->type->look(folder, file, &state) != 0)
        return folder_fault(fault, folder, "look at", name);
    lane->inode = state.inode;
    if (!state.regular)
        return refuse_file(self, lane, "is no file", fault);
    if (state.size < lane->side.length)
        return refuse_file(self, lane, "is shorter", fault);
    if (state.size == lane->side.length)
        return true;
    log_write(LOG_INFO, "%s/%s: cut from %lld to %lld bytes, the rest is written again",
              folder->path, name, (long long)state.size, (long long)lane->side.length);
    if (folder->type->cut(folder, file, lane->side.length) != 0)
        return folder_fault(fault, folder, "cut", name);
    return folder->type->sync(folder, file) == 0 || folder_sync_fault(fault, folder, name);
}

/* What stands behind the recorded length was never said to hold. */
static bool cut_file(struct csv *self, struct csv_lane *lane, struct fault *fault)
{
    struct folder *folder = self->folder;
    int file = folder->type->open(folder, lane->side.file.text, OPEN_WRITE);
    lane->inode = 0;
    if (file < 0 && errno == ENOENT)
        return lane->side.length == 0 || refuse_file(self, lane, "is not there", fault);
    if (file < 0)
        return folder_fault(fault, folder, "open", lane->side.file.text);
    bool good = cut_open_file(self, lane, file, fault);
    folder->type->close(folder, file);
    return good;
}

/* A file that holds nothing yet takes the name that the settings of today give it. */
static bool rename_empty(struct csv *self, struct csv_lane *lane, struct fault *fault)
{
    struct file_name old = lane->side.file;
    name_first_file(self, lane, &lane->side);
    if (strcmp(old.text, lane->side.file.text) == 0)
        return true;
    lane->inode = 0;
    return remove_planned(self, &(struct str_list){(str[]){str_from(old.text)}, 1}, fault);
}

static bool mend(struct csv *self, struct csv_lane *lane, struct fault *fault)
{
    bool good = csv_complete(self, &lane->side.rolled, fault)
                && remove_planned(self, &lane->side.planned, fault) && cut_file(self, lane, fault)
                && (lane->side.length > 0 || rename_empty(self, lane, fault));
    lane->side.rolled = lane->side.planned = (struct str_list){NULL, 0};
    return good;
}

static bool claim_lane(struct csv *self, const struct lane *from, struct csv_lane *lane,
                       struct fault *fault)
{
    bool found;
    struct side_owner owner = csv_owner(self, lane->topic, lane->partition);
    arena_reset(&self->scratch);
    if (!csv_beat(self, fault) || !lock_lane(self, lane, fault)
        || !side_read(self->folder, &self->scratch, lane->name.text, &owner, &lane->side, &found,
                      fault)
        || !(found ? mend(self, lane, fault) : make_side(self, from, lane, fault)))
        return false;
    lane->side.epoch++;
    lane->fresh = lane->side;
    return side_stage(self->folder, &self->text, lane->name.text, &owner, &lane->side, fault)
           && side_publish(self->folder, lane->name.text, fault);
}

/* ---- claim ---- */

static bool grow_lanes(struct csv *self, const struct lane *from, size_t count, struct fault *fault)
{
    if (count <= self->lane_count)
        return true;
    struct csv_lane *lane = mem_realloc(self->lane, count * sizeof(*lane));
    if (!lane)
        return fault_memory(fault, "partitions");
    self->lane = lane;
    for (size_t i = self->lane_count; i < count; i++) {
        lane[i] = (struct csv_lane){.topic = from[i].topic,
                                    .partition = from[i].partition,
                                    .lock = -1,
                                    .first = EXTENT_NONE,
                                    .last = EXTENT_NONE};
        lane_name(&lane[i].name, from[i].topic, from[i].partition);
    }
    self->lane_count = count;
    return true;
}

static bool is_ours(const struct lane *lane)
{
    return lane->assigned || lane->incoming;
}

bool csv_enter(struct csv *self, struct fault *fault)
{
    if (self->folder->type->enter(self->folder) != 0)
        return folder_fault(fault, self->folder, "open", NULL);
    if (self->shared || self->folder->type->kind(self->folder) != FOLDER_SHARED)
        return true;
    return fault_set(fault, FAULT_CONFIG,
                     "%s lies on a file system that other machines may write to: say "
                     "file.shared=true where its locks and renames are obeyed by all (NFS 4), or "
                     "another file.path",
                     self->folder->path);
}

static bool claim_all(struct csv *self, const struct lane *lane, size_t count, struct fault *fault)
{
    for (size_t i = 0; i < count; i++)
        if (!is_ours(&lane[i]))
            unlock(self, &self->lane[i]);
    for (size_t i = 0; i < count; i++) {
        arena_reset(&self->scratch);
        if (is_first_of_topic(lane, i) && !store_starts(self, lane, count, i, fault))
            return false;
    }
    for (size_t i = 0; i < count; i++)
        if (is_ours(&lane[i]) && !claim_lane(self, &lane[i], &self->lane[i], fault))
            return false;
    return folder_sync_names(self->folder, fault);
}

bool csv_claim(struct sink *sink, const struct lane *lane, struct memory *memory, size_t count,
               struct fault *fault)
{
    struct csv *self = (struct csv *)sink;
    if (!csv_enter(self, fault) || !grow_lanes(self, lane, count, fault))
        return false;
    csv_forget(self);
    for (size_t i = 0; i < self->lane_count; i++)
        self->lane[i].claimed = false;
    if (!claim_all(self, lane, count, fault))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct side *side = &self->lane[i].side;
        self->lane[i].claimed = is_ours(&lane[i]);
        memory[i] = self->lane[i].claimed
                        ? (struct memory){side->next, side->last_us, side->epoch, side->held}
                        : (struct memory){OFFSET_NONE, TIME_UNKNOWN, 0, OFFSET_NONE};
    }
    return true;
}
