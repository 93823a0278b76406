/*
 * What a service manager hears, at a socket of the test's own.
 */
#include "check.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify.h"

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    memcpy(address.sun_path, path, len);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                     0);
    setenv("NOTIFY_SOCKET", path, 1);
    return fd;
}

static void check_heard(int fd, const char *want)
{
    char text[1000];
    ssize_t len = recv(fd, text, sizeof(text), 0);
    check_text("heard", (str){text, len > 0 ? (size_t)len : 0}, want);
}

static void say_all(int fd)
{
    notify_ready();
    check_heard(fd, "READY=1");
    notify_status("2 connectors");
    check_heard(fd, "STATUS=2 connectors");
    notify_stopping();
    check_heard(fd, "STOPPING=1");
    check_heard(fd, "");
    close(fd);
}

static void test_sockets(void **state)
{
    (void)state;
    char name[100], folder[] = "/tmp/fieldtrail-notify-XXXXXX";
    assert_non_null(mkdtemp(folder));
    snprintf(name, sizeof(name), "%s/socket", folder);
    say_all(listen_at(name));
    unlink(name);
    rmdir(folder);
    snprintf(name, sizeof(name), "@fieldtrail-notify-%d", (int)getpid());
    say_all(listen_at(name));
}

/* Nobody listens, or at no address: nothing happens. */
static void test_nobody(void **state)
{
    (void)state;
    char longest[300];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    const char *const paths[] = {"", "/", "relative", "/nowhere/at/all", longest};
    for (size_t i = 0; i < COUNT(paths); i++) {
        setenv("NOTIFY_SOCKET", paths[i], 1);
        notify_ready();
    }
    unsetenv("NOTIFY_SOCKET");
    notify_ready();
}

static int64_t interval_of(const char *usec, const char *pid)
{
    struct notify notify;
    if (usec)
        setenv("WATCHDOG_USEC", usec, 1);
    else
        unsetenv("WATCHDOG_USEC");
    if (pid)
        setenv("WATCHDOG_PID", pid, 1);
    else
        unsetenv("WATCHDOG_PID");
    notify_init(&notify);
    return notify.interval_ms;
}

static void test_watchdog(void **state)
{
    (void)state;
    char pid[20], name[100];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    check_number("not asked", interval_of(NULL, NULL), 0);
    check_number("another process", interval_of("30000000", "1"), 0);
    check_number("garbage", interval_of("soon", pid), 0);
    check_number("none", interval_of("0", pid), 0);
    check_number("us", interval_of("30000000", pid), 10000);
    check_number("anybody", interval_of("30000000", NULL), 10000);
    snprintf(name, sizeof(name), "@fieldtrail-watchdog-%d", (int)getpid());
    int fd = listen_at(name);
    struct notify notify = {.interval_ms = 10, .last_ms = 100};
    notify_alive(&notify, 109);
    check_heard(fd, "");
    notify_alive(&notify, 110);
    check_heard(fd, "WATCHDOG=1");
    notify_alive(&notify, 119);
    check_heard(fd, "");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_watchdog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
