/*
 * Whole files get their final names. Readers look for those alone: a file is there under its final
 * name once, with all of its rows, and never changes again.
 */
#include <errno.h>

#include "csv_lanes.h"
#include "mem.h"

#define PIECE_SIZE ((size_t)256 * 1024)

static struct file_name text_of(str name)
{
    struct file_name out;
    snprintf(out.text, sizeof(out.text), "%.*s", STR_ARG(name));
    return out;
}

/* Whether the file is there under its final name, compressed or not. */
static bool find_final(struct csv *self, struct file_name name, struct file_name *as)
{
    struct file_state state;
    for (int kind = 0; kind < PACK_KINDS; kind++) {
        *as = name_with(name.text, pack_suffix((enum pack_kind)kind));
        if (self->folder->type->find(self->folder, as->text, &state) == 0)
            return true;
    }
    return false;
}

bool csv_check_final(struct csv *self, str name, struct fault *fault)
{
    struct file_name as;
    if (!find_final(self, text_of(name), &as))
        return true;
    return fault_set(fault, FAULT_CONFIG,
                     "%s/%s is there already: the positions were set back, or the file came from "
                     "elsewhere; move it away",
                     self->folder->path, as.text);
}

static bool remove_file(struct csv *self, const char *name, struct fault *fault)
{
    return self->folder->type->remove(self->folder, name) == 0 || errno == ENOENT
           || folder_fault(fault, self->folder, "remove", name);
}

struct files {
    int from, to;
    const char *from_name, *to_name;
};

static bool pack_pieces(struct csv *self, struct pack *pack, const struct files *files, char *piece,
                        struct fault *fault)
{
    int64_t read_at = 0, write_at = 0;
    ssize_t got;
    do {
        got = self->folder->type->read(self->folder, files->from, piece, PIECE_SIZE, read_at);
        if (got < 0 && errno != EINTR)
            return folder_fault(fault, self->folder, "read", files->from_name);
        if (got < 0)
            continue;
        buf_clear(&self->text);
        if (!pack_put(pack, (str){piece, (size_t)got}, got == 0, &self->text, fault)
            || !folder_write(self->folder, files->to, files->to_name, buf_view(&self->text),
                             write_at, fault)
            || !csv_beat(self, fault))
            return false;
        read_at += got;
        write_at += (int64_t)self->text.len;
    } while (got != 0);
    return self->folder->type->sync(self->folder, files->to) == 0
           || folder_sync_fault(fault, self->folder, files->to_name);
}

static bool pack_file(struct csv *self, const struct files *files, struct fault *fault)
{
    char *piece = mem_alloc(PIECE_SIZE);
    if (!piece)
        return fault_memory(fault, "compression");
    struct pack *pack = pack_new((enum pack_kind)self->compression, fault);
    bool good = pack && pack_pieces(self, pack, files, piece, fault);
    pack_free(pack);
    mem_free(piece);
    return good;
}

/* Compressed under a name that readers do not look for, then renamed. */
static bool compress(struct csv *self, const char *from, const char *final, struct fault *fault)
{
    struct folder *folder = self->folder;
    struct file_name part = name_with(final, PART_SUFFIX);
    struct files files = {.from_name = from, .to_name = part.text};
    files.from = folder->type->open(folder, from, OPEN_READ);
    if (files.from < 0)
        return folder_fault(fault, folder, "read", from);
    files.to = folder->type->open(folder, part.text, OPEN_ANEW);
    bool good = files.to >= 0 ? pack_file(self, &files, fault)
                              : folder_fault(fault, folder, "make", part.text);
    folder->type->close(folder, files.from);
    if (files.to >= 0)
        folder->type->close(folder, files.to);
    return good
           && (folder->type->rename(folder, part.text, final) == 0
               || folder_fault(fault, folder, "rename", part.text))
           && folder_sync_names(folder, fault);
}

/* What a crash, or another setting of file.compression, left half packed. */
static bool remove_halves(struct csv *self, const char *to, struct fault *fault)
{
    for (int kind = PACK_GZIP; kind < PACK_KINDS; kind++) {
        struct file_name packed = name_with(to, pack_suffix((enum pack_kind)kind));
        if (!remove_file(self, name_with(packed.text, PART_SUFFIX).text, fault))
            return false;
    }
    return true;
}

static bool complete_one(struct csv *self, const char *from, struct file_name to,
                         struct fault *fault)
{
    struct folder *folder = self->folder;
    struct file_state state;
    struct file_name as;
    if (!remove_halves(self, to.text, fault))
        return false;
    if (folder->type->find(folder, from, &state) != 0)
        return errno == ENOENT || folder_fault(fault, folder, "find", from);
    /* Before the roll was written down no file had this name: it is ours, and whole. */
    if (find_final(self, to, &as))
        return remove_file(self, from, fault);
    if (self->compression == PACK_NONE)
        return folder->type->rename(folder, from, to.text) == 0
               || folder_fault(fault, folder, "rename", from);
    as = name_with(to.text, pack_suffix((enum pack_kind)self->compression));
    return compress(self, from, as.text, fault) && remove_file(self, from, fault);
}

bool csv_complete(struct csv *self, const struct str_list *rolled, struct fault *fault)
{
    for (size_t i = 0; i + 1 < rolled->count; i += 2) {
        struct file_name from = text_of(rolled->item[i]), to = text_of(rolled->item[i + 1]);
        if (!csv_beat(self, fault) || !complete_one(self, from.text, to, fault))
            return false;
    }
    return rolled->count == 0 || folder_sync_names(self->folder, fault);
}
