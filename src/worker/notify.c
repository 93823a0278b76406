/*
 * The protocol is one datagram of NAME=value lines to a Unix socket; libsystemd does the same with
 * 800 KiB of library. A message that cannot be sent is nobody's fault: the manager notices silence.
 */
#include "notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_LIMIT 500

static void notify_send(str message)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    if (len < 2 || (path[0] != '/' && path[0] != '@') || len >= sizeof(address.sun_path))
        return;
    memcpy(address.sun_path, path, len);
    /* An abstract name begins with a NUL and ends with its last byte. */
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    (void)!sendto(fd, message.ptr, message.len, MSG_NOSIGNAL, (const struct sockaddr *)&address,
                  size);
    close(fd);
}

void notify_init(struct notify *notify)
{
    const char *pid = getenv("WATCHDOG_PID"), *usec = getenv("WATCHDOG_USEC");
    int64_t asked_us, asked_pid;
    *notify = (struct notify){0};
    if (!usec || !str_to_int64(str_from(usec), &asked_us) || asked_us <= 0)
        return;
    if (pid && (!str_to_int64(str_from(pid), &asked_pid) || asked_pid != getpid()))
        return;
    /* Three chances within the time there is. */
    notify->interval_ms = asked_us / 3000 > 0 ? asked_us / 3000 : 1;
}

void notify_ready(void)
{
    notify_send(STR("READY=1"));
}

void notify_stopping(void)
{
    notify_send(STR("STOPPING=1"));
}

void notify_status(const char *text)
{
    char message[MESSAGE_LIMIT];
    int len = snprintf(message, sizeof(message), "STATUS=%s", text);
    if (len > 0)
        notify_send(
            (str){message, (size_t)len < sizeof(message) ? (size_t)len : sizeof(message) - 1});
}

void notify_alive(struct notify *notify, int64_t now_ms)
{
    if (notify->interval_ms == 0 || now_ms - notify->last_ms < notify->interval_ms)
        return;
    notify->last_ms = now_ms;
    notify_send(STR("WATCHDOG=1"));
}
