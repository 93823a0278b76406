/*
 * memory_folder: a directory in memory that knows what would have survived a power cut, and can
 * stop the machine, or fail, at the n-th call that changes something. Who includes it brings HELPER
 * and the assertions of check.h, or its own.
 */
#ifndef FIELDTRAIL_MEMORY_FOLDER_H
#define FIELDTRAIL_MEMORY_FOLDER_H

#include <errno.h>

#include "folder.h"

#define NODES 100
#define FILES 64
#define NODE_SIZE 4096

/* What a power cut takes; a killed process loses nothing of what it wrote. */
enum cut_kind { CUT_PROCESS, CUT_NAMES = 1, CUT_CONTENT = 2, CUT_ALL = 3, CUT_SOME_NAMES = 4 };
#define CUT_KINDS 5

struct bytes {
    char *ptr; /* NODE_SIZE bytes, or NULL */
    size_t len;
};

struct node {
    struct bytes now, durable;
    int locked_by; /* file number + 1; 0: nobody */
};

struct name {
    char text[64]; /* "": unused */
    int node;
};

struct opened {
    bool used;
    int node;
    int who; /* opened it: see `who` */
};

struct memory_folder {
    struct folder folder;
    struct node node[NODES];
    int node_count;
    struct name now[NODES], durable[NODES];
    struct opened file[FILES];
    /* Steps are calls that change something. */
    unsigned step, stop_at, fail_at;
    int fail_with;
    bool stopped; /* the machine, or the process: nothing works any more */
    bool failed;
    bool half; /* the write at which it stops is half done */
    enum folder_kind kind;
    bool away, read_only;
    unsigned syncs;
    /* Where processes share the directory: who calls, and what happens to a call before it is done:
       nothing (0), or the errno it fails with. Others may call meanwhile. */
    int (*who)(void);
    int (*before)(struct memory_folder *self);
};

HELPER struct memory_folder *folder_of(struct folder *folder)
{
    return (struct memory_folder *)folder;
}

/* Whether the call is not to be done; errno is set. */
HELPER bool trips(struct memory_folder *self)
{
    errno = EIO;
    if (self->stopped)
        return true;
    int failure = self->before ? self->before(self) : 0;
    if (failure != 0) {
        errno = failure;
        return true;
    }
    self->step++;
    if (self->step == self->stop_at) {
        self->stopped = true;
        return true;
    }
    if (self->step != self->fail_at)
        return false;
    self->failed = true;
    errno = self->fail_with;
    return true;
}

HELPER struct name *name_in(struct name *list, const char *text)
{
    for (int i = 0; i < NODES; i++)
        if (list[i].text[0] && strcmp(list[i].text, text) == 0)
            return &list[i];
    return NULL;
}

HELPER struct name *name_add(struct name *list, const char *text, int node)
{
    for (int i = 0; i < NODES; i++) {
        if (list[i].text[0])
            continue;
        snprintf(list[i].text, sizeof(list[i].text), "%s", text);
        list[i].node = node;
        return &list[i];
    }
    fail_msg("too many names");
    return NULL;
}

HELPER int new_node(struct memory_folder *self)
{
    for (int i = 0; i < NODES; i++) {
        bool used = false;
        for (int j = 0; j < NODES && !used; j++)
            used = (self->now[j].text[0] && self->now[j].node == i)
                   || (self->durable[j].text[0] && self->durable[j].node == i)
                   || (j < FILES && self->file[j].used && self->file[j].node == i);
        if (used)
            continue;
        self->node[i].now.len = self->node[i].durable.len = 0;
        self->node[i].locked_by = 0;
        return i;
    }
    fail_msg("too many files");
    return -1;
}

HELPER void bytes_reserve(struct bytes *bytes)
{
    if (!bytes->ptr)
        bytes->ptr = malloc(NODE_SIZE);
    assert_non_null(bytes->ptr);
}

HELPER void bytes_copy(struct bytes *to, const struct bytes *from)
{
    bytes_reserve(to);
    if (from->len > 0)
        memcpy(to->ptr, from->ptr, from->len);
    to->len = from->len;
}

HELPER int memory_enter(struct folder *folder)
{
    errno = folder_of(folder)->away ? ENOENT : EIO;
    return folder_of(folder)->stopped || folder_of(folder)->away ? -1 : 0;
}

HELPER enum folder_kind memory_kind(struct folder *folder)
{
    return folder_of(folder)->kind;
}

HELPER bool memory_is_writable(struct folder *folder)
{
    errno = EROFS;
    return !folder_of(folder)->read_only;
}

HELPER int open_node(struct memory_folder *self, int node)
{
    for (int i = 0; i < FILES; i++) {
        if (self->file[i].used)
            continue;
        self->file[i] = (struct opened){true, node, self->who ? self->who() : 0};
        return i;
    }
    fail_msg("too many open files");
    return -1;
}

HELPER int memory_open(struct folder *folder, const char *name, enum open_mode mode)
{
    struct memory_folder *self = folder_of(folder);
    struct name *there = name_in(self->now, name);
    bool changes = mode == OPEN_ANEW || (mode == OPEN_LOCK && !there);
    errno = EIO;
    if (changes ? trips(self) : self->stopped)
        return -1;
    there = name_in(self->now, name);
    if (!there && !changes) {
        errno = ENOENT;
        return -1;
    }
    if (!there)
        there = name_add(self->now, name, new_node(self));
    else if (mode == OPEN_ANEW)
        self->node[there->node].now.len = 0;
    return open_node(self, there->node);
}

HELPER void memory_close(struct folder *folder, int file)
{
    struct memory_folder *self = folder_of(folder);
    assert_true(self->file[file].used);
    struct node *node = &self->node[self->file[file].node];
    if (node->locked_by == file + 1)
        node->locked_by = 0;
    self->file[file].used = false;
}

HELPER struct node *node_of(struct memory_folder *self, int file)
{
    assert_true(file >= 0 && file < FILES && self->file[file].used);
    return &self->node[self->file[file].node];
}

HELPER ssize_t memory_read(struct folder *folder, int file, void *to, size_t size, int64_t at)
{
    struct memory_folder *self = folder_of(folder);
    const struct bytes *bytes = &node_of(self, file)->now;
    errno = EIO;
    if (self->stopped)
        return -1;
    size_t left = (size_t)at < bytes->len ? bytes->len - (size_t)at : 0;
    size_t got = size < left ? size : left;
    if (got > 0)
        memcpy(to, bytes->ptr + at, got);
    return (ssize_t)got;
}

HELPER ssize_t memory_write(struct folder *folder, int file, const void *from, size_t size,
                            int64_t at)
{
    struct memory_folder *self = folder_of(folder);
    struct bytes *bytes = &node_of(self, file)->now;
    bool was_stopped = self->stopped;
    bool tripped = trips(self);
    int code = errno;
    if (was_stopped || (tripped && !self->half))
        return -1;
    if (tripped)
        size /= 2;
    bytes_reserve(bytes);
    assert_true((size_t)at + size <= NODE_SIZE);
    assert_true((size_t)at <= bytes->len); /* nobody leaves holes */
    memcpy(bytes->ptr + at, from, size);
    if (bytes->len < (size_t)at + size)
        bytes->len = (size_t)at + size;
    errno = code;
    return tripped ? -1 : (ssize_t)size;
}

HELPER int memory_cut(struct folder *folder, int file, int64_t size)
{
    struct memory_folder *self = folder_of(folder);
    if (trips(self))
        return -1;
    assert_true((size_t)size <= node_of(self, file)->now.len);
    node_of(self, file)->now.len = (size_t)size;
    return 0;
}

/* What a failed sync may mean at its worst: the pages are gone, and nobody will say so again. */
HELPER int memory_sync(struct folder *folder, int file)
{
    struct memory_folder *self = folder_of(folder);
    struct node *node = node_of(self, file);
    bool was_stopped = self->stopped;
    if (trips(self)) {
        if (!was_stopped && !self->stopped)
            bytes_copy(&node->now, &node->durable);
        errno = EIO;
        return -1;
    }
    self->syncs++;
    bytes_copy(&node->durable, &node->now);
    return 0;
}

HELPER int memory_sync_names(struct folder *folder)
{
    struct memory_folder *self = folder_of(folder);
    if (trips(self))
        return -1;
    memcpy(self->durable, self->now, sizeof(self->now));
    return 0;
}

HELPER int memory_rename(struct folder *folder, const char *from, const char *to)
{
    struct memory_folder *self = folder_of(folder);
    if (trips(self))
        return -1;
    struct name *old = name_in(self->now, from), *over = name_in(self->now, to);
    if (!old) {
        errno = ENOENT;
        return -1;
    }
    if (over)
        over->text[0] = '\0';
    snprintf(old->text, sizeof(old->text), "%s", to);
    return 0;
}

HELPER int memory_remove(struct folder *folder, const char *name)
{
    struct memory_folder *self = folder_of(folder);
    errno = ENOENT;
    if (!name_in(self->now, name) || trips(self))
        return -1;
    struct name *there = name_in(self->now, name);
    if (there)
        there->text[0] = '\0';
    return 0;
}

HELPER void tell_state(const struct memory_folder *self, int node, struct file_state *state)
{
    *state = (struct file_state){1, (uint64_t)node + 1, (int64_t)self->node[node].now.len, true};
}

HELPER int memory_look(struct folder *folder, int file, struct file_state *state)
{
    struct memory_folder *self = folder_of(folder);
    errno = EIO;
    if (self->stopped)
        return -1;
    tell_state(self, self->file[file].node, state);
    return 0;
}

HELPER int memory_find(struct folder *folder, const char *name, struct file_state *state)
{
    struct memory_folder *self = folder_of(folder);
    const struct name *there = name_in(self->now, name);
    errno = self->stopped ? EIO : ENOENT;
    if (self->stopped || !there)
        return -1;
    tell_state(self, there->node, state);
    return 0;
}

HELPER int memory_lock(struct folder *folder, int file)
{
    struct memory_folder *self = folder_of(folder);
    struct node *node = node_of(self, file);
    errno = self->stopped ? EIO : EWOULDBLOCK;
    if (self->stopped || (node->locked_by != 0 && node->locked_by != file + 1))
        return -1;
    node->locked_by = file + 1;
    return 0;
}

HELPER int memory_list(struct folder *folder, bool (*each)(void *context, const char *name),
                       void *context)
{
    struct memory_folder *self = folder_of(folder);
    errno = EIO;
    if (self->stopped)
        return -1;
    for (int i = 0; i < NODES; i++)
        if (self->now[i].text[0] && !each(context, self->now[i].text))
            break;
    return 0;
}

/* The sink is done with it; the directory stays. */
HELPER void memory_leave(struct folder *folder)
{
    (void)folder;
}

static const struct folder_type memory_folder_type = {.enter = memory_enter,
                                                      .kind = memory_kind,
                                                      .is_writable = memory_is_writable,
                                                      .open = memory_open,
                                                      .close = memory_close,
                                                      .read = memory_read,
                                                      .write = memory_write,
                                                      .cut = memory_cut,
                                                      .sync = memory_sync,
                                                      .sync_names = memory_sync_names,
                                                      .rename = memory_rename,
                                                      .remove = memory_remove,
                                                      .look = memory_look,
                                                      .find = memory_find,
                                                      .lock = memory_lock,
                                                      .list = memory_list,
                                                      .leave = memory_leave};

/* An empty directory; the memory of its files is used again. */
HELPER void memory_clear(struct memory_folder *self)
{
    self->who = NULL;
    self->before = NULL;
    for (int i = 0; i < NODES; i++)
        self->now[i].text[0] = self->durable[i].text[0] = '\0';
    for (int i = 0; i < FILES; i++)
        self->file[i].used = false;
    self->folder = (struct folder){&memory_folder_type, "memory"};
    self->step = self->stop_at = self->fail_at = self->syncs = 0;
    self->stopped = self->failed = self->half = self->away = self->read_only = false;
    self->kind = FOLDER_LOCAL;
}

HELPER void memory_free(struct memory_folder *self)
{
    for (int i = 0; i < NODES; i++) {
        free(self->node[i].now.ptr);
        free(self->node[i].durable.ptr);
        self->node[i].now = self->node[i].durable = (struct bytes){NULL, 0};
    }
}

HELPER struct name *name_of_node(struct name *list, int node)
{
    for (int i = 0; i < NODES; i++)
        if (list[i].text[0] && list[i].node == node)
            return &list[i];
    return NULL;
}

/* Which changes of names got to the disk on their own before the power went. */
HELPER bool got_there(const struct memory_folder *self, int node)
{
    return ((unsigned)node * 2654435761u + self->step * 40503u) >> 15 & 1;
}

/* A change that was not synced may be on the disk or not, whatever came before or after it; each is
   whole: a rename leaves the file under one of its names, a replaced name leads to one of two. */
HELPER void lose_some_names(struct memory_folder *self)
{
    static struct name result[NODES];
    for (int i = 0; i < NODES; i++)
        result[i].text[0] = '\0';
    for (int i = 0; i < NODES; i++)
        if (self->now[i].text[0] && got_there(self, self->now[i].node))
            name_add(result, self->now[i].text, self->now[i].node);
    for (int i = 0; i < NODES; i++) {
        const struct name *old = &self->durable[i];
        if (!old->text[0] || name_in(result, old->text))
            continue;
        bool gone = !name_of_node(self->now, old->node) && !name_in(self->now, old->text);
        bool moved = name_of_node(result, old->node) != NULL;
        if (!moved && !(gone && got_there(self, old->node)))
            name_add(result, old->text, old->node);
    }
    memcpy(self->now, result, sizeof(result));
}

/* After the stop: what is left, and nothing is open or locked. */
HELPER void memory_restart(struct memory_folder *self, enum cut_kind kind)
{
    for (int i = 0; i < FILES; i++)
        if (self->file[i].used)
            memory_close(&self->folder, i);
    if (kind & CUT_SOME_NAMES)
        lose_some_names(self);
    if (kind & CUT_NAMES)
        memcpy(self->now, self->durable, sizeof(self->now));
    for (int i = 0; i < NODES; i++) {
        if (kind & (CUT_CONTENT | CUT_SOME_NAMES))
            bytes_copy(&self->node[i].now, &self->node[i].durable);
        else
            bytes_copy(&self->node[i].durable, &self->node[i].now);
    }
    memcpy(self->durable, self->now, sizeof(self->now));
    self->stopped = self->failed = false;
    self->stop_at = self->fail_at = 0;
}

/* A process is gone: what it had open is closed. */
HELPER void memory_close_of(struct memory_folder *self, int who)
{
    for (int i = 0; i < FILES; i++)
        if (self->file[i].used && self->file[i].who == who)
            memory_close(&self->folder, i);
}

/* A file's bytes; ptr is NULL where there is none of that name. */
HELPER str memory_content(struct memory_folder *self, const char *name)
{
    const struct name *there = name_in(self->now, name);
    if (!there)
        return STR_EMPTY;
    bytes_reserve(&self->node[there->node].now);
    return (str){self->node[there->node].now.ptr, self->node[there->node].now.len};
}

HELPER void memory_put(struct memory_folder *self, const char *name, str content)
{
    int file = memory_open(&self->folder, name, OPEN_ANEW);
    assert_true(memory_write(&self->folder, file, content.ptr, content.len, 0)
                == (ssize_t)content.len);
    assert_int_equal(memory_sync(&self->folder, file), 0);
    memory_close(&self->folder, file);
    assert_int_equal(memory_sync_names(&self->folder), 0);
}

#endif
