/*
 * The process by /proc and getrusage.
 */
#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define FILE_LIMIT 65536

/* The beginning of a file, NUL-terminated; empty where it cannot be read. */
static void read_file(const char *path, char *text, size_t size)
{
    size_t len = 0;
    ssize_t more = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && more > 0 && len + 1 < size) {
        more = read(fd, text + len, size - 1 - len);
        len += more > 0 ? (size_t)more : 0;
    }
    text[len] = '\0';
    if (fd >= 0)
        close(fd);
}

static uint64_t count_fds(void)
{
    uint64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the folder itself */
}

/* When the system began, in seconds since 1970. */
static double boot_seconds(void)
{
    char *text = calloc(1, FILE_LIMIT);
    double seconds = 0;
    if (text) {
        read_file("/proc/stat", text, FILE_LIMIT);
        const char *line = strstr(text, "\nbtime ");
        seconds = line ? strtod(line + 7, NULL) : 0;
    }
    free(text);
    return seconds;
}

/* The n-th field of /proc/self/stat, counted from the state, which is the third. The name before
   it may hold blanks and brackets. */
static double stat_field(const char *text, int nth)
{
    const char *at = strrchr(text, ')');
    for (int i = 2; at && i < nth; i++)
        at = strchr(at + 1, ' ');
    return at ? strtod(at + 1, NULL) : 0;
}

void process_read(struct process *process)
{
    char text[2000];
    struct rusage usage;
    struct rlimit limit;
    *process = (struct process){0};
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        process->cpu_seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                               + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        process->max_fds = limit.rlim_cur;
    read_file("/proc/self/stat", text, sizeof(text));
    process->threads = (uint64_t)stat_field(text, 20);
    process->start_seconds = boot_seconds() + stat_field(text, 22) / (double)sysconf(_SC_CLK_TCK);
    process->virtual_bytes = (uint64_t)stat_field(text, 23);
    process->resident_bytes = (uint64_t)stat_field(text, 24) * (uint64_t)sysconf(_SC_PAGESIZE);
    process->open_fds = count_fds();
}
