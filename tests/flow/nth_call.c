/*
 * Loaded before libc (LD_PRELOAD): of the calls that change files below NTH_CALL_FOLDER the one
 * numbered NTH_CALL_AT fails with errno NTH_CALL_ERROR, or, where NTH_CALL_HOW says so, the process
 * is killed behind it, or it writes half of what it should and the next one fails. The file
 * NTH_CALL_MARK is made when it comes to that.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_int calls;

#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

static const char *setting(const char *name)
{
    const char *text = getenv(name);
    return text ? text : "";
}

static bool is_how(const char *how)
{
    return strcmp(setting("NTH_CALL_HOW"), how) == 0;
}

static bool is_below(const char *path)
{
    const char *folder = setting("NTH_CALL_FOLDER");
    return *folder && strncmp(path, folder, strlen(folder)) == 0;
}

static bool is_ours(int fd)
{
    char name[40], path[PATH_MAX];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(name, path, sizeof(path) - 1);
    path[len > 0 ? len : 0] = '\0';
    return is_below(path);
}

static void mark(void)
{
    int made = REAL(open)(setting("NTH_CALL_MARK"), O_WRONLY | O_CREAT, 0600);
    if (made >= 0)
        close(made);
}

enum fate { PASS, FAIL, HALF };

/* Before a call of ours. */
static enum fate decide(void)
{
    int nth = atoi(setting("NTH_CALL_AT")), number = atomic_fetch_add(&calls, 1) + 1;
    bool half = is_how("half");
    if (nth == 0)
        return PASS;
    if (number == nth)
        mark();
    if (half && number == nth)
        return HALF;
    if (number != nth + half || is_how("kill"))
        return PASS;
    errno = atoi(setting("NTH_CALL_ERROR"));
    return FAIL;
}

static void end(void)
{
    if (is_how("kill") && atomic_load(&calls) == atoi(setting("NTH_CALL_AT")))
        raise(SIGKILL);
}

#define PASS_ON(ours, failed, call)                                                                \
    do {                                                                                           \
        bool counted = ours;                                                                       \
        if (counted && decide() == FAIL)                                                           \
            return failed;                                                                         \
        __typeof__(call) result = call;                                                            \
        int error = errno;                                                                         \
        if (counted)                                                                               \
            end();                                                                                 \
        errno = error;                                                                             \
        return result;                                                                             \
    } while (0)

#define WRITE_ON(fd, size, call)                                                                   \
    do {                                                                                           \
        bool counted = is_ours(fd);                                                                \
        enum fate fate = counted ? decide() : PASS;                                                \
        if (fate == FAIL)                                                                          \
            return -1;                                                                             \
        if (fate == HALF)                                                                          \
            (size) /= 2;                                                                           \
        ssize_t result = call;                                                                     \
        int error = errno;                                                                         \
        if (counted)                                                                               \
            end();                                                                                 \
        errno = error;                                                                             \
        return result;                                                                             \
    } while (0)

ssize_t write(int fd, const void *data, size_t size)
{
    WRITE_ON(fd, size, REAL(write)(fd, data, size));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    WRITE_ON(fd, size, REAL(pwrite)(fd, data, size, at));
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    WRITE_ON(fd, size, REAL(pwrite64)(fd, data, size, at));
}

int fsync(int fd)
{
    PASS_ON(is_ours(fd), -1, REAL(fsync)(fd));
}

int fdatasync(int fd)
{
    PASS_ON(is_ours(fd), -1, REAL(fdatasync)(fd));
}

int ftruncate(int fd, off_t size)
{
    PASS_ON(is_ours(fd), -1, REAL(ftruncate)(fd, size));
}

int ftruncate64(int fd, off64_t size)
{
    PASS_ON(is_ours(fd), -1, REAL(ftruncate64)(fd, size));
}

int renameat(int from, const char *name, int to, const char *other)
{
    PASS_ON(is_ours(from), -1, REAL(renameat)(from, name, to, other));
}

int unlinkat(int folder, const char *name, int flags)
{
    PASS_ON(is_ours(folder), -1, REAL(unlinkat)(folder, name, flags));
}

static mode_t mode_of(int flags, va_list arguments)
{
    return flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
}

int open(const char *name, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    PASS_ON(is_below(name), -1, REAL(open)(name, flags, mode));
}

int openat(int folder, const char *name, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    PASS_ON(is_ours(folder), -1, REAL(openat)(folder, name, flags, mode));
}
