/*
 * A directory of the system.
 */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "mem.h"

struct disk {
    struct folder folder;
    char *path;
    int fd; /* -1: not entered yet */
};

static void take_state(const struct stat *from, struct file_state *state)
{
    *state = (struct file_state){from->st_dev, from->st_ino, from->st_size, S_ISREG(from->st_mode)};
}

/* Another directory may stand at the path since: a disk was mounted, or somebody moved it. */
static int disk_enter(struct folder *folder)
{
    struct disk *self = (struct disk *)folder;
    struct stat open_one, named_one;
    if (self->fd >= 0 && fstat(self->fd, &open_one) == 0 && stat(self->path, &named_one) == 0
        && open_one.st_dev == named_one.st_dev && open_one.st_ino == named_one.st_ino)
        return 0;
    int fd = open(self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (self->fd >= 0)
        close(self->fd);
    self->fd = fd;
    return 0;
}

/* File systems that several machines mount at once, and those in memory (statfs(2) has the
   numbers). */
static enum folder_kind disk_kind(struct folder *folder)
{
    static const unsigned long shared[] = {0x6969 /* NFS */,
                                           0x517b /* SMB */,
                                           0xff534d42 /* CIFS */,
                                           0xfe534d42 /* SMB2 */,
                                           0x00c36400 /* Ceph */,
                                           0x5346414f /* AFS */,
                                           0x7461636f /* OCFS2 */,
                                           0x01161970 /* GFS2 */,
                                           0x0bd00bd0 /* Lustre */,
                                           0x01021997 /* 9P */,
                                           0x65735546 /* FUSE */};
    struct disk *self = (struct disk *)folder;
    struct statfs system;
    if (fstatfs(self->fd, &system) != 0)
        return FOLDER_LOCAL;
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
        if ((unsigned long)system.f_type == shared[i])
            return FOLDER_SHARED;
    return system.f_type == 0x01021994 || (unsigned long)system.f_type == 0x858458f6
               ? FOLDER_VOLATILE /* tmpfs, ramfs */
               : FOLDER_LOCAL;
}

static bool disk_is_writable(struct folder *folder)
{
    return faccessat(((struct disk *)folder)->fd, ".", W_OK | X_OK, AT_EACCESS) == 0;
}

static int disk_open(struct folder *folder, const char *name, enum open_mode mode)
{
    static const int flags[] = {[OPEN_READ] = O_RDONLY,
                                [OPEN_WRITE] = O_WRONLY,
                                [OPEN_ANEW] = O_WRONLY | O_CREAT | O_TRUNC,
                                [OPEN_LOCK] = O_RDWR | O_CREAT};
    struct disk *self = (struct disk *)folder;
    int fd;
    /* A link that somebody planted is not followed; a pipe in the file's place must not block. */
    do
        fd = openat(self->fd, name, flags[mode] | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static void disk_close(struct folder *folder, int file)
{
    (void)folder;
    close(file);
}

static ssize_t disk_read(struct folder *folder, int file, void *to, size_t size, int64_t at)
{
    (void)folder;
    return pread(file, to, size, at);
}

static ssize_t disk_write(struct folder *folder, int file, const void *from, size_t size,
                          int64_t at)
{
    (void)folder;
    return pwrite(file, from, size, at);
}

static int disk_cut(struct folder *folder, int file, int64_t size)
{
    (void)folder;
    return ftruncate(file, size);
}

static int disk_sync(struct folder *folder, int file)
{
    (void)folder;
    return fsync(file);
}

static int disk_sync_names(struct folder *folder)
{
    return fsync(((struct disk *)folder)->fd);
}

static int disk_rename(struct folder *folder, const char *from, const char *to)
{
    struct disk *self = (struct disk *)folder;
    return renameat(self->fd, from, self->fd, to);
}

static int disk_remove(struct folder *folder, const char *name)
{
    return unlinkat(((struct disk *)folder)->fd, name, 0);
}

static int disk_look(struct folder *folder, int file, struct file_state *state)
{
    struct stat found;
    (void)folder;
    if (fstat(file, &found) != 0)
        return -1;
    take_state(&found, state);
    return 0;
}

static int disk_find(struct folder *folder, const char *name, struct file_state *state)
{
    struct stat found;
    if (fstatat(((struct disk *)folder)->fd, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    take_state(&found, state);
    return 0;
}

static int disk_lock(struct folder *folder, int file)
{
    (void)folder;
    return flock(file, LOCK_EX | LOCK_NB);
}

static int disk_list(struct folder *folder, bool (*each)(void *context, const char *name),
                     void *context)
{
    int fd = openat(((struct disk *)folder)->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(directory)) && each(context, entry->d_name))
        errno = 0;
    int failed = entry ? 0 : errno;
    closedir(directory);
    errno = failed;
    return failed ? -1 : 0;
}

static void disk_leave(struct folder *folder)
{
    struct disk *self = (struct disk *)folder;
    if (self->fd >= 0)
        close(self->fd);
    mem_free(self->path);
    mem_free(self);
}

static const struct folder_type disk_folder = {.enter = disk_enter,
                                               .kind = disk_kind,
                                               .is_writable = disk_is_writable,
                                               .open = disk_open,
                                               .close = disk_close,
                                               .read = disk_read,
                                               .write = disk_write,
                                               .cut = disk_cut,
                                               .sync = disk_sync,
                                               .sync_names = disk_sync_names,
                                               .rename = disk_rename,
                                               .remove = disk_remove,
                                               .look = disk_look,
                                               .find = disk_find,
                                               .lock = disk_lock,
                                               .list = disk_list,
                                               .leave = disk_leave};

struct folder *folder_new(str path, struct fault *fault)
{
    struct disk *self = mem_alloc(sizeof(*self));
    char *copy = self ? mem_alloc(path.len + 1) : NULL;
    if (!copy) {
        mem_free(self);
        fault_memory(fault, "a directory");
        return NULL;
    }
    memcpy(copy, path.ptr, path.len);
    copy[path.len] = '\0';
    *self = (struct disk){{&disk_folder, copy}, copy, -1};
    return &self->folder;
}

/* Errors that only a person can mend; all others may pass by themselves. */
static const char *remedy_of(int code)
{
    switch (code) {
    case ENOENT:
    case ENOTDIR:
        return "make the directory, or mount it";
    case EACCES:
    case EPERM:
        return "give this user the right to write there";
    case EROFS:
        return "mount it for writing";
    case ELOOP:
    case EISDIR:
    case ENAMETOOLONG:
        return "say another file.path";
    case EMFILE:
    case ENFILE:
        return "a partition needs one open file: raise the limit (ulimit -n)";
    default:
        return NULL;
    }
}

bool folder_fault(struct fault *fault, const struct folder *folder, const char *what,
                  const char *name)
{
    int code = errno;
    const char *remedy = remedy_of(code);
    fault_set(fault, remedy ? FAULT_CONFIG : FAULT_RETRY, "cannot %s %s%s%s: %s%s%s", what,
              folder->path, name ? "/" : "", name ? name : "", strerror(code), remedy ? ": " : "",
              remedy ? remedy : "");
    fault->code = code;
    return false;
}

bool folder_sync_fault(struct fault *fault, const struct folder *folder, const char *name)
{
    int code = errno;
    fault_set(fault, FAULT_FATAL,
              "cannot make %s%s%s durable: %s; this is not tried again, look at the disk and start "
              "anew: what is not known to be on it is then written again",
              folder->path, name ? "/" : "", name ? name : "", strerror(code));
    fault->code = code;
    return false;
}

bool folder_write(struct folder *folder, int file, const char *name, str bytes, int64_t at,
                  struct fault *fault)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t written = folder->type->write(folder, file, bytes.ptr + done, bytes.len - done,
                                              at + (int64_t)done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            errno = written < 0 ? errno : ENOSPC;
            return folder_fault(fault, folder, "write", name);
        }
        done += (size_t)written;
    }
    return true;
}

bool folder_sync_names(struct folder *folder, struct fault *fault)
{
    return folder->type->sync_names(folder) == 0 || folder_sync_fault(fault, folder, NULL);
}
